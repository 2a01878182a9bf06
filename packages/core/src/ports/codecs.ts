import { compress } from '@odradek/protocol/compression/compress.ts';
import { decompress } from '@odradek/protocol/compression/decompress.ts';

/** @param output empty where there is an error */
export type CodecDone = (error: Error | null, output: Buffer) => void;

/**
 * Compresses and decompresses whole batches for work that shares the event loop with everything else: what takes long is
 * done elsewhere, or in turns.
 */
export interface Codecs {
  /**
   * @param type 1 to 4
   * @param done called once, at once or later
   */
  compress(type: number, input: Buffer, done: CodecDone): void;
  /**
   * @param type 1 to 4
   * @param sizeMaxBytes bound for the result
   * @param done called once, at once or later; with MalformedBytesError where the input cannot be decoded, or decodes to
   *   more
   */
  decompress(type: number, input: Buffer, sizeMaxBytes: number, done: CodecDone): void;
}

const NOTHING = Buffer.alloc(0);

/** On the loop, whatever it takes: for tools, and where time is simulated. */
export const codecsAtOnce: Codecs = {
  compress: (type, input, done) => atOnce(() => compress(type, input), done),
  decompress: (type, input, sizeMaxBytes, done) => atOnce(() => decompress(type, input, sizeMaxBytes), done),
};

function atOnce(work: () => Buffer, done: CodecDone): void {
  let output: Buffer;
  try {
    output = work();
  } catch (error) {
    return done(error as Error, NOTHING);
  }
  done(null, output);
}
