/** The id that means "none": 16 zero bytes in Kafka's text form (URL-safe base64 without padding). */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

const TEXT_SIZE = 22;
const SIZE = 16;

/** Uuids are kept as Kafka prints them, 22 characters of URL-safe base64: comparable and usable as map keys. */
export function uuidFromBytes(buffer: Buffer, at: number): string {
  return buffer.base64urlSlice(at, at + SIZE);
}

/** @throws RangeError when `uuid` is not the text form of 16 bytes */
export function uuidToBytes(uuid: string): Buffer {
  const bytes = Buffer.alloc(SIZE);
  writeUuid(bytes, uuid, 0);
  return bytes;
}

/** Writes 16 bytes. @throws RangeError when `uuid` is not the text form of 16 bytes */
export function writeUuid(buffer: Buffer, uuid: string, at: number): void {
  if (uuid.length !== TEXT_SIZE || buffer.base64urlWrite(uuid, at, SIZE) !== SIZE) {
    throw new RangeError(`"${uuid}" is not a uuid of ${TEXT_SIZE} base64url characters`);
  }
}
