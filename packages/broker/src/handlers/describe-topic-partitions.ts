// DescribeTopicPartitions: topics and partitions in order of their names, in pieces that a cursor continues
// (KIP-966). Never makes a topic. Eligible leader replicas are a notion of KRaft: null here.
import { isInternalTopic, topicNameFault } from '@odradek/core/controller/topic-name.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { describeTopicPartitionsApi } from '@odradek/protocol/generated/apis/describe-topic-partitions.ts';
import type { DescribeTopicPartitionsRequest } from '@odradek/protocol/generated/describe-topic-partitions-request.ts';
import type {
  DescribeTopicPartitionsResponseInput,
  DescribeTopicPartitionsResponseTopicInput,
} from '@odradek/protocol/generated/describe-topic-partitions-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { describePartition, NEWEST_RULES } from '../topics/partition-description.ts';
import { ALL_TOPIC_OPERATIONS, NOT_ASKED } from './authorized-operations.ts';
import type { Handler, RequestContext } from './handler.ts';

export const describeTopicPartitionsHandler: Handler<
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponseInput
> = {
  api: describeTopicPartitionsApi,
  versionMin: 0,
  versionMax: 0,

  handle(request, context) {
    const names = namesFrom(request, context);
    const limit = Math.min(
      request.responsePartitionLimit,
      context.broker.config.maxRequestPartitionSizeLimit,
    );
    return describe(request, names, Math.max(limit, 1), context);
  },

  failed(request, errorCode) {
    const topics = request.topics.map(({ name }) => unknownTopic(name, errorCode, NOT_ASKED));
    return { throttleTimeMs: 0, topics, nextCursor: null };
  },
};

/** Names to describe in order: those asked for, or all, from the cursor on. */
function namesFrom(request: DescribeTopicPartitionsRequest, context: RequestContext): string[] {
  const { cursor } = request;
  const asked = request.topics.map((topic) => topic.name);
  if (cursor !== null && asked.length > 0 && !asked.includes(cursor.topicName))
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `the topics asked for must include that of the cursor, ${cursor.topicName}`,
    );
  if (cursor !== null && cursor.partitionIndex < 0)
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `the partition of the cursor must be 0 or more and is ${cursor.partitionIndex}`,
    );
  const names =
    asked.length > 0 ? new Set(asked) : Array.from(context.broker.metadata.topics(), (topic) => topic.name);
  const from = cursor?.topicName ?? '';
  return [...names].filter((name) => name >= from).sort();
}

function describe(
  request: DescribeTopicPartitionsRequest,
  names: readonly string[],
  limit: number,
  context: RequestContext,
): DescribeTopicPartitionsResponseInput {
  const { metadata } = context.broker;
  const topics: DescribeTopicPartitionsResponseTopicInput[] = [];
  let left = limit;
  for (const name of names) {
    if (left === 0) return page(topics, { topicName: name, partitionIndex: 0 });
    const topic = metadata.topic(name);
    if (topic === undefined) {
      // Asked for by name: said to be unknown. A cursor may outlive its topic, of which nobody asked.
      if (request.topics.length > 0)
        topics.push(unknownTopic(name, errorOfUnknown(name), ALL_TOPIC_OPERATIONS));
      continue;
    }
    const first = name === request.cursor?.topicName ? request.cursor.partitionIndex : 0;
    const entries = topic.partitions.slice(first, first + left);
    topics.push({
      errorCode: ErrorCode.NONE,
      name,
      topicId: topic.topicId,
      isInternal: topic.isInternal,
      topicAuthorizedOperations: ALL_TOPIC_OPERATIONS,
      partitions: entries.map((entry) => ({
        ...describePartition(metadata, entry, context.listenerName, NEWEST_RULES),
        errorCode: ErrorCode.NONE,
        // Empty and not null, which the schema allows: the Java admin client reads a null one and fails.
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
      })),
    });
    const next = first + entries.length;
    if (next < topic.partitions.length) return page(topics, { topicName: name, partitionIndex: next });
    left -= entries.length;
  }
  return page(topics, null);
}

function page(
  topics: readonly DescribeTopicPartitionsResponseTopicInput[],
  nextCursor: { topicName: string; partitionIndex: number } | null,
): DescribeTopicPartitionsResponseInput {
  return { throttleTimeMs: 0, topics, nextCursor };
}

function errorOfUnknown(name: string): number {
  return topicNameFault(name) === null
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION;
}

function unknownTopic(
  name: string,
  errorCode: number,
  topicAuthorizedOperations: number,
): DescribeTopicPartitionsResponseTopicInput {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations,
  };
}
