import { BitReader, BitWriter } from './bit-stream.ts';

/** A way to write down which of the numbers 0 to `span` - 1 are in a set. */
export interface OffsetEncoding {
  readonly name: string;
  /** @param members ascending, below `span` */
  encode(members: readonly number[], span: number): Buffer;
  /** The members, ascending. @throws RangeError for bytes that `encode` never writes */
  decode(bytes: Buffer, span: number): number[];
}

/** A bit for each number: never more than `span` / 8 bytes, whatever the set. */
const bitset: OffsetEncoding = {
  name: 'bitset',
  encode(members) {
    const bytes = Buffer.alloc(members.length === 0 ? 0 : (members.at(-1)! >> 3) + 1);
    for (const member of members) bytes[member >> 3]! |= 1 << (member & 7);
    return bytes;
  },
  decode(bytes, span) {
    const members: number[] = [];
    for (const [at, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) members.push(at * 8 + bit);
    }
    return checked(members, span);
  },
};

const RICE_PARAMETER_MAX = 31;

/**
 * The distances between members, each as its quotient by 2^k in unary and its remainder in k bits (Golomb-Rice): the
 * smallest when members are rare and far apart.
 */
const riceGaps: OffsetEncoding = {
  name: 'rice',
  encode(members, span) {
    const parameter = riceParameter(members.length, span);
    const writer = new BitWriter();
    writer.bits(parameter, 5);
    writer.bits(members.length, 32);
    let before = -1;
    for (const member of members) {
      const gap = member - before - 1;
      for (let quotient = Math.floor(gap / 2 ** parameter); quotient > 0; quotient--) writer.bit(1);
      writer.bit(0);
      writer.bits(gap, parameter);
      before = member;
    }
    return writer.take();
  },
  decode(bytes, span) {
    const reader = new BitReader(bytes);
    const parameter = reader.bits(5);
    const count = reader.bits(32);
    // Every member takes a bit at least.
    if (count > bytes.length * 8) throw new RangeError(`${count} members in ${bytes.length} bytes`);
    const members: number[] = [];
    let before = -1;
    for (let at = 0; at < count; at++) {
      let quotient = 0;
      while (reader.bit() === 1) quotient++;
      before += quotient * 2 ** parameter + reader.bits(parameter) + 1;
      members.push(before);
    }
    return checked(members, span);
  },
};

/** The members take about as many bits whatever they are when 2^k is near 0.69 times the mean distance. */
function riceParameter(count: number, span: number): number {
  if (count === 0) return 0;
  const mean = Math.max((span - count) / count, 1);
  return Math.min(Math.max(Math.round(Math.log2(mean * Math.LN2)), 0), RICE_PARAMETER_MAX);
}

/** Members beyond this number are not taken from bytes that may be anybody's. */
const MEMBERS_MAX = 1_000_000;

/** Lengths of stretches, in turn of members and of others: the smallest when members stand together. */
const runs: OffsetEncoding = {
  name: 'runs',
  encode(members) {
    const lengths: number[] = [];
    for (let at = 0, end = 0; at < members.length;) {
      const start = members[at]!;
      let length = 1;
      while (members[at + length] === start + length) length++;
      lengths.push(start - end, length);
      at += length;
      end = start + length;
    }
    return Buffer.from(lengths.flatMap(varintBytes));
  },
  decode(bytes, span) {
    const members: number[] = [];
    let next = 0;
    for (let at = 0; at < bytes.length;) {
      const others = readVarint(bytes, at);
      const length = readVarint(bytes, others.end);
      at = length.end;
      next += others.value;
      const isTooMuch = next + length.value > span || members.length + length.value > MEMBERS_MAX;
      if (isTooMuch) throw new RangeError(`${length.value} members from ${next} on, below ${span}`);
      for (let left = length.value; left > 0; left--) members.push(next++);
    }
    return checked(members, span);
  },
};

/** In the order of the numbers by which they are named in bytes. */
export const OFFSET_ENCODINGS: readonly OffsetEncoding[] = [bitset, riceGaps, runs];

function checked(members: number[], span: number): number[] {
  if ((members.at(-1) ?? -1) >= span) throw new RangeError(`a member beyond ${span}`);
  return members;
}

/** Seven bits to a byte, the lowest first. @param value 0 to 2^53 - 1 */
export function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return bytes;
}

/** @throws RangeError when there is none */
export function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start, factor = 1; factor <= 2 ** 49; at++, factor *= 128) {
    const byte = bytes[at];
    if (byte === undefined) throw new RangeError('the bytes end within a number');
    value += (byte % 128) * factor;
    if (byte < 128 && value <= Number.MAX_SAFE_INTEGER) return { value, end: at + 1 };
  }
  throw new RangeError('a number that is too large');
}
