import type { GroupAssignment, GroupSubscriber } from '../../src/consumer/assignors/assignor.ts';
import type { TopicPartition } from '../../src/cluster/topic-partition.ts';

export function member(
  memberId: string,
  topics: string[],
  given: Partial<Omit<GroupSubscriber, 'memberId' | 'topics'>> = {},
): GroupSubscriber {
  return { memberId, topics, instanceId: null, owned: [], generation: -1, userData: null, ...given };
}

/** `t0` for partition 0 of topic t. */
export function at(text: string): TopicPartition {
  return { topic: text[0]!, partition: Number(text.slice(1)) };
}

export function shown(assigned: GroupAssignment): Record<string, string[]> {
  return Object.fromEntries(
    [...assigned].map(([id, partitions]) => [
      id,
      partitions.map(({ topic, partition }) => `${topic}${partition}`),
    ]),
  );
}
