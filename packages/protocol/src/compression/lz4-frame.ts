import { MalformedBytesError } from '../primitives/protocol-error.ts';
import { lz4 } from './native-codecs.ts';
import { trimmed } from './output.ts';
import { allAtOnce, type Steps } from './steps.ts';
import { xxhash32 } from './xxhash32.ts';

const FRAME_MAGIC = 0x184d2204;
/** Version 1, independent blocks; no checksums, no content size: what Kafka's Java client writes. */
const FLAGS = 0x60;
/** Block size code 4: at most 64 KB. */
const BLOCK_DESCRIPTOR = 0x40;
const BLOCK_SIZE_MAX = 65536;
const HEADER_SIZE = 7;
const STORED = 0x80000000;

/**
 * The native functions work on single blocks with their decoded size before them as 32 bits, little-endian; on
 * decoding it is a bound, and the result may be shorter. Its functions for whole frames are no use here: they
 * have no bound, ignore all frames but the first, and choose block sizes of their own.
 */
const NATIVE_PREFIX_SIZE = 4;

/** No LZ4 block grows by more than this on decoding. */
const EXPANSION_MAX = 255;

export interface Lz4FrameOptions {
  /**
   * As in messages of format v0: Kafka 0.8 computed the header's checksum over the frame's magic too, which is
   * wrong, and readers of that format expect it. On reading, any header checksum is accepted.
   */
  readonly legacyHeaderChecksum?: boolean;
}

/**
 * One LZ4 frame of independent 64 KB blocks.
 *
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function encodeLz4Frame(input: Buffer, options: Lz4FrameOptions = {}): Buffer {
  return allAtOnce(lz4FrameSteps(input, options));
}

/** `encodeLz4Frame`, a block at a time. */
export function* lz4FrameSteps(input: Buffer, options: Lz4FrameOptions = {}): Steps<Buffer> {
  const blockCount = Math.ceil(input.length / BLOCK_SIZE_MAX);
  const frame = Buffer.allocUnsafe(HEADER_SIZE + input.length + blockCount * 4 + 4);
  frame.writeUInt32LE(FRAME_MAGIC, 0);
  frame[4] = FLAGS;
  frame[5] = BLOCK_DESCRIPTOR;
  frame[6] = headerChecksum(frame, options.legacyHeaderChecksum === true ? 0 : 4, 6);
  let to = HEADER_SIZE;
  for (let at = 0; at < input.length; at += BLOCK_SIZE_MAX) {
    to = writeBlock(input, at, Math.min(at + BLOCK_SIZE_MAX, input.length), frame, to);
    yield;
  }
  frame.writeUInt32LE(0, to);
  return trimmed(frame, to + 4);
}

/** A block that does not become smaller is stored as it is, so the frame never outgrows its buffer. */
function writeBlock(input: Buffer, start: number, end: number, frame: Buffer, at: number): number {
  const packed = lz4().compressSync(input.subarray(start, end));
  const packedSize = packed.length - NATIVE_PREFIX_SIZE;
  const size = end - start;
  if (packedSize < size) {
    frame.writeUInt32LE(packedSize, at);
    packed.copy(frame, at + 4, NATIVE_PREFIX_SIZE);
    return at + 4 + packedSize;
  }
  frame.writeUInt32LE((size | STORED) >>> 0, at);
  input.copy(frame, at + 4, start, end);
  return at + 4 + size;
}

/**
 * The contents of one or more LZ4 frames, one after another. Block checksums are verified, content checksums
 * and sizes are not, as in Kafka.
 *
 * @param sizeMaxBytes bound for the result
 * @throws MalformedBytesError on bytes that are no frames of independent blocks, or when the bound is exceeded
 */
export function decodeLz4Frames(input: Buffer, sizeMaxBytes: number, options: Lz4FrameOptions = {}): Buffer {
  return allAtOnce(decodeLz4Steps(input, sizeMaxBytes, options));
}

/** `decodeLz4Frames`, a block at a time. */
export function* decodeLz4Steps(
  input: Buffer,
  sizeMaxBytes: number,
  options: Lz4FrameOptions = {},
): Steps<Buffer> {
  const ignoreChecksum = options.legacyHeaderChecksum === true;
  const output = Buffer.allocUnsafe(Math.min(decodedSizeBound(input, ignoreChecksum), sizeMaxBytes));
  let to = 0;
  let at = 0;
  do {
    const frame = readFrameHeader(input, at, ignoreChecksum);
    at = frame.blocksStart;
    for (;;) {
      const block = readBlockHeader(input, at, frame);
      at = block.next;
      if (block.size === 0) break;
      to = decodeBlock(input, block, frame, output, to);
      yield;
    }
  } while (at < input.length);
  return trimmed(output, to);
}

interface FrameHeader {
  readonly blockSizeMax: number;
  readonly hasBlockChecksums: boolean;
  readonly hasContentChecksum: boolean;
  readonly blocksStart: number;
}

interface BlockHeader {
  readonly start: number;
  /** 0 for the mark at the end of a frame. */
  readonly size: number;
  readonly isStored: boolean;
  /** Where the next block or frame begins. */
  readonly next: number;
}

/** How much the frames decode to at most, from their block headers alone. Checks that they are complete. */
function decodedSizeBound(input: Buffer, ignoreChecksum: boolean): number {
  let bound = 0;
  let at = 0;
  do {
    const frame = readFrameHeader(input, at, ignoreChecksum);
    at = frame.blocksStart;
    for (;;) {
      const block = readBlockHeader(input, at, frame);
      at = block.next;
      if (block.size === 0) break;
      bound += block.isStored ? block.size : Math.min(frame.blockSizeMax, block.size * EXPANSION_MAX);
    }
  } while (at < input.length);
  return bound;
}

function readFrameHeader(input: Buffer, start: number, ignoreChecksum: boolean): FrameHeader {
  if (input.length - start < HEADER_SIZE) throw new MalformedBytesError('lz4 frame ends within its header');
  if (input.readUInt32LE(start) !== FRAME_MAGIC) throw new MalformedBytesError('not an lz4 frame');
  const flags = input[start + 4]!;
  const descriptor = input[start + 5]!;
  if (flags >>> 6 !== 1) throw new MalformedBytesError(`lz4 frame of version ${flags >>> 6}`);
  if ((flags & 0x20) === 0) throw new MalformedBytesError('lz4 frame of dependent blocks');
  if ((flags & 0x03) !== 0 || (descriptor & 0x8f) !== 0) {
    throw new MalformedBytesError('lz4 frame header with reserved bits set');
  }
  const sizeCode = descriptor >>> 4;
  if (sizeCode < 4) throw new MalformedBytesError(`lz4 block size code ${sizeCode}`);
  const checksumAt = start + 6 + ((flags & 0x08) !== 0 ? 8 : 0);
  if (checksumAt >= input.length) throw new MalformedBytesError('lz4 frame ends within its header');
  if (!ignoreChecksum && input[checksumAt] !== headerChecksum(input, start + 4, checksumAt)) {
    throw new MalformedBytesError('lz4 frame header with a wrong checksum');
  }
  return {
    blockSizeMax: 1 << (2 * sizeCode + 8),
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 0x04) !== 0,
    blocksStart: checksumAt + 1,
  };
}

function readBlockHeader(input: Buffer, at: number, frame: FrameHeader): BlockHeader {
  if (input.length - at < 4) throw new MalformedBytesError('lz4 frame ends without its end mark');
  const word = input.readUInt32LE(at);
  const size = word & 0x7fffffff;
  const start = at + 4;
  if (size > frame.blockSizeMax) {
    throw new MalformedBytesError(`lz4 block of ${size} bytes, the frame allows ${frame.blockSizeMax}`);
  }
  const hasChecksum = size === 0 ? frame.hasContentChecksum : frame.hasBlockChecksums;
  const next = start + size + (hasChecksum ? 4 : 0);
  if (next > input.length) throw new MalformedBytesError('lz4 frame ends within a block');
  return { start, size, isStored: word >= STORED, next };
}

function decodeBlock(
  input: Buffer,
  block: BlockHeader,
  frame: FrameHeader,
  output: Buffer,
  to: number,
): number {
  const end = block.start + block.size;
  if (frame.hasBlockChecksums && input.readUInt32LE(end) !== xxhash32(input, block.start, end)) {
    throw new MalformedBytesError('lz4 block with a wrong checksum');
  }
  const room = output.length - to;
  if (!block.isStored) {
    const decoded = decodeNative(input, block, Math.min(frame.blockSizeMax, room));
    decoded.copy(output, to);
    return to + decoded.length;
  }
  if (block.size > room) throw new MalformedBytesError('lz4 block decodes to more bytes than allowed');
  input.copy(output, to, block.start, end);
  return to + block.size;
}

function decodeNative(input: Buffer, block: BlockHeader, sizeMax: number): Buffer {
  const prefixed = Buffer.allocUnsafe(NATIVE_PREFIX_SIZE + block.size);
  prefixed.writeUInt32LE(Math.min(sizeMax, block.size * EXPANSION_MAX), 0);
  input.copy(prefixed, NATIVE_PREFIX_SIZE, block.start, block.start + block.size);
  const { uncompressSync } = lz4();
  try {
    return uncompressSync(prefixed);
  } catch (error) {
    throw new MalformedBytesError(`lz4 block cannot be decoded: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function headerChecksum(buffer: Buffer, start: number, end: number): number {
  return (xxhash32(buffer, start, end) >>> 8) & 0xff;
}
