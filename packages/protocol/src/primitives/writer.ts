import { uuidToBytes } from './uuid.ts';

const TWO_32 = 0x1_0000_0000;
const INT64_LIMIT = 2 ** 63;

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
    this.buffer[this.claim(1)] = value ? 1 : 0;
  }

  int8(value: number): void {
    this.buffer[this.claim(1)] = value;
  }

  int16(value: number): void {
    this.buffer.writeInt16BE(value, this.claim(2));
  }

  uint16(value: number): void {
    this.buffer.writeUInt16BE(value, this.claim(2));
  }

  int32(value: number): void {
    this.buffer.writeInt32BE(value, this.claim(4));
  }

  uint32(value: number): void {
    this.buffer.writeUInt32BE(value, this.claim(4));
  }

  /** Values from 2^63 on become the largest 64-bit integer, values below -2^63 the smallest. */
  int64(value: number): void {
    const at = this.claim(8);
    if (value >= INT64_LIMIT) {
      this.buffer.writeInt32BE(0x7fffffff, at);
      this.buffer.writeUInt32BE(0xffffffff, at + 4);
      return;
    }
    const high = Math.max(Math.floor(value / TWO_32), -0x80000000);
    this.buffer.writeInt32BE(high, at);
    this.buffer.writeUInt32BE(value < -INT64_LIMIT ? 0 : value - high * TWO_32, at + 4);
  }

  float64(value: number): void {
    this.buffer.writeDoubleBE(value, this.claim(8));
  }

  uuid(value: string): void {
    this.raw(uuidToBytes(value));
  }

  unsignedVarint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.buffer[this.claim(1)] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.claim(1)] = rest;
  }

  varint(value: number): void {
    this.unsignedVarint((value << 1) ^ (value >> 31));
  }

  varlong(value: number): void {
    let rest = value >= 0 ? BigInt(value) * 2n : BigInt(value) * -2n - 1n;
    while (rest > 0x7fn) {
      this.buffer[this.claim(1)] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.claim(1)] = Number(rest);
  }

  string(value: string): void {
    const size = Buffer.byteLength(value);
    this.int16(size);
    this.text(value, size);
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    const size = Buffer.byteLength(value);
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
      value.copy(this.buffer, this.claim(value.length));
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

  private text(value: string, size: number): void {
    this.buffer.utf8Write(value, this.claim(size), size);
  }

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

function recordsSize(value: Buffer | ExternalRecords): number {
  return Buffer.isBuffer(value) ? value.length : value.sizeBytes;
}
