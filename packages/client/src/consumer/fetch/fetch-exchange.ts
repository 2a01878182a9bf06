import type { FetchRequestInput } from '@odradek/protocol/generated/fetch-request.ts';
import type {
  FetchResponse,
  FetchResponsePartitionData,
} from '@odradek/protocol/generated/fetch-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { partitionKey, type TopicPartition } from '../../cluster/topic-partition.ts';
import type { IsolationLevel } from '../list-offsets.ts';

/** The last version that names topics instead of giving their ids. */
export const FETCH_VERSION_BY_NAME_MAX = 12;
/** From here on the replica id travels in a tagged field of its own. */
const REPLICA_STATE_VERSION = 15;
const CONSUMER_REPLICA_ID = -1;

export interface FetchLimits {
  /** How long the broker may wait for `minBytes`, milliseconds. */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  /** For the whole answer; its first batch comes whole even if larger. */
  readonly maxBytes: number;
}

/** One partition to fetch. */
export interface FetchTarget extends TopicPartition {
  /** ZERO_UUID when not known. */
  readonly topicId: string;
  readonly offset: number;
  /** -1 when not known. */
  readonly leaderEpoch: number;
  readonly maxBytes: number;
}

/** A request outside of any fetch session (KIP-227). */
export function fetchRequest(
  version: number,
  targets: readonly FetchTarget[],
  limits: FetchLimits,
  isolationLevel: IsolationLevel,
): FetchRequestInput {
  return {
    ...(version < REPLICA_STATE_VERSION ? { replicaId: CONSUMER_REPLICA_ID } : {}),
    maxWaitMs: limits.maxWaitMs,
    minBytes: limits.minBytes,
    maxBytes: limits.maxBytes,
    isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
    topics: [...Map.groupBy(targets, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
      ...(version > FETCH_VERSION_BY_NAME_MAX ? { topicId: ofTopic[0]!.topicId } : { topic }),
      partitions: ofTopic.map(({ partition, offset, leaderEpoch, maxBytes }) => ({
        partition,
        currentLeaderEpoch: leaderEpoch,
        fetchOffset: offset,
        partitionMaxBytes: maxBytes,
      })),
    })),
  };
}

/** The answer's partitions by `partitionKey`, found by name or by the ids that the request had. */
export function fetchedPartitions(
  answer: FetchResponse,
  targets: readonly FetchTarget[],
): Map<string, FetchResponsePartitionData> {
  const names = new Map(targets.map(({ topicId, topic }) => [topicId, topic]));
  const partitions = new Map<string, FetchResponsePartitionData>();
  for (const response of answer.responses) {
    const topic = response.topicId === ZERO_UUID ? response.topic : names.get(response.topicId);
    if (topic === undefined) continue;
    for (const data of response.partitions) {
      partitions.set(partitionKey({ topic, partition: data.partitionIndex }), data);
    }
  }
  return partitions;
}
