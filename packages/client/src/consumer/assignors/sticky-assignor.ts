import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import type { TopicPartition } from '../../cluster/topic-partition.ts';
import type { PromptAssignor, GroupSubscriber, PreviousAssignment } from './assignor.ts';
import { stickyPlan, type Claim } from './sticky-plan.ts';

/** Bytes that a topic and a partition take at least. */
const TOPIC_SIZE_MIN_BYTES = 6;
const PARTITION_SIZE_BYTES = 4;

/**
 * Kafka's `sticky`: even shares that change as little as they can. Members give everything up before a rebalance and
 * tell what they had in their user data: an array of topic and partitions, then the generation (absent in the first
 * version).
 */
export const stickyAssignor: PromptAssignor = {
  name: 'sticky',
  isCooperative: false,
  userData: ({ partitions, generation }) => (generation < 0 ? null : encoded({ partitions, generation })),
  assign: (members, partitionCounts) => stickyPlan(members, partitionCounts, claimOf),
};

function encoded({ partitions, generation }: PreviousAssignment): Buffer {
  const writer = new Writer();
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  writer.arrayLength(byTopic.size);
  for (const [topic, ofTopic] of byTopic) {
    writer.string(topic);
    writer.arrayLength(ofTopic.length);
    for (const { partition } of ofTopic) writer.int32(partition);
  }
  writer.int32(generation);
  return writer.toBuffer();
}

/** What cannot be read claims nothing. */
function claimOf({ userData }: GroupSubscriber): Claim {
  if (userData === null || userData.length === 0) return { partitions: [], generation: -1 };
  try {
    return decoded(new Reader(userData));
  } catch {
    return { partitions: [], generation: -1 };
  }
}

function decoded(reader: Reader): Claim {
  const partitions: TopicPartition[] = [];
  for (let topics = reader.arrayLength(TOPIC_SIZE_MIN_BYTES); topics > 0; topics--) {
    const topic = reader.string();
    for (let left = reader.arrayLength(PARTITION_SIZE_BYTES); left > 0; left--) {
      partitions.push({ topic, partition: reader.int32() });
    }
  }
  return { partitions, generation: reader.remaining >= 4 ? reader.int32() : -1 };
}
