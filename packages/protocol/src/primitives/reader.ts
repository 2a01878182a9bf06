import { MalformedBytesError } from './protocol-error.ts';
import { uuidFromBytes } from './uuid.ts';

const TWO_32 = 0x1_0000_0000;

/** The protocol counts the bytes of a string in 16 bits, in compact form too. */
const STRING_SIZE_MAX = 0x7fff;

/**
 * Elements of arrays and tagged fields that one message may hold in all. An element of three bytes becomes an
 * object of a hundred, so without this a frame of the largest size allowed would be too much for the process.
 * Half a million partitions with three replicas each stay below.
 */
const ELEMENTS_MAX = 4_000_000;

/**
 * Reads Kafka's primitive types from a buffer, front to back.
 *
 * Every length and count is checked against the bytes that are really there before anything is allocated, and
 * the number of elements is limited, so that neither a lying frame nor one that swells costs much memory. Byte fields are views on the buffer, not
 * copies: they are valid for as long as the buffer is.
 *
 * 64-bit integers are numbers. Offsets, timestamps and ids stay far below 2^53; a value beyond that is
 * rounded to the nearest double, and the extremes of the type survive reading and writing.
 *
 * @throws MalformedBytesError on bytes that do not have the expected form
 * @see https://kafka.apache.org/protocol.html#protocol_types
 */
export class Reader {
  readonly buffer: Buffer;
  position: number;
  readonly end: number;
  private elementsLeft = ELEMENTS_MAX;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Moves past `size` bytes and returns where they began. */
  take(size: number): number {
    const start = this.position;
    if (size < 0 || size > this.end - start) {
      const left = this.end - start;
      throw new MalformedBytesError(
        size === -1 ? 'null where a value must be' : `${size} bytes wanted, ${left} left`,
      );
    }
    this.position = start + size;
    return start;
  }

  boolean(): boolean {
    return this.buffer[this.take(1)] !== 0;
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2));
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4));
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4));
  }

  int64(): number {
    const at = this.take(8);
    return this.buffer.readInt32BE(at) * TWO_32 + this.buffer.readUInt32BE(at + 4);
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  uuid(): string {
    const at = this.take(16);
    return uuidFromBytes(this.buffer, at);
  }

  /** An unsigned LEB128 of at most 32 bits. */
  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.buffer[this.take(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new MalformedBytesError('varint of more than 5 bytes');
  }

  /** A zigzag varint of at most 32 bits, as in records. */
  varint(): number {
    const raw = this.unsignedVarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A zigzag varint of at most 64 bits, as in records. */
  varlong(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift <= 63; shift += 7) {
      const byte = this.buffer[this.take(1)]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return unzigzag64(low >>> 0, high >>> 0);
    }
    throw new MalformedBytesError('varint of more than 10 bytes');
  }

  string(): string {
    return this.text(this.int16());
  }

  nullableString(): string | null {
    const size = this.int16();
    return size === -1 ? null : this.text(size);
  }

  compactString(): string {
    return this.text(this.unsignedVarint() - 1);
  }

  compactNullableString(): string | null {
    const size = this.unsignedVarint() - 1;
    return size === -1 ? null : this.text(size);
  }

  bytes(): Buffer {
    return this.view(this.int32());
  }

  nullableBytes(): Buffer | null {
    const size = this.int32();
    return size === -1 ? null : this.view(size);
  }

  compactBytes(): Buffer {
    return this.view(this.unsignedVarint() - 1);
  }

  compactNullableBytes(): Buffer | null {
    const size = this.unsignedVarint() - 1;
    return size === -1 ? null : this.view(size);
  }

  /** A view of `size` bytes of the buffer. */
  view(size: number): Buffer {
    const at = this.take(size);
    return this.buffer.subarray(at, at + size);
  }

  /**
   * The count of an array whose elements take at least `elementSizeMin` bytes each. A count that the remaining
   * bytes cannot hold is refused before anything is allocated, and so is null.
   */
  arrayLength(elementSizeMin: number): number {
    return this.checkedCount(this.int32(), elementSizeMin, 0);
  }

  /** As `arrayLength`, with -1 for null. */
  nullableArrayLength(elementSizeMin: number): number {
    return this.checkedCount(this.int32(), elementSizeMin, -1);
  }

  compactArrayLength(elementSizeMin: number): number {
    return this.checkedCount(this.unsignedVarint() - 1, elementSizeMin, 0);
  }

  /** As `compactArrayLength`, with -1 for null. */
  compactNullableArrayLength(elementSizeMin: number): number {
    return this.checkedCount(this.unsignedVarint() - 1, elementSizeMin, -1);
  }

  /** How many tagged fields follow; each takes at least two bytes. */
  taggedFieldCount(): number {
    return this.checkedCount(this.unsignedVarint(), 2, 0);
  }

  /** Reads the size of a tagged field and returns where it ends. */
  taggedFieldEnd(): number {
    const size = this.unsignedVarint();
    if (size > this.end - this.position) {
      throw new MalformedBytesError(`tagged field of ${size} bytes, ${this.remaining} left`);
    }
    return this.position + size;
  }

  /** @throws MalformedBytesError when a tagged field was shorter or longer than its size says */
  expectPosition(position: number): void {
    if (this.position !== position) {
      throw new MalformedBytesError(`tagged field ends at ${position}, its value at ${this.position}`);
    }
  }

  private checkedCount(count: number, elementSizeMin: number, countMin: number): number {
    if (count < countMin || count * elementSizeMin > this.end - this.position) {
      throw new MalformedBytesError(
        count === -1
          ? 'null where a value must be'
          : `${count} elements wanted, ${this.remaining} bytes left`,
      );
    }
    this.elementsLeft -= count;
    if (this.elementsLeft < 0) {
      throw new MalformedBytesError(`more than ${ELEMENTS_MAX} array elements in one message`);
    }
    return count;
  }

  private text(size: number): string {
    if (size > STRING_SIZE_MAX) throw new MalformedBytesError(`string of ${size} bytes`);
    const at = this.take(size);
    return size < 24 ? this.shortText(at, size) : this.buffer.utf8Slice(at, at + size);
  }

  /** Short ASCII text is built here: the call into the runtime costs more than the characters. */
  private shortText(at: number, size: number): string {
    let text = '';
    for (let i = at; i < at + size; i++) {
      const byte = this.buffer[i]!;
      if (byte >= 0x80) return this.buffer.utf8Slice(at, at + size);
      text += String.fromCharCode(byte);
    }
    return text;
  }
}

function unzigzag64(low: number, high: number): number {
  const magnitude = (high >>> 1) * TWO_32 + ((((high & 1) << 31) | (low >>> 1)) >>> 0);
  return (low & 1) === 1 ? -magnitude - 1 : magnitude;
}
