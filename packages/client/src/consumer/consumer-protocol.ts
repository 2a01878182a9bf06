import {
  readConsumerProtocolAssignment,
  writeConsumerProtocolAssignment,
} from '@odradek/protocol/generated/consumer-protocol-assignment.ts';
import {
  readConsumerProtocolSubscription,
  writeConsumerProtocolSubscription,
} from '@odradek/protocol/generated/consumer-protocol-subscription.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';

/** The oldest version says all that the eager protocol needs, and every client reads it. */
const WRITTEN_VERSION = 0;
const SUBSCRIPTION_VERSION_MAX = 3;
const ASSIGNMENT_VERSION_MAX = 3;

/** What a member wants, as it travels in JoinGroup: a version, then the subscription. */
export function encodeSubscription(topics: readonly string[]): Buffer {
  const writer = new Writer();
  writer.int16(WRITTEN_VERSION);
  writeConsumerProtocolSubscription(writer, { topics, userData: null }, WRITTEN_VERSION);
  return writer.toBuffer();
}

/** The topics that a member wants. @throws MalformedBytesError */
export function decodeSubscription(bytes: Buffer): readonly string[] {
  const reader = new Reader(bytes);
  const version = Math.min(reader.int16(), SUBSCRIPTION_VERSION_MAX);
  return readConsumerProtocolSubscription(reader, version).topics;
}

/** What a member gets, as it travels in SyncGroup. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new Writer();
  writer.int16(WRITTEN_VERSION);
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  writeConsumerProtocolAssignment(
    writer,
    {
      assignedPartitions: [...byTopic].map(([topic, ofTopic]) => ({
        topic,
        partitions: ofTopic.map(({ partition }) => partition),
      })),
      userData: null,
    },
    WRITTEN_VERSION,
  );
  return writer.toBuffer();
}

/** No bytes at all mean no partitions. @throws MalformedBytesError */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  const reader = new Reader(bytes);
  const version = Math.min(reader.int16(), ASSIGNMENT_VERSION_MAX);
  return readConsumerProtocolAssignment(reader, version).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}
