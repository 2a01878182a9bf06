import { ErrorCode, KafkaError } from '../errors.ts';
import { MalformedBytesError } from '../primitives/protocol-error.ts';
import {
  batchesOf,
  CompressionType,
  LOG_OVERHEAD,
  BATCH_HEADER_SIZE,
  type BatchHeader,
} from './batch-header.ts';
import { decodeLegacyBatch, encodeMessageSet, type LegacyMagic } from './message-set.ts';
import { decodeRecordBatch, DECOMPRESSED_SIZE_MAX_DEFAULT } from './record-batch.ts';
import type { DecodedRecord } from './record.ts';

/** How old clients get what the log holds in a newer format. */
export interface DownConversion {
  /** Fetch v0 and v1 read messages of format v0, Fetch v2 and v3 those of v1. */
  readonly toMagic: LegacyMagic;
  /** The offset that was asked for. */
  readonly firstOffset: number;
  /** The most bytes to give; exceeded only by the first batch, so that the client gets on. */
  readonly maxBytes?: number;
  /** Bound for what one batch decodes to, 100 MiB unless given. */
  readonly sizeMaxBytes?: number;
}

/**
 * The batches of `buffer[start, end)` in an older message format, as the answer to a fetch of an old client.
 *
 * Batches that are old enough stay as they are. Control batches and headers do not exist in the old formats and
 * are left out; so are records before `firstOffset` of uncompressed batches, on which some old clients rely. A
 * batch that the old formats cannot hold (zstd) ends the answer; at its beginning it is an error. Where bytes
 * were there and nothing of them is left, the answer is the beginning of a message that never comes: the old
 * consumer takes that as a message larger than its fetch size and says so, instead of asking forever.
 *
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE when the first batch is compressed with zstd, CORRUPT_MESSAGE
 *   when one cannot be decoded
 * @see KIP-31, KIP-283
 */
export function downConvert(buffer: Buffer, start: number, end: number, options: DownConversion): Buffer {
  try {
    return downConvertBatches(buffer, start, end, options);
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, error.message, { cause: error });
  }
}

function downConvertBatches(buffer: Buffer, start: number, end: number, options: DownConversion): Buffer {
  const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
  const converted: Buffer[] = [];
  let sizeBytes = 0;
  let anyBatch = false;
  for (const header of batchesOf(buffer, start, end)) {
    anyBatch = true;
    if (header.isControl) continue;
    if (header.compression === CompressionType.ZSTD) {
      if (sizeBytes === 0) throw zstdNotForOldClients(options.toMagic);
      break;
    }
    const batch = downConvertBatch(header, options);
    if (batch === null) continue;
    if (sizeBytes > 0 && sizeBytes + batch.length > maxBytes) break;
    converted.push(batch);
    sizeBytes += batch.length;
  }
  if (sizeBytes === 0) return anyBatch ? messageThatNeverComes() : EMPTY;
  return converted.length === 1 ? converted[0]! : Buffer.concat(converted, sizeBytes);
}

/** All records of a batch of any format. @throws MalformedBytesError */
export function decodeBatch(header: BatchHeader, sizeMaxBytes: number): DecodedRecord[] {
  return header.magic === 2
    ? decodeRecordBatch(header.buffer, header.position, { sizeMaxBytes })
    : decodeLegacyBatch(header, sizeMaxBytes);
}

function downConvertBatch(header: BatchHeader, options: DownConversion): Buffer | null {
  const { toMagic, firstOffset } = options;
  if (header.magic <= toMagic) return header.buffer.subarray(header.position, header.end);
  const isCompressed = header.compression !== CompressionType.NONE;
  const all = decodeBatch(header, options.sizeMaxBytes ?? DECOMPRESSED_SIZE_MAX_DEFAULT);
  const records = isCompressed ? all : all.filter((record) => record.offset >= firstOffset);
  if (records.length === 0) return null;
  return encodeMessageSet({
    magic: toMagic,
    baseOffset: records[0]!.offset,
    records,
    compression: header.compression as CompressionType,
    timestampType: header.timestampType === 'log-append' ? 'log-append' : 'create',
    logAppendTimeMs: header.maxTimestamp,
  });
}

/** Offset -1 and a size that goes beyond the bytes that follow: there are none. */
function messageThatNeverComes(): Buffer {
  const message = Buffer.alloc(LOG_OVERHEAD);
  message.writeBigInt64BE(-1n, 0);
  message.writeInt32BE(BATCH_HEADER_SIZE, 8);
  return message;
}

function zstdNotForOldClients(toMagic: number): KafkaError {
  return new KafkaError(
    ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    `zstd cannot be converted to messages of format v${toMagic}`,
  );
}

const EMPTY = Buffer.alloc(0);
