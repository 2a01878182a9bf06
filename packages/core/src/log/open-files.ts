import type { Clock } from '../ports/clock.ts';
import { DiskError } from '../ports/disk.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import { ColdRead, WINDOW_BYTES } from './cold-read.ts';
import { LaterReads, type LaterReadLimits } from './later-reads.ts';
import { CachedStretches, PageCache, type CachedBy } from './page-cache.ts';
import { SequentialReads } from './sequential-reads.ts';

const PAGE_BYTES = 4096;
/** A read on the loop that takes so much longer than copying does has waited for the device. Milliseconds. */
const SLOW_READ_MS = 1;
/** A machine that is busy copies less than this in a millisecond only by accident. */
const COPIED_BYTES_PER_MS = 256 * 1024;
/**
 * So long a file is not asked what the cache has of it after it did not have something: whoever reads old records misses
 * again and again, and asking makes the system begin to read, in memory that it has to find first, on the loop.
 */
const NOT_ASKED_MS = 1000;
/** Brought in beyond what a reader took that goes on and on, at most. */
const READ_AHEAD_BYTES_MAX = 1024 * 1024;

/** How files are read whose pages need not be in memory. */
export interface ReadingParts {
  /** Bytes of the page cache that may be relied on; Infinity: no read waits. */
  readonly pageCacheBytes: number;
  readonly later: LaterReadLimits;
  readonly clock: Clock;
}

const NO_READ_WAITS: ReadingParts = {
  pageCacheBytes: Infinity,
  later: { concurrencyMax: 2, aheadBytesMax: 0 },
  clock: { now: () => 0, monotonic: () => 0 },
};

/**
 * The files that are open at one time, bounded: a file is opened when it is used, and one that was not used for long is
 * closed when there are too many. Ten thousand partitions need no ten thousand descriptors. Which file to close is found
 * by a clock hand (second chance), so that a use costs no more than setting a flag: each append is one.
 *
 * A file with a call off the loop under way, or that was removed while somebody still reads it, is not closed before its
 * time; only these can pass the limit.
 */
export class OpenFiles {
  readonly disk: Disk;
  readonly cache: PageCache;
  readonly later: LaterReads;
  readonly clock: Clock;
  /** Takes what is read only so that the page cache has it; many write into it at a time, and nobody reads it. */
  readonly nowhere: Buffer;
  private readonly limit: number;
  private waitingForbidden = false;
  /** In the order in which the hand comes to them. */
  private readonly open = new Set<PooledFile>();

  /** @param limit of open files, 16 or more */
  constructor(disk: Disk, limit = 4096, reading: ReadingParts = NO_READ_WAITS) {
    this.disk = disk;
    this.limit = limit;
    this.cache = new PageCache(reading.pageCacheBytes);
    this.later = new LaterReads(reading.later);
    this.clock = reading.clock;
    this.nowhere = Buffer.allocUnsafeSlow(this.cache.holdsEverything ? 0 : WINDOW_BYTES);
  }

  /**
   * Runs a look-up that must not keep the loop waiting for the disk.
   *
   * @throws ColdRead where it needs what the page cache is not likely to have; and what `lookUp` throws
   */
  withoutWaiting<T>(lookUp: () => T): T {
    const before = this.waitingForbidden;
    this.waitingForbidden = true;
    try {
      return lookUp();
    } finally {
      this.waitingForbidden = before;
    }
  }

  /** Whether such a look-up is being done. */
  get mustNotWait(): boolean {
    return this.waitingForbidden;
  }

  get openCount(): number {
    return this.open.size;
  }

  /** A handle for the file at `path`, which may not exist before it is used. */
  file(path: string): PooledFile {
    return new PooledFile(this, path);
  }

  opened(file: PooledFile): void {
    this.open.add(file);
    if (this.open.size > this.limit) this.closeUnused(file);
  }

  closed(file: PooledFile): void {
    this.open.delete(file);
  }

  /** Who was used since the hand came by goes behind all others, once; whoever was not is closed. */
  private closeUnused(newest: PooledFile): void {
    let turnsLeft = 2 * this.open.size;
    for (const file of this.open) {
      if (this.open.size <= this.limit || turnsLeft-- === 0) return;
      if (file === newest || file.takeUsed()) {
        this.open.delete(file);
        this.open.add(file);
      } else {
        file.closeIfIdle();
      }
    }
  }
}

/** A file that is opened when it is used. */
export class PooledFile {
  private readonly pool: OpenFiles;
  private currentPath: string;
  private file: DiskFile | null = null;
  /** Calls off the loop that are not done. */
  private pending = 0;
  private readers = 0;
  private removed = false;
  private wasUsed = false;
  /** Null until something is known. */
  private cached: CachedStretches | null = null;
  private sequential: SequentialReads | null = null;
  private wasSlow = false;
  /** Monotonic time before which the cache is not asked. */
  private askFromMs = -Infinity;

  constructor(pool: OpenFiles, path: string) {
    this.pool = pool;
    this.currentPath = path;
  }

  get path(): string {
    return this.currentPath;
  }

  get isRemoved(): boolean {
    return this.removed;
  }

  /** Makes the file when it is missing. @throws DiskError */
  create(): DiskFile {
    return this.opened(true);
  }

  /** The open file, for use at once: a later use of the pool may close it. @throws DiskError */
  use(): DiskFile {
    return this.opened(false);
  }

  private opened(create: boolean): DiskFile {
    if (this.file === null) {
      if (this.removed) throw new DiskError('ENOENT', this.currentPath, 'the file was removed');
      this.file = this.pool.disk.open(this.currentPath, { create });
      this.wasUsed = false;
      this.pool.opened(this);
    } else {
      this.wasUsed = true;
    }
    return this.file;
  }

  /** Whether the file was used again since it was opened, or since this was asked last. */
  takeUsed(): boolean {
    const { wasUsed } = this;
    this.wasUsed = false;
    return wasUsed;
  }

  /** Moves the file; readers of it go on undisturbed. @throws DiskError */
  rename(path: string): void {
    this.pool.disk.rename(this.currentPath, path);
    this.currentPath = path;
  }

  /** The directory of the file was renamed. */
  moved(path: string): void {
    this.currentPath = path;
  }

  /** As `DiskFile.syncLater`; the file stays open until `done`. */
  syncLater(done: (error: DiskError | null) => void): void {
    const file = this.use();
    this.pending++;
    file.syncLater((error) => {
      this.pending--;
      this.closeWhenForsaken();
      done(error);
    });
  }

  /** As `DiskFile.append`. @throws DiskError */
  append(buffers: readonly Buffer[]): void {
    const file = this.use();
    if (this.pool.cache.holdsEverything) return file.append(buffers);
    const from = file.sizeBytes();
    file.append(buffers);
    this.stretches.add(from, file.sizeBytes(), 'writing');
  }

  /**
   * As `DiskFile.read`.
   *
   * @throws DiskError
   * @throws ColdRead within `OpenFiles.withoutWaiting`, when the page cache does not have, or where the disk cannot tell
   *   is not likely to have, all of it
   */
  read(target: Buffer, targetStart: number, length: number, position: number): number {
    const { cache, clock, mustNotWait } = this.pool;
    if (cache.holdsEverything) return this.use().read(target, targetStart, length, position);
    const isCached = this.holds(position, length);
    if (!isCached && mustNotWait) {
      if (this.askAndRead(target, targetStart, length, position)) return length;
      throw new ColdRead([{ file: this, ...windowOf(position, length) }]);
    }
    const beginMs = clock.monotonic();
    const count = this.use().read(target, targetStart, length, position);
    this.noteDuration(clock.monotonic() - beginMs, length);
    if (!isCached) this.cameIn(position, length);
    return count;
  }

  /**
   * As `read`, when nothing has to be waited for: all of it or nothing. The disk is asked where it can tell, unless it
   * was found wanting a moment ago; else what was written not long ago counts as there.
   *
   * @throws DiskError
   */
  readAtOnce(target: Buffer, targetStart: number, length: number, position: number): boolean {
    if (this.isAsked) return this.askAndRead(target, targetStart, length, position);
    return (
      this.holds(position, length, 'writing') && this.read(target, targetStart, length, position) === length
    );
  }

  /** As `DiskFile.sendCached`; 0 where the disk cannot, or is not asked. @throws DiskError */
  sendAtOnce(socket: number, length: number, position: number): number {
    return this.isAsked ? (this.use().sendCached?.(socket, length, position) ?? 0) : 0;
  }

  private get isAsked(): boolean {
    return this.use().readCached !== undefined && this.pool.clock.monotonic() >= this.askFromMs;
  }

  private askAndRead(target: Buffer, targetStart: number, length: number, position: number): boolean {
    if (!this.isAsked) return false;
    if (this.use().readCached!(target, targetStart, length, position) === length) return true;
    this.askFromMs = this.pool.clock.monotonic() + NOT_ASKED_MS;
    return false;
  }

  /** One read may have been held up by something else, another process or a collection of garbage; two in a row were not. */
  private noteDuration(durationMs: number, length: number): void {
    const isSlow = durationMs > SLOW_READ_MS + length / COPIED_BYTES_PER_MS;
    if (isSlow && this.wasSlow) this.cached?.forget();
    this.wasSlow = isSlow;
  }

  /** As `DiskFile.readLater`, when it is its turn; the file stays open until `done`. @throws DiskError */
  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    const { read, finish } = this.keptOpen(target, targetStart, length, position, done);
    this.pool.later.read(read, finish);
  }

  private keptOpen(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ) {
    const file = this.use();
    this.pending++;
    return {
      read: (finished: typeof done) => file.readLater(target, targetStart, length, position, finished),
      finish: (error: DiskError | null, bytesRead: number) => {
        this.pending--;
        this.closeWhenForsaken();
        if (error === null && !this.holds(position, length)) this.cameIn(position, length);
        done(error, bytesRead);
      },
    };
  }

  /** Whether the page cache is likely to have all of it, by whatever way or by the one that is named. */
  holds(position: number, length: number, by?: CachedBy): boolean {
    const { cache } = this.pool;
    return cache.holdsEverything || (this.cached?.holds(position, position + length, by) ?? false);
  }

  /**
   * Has a stretch in the page cache, reading it off the loop, a part at a time.
   *
   * @param done called once: later, or at once where the file cannot be opened
   */
  bringIn(position: number, sizeBytes: number, done: (error: DiskError | null) => void): void {
    const { nowhere } = this.pool;
    const length = Math.min(sizeBytes, nowhere.length);
    try {
      this.readLater(nowhere, 0, length, position, (error) => {
        if (error !== null || length === sizeBytes) done(error);
        else this.bringIn(position + length, sizeBytes - length, done);
      });
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      done(error);
    }
  }

  /**
   * A reader took a stretch that was not in the page cache: what follows is brought in if it reads on and on. That
   * it cannot be is of no interest before somebody asks for it.
   */
  readAhead(position: number, sizeBytes: number): void {
    const { cache, nowhere, later } = this.pool;
    this.sequential ??= new SequentialReads();
    if (cache.holdsEverything || this.removed || !this.sequential.note(position, position + sizeBytes))
      return;
    const end = position + sizeBytes + Math.min(sizeBytes, READ_AHEAD_BYTES_MAX);
    for (let at = position + sizeBytes; at < end; at += nowhere.length) {
      const length = Math.min(nowhere.length, end - at);
      if (this.holds(at, length)) continue;
      if (!later.mayReadAhead(length)) return;
      const { read, finish } = this.keptOpen(nowhere, 0, length, at, () => {});
      later.readAhead(length, read, finish);
    }
  }

  private get stretches(): CachedStretches {
    this.cached ??= new CachedStretches(this.pool.cache);
    return this.cached;
  }

  /** What lies beyond the end of the file needs no device, and counts as there. */
  private cameIn(position: number, length: number): void {
    const from = position - (position % PAGE_BYTES);
    const to = Math.ceil((position + length) / PAGE_BYTES) * PAGE_BYTES;
    this.stretches.add(from, to, 'reading');
  }

  /** Somebody will read: removal leaves the contents in reach until `release` was called as often. */
  retain(): void {
    this.readers++;
  }

  release(): void {
    this.readers--;
    this.closeWhenForsaken();
  }

  /** Removes the file. Who retained it can read on. @throws DiskError */
  remove(): void {
    if (this.removed) return;
    if (this.readers > 0 && this.file === null) this.file = this.openForReaders();
    this.removed = true;
    this.pool.closed(this);
    this.pool.disk.remove(this.currentPath);
    this.closeWhenForsaken();
  }

  /** Gives the descriptor back; a later use opens the file again. */
  close(): void {
    const file = this.file;
    if (file === null || this.pending > 0) return;
    this.file = null;
    this.pool.closed(this);
    file.close();
  }

  closeIfIdle(): void {
    this.close();
  }

  private openForReaders(): DiskFile | null {
    try {
      return this.pool.disk.open(this.currentPath);
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  private closeWhenForsaken(): void {
    if (this.removed && this.readers <= 0) this.close();
  }
}

/** What is brought in for a read of so many bytes: all windows that it touches. */
function windowOf(position: number, length: number): { position: number; sizeBytes: number } {
  const from = position - (position % WINDOW_BYTES);
  const to = Math.ceil((position + length) / WINDOW_BYTES) * WINDOW_BYTES;
  return { position: from, sizeBytes: to - from };
}
