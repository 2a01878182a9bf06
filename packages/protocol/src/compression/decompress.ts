import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { MalformedBytesError } from '../primitives/protocol-error.ts';
import { decodeLz4Frames } from './lz4-frame.ts';
import { decodeSnappy } from './xerial-snappy.ts';
import { zstdFrames } from './zstd-frames.ts';

export interface DecompressOptions {
  /** For messages of format v0: any checksum of the LZ4 frame header is accepted. */
  readonly legacyLz4?: boolean;
}

/**
 * Decompresses records.
 *
 * @param type 0 none (the input itself comes back), 1 gzip, 2 snappy (framed as by Java, or raw), 3 lz4, 4 zstd
 * @param sizeMaxBytes bound for the result; not much more than this is ever allocated, whatever the input says
 * @throws MalformedBytesError when the type does not exist, the input is not of it, or the bound is exceeded
 */
export function decompress(
  type: number,
  input: Buffer,
  sizeMaxBytes: number,
  options: DecompressOptions = {},
): Buffer {
  switch (type) {
    case 0:
      if (input.length > sizeMaxBytes) {
        throw new MalformedBytesError(`${input.length} bytes, ${sizeMaxBytes} are allowed`);
      }
      return input;
    case 1:
      return runZlib(gunzipSync, 'gzip', input, sizeMaxBytes);
    case 2:
      return decodeSnappy(input, sizeMaxBytes);
    case 3:
      return decodeLz4Frames(input, sizeMaxBytes, { legacyHeaderChecksum: options.legacyLz4 === true });
    case 4:
      return decodeZstd(input, sizeMaxBytes);
    default:
      throw new MalformedBytesError(`compression type ${type} is none of 0 to 4`);
  }
}

function decodeZstd(input: Buffer, sizeMaxBytes: number): Buffer {
  const frames = zstdFrames(input);
  if (frames.length === 1) return runZlib(zstdDecompressSync, 'zstd', frames[0]!, sizeMaxBytes);
  let left = sizeMaxBytes;
  const decoded = frames.map((frame) => {
    const bytes = runZlib(zstdDecompressSync, 'zstd', frame, left);
    left -= bytes.length;
    return bytes;
  });
  return Buffer.concat(decoded);
}

/** The runtime takes its output in pieces of this size; fewer and larger ones are faster. */
const CHUNK_SIZE_MIN = 1024;
const CHUNK_SIZE_MAX = 1024 * 1024;
const EXPANSION_EXPECTED = 4;

/** How the runtime's decoders are called. */
export function zlibOptions(input: Buffer, sizeMaxBytes: number) {
  const expected = Math.min(input.length * EXPANSION_EXPECTED, CHUNK_SIZE_MAX);
  return {
    // The runtime takes no bound of 0.
    maxOutputLength: Math.max(sizeMaxBytes, 1),
    chunkSize: Math.max(expected, CHUNK_SIZE_MIN),
  };
}

export function undecodable(name: string, cause: unknown): MalformedBytesError {
  return new MalformedBytesError(`${name} cannot be decoded: ${(cause as Error).message}`, { cause });
}

/** @throws MalformedBytesError */
export function requireWithin(name: string, output: Buffer, sizeMaxBytes: number): void {
  if (output.length > sizeMaxBytes)
    throw new MalformedBytesError(`${name} decodes to more than ${sizeMaxBytes} bytes`);
}

function runZlib(
  codec: typeof gunzipSync | typeof zstdDecompressSync,
  name: string,
  input: Buffer,
  sizeMaxBytes: number,
): Buffer {
  let output: Buffer;
  try {
    output = codec(input, zlibOptions(input, sizeMaxBytes));
  } catch (error) {
    throw undecodable(name, error);
  }
  requireWithin(name, output, sizeMaxBytes);
  return output;
}
