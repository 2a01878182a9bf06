import type { TopicPartition } from '../../cluster/topic-partition.ts';

/** A member of a group as the one sees it that assigns. */
export interface GroupSubscriber {
  readonly memberId: string;
  /** Of static members. */
  readonly instanceId: string | null;
  readonly topics: readonly string[];
  /** What the member says it reads at present; empty under protocols that give everything up first. */
  readonly owned: readonly TopicPartition[];
  /** The generation in which it got them, -1 when it does not say. */
  readonly generation: number;
  /** What the assignor on the member's side wrote. */
  readonly userData: Buffer | null;
}

/** What a member had in the last generation that it knows, for assignors that remember. */
export interface PreviousAssignment {
  readonly partitions: readonly TopicPartition[];
  /** -1 before the first. */
  readonly generation: number;
}

/** For each member its partitions, maybe none; every member is there. */
export type GroupAssignment = Map<string, TopicPartition[]>;

/** Shares out the partitions of topics among the members of a group. Runs on the member that leads the group. */
export interface Assignor {
  /** The brokers choose an assignor by name that all members know. */
  readonly name: string;
  /**
   * Whether members keep what they have while the group forms anew (KIP-429). Then a partition that is to move must
   * be left out until its present owner has given it up.
   */
  readonly isCooperative: boolean;
  /** What to tell the assignor of the leading member. */
  userData?(previous: PreviousAssignment): Buffer | null;
  /** @param partitionCounts topics without an entry have no partitions */
  assign(
    members: readonly GroupSubscriber[],
    partitionCounts: ReadonlyMap<string, number>,
  ): GroupAssignment | Promise<GroupAssignment>;
}

/** One that needs nothing from elsewhere. */
export interface PromptAssignor extends Assignor {
  assign(members: readonly GroupSubscriber[], partitionCounts: ReadonlyMap<string, number>): GroupAssignment;
}

/** Static members come first, by instance id: so they keep their place when their member id changes. */
export function byIdentity(a: GroupSubscriber, b: GroupSubscriber): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  return b.instanceId === null ? compare(a.memberId, b.memberId) : 1;
}

/** Everything that anybody wants, by topic and partition. */
export function wantedPartitions(
  members: readonly GroupSubscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): TopicPartition[] {
  const topics = new Set(members.flatMap((member) => member.topics));
  return [...topics]
    .toSorted()
    .flatMap((topic) =>
      Array.from({ length: partitionCounts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
    );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
