import type { TopicPartition } from '../cluster/topic-partition.ts';

export interface GroupSubscriber {
  readonly memberId: string;
  /** Of static members. */
  readonly instanceId: string | null;
  readonly topics: readonly string[];
}

/**
 * Kafka's range assignor: per topic its partitions in order, cut into stretches of equal length, longer ones
 * first, for the topic's subscribers in order of instance id and member id. So partitions with the same number
 * of topics that have equally many go to the same member.
 *
 * @param partitionCounts topics without an entry have no partitions
 * @returns for each member its partitions, maybe none
 */
export function rangeAssign(
  members: readonly GroupSubscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
  const topics = new Set(members.flatMap((member) => member.topics));
  for (const topic of [...topics].toSorted()) {
    const subscribers = members.filter((member) => member.topics.includes(topic)).toSorted(byIdentity);
    const count = partitionCounts.get(topic) ?? 0;
    let next = 0;
    for (const [index, { memberId }] of subscribers.entries()) {
      const share = Math.floor(count / subscribers.length) + (index < count % subscribers.length ? 1 : 0);
      for (let i = 0; i < share; i++) assigned.get(memberId)!.push({ topic, partition: next++ });
    }
  }
  return assigned;
}

/** Static members come first, by instance id: so they keep their stretch when their member id changes. */
function byIdentity(a: GroupSubscriber, b: GroupSubscriber): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  return b.instanceId === null ? compare(a.memberId, b.memberId) : 1;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
