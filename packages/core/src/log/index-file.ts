import { DiskError } from '../ports/disk.ts';
import type { PooledFile } from './open-files.ts';

/** Entries kept in memory behind the end of an index that is being written. */
const TAIL_ENTRIES = 512;

/** A search reads so much of the file at once: where it asks for one entry, it will ask for those beside it. */
const BLOCK_BYTES = 4096;

/** Where every search reads: one is over before the next begins. */
const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);

/**
 * A file of fixed-size entries in ascending order, written at the end only.
 *
 * Entries are gathered in memory and written in groups, which `persist` completes: an index holds nothing that
 * recovery cannot compute again from the log, so a crash may lose its tail. The last entries stay in memory,
 * where nearly every lookup finds what it needs; older ones are read a block at a time, and forgotten, so that no index
 * of any size takes more than a few kilobytes. Kafka preallocates the file of the active segment because it maps it into
 * memory; here it grows, and so never needs trimming. Kafka takes both.
 */
export class IndexFile {
  readonly file: PooledFile;
  private readonly entrySize: number;
  private entryCount: number;
  private persistedCount: number;
  /** Entries from `tailStart` on, or null while there are none in memory. */
  private tail: Buffer | null = null;
  private tailStart: number;
  private readonly scratch: Buffer;

  /** @param sizeBytes of the file as it is; a broken last entry is ignored */
  constructor(file: PooledFile, entrySize: number, sizeBytes: number) {
    this.file = file;
    this.entrySize = entrySize;
    this.entryCount = Math.floor(sizeBytes / entrySize);
    this.persistedCount = this.entryCount;
    this.tailStart = this.entryCount;
    this.scratch = Buffer.alloc(entrySize);
  }

  get count(): number {
    return this.entryCount;
  }

  get sizeBytes(): number {
    return this.entryCount * this.entrySize;
  }

  /** A buffer at which the entry `slot` begins at 0; valid until the next call. @throws DiskError */
  entry(slot: number): Buffer {
    if (this.tail !== null && slot >= this.tailStart) {
      const at = (slot - this.tailStart) * this.entrySize;
      this.tail.copy(this.scratch, 0, at, at + this.entrySize);
    } else {
      this.file.read(this.scratch, 0, this.entrySize, slot * this.entrySize);
    }
    return this.scratch;
  }

  /** Room for one more entry at the end: the caller fills it, from `at` on. @throws DiskError */
  push(): { readonly buffer: Buffer; readonly at: number } {
    this.tail ??= Buffer.alloc(16 * this.entrySize);
    let used = this.entryCount - this.tailStart;
    if ((used + 1) * this.entrySize > this.tail.length) used = this.makeRoom(this.tail, used);
    this.entryCount++;
    return { buffer: this.tail, at: used * this.entrySize };
  }

  private makeRoom(tail: Buffer, used: number): number {
    if (used < TAIL_ENTRIES * 2 || !this.tryPersist()) {
      this.tail = Buffer.alloc(tail.length * 2);
      tail.copy(this.tail);
      return used;
    }
    tail.copy(tail, 0, (used - TAIL_ENTRIES) * this.entrySize, used * this.entrySize);
    this.tailStart = this.entryCount - TAIL_ENTRIES;
    return TAIL_ENTRIES;
  }

  /** The records that the entry is for are written already: what fails here is left to the next `persist`. */
  private tryPersist(): boolean {
    try {
      this.persist();
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return false;
    }
  }

  /**
   * The last slot whose key is at most `target`, or -1. Keys must ascend.
   *
   * @param keyOf the key of the entry that begins at `at`
   * @throws DiskError
   */
  floor(target: number, keyOf: (entries: Buffer, at: number) => number): number {
    const { tail, tailStart, entrySize } = this;
    if (tail !== null && tailStart < this.entryCount && keyOf(tail, 0) <= target) {
      return this.floorIn(tail, tailStart, this.entryCount, target, keyOf);
    }
    let low = 0;
    let high = (tail === null ? this.entryCount : tailStart) - 1;
    const blockEntries = Math.floor(BLOCK_BYTES / entrySize);
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const first = Math.max(low, middle - (middle % blockEntries));
      const end = Math.min(high + 1, first + blockEntries);
      this.readBlock(first, end);
      if (keyOf(block, 0) > target) high = first - 1;
      else if (keyOf(block, (end - 1 - first) * entrySize) <= target) low = end;
      else return this.floorIn(block, first, end, target, keyOf);
    }
    return high;
  }

  /** As `floor`, among the slots from `first` to before `end`, which lie in `entries`; the first is known to count. */
  private floorIn(
    entries: Buffer,
    first: number,
    end: number,
    target: number,
    keyOf: (entries: Buffer, at: number) => number,
  ): number {
    let low = first + 1;
    let high = end - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (keyOf(entries, (middle - first) * this.entrySize) <= target) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }

  /** What the file lacks reads as zeros, as in a file that was extended. */
  private readBlock(first: number, end: number): void {
    const length = (end - first) * this.entrySize;
    const count = this.file.read(block, 0, length, first * this.entrySize);
    if (count < length) block.fill(0, count, length);
  }

  /** Drops the entries from `count` on. @throws DiskError */
  truncate(count: number): void {
    if (count >= this.entryCount) return;
    if (this.persistedCount > count) {
      this.file.use().truncate(count * this.entrySize);
      this.persistedCount = count;
    }
    this.entryCount = count;
    if (this.tailStart > count) {
      this.tailStart = count;
      this.tail = null;
    }
  }

  /** Empties the file, whatever its size was. @throws DiskError */
  reset(): void {
    this.file.create().truncate(0);
    this.entryCount = 0;
    this.persistedCount = 0;
    this.tailStart = 0;
    this.tail = null;
  }

  /** Writes to the file what is in memory only. @throws DiskError */
  persist(): void {
    if (this.tail === null || this.persistedCount === this.entryCount) return;
    const from = (this.persistedCount - this.tailStart) * this.entrySize;
    const to = (this.entryCount - this.tailStart) * this.entrySize;
    const file = this.file.use();
    // A write that failed before may have left a part of itself.
    if (file.sizeBytes() !== this.persistedCount * this.entrySize) {
      file.truncate(this.persistedCount * this.entrySize);
    }
    this.file.append([this.tail.subarray(from, to)]);
    this.persistedCount = this.entryCount;
  }

  /** Persists and gives the memory back. @throws DiskError */
  seal(): void {
    this.persist();
    this.tail = null;
    this.tailStart = this.entryCount;
  }
}
