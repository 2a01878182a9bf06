import { bytes, type Serde } from '@odradek/client';
import { bytesOf } from './serialized.ts';

/** A key together with the window that its value is about. */
export interface Windowed<K> {
  readonly key: K;
  /** Milliseconds since 1970, belongs to the window. */
  readonly startMs: number;
  /** The first millisecond behind the window. */
  readonly endMs: number;
}

const START_BYTES = 8;

/** The key, then eight bytes with the start of the window, as Java's `TimeWindowedSerializer` writes it. */
export function windowed<K>(key: Serde<K>, sizeMs: number): Serde<Windowed<K>> {
  return {
    serialize: (value) => {
      const start = Buffer.alloc(START_BYTES);
      start.writeBigInt64BE(BigInt(value.startMs));
      return Buffer.concat([bytesOf(key, value.key, 'key'), start]);
    },
    deserialize: (given) => {
      const whole = bytes.deserialize(given);
      if (whole.length < START_BYTES) throw new RangeError(`${whole.length} bytes are no key with a window`);
      const at = whole.length - START_BYTES;
      const startMs = Number(whole.readBigInt64BE(at));
      return { key: key.deserialize(whole.subarray(0, at)), startMs, endMs: startMs + sizeMs };
    },
  };
}
