import { NO_TIMESTAMP } from '@odradek/protocol/records/batch-header.ts';
import { readInt64, writeInt64 } from '@odradek/protocol/primitives/int64.ts';
import { IndexFile } from './index-file.ts';
import type { PooledFile } from './open-files.ts';

const ENTRY_SIZE = 12;

/** No record of the segment up to `offset` is later than `timestamp`. */
export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
}

/**
 * The sparse index from time to offset: per entry the largest timestamp so far, 8 bytes, and the last offset
 * of the batch that has it, relative to the base offset, 4 bytes. Timestamps ascend strictly.
 */
export class TimeIndex {
  private readonly entries: IndexFile;
  private readonly baseOffset: number;
  private lastEntry: TimestampOffset | null = null;

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

  /** One entry less than fits: closing the segment may add one more. */
  isFull(sizeMaxBytes: number): boolean {
    return this.entries.sizeBytes + 2 * ENTRY_SIZE > sizeMaxBytes;
  }

  entry(slot: number): TimestampOffset {
    const entry = this.entries.entry(slot);
    return { timestamp: readInt64(entry, 0), offset: this.baseOffset + entry.readInt32BE(8) };
  }

  last(): TimestampOffset {
    this.lastEntry ??=
      this.count === 0 ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset } : this.entry(this.count - 1);
    return this.lastEntry;
  }

  /** The last entry of a timestamp of at most `timestamp`; the segment's beginning when there is none. */
  floor(timestamp: number): TimestampOffset {
    const slot = this.entries.floor(timestamp, timestampOf);
    return slot < 0 ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset } : this.entry(slot);
  }

  /** Appends unless the index knows a timestamp as large already. */
  appendIfLater(timestamp: number, offset: number): void {
    if (timestamp <= this.last().timestamp) return;
    const { buffer, at } = this.entries.push();
    writeInt64(buffer, at, timestamp);
    buffer.writeInt32BE(offset - this.baseOffset, at + 8);
    this.lastEntry = { timestamp, offset };
  }

  /** Drops the entries of `offset` and above. */
  truncateTo(offset: number): void {
    this.entries.truncate(this.entries.floor(offset - 1 - this.baseOffset, relativeOffsetOf) + 1);
    this.lastEntry = null;
  }

  reset(): void {
    this.entries.reset();
    this.lastEntry = null;
  }

  persist(): void {
    this.entries.persist();
  }

  seal(): void {
    this.entries.seal();
  }
}

function timestampOf(entries: Buffer, at: number): number {
  return readInt64(entries, at);
}

function relativeOffsetOf(entries: Buffer, at: number): number {
  return entries.readInt32BE(at + 8);
}
