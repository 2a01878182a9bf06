import type { TopicPartition } from '../../cluster/topic-partition.ts';
import type { PartitionMetrics } from '../consumer-metrics.ts';
import type { OffsetSpec } from '../list-offsets.ts';
import type { FetchedData } from './fetched-data.ts';

/** Where a partition is to be read from. */
export type StartOffset = number | OffsetSpec;

/** Of the leader under whom a record was written, where it is not known. */
export const UNKNOWN_EPOCH = -1;

/** Why a partition could not be read, and since when. */
export interface PartitionTrouble extends TopicPartition {
  /** Monotonic time of the first of the failures in a row. */
  readonly sinceMs: number;
  readonly error: Error;
}

/**
 * What the fetcher knows of one partition between being started and stopped. Starting a partition anew makes a new
 * one, so whatever is under way for the old one finds nobody.
 */
export class FetchPartition {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to fetch, or where that is to be found out. */
  position: StartOffset;
  /** Room asked for in an answer, bytes; grows when a batch does not fit. */
  maxBytes: number;
  /** Answers that are not delivered yet, in order. */
  readonly buffered: FetchedData[] = [];
  /** A fetch or a lookup for it is under way. */
  isBusy = false;
  isPaused = false;
  /** Somebody works on its records: nothing is delivered until that is over. */
  isHeld = false;
  /** Monotonic time before which the partition is left alone. */
  notBeforeMs = 0;
  failures = 0;
  trouble: PartitionTrouble | null = null;
  /** Next offset to deliver, null while it is not known. */
  deliveredUpTo: number | null;
  /** The leader epoch of the record before the position; -1 when not known. */
  lastEpoch: number;
  /** End of what may be read, as last heard; -1 when not known. */
  readableEnd = -1;
  /** A follower that the leader told to read from (KIP-392), and until when (monotonic); null for the leader. */
  preferred: { readonly nodeId: number; readonly untilMs: number } | null = null;

  constructor(at: TopicPartition, position: StartOffset, maxBytes: number, lastEpoch: number) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.position = position;
    this.maxBytes = maxBytes;
    this.lastEpoch = lastEpoch;
    this.deliveredUpTo = typeof position === 'number' ? position : null;
  }

  get bufferedBytes(): number {
    return this.buffered.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get metrics(): PartitionMetrics {
    const { topic, partition, deliveredUpTo: position, bufferedBytes } = this;
    const isKnown = position !== null && this.readableEnd >= 0;
    const lag = isKnown ? Math.max(this.readableEnd - position, 0) : null;
    return { topic, partition, position, lag, bufferedBytes };
  }

  get canDeliver(): boolean {
    return this.buffered.length > 0 && !this.isPaused && !this.isHeld;
  }

  /** Whether another answer should be asked for while the last are being handled. */
  get wantsMore(): boolean {
    return !this.isPaused && (this.buffered.length === 0 || this.bufferedBytes < this.maxBytes / 2);
  }

  noteProgress(): void {
    this.failures = 0;
    this.trouble = null;
  }

  noteTrouble(error: Error, nowMs: number): void {
    const { topic, partition } = this;
    this.trouble = { topic, partition, sinceMs: this.trouble?.sinceMs ?? nowMs, error };
  }

  /** Goes on from another offset; what is buffered is dropped. */
  moveTo(position: StartOffset, lastEpoch = UNKNOWN_EPOCH): void {
    this.position = position;
    this.lastEpoch = lastEpoch;
    this.buffered.length = 0;
    this.deliveredUpTo = typeof position === 'number' ? position : null;
  }
}
