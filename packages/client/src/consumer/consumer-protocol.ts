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

/** Every client reads a newer version as far as it knows it. */
const SUBSCRIPTION_VERSION_MAX = 3;
/** All that there is to say. */
const ASSIGNMENT_VERSION = 0;
const ASSIGNMENT_VERSION_MAX = 3;

/** What a member wants, and what it has. */
export interface Subscription {
  readonly topics: readonly string[];
  /** What it goes on reading while the group forms anew; empty when it gives everything up. */
  readonly owned: readonly TopicPartition[];
  /** In which it got those, -1 before the first. */
  readonly generation: number;
  readonly userData: Buffer | null;
}

/** A subscription as it travels in JoinGroup: a version, then the fields. */
export function encodeSubscription({ topics, owned, generation, userData }: Subscription): Buffer {
  const writer = new Writer();
  writer.int16(SUBSCRIPTION_VERSION_MAX);
  const subscription = {
    topics,
    userData,
    ownedPartitions: byTopic(owned),
    generationId: generation,
    rackId: null,
  };
  writeConsumerProtocolSubscription(writer, subscription, SUBSCRIPTION_VERSION_MAX);
  return writer.toBuffer();
}

/** @throws MalformedBytesError */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new Reader(bytes);
  const version = Math.min(reader.int16(), SUBSCRIPTION_VERSION_MAX);
  const { topics, userData, ownedPartitions, generationId } = readConsumerProtocolSubscription(
    reader,
    version,
  );
  return { topics, owned: ungrouped(ownedPartitions), generation: generationId, userData };
}

/** What a member gets, as it travels in SyncGroup. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new Writer();
  writer.int16(ASSIGNMENT_VERSION);
  const assignment = { assignedPartitions: byTopic(partitions), userData: null };
  writeConsumerProtocolAssignment(writer, assignment, ASSIGNMENT_VERSION);
  return writer.toBuffer();
}

/** No bytes at all mean no partitions. @throws MalformedBytesError */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  const reader = new Reader(bytes);
  const version = Math.min(reader.int16(), ASSIGNMENT_VERSION_MAX);
  return ungrouped(readConsumerProtocolAssignment(reader, version).assignedPartitions);
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

function byTopic(partitions: readonly TopicPartition[]): TopicPartitions[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }));
}

function ungrouped(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}
