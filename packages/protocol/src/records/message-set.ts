import { compress } from '../compression/compress.ts';
import { decompress } from '../compression/decompress.ts';
import { crc32 } from '../primitives/crc32.ts';
import { readInt64, writeInt64 } from '../primitives/int64.ts';
import { MalformedBytesError } from '../primitives/protocol-error.ts';
import {
  ATTRIBUTE_COMPRESSION,
  ATTRIBUTE_LOG_APPEND_TIME,
  batchesOf,
  CompressionType,
  LOG_OVERHEAD,
  MAGIC_AT,
  MESSAGE_SIZE_MIN_V0,
  MESSAGE_SIZE_MIN_V1,
  NO_TIMESTAMP,
  type BatchHeader,
} from './batch-header.ts';
import { NO_HEADERS, type DecodedRecord, type RecordInput } from './record.ts';

const CRC_AT = LOG_OVERHEAD;
const ATTRIBUTES_AT = 17;
const TIMESTAMP_AT = 18;
const INT32_MAX = 0x7fffffff;

/** The message formats before record batches: 0 (Kafka 0.8, 0.9) and 1 (0.10), which added timestamps. */
export type LegacyMagic = 0 | 1;

/** One message that is not a compressed set. Key and value are views on the bytes that were read. */
export interface Message {
  /** Other than 0 and 1 only when read for validation. */
  readonly magic: number;
  readonly offset: number;
  /** -1 in format v0. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Inside a compressed set other than 0 only when read for validation. */
  readonly compression: number;
  /**
   * CRC-32 over the message from its magic on; null when not asked for. Key and value
   * are null where it is wrong.
   */
  readonly crcIsValid: boolean | null;
}

/** A message set to be written. */
export interface MessageSetInput {
  readonly magic: LegacyMagic;
  /** Offset of the first message; producers send 0. */
  readonly baseOffset?: number;
  /** At least one; headers are left out. `offset`, where given, must not go back; else one after another. */
  readonly records: readonly (RecordInput & { readonly offset?: number })[];
  /** Not zstd, which these formats do not have. */
  readonly compression?: CompressionType;
  readonly compressionLevel?: number | undefined;
  readonly timestampType?: 'create' | 'log-append';
  /** With `log-append`: the time that all messages get, ms since 1970. */
  readonly logAppendTimeMs?: number;
}

/**
 * Messages one after another or, when compressed, one message that holds them all: its offset is that of the
 * last one inside, its timestamp their largest. Offsets inside are relative to the first in format v1 and
 * absolute in format v0.
 *
 * @throws RangeError when there is no message, offsets go back, or the compression is zstd
 * @see https://kafka.apache.org/documentation/#messageset
 */
export function encodeMessageSet(input: MessageSetInput): Buffer {
  const compression = input.compression ?? CompressionType.NONE;
  if (compression === CompressionType.ZSTD) {
    throw new RangeError(`zstd cannot be used in messages of format v${input.magic}`);
  }
  const offsets = checkedOffsets(input);
  const isCompressed = compression !== CompressionType.NONE;
  const relativeTo = isCompressed && input.magic === 1 ? offsets[0]! : 0;
  const messages = writeMessages(input, offsets, relativeTo);
  if (!isCompressed) return messages;
  const value = compress(compression, messages, {
    level: input.compressionLevel,
    legacyLz4: input.magic === 0,
  });
  const wrapper = Buffer.allocUnsafe(messageSize(input.magic, null, value));
  writeMessage(wrapper, 0, {
    magic: input.magic,
    attributes: compression | timestampAttribute(input),
    offset: offsets.at(-1)!,
    timestamp: wrapperTimestamp(input),
    key: null,
    value,
  });
  return wrapper;
}

/**
 * All messages of `buffer[start, end)`, compressed sets unfolded, in order; a partial message at the tail is
 * left out. Checksums are not looked at.
 *
 * @param options.sizeMaxBytes bound for what one compressed set decodes to
 * @throws MalformedBytesError
 */
export function decodeMessageSet(
  buffer: Buffer,
  start: number,
  end: number,
  options: { readonly sizeMaxBytes: number },
): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  for (const header of batchesOf(buffer, start, end)) {
    for (const message of messagesOf(header, options.sizeMaxBytes)) records.push(asRecord(message));
  }
  return records;
}

/** The records of one message, or of the set that it holds. @throws MalformedBytesError */
export function decodeLegacyBatch(header: BatchHeader, sizeMaxBytes: number): DecodedRecord[] {
  return messagesOf(header, sizeMaxBytes).map(asRecord);
}

/**
 * Offset of the first message in a v0 or v1 batch; that of a compressed set is only known when it is unfolded.
 *
 * @throws MalformedBytesError
 */
export function messageSetBaseOffset(header: BatchHeader, sizeMaxBytes: number): number {
  if (header.compression === CompressionType.NONE) return header.baseOffset;
  return messagesOf(header, sizeMaxBytes)[0]!.offset;
}

/**
 * The messages of a v0 or v1 batch: itself, or those of the compressed set that it holds, with absolute offsets.
 * Where the set says that the log's time counts, its timestamp is that of all messages in it.
 *
 * @param options.forValidation compute checksums, and leave it to the caller what follows from a message inside
 *   a set that is compressed itself, of an unknown format, or has a wrong checksum
 * @throws MalformedBytesError on lengths that lie, an empty set, a set inside a set, zstd
 */
export function messagesOf(
  header: BatchHeader,
  sizeMaxBytes: number,
  options: { readonly forValidation?: boolean } = {},
): Message[] {
  if (header.magic > 1) throw new MalformedBytesError(`magic ${header.magic} where 0 or 1 is expected`);
  const wrapper = readMessage(header.buffer, header.position, header.end);
  if (header.compression === CompressionType.NONE) return [wrapper];
  if (header.compression === CompressionType.ZSTD) {
    throw new MalformedBytesError(`zstd in a message of format v${header.magic}`);
  }
  if (wrapper.value === null) throw new MalformedBytesError('compressed message set without bytes');
  const bytes = decompress(header.compression, wrapper.value, sizeMaxBytes, {
    legacyLz4: header.magic === 0,
  });
  const inner = innerMessages(bytes, options.forValidation === true);
  const shift = offsetShift(header, inner);
  const appendTime = header.timestampType === 'log-append' ? header.maxTimestamp : null;
  return inner.map((message) => ({
    ...message,
    offset: message.offset + shift,
    timestamp: message.magic === 0 ? NO_TIMESTAMP : (appendTime ?? message.timestamp),
  }));
}

/** What to add to the offsets inside a compressed set. */
function offsetShift(wrapper: BatchHeader, inner: readonly Message[]): number {
  if (wrapper.magic === 0) return 0;
  const lastOffset = wrapper.lastOffset;
  // Some versions of librdkafka send 0 instead of the last offset.
  if (lastOffset === 0) return 0;
  const lastInner = inner.at(-1)!.offset;
  if (lastOffset < lastInner) {
    throw new MalformedBytesError(`message set with offset ${lastOffset} holds offset ${lastInner}`);
  }
  return lastOffset - lastInner;
}

/** A partial message at the tail is left out, as in Kafka. */
function innerMessages(bytes: Buffer, forValidation: boolean): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (bytes.length - at >= LOG_OVERHEAD) {
    const size = bytes.readInt32BE(at + 8) + LOG_OVERHEAD;
    if (size < MESSAGE_SIZE_MIN_V0) {
      throw new MalformedBytesError(`message of ${size} bytes is smaller than any message`);
    }
    if (size > bytes.length - at) break;
    const message = forValidation
      ? readMessageChecked(bytes, at, at + size)
      : readMessage(bytes, at, at + size);
    if (!forValidation && message.compression !== CompressionType.NONE) {
      throw new MalformedBytesError('compressed message set inside a compressed message set');
    }
    messages.push(message);
    at += size;
  }
  if (messages.length === 0) throw new MalformedBytesError('compressed message set without messages');
  return messages;
}

/** Where magic or checksum are wrong, the sizes inside are not to be believed. */
function readMessageChecked(buffer: Buffer, at: number, end: number): Message {
  const magic = buffer[at + MAGIC_AT]!;
  const crcIsValid = buffer.readUInt32BE(at + CRC_AT) === crc32(buffer, at + MAGIC_AT, end);
  if (magic <= 1 && crcIsValid) return { ...readMessage(buffer, at, end), crcIsValid };
  return {
    magic,
    offset: readInt64(buffer, at),
    timestamp: NO_TIMESTAMP,
    key: null,
    value: null,
    compression: buffer[at + ATTRIBUTES_AT]! & ATTRIBUTE_COMPRESSION,
    crcIsValid,
  };
}

function readMessage(buffer: Buffer, at: number, end: number): Message {
  const magic = buffer[at + MAGIC_AT]!;
  if (magic > 1) throw new MalformedBytesError(`message with magic ${magic} where 0 or 1 is expected`);
  const isV1 = magic === 1;
  if (isV1 && end - at < MESSAGE_SIZE_MIN_V1) {
    throw new MalformedBytesError(`message of ${end - at} bytes is smaller than any of format v1`);
  }
  const keySizeAt = at + (isV1 ? TIMESTAMP_AT + 8 : TIMESTAMP_AT);
  const key = sizedField(buffer, keySizeAt, end);
  const valueSizeAt = keySizeAt + 4 + (key === null ? 0 : key.length);
  const value = sizedField(buffer, valueSizeAt, end);
  return {
    magic,
    offset: readInt64(buffer, at),
    timestamp: isV1 ? readInt64(buffer, at + TIMESTAMP_AT) : NO_TIMESTAMP,
    key,
    value,
    compression: buffer[at + ATTRIBUTES_AT]! & ATTRIBUTE_COMPRESSION,
    crcIsValid: null,
  };
}

/** Bytes with a 32-bit size before them; every negative size means null, as in Kafka. */
function sizedField(buffer: Buffer, at: number, end: number): Buffer | null {
  if (end - at < 4) throw new MalformedBytesError('message ends within a size');
  const size = buffer.readInt32BE(at);
  if (size < 0) return null;
  const start = at + 4;
  if (size > end - start) {
    throw new MalformedBytesError(`field of ${size} bytes, ${end - start} left in the message`);
  }
  return buffer.subarray(start, start + size);
}

function asRecord(message: Message): DecodedRecord {
  const { offset, timestamp, key, value } = message;
  return { offset, timestamp, key, value, headers: NO_HEADERS };
}

interface MessageFields {
  readonly magic: LegacyMagic;
  readonly attributes: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

function checkedOffsets(input: MessageSetInput): number[] {
  if (input.records.length === 0) throw new RangeError('a message set needs at least one message');
  const offsets: number[] = [];
  let offset = (input.baseOffset ?? 0) - 1;
  for (const record of input.records) {
    const next: number = record.offset ?? offset + 1;
    if (next <= offset || next - (offsets[0] ?? next) > INT32_MAX) {
      throw new RangeError(`offset ${next} cannot follow ${offset} in a message set`);
    }
    offsets.push(next);
    offset = next;
  }
  return offsets;
}

function writeMessages(input: MessageSetInput, offsets: readonly number[], relativeTo: number): Buffer {
  const { magic, records } = input;
  let size = 0;
  for (const { key, value } of records) size += messageSize(magic, key, value);
  const buffer = Buffer.allocUnsafe(size);
  const attributes = timestampAttribute(input);
  let at = 0;
  for (const [i, { key, value, timestamp }] of records.entries()) {
    at = writeMessage(buffer, at, {
      magic,
      attributes,
      offset: offsets[i]! - relativeTo,
      timestamp: appendTimeOf(input) ?? timestamp,
      key,
      value,
    });
  }
  return buffer;
}

function messageSize(magic: LegacyMagic, key: Buffer | null, value: Buffer | null): number {
  const overhead = magic === 1 ? MESSAGE_SIZE_MIN_V1 : MESSAGE_SIZE_MIN_V0;
  return overhead + (key?.length ?? 0) + (value?.length ?? 0);
}

function writeMessage(buffer: Buffer, start: number, fields: MessageFields): number {
  const end = start + messageSize(fields.magic, fields.key, fields.value);
  writeInt64(buffer, start, fields.offset);
  buffer.writeInt32BE(end - start - LOG_OVERHEAD, start + 8);
  buffer[start + MAGIC_AT] = fields.magic;
  buffer[start + ATTRIBUTES_AT] = fields.attributes;
  let at = start + TIMESTAMP_AT;
  if (fields.magic === 1) {
    writeInt64(buffer, at, fields.timestamp);
    at += 8;
  }
  at = writeSized(buffer, at, fields.key);
  writeSized(buffer, at, fields.value);
  buffer.writeUInt32BE(crc32(buffer, start + MAGIC_AT, end), start + CRC_AT);
  return end;
}

function writeSized(buffer: Buffer, at: number, bytes: Buffer | null): number {
  buffer.writeInt32BE(bytes === null ? -1 : bytes.length, at);
  if (bytes === null) return at + 4;
  buffer.set(bytes, at + 4);
  return at + 4 + bytes.length;
}

function timestampAttribute(input: MessageSetInput): number {
  return appendTimeOf(input) === null ? 0 : ATTRIBUTE_LOG_APPEND_TIME;
}

/** The log's time where it counts: format v0 has no timestamps at all. */
function appendTimeOf(input: MessageSetInput): number | null {
  if (input.magic === 0 || input.timestampType !== 'log-append') return null;
  return input.logAppendTimeMs ?? NO_TIMESTAMP;
}

function wrapperTimestamp(input: MessageSetInput): number {
  const appendTime = appendTimeOf(input);
  if (appendTime !== null) return appendTime;
  return input.records.reduce((max, record) => Math.max(max, record.timestamp), NO_TIMESTAMP);
}
