import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { encodeLz4Frame } from './lz4-frame.ts';
import { encodeXerialSnappy } from './xerial-snappy.ts';

export interface CompressOptions {
  /** gzip -1 (its default) or 1 to 9; zstd -131072 to 22, 3 by default; the others have none. */
  readonly level?: number | undefined;
  /** For messages of format v0, whose LZ4 frames are wrong in a known way. */
  readonly legacyLz4?: boolean;
}

/**
 * Compresses records as Kafka's clients do.
 *
 * @param type 0 none (the input itself comes back), 1 gzip, 2 snappy, 3 lz4, 4 zstd
 * @throws RangeError on any other type
 */
export function compress(type: number, input: Buffer, options: CompressOptions = {}): Buffer {
  switch (type) {
    case 0:
      return input;
    case 1:
      return gzipSync(input, gzipOptions(options.level));
    case 2:
      return encodeXerialSnappy(input);
    case 3:
      return encodeLz4Frame(input, { legacyHeaderChecksum: options.legacyLz4 === true });
    case 4:
      return zstdCompressSync(input, zstdOptions(options.level));
    default:
      throw new RangeError(`compression type ${type} is none of 0 to 4`);
  }
}

export function gzipOptions(level: number | undefined) {
  return { level: level ?? constants.Z_DEFAULT_COMPRESSION };
}

export function zstdOptions(level: number | undefined) {
  return { params: { [constants.ZSTD_c_compressionLevel]: level ?? constants.ZSTD_CLEVEL_DEFAULT } };
}
