import { writeUuid } from './uuid.ts';

const TWO_32 = 0x1_0000_0000;
const INT64_LIMIT = 2 ** 63;

/** Below this many characters ASCII is written here: the calls into the runtime cost more than the characters. */
const SHORT_TEXT_LENGTH = 32;

/** The protocol counts the bytes of a string in 16 bits, in compact form too. */
const STRING_SIZE_MAX = 0x7fff;

/** From this size on bytes are passed through by reference instead of being copied. */
const REFERENCE_SIZE_MIN = 4096;

/**
 * Records whose bytes are not in memory (a stretch of a log file, say). The writer only counts them; who sends
 * the message gets them from `finish` in their place and brings the bytes itself.
 */
export interface ExternalRecords {
  readonly sizeBytes: number;
  readonly external: true;
}

export type RecordsField = Buffer | ExternalRecords | null;

/** What a message consists of, in order: bytes, and records that are still to be brought. */
export type Chunk = Buffer | ExternalRecords;

/**
 * Writes Kafka's primitive types into a growing buffer. Large byte fields are not copied, and external records
 * are left in place, so `finish` returns a list of chunks.
 */
export class Writer {
  private buffer: Buffer;
  private position = 0;
  private chunkStart = 0;
  private readonly chunks: Chunk[] = [];
  private chunksSize = 0;

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  /** Bytes written so far, external records included. */
  get sizeBytes(): number {
    return this.chunksSize + this.position - this.chunkStart;
  }

  /** The message in order; the writer must not be used afterwards. */
  finish(): Chunk[] {
    this.closeChunk();
    return this.chunks;
  }

  /** The message as one buffer. @throws Error when it holds external records */
  toBuffer(): Buffer {
    const chunks = this.finish();
    if (chunks.length === 1 && Buffer.isBuffer(chunks[0])) return chunks[0];
    return Buffer.concat(
      chunks.map((chunk) => {
        if (!Buffer.isBuffer(chunk)) throw new Error('external records have no bytes in memory');
        return chunk;
      }),
    );
  }

  boolean(value: boolean): void {
    const at = this.claim(1);
    this.buffer[at] = value ? 1 : 0;
  }

  int8(value: number): void {
    const at = this.claim(1);
    this.buffer.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.claim(2);
    this.buffer.writeInt16BE(value, at);
  }

  uint16(value: number): void {
    const at = this.claim(2);
    this.buffer.writeUInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.claim(4);
    this.buffer.writeInt32BE(value, at);
  }

  uint32(value: number): void {
    const at = this.claim(4);
    this.buffer.writeUInt32BE(value, at);
  }

  /**
   * Values from 2^63 on become the largest 64-bit integer, values below -2^63 the smallest.
   *
   * @throws RangeError when the value is not a number
   */
  int64(value: number): void {
    const at = this.claim(8);
    if (value >= -INT64_LIMIT && value < INT64_LIMIT) {
      const high = Math.floor(value / TWO_32);
      this.word(high | 0, at);
      this.word((value - high * TWO_32) | 0, at + 4);
    } else {
      this.int64Extreme(value, at);
    }
  }

  float64(value: number): void {
    const at = this.claim(8);
    this.buffer.writeDoubleBE(value, at);
  }

  /** @throws RangeError when `value` is not a uuid in the form of `ZERO_UUID` */
  uuid(value: string): void {
    const at = this.claim(16);
    writeUuid(this.buffer, value, at);
  }

  unsignedVarint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      const at = this.claim(1);
      this.buffer[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    const at = this.claim(1);
    this.buffer[at] = rest;
  }

  varint(value: number): void {
    this.unsignedVarint((value << 1) ^ (value >> 31));
  }

  /** A zigzag varint of at most 64 bits, as in records; bounded like `int64`. */
  varlong(value: number): void {
    if (value === value >> 0) {
      this.varint(value);
      return;
    }
    const signed = boundedBigInt(value);
    let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
    while (rest > 0x7fn) {
      const at = this.claim(1);
      this.buffer[at] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    const at = this.claim(1);
    this.buffer[at] = Number(rest);
  }

  /** @throws RangeError when the text takes more than 32767 bytes */
  string(value: string): void {
    if (value.length < SHORT_TEXT_LENGTH && this.shortText(value, false)) return;
    const size = textSize(value);
    this.int16(size);
    this.text(value, size);
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    if (value.length < SHORT_TEXT_LENGTH && this.shortText(value, true)) return;
    const size = textSize(value);
    this.unsignedVarint(size + 1);
    this.text(value, size);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.unsignedVarint(0);
    else this.compactString(value);
  }

  bytes(value: Buffer): void {
    this.int32(value.length);
    this.raw(value);
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.int32(-1);
    else this.bytes(value);
  }

  compactBytes(value: Buffer): void {
    this.unsignedVarint(value.length + 1);
    this.raw(value);
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.unsignedVarint(0);
    else this.compactBytes(value);
  }

  records(value: RecordsField): void {
    this.int32(value === null ? -1 : recordsSize(value));
    this.recordsBody(value);
  }

  compactRecords(value: RecordsField): void {
    this.unsignedVarint(value === null ? 0 : recordsSize(value) + 1);
    this.recordsBody(value);
  }

  arrayLength(count: number): void {
    this.int32(count);
  }

  compactArrayLength(count: number): void {
    this.unsignedVarint(count + 1);
  }

  /** Bytes without a length before them. */
  raw(value: Buffer): void {
    if (value.length >= REFERENCE_SIZE_MIN) {
      this.closeChunk();
      this.chunks.push(value);
      this.chunksSize += value.length;
    } else {
      const at = this.claim(value.length);
      value.copy(this.buffer, at);
    }
  }

  private recordsBody(value: RecordsField): void {
    if (value === null) return;
    if (Buffer.isBuffer(value)) {
      this.raw(value);
    } else if (value.sizeBytes > 0) {
      this.closeChunk();
      this.chunks.push(value);
      this.chunksSize += value.sizeBytes;
    }
  }

  /** Writes length and text if it is all ASCII; says whether it was, and leaves no trace if not. */
  private shortText(value: string, compact: boolean): boolean {
    const length = value.length;
    const lengthSize = compact ? 1 : 2;
    const start = this.claim(lengthSize + length);
    let at = start + lengthSize;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.position = start;
        return false;
      }
      this.buffer[at++] = code;
    }
    if (compact) this.buffer[start] = length + 1;
    else {
      this.buffer[start] = 0;
      this.buffer[start + 1] = length;
    }
    return true;
  }

  /** 32 bits, most significant byte first. */
  private word(value: number, at: number): void {
    const buffer = this.buffer;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  private text(value: string, size: number): void {
    const at = this.claim(size);
    this.buffer.utf8Write(value, at, size);
  }

  private int64Extreme(value: number, at: number): void {
    if (Number.isNaN(value)) throw new RangeError('a 64-bit integer cannot be NaN');
    this.buffer.writeInt32BE(value > 0 ? 0x7fffffff : -0x80000000, at);
    this.buffer.writeUInt32BE(value > 0 ? 0xffffffff : 0, at + 4);
  }

  /** Makes room and returns where it is. `buffer` may be another one afterwards: claim first, then write. */
  /** Takes `size` bytes and returns where they begin. To be called before `this.buffer` is: it may change. */
  private claim(size: number): number {
    const at = this.position;
    if (at + size > this.buffer.length) return this.claimInNewBuffer(size);
    this.position = at + size;
    return at;
  }

  private claimInNewBuffer(size: number): number {
    const started = this.position - this.chunkStart;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, started + size));
    this.buffer.copy(grown, 0, this.chunkStart, this.position);
    this.buffer = grown;
    this.chunkStart = 0;
    this.position = started + size;
    return started;
  }

  private closeChunk(): void {
    if (this.position === this.chunkStart) return;
    this.chunks.push(this.buffer.subarray(this.chunkStart, this.position));
    this.chunksSize += this.position - this.chunkStart;
    this.chunkStart = this.position;
  }
}

/** As `int64` bounds its values. @throws RangeError when the value is not an integer */
function boundedBigInt(value: number): bigint {
  if (value >= INT64_LIMIT) return 2n ** 63n - 1n;
  return value <= -INT64_LIMIT ? -(2n ** 63n) : BigInt(value);
}

function textSize(value: string): number {
  const size = Buffer.byteLength(value);
  if (size > STRING_SIZE_MAX)
    throw new RangeError(`a string of ${size} bytes, at most ${STRING_SIZE_MAX} are allowed`);
  return size;
}

function recordsSize(value: Buffer | ExternalRecords): number {
  return Buffer.isBuffer(value) ? value.length : value.sizeBytes;
}
