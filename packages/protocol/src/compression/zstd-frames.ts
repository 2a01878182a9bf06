import { MalformedBytesError } from '../primitives/protocol-error.ts';

const FRAME_MAGIC = 0xfd2fb528;
/** The last digit is free. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_TYPE_RLE = 1;

/**
 * Where the frames of zstd bytes begin and end, skippable ones left out. The runtime's decoder reads one frame
 * and ignores what follows, without a word.
 *
 * @throws MalformedBytesError when the bytes are no frames, or end within one
 * @see RFC 8878, section 3.1
 */
export function zstdFrames(input: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  do {
    const isSkippable = (readUInt32(input, at) & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC;
    const end = isSkippable ? at + 8 + readUInt32(input, at + 4) : frameEnd(input, at);
    if (end > input.length) throw new MalformedBytesError('zstd bytes end within a frame');
    if (!isSkippable) frames.push(input.subarray(at, end));
    at = end;
  } while (at < input.length);
  return frames;
}

function frameEnd(input: Buffer, start: number): number {
  if (readUInt32(input, start) !== FRAME_MAGIC) throw new MalformedBytesError('not a zstd frame');
  const descriptor = byteAt(input, start + 4);
  let at = start + 5 + headerRest(descriptor);
  for (let isLast = false; !isLast;) {
    const header = byteAt(input, at) | (byteAt(input, at + 1) << 8) | (byteAt(input, at + 2) << 16);
    isLast = (header & 1) === 1;
    const type = (header >>> 1) & 3;
    at += 3 + (type === BLOCK_TYPE_RLE ? 1 : header >>> 3);
  }
  const hasChecksum = (descriptor & 0x04) !== 0;
  return hasChecksum ? at + 4 : at;
}

/** Size of the optional fields: window, dictionary id, content size. */
function headerRest(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryIdSize = [0, 1, 2, 4][descriptor & 3]!;
  const contentSizeFlag = descriptor >>> 6;
  const contentSizeSize = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag;
  return (isSingleSegment ? 0 : 1) + dictionaryIdSize + contentSizeSize;
}

function readUInt32(input: Buffer, at: number): number {
  if (at + 4 > input.length) throw new MalformedBytesError('zstd bytes end within a frame');
  return input.readUInt32LE(at);
}

function byteAt(input: Buffer, at: number): number {
  const byte = input[at];
  if (byte === undefined) throw new MalformedBytesError('zstd bytes end within a frame');
  return byte;
}
