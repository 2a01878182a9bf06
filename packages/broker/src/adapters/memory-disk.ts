import { DiskError } from '@odradek/core/ports/disk.ts';
import type { Disk, DiskEntry, DiskFile } from '@odradek/core/ports/disk.ts';

/** Larger files grow by blocks of this size, so that growing never copies more. */
const BLOCK_SIZE = 64 * 1024;

interface FileNode {
  readonly kind: 'file';
  /** All of BLOCK_SIZE, but the last one, which may be smaller. */
  readonly blocks: Buffer[];
  sizeBytes: number;
  modifiedMs: number;
}

interface DirectoryNode {
  readonly kind: 'directory';
  readonly entries: Map<string, FileNode | DirectoryNode>;
  modifiedMs: number;
}

/**
 * A file system in memory, for brokers that need none of their data afterwards, and for tests. Syncing does
 * nothing. Removed files stay readable for those that have them open, as on a real system.
 */
export class MemoryDisk implements Disk {
  private readonly root: DirectoryNode;
  private readonly now: () => number;

  /** @param now wall-clock time in ms, for the modification times of files */
  constructor(now: () => number = Date.now) {
    this.now = now;
    this.root = { kind: 'directory', entries: new Map(), modifiedMs: now() };
  }

  open(path: string, options?: { create?: boolean }): DiskFile {
    const directory = this.directory(parentOf(path), path);
    let node = directory.entries.get(nameOf(path));
    if (node === undefined) {
      if (options?.create !== true) throw missing(path);
      node = { kind: 'file', blocks: [], sizeBytes: 0, modifiedMs: this.now() };
      directory.entries.set(nameOf(path), node);
    }
    if (node.kind !== 'file') throw new DiskError('EISDIR', path, `${path} is a directory`);
    return new MemoryDiskFile(path, node, this.now);
  }

  readFile(path: string): Buffer | null {
    const node = this.find(path);
    if (node === null) return null;
    if (node.kind !== 'file') throw new DiskError('EISDIR', path, `${path} is a directory`);
    return Buffer.concat(node.blocks, node.sizeBytes);
  }

  replaceFile(path: string, contents: Buffer): void {
    const directory = this.directory(parentOf(path), path);
    const node: FileNode = { kind: 'file', blocks: [], sizeBytes: 0, modifiedMs: this.now() };
    writeAt(node, contents, 0);
    directory.entries.set(nameOf(path), node);
  }

  list(path: string): DiskEntry[] | null {
    const node = this.find(path);
    if (node === null || node.kind !== 'directory') return null;
    return [...node.entries].map(([name, entry]) => ({
      name,
      isDirectory: entry.kind === 'directory',
      sizeBytes: entry.kind === 'file' ? entry.sizeBytes : 0,
      modifiedMs: entry.modifiedMs,
    }));
  }

  makeDirectory(path: string): void {
    let node = this.root;
    for (const name of partsOf(path)) {
      let next = node.entries.get(name);
      if (next === undefined) {
        next = { kind: 'directory', entries: new Map(), modifiedMs: this.now() };
        node.entries.set(name, next);
      }
      if (next.kind !== 'directory') throw new DiskError('ENOTDIR', path, `${name} in ${path} is a file`);
      node = next;
    }
  }

  rename(from: string, to: string): void {
    const source = this.directory(parentOf(from), from);
    const node = source.entries.get(nameOf(from));
    if (node === undefined) throw missing(from);
    const target = this.directory(parentOf(to), to);
    const replaced = target.entries.get(nameOf(to));
    if (replaced?.kind === 'directory' && (node.kind === 'file' || replaced.entries.size > 0)) {
      throw new DiskError('ENOTEMPTY', to, `${to} is a directory with entries`);
    }
    source.entries.delete(nameOf(from));
    target.entries.set(nameOf(to), node);
  }

  remove(path: string): void {
    const parent = this.find(parentOf(path));
    if (parent?.kind === 'directory') parent.entries.delete(nameOf(path));
  }

  syncDirectory(path: string): void {
    this.directory(path, path);
  }

  syncDirectoryLater(path: string, done: (error: DiskError | null) => void): void {
    this.directory(path, path);
    setImmediate(done, null);
  }

  private find(path: string): FileNode | DirectoryNode | null {
    let node: FileNode | DirectoryNode = this.root;
    for (const name of partsOf(path)) {
      const next: FileNode | DirectoryNode | undefined =
        node.kind === 'directory' ? node.entries.get(name) : undefined;
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  private directory(path: string, wanted: string): DirectoryNode {
    const node = this.find(path);
    if (node === null || node.kind !== 'directory') throw missing(wanted);
    return node;
  }
}

class MemoryDiskFile implements DiskFile {
  readonly path: string;
  private readonly node: FileNode;
  private readonly now: () => number;
  private closed = false;

  constructor(path: string, node: FileNode, now: () => number) {
    this.path = path;
    this.node = node;
    this.now = now;
  }

  append(buffers: readonly Buffer[]): void {
    const node = this.usable();
    for (const buffer of buffers) writeAt(node, buffer, node.sizeBytes);
    node.modifiedMs = this.now();
  }

  write(buffer: Buffer, position: number): void {
    const node = this.usable();
    if (position > node.sizeBytes) resize(node, position);
    writeAt(node, buffer, position);
    node.modifiedMs = this.now();
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    const node = this.usable();
    const count = Math.max(0, Math.min(length, node.sizeBytes - position));
    for (let done = 0; done < count;) {
      const at = position + done;
      const block = node.blocks[Math.floor(at / BLOCK_SIZE)]!;
      const within = at % BLOCK_SIZE;
      done += block.copy(target, targetStart + done, within, Math.min(BLOCK_SIZE, within + count - done));
    }
    return count;
  }

  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    setImmediate(done, null, this.read(target, targetStart, length, position));
  }

  truncate(sizeBytes: number): void {
    resize(this.usable(), sizeBytes);
    this.node.modifiedMs = this.now();
  }

  sizeBytes(): number {
    return this.usable().sizeBytes;
  }

  setModified(modifiedMs: number): void {
    this.usable().modifiedMs = modifiedMs;
  }

  sync(): void {
    this.usable();
  }

  syncLater(done: (error: DiskError | null) => void): void {
    this.usable();
    setImmediate(done, null);
  }

  close(): void {
    this.usable();
    this.closed = true;
  }

  private usable(): FileNode {
    if (this.closed) throw new DiskError('EBADF', this.path, `${this.path} was closed`);
    return this.node;
  }
}

function writeAt(node: FileNode, buffer: Buffer, position: number): void {
  const end = position + buffer.length;
  if (end > node.sizeBytes) extendBlocks(node, end);
  for (let done = 0; done < buffer.length;) {
    const at = position + done;
    done += buffer.copy(node.blocks[Math.floor(at / BLOCK_SIZE)]!, at % BLOCK_SIZE, done);
  }
  node.sizeBytes = Math.max(node.sizeBytes, end);
}

/** Has blocks for `sizeBytes`; new space is zero. */
function extendBlocks(node: FileNode, sizeBytes: number): void {
  const count = Math.ceil(sizeBytes / BLOCK_SIZE);
  while (node.blocks.length < count) {
    const isLast = node.blocks.length === count - 1;
    growLastBlock(node, BLOCK_SIZE);
    node.blocks.push(Buffer.alloc(isLast ? blockSizeFor(sizeBytes - (count - 1) * BLOCK_SIZE) : BLOCK_SIZE));
  }
  growLastBlock(node, sizeBytes - (count - 1) * BLOCK_SIZE);
}

function growLastBlock(node: FileNode, sizeBytes: number): void {
  const last = node.blocks.at(-1);
  if (last === undefined || last.length >= sizeBytes) return;
  const grown = Buffer.alloc(blockSizeFor(Math.max(sizeBytes, last.length * 2)));
  last.copy(grown);
  node.blocks[node.blocks.length - 1] = grown;
}

function blockSizeFor(sizeBytes: number): number {
  return Math.min(BLOCK_SIZE, Math.max(64, sizeBytes));
}

function resize(node: FileNode, sizeBytes: number): void {
  if (sizeBytes > node.sizeBytes) {
    extendBlocks(node, sizeBytes);
  } else {
    node.blocks.length = Math.ceil(sizeBytes / BLOCK_SIZE);
    const within = sizeBytes % BLOCK_SIZE;
    // What lay behind the cut must read as zero when the file is extended again.
    if (within > 0) node.blocks.at(-1)!.fill(0, within);
  }
  node.sizeBytes = sizeBytes;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function missing(path: string): DiskError {
  return new DiskError('ENOENT', path, `${path} does not exist`);
}
