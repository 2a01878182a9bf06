import type { EpochEnd } from '../log/leader-epoch-cache.ts';
import type { UpTo } from '../log/log-reader.ts';
import type { LogSlice } from '../log/log-slice.ts';
import type { AbortedTransaction } from '../log/transaction-index.ts';
import type { RackReader } from './read-preference.ts';

/** What one fetch asks of one partition. */
export interface FetchPartition {
  /** Empty when the request names an id that no topic has. */
  readonly topic: string;
  /** ZERO_UUID for versions that name topics only. */
  readonly topicId: string;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  /** -1 when not told. */
  readonly currentLeaderEpoch: number;
  /** -1 when not told. */
  readonly lastFetchedEpoch: number;
  /** Where a follower's log begins; -1 from consumers. */
  readonly logStartOffset: number;
}

/** Who reads: consumers see what is committed, followers see all, and their leader learns from their reading. */
export type FetchReader =
  | {
      readonly kind: 'consumer';
      /** Where it is; null for one that does not know of racks and reads from leaders only. */
      readonly place: RackReader | null;
    }
  | { readonly kind: 'follower'; readonly brokerId: number };

export interface FetchLimits {
  readonly reader: FetchReader;
  /** Bytes to wait for. */
  readonly minBytes: number;
  /** Bytes over all partitions; the first batch of the first partition that has any comes whole all the same. */
  readonly maxBytes: number;
  /** Milliseconds to wait for `minBytes`; 0 or less: not at all. */
  readonly maxWaitMs: number;
  readonly bound: UpTo;
  /** Fetch v0 to v2: limits cut a batch in the middle rather than being exceeded. */
  readonly hardLimit: boolean;
}

/** What came of it. With an error code the offsets are -1 and there are no records. */
export interface FetchPartitionResult {
  readonly request: FetchPartition;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Null when there is nothing to read. Whoever takes the result must release it. */
  readonly records: LogSlice | null;
  /** Null for readers of uncommitted records. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly divergingEpoch: EpochEnd | null;
  /** The consumer had better read from this broker (KIP-392), and gets no records here; null: no. */
  readonly preferredReadReplica: number | null;
  /** For answers that point to the new leader; -1 when not known. */
  readonly leaderEpoch: number;
}
