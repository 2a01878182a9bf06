import { DiskError } from '@odradek/core/ports/disk.ts';
import type { Disk, DiskEntry, DiskFile } from '@odradek/core/ports/disk.ts';
import { DirectoryNode, FileNode } from './simulated-nodes.ts';
import type { SimulatedNode } from './simulated-nodes.ts';
import { SeededRandom } from '../seeded-random.ts';

/*
 * A disk for tests, with all that may befall one.
 *
 * What may happen: the process dies before any single operation, or in the midst of a write, and finds the page
 * cache as it was; the power goes, and of all that was not synced any part may be missing, sector by sector,
 * entry by entry; any operation fails with any error, a write half done; a sync fails, and what it was to bring
 * to the disk never gets there though later syncs succeed; the disk fills up; reads return flipped bits.
 *
 * What cannot happen here: two processes on one disk; writes in a part of a sector; a truncation that is lost
 * while a later write to the same file is kept.
 */

export type IoKind =
  | 'open'
  | 'create'
  | 'append'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'make-directory'
  | 'sync-directory'
  | 'read'
  | 'list';

/** One operation that is about to happen. */
export interface Io {
  readonly kind: IoKind;
  readonly path: string;
  /** What an append is about to write. */
  readonly bytes?: Buffer;
}

/** How an operation fails. */
export interface IoFault {
  readonly code: string;
  /** Bytes that a failing append has written all the same. */
  readonly writtenBytes?: number;
}

/** What an entry costs of the capacity. */
const ENTRY_COST = 64;

export class SimulatedDisk implements Disk {
  /** Before each operation; what it returns is how the operation fails. */
  before: (io: Io) => IoFault | null = () => null;
  /** May change what was read. */
  afterRead: (path: string, position: number, bytes: Buffer) => void = () => {};
  /** The operation that is about to happen is one of those off the loop. */
  isOffLoop = false;
  /** Told of each operation off the loop that was begun: somebody has to complete it. */
  onLater: () => void = () => {};
  /** Bytes that fit; writes beyond are cut short and fail with ENOSPC. */
  capacityBytes = Infinity;
  private readonly root: DirectoryNode;
  private readonly now: () => number;
  private readonly random: SeededRandom;
  private readonly queue: (() => void)[] = [];

  constructor(now: () => number, random = new SeededRandom(0), root = new DirectoryNode()) {
    this.now = now;
    this.random = random;
    this.root = root;
  }

  /** The disk as another process finds it once this one has died now. Syncs that are under way are not done. */
  afterProcessCrash(): SimulatedDisk {
    return new SimulatedDisk(this.now, this.random.fork(1), this.root.fork());
  }

  /** The disk as it comes up after a loss of power now. */
  afterPowerLoss(seed: number): SimulatedDisk {
    const random = new SeededRandom(seed);
    return new SimulatedDisk(this.now, random, this.root.afterPowerLoss(random));
  }

  /** Completes the operations off the loop that were begun, and those that they begin. */
  completeLater(): void {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) next();
  }

  /** Completes the oldest operation off the loop. */
  completeNextLater(): void {
    this.queue.shift()?.();
  }

  /** Completes the one that was begun last. */
  completeNewestLater(): void {
    this.queue.pop()?.();
  }

  /** The process that began them has ended: nobody is told how they end. */
  forgetLater(): void {
    this.queue.length = 0;
  }

  usedBytes(): number {
    return sizeOf(this.root);
  }

  /** @throws DiskError where `before` wants it */
  perform(io: Io): void {
    const fault = this.before(io);
    if (fault !== null) throw diskError(fault.code, io);
  }

  /** Runs `action` some time later: a device is never done at once. */
  later(action: () => void, done: (error: DiskError | null) => void): void {
    this.queue.push(() => {
      let failure: DiskError | null = null;
      this.isOffLoop = true;
      try {
        action();
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        failure = error;
      } finally {
        this.isOffLoop = false;
      }
      done(failure);
    });
    this.onLater();
  }

  open(path: string, options?: { create?: boolean }): DiskFile {
    const directory = this.directoryOf(path);
    let node = directory.cached.get(nameOf(path));
    if (node === undefined) {
      if (options?.create !== true) throw diskError('ENOENT', { kind: 'open', path });
      this.perform({ kind: 'create', path });
      this.claim(ENTRY_COST, { kind: 'create', path });
      node = new FileNode(this.now());
      directory.set(nameOf(path), node);
    } else this.perform({ kind: 'open', path });
    if (node.kind !== 'file') throw diskError('EISDIR', { kind: 'open', path });
    return new SimulatedFile(path, node, this, this.now, this.random);
  }

  readFile(path: string): Buffer | null {
    const node = this.find(path);
    if (node === null) return null;
    if (node.kind !== 'file') throw diskError('EISDIR', { kind: 'read', path });
    this.perform({ kind: 'read', path });
    const bytes = Buffer.from(node.cached);
    this.afterRead(path, 0, bytes);
    return bytes;
  }

  /** As a real disk does it, operation by operation. */
  replaceFile(path: string, contents: Buffer): void {
    const temporary = `${path}.tmp`;
    const file = this.open(temporary, { create: true });
    if (file.sizeBytes() > 0) file.truncate(0);
    file.append([contents]);
    file.sync();
    file.close();
    this.rename(temporary, path);
    this.syncDirectory(parentOf(path));
  }

  list(path: string): DiskEntry[] | null {
    const node = this.find(path);
    if (node === null || node.kind !== 'directory') return null;
    this.perform({ kind: 'list', path });
    return [...node.cached].map(([name, entry]) => ({
      name,
      isDirectory: entry.kind === 'directory',
      sizeBytes: entry.kind === 'file' ? entry.sizeBytes : 0,
      modifiedMs: entry.kind === 'file' ? entry.modifiedMs : 0,
    }));
  }

  makeDirectory(path: string): void {
    let node = this.root;
    for (const name of partsOf(path)) {
      let next = node.cached.get(name);
      if (next === undefined) {
        this.perform({ kind: 'make-directory', path });
        this.claim(ENTRY_COST, { kind: 'make-directory', path });
        next = new DirectoryNode();
        node.set(name, next);
      }
      if (next.kind !== 'directory') throw diskError('ENOTDIR', { kind: 'make-directory', path });
      node = next;
    }
  }

  rename(from: string, to: string): void {
    const directory = this.directoryOf(from);
    if (!directory.cached.has(nameOf(from))) throw diskError('ENOENT', { kind: 'rename', path: from });
    this.perform({ kind: 'rename', path: from });
    if (this.directoryOf(to) !== directory) throw diskError('EXDEV', { kind: 'rename', path: to });
    directory.rename(nameOf(from), nameOf(to));
  }

  /** Entry by entry, the innermost first. */
  remove(path: string): void {
    const parent = this.find(parentOf(path));
    if (parent?.kind !== 'directory') return;
    const node = parent.cached.get(nameOf(path));
    if (node === undefined) return;
    if (node.kind === 'directory') for (const name of [...node.cached.keys()]) this.remove(`${path}/${name}`);
    this.perform({ kind: 'remove', path });
    parent.delete(nameOf(path));
  }

  syncDirectory(path: string): void {
    const directory = this.directoryAt(path);
    this.syncEntries(path, directory, directory.changeCount);
  }

  syncDirectoryLater(path: string, done: (error: DiskError | null) => void): void {
    const directory = this.directoryAt(path);
    const upTo = directory.changeCount;
    this.later(() => this.syncEntries(path, directory, upTo), done);
  }

  private syncEntries(path: string, directory: DirectoryNode, upTo: number): void {
    try {
      this.perform({ kind: 'sync-directory', path });
    } catch (error) {
      directory.failSync(this.random);
      throw error;
    }
    directory.sync(upTo);
  }

  /** @returns how many of the `wanted` bytes fit @throws DiskError ENOSPC when none do, and some are wanted */
  claim(wanted: number, io: Io): number {
    if (this.capacityBytes === Infinity) return wanted;
    const free = Math.max(0, this.capacityBytes - this.usedBytes());
    if (free === 0 && wanted > 0) throw diskError('ENOSPC', io);
    return Math.min(free, wanted);
  }

  private directoryOf(path: string): DirectoryNode {
    return this.directoryAt(parentOf(path));
  }

  private directoryAt(path: string): DirectoryNode {
    const node = this.find(path);
    if (node === null || node.kind !== 'directory') throw diskError('ENOENT', { kind: 'open', path });
    return node;
  }

  private find(path: string): SimulatedNode | null {
    let node: SimulatedNode | undefined = this.root;
    for (const name of partsOf(path)) {
      node = node?.kind === 'directory' ? node.cached.get(name) : undefined;
    }
    return node ?? null;
  }
}

class SimulatedFile implements DiskFile {
  readonly path: string;
  private readonly node: FileNode;
  private readonly disk: SimulatedDisk;
  private readonly now: () => number;
  private readonly random: SeededRandom;
  private closed = false;

  constructor(path: string, node: FileNode, disk: SimulatedDisk, now: () => number, random: SeededRandom) {
    this.path = path;
    this.node = node;
    this.disk = disk;
    this.now = now;
    this.random = random;
  }

  append(buffers: readonly Buffer[]): void {
    const node = this.usable();
    const bytes = Buffer.concat(buffers);
    const io: Io = { kind: 'append', path: this.path, bytes };
    const fault = this.disk.before(io);
    const room = this.disk.claim(bytes.length, io);
    const written = fault === null ? room : Math.min(room, fault.writtenBytes ?? 0);
    node.write(bytes.subarray(0, written), node.sizeBytes);
    node.modifiedMs = this.now();
    if (fault !== null) throw diskError(fault.code, io);
    if (written < bytes.length) throw diskError('ENOSPC', io);
  }

  write(buffer: Buffer, position: number): void {
    const node = this.usable();
    this.disk.perform({ kind: 'write', path: this.path });
    node.write(buffer, position);
    node.modifiedMs = this.now();
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    const node = this.usable();
    this.disk.perform({ kind: 'read', path: this.path });
    const count = Math.max(0, Math.min(length, node.sizeBytes - position));
    if (count > 0) node.cached.copy(target, targetStart, position, position + count);
    this.disk.afterRead(this.path, position, target.subarray(targetStart, targetStart + count));
    return count;
  }

  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    let count = 0;
    this.disk.later(
      () => {
        count = this.read(target, targetStart, length, position);
      },
      (error) => done(error, count),
    );
  }

  truncate(sizeBytes: number): void {
    const node = this.usable();
    this.disk.perform({ kind: 'truncate', path: this.path });
    node.truncate(sizeBytes);
    node.modifiedMs = this.now();
  }

  sizeBytes(): number {
    return this.usable().sizeBytes;
  }

  setModified(modifiedMs: number): void {
    this.usable().modifiedMs = modifiedMs;
  }

  sync(): void {
    const node = this.usable();
    this.syncChanges(node.changeCount);
  }

  syncLater(done: (error: DiskError | null) => void): void {
    const upTo = this.usable().changeCount;
    this.disk.later(() => this.syncChanges(upTo), done);
  }

  private syncChanges(upTo: number): void {
    try {
      this.disk.perform({ kind: 'sync', path: this.path });
    } catch (error) {
      this.node.failSync(this.random);
      throw error;
    }
    this.node.sync(upTo);
  }

  close(): void {
    this.usable();
    this.closed = true;
  }

  private usable(): FileNode {
    if (this.closed) throw diskError('EBADF', { kind: 'open', path: this.path });
    return this.node;
  }
}

function diskError(code: string, { kind, path }: Io): DiskError {
  return new DiskError(code, path, `${code}: ${kind} of ${path}`, { isSync: kind.startsWith('sync') });
}

function sizeOf(node: SimulatedNode): number {
  if (node.kind === 'file') return node.sizeBytes + ENTRY_COST;
  let total = ENTRY_COST;
  for (const entry of node.cached.values()) total += sizeOf(entry);
  return total;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
