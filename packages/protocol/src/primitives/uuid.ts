import { MalformedBytesError } from './protocol-error.ts';

/** The id that means "none": 16 zero bytes in Kafka's text form (URL-safe base64 without padding). */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** Uuids are kept as Kafka prints them, 22 characters of URL-safe base64: comparable and usable as map keys. */
export function uuidFromBytes(buffer: Buffer, at: number): string {
  return buffer.base64urlSlice(at, at + 16);
}

/** @throws MalformedBytesError when `uuid` is not the text form of 16 bytes */
export function uuidToBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid, 'base64url');
  if (bytes.length !== 16)
    throw new MalformedBytesError(`"${uuid}" is not a uuid of 22 base64url characters`);
  return bytes;
}
