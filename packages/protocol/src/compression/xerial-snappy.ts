import { MalformedBytesError } from '../primitives/protocol-error.ts';
import { snappy } from './native-codecs.ts';
import { allAtOnce, type Steps } from './steps.ts';

/** How the framing of the Java library snappy-java begins, before two version numbers. */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** The first four bytes of the magic as the size of a block, which is how a further frame shows itself. */
const MAGIC_AS_SIZE = MAGIC.readInt32BE(0);
const HEADER_SIZE = 16;
const VERSION = 1;
const COMPATIBLE_VERSION = 1;

/** Uncompressed bytes per block, as snappy-java writes them. */
const BLOCK_SIZE = 32 * 1024;

/** Results in memory of the engine: handing over native memory costs three times as much per block. */
const COPIED = { copyOutputData: true, asBuffer: true };

/** Snappy in the framing that Kafka's Java client writes and every client reads. */
export function encodeXerialSnappy(input: Buffer): Buffer {
  return allAtOnce(xerialSnappySteps(input));
}

/** `encodeXerialSnappy`, a block at a time. */
export function* xerialSnappySteps(input: Buffer): Steps<Buffer> {
  const header = Buffer.allocUnsafe(HEADER_SIZE);
  MAGIC.copy(header);
  header.writeInt32BE(VERSION, 8);
  header.writeInt32BE(COMPATIBLE_VERSION, 12);
  const chunks: Buffer[] = [header];
  const { compressSync } = snappy();
  for (let at = 0; at < input.length; at += BLOCK_SIZE) {
    const block = compressSync(input.subarray(at, at + BLOCK_SIZE), COPIED);
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(block.length);
    chunks.push(size, block);
    yield;
  }
  return Buffer.concat(chunks);
}

/**
 * Snappy bytes, framed like snappy-java's or one raw block; some clients write the latter. Of the frame's header
 * only the magic is checked: there are writers that get the version numbers wrong.
 *
 * @param sizeMaxBytes bound for the result; looked at before anything is decoded
 * @throws MalformedBytesError
 */
export function decodeSnappy(input: Buffer, sizeMaxBytes: number): Buffer {
  return allAtOnce(decodeSnappySteps(input, sizeMaxBytes));
}

/** `decodeSnappy`, a block at a time; bytes that are not framed are one block. */
export function* decodeSnappySteps(input: Buffer, sizeMaxBytes: number): Steps<Buffer> {
  const isFramed =
    input.length >= HEADER_SIZE && input.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) === 0;
  const blocks = isFramed ? framedBlocks(input) : [[0, input.length] as const];
  let decodedSize = 0;
  for (const [start, end] of blocks) decodedSize += decodedBlockSize(input, start, end);
  if (decodedSize > sizeMaxBytes) {
    throw new MalformedBytesError(`snappy decodes to ${decodedSize} bytes, ${sizeMaxBytes} are allowed`);
  }
  const decoded: Buffer[] = [];
  for (const [start, end] of blocks) {
    decoded.push(decodeBlock(input, start, end));
    yield;
  }
  return decoded.length === 1 ? decoded[0]! : Buffer.concat(decoded, decodedSize);
}

function decodeBlock(input: Buffer, start: number, end: number): Buffer {
  const { uncompressSync } = snappy();
  try {
    return uncompressSync(input.subarray(start, end), COPIED) as Buffer;
  } catch (error) {
    throw new MalformedBytesError(`snappy block cannot be decoded: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** What a raw block says that it decodes to; the decoder holds it to that. */
function decodedBlockSize(input: Buffer, start: number, end: number): number {
  let size = 0;
  let at = start;
  for (let shift = 0; shift <= 28; shift += 7) {
    if (at >= end) throw new MalformedBytesError('snappy block ends within its length');
    const byte = input[at++]!;
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return size;
  }
  throw new MalformedBytesError('snappy block with a length of more than 5 bytes');
}

function framedBlocks(input: Buffer): (readonly [start: number, end: number])[] {
  const blocks: (readonly [number, number])[] = [];
  let at = HEADER_SIZE;
  while (at < input.length) {
    if (input.length - at < 4) throw new MalformedBytesError('snappy frame ends within a block size');
    const size = input.readInt32BE(at);
    if (size === MAGIC_AS_SIZE && input.length - at >= HEADER_SIZE) {
      // Streams put one after another: each begins with its own header.
      at += HEADER_SIZE;
      continue;
    }
    if (size < 0 || size > input.length - at - 4) {
      throw new MalformedBytesError(`snappy block of ${size} bytes, ${input.length - at - 4} left`);
    }
    blocks.push([at + 4, at + 4 + size]);
    at += 4 + size;
  }
  return blocks;
}
