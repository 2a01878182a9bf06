import { crc32c } from '@odradek/protocol/primitives/crc32c.ts';
import { OFFSET_ENCODINGS, readVarint, varintBytes } from './offset-encodings.ts';

/**
 * What is done beyond a committed offset, as text for the commit's metadata.
 *
 * The text is believed only when it says of itself that it speaks of this offset of this partition of this topic of
 * this cluster: tools copy metadata to other offsets and clusters, and there it would skip records that nobody has
 * read. Text that is not believed costs a repetition, never a record.
 *
 * Layout before Base64: magic, encoding, base offset, span (varints), CRC32C of the partition's identity, the members,
 * CRC32C of all before.
 */
export interface OffsetMap {
  /** The committed offset that the map belongs to. */
  readonly base: number;
  /** Nothing is said of offsets from here on. */
  readonly horizon: number;
  /** Offsets from `base` to before `horizon` that are not done, ascending. All others between are. */
  readonly incomplete: readonly number[];
}

export interface EncodedMap {
  readonly text: string;
  /** The name of the encoding. */
  readonly encoding: string;
  /** Up to where it speaks; below the map's own horizon when the whole did not fit. */
  readonly horizon: number;
}

const MAGIC = 0x6f;
const CHECKSUM_BYTES = 4;

/**
 * The shortest text, at most `lengthMax` characters; when the whole map does not fit, of as many of its first offsets
 * as do. Null when not even that, or when there is nothing to say.
 *
 * @param identity names the partition across clusters and across topics that were made anew
 */
export function encodeOffsetMap(map: OffsetMap, identity: string, lengthMax: number): EncodedMap | null {
  const whole = encodeUpTo(map, map.horizon, identity);
  if (whole === null || whole.text.length <= lengthMax) return whole;
  let fitting: EncodedMap | null = null;
  for (let low = map.base, high = map.horizon; high - low > 1;) {
    const middle = Math.floor((low + high) / 2);
    const attempt = encodeUpTo(map, middle, identity);
    if (attempt === null || attempt.text.length <= lengthMax) {
      fitting = attempt;
      low = middle;
    } else {
      high = middle;
    }
  }
  return fitting;
}

/** Null when the text is not about this offset of this partition, or is damaged. */
export function decodeOffsetMap(text: string, identity: string, base: number): OffsetMap | null {
  const bytes = Buffer.from(text, 'base64');
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 0 || bytes[0] !== MAGIC || crc32c(bytes, 0, end) !== bytes.readUInt32BE(end)) return null;
  try {
    const encoding = OFFSET_ENCODINGS[bytes[1]!];
    const written = readVarint(bytes, 2);
    const span = readVarint(bytes, written.end);
    const membersAt = span.end + CHECKSUM_BYTES;
    if (encoding === undefined || written.value !== base || membersAt > end) return null;
    if (bytes.readUInt32BE(span.end) !== identityChecksum(identity)) return null;
    const members = encoding.decode(bytes.subarray(membersAt, end), span.value);
    return { base, horizon: base + span.value, incomplete: members.map((member) => base + member) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Null when nothing before the horizon is done. */
function encodeUpTo({ base, incomplete }: OffsetMap, horizon: number, identity: string): EncodedMap | null {
  const members = incomplete.filter((offset) => offset < horizon).map((offset) => offset - base);
  const span = horizon - base;
  if (members.length === span) return null;
  const candidates = OFFSET_ENCODINGS.map(({ name, encode }) => ({ name, bytes: encode(members, span) }));
  const shortest = candidates.reduce((best, next) => (next.bytes.length < best.bytes.length ? next : best));
  const head = Buffer.from([
    MAGIC,
    candidates.indexOf(shortest),
    ...varintBytes(base),
    ...varintBytes(span),
    ...checksumBytes(identityChecksum(identity)),
  ]);
  const signed = Buffer.concat([head, shortest.bytes]);
  const whole = Buffer.concat([signed, Buffer.from(checksumBytes(crc32c(signed)))]);
  return { text: whole.toString('base64'), encoding: shortest.name, horizon };
}

function identityChecksum(identity: string): number {
  return crc32c(Buffer.from(identity));
}

function checksumBytes(checksum: number): number[] {
  return [checksum >>> 24, (checksum >>> 16) & 0xff, (checksum >>> 8) & 0xff, checksum & 0xff];
}
