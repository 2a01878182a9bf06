import { readInt64, writeInt64 } from '@odradek/protocol/primitives/int64.ts';
import type { PooledFile } from './open-files.ts';

const ENTRY_SIZE = 34;
const VERSION = 0;

/** A transaction that was aborted. */
export interface AbortedTransaction {
  readonly producerId: number;
  /** Of its first record in this partition. */
  readonly firstOffset: number;
  /** Of its abort marker. */
  readonly lastOffset: number;
  /** The last stable offset once the marker was written: nothing before it is undecided. */
  readonly lastStableOffset: number;
}

/**
 * The aborted transactions whose marker lies in one segment, in the order of their markers. The file exists
 * only when there are any. Entries: version (2 bytes), producer id, first, last and last stable offset.
 */
export class TransactionIndex {
  readonly file: PooledFile;
  private sizeBytes: number;

  /** @param sizeBytes of the file as it is, 0 when there is none; a broken last entry is ignored */
  constructor(file: PooledFile, sizeBytes: number) {
    this.file = file;
    this.sizeBytes = sizeBytes - (sizeBytes % ENTRY_SIZE);
  }

  get isEmpty(): boolean {
    return this.sizeBytes === 0;
  }

  /** Written at once: consumers need it as soon as the marker is there. @throws DiskError */
  append(transaction: AbortedTransaction): void {
    const entry = Buffer.alloc(ENTRY_SIZE);
    entry.writeInt16BE(VERSION, 0);
    writeInt64(entry, 2, transaction.producerId);
    writeInt64(entry, 10, transaction.firstOffset);
    writeInt64(entry, 18, transaction.lastOffset);
    writeInt64(entry, 26, transaction.lastStableOffset);
    const file = this.file.create();
    if (file.sizeBytes() !== this.sizeBytes) file.truncate(this.sizeBytes);
    this.file.append([entry]);
    this.sizeBytes += ENTRY_SIZE;
  }

  /** @throws DiskError */
  all(): AbortedTransaction[] {
    if (this.sizeBytes === 0) return [];
    const contents = Buffer.alloc(this.sizeBytes);
    const size = this.file.read(contents, 0, this.sizeBytes, 0);
    const transactions: AbortedTransaction[] = [];
    for (let at = 0; at + ENTRY_SIZE <= size; at += ENTRY_SIZE) {
      transactions.push({
        producerId: readInt64(contents, at + 2),
        firstOffset: readInt64(contents, at + 10),
        lastOffset: readInt64(contents, at + 18),
        lastStableOffset: readInt64(contents, at + 26),
      });
    }
    return transactions;
  }

  /** Adds to `found` what overlaps [from, to). @returns whether later segments can hold no more of it */
  collect(from: number, to: number, found: AbortedTransaction[]): boolean {
    for (const transaction of this.all()) {
      if (transaction.lastOffset >= from && transaction.firstOffset < to) found.push(transaction);
      if (transaction.lastStableOffset >= to) return true;
    }
    return false;
  }

  /** Drops the transactions whose marker is at `offset` or above. @throws DiskError */
  truncateTo(offset: number): void {
    const kept = this.all().filter((transaction) => transaction.lastOffset < offset).length;
    if (kept * ENTRY_SIZE === this.sizeBytes) return;
    this.sizeBytes = kept * ENTRY_SIZE;
    this.file.use().truncate(this.sizeBytes);
  }

  /** @throws DiskError */
  reset(): void {
    if (this.sizeBytes === 0) return;
    this.sizeBytes = 0;
    this.file.use().truncate(0);
  }
}
