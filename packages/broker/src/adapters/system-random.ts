import { randomBytes } from 'node:crypto';
import type { Random } from '@odradek/core/ports/random.ts';

/** Ids that Kafka keeps for itself begin with so many zero bytes. */
const RESERVED_PREFIX_BYTES = 8;

/** The system's generator. */
export const systemRandom: Random = {
  fraction: () => randomBytes(4).readUInt32BE(0) / 2 ** 32,

  uuidBytes() {
    for (;;) {
      const bytes = randomBytes(16);
      bytes[6] = (bytes[6]! & 0x0f) | 0x40;
      bytes[8] = (bytes[8]! & 0x3f) | 0x80;
      // A text form that begins with "-" would look like an option on a command line.
      const looksLikeOption = bytes.toString('base64url').startsWith('-');
      if (!looksLikeOption && bytes.subarray(0, RESERVED_PREFIX_BYTES).some((byte) => byte !== 0))
        return bytes;
    }
  },
};
