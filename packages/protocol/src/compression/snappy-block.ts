import { MalformedBytesError } from '../primitives/protocol-error.ts';
import { copyBytes, repeatBytes } from './copy-bytes.ts';

/**
 * What a raw snappy block says that it decodes to, and where its elements begin.
 *
 * @throws MalformedBytesError
 */
export function readSnappyHeader(
  source: Buffer,
  start: number,
  end: number,
): { decodedSize: number; at: number } {
  let size = 0;
  let at = start;
  for (let shift = 0; shift <= 28; shift += 7) {
    if (at >= end) throw new MalformedBytesError('snappy block ends within its length');
    const byte = source[at++]!;
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      if (size > 0xffffffff) break;
      return { decodedSize: size, at };
    }
  }
  throw new MalformedBytesError('snappy block with a length beyond 32 bits');
}

/**
 * Decodes the elements `source[start, end)` of a raw snappy block; they must fill
 * `target[targetStart, targetEnd)` exactly.
 *
 * @throws MalformedBytesError
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
export function decodeSnappyElements(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  targetStart: number,
  targetEnd: number,
): void {
  let at = start;
  let to = targetStart;
  while (at < end) {
    const tag = source[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >>> 2) + 1;
      if (size > 60) {
        const extra = size - 60;
        if (extra > end - at) throw new MalformedBytesError('snappy block ends within a literal length');
        size = source.readUIntLE(at, extra) + 1;
        at += extra;
      }
      if (size > end - at) throw new MalformedBytesError('snappy literal reaches beyond its block');
      if (size > targetEnd - to) throw tooLong();
      copyBytes(source, at, target, to, size);
      at += size;
      to += size;
      continue;
    }
    const offsetSize = kind === 3 ? 4 : kind;
    if (offsetSize > end - at) throw new MalformedBytesError('snappy block ends within a copy');
    let size: number;
    let distance: number;
    if (kind === 1) {
      size = ((tag >>> 2) & 7) + 4;
      distance = ((tag >>> 5) << 8) | source[at]!;
    } else {
      size = (tag >>> 2) + 1;
      distance = kind === 2 ? source[at]! | (source[at + 1]! << 8) : source.readUInt32LE(at);
    }
    at += offsetSize;
    if (distance === 0 || distance > to - targetStart) {
      throw new MalformedBytesError(`snappy copy ${distance} back, ${to - targetStart} bytes decoded`);
    }
    if (size > targetEnd - to) throw tooLong();
    repeatBytes(target, to, distance, size);
    to += size;
  }
  if (to !== targetEnd) {
    throw new MalformedBytesError(`snappy block decodes to ${targetEnd - to} bytes less than it says`);
  }
}

function tooLong(): MalformedBytesError {
  return new MalformedBytesError('snappy block decodes to more bytes than it says');
}
