import type { RecordHeader } from '@odradek/protocol/records/record.ts';

/** Where keys or values of one type belong: for serdes whose bytes depend on it. */
export interface SerdePlace {
  readonly topic: string;
  readonly part: 'key' | 'value';
}

/**
 * How keys or values of one type become bytes and are read back. Must give the same bytes for the same value.
 *
 * Writing and reading are synchronous. A serde that first has to bring something, as a schema from its registry, has the
 * two `prepare` methods, which `TypedTopics` calls.
 */
export interface Serde<T> {
  /** Null only where the type has a null of its own, as with `nullable`. */
  serialize(value: T, place?: SerdePlace): Buffer | null;
  /**
   * @param headers of the record that the bytes are of
   * @throws Error when the bytes are no such value
   */
  deserialize(bytes: Buffer | null, place?: SerdePlace, headers?: readonly RecordHeader[]): T;
  /** After it `serialize` works for this place. */
  prepareToWrite?(place: SerdePlace): Promise<void>;
  /** After it `deserialize` works for these bytes; null when it does already, as it nearly always should. */
  prepareToRead?(
    bytes: Buffer | null,
    place: SerdePlace,
    headers: readonly RecordHeader[],
  ): Promise<void> | null;
}

/** UTF-8 text; bytes that are not UTF-8 are refused. */
export const strings: Serde<string> = {
  serialize: (value) => Buffer.from(value),
  deserialize: (bytes) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(present(bytes)),
};

/** Bytes as they are. What is kept for long should be copied: it is a view on what was received. */
export const bytes: Serde<Buffer> = {
  serialize: (value) => value,
  deserialize: (given) => present(given),
};

/** Whole numbers up to 2^53, as Java's `LongSerializer` writes them. */
export const integers: Serde<number> = {
  serialize: (value) => {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number below 2^53`);
    const written = Buffer.alloc(8);
    written.writeBigInt64BE(BigInt(value));
    return written;
  },
  deserialize: (given) => {
    const value = Number(sized(given, 8).readBigInt64BE());
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is beyond 2^53`);
    return value;
  },
};

/** Numbers with a fraction, as Java's `DoubleSerializer` writes them. */
export const doubles: Serde<number> = {
  serialize: (value) => {
    const written = Buffer.alloc(8);
    written.writeDoubleBE(value);
    return written;
  },
  deserialize: (given) => sized(given, 8).readDoubleBE(),
};

/**
 * JSON text. Objects with the same members in another order have other bytes: no matter for values, but do not use them
 * as keys.
 *
 * @param check takes what was parsed and returns it as a `T` or throws; without it the bytes are trusted to hold one
 */
export function json<T>(check?: (parsed: unknown) => T): Serde<T> {
  return {
    serialize: (value) => {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`${typeof value} has no form in JSON`);
      return Buffer.from(text);
    },
    deserialize: (given) => {
      const parsed: unknown = JSON.parse(present(given).toString());
      return check === undefined ? (parsed as T) : check(parsed);
    },
  };
}

/** Null for records without a key or value, else what the other serde makes of it. */
export function nullable<T>(serde: Serde<T>): Serde<T | null> {
  return {
    serialize: (value, place) => (value === null ? null : serde.serialize(value, place)),
    deserialize: (given, place, headers) =>
      given === null ? null : serde.deserialize(given, place, headers),
    ...(serde.prepareToWrite && {
      prepareToWrite: async (place: SerdePlace) => serde.prepareToWrite?.(place),
    }),
    ...(serde.prepareToRead && {
      prepareToRead: (given: Buffer | null, place: SerdePlace, headers: readonly RecordHeader[]) =>
        given === null ? null : (serde.prepareToRead?.(given, place, headers) ?? null),
    }),
  };
}

function present(given: Buffer | null): Buffer {
  if (given === null) throw new TypeError('it is null, which only a nullable serde takes');
  return given;
}

function sized(given: Buffer | null, size: number): Buffer {
  const found = present(given);
  if (found.length === size) return found;
  throw new RangeError(`it has ${found.length} bytes instead of ${size}`);
}
