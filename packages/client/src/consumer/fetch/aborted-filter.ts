import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';

/** A stretch of a producer's aborted work: from this offset to its abort marker. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** Walks along with the batches of an answer and knows which producers are inside an aborted transaction. */
export class AbortedFilter {
  private readonly upcoming: AbortedTransaction[];
  private readonly aborting = new Set<number>();

  /** @param aborted in any order */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.upcoming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether the records of a batch are committed. Every batch is asked for once, in order. */
  accepts(header: BatchHeader): boolean {
    while (this.upcoming.length > 0 && this.upcoming[0]!.firstOffset <= header.lastOffset) {
      this.aborting.add(this.upcoming.shift()!.producerId);
    }
    if (!header.isTransactional || !this.aborting.has(header.producerId)) return true;
    // The marker that ends the transaction is the only control batch of the producer within it.
    if (header.isControl) this.aborting.delete(header.producerId);
    return false;
  }
}
