import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { readTransactionMarker } from '../control-marker.ts';
import type { AbortedTransaction } from '../transaction-index.ts';

interface OngoingAbort {
  readonly transaction: AbortedTransaction;
  /** A batch of it was still in the log. */
  hasBatches: boolean;
}

/**
 * Which transactions are open at the point that a walk over a log has reached, and with what outcome. Tells the
 * batches that nobody may see from those that were committed, and the markers that nothing refers to any more.
 *
 * The walk must begin where no transaction is open whose marker counts: at the beginning of the log.
 */
export class CleanedTransactions {
  private readonly onKept: (transaction: AbortedTransaction) => void;
  /** Aborted transactions that begin further on, by first offset. */
  private ahead: AbortedTransaction[] = [];
  private readonly aborted = new Map<number, OngoingAbort>();
  /** Producers of which a batch was seen that is not aborted, and no marker since. */
  private readonly committed = new Set<number>();

  /** @param onKept is told of each aborted transaction of which batches were still there, at its marker */
  constructor(onKept: (transaction: AbortedTransaction) => void = () => {}) {
    this.onKept = onKept;
  }

  /** @param transactions that overlap what is walked over next; it does no harm when one is given twice */
  expect(transactions: readonly AbortedTransaction[]): void {
    this.ahead.push(...transactions);
    this.ahead.sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** @returns whether the batch, which is no control batch, is of an aborted transaction */
  onBatch(header: BatchHeader): boolean {
    this.enterUpTo(header.lastOffset);
    if (!header.isTransactional) return false;
    const ongoing = this.aborted.get(header.producerId);
    if (ongoing === undefined) {
      this.committed.add(header.producerId);
      return false;
    }
    ongoing.hasBatches = true;
    return true;
  }

  /**
   * @param header of a control batch, all bytes in reach
   * @returns whether nothing in the log needs the marker any more
   * @throws MalformedBytesError
   */
  onControlBatch(header: BatchHeader): boolean {
    this.enterUpTo(header.lastOffset);
    // Emptied by an earlier compaction.
    if (header.recordCount === 0) return true;
    const marker = readTransactionMarker(header);
    if (marker === null) return false;
    if (marker.isCommit) return !this.committed.delete(header.producerId);
    const ongoing = this.aborted.get(header.producerId);
    this.aborted.delete(header.producerId);
    if (ongoing?.hasBatches !== true) return true;
    this.onKept(ongoing.transaction);
    return false;
  }

  private enterUpTo(offset: number): void {
    while (this.ahead.length > 0 && this.ahead[0]!.firstOffset <= offset) {
      const transaction = this.ahead.shift()!;
      if (!this.aborted.has(transaction.producerId)) {
        this.aborted.set(transaction.producerId, { transaction, hasBatches: false });
      }
    }
  }
}
