/**
 * SipHash-2-4 with 128 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), on 32-bit halves,
 * because that is what the runtime is fast at.
 *
 * Compaction takes two keys of one hash for the same key and drops the older record, so that a collision loses
 * data. Whoever chooses keys (of a group's name a part of a key is made) must not be able to make one collide
 * with somebody else's: hence a hash with a secret, drawn anew by every broker.
 */
export class KeyHash {
  /** The result of the last `hash`, as four signed 32-bit numbers. */
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  private readonly key0Low: number;
  private readonly key0High: number;
  private readonly key1Low: number;
  private readonly key1High: number;

  /** @param secret 16 bytes */
  constructor(secret: Buffer) {
    this.key0Low = secret.readInt32LE(0);
    this.key0High = secret.readInt32LE(4);
    this.key1Low = secret.readInt32LE(8);
    this.key1High = secret.readInt32LE(12);
  }

  /** Hashes `bytes[start, end)` into the four words. */
  hash(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    const blocks = length >>> 3;
    let v0l = this.key0Low ^ 0x70736575;
    let v0h = this.key0High ^ 0x736f6d65;
    let v1l = this.key1Low ^ 0x6e646f6d ^ 0xee;
    let v1h = this.key1High ^ 0x646f7261;
    let v2l = this.key0Low ^ 0x6e657261;
    let v2h = this.key0High ^ 0x6c796765;
    let v3l = this.key1Low ^ 0x79746573;
    let v3h = this.key1High ^ 0x74656462;
    // One step for each block of 8 bytes, one for what is left with the length, and one for each half of the result.
    for (let step = 0; step <= blocks + 2; step++) {
      let rounds = 2;
      let low = 0;
      let high = 0;
      if (step < blocks) {
        const at = start + (step << 3);
        low = word(bytes, at);
        high = word(bytes, at + 4);
      } else if (step === blocks) {
        const at = start + (blocks << 3);
        low = partialWord(bytes, at, Math.min(end, at + 4));
        high = partialWord(bytes, at + 4, end) | (length << 24);
      } else if (step === blocks + 1) {
        v2l ^= 0xee;
        rounds = 4;
      } else {
        this.word0 = v0l ^ v1l ^ v2l ^ v3l;
        this.word1 = v0h ^ v1h ^ v2h ^ v3h;
        v1l ^= 0xdd;
        rounds = 4;
      }
      v3l ^= low;
      v3h ^= high;
      for (let round = 0; round < rounds; round++) {
        let sum = (v0l + v1l) | 0;
        v0h = (v0h + v1h + carry(sum, v0l)) | 0;
        let half = (v1l << 13) | (v1h >>> 19);
        v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
        v1l = half ^ sum;
        v0l = v0h;
        v0h = sum;

        sum = (v2l + v3l) | 0;
        v2h = (v2h + v3h + carry(sum, v2l)) | 0;
        v2l = sum;
        half = (v3l << 16) | (v3h >>> 16);
        v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
        v3l = half ^ v2l;

        sum = (v0l + v3l) | 0;
        v0h = (v0h + v3h + carry(sum, v0l)) | 0;
        v0l = sum;
        half = (v3l << 21) | (v3h >>> 11);
        v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
        v3l = half ^ v0l;

        sum = (v2l + v1l) | 0;
        v2h = (v2h + v1h + carry(sum, v2l)) | 0;
        half = (v1l << 17) | (v1h >>> 15);
        v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
        v1l = half ^ sum;
        v2l = v2h;
        v2h = sum;
      }
      v0l ^= low;
      v0h ^= high;
    }
    this.word2 = v0l ^ v1l ^ v2l ^ v3l;
    this.word3 = v0h ^ v1h ^ v2h ^ v3h;
  }
}

/** What an addition of 32 bits that gave `sum` carries over: it wrapped when the sum is below what was added to. */
function carry(sum: number, addend: number): number {
  return sum >>> 0 < addend >>> 0 ? 1 : 0;
}

function word(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** The bytes from `at` to `end`, fewer than four or four, or none when `end` lies before. */
function partialWord(bytes: Buffer, at: number, end: number): number {
  let value = 0;
  for (let i = Math.min(end, at + 4) - 1; i >= at; i--) value = (value << 8) | bytes[i]!;
  return value;
}
