const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;

/**
 * The 32-bit MurmurHash2 of Austin Appleby with the seed that Kafka's clients use, as a signed integer: the
 * same key goes to the same partition whichever client sends it.
 */
export function murmur2(key: Buffer): number {
  const size = key.length;
  const wholeWords = size & ~3;
  let hash = SEED ^ size;
  for (let at = 0; at < wholeWords; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> SHIFT;
    word = Math.imul(word, MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  hash = mixTail(hash, key, wholeWords);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return (hash ^ (hash >>> 15)) | 0;
}

function mixTail(hash: number, key: Buffer, tailStart: number): number {
  const tailSize = key.length - tailStart;
  if (tailSize === 0) return hash;
  let mixed = hash;
  for (let i = tailSize - 1; i >= 0; i--) mixed ^= key[tailStart + i]! << (8 * i);
  return Math.imul(mixed, MULTIPLIER);
}

/** The partition of a key among `partitionCount` (1 or more), whether or not they have a leader at present. */
export function partitionOfKey(key: Buffer, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
