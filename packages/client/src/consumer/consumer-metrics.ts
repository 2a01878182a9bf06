import type { TopicPartition } from '../cluster/topic-partition.ts';

export interface PartitionMetrics extends TopicPartition {
  /** The offset that is delivered next; null while it is not known. */
  readonly position: number | null;
  /** Records to the end of what may be read, as last heard, 0 or more; null while that is not known. */
  readonly lag: number | null;
  /** Fetched and not delivered, bytes. */
  readonly bufferedBytes: number;
}

/** What a consumer has done since it was made, and where it stands. A copy: it does not change. */
export interface ConsumerMetrics {
  readonly recordsDelivered: number;
  /** Of records as they came, compressed or not. */
  readonly bytesFetched: number;
  readonly commits: number;
  readonly commitsFailed: number;
  /** Assignments taken over. */
  readonly rebalances: number;
  /** Partitions that went to others before they were given up. */
  readonly partitionsLost: number;
  readonly stalls: number;
  /** The longest that the event loop was seen blocked, milliseconds. */
  readonly eventLoopBlockedMaxMs: number;
  /** Partitions that went on from the leader's history after having read another one. */
  readonly truncations: number;
  readonly partitions: readonly PartitionMetrics[];
}
