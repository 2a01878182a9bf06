import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { listPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/list-partition-reassignments.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { type PartitionRefusal, refusalsOf } from './partition-refusal.ts';

/** A partition that is being moved. */
export interface Reassignment extends TopicPartition {
  /** All that it lies on by now, those that come and those that go included. */
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

/** Where a partition is to lie, the preferred leader first; null: what is under way is taken back. */
export interface NewAssignment extends TopicPartition {
  readonly replicas: readonly number[] | null;
}

/** What is being moved at this moment (KIP-455). @throws UnsupportedApiError by brokers before Kafka 2.4 */
export async function listReassignments(cluster: Cluster): Promise<readonly Reassignment[]> {
  const { errorCode, errorMessage, topics } = await cluster.requestToController(
    listPartitionReassignmentsApi,
    { topics: null, timeoutMs: cluster.settings.apiTimeoutMs },
    (answer) => [answer.errorCode],
  );
  if (errorCode !== ErrorCode.NONE) throw new KafkaError(errorCode, errorMessage ?? 'what moves is not told');
  return topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({
      topic: name,
      partition: partition.partitionIndex,
      replicas: partition.replicas,
      adding: partition.addingReplicas,
      removing: partition.removingReplicas,
    })),
  );
}

/**
 * Begins to move partitions, or takes moves back. What is refused is refused one by one: NO_REASSIGNMENT_IN_PROGRESS,
 * INVALID_REPLICA_ASSIGNMENT, UNKNOWN_TOPIC_OR_PARTITION and others.
 *
 * @returns the refusals; none: all was taken. A move that has begun goes on whoever is there to see it
 * @throws KafkaError when the whole request was refused
 */
export async function alterReassignments(
  cluster: Cluster,
  assignments: readonly NewAssignment[],
): Promise<readonly PartitionRefusal[]> {
  const byTopic = Map.groupBy(assignments, ({ topic }) => topic);
  const topics = [...byTopic].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      replicas: replicas === null ? null : [...replicas],
    })),
  }));
  const { errorCode, errorMessage, responses } = await cluster.requestToController(
    alterPartitionReassignmentsApi,
    { topics, timeoutMs: cluster.settings.apiTimeoutMs },
    (answer) => [answer.errorCode],
  );
  if (errorCode !== ErrorCode.NONE) throw new KafkaError(errorCode, errorMessage ?? 'nothing is moved');
  return refusalsOf(
    responses.flatMap(({ name, partitions }) =>
      partitions.map((told) => ({ topic: name, partition: told.partitionIndex, ...told })),
    ),
  );
}
