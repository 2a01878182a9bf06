import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import { MalformedBytesError } from '../primitives/protocol-error.ts';
import { compress, gzipOptions, zstdOptions } from './compress.ts';
import { decompress, requireWithin, undecodable, zlibOptions } from './decompress.ts';
import { decodeLz4Steps, lz4FrameSteps } from './lz4-frame.ts';
import type { Steps } from './steps.ts';
import { decodeSnappySteps, xerialSnappySteps } from './xerial-snappy.ts';
import { zstdFrames } from './zstd-frames.ts';

/** @param output empty where there is an error */
export type CodecDone = (error: Error | null, output: Buffer) => void;

/** Blocks of 32 or 64 KB that are worked on in one turn of the loop: less than a millisecond. */
const STEPS_PER_TURN = 4;
const NOTHING = Buffer.alloc(0);

/**
 * As `compress` with the default level, without holding the event loop for more than a millisecond or two: gzip and zstd
 * in the thread pool, the others a few blocks a turn.
 *
 * @param done called once, later
 */
export function compressLater(type: number, input: Buffer, done: CodecDone): void {
  switch (type) {
    case 1:
      return gzip(input, gzipOptions(undefined), (error, output) => done(error, output ?? NOTHING));
    case 2:
      return inTurns(xerialSnappySteps(input), done);
    case 3:
      return inTurns(lz4FrameSteps(input), done);
    case 4:
      return zstdCompress(input, zstdOptions(undefined), (error, output) => done(error, output ?? NOTHING));
    default:
      return inTurns(
        oneStep(() => compress(type, input)),
        done,
      );
  }
}

/**
 * As `decompress`, without holding the event loop, see `compressLater`. A block of snappy that is not framed takes as long
 * as it takes: some 2 ms for 4 MB.
 *
 * @param sizeMaxBytes bound for the result
 * @param done called once, later, with MalformedBytesError where `decompress` throws it
 */
export function decompressLater(type: number, input: Buffer, sizeMaxBytes: number, done: CodecDone): void {
  switch (type) {
    case 1:
      return gunzip(input, zlibOptions(input, sizeMaxBytes), zlibDone('gzip', sizeMaxBytes, done));
    case 2:
      return inTurns(decodeSnappySteps(input, sizeMaxBytes), done);
    case 3:
      return inTurns(decodeLz4Steps(input, sizeMaxBytes), done);
    case 4:
      return decodeZstdLater(input, sizeMaxBytes, done);
    default:
      return inTurns(
        oneStep(() => decompress(type, input, sizeMaxBytes)),
        done,
      );
  }
}

function zlibDone(name: string, sizeMaxBytes: number, done: CodecDone) {
  return (error: Error | null, output: Buffer | undefined): void => {
    if (error !== null) return done(undecodable(name, error), NOTHING);
    try {
      requireWithin(name, output!, sizeMaxBytes);
    } catch (tooMuch) {
      return done(tooMuch as Error, NOTHING);
    }
    done(null, output!);
  };
}

function decodeZstdLater(input: Buffer, sizeMaxBytes: number, done: CodecDone): void {
  let frames: Buffer[];
  try {
    frames = zstdFrames(input);
  } catch (error) {
    return void setImmediate(done, error as Error, NOTHING);
  }
  if (frames.length === 0) return void setImmediate(done, null, NOTHING);
  const decoded: Buffer[] = [];
  let left = sizeMaxBytes;
  const next = (): void => {
    const frame = frames[decoded.length]!;
    const taken: CodecDone = (error, bytes) => {
      if (error !== null) return done(error, NOTHING);
      decoded.push(bytes);
      left -= bytes.length;
      if (decoded.length < frames.length) next();
      else done(null, decoded.length === 1 ? bytes : Buffer.concat(decoded));
    };
    zstdDecompress(frame, zlibOptions(frame, left), zlibDone('zstd', left, taken));
  };
  next();
}

function inTurns(steps: Steps<Buffer>, done: CodecDone): void {
  setImmediate(() => {
    let output: Buffer | null;
    try {
      output = someSteps(steps);
    } catch (error) {
      if (!(error instanceof MalformedBytesError) && !(error instanceof RangeError)) throw error;
      return done(error, NOTHING);
    }
    if (output === null) inTurns(steps, done);
    else done(null, output);
  });
}

/** @returns what comes out, null when it is not through */
function someSteps(steps: Steps<Buffer>): Buffer | null {
  for (let i = 0; i < STEPS_PER_TURN; i++) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
  return null;
}

function* oneStep(work: () => Buffer): Steps<Buffer> {
  yield;
  return work();
}
