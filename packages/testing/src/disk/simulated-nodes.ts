import type { SeededRandom } from '../seeded-random.ts';

/** What a device writes whole or not at all. */
const SECTOR_SIZE = 512;

type FileChange =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

/**
 * A file in two images: what the page cache has, which processes see, and what is durable. Changes wait between
 * the two until a sync; a loss of power keeps some of them, see `afterPowerLoss`.
 */
export class FileNode {
  readonly kind = 'file';
  cached: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  modifiedMs: number;
  private waiting: FileChange[] = [];
  private settled = 0;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  get sizeBytes(): number {
    return this.cached.length;
  }

  write(bytes: Buffer, position: number): void {
    if (bytes.length === 0) return;
    this.change({ kind: 'write', position, bytes: Buffer.from(bytes) });
  }

  truncate(sizeBytes: number): void {
    this.change({ kind: 'truncate', sizeBytes });
  }

  private change(change: FileChange): void {
    this.cached = applied(this.cached, change);
    this.waiting.push(change);
  }

  /** Names the changes made so far, for `sync`. */
  get changeCount(): number {
    return this.settled + this.waiting.length;
  }

  /** The first `upTo` changes of the file's life become durable. */
  sync(upTo = this.changeCount): void {
    const count = Math.max(0, upTo - this.settled);
    this.settled += count;
    for (const change of this.waiting.splice(0, count)) this.durable = applied(this.durable, change);
  }

  /**
   * A sync that failed: some of what waited is durable, the rest never will be, though the cache shows it and
   * later syncs succeed. So does Linux.
   */
  failSync(random: SeededRandom): void {
    this.durable = this.afterPowerLoss(random);
    this.settled += this.waiting.length;
    this.waiting = [];
  }

  /**
   * What a loss of power leaves: all changes that were synced; of the others the first few, of the writes among
   * these any of their sectors. Sizes and truncations keep their order, as journaling file systems see to.
   */
  afterPowerLoss(random: SeededRandom): Buffer {
    let image = this.durable;
    const mood = random.below(4);
    if (mood === 0) return image;
    const count = mood === 1 ? this.waiting.length : random.below(this.waiting.length + 1);
    for (const change of this.waiting.slice(0, count)) {
      image = mood === 3 && change.kind === 'write' ? torn(image, change, random) : applied(image, change);
    }
    return image;
  }

  fork(): FileNode {
    const copy = new FileNode(this.modifiedMs);
    // Images are replaced and never changed, so they can be shared.
    copy.cached = this.cached;
    copy.durable = this.durable;
    copy.waiting = [...this.waiting];
    copy.settled = this.settled;
    return copy;
  }

  static ofDurable(image: Buffer, modifiedMs: number): FileNode {
    const node = new FileNode(modifiedMs);
    node.cached = image;
    node.durable = image;
    return node;
  }
}

function applied(image: Buffer, change: FileChange): Buffer {
  if (change.kind === 'truncate') return resized(image, change.sizeBytes);
  const { position, bytes } = change;
  const result = Buffer.alloc(Math.max(image.length, position + bytes.length));
  image.copy(result);
  bytes.copy(result, position);
  return result;
}

function resized(image: Buffer, sizeBytes: number): Buffer {
  if (sizeBytes <= image.length) return image.subarray(0, sizeBytes);
  const result = Buffer.alloc(sizeBytes);
  image.copy(result);
  return result;
}

/** Only some sectors of the write reach the device; the size may have grown all the same, over zeros. */
function torn(image: Buffer, write: FileChange & { kind: 'write' }, random: SeededRandom): Buffer {
  const { position, bytes } = write;
  const end = position + bytes.length;
  let result = random.below(2) === 0 ? image : resized(image, Math.max(image.length, end));
  for (let at = position; at < end;) {
    const next = Math.min(end, (Math.floor(at / SECTOR_SIZE) + 1) * SECTOR_SIZE);
    const sector = bytes.subarray(at - position, next - position);
    if (random.below(2) === 0) result = applied(result, { kind: 'write', position: at, bytes: sector });
    at = next;
  }
  return result;
}

export type SimulatedNode = FileNode | DirectoryNode;

type EntryChange =
  | { readonly kind: 'set'; readonly name: string; readonly node: SimulatedNode }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly node: SimulatedNode };

/** A directory: the entries that processes see, and those that a loss of power leaves. */
export class DirectoryNode {
  readonly kind = 'directory';
  cached = new Map<string, SimulatedNode>();
  private durable = new Map<string, SimulatedNode>();
  private waiting: EntryChange[] = [];
  private settled = 0;

  set(name: string, node: SimulatedNode): void {
    this.change({ kind: 'set', name, node });
  }

  delete(name: string): void {
    this.change({ kind: 'delete', name });
  }

  rename(from: string, to: string): void {
    this.change({ kind: 'rename', from, to, node: this.cached.get(from)! });
  }

  private change(change: EntryChange): void {
    applyEntry(this.cached, change);
    this.waiting.push(change);
  }

  get changeCount(): number {
    return this.settled + this.waiting.length;
  }

  sync(upTo = this.changeCount): void {
    const count = Math.max(0, upTo - this.settled);
    this.settled += count;
    for (const change of this.waiting.splice(0, count)) applyEntry(this.durable, change);
  }

  failSync(random: SeededRandom): void {
    this.durable = this.entriesAfterPowerLoss(random);
    this.settled += this.waiting.length;
    this.waiting = [];
  }

  /** The tree as it comes up again: all of it durable. */
  afterPowerLoss(random: SeededRandom): DirectoryNode {
    const copy = new DirectoryNode();
    for (const [name, node] of this.entriesAfterPowerLoss(random)) {
      const left =
        node.kind === 'directory'
          ? node.afterPowerLoss(random)
          : FileNode.ofDurable(node.afterPowerLoss(random), node.modifiedMs);
      copy.cached.set(name, left);
      copy.durable.set(name, left);
    }
    return copy;
  }

  /** Of the changes that were not synced none, all, the first few, or any: file systems differ. */
  private entriesAfterPowerLoss(random: SeededRandom): Map<string, SimulatedNode> {
    const entries = new Map(this.durable);
    const mood = random.below(4);
    const count = mood === 2 ? random.below(this.waiting.length + 1) : this.waiting.length;
    if (mood === 0) return entries;
    for (const change of this.waiting.slice(0, count)) {
      if (mood !== 3 || random.below(2) === 0) applyEntry(entries, change);
    }
    return entries;
  }

  /** A copy of everything below, keeping what is one and the same node so. */
  fork(copies: Map<SimulatedNode, SimulatedNode> = new Map()): DirectoryNode {
    const copyOf = (node: SimulatedNode): SimulatedNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node.kind === 'directory' ? node.fork(copies) : node.fork();
      copies.set(node, made);
      return made;
    };
    const copy = new DirectoryNode();
    for (const [name, node] of this.cached) copy.cached.set(name, copyOf(node));
    for (const [name, node] of this.durable) copy.durable.set(name, copyOf(node));
    copy.waiting = this.waiting.map((change) =>
      change.kind === 'delete' ? change : { ...change, node: copyOf(change.node) },
    );
    copy.settled = this.settled;
    return copy;
  }
}

function applyEntry(entries: Map<string, SimulatedNode>, change: EntryChange): void {
  switch (change.kind) {
    case 'set':
      entries.set(change.name, change.node);
      break;
    case 'delete':
      entries.delete(change.name);
      break;
    case 'rename':
      if (entries.get(change.from) === change.node) entries.delete(change.from);
      entries.set(change.to, change.node);
      break;
  }
}
