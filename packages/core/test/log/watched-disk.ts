import { DiskError } from '../../src/ports/disk.ts';
import type { Disk, DiskEntry, DiskFile } from '../../src/ports/disk.ts';

export type DiskOperation =
  'open' | 'append' | 'read' | 'truncate' | 'sync' | 'replace' | 'rename' | 'remove' | 'sync-directory';

/** A disk that tells of every operation before it happens; whoever listens may let it fail. */
export class WatchedDisk implements Disk {
  private readonly inner: Disk;
  /** Throws to make the operation fail. `sizeBytes` of what is read. */
  before: (operation: DiskOperation, path: string, sizeBytes: number) => void = () => {};
  /** Bytes that a failing append has written all the same. */
  tornBytes = 0;
  /** How operations fail. */
  code = 'EIO';

  constructor(inner: Disk) {
    this.inner = inner;
  }

  /** Makes the `nth` (from 0) operation from now on that `matches` fail, and all after it while `forever`. */
  failAt(nth: number, matches: (operation: DiskOperation, path: string) => boolean, forever = false): void {
    let count = 0;
    this.before = (operation, path) => {
      if (!matches(operation, path)) return;
      const index = count++;
      if (index === nth || (forever && index > nth)) {
        throw new DiskError(this.code, path, `${operation} of ${path} failed`);
      }
    };
  }

  open(path: string, options?: { create?: boolean }): DiskFile {
    this.before('open', path, 0);
    return new WatchedFile(this.inner.open(path, options), this);
  }

  readFile(path: string): Buffer | null {
    return this.inner.readFile(path);
  }

  replaceFile(path: string, contents: Buffer): void {
    this.before('replace', path, 0);
    this.inner.replaceFile(path, contents);
  }

  list(path: string): DiskEntry[] | null {
    return this.inner.list(path);
  }

  makeDirectory(path: string): void {
    this.inner.makeDirectory(path);
  }

  rename(from: string, to: string): void {
    this.before('rename', from, 0);
    this.inner.rename(from, to);
  }

  remove(path: string): void {
    this.before('remove', path, 0);
    this.inner.remove(path);
  }

  syncDirectory(path: string): void {
    this.before('sync-directory', path, 0);
    this.inner.syncDirectory(path);
  }

  syncDirectoryLater(path: string, done: (error: DiskError | null) => void): void {
    later(() => this.before('sync-directory', path, 0), done);
  }
}

class WatchedFile implements DiskFile {
  private readonly inner: DiskFile;
  private readonly disk: WatchedDisk;

  constructor(inner: DiskFile, disk: WatchedDisk) {
    this.inner = inner;
    this.disk = disk;
  }

  get path(): string {
    return this.inner.path;
  }

  append(buffers: readonly Buffer[]): void {
    try {
      this.disk.before('append', this.path, 0);
    } catch (error) {
      this.inner.append([Buffer.concat(buffers).subarray(0, this.disk.tornBytes)]);
      throw error;
    }
    this.inner.append(buffers);
  }

  write(buffer: Buffer, position: number): void {
    this.inner.write(buffer, position);
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    this.disk.before('read', this.path, length);
    return this.inner.read(target, targetStart, length, position);
  }

  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    let count = 0;
    later(
      () => {
        count = this.read(target, targetStart, length, position);
      },
      (error) => done(error, count),
    );
  }

  truncate(sizeBytes: number): void {
    this.disk.before('truncate', this.path, sizeBytes);
    this.inner.truncate(sizeBytes);
  }

  sizeBytes(): number {
    return this.inner.sizeBytes();
  }

  setModified(modifiedMs: number): void {
    this.inner.setModified(modifiedMs);
  }

  sync(): void {
    this.disk.before('sync', this.path, 0);
    this.inner.sync();
  }

  syncLater(done: (error: DiskError | null) => void): void {
    later(() => this.disk.before('sync', this.path, 0), done);
  }

  close(): void {
    this.inner.close();
  }
}

function later(action: () => void, done: (error: DiskError | null) => void): void {
  let failure: DiskError | null = null;
  try {
    action();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    failure = error;
  }
  setImmediate(done, failure);
}
