import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import type { Timer } from '../ports/clock.ts';
import type { OffsetToCommit } from './committed-offsets.ts';
import type { FetchedRecords } from './fetch/fetched-data.ts';

/** Records in somebody's hands. The partition delivers nothing further until they are given back. */
export interface Delivery {
  readonly owner: OwnedPartition;
  readonly batch: FetchedRecords;
  /** Of the owner when it was made: after a seek the rest of it is of no use. */
  readonly epoch: number;
  /** The offset after the last record that is done; null when none is. */
  doneUpTo: number | null;
  /** What is not done of it will not be. */
  isCutShort: boolean;
}

/**
 * A partition from being assigned to being revoked or lost. If it comes back that is another one: what was in work
 * for this one changes nothing for that.
 */
export class OwnedPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** Its records are in somebody's hands. */
  isHeld = false;
  /** It is to be given up: nothing new is begun. */
  isRevoking = false;
  /** Others have it, or may. */
  isLost = false;
  /** Counts seeks. */
  epoch = 0;
  /** Monotonic time of the last sign of life of whoever holds it. */
  progressAtMs = 0;
  /** Looks after that. */
  watchdog: Timer | null = null;
  private readonly aborter = new AbortController();
  private processed: OffsetToCommit | null = null;
  /** What is known to be committed, or the place where reading began. */
  private committedOffset: number | null;

  constructor(at: TopicPartition, startOffset: number | null) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.key = partitionKey(at);
    this.committedOffset = startOffset;
  }

  /** Ends when the partition is lost. */
  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  lose(reason: Error): void {
    this.isLost = true;
    this.end();
    this.aborter.abort(reason);
  }

  /** It is not this member's any more. */
  end(): void {
    this.watchdog?.cancel();
    this.watchdog = null;
  }

  /** Whether what was handed out is still to be worked on. */
  isCurrent(delivery: Delivery): boolean {
    return !this.isLost && this.epoch === delivery.epoch;
  }

  /** Everything before the offset is done. An offset before what is committed already says nothing new. */
  markProcessed(mark: OffsetToCommit): void {
    const isStale = this.committedOffset !== null && mark.offset < this.committedOffset;
    if (!this.isLost && !isStale) this.processed = mark;
  }

  /** Reading goes on from elsewhere, which may lie before what is committed. */
  noteSeek(): void {
    this.epoch++;
    this.processed = null;
    this.committedOffset = null;
  }

  /** What should be committed, or null when all is. */
  get uncommitted(): OffsetToCommit | null {
    return this.processed;
  }

  noteCommitted(mark: OffsetToCommit): void {
    this.committedOffset = mark.offset;
    if (this.processed === mark) this.processed = null;
  }
}
