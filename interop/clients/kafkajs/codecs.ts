import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { compressSync, uncompressSync } from 'snappy';

// CommonJS whose names Node cannot see.
const { CompressionCodecs, CompressionTypes } = kafkajs;

function codec(compress: (bytes: Buffer) => Buffer, decompress: (bytes: Buffer) => Buffer) {
  return () => ({
    compress: async (encoder: { readonly buffer: Buffer }) => compress(encoder.buffer),
    decompress: async (bytes: Buffer) => decompress(bytes),
  });
}

/** KafkaJS takes its codecs, other than gzip, from whoever has them. Its snappy comes without the framing of Java's. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = codec(
    compressSync,
    (bytes) => uncompressSync(bytes) as Buffer,
  );
  CompressionCodecs[CompressionTypes.LZ4] = codec(compressFrameSync, decompressFrameSync);
  CompressionCodecs[CompressionTypes.ZSTD] = codec(zstdCompressSync, zstdDecompressSync);
}
