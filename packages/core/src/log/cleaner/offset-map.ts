import { KeyHash } from './key-hash.ts';

/** Four words of hash and two of offset. */
const WORDS_PER_SLOT = 6;
export const BYTES_PER_SLOT = WORDS_PER_SLOT * 4;
const TWO_32 = 0x1_0000_0000;

/**
 * The latest offset per key over a stretch of a log, in memory of a fixed size. Keys are known by their hash
 * (see key-hash.ts), so that an entry takes 24 bytes however long the key is.
 */
export class OffsetMap {
  private readonly hash: KeyHash;
  private readonly words: Int32Array;
  private readonly slots: number;
  private readonly sizeMax: number;
  private entries = 0;

  /**
   * @param secret 16 random bytes
   * @param sizeBytes memory to take, at least 48
   * @param loadFactor share of the slots that may be used; at least one is, and one is not
   */
  constructor(secret: Buffer, sizeBytes: number, loadFactor: number) {
    this.hash = new KeyHash(secret);
    this.slots = primeUpTo(Math.max(2, Math.floor(sizeBytes / BYTES_PER_SLOT)));
    // A search ends at an empty slot: one stays so.
    this.sizeMax = Math.min(this.slots - 1, Math.max(1, Math.floor(this.slots * loadFactor)));
    this.words = new Int32Array(this.slots * WORDS_PER_SLOT);
  }

  /** Keys in the map. */
  get size(): number {
    return this.entries;
  }

  /** Share of the keys that fit. */
  get utilization(): number {
    return this.entries / this.sizeMax;
  }

  /**
   * Remembers `offset` for the key in `bytes[start, end)`.
   *
   * @param offset 0 or more, above all earlier ones of that key
   * @returns false when the key is not in the map and no more fit
   */
  put(bytes: Buffer, start: number, end: number, offset: number): boolean {
    const at = this.find(bytes, start, end);
    if (this.isEmpty(at)) {
      if (this.entries >= this.sizeMax) return false;
      this.entries++;
      const { words, hash } = this;
      words[at] = hash.word0;
      words[at + 1] = hash.word1;
      words[at + 2] = hash.word2;
      words[at + 3] = hash.word3;
    }
    // One more than the offset, so that 0 stands for an empty slot.
    this.words[at + 4] = (offset + 1) / TWO_32;
    this.words[at + 5] = (offset + 1) | 0;
    return true;
  }

  /** The latest offset of the key in `bytes[start, end)`, or -1 when it is not in the map. */
  get(bytes: Buffer, start: number, end: number): number {
    const at = this.find(bytes, start, end);
    return this.words[at + 4]! * TWO_32 + (this.words[at + 5]! >>> 0) - 1;
  }

  private isEmpty(at: number): boolean {
    return this.words[at + 4] === 0 && this.words[at + 5] === 0;
  }

  /** Where the key is, or the empty slot where it belongs. Steps by a second hash; the prime visits every slot. */
  private find(bytes: Buffer, start: number, end: number): number {
    const { hash, words, slots } = this;
    hash.hash(bytes, start, end);
    let slot = (hash.word0 >>> 0) % slots;
    const step = 1 + ((hash.word1 >>> 0) % (slots - 1));
    for (;;) {
      const at = slot * WORDS_PER_SLOT;
      if (this.isEmpty(at)) return at;
      if (
        words[at] === hash.word0 &&
        words[at + 1] === hash.word1 &&
        words[at + 2] === hash.word2 &&
        words[at + 3] === hash.word3
      ) {
        return at;
      }
      slot += step;
      if (slot >= slots) slot -= slots;
    }
  }
}

/** Memory for a map that holds `keyCount` keys at the load factor. */
export function mapSizeFor(keyCount: number, loadFactor: number): number {
  // A prime is never far: between 10 and 2^31 within 300.
  return (Math.ceil(keyCount / loadFactor) + 300) * BYTES_PER_SLOT;
}

function primeUpTo(limit: number): number {
  for (let candidate = limit; candidate > 3; candidate--) {
    if (isPrime(candidate)) return candidate;
  }
  return Math.max(limit, 2);
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) {
    if (value % divisor === 0) return false;
  }
  return true;
}
