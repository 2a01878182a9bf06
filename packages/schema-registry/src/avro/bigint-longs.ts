import type { Avsc, AvscType } from './avsc.ts';

const SIZE_BYTES = 8;

/** Avro's `long` as bigint, exact over all of its 64 bits. */
export function bigintLongs({ types }: Avsc): AvscType {
  return types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(SIZE_BYTES);
      bytes.writeBigInt64LE(value);
      return bytes;
    },
    // Defaults in schemas are JSON.
    fromJSON: (value: number | string) => BigInt(value),
    toJSON: String,
    isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
    compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
  });
}
