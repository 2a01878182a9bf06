/** Stretches remembered of one file; a look-up touches some ten places of an index. */
const STRETCHES_MAX = 32;
/** A stretch grows while no more than this share of the cache's size passes: all of it counts as old as its beginning. */
const GROWTH_SHARE = 1 / 8;

/**
 * What the system's page cache is likely to hold, so that nothing is read on the event loop that would wait for the
 * device. Where the disk cannot ask the system (`DiskFile.readCached`), this keeps count: a cache of N bytes that drops
 * what was unused for longest still holds a page unless N other bytes came in since. What comes in is what is written
 * and what is read off the loop. N is taken much smaller than the memory there is: other programs have a share in it.
 *
 * It errs on the side of "not there", which costs a trip through the thread pool. Where it is wrong the other way,
 * because others have pushed the pages out, two reads in a row show it by taking long, and the file counts as not there.
 * After a start nothing is known, and so nothing is there but what is written from then on.
 */
export class PageCache {
  private readonly sizeBytes: number;
  private passedBytes = 0;

  /** @param sizeBytes that may be relied on, 0 or more; Infinity where reading never waits, as in memory */
  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  get holdsEverything(): boolean {
    return this.sizeBytes === Infinity;
  }

  /** Bytes that came in so far. */
  get passed(): number {
    return this.passedBytes;
  }

  cameIn(sizeBytes: number): void {
    this.passedBytes += sizeBytes;
  }

  holdsSince(passed: number): boolean {
    return this.passedBytes - passed <= this.sizeBytes;
  }

  mayGrow(since: number): boolean {
    return this.passedBytes - since <= this.sizeBytes * GROWTH_SHARE;
  }
}

/** How a stretch of a file came into the cache. */
export type CachedBy = 'writing' | 'reading';

interface Stretch {
  from: number;
  to: number;
  /** What had come into the cache before its oldest byte did. */
  readonly since: number;
  readonly by: CachedBy;
}

/** What the page cache is likely to hold of one file. */
export class CachedStretches {
  private readonly cache: PageCache;
  /** In the order of their coming. */
  private stretches: Stretch[] = [];

  constructor(cache: PageCache) {
    this.cache = cache;
  }

  /** The bytes from `from` to `to` were written, or read from the device. */
  add(from: number, to: number, by: CachedBy): void {
    const { cache } = this;
    const last = this.stretches.at(-1);
    const since = cache.passed;
    cache.cameIn(to - from);
    const continues = last !== undefined && last.by === by && last.from <= from && from <= last.to;
    if (continues && cache.mayGrow(last.since)) {
      last.to = Math.max(last.to, to);
      return;
    }
    if (this.stretches.length === STRETCHES_MAX) this.stretches.shift();
    this.stretches.push({ from, to, since, by });
  }

  /** @param by only what came in that way; either way unless given */
  holds(from: number, to: number, by?: CachedBy): boolean {
    if (this.cache.holdsEverything) return true;
    let at = from;
    while (at < to) {
      const reached = this.reachedFrom(at, by);
      if (reached <= at) return false;
      at = reached;
    }
    return true;
  }

  /** How far, from `at` on, the latest stretch that holds it reaches; `at` when none does. */
  private reachedFrom(at: number, by: CachedBy | undefined): number {
    for (let index = this.stretches.length - 1; index >= 0; index--) {
      const stretch = this.stretches[index]!;
      if (!this.cache.holdsSince(stretch.since)) return at;
      if (stretch.from <= at && at < stretch.to && (by === undefined || stretch.by === by)) return stretch.to;
    }
    return at;
  }

  /** The device was waited for where the cache should have had it. */
  forget(): void {
    this.stretches = [];
  }
}
