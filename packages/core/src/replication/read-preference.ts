/** A replica that a consumer may read from at its offset. */
export interface ReadableReplica {
  readonly brokerId: number;
  readonly logEndOffset: number;
  /** Milliseconds since it had all that the leader had; 0 for the leader. */
  readonly behindMs: number;
}

/** Who reads, as a selection looks at it. */
export interface RackReader {
  /** `client.rack`; empty when not told. */
  readonly rack: string;
  readonly listenerName: string;
}

/** What a selection needs of the cluster. */
export interface RackView {
  /** `broker.rack` of a broker that clients reach by this listener; null when it has none or is not reached. */
  rackOf(brokerId: number, listenerName: string): string | null;
}

/** Chooses among the replicas that hold what a consumer asks for (KIP-392); the broker id, the leader's own included. */
export type ReplicaSelector = (
  leader: ReadableReplica,
  followers: readonly ReadableReplica[],
  reader: RackReader,
  view: RackView,
) => number;

/** A replica in the reader's rack: the leader where it is one of them, else the one that is furthest. */
export const selectByRack: ReplicaSelector = (leader, followers, reader, view) => {
  const isNear = ({ brokerId }: ReadableReplica): boolean =>
    view.rackOf(brokerId, reader.listenerName) === reader.rack;
  if (reader.rack === '' || isNear(leader)) return leader.brokerId;
  const [first, ...others] = followers.filter(isNear);
  if (first === undefined) return leader.brokerId;
  return others.reduce((best, other) => (isFurther(other, best) ? other : best), first).brokerId;
};

function isFurther(one: ReadableReplica, other: ReadableReplica): boolean {
  if (one.logEndOffset !== other.logEndOffset) return one.logEndOffset > other.logEndOffset;
  if (one.behindMs !== other.behindMs) return one.behindMs < other.behindMs;
  return one.brokerId > other.brokerId;
}
