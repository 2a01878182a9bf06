import { KafkaJSNotImplemented } from './errors.ts';

export const CompressionTypes = { None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 } as const;
export type CompressionTypes = (typeof CompressionTypes)[keyof typeof CompressionTypes];

/** What KafkaJS asks of a codec. */
export interface CompressionCodec {
  readonly compress: (encoder: { readonly buffer: Buffer }) => Promise<Buffer>;
  readonly decompress: (buffer: Buffer) => Promise<Buffer>;
}

export type CompressionCodecs = Partial<Record<CompressionTypes, () => CompressionCodec>>;

/**
 * Where programs register codecs with KafkaJS. All four are built in here: what is registered is kept, so that such a
 * program runs unchanged, and not used.
 */
export const CompressionCodecs: CompressionCodecs = {};

const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** @throws KafkaJSNotImplemented for a number that is no codec */
export function compressionName(type: CompressionTypes = CompressionTypes.None): (typeof NAMES)[number] {
  const name = NAMES[type];
  if (name !== undefined) return name;
  throw new KafkaJSNotImplemented(`compression is ${String(type)}, allowed are CompressionTypes: 0 to 4`);
}
