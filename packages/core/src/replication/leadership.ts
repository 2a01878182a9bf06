/** What a broker is told about one of its partitions (LeaderAndIsr): who leads it, since when, with whom. */
export interface LeadershipChange {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Broker id of the leader, or -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  /** In-sync replicas. */
  readonly isr: readonly number[];
  /** Version of the state in the coordination tree; grows with each change of leader or in-sync set. */
  readonly partitionEpoch: number;
  /** Assigned replicas, the preferred leader first. */
  readonly replicas: readonly number[];
  /** The partition has never existed before: a missing log is no loss. */
  readonly isNew: boolean;
}

export type LeadershipVerdict = 'become-leader' | 'become-follower' | 'update' | 'stale' | 'unchanged';

/** What a broker holds by; both -1 when it holds nothing yet. */
export interface HeldEpochs {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
}

/**
 * What a change means for a broker. Changes may come twice or late; only a higher epoch may change who leads, so
 * one epoch never names two leaders, and within an epoch only a later state may change the in-sync set.
 */
export function judgeLeadership(
  change: LeadershipChange,
  nodeId: number,
  held: HeldEpochs,
): LeadershipVerdict {
  if (change.leaderEpoch < held.leaderEpoch) return 'stale';
  if (change.leaderEpoch > held.leaderEpoch) {
    return change.leader === nodeId ? 'become-leader' : 'become-follower';
  }
  return change.partitionEpoch > held.partitionEpoch ? 'update' : 'unchanged';
}
