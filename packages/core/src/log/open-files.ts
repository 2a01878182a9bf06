import { DiskError } from '../ports/disk.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';

/**
 * The files that are open at one time, bounded: a file is opened when it is used, and the one that was unused
 * for longest is closed when there are too many. Ten thousand partitions need no ten thousand descriptors.
 *
 * A file with a call off the loop under way, or that was removed while somebody still reads it, is not closed before its
 * time; only these can pass the limit.
 */
export class OpenFiles {
  readonly disk: Disk;
  private readonly limit: number;
  /** In the order of last use. */
  private readonly open = new Set<PooledFile>();
  private newest: PooledFile | null = null;

  /** @param limit of open files, 16 or more */
  constructor(disk: Disk, limit = 4096) {
    this.disk = disk;
    this.limit = limit;
  }

  get openCount(): number {
    return this.open.size;
  }

  /** A handle for the file at `path`, which may not exist before it is used. */
  file(path: string): PooledFile {
    return new PooledFile(this, path);
  }

  used(file: PooledFile): void {
    if (file === this.newest) return;
    this.open.delete(file);
    this.open.add(file);
    this.newest = file;
    if (this.open.size > this.limit) this.closeOldest();
  }

  closed(file: PooledFile): void {
    this.open.delete(file);
    if (this.newest === file) this.newest = null;
  }

  private closeOldest(): void {
    for (const file of this.open) {
      if (this.open.size <= this.limit) return;
      if (file !== this.newest) file.closeIfIdle();
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
    }
    if (!this.removed) this.pool.used(this);
    return this.file;
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

  /** As `DiskFile.readLater`; the file stays open until `done`. @throws DiskError */
  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    const file = this.use();
    this.pending++;
    file.readLater(target, targetStart, length, position, (error, bytesRead) => {
      this.pending--;
      this.closeWhenForsaken();
      done(error, bytesRead);
    });
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
