import { crc32 } from '../primitives/crc32.ts';
import { crc32c } from '../primitives/crc32c.ts';
import { readInt64, writeInt64 } from '../primitives/int64.ts';
import { MalformedBytesError } from '../primitives/protocol-error.ts';

/** Offset (8 bytes) and size (4 bytes) stand before every batch of every format. */
export const LOG_OVERHEAD = 12;
/** Where the magic byte is, in every format. A reader that has this many bytes and one more knows the format. */
export const MAGIC_AT = 16;
/** The header of a batch of format v2; its records follow. */
export const BATCH_HEADER_SIZE = 61;
/** Smallest message of formats v0 and v1, offset and size included. */
export const MESSAGE_SIZE_MIN_V0 = LOG_OVERHEAD + 14;
export const MESSAGE_SIZE_MIN_V1 = LOG_OVERHEAD + 22;

export const NO_TIMESTAMP = -1;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_LEADER_EPOCH = -1;

/** The compression of a batch, as in the low three bits of its attributes. */
export const CompressionType = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const;
export type CompressionType = (typeof CompressionType)[keyof typeof CompressionType];

/** Who set the timestamps; format v0 has none. */
export type TimestampType = 'none' | 'create' | 'log-append';

const SIZE_AT = 8;
const LEADER_EPOCH_AT = 12;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const RECORD_COUNT_AT = 57;

const LEGACY_CRC_AT = 12;
const LEGACY_ATTRIBUTES_AT = 17;
const LEGACY_TIMESTAMP_AT = 18;

export const ATTRIBUTE_COMPRESSION = 0x07;
export const ATTRIBUTE_LOG_APPEND_TIME = 0x08;
export const ATTRIBUTE_TRANSACTIONAL = 0x10;
export const ATTRIBUTE_CONTROL = 0x20;
export const ATTRIBUTE_DELETE_HORIZON = 0x40;

const SEQUENCE_MAX = 0x7fffffff;

/**
 * A view on the header of one batch: a record batch of format v2 (magic 2), or one message of format v0 or v1,
 * which counts as a batch and may hold a compressed set.
 *
 * Reads from the buffer on every access and is valid as long as the buffer is. Fields that a format does not
 * have answer with Kafka's "none" values (producer id, epoch, sequence and leader epoch -1).
 */
export class BatchHeader {
  readonly buffer: Buffer;
  readonly position: number;
  readonly magic: number;

  /** Use `readBatchHeader`, which checks. */
  constructor(buffer: Buffer, position: number, magic: number) {
    this.buffer = buffer;
    this.position = position;
    this.magic = magic;
  }

  /**
   * Offset of the first record. Formats v0 and v1 store the last one: for a compressed set this is the offset
   * of its last message (`messageSetBaseOffset` finds the first).
   */
  get baseOffset(): number {
    return readInt64(this.buffer, this.position);
  }

  /** Bytes of the whole batch, the 12 bytes before the size included. */
  get sizeBytes(): number {
    return this.buffer.readInt32BE(this.position + SIZE_AT) + LOG_OVERHEAD;
  }

  get partitionLeaderEpoch(): number {
    return this.magic >= 2 ? this.buffer.readInt32BE(this.position + LEADER_EPOCH_AT) : NO_LEADER_EPOCH;
  }

  /** As stored, unsigned. */
  get crc(): number {
    return this.buffer.readUInt32BE(this.position + (this.magic >= 2 ? CRC_AT : LEGACY_CRC_AT));
  }

  get attributes(): number {
    return this.magic >= 2
      ? this.buffer.readUInt16BE(this.position + ATTRIBUTES_AT)
      : this.buffer[this.position + LEGACY_ATTRIBUTES_AT]!;
  }

  /** The codec's number; 5 to 7 do not exist, and readers refuse them. */
  get compression(): number {
    return this.attributes & ATTRIBUTE_COMPRESSION;
  }

  get timestampType(): TimestampType {
    if (this.magic === 0) return 'none';
    return (this.attributes & ATTRIBUTE_LOG_APPEND_TIME) === 0 ? 'create' : 'log-append';
  }

  get isTransactional(): boolean {
    return this.magic >= 2 && (this.attributes & ATTRIBUTE_TRANSACTIONAL) !== 0;
  }

  get isControl(): boolean {
    return this.magic >= 2 && (this.attributes & ATTRIBUTE_CONTROL) !== 0;
  }

  /** When the tombstones of a compacted batch may go, in ms since 1970, or null (KIP-534). */
  get deleteHorizonMs(): number | null {
    const isSet = this.magic >= 2 && (this.attributes & ATTRIBUTE_DELETE_HORIZON) !== 0;
    return isSet ? this.baseTimestamp : null;
  }

  get lastOffsetDelta(): number {
    return this.magic >= 2 ? this.buffer.readInt32BE(this.position + LAST_OFFSET_DELTA_AT) : 0;
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }

  get baseTimestamp(): number {
    if (this.magic >= 2) return readInt64(this.buffer, this.position + BASE_TIMESTAMP_AT);
    return this.magic === 1 ? readInt64(this.buffer, this.position + LEGACY_TIMESTAMP_AT) : NO_TIMESTAMP;
  }

  get maxTimestamp(): number {
    return this.magic >= 2 ? readInt64(this.buffer, this.position + MAX_TIMESTAMP_AT) : this.baseTimestamp;
  }

  get producerId(): number {
    return this.magic >= 2 ? readInt64(this.buffer, this.position + PRODUCER_ID_AT) : NO_PRODUCER_ID;
  }

  get producerEpoch(): number {
    return this.magic >= 2 ? this.buffer.readInt16BE(this.position + PRODUCER_EPOCH_AT) : NO_PRODUCER_EPOCH;
  }

  get baseSequence(): number {
    return this.magic >= 2 ? this.buffer.readInt32BE(this.position + BASE_SEQUENCE_AT) : NO_SEQUENCE;
  }

  get lastSequence(): number {
    const base = this.baseSequence;
    return base === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(base, this.lastOffsetDelta);
  }

  /** Records as declared, 0 or more for an honest batch; null for formats v0 and v1, which do not say. */
  get recordCount(): number | null {
    return this.magic >= 2 ? this.buffer.readInt32BE(this.position + RECORD_COUNT_AT) : null;
  }

  /** Where the batch ends in the buffer. */
  get end(): number {
    return this.position + this.sizeBytes;
  }
}

/**
 * The header of the batch at `at`. Checks that it is all there, that its magic is known and that its size can
 * be true; not that its body is in the buffer, nor its checksum.
 *
 * @throws MalformedBytesError
 */
export function readBatchHeader(buffer: Buffer, at: number): BatchHeader {
  if (buffer.length - at <= MAGIC_AT) {
    throw new MalformedBytesError(`a batch header needs ${MAGIC_AT + 1} bytes, ${buffer.length - at} left`);
  }
  const magic = buffer[at + MAGIC_AT]!;
  if (magic > 2) throw new MalformedBytesError(`record format with magic ${magic} is unknown`);
  const size = buffer.readInt32BE(at + SIZE_AT) + LOG_OVERHEAD;
  const headerSize =
    magic === 2 ? BATCH_HEADER_SIZE : magic === 1 ? MESSAGE_SIZE_MIN_V1 : MESSAGE_SIZE_MIN_V0;
  if (size < headerSize) {
    throw new MalformedBytesError(`batch of ${size} bytes is smaller than its header of ${headerSize}`);
  }
  if (buffer.length - at < headerSize) {
    throw new MalformedBytesError(`a batch header needs ${headerSize} bytes, ${buffer.length - at} left`);
  }
  return new BatchHeader(buffer, at, magic);
}

/**
 * The header of the batch at `at` when the whole batch lies before `end`; null when the bytes end within it,
 * as they may at the tail of a fetch answer or of a torn log.
 *
 * @throws MalformedBytesError when its size or magic cannot be true
 */
export function wholeBatchAt(buffer: Buffer, at: number, end = buffer.length): BatchHeader | null {
  if (end - at < LOG_OVERHEAD) return null;
  const size = buffer.readInt32BE(at + SIZE_AT) + LOG_OVERHEAD;
  if (size < MESSAGE_SIZE_MIN_V0) {
    throw new MalformedBytesError(`batch of ${size} bytes is smaller than any message`);
  }
  if (size > end - at) {
    if (end - at > MAGIC_AT && buffer[at + MAGIC_AT]! > 2) {
      throw new MalformedBytesError(`record format with magic ${buffer[at + MAGIC_AT]} is unknown`);
    }
    return null;
  }
  return readBatchHeader(buffer, at);
}

/**
 * The batches of `buffer[start, end)` in order; a partial one at the tail ends the iteration without error.
 *
 * @throws MalformedBytesError when a size or magic cannot be true
 */
export function* batchesOf(buffer: Buffer, start = 0, end = buffer.length): Generator<BatchHeader> {
  let at = start;
  for (;;) {
    const header = wholeBatchAt(buffer, at, end);
    if (header === null) return;
    // Taken before the consumer runs, who may change the batch in place.
    at = header.end;
    yield header;
  }
}

/** The checksum that the batch should have; all of it must be in the buffer. */
export function computeBatchCrc(header: BatchHeader): number {
  const { buffer, position, magic, end } = header;
  return magic >= 2 ? crc32c(buffer, position + ATTRIBUTES_AT, end) : crc32(buffer, position + MAGIC_AT, end);
}

/**
 * Whether the whole batch at `at` is in the buffer and its checksum right. False for bytes that are no batch.
 * Format v2: CRC-32C from the attributes to the end. Formats v0 and v1: CRC-32 from the magic to the end.
 */
export function batchCrcValid(buffer: Buffer, at: number): boolean {
  try {
    const header = wholeBatchAt(buffer, at);
    return header !== null && header.crc === computeBatchCrc(header);
  } catch (error) {
    if (error instanceof MalformedBytesError) return false;
    throw error;
  }
}

/** Sets the first offset of a v2 batch, or the offset of a v0 or v1 message. Outside the checksum. */
export function setBaseOffset(buffer: Buffer, at: number, offset: number): void {
  writeInt64(buffer, at, offset);
}

/** Sets the leader epoch of a v2 batch. Outside the checksum. */
export function setPartitionLeaderEpoch(buffer: Buffer, at: number, epoch: number): void {
  buffer.writeInt32BE(epoch, at + LEADER_EPOCH_AT);
}

/**
 * Sets the largest timestamp and who set the timestamps, and the checksum anew, unless nothing changes.
 * A v0 message has no timestamp and stays as it is.
 */
export function setMaxTimestampAndType(
  header: BatchHeader,
  timestampType: 'create' | 'log-append',
  maxTimestamp: number,
): void {
  const { buffer, position, magic } = header;
  if (magic === 0) return;
  if (header.timestampType === timestampType && header.maxTimestamp === maxTimestamp) return;
  const flag = timestampType === 'log-append' ? ATTRIBUTE_LOG_APPEND_TIME : 0;
  const attributes = (header.attributes & ~ATTRIBUTE_LOG_APPEND_TIME) | flag;
  if (magic >= 2) {
    buffer.writeUInt16BE(attributes, position + ATTRIBUTES_AT);
    writeInt64(buffer, position + MAX_TIMESTAMP_AT, maxTimestamp);
  } else {
    buffer[position + LEGACY_ATTRIBUTES_AT] = attributes;
    writeInt64(buffer, position + LEGACY_TIMESTAMP_AT, maxTimestamp);
  }
  writeCrc(header);
}

/** Sets the producer's identity of a v2 batch and the checksum anew. */
export function setProducer(
  header: BatchHeader,
  producerId: number,
  producerEpoch: number,
  baseSequence: number,
): void {
  const { buffer, position } = header;
  writeInt64(buffer, position + PRODUCER_ID_AT, producerId);
  buffer.writeInt16BE(producerEpoch, position + PRODUCER_EPOCH_AT);
  buffer.writeInt32BE(baseSequence, position + BASE_SEQUENCE_AT);
  writeCrc(header);
}

/** Sequence numbers run from 0 to 2^31 - 1 and start again at 0. */
export function incrementSequence(sequence: number, increment: number): number {
  const next = sequence + increment;
  return next > SEQUENCE_MAX ? next - SEQUENCE_MAX - 1 : next;
}

/** @see incrementSequence */
export function decrementSequence(sequence: number, decrement: number): number {
  const previous = sequence - decrement;
  return previous < 0 ? previous + SEQUENCE_MAX + 1 : previous;
}

/** What `writeBatchHeader` writes. Offsets up to 2^53, sizes and counts up to 2^31 - 1. */
export interface BatchHeaderFields {
  readonly baseOffset: number;
  /** The whole batch, header included. */
  readonly sizeBytes: number;
  readonly partitionLeaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** Writes the header of a v2 batch whose records are in place already, checksum included. */
export function writeBatchHeader(buffer: Buffer, at: number, fields: BatchHeaderFields): void {
  writeInt64(buffer, at, fields.baseOffset);
  buffer.writeInt32BE(fields.sizeBytes - LOG_OVERHEAD, at + SIZE_AT);
  buffer.writeInt32BE(fields.partitionLeaderEpoch, at + LEADER_EPOCH_AT);
  buffer[at + MAGIC_AT] = 2;
  buffer.writeUInt16BE(fields.attributes, at + ATTRIBUTES_AT);
  buffer.writeInt32BE(fields.lastOffsetDelta, at + LAST_OFFSET_DELTA_AT);
  writeInt64(buffer, at + BASE_TIMESTAMP_AT, fields.baseTimestamp);
  writeInt64(buffer, at + MAX_TIMESTAMP_AT, fields.maxTimestamp);
  writeInt64(buffer, at + PRODUCER_ID_AT, fields.producerId);
  buffer.writeInt16BE(fields.producerEpoch, at + PRODUCER_EPOCH_AT);
  buffer.writeInt32BE(fields.baseSequence, at + BASE_SEQUENCE_AT);
  buffer.writeInt32BE(fields.recordCount, at + RECORD_COUNT_AT);
  buffer.writeUInt32BE(crc32c(buffer, at + ATTRIBUTES_AT, at + fields.sizeBytes), at + CRC_AT);
}

/**
 * A v2 batch without records, as compaction leaves it where a producer's last batch was, so that its offsets
 * and sequence numbers stay known.
 */
export function encodeEmptyBatch(
  fields: Omit<BatchHeaderFields, 'sizeBytes' | 'recordCount' | 'baseTimestamp'>,
): Buffer {
  const batch = Buffer.alloc(BATCH_HEADER_SIZE);
  writeBatchHeader(batch, 0, {
    ...fields,
    sizeBytes: BATCH_HEADER_SIZE,
    recordCount: 0,
    baseTimestamp: NO_TIMESTAMP,
  });
  return batch;
}

function writeCrc(header: BatchHeader): void {
  const at = header.position + (header.magic >= 2 ? CRC_AT : LEGACY_CRC_AT);
  header.buffer.writeUInt32BE(computeBatchCrc(header), at);
}
