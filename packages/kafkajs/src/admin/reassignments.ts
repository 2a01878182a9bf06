import type { Cluster } from '@odradek/client/index.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { listPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/list-partition-reassignments.ts';
import type { TopicPartitions } from '../topic-partitions.ts';
import { protocolError, protocolReason } from '../error-translation.ts';
import {
  KafkaJSAggregateError,
  KafkaJSAlterPartitionReassignmentsError,
  KafkaJSNonRetriableError,
} from '../errors.ts';
import type { OngoingTopicReassignment, PartitionReassignment } from './admin-types.ts';

const TIMEOUT_MS = 5_000;

/** @throws KafkaJSAggregateError of the partitions that were refused */
export async function alterPartitionReassignments(
  cluster: Cluster,
  topics: readonly PartitionReassignment[],
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  checkMoves(topics);
  const answer = await cluster.requestToController(
    alterPartitionReassignmentsApi,
    {
      timeoutMs,
      topics: topics.map(({ topic, partitionAssignment }) => ({
        name: topic,
        partitions: partitionAssignment.map(({ partition, replicas }) => ({
          partitionIndex: partition,
          replicas,
        })),
      })),
    },
    ({ errorCode }) => [errorCode],
  );
  if (answer.errorCode !== ErrorCode.NONE) throw protocolError(answer.errorCode, answer.errorMessage);
  const errors = answer.responses.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
      .map(
        ({ partitionIndex, errorCode, errorMessage }) =>
          new KafkaJSAlterPartitionReassignmentsError(
            protocolReason(errorCode, errorMessage),
            name,
            partitionIndex,
          ),
      ),
  );
  if (errors.length > 0) throw new KafkaJSAggregateError('Errors altering partition reassignments', errors);
}

function checkMoves(topics: readonly PartitionReassignment[]): void {
  if (!topics || !Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError(`Invalid topics array ${String(topics)}`);
  }
  if (topics.some(({ topic }) => typeof topic !== 'string')) {
    throw new KafkaJSNonRetriableError('Invalid topics array, the topic names have to be a valid string');
  }
  if (new Set(topics.map(({ topic }) => topic)).size < topics.length) {
    throw new KafkaJSNonRetriableError(
      'Invalid topics array, it cannot have multiple entries for the same topic',
    );
  }
  for (const { topic, partitionAssignment } of topics as readonly PartitionReassignment[]) {
    if (!partitionAssignment || !Array.isArray(partitionAssignment)) {
      throw new KafkaJSNonRetriableError(
        `Invalid partitions array: ${String(partitionAssignment)} for topic: ${topic}`,
      );
    }
    for (const {
      partition,
      replicas,
    } of partitionAssignment as PartitionReassignment['partitionAssignment']) {
      if (typeof partition !== 'number' || partition < 0) {
        throw new KafkaJSNonRetriableError(
          `Invalid partitions index: ${String(partition)} for topic: ${topic}`,
        );
      }
      if (!Array.isArray(replicas)) {
        throw new KafkaJSNonRetriableError(
          `Invalid replica assignment: ${String(replicas)} for topic: ${topic} on partition: ${partition}`,
        );
      }
      if (replicas.some((replica: unknown) => typeof replica !== 'number' || replica < 0)) {
        throw new KafkaJSNonRetriableError(
          `Invalid replica assignment: ${String(replicas)} for topic: ${topic} on partition: ${partition}. Replicas must be a non negative number`,
        );
      }
    }
  }
}

/** @param topics null or undefined for all that moves @throws KafkaJSProtocolError */
export async function listPartitionReassignments(
  cluster: Cluster,
  topics: readonly TopicPartitions[] | null | undefined,
  timeoutMs = TIMEOUT_MS,
): Promise<{ topics: OngoingTopicReassignment[] }> {
  for (const { topic, partitions } of topics ?? []) {
    if (!Array.isArray(partitions)) {
      throw new KafkaJSNonRetriableError(
        `Invalid partition array: ${String(partitions)} for topic: ${topic}`,
      );
    }
    if (partitions.some((one) => typeof one !== 'number' || one < 0)) {
      throw new KafkaJSNonRetriableError(
        `Invalid partition array: ${String(partitions)} for topic: ${topic}`,
      );
    }
  }
  const answer = await cluster.requestToController(
    listPartitionReassignmentsApi,
    {
      timeoutMs,
      topics:
        topics === undefined || topics === null
          ? null
          : topics.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: partitions })),
    },
    ({ errorCode }) => [errorCode],
  );
  if (answer.errorCode !== ErrorCode.NONE) throw protocolError(answer.errorCode, answer.errorMessage);
  return {
    topics: answer.topics.map(({ name, partitions }) => ({
      topic: name,
      partitions: partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
        partition: partitionIndex,
        replicas,
        addingReplicas,
        removingReplicas,
      })),
    })),
  };
}
