import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { DiskError } from '@odradek/core/ports/disk.ts';
import type { Disk, DiskEntry, DiskFile } from '@odradek/core/ports/disk.ts';
import { loadNativePageCache, type NativePageCache } from './native-page-cache.ts';

/** Vectors that one system call takes (IOV_MAX on Linux). */
const VECTORS_MAX = 1024;

/**
 * The file system of this machine. Reads and writes run on the event loop, because handing them to the thread
 * pool costs ten times the work itself while the page cache serves them; `syncLater` and the freeing of removed
 * files, which really wait for the device, run in the thread pool.
 */
export class NodeDisk implements Disk {
  private readonly pageCache: NativePageCache | null;

  /** @param pageCache how to ask the system what it holds; null: it cannot be asked */
  constructor(pageCache: NativePageCache | null = loadNativePageCache()) {
    this.pageCache = pageCache;
  }

  open(path: string, options?: { create?: boolean }): DiskFile {
    const flags = fs.constants.O_RDWR | (options?.create === true ? fs.constants.O_CREAT : 0);
    const { pageCache } = this;
    return attempt(path, () => {
      const descriptor = fs.openSync(path, flags, 0o644);
      return pageCache === null
        ? new NodeDiskFile(path, descriptor)
        : new CachedDiskFile(path, descriptor, pageCache);
    });
  }

  readFile(path: string): Buffer | null {
    return orNullWhenMissing(path, () => fs.readFileSync(path));
  }

  replaceFile(path: string, contents: Buffer): void {
    const temporary = `${path}.tmp`;
    attempt(path, () => {
      fs.writeFileSync(temporary, contents, { flush: true });
      fs.renameSync(temporary, path);
    });
    this.syncDirectory(dirname(path));
  }

  list(path: string): DiskEntry[] | null {
    return orNullWhenMissing(path, () => {
      const entries: DiskEntry[] = [];
      for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
        // What was removed in between is left out.
        const stat = fs.statSync(`${path}/${entry.name}`, { throwIfNoEntry: false });
        if (stat === undefined) continue;
        entries.push({
          name: entry.name,
          isDirectory: stat.isDirectory(),
          sizeBytes: stat.size,
          modifiedMs: Math.trunc(stat.mtimeMs),
        });
      }
      return entries;
    });
  }

  makeDirectory(path: string): void {
    attempt(path, () => makeTree(path));
  }

  rename(from: string, to: string): void {
    attempt(from, () => fs.renameSync(from, to));
  }

  remove(path: string): void {
    attempt(path, () => removeTree(path));
  }

  syncDirectory(path: string): void {
    attempt(path, () => {
      const descriptor = fs.openSync(path, fs.constants.O_RDONLY);
      try {
        fs.fsyncSync(descriptor);
      } finally {
        fs.closeSync(descriptor);
      }
    });
  }

  syncDirectoryLater(path: string, done: (error: DiskError | null) => void): void {
    syncDirectoryLater(path, done);
  }
}

/** fsync of a directory in the thread pool. */
function syncDirectoryLater(path: string, done: (error: DiskError | null) => void): void {
  const finish = (error: NodeJS.ErrnoException | null): void =>
    done(error === null ? null : diskErrorOf(path, error));
  fs.open(path, fs.constants.O_RDONLY, (openError, descriptor) => {
    if (openError !== null) return finish(openError);
    fs.fsync(descriptor, (syncError) => {
      fs.close(descriptor, (closeError) => finish(syncError ?? closeError ?? null));
    });
  });
}

class NodeDiskFile implements DiskFile {
  readonly path: string;
  protected readonly descriptor: number;
  /** Where the file ends; -1 when a failure left that open. */
  private end = -1;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.descriptor = descriptor;
  }

  append(buffers: readonly Buffer[]): void {
    const start = this.sizeBytes();
    this.end = -1;
    this.end = start + attempt(this.path, () => writeAll(this.descriptor, buffers, start));
  }

  write(buffer: Buffer, position: number): void {
    this.end = -1;
    attempt(this.path, () => writeAll(this.descriptor, [buffer], position));
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    return attempt(this.path, () => {
      let done = 0;
      while (done < length) {
        const count = fs.readSync(
          this.descriptor,
          target,
          targetStart + done,
          length - done,
          position + done,
        );
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    readOn(this.descriptor, target, targetStart, length, position, 0, (error, bytesRead) =>
      done(error === null ? null : diskErrorOf(this.path, error), bytesRead),
    );
  }

  truncate(sizeBytes: number): void {
    this.end = -1;
    attempt(this.path, () => fs.ftruncateSync(this.descriptor, sizeBytes));
    this.end = sizeBytes;
  }

  sizeBytes(): number {
    if (this.end < 0) this.end = attempt(this.path, () => fs.fstatSync(this.descriptor).size);
    return this.end;
  }

  setModified(modifiedMs: number): void {
    const time = modifiedMs / 1000;
    attempt(this.path, () => fs.futimesSync(this.descriptor, time, time));
  }

  sync(): void {
    attempt(this.path, () => fs.fdatasyncSync(this.descriptor));
  }

  syncLater(done: (error: DiskError | null) => void): void {
    fs.fdatasync(this.descriptor, (error) => done(error === null ? null : diskErrorOf(this.path, error)));
  }

  /** Of a file that was removed this may be what frees its space, which takes long: in the thread pool then. */
  close(): void {
    attempt(this.path, () => {
      if (fs.fstatSync(this.descriptor).nlink === 0) fs.close(this.descriptor, ignoreError);
      else fs.closeSync(this.descriptor);
    });
  }
}

/** Where the system can be asked what it holds. An error of its is left to who reads or sends in the usual way. */
class CachedDiskFile extends NodeDiskFile {
  private readonly pageCache: NativePageCache;

  constructor(path: string, descriptor: number, pageCache: NativePageCache) {
    super(path, descriptor);
    this.pageCache = pageCache;
  }

  readCached(target: Buffer, targetStart: number, length: number, position: number): number {
    return Math.max(0, this.pageCache.readCached(this.descriptor, target, targetStart, length, position));
  }

  sendCached(socket: number, length: number, position: number): number {
    return Math.max(0, this.pageCache.sendCached(socket, this.descriptor, position, length));
  }
}

/** Reads in the thread pool until `length` bytes are there or the file ends; `done` of them were read before. */
function readOn(
  descriptor: number,
  target: Buffer,
  targetStart: number,
  length: number,
  position: number,
  done: number,
  finish: (error: NodeJS.ErrnoException | null, bytesRead: number) => void,
): void {
  fs.read(descriptor, target, targetStart + done, length - done, position + done, (error, count) => {
    const total = done + (error === null ? count : 0);
    if (error !== null || count === 0 || total === length) return finish(error, total);
    readOn(descriptor, target, targetStart, length, position, total, finish);
  });
}

/** Writes everything, however short the single writes turn out. @returns bytes written */
function writeAll(descriptor: number, buffers: readonly Buffer[], position: number): number {
  if (buffers.length === 1) return writeWhole(descriptor, buffers[0]!, position);
  let total = 0;
  for (let first = 0; first < buffers.length; first += VECTORS_MAX) {
    const group = buffers.slice(first, first + VECTORS_MAX);
    const size = group.reduce((sum, buffer) => sum + buffer.length, 0);
    const written = fs.writevSync(descriptor, group, position + total);
    if (written < size)
      writeWhole(descriptor, Buffer.concat(group).subarray(written), position + total + written);
    total += size;
  }
  return total;
}

function writeWhole(descriptor: number, buffer: Buffer, position: number): number {
  let done = 0;
  while (done < buffer.length) {
    done += fs.writeSync(descriptor, buffer, done, buffer.length - done, position + done);
  }
  return done;
}

/**
 * With those above it. Not by `recursive` of Node.js: that tries without end where a directory that is there says ENOENT,
 * as /proc does.
 */
function makeTree(path: string): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeTree(parent);
  try {
    fs.mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Somebody else was faster, or a file is in the way.
    if (!isDirectory(path)) throw new DiskError('ENOTDIR', path, `ENOTDIR: not a directory: ${path}`);
  }
}

function isDirectory(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Takes the names away at once, so that they can be used again. The space is freed when the last descriptor
 * goes: one is held and closed in the thread pool, since freeing a large file takes milliseconds.
 */
function removeTree(path: string): void {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isDirectory()) {
    for (const name of fs.readdirSync(path)) removeTree(`${path}/${name}`);
    fs.rmdirSync(path);
    return;
  }
  const descriptor = stat.isFile() ? fs.openSync(path, fs.constants.O_RDONLY) : null;
  try {
    fs.unlinkSync(path);
  } finally {
    if (descriptor !== null) fs.close(descriptor, ignoreError);
  }
}

/** The file is gone already; that its last descriptor closed badly changes nothing. */
function ignoreError(): void {}

function orNullWhenMissing<T>(path: string, action: () => T): T | null {
  try {
    return attempt(path, action);
  } catch (error) {
    if (error instanceof DiskError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw diskErrorOf(path, error);
  }
}

function diskErrorOf(path: string, error: unknown): DiskError {
  if (error instanceof DiskError) return error;
  const cause = error as NodeJS.ErrnoException;
  const isSync = cause.syscall === 'fsync' || cause.syscall === 'fdatasync';
  return new DiskError(cause.code ?? 'EIO', path, cause.message, { cause, isSync });
}
