import { MalformedBytesError } from '../primitives/protocol-error.ts';
import { copyBytes, repeatBytes } from './copy-bytes.ts';

/** The shortest match; also how far a match must end before the block's last bytes begin. */
const MATCH_MIN = 4;
/** The last five bytes of a block are always literals. */
const LAST_LITERALS = 5;
/** The last match begins at least this far before the end of the block. */
const MATCH_START_MARGIN = 12;

const HASH_BITS = 13;
/** After so many misses in a row (as a power of two) the search takes longer steps: incompressible data. */
const SKIP_BITS = 6;

/** Of a block of the largest size that is written, 64 KB: positions fit 16 bits. */
export const LZ4_BLOCK_SIZE_MAX = 65536;

/** Position + 1 of the last place where four bytes with this hash were seen; 0 for none. */
const lastSeen = new Int32Array(1 << HASH_BITS);

/** The most that `encodeLz4Block` writes for `size` bytes. */
export function lz4BlockBound(size: number): number {
  return size + Math.floor(size / 255) + 16;
}

/**
 * Decodes the LZ4 block `source[start, end)` to `target[targetStart, targetEnd)`. Matches may not reach before
 * `targetStart`: blocks are independent.
 *
 * @returns where the decoded bytes end
 * @throws MalformedBytesError on bytes that are no block, or more output than there is room for
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
export function decodeLz4Block(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  targetStart: number,
  targetEnd: number,
): number {
  let at = start;
  let to = targetStart;
  while (at < end) {
    const token = source[at++]!;
    let size = token >>> 4;
    if (size === 15) {
      let byte;
      do {
        if (at >= end) throw new MalformedBytesError('lz4 block ends within a length');
        byte = source[at++]!;
        size += byte;
      } while (byte === 255);
    }
    if (size > end - at) throw new MalformedBytesError('lz4 literals reach beyond their block');
    if (size > targetEnd - to) throw tooLong();
    copyBytes(source, at, target, to, size);
    at += size;
    to += size;
    if (at === end) return to;
    if (end - at < 2) throw new MalformedBytesError('lz4 block ends within a match');
    const distance = source[at]! | (source[at + 1]! << 8);
    at += 2;
    if (distance === 0 || distance > to - targetStart) {
      throw new MalformedBytesError(`lz4 match ${distance} back, ${to - targetStart} bytes decoded`);
    }
    size = token & 15;
    if (size === 15) {
      let byte;
      do {
        if (at >= end) throw new MalformedBytesError('lz4 block ends within a length');
        byte = source[at++]!;
        size += byte;
      } while (byte === 255);
    }
    size += MATCH_MIN;
    if (size > targetEnd - to) throw tooLong();
    repeatBytes(target, to, distance, size);
    to += size;
  }
  throw new MalformedBytesError('lz4 block does not end with literals');
}

/**
 * Encodes `source[start, end)`, at most 64 KB, as one LZ4 block at `targetStart`, where there must be room for
 * `lz4BlockBound` bytes. Greedy with a hash table, like the reference's fast mode.
 *
 * @returns where the block ends
 */
export function encodeLz4Block(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  targetStart: number,
): number {
  lastSeen.fill(0);
  const matchStartEnd = end - MATCH_START_MARGIN;
  const matchEnd = end - LAST_LITERALS;
  let to = targetStart;
  let literalsStart = start;
  let at = start;
  let misses = 1 << SKIP_BITS;
  while (at <= matchStartEnd) {
    const word = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = start + lastSeen[slot]! - 1;
    lastSeen[slot] = at - start + 1;
    if (
      candidate < start ||
      at - candidate > 0xffff ||
      (source[candidate]! |
        (source[candidate + 1]! << 8) |
        (source[candidate + 2]! << 16) |
        (source[candidate + 3]! << 24)) !==
        word
    ) {
      at += misses++ >>> SKIP_BITS;
      continue;
    }
    misses = 1 << SKIP_BITS;
    let matched = at + MATCH_MIN;
    for (
      let other = candidate + MATCH_MIN;
      matched < matchEnd && source[matched] === source[other];
      other++
    ) {
      matched++;
    }
    to = writeSequence(source, literalsStart, at, target, to, at - candidate, matched - at - MATCH_MIN);
    at = matched;
    literalsStart = at;
  }
  return writeLastLiterals(source, literalsStart, end, target, to);
}

function writeSequence(
  source: Buffer,
  literalsStart: number,
  literalsEnd: number,
  target: Buffer,
  targetStart: number,
  distance: number,
  matchExtra: number,
): number {
  const literals = literalsEnd - literalsStart;
  let to = targetStart;
  target[to++] = (Math.min(literals, 15) << 4) | Math.min(matchExtra, 15);
  if (literals >= 15) to = writeLength(target, to, literals - 15);
  copyBytes(source, literalsStart, target, to, literals);
  to += literals;
  target[to++] = distance & 0xff;
  target[to++] = distance >>> 8;
  if (matchExtra >= 15) to = writeLength(target, to, matchExtra - 15);
  return to;
}

function writeLastLiterals(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const literals = end - start;
  let to = at;
  target[to++] = Math.min(literals, 15) << 4;
  if (literals >= 15) to = writeLength(target, to, literals - 15);
  copyBytes(source, start, target, to, literals);
  return to + literals;
}

function writeLength(target: Buffer, at: number, rest: number): number {
  for (; rest >= 255; rest -= 255) target[at++] = 255;
  target[at++] = rest;
  return at;
}

function tooLong(): MalformedBytesError {
  return new MalformedBytesError('lz4 block decodes to more bytes than allowed');
}
