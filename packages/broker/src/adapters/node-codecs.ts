import type { CodecDone, Codecs } from '@odradek/core/ports/codecs.ts';
import { codecsAtOnce } from '@odradek/core/ports/codecs.ts';
import { compressLater, decompressLater } from '@odradek/protocol/compression/codecs-later.ts';

/** Up to here a codec takes a millisecond, gzip two, which costs less than what going elsewhere does. */
const AT_ONCE_BYTES_MAX = 32 * 1024;
/** Small inputs may decode to very much: one that does is begun anew elsewhere. */
const AT_ONCE_OUTPUT_BYTES_MAX = 512 * 1024;

/** Small batches on the loop, larger ones so that they do not hold it. */
export const nodeCodecs: Codecs = {
  compress(type, input, done) {
    if (input.length <= AT_ONCE_BYTES_MAX) codecsAtOnce.compress(type, input, done);
    else compressLater(type, input, done);
  },

  decompress(type, input, sizeMaxBytes, done) {
    const later = (): void => decompressLater(type, input, sizeMaxBytes, done);
    if (input.length > AT_ONCE_BYTES_MAX) return later();
    const boundBytes = Math.min(sizeMaxBytes, AT_ONCE_OUTPUT_BYTES_MAX);
    codecsAtOnce.decompress(type, input, boundBytes, unlessTooMuch(later, done));
  },
};

/** What cannot be decoded at all is told by the second attempt, too. */
function unlessTooMuch(later: () => void, done: CodecDone): CodecDone {
  return (error, output) => (error === null ? done(null, output) : later());
}
