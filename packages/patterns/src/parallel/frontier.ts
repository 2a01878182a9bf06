import { Fifo } from './fifo.ts';

/** A record that was taken and is not forgotten yet. */
export interface FrontierEntry {
  readonly offset: number;
  isDone: boolean;
}

/**
 * How far one partition got: everything before `committable` is done. Offsets come in order, are done in any; those
 * that never come (compacted away, markers of transactions) count as done.
 */
export class Frontier {
  private readonly entries = new Fifo<FrontierEntry>();
  private end: number;

  /** @param start the first offset that is not done */
  constructor(start: number) {
    this.end = start;
  }

  /** @param offset above all before */
  admit(offset: number): FrontierEntry {
    const entry = { offset, isDone: false };
    this.entries.push(entry);
    this.end = offset + 1;
    return entry;
  }

  /** There is nothing further before this offset. */
  passTo(offset: number): void {
    this.end = Math.max(this.end, offset);
  }

  complete(entry: FrontierEntry): void {
    entry.isDone = true;
    while (this.entries.first?.isDone === true) this.entries.shift();
  }

  /** What may be committed: the first offset that is not done. */
  get committable(): number {
    return this.entries.first?.offset ?? this.end;
  }

  /** The offset after everything that was taken. */
  get horizon(): number {
    return this.end;
  }

  /** Offsets between what may be committed and what was taken. */
  get window(): number {
    return this.end - this.committable;
  }

  /** Offsets that are not done, ascending. */
  incomplete(): number[] {
    const offsets: number[] = [];
    for (const { offset, isDone } of this.entries) if (!isDone) offsets.push(offset);
    return offsets;
  }
}
