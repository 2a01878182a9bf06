import type { LeadershipChange } from '../replication/leadership.ts';
import type { LiveBroker } from './cluster-state.ts';

/** In the metadata of a topic that is being deleted, in place of leader and leader epoch. */
export const DELETED_LEADER = -2;
export const DELETED_EPOCH = -2;

/** One partition as the controller tells of it (LeaderAndIsr, UpdateMetadata). */
export interface PartitionNotice extends LeadershipChange {
  /** Of the controller that wrote the state. */
  readonly controllerEpoch: number;
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
  /** The leader was elected uncleanly and has not recovered yet (KIP-704). */
  readonly isRecovering: boolean;
}

/** A replica that ends on a broker (StopReplica). */
export interface StopNotice {
  readonly topic: string;
  readonly partition: number;
  /** The epoch in which it ends, or DELETED_EPOCH. */
  readonly leaderEpoch: number;
  readonly deleteLog: boolean;
}

/** What one broker is told at once, in this order: leadership, metadata, stops. */
export interface BrokerBatch {
  readonly controllerEpoch: number;
  /** Partitions of which the broker holds a replica; empty: no LeaderAndIsr. */
  readonly leadership: readonly PartitionNotice[];
  /** `leadership` is all that the broker holds, `metadata` all topics: what else it has is left over from before. */
  readonly isComplete: boolean;
  /** The live brokers come with it; null: no UpdateMetadata. */
  readonly metadata: readonly PartitionNotice[] | null;
  readonly stops: readonly StopNotice[];
}

export interface PartitionError {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

/** What a broker answered; partitions without an error are not listed. */
export interface BatchAnswer {
  readonly leadershipErrors: readonly PartitionError[];
  readonly stopErrors: readonly PartitionError[];
}

/**
 * The controller's ways to the brokers, itself among them. To each broker one thing is sent at a time, in order, and
 * again until it is answered or the way is closed: a broker may hear something twice, but never in another order.
 */
export interface BrokerChannels {
  /**
   * The broker that this controller runs in has been elected: from here on it obeys no controller of an earlier epoch,
   * also where that one's words are still being taken.
   */
  outrank(controllerEpoch: number): void;
  open(broker: LiveBroker): void;
  /** What is under way to the broker is given up. */
  close(brokerId: number): void;
  closeAll(): void;
  /** @param answered is called once, never within the call: with the answer, or with null when the way was closed */
  send(brokerId: number, batch: BrokerBatch, answered: (answer: BatchAnswer | null) => void): void;
}
