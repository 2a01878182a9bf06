/** Messages within messages beyond this are refused; nobody nests them so deep. */
const DEPTH_MAX = 64;
const VARINT_MAX_BYTES = 5;
/** The first message of a file, which nearly all are: one byte instead of two. */
const FIRST_MESSAGE = Buffer.from([0]);

/**
 * Which message of its file a payload is: the index of the outermost one, then of the one in it, and so on.
 * Written as their count and each of them, zigzag varints.
 */
export function writeMessageIndexes(indexes: readonly number[]): Buffer {
  if (indexes.length === 1 && indexes[0] === 0) return FIRST_MESSAGE;
  return Buffer.from([indexes.length, ...indexes].flatMap(varint));
}

/** @returns the indexes, and how many bytes they take. @throws RangeError when they are not all there or make no sense */
export function readMessageIndexes(bytes: Buffer): { indexes: readonly number[]; sizeBytes: number } {
  const reader = { bytes, at: 0 };
  const count = readVarint(reader);
  if (count === 0) return { indexes: [0], sizeBytes: reader.at };
  if (count < 0 || count > DEPTH_MAX)
    throw new RangeError('it does not say which message of its schema it is');
  const indexes = Array.from({ length: count }, () => readVarint(reader));
  return { indexes, sizeBytes: reader.at };
}

/** @param value 0 to 2^30 */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

function readVarint(reader: { readonly bytes: Buffer; at: number }): number {
  let [value, factor] = [0, 1];
  for (let i = 0; i < VARINT_MAX_BYTES; i++) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    factor *= 128;
  }
  throw new RangeError('it does not say which message of its schema it is');
}
