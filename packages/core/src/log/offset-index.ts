import { IndexFile } from './index-file.ts';
import type { PooledFile } from './open-files.ts';

const ENTRY_SIZE = 8;
const RELATIVE_OFFSET_MAX = 0x7fffffff;

/** A place in a segment: a batch whose last offset is `offset` begins at `position`. */
export interface OffsetPosition {
  readonly offset: number;
  readonly position: number;
}

/**
 * The sparse index from offset to file position: per entry the last offset of a batch, relative to the base
 * offset of the segment, and where that batch begins, 4 bytes each.
 */
export class OffsetIndex {
  private readonly entries: IndexFile;
  private readonly baseOffset: number;

  constructor(file: PooledFile, baseOffset: number, sizeBytes: number) {
    this.entries = new IndexFile(file, ENTRY_SIZE, sizeBytes);
    this.baseOffset = baseOffset;
  }

  get file(): PooledFile {
    return this.entries.file;
  }

  get count(): number {
    return this.entries.count;
  }

  get sizeBytes(): number {
    return this.entries.sizeBytes;
  }

  /** Whether `offset` can be told apart from the base offset in 31 bits. */
  canHold(offset: number): boolean {
    const relative = offset - this.baseOffset;
    return relative >= 0 && relative <= RELATIVE_OFFSET_MAX;
  }

  isFull(sizeMaxBytes: number): boolean {
    return this.entries.sizeBytes + ENTRY_SIZE > sizeMaxBytes;
  }

  entry(slot: number): OffsetPosition {
    const entry = this.entries.entry(slot);
    return { offset: this.baseOffset + entry.readInt32BE(0), position: entry.readInt32BE(4) };
  }

  last(): OffsetPosition {
    if (this.count === 0) return { offset: this.baseOffset, position: 0 };
    return this.entry(this.count - 1);
  }

  /** The last entry with an offset of at most `offset`; the segment's beginning when there is none. */
  floor(offset: number): OffsetPosition {
    const slot = this.entries.floor(offset - this.baseOffset, relativeOffsetOf);
    return slot < 0 ? { offset: this.baseOffset, position: 0 } : this.entry(slot);
  }

  /** The first entry whose position is at or beyond `position`, or null. */
  ceilingPosition(position: number): OffsetPosition | null {
    const slot = this.entries.floor(position - 1, positionOf) + 1;
    return slot < this.count ? this.entry(slot) : null;
  }

  /** @param offset above every offset in the index, see `canHold` */
  append(offset: number, position: number): void {
    const { buffer, at } = this.entries.push();
    buffer.writeInt32BE(offset - this.baseOffset, at);
    buffer.writeInt32BE(position, at + 4);
  }

  /** Drops the entries of `offset` and above. */
  truncateTo(offset: number): void {
    this.entries.truncate(this.entries.floor(offset - 1 - this.baseOffset, relativeOffsetOf) + 1);
  }

  reset(): void {
    this.entries.reset();
  }

  persist(): void {
    this.entries.persist();
  }

  seal(): void {
    this.entries.seal();
  }
}

function relativeOffsetOf(entries: Buffer, at: number): number {
  return entries.readInt32BE(at);
}

function positionOf(entries: Buffer, at: number): number {
  return entries.readInt32BE(at + 4);
}
