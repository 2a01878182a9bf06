import { ClientError, type Serde } from '@odradek/client';

/** For where null has another meaning: no key to group by, the end of a key in a table. @throws ClientError NULL_NOT_ALLOWED */
export function bytesOf<T>(serde: Serde<T>, value: T, what: string): Buffer {
  const written = serde.serialize(value);
  if (written !== null) return written;
  throw new ClientError('NULL_NOT_ALLOWED', `the ${what} is null: filter such records out before`);
}
