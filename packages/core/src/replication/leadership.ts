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
  /** Assigned replicas, the preferred leader first. */
  readonly replicas: readonly number[];
  /** The partition has never existed before: a missing log is no loss. */
  readonly isNew: boolean;
}

export type LeadershipVerdict = 'become-leader' | 'become-follower' | 'stale' | 'unchanged';

/**
 * What a change means for a broker that holds `currentEpoch` (-1 when it holds nothing yet). Changes may come
 * twice or late; only a higher epoch may change anything, so one epoch never names two leaders.
 */
export function judgeLeadership(
  change: LeadershipChange,
  nodeId: number,
  currentEpoch: number,
): LeadershipVerdict {
  if (change.leaderEpoch < currentEpoch) return 'stale';
  if (change.leaderEpoch === currentEpoch) return 'unchanged';
  return change.leader === nodeId ? 'become-leader' : 'become-follower';
}
