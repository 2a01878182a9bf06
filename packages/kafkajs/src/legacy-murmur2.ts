const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/**
 * The hash of KafkaJS before 2.0: murmur2 in floating-point arithmetic, which loses the low bits of products beyond
 * 2^53 and reads one word too many. Wrong as a murmur2, but what decides where the keys of such programs lie.
 */
export function legacyMurmur2(key: Buffer): number {
  const size = key.length;
  let hash = SEED ^ size;
  for (let at = 0; at < size; at += 4) {
    // Beyond the end there are zeros.
    let word =
      byte(key, at) + (byte(key, at + 1) << 8) + (byte(key, at + 2) << 16) + (byte(key, at + 3) << 24);
    word *= MULTIPLIER;
    word ^= word >>> 24;
    word *= MULTIPLIER;
    hash *= MULTIPLIER;
    hash ^= word;
  }
  const tail = size & ~3;
  if (size > tail) {
    for (let at = size - 1; at >= tail; at--) hash ^= byte(key, at) << (8 * (at - tail));
    hash *= MULTIPLIER;
  }
  hash ^= hash >>> 13;
  hash *= MULTIPLIER;
  return hash ^ (hash >>> 15);
}

function byte(key: Buffer, at: number): number {
  return key[at] ?? 0;
}
