import { MalformedBytesError } from '../primitives/protocol-error.ts';

const TWO_32 = 0x1_0000_0000;

/**
 * Walks over the uncompressed records of a v2 batch without making anything of them: after `next` the fields
 * say where the parts of one record lie. Every length is checked against the record's own end, and that one
 * against the batch's.
 *
 * One scanner may be used for batch after batch.
 */
export class RecordScanner {
  private buffer: Buffer = EMPTY;
  private at = 0;
  private end = 0;

  offsetDelta = 0;
  timestampDelta = 0;
  /** Where the record goes on behind its timestamp; offset delta, key, value and headers do not depend on others. */
  restStart = 0;
  keyStart = 0;
  /** -1 for null. */
  keySize = -1;
  valueStart = 0;
  /** -1 for null. */
  valueSize = -1;
  headerCount = 0;
  /** Where the first header begins; another scanner reads them with `nextHeader`. */
  headersStart = 0;

  /** Begins anew at the first record. */
  reset(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
  }

  /** Whether all bytes have been walked over. */
  get atEnd(): boolean {
    return this.at === this.end;
  }

  /** Where the next record begins. */
  get position(): number {
    return this.at;
  }

  /** Walks over one record. @throws MalformedBytesError when its parts do not fill its size exactly */
  next(): void {
    const batchEnd = this.end;
    const size = this.varint();
    const recordEnd = this.at + size;
    if (size < 1 || recordEnd > batchEnd) {
      throw new MalformedBytesError(`record of ${size} bytes, ${batchEnd - this.at} left in the batch`);
    }
    // So that no varint or length inside the record reaches beyond it.
    this.end = recordEnd;
    this.at++; // attributes, unused
    this.timestampDelta = this.varlong();
    this.restStart = this.at;
    this.offsetDelta = this.varint();
    this.keySize = this.varint();
    this.keyStart = this.at;
    this.skip(this.keySize);
    this.valueSize = this.varint();
    this.valueStart = this.at;
    this.skip(this.valueSize);
    this.headerCount = this.varint();
    this.headersStart = this.at;
    if (this.headerCount !== 0) this.skipHeaders();
    if (this.at !== recordEnd) {
      throw new MalformedBytesError(`record has ${recordEnd - this.at} bytes after its last header`);
    }
    this.end = batchEnd;
  }

  private skipHeaders(): void {
    const count = this.headerCount;
    // A header takes at least two bytes.
    if (count < 0 || count * 2 > this.end - this.at) {
      throw new MalformedBytesError(
        `${count} record headers, ${this.end - this.at} bytes left in the record`,
      );
    }
    for (let i = 0; i < count; i++) {
      const keySize = this.varint();
      if (keySize < 0) throw new MalformedBytesError(`record header with a key of ${keySize} bytes`);
      this.skip(keySize);
      this.skip(this.varint());
    }
  }

  /** Walks over one header instead of a record, when set on the headers of a record. */
  nextHeader(): void {
    this.keySize = this.varint();
    this.keyStart = this.at;
    this.skip(this.keySize);
    this.valueSize = this.varint();
    this.valueStart = this.at;
    this.skip(this.valueSize);
  }

  private skip(size: number): void {
    if (size <= 0) return;
    if (size > this.end - this.at) {
      throw new MalformedBytesError(`field of ${size} bytes, ${this.end - this.at} left in the record`);
    }
    this.at += size;
  }

  private varint(): number {
    const byte = this.at < this.end ? this.buffer[this.at++]! : endOfRecord();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    return this.longVarint(byte);
  }

  private longVarint(first: number): number {
    let raw = first & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      const byte = this.at < this.end ? this.buffer[this.at++]! : endOfRecord();
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    throw new MalformedBytesError('varint of more than 5 bytes');
  }

  private varlong(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift <= 63; shift += 7) {
      const byte = this.at < this.end ? this.buffer[this.at++]! : endOfRecord();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        if (high === 0) return (low >>> 1) ^ -(low & 1);
        return unzigzag64(low >>> 0, high >>> 0);
      }
    }
    throw new MalformedBytesError('varint of more than 10 bytes');
  }
}

const EMPTY = Buffer.alloc(0);

function endOfRecord(): never {
  throw new MalformedBytesError('record ends within a varint');
}

function unzigzag64(low: number, high: number): number {
  const magnitude = (high >>> 1) * TWO_32 + ((((high & 1) << 31) | (low >>> 1)) >>> 0);
  return (low & 1) === 1 ? -magnitude - 1 : magnitude;
}
