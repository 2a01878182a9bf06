import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CachedStretches, PageCache } from '../../src/log/page-cache.ts';
import { SequentialReads } from '../../src/log/sequential-reads.ts';

interface Step {
  readonly file: 0 | 1;
  readonly from: number;
  readonly length: number;
  readonly by: 'writing' | 'reading';
}

const step: fc.Arbitrary<Step> = fc.record({
  file: fc.constantFrom(0, 1),
  from: fc.nat(20),
  length: fc.integer({ min: 1, max: 8 }),
  by: fc.constantFrom('writing', 'reading'),
});

/** A cache of single bytes that drops what came in longest ago. */
class ByteCache {
  private readonly bytes: string[] = [];
  private readonly sizeBytes: number;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  add({ file, from, length }: Step): void {
    for (let at = from; at < from + length; at++) {
      const name = `${file} ${at}`;
      const known = this.bytes.indexOf(name);
      if (known >= 0) this.bytes.splice(known, 1);
      this.bytes.push(name);
      if (this.bytes.length > this.sizeBytes) this.bytes.shift();
    }
  }

  holds(file: number, from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (!this.bytes.includes(`${file} ${at}`)) return false;
    return true;
  }
}

describe('what the page cache is likely to hold', () => {
  it('is never more than a cache of that size holds that drops what came in longest ago', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.array(step, { maxLength: 40 }), (sizeBytes, steps) => {
        const cache = new PageCache(sizeBytes);
        const files = [new CachedStretches(cache), new CachedStretches(cache)];
        const truth = new ByteCache(sizeBytes);
        for (const each of steps) {
          files[each.file]!.add(each.from, each.from + each.length, each.by);
          truth.add(each);
          for (const [file, known] of files.entries()) {
            for (let from = 0; from < 28; from++) {
              if (known.holds(from, from + 3)) assert.ok(truth.holds(file, from, from + 3));
            }
          }
        }
      }),
    );
  });

  it('is what came in last, as long as no more than the size of the cache came in behind it', () => {
    for (let sizeBytes = 1; sizeBytes <= 64; sizeBytes++) {
      const cache = new PageCache(sizeBytes);
      const file = new CachedStretches(cache);
      file.add(100, 101, 'writing');
      assert.equal(file.holds(100, 101), true);
      assert.equal(file.holds(100, 102), false);
      assert.equal(file.holds(99, 101), false);
      cache.cameIn(sizeBytes - 1);
      assert.equal(file.holds(100, 101), true);
      cache.cameIn(1);
      assert.equal(file.holds(100, 101), false);
    }
  });

  it('is the end of a log that is written on and on, an eighth less at most', () => {
    const cache = new PageCache(8000);
    const file = new CachedStretches(cache);
    for (let at = 0; at < 100_000; at += 10) file.add(at, at + 10, 'writing');
    assert.equal(file.holds(100_000 - 6900, 100_000), true);
    assert.equal(file.holds(100_000 - 8100, 100_000), false);
  });

  it('tells what was written from what was read', () => {
    const file = new CachedStretches(new PageCache(100));
    file.add(0, 10, 'reading');
    file.add(10, 20, 'writing');
    assert.equal(file.holds(0, 20), true);
    assert.deepEqual([file.holds(0, 10, 'writing'), file.holds(10, 20, 'writing')], [false, true]);
    assert.deepEqual([file.holds(0, 10, 'reading'), file.holds(10, 20, 'reading')], [true, false]);
    file.forget();
    assert.equal(file.holds(10, 20), false);
  });

  it('is all where no read waits, and nothing where the cache has no room', () => {
    assert.equal(new CachedStretches(new PageCache(Infinity)).holds(0, 1e12), true);
    const none = new CachedStretches(new PageCache(0));
    none.add(0, 10, 'writing');
    assert.equal(none.holds(0, 1), false);
  });
});

describe('reading on and on', () => {
  it('is to begin within what was read before, and to go beyond it', () => {
    for (let from = 0; from <= 30; from++) {
      for (let to = from + 1; to <= 40; to++) {
        const reads = new SequentialReads();
        assert.equal(reads.note(10, 20), false, 'the first');
        assert.equal(reads.note(from, to), from > 10 && from <= 20 && to > 20, `${from} to ${to}`);
      }
    }
  });

  it('tells eight readers of one file apart', () => {
    const reads = new SequentialReads();
    const readers = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => index * 1000);
    for (const start of readers) assert.equal(reads.note(start, start + 10), false);
    for (const start of readers) assert.equal(reads.note(start + 9, start + 19), true);
    for (const start of readers) assert.equal(reads.note(start + 19, start + 29), true);
  });
});
