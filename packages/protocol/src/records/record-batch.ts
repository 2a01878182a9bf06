import { compress } from '../compression/compress.ts';
import { decompress } from '../compression/decompress.ts';
import { MalformedBytesError } from '../primitives/protocol-error.ts';
import {
  ATTRIBUTE_CONTROL,
  ATTRIBUTE_DELETE_HORIZON,
  ATTRIBUTE_LOG_APPEND_TIME,
  ATTRIBUTE_TRANSACTIONAL,
  BATCH_HEADER_SIZE,
  CompressionType,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  wholeBatchAt,
  writeBatchHeader,
  type BatchHeader,
} from './batch-header.ts';
import { NO_HEADERS, type DecodedRecord, type RecordHeader, type RecordInput } from './record.ts';
import { RecordScanner } from './record-scanner.ts';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts';

/** Uncompressed records of one batch larger than this are refused unless the caller allows more. */
export const DECOMPRESSED_SIZE_MAX_DEFAULT = 100 * 1024 * 1024;

const INT32_MAX = 0x7fffffff;

/** A batch to be written. Everything but the records has Kafka's "none" as default. */
export interface RecordBatchInput {
  /** Offset of the first record; producers send 0. */
  readonly baseOffset?: number;
  /** At least one. `offset`, where given, must not be below `baseOffset` nor go back; else one after another. */
  readonly records: readonly (RecordInput & { readonly offset?: number })[];
  readonly compression?: CompressionType;
  /** See `compress`. */
  readonly compressionLevel?: number | undefined;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly partitionLeaderEpoch?: number;
  readonly timestampType?: 'create' | 'log-append';
  /** With `log-append`: the time that all records get, ms since 1970. */
  readonly logAppendTimeMs?: number;
  /** KIP-534: stored in place of the first timestamp. */
  readonly deleteHorizonMs?: number;
  /** Offset of the last record where compaction removed later ones; else that of the last record given. */
  readonly lastOffset?: number;
}

/**
 * A record batch of format v2 in a buffer of its own.
 *
 * @throws RangeError when there is no record, or offsets go back or span more than 2^31
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export function encodeRecordBatch(input: RecordBatchInput): Buffer {
  const plan = planBatch(input);
  const compression = input.compression ?? CompressionType.NONE;
  const batch = Buffer.allocUnsafe(BATCH_HEADER_SIZE + plan.recordsSize);
  writeRecords(batch, BATCH_HEADER_SIZE, input, plan);
  const packed = compression === CompressionType.NONE ? batch : compressRecords(batch, compression, input);
  writeBatchHeader(packed, 0, {
    baseOffset: plan.baseOffset,
    sizeBytes: packed.length,
    partitionLeaderEpoch: input.partitionLeaderEpoch ?? NO_LEADER_EPOCH,
    attributes: attributesOf(input, compression),
    lastOffsetDelta: plan.lastOffset - plan.baseOffset,
    baseTimestamp: plan.baseTimestamp,
    maxTimestamp:
      input.timestampType === 'log-append' ? (input.logAppendTimeMs ?? NO_TIMESTAMP) : plan.maxTimestamp,
    producerId: input.producerId ?? NO_PRODUCER_ID,
    producerEpoch: input.producerEpoch ?? NO_PRODUCER_EPOCH,
    baseSequence: input.baseSequence ?? NO_SEQUENCE,
    recordCount: input.records.length,
  });
  return packed;
}

/**
 * The records of the batch of format v2 at `at`, decompressed where necessary. The checksum is not looked at.
 *
 * @param options.sizeMaxBytes bound for the decompressed records, 100 MiB unless given
 * @throws MalformedBytesError when the batch is not whole, a length or count lies, or the bound is exceeded
 */
export function decodeRecordBatch(
  buffer: Buffer,
  at = 0,
  options: { readonly sizeMaxBytes?: number } = {},
): DecodedRecord[] {
  const header = wholeBatchAt(buffer, at);
  if (header === null) throw new MalformedBytesError('batch is not whole');
  if (header.magic !== 2) throw new MalformedBytesError(`magic ${header.magic} where 2 is expected`);
  const { bytes, start, end } = recordBytesOf(header, options.sizeMaxBytes ?? DECOMPRESSED_SIZE_MAX_DEFAULT);
  return decodeRecords(header, bytes, start, end);
}

/**
 * The uncompressed records of a v2 batch as a stretch of a buffer: the batch's own where it is not compressed.
 *
 * @throws MalformedBytesError on a codec that does not exist, bytes that it cannot decode, or too many of them
 */
export function recordBytesOf(
  header: BatchHeader,
  sizeMaxBytes: number,
): { bytes: Buffer; start: number; end: number } {
  const start = header.position + BATCH_HEADER_SIZE;
  const end = header.end;
  if (header.compression === CompressionType.NONE) return { bytes: header.buffer, start, end };
  const bytes = decompress(header.compression, header.buffer.subarray(start, end), sizeMaxBytes);
  return { bytes, start: 0, end: bytes.length };
}

/**
 * The records of `header` out of its uncompressed bytes.
 *
 * @throws MalformedBytesError
 */
export function decodeRecords(
  header: BatchHeader,
  bytes: Buffer,
  start: number,
  end: number,
): DecodedRecord[] {
  const count = checkedRecordCount(header, end - start);
  const { baseOffset, baseTimestamp } = header;
  const appendTime = header.timestampType === 'log-append' ? header.maxTimestamp : null;
  const records: DecodedRecord[] = [];
  const scanner = new RecordScanner();
  scanner.reset(bytes, start, end);
  for (let i = 0; i < count; i++) {
    scanner.next();
    records.push({
      offset: baseOffset + scanner.offsetDelta,
      timestamp: appendTime ?? baseTimestamp + scanner.timestampDelta,
      key: viewOf(bytes, scanner.keyStart, scanner.keySize),
      value: viewOf(bytes, scanner.valueStart, scanner.valueSize),
      headers: scanner.headerCount === 0 ? NO_HEADERS : readHeaders(bytes, scanner),
    });
  }
  if (!scanner.atEnd) throw new MalformedBytesError(`bytes after the last of ${count} records`);
  return records;
}

/**
 * The record count of a v2 batch, once it is known that `bytesAvailable` can hold so many.
 *
 * @throws MalformedBytesError
 */
export function checkedRecordCount(header: BatchHeader, bytesAvailable: number): number {
  const count = header.recordCount!;
  if (count < 0 || count * RECORD_SIZE_MIN > bytesAvailable) {
    throw new MalformedBytesError(`batch of ${count} records in ${bytesAvailable} bytes`);
  }
  return count;
}

/** Size, attributes, both deltas, null key, null value, no headers: a byte each. */
const RECORD_SIZE_MIN = 7;

interface BatchPlan {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** Size of each record's body, without the varint before it. */
  readonly bodySizes: Int32Array;
  readonly recordsSize: number;
}

/** The sizes, so that the batch is written once into a buffer that fits. */
function planBatch(input: RecordBatchInput): BatchPlan {
  const { records } = input;
  const first = records[0];
  if (first === undefined) throw new RangeError('a batch needs at least one record');
  const baseOffset = input.baseOffset ?? 0;
  const baseTimestamp = input.deleteHorizonMs ?? first.timestamp;
  const bodySizes = new Int32Array(records.length);
  let maxTimestamp = NO_TIMESTAMP;
  let recordsSize = 0;
  let offset = baseOffset - 1;
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    const next: number = record.offset ?? offset + 1;
    if (next <= offset || next - baseOffset > INT32_MAX) {
      throw new RangeError(`offset ${next} cannot follow ${offset} in a batch that begins at ${baseOffset}`);
    }
    offset = next;
    const size = bodySize(record, record.timestamp - baseTimestamp, offset - baseOffset);
    bodySizes[i] = size;
    recordsSize += varintSize(size) + size;
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
  }
  const lastOffset = Math.max(input.lastOffset ?? offset, offset);
  return { baseOffset, lastOffset, baseTimestamp, maxTimestamp, bodySizes, recordsSize };
}

function bodySize(record: RecordInput, timestampDelta: number, offsetDelta: number): number {
  const { key, value, headers } = record;
  const headerCount = headers === undefined ? 0 : headers.length;
  return (
    1 +
    varlongSize(timestampDelta) +
    varintSize(offsetDelta) +
    nullableSize(key) +
    nullableSize(value) +
    varintSize(headerCount) +
    (headerCount === 0 ? 0 : headersSize(headers!))
  );
}

function nullableSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function headersSize(headers: readonly RecordHeader[]): number {
  let size = 0;
  for (const { key, value } of headers) {
    const keySize = Buffer.byteLength(key);
    size += varintSize(keySize) + keySize + nullableSize(value);
  }
  return size;
}

function writeRecords(batch: Buffer, start: number, input: RecordBatchInput, plan: BatchPlan): void {
  const { records } = input;
  const { baseOffset, baseTimestamp, bodySizes } = plan;
  let at = start;
  let offset = baseOffset - 1;
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    offset = record.offset ?? offset + 1;
    at = writeVarint(batch, at, bodySizes[i]!);
    batch[at++] = 0;
    at = writeVarlong(batch, at, record.timestamp - baseTimestamp);
    at = writeVarint(batch, at, offset - baseOffset);
    at = writeNullable(batch, at, record.key);
    at = writeNullable(batch, at, record.value);
    at = writeHeaders(batch, at, record.headers ?? NO_HEADERS);
  }
}

function writeHeaders(batch: Buffer, start: number, headers: readonly RecordHeader[]): number {
  let at = writeVarint(batch, start, headers.length);
  for (const { key, value } of headers) {
    const keySize = Buffer.byteLength(key);
    at = writeVarint(batch, at, keySize);
    at += batch.write(key, at, keySize, 'utf8');
    at = writeNullable(batch, at, value);
  }
  return at;
}

function writeNullable(batch: Buffer, start: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(batch, start, -1);
  const at = writeVarint(batch, start, bytes.length);
  batch.set(bytes, at);
  return at + bytes.length;
}

function compressRecords(batch: Buffer, compression: CompressionType, input: RecordBatchInput): Buffer {
  const packed = compress(compression, batch.subarray(BATCH_HEADER_SIZE), {
    level: input.compressionLevel,
  });
  return Buffer.concat([batch.subarray(0, BATCH_HEADER_SIZE), packed]);
}

function attributesOf(input: RecordBatchInput, compression: CompressionType): number {
  let attributes: number = compression;
  if (input.timestampType === 'log-append') attributes |= ATTRIBUTE_LOG_APPEND_TIME;
  if (input.isTransactional === true) attributes |= ATTRIBUTE_TRANSACTIONAL;
  if (input.isControl === true) attributes |= ATTRIBUTE_CONTROL;
  if (input.deleteHorizonMs !== undefined) attributes |= ATTRIBUTE_DELETE_HORIZON;
  return attributes;
}

function viewOf(bytes: Buffer, start: number, size: number): Buffer | null {
  return size < 0 ? null : bytes.subarray(start, start + size);
}

/** The headers of the record that the scanner has just walked over, which made sure that they are sound. */
function readHeaders(bytes: Buffer, scanner: RecordScanner): RecordHeader[] {
  const headers: RecordHeader[] = [];
  const reader = new RecordScanner();
  reader.reset(bytes, scanner.headersStart, scanner.position);
  for (let i = 0; i < scanner.headerCount; i++) {
    reader.nextHeader();
    headers.push({
      key: bytes.toString('utf8', reader.keyStart, reader.keyStart + reader.keySize),
      value: viewOf(bytes, reader.valueStart, reader.valueSize),
    });
  }
  return headers;
}
