import { compress } from '@odradek/protocol/compression/compress.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import {
  ATTRIBUTE_COMPRESSION,
  ATTRIBUTE_LOG_APPEND_TIME,
  BATCH_HEADER_SIZE,
  CompressionType,
  NO_TIMESTAMP,
  setBaseOffset,
  setMaxTimestampAndType,
  setPartitionLeaderEpoch,
  writeBatchHeader,
  type BatchHeader,
} from '@odradek/protocol/records/batch-header.ts';
import { messagesOf } from '@odradek/protocol/records/message-set.ts';
import {
  checkedRecordCount,
  decodeRecords,
  DECOMPRESSED_SIZE_MAX_DEFAULT,
  encodeRecordBatch,
  recordBytesOf,
} from '@odradek/protocol/records/record-batch.ts';
import { RecordScanner } from '@odradek/protocol/records/record-scanner.ts';
import type { RecordInput } from '@odradek/protocol/records/record.ts';
import { analyzeBatches, checkBatch, checkSize, corrupt, invalidRecord } from './batch-rules.ts';
import { RecordRules } from './record-rules.ts';
import type { TargetCompression, ValidationSettings } from './validation-settings.ts';

/*
 * What a leader checks and changes before it appends records: Kafka's LogValidator and the checks around it.
 * The log's format is v2, whatever the producer sent. A batch that needs nothing but an offset and an epoch is
 * changed in place, in the buffer that it came in.
 *
 * Where Kafka answers with an unspecific UNKNOWN_SERVER_ERROR (a codec that does not exist, bytes that a codec
 * cannot decode), the error here is UNSUPPORTED_COMPRESSION_TYPE or INVALID_RECORD; neither is retried either.
 */

export interface ValidatedRecords {
  /** To be appended: the given buffer changed in place (a partial batch at its tail left out), or a new one. */
  readonly records: Buffer;
  /** -1 when there is no record. */
  readonly firstOffset: number;
  /** One below `firstOffset` when there is no record. */
  readonly lastOffset: number;
  readonly recordCount: number;
  /** -1 when no record has one. */
  readonly maxTimestamp: number;
  /** The last offset of the batch with the largest timestamp, for the time index; -1 when there is none. */
  readonly offsetOfMaxTimestamp: number;
  /** The time that the records got, or -1 when they keep their own. */
  readonly logAppendTimeMs: number;
  /** As it came: 0 when no batch was compressed. */
  readonly sourceCompression: number;
  /** Whether `records` is new: converted, recompressed or renumbered. */
  readonly isRewritten: boolean;
}

/**
 * Checks the records that one partition is to append, and gives them their offsets.
 *
 * Nothing is changed when an error is thrown. The checksum of a batch whose timestamps have to change is
 * computed anew; otherwise each byte is read once for the checksum and the structure, and none is copied.
 *
 * @param records views on the bytes as received; changed in place where that is enough
 * @throws RecordValidationError INVALID_RECORD, INVALID_TIMESTAMP with the records at fault
 * @throws KafkaError CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE
 */
export function validateRecords(records: Buffer, settings: ValidationSettings): ValidatedRecords {
  const batches = analyzeBatches(records, settings);
  const first = batches[0];
  if (first === undefined) return nothingToAppend(settings);
  const source = batches.reduce((type, batch) => (batch.compression === 0 ? type : batch.compression), 0);
  if (batches.length > 1 && (first.magic === 2 || source !== CompressionType.NONE)) {
    throw invalidRecord(`${batches.length} batches where only one is allowed`);
  }
  for (const batch of batches) checkBatch(batch, first, settings);
  const target = targetOf(settings.compression, source);
  try {
    if (first.magic < 2) return convertMessages(batches, source, target, settings);
    const keepsCompression = source === target.type || (source === CompressionType.NONE && first.isControl);
    return keepsCompression
      ? assignInPlace(first, target, settings)
      : recompress(first, walkRecords(first, settings), target, settings);
  } catch (error) {
    if (error instanceof MalformedBytesError) throw invalidRecord(error.message, error);
    throw error;
  }
}

/** What a walk over the records of a v2 batch found, every record being in order. */
interface Walk {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly maxTimestamp: number;
  /** Whether the offset deltas are 0, 1, 2 and so on. */
  readonly isNumbered: boolean;
}

/** A v2 batch that is compressed, or not, as the topic wants it. */
function assignInPlace(
  batch: BatchHeader,
  target: ResolvedCompression,
  settings: ValidationSettings,
): ValidatedRecords {
  let maxTimestamp: number;
  if (needsWalk(batch, settings)) {
    const walk = walkRecords(batch, settings);
    // Some producers number the records of compressed batches wrongly; Kafka has always put that right.
    if (!walk.isNumbered && batch.compression !== CompressionType.NONE) {
      return recompress(batch, walk, target, settings);
    }
    maxTimestamp = walk.maxTimestamp;
  } else {
    maxTimestamp = batch.maxTimestamp;
  }
  const { buffer, position } = batch;
  const isAppendTime = settings.timestampType === 'log-append';
  if (isAppendTime) maxTimestamp = settings.nowMs;
  const count = batch.recordCount!;
  const lastOffset = settings.nextOffset + count - 1;
  setBaseOffset(buffer, position, lastOffset - batch.lastOffsetDelta);
  setMaxTimestampAndType(batch, settings.timestampType, maxTimestamp);
  setPartitionLeaderEpoch(buffer, position, settings.partitionLeaderEpoch);
  return {
    records: buffer.subarray(position, batch.end),
    firstOffset: settings.nextOffset,
    lastOffset,
    recordCount: count,
    maxTimestamp,
    offsetOfMaxTimestamp: isAppendTime || maxTimestamp > NO_TIMESTAMP ? lastOffset : -1,
    logAppendTimeMs: isAppendTime ? settings.nowMs : NO_TIMESTAMP,
    sourceCompression: batch.compression,
    isRewritten: false,
  };
}

/** A header can be believed only where nothing that it does not show matters. */
function needsWalk(batch: BatchHeader, settings: ValidationSettings): boolean {
  return (
    batch.compression === CompressionType.NONE ||
    settings.validateCompressed !== false ||
    settings.isCompacted ||
    batch.timestampType === 'log-append' ||
    (settings.timestampType === 'create' &&
      (settings.timestampBeforeMaxMs < Number.MAX_SAFE_INTEGER ||
        settings.timestampAfterMaxMs < Number.MAX_SAFE_INTEGER))
  );
}

/** One for all: a walk never meets another. */
const scanner = new RecordScanner();

function walkRecords(batch: BatchHeader, settings: ValidationSettings): Walk {
  const sizeMaxBytes = settings.decompressedMaxBytes ?? DECOMPRESSED_SIZE_MAX_DEFAULT;
  const { bytes, start, end } = recordBytesOf(batch, sizeMaxBytes);
  const count = checkedRecordCount(batch, end - start);
  const rules = new RecordRules(batch, settings);
  const appendTime = batch.timestampType === 'log-append' ? batch.maxTimestamp : null;
  const baseTimestamp = batch.baseTimestamp;
  let maxTimestamp = NO_TIMESTAMP;
  let isNumbered = true;
  scanner.reset(bytes, start, end);
  for (let index = 0; index < count; index++) {
    scanner.next();
    const timestamp = appendTime ?? baseTimestamp + scanner.timestampDelta;
    rules.check(index, scanner.keySize >= 0, timestamp);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (scanner.offsetDelta !== index) isNumbered = false;
  }
  if (!scanner.atEnd) throw new MalformedBytesError(`bytes after the last of ${count} records`);
  rules.finish();
  return { bytes, start, end, maxTimestamp, isNumbered };
}

/** A v2 batch that has to be written anew; where the numbering is right, its records stay as they are. */
function recompress(
  batch: BatchHeader,
  walk: Walk,
  target: ResolvedCompression,
  settings: ValidationSettings,
): ValidatedRecords {
  if (!walk.isNumbered || batch.timestampType === 'log-append') {
    return rewrite(batch, decodeRecords(batch, walk.bytes, walk.start, walk.end), target, settings);
  }
  const packed = compress(target.type, walk.bytes.subarray(walk.start, walk.end), { level: target.level });
  const records = Buffer.allocUnsafe(BATCH_HEADER_SIZE + packed.length);
  packed.copy(records, BATCH_HEADER_SIZE);
  const isAppendTime = settings.timestampType === 'log-append';
  const count = batch.recordCount!;
  const maxTimestamp = isAppendTime ? settings.nowMs : walk.maxTimestamp;
  writeBatchHeader(records, 0, {
    baseOffset: settings.nextOffset,
    sizeBytes: records.length,
    partitionLeaderEpoch: settings.partitionLeaderEpoch,
    attributes:
      (batch.attributes & ~(ATTRIBUTE_COMPRESSION | ATTRIBUTE_LOG_APPEND_TIME)) |
      target.type |
      (isAppendTime ? ATTRIBUTE_LOG_APPEND_TIME : 0),
    lastOffsetDelta: count - 1,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    recordCount: count,
  });
  return rewritten(records, count, maxTimestamp, batch.compression, settings);
}

/** Messages of format v0 or v1 become one batch of format v2. */
function convertMessages(
  batches: readonly BatchHeader[],
  source: number,
  target: ResolvedCompression,
  settings: ValidationSettings,
): ValidatedRecords {
  const first = batches[0]!;
  const records: RecordInput[] = [];
  for (const batch of batches) {
    const rules = new RecordRules(batch, settings);
    let index = 0;
    for (const message of readMessages(batch, settings)) {
      if (batch.compression !== CompressionType.NONE && message.compression !== CompressionType.NONE) {
        throw invalidRecord('compressed message set inside a compressed message set');
      } else if (message.magic !== batch.magic) {
        rules.add(index, `message of format v${message.magic} inside one of format v${batch.magic}`);
      } else if (message.crcIsValid === false) {
        throw corrupt(`checksum of message ${index} inside the compressed set is wrong`);
      } else {
        rules.check(index, message.key !== null, message.timestamp);
      }
      records.push(message);
      index++;
    }
    rules.finish();
  }
  return rewrite(first, records, target, settings, source);
}

function readMessages(batch: BatchHeader, settings: ValidationSettings): ReturnType<typeof messagesOf> {
  return messagesOf(batch, settings.decompressedMaxBytes ?? DECOMPRESSED_SIZE_MAX_DEFAULT, {
    forValidation: true,
  });
}

function rewrite(
  first: BatchHeader,
  records: readonly RecordInput[],
  target: ResolvedCompression,
  settings: ValidationSettings,
  source: number = first.compression,
): ValidatedRecords {
  const isAppendTime = settings.timestampType === 'log-append';
  const batch = encodeRecordBatch({
    baseOffset: settings.nextOffset,
    // Offsets that the records came with do not count.
    records: records.map(({ key, value, headers, timestamp }) => ({
      key,
      value,
      headers: headers ?? [],
      timestamp,
    })),
    compression: target.type,
    compressionLevel: target.level,
    producerId: first.producerId,
    producerEpoch: first.producerEpoch,
    baseSequence: first.baseSequence,
    isTransactional: first.isTransactional,
    isControl: first.isControl,
    partitionLeaderEpoch: settings.partitionLeaderEpoch,
    timestampType: settings.timestampType,
    logAppendTimeMs: settings.nowMs,
  });
  const maxTimestamp = isAppendTime
    ? settings.nowMs
    : records.reduce((max, record) => Math.max(max, record.timestamp), NO_TIMESTAMP);
  return rewritten(batch, records.length, maxTimestamp, source, settings);
}

function rewritten(
  records: Buffer,
  recordCount: number,
  maxTimestamp: number,
  sourceCompression: number,
  settings: ValidationSettings,
): ValidatedRecords {
  checkSize(records.length, settings);
  const lastOffset = settings.nextOffset + recordCount - 1;
  return {
    records,
    firstOffset: settings.nextOffset,
    lastOffset,
    recordCount,
    maxTimestamp,
    offsetOfMaxTimestamp: maxTimestamp > NO_TIMESTAMP ? lastOffset : -1,
    logAppendTimeMs: settings.timestampType === 'log-append' ? settings.nowMs : NO_TIMESTAMP,
    sourceCompression,
    isRewritten: true,
  };
}

interface ResolvedCompression {
  readonly type: CompressionType;
  readonly level: number | undefined;
}

function targetOf(wanted: TargetCompression, source: number): ResolvedCompression {
  const type = wanted.type === 'producer' ? (source as CompressionType) : wanted.type;
  return { type, level: wanted.level };
}

function nothingToAppend(settings: ValidationSettings): ValidatedRecords {
  return {
    records: Buffer.alloc(0),
    firstOffset: -1,
    lastOffset: settings.nextOffset - 1,
    recordCount: 0,
    maxTimestamp: NO_TIMESTAMP,
    offsetOfMaxTimestamp: -1,
    logAppendTimeMs: NO_TIMESTAMP,
    sourceCompression: CompressionType.NONE,
    isRewritten: false,
  };
}
