import type { FetchRequestInput } from '@odradek/protocol/generated/fetch-request.ts';
import type {
  FetchResponse,
  FetchResponsePartitionData,
} from '@odradek/protocol/generated/fetch-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { partitionKey } from '../../cluster/topic-partition.ts';
import type { IsolationLevel } from '../list-offsets.ts';
import type { FetchTarget, SessionPlan } from './fetch-session.ts';

/** The last version that names topics instead of giving their ids. */
export const FETCH_VERSION_BY_NAME_MAX = 12;
const SESSION_VERSION = 7;
const RACK_VERSION = 11;
/** From here on a broker that finds another history than the reader's says where they part. */
const DIVERGING_VERSION = 12;
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

/** Who reads, and how much at once. */
export interface FetchTerms {
  readonly limits: FetchLimits;
  readonly isolationLevel: IsolationLevel;
  /** Empty for a reader without one. */
  readonly rack: string;
}

/** @param plan what of the targets is to be said within the session */
export function fetchRequest(version: number, plan: SessionPlan, terms: FetchTerms): FetchRequestInput {
  const { limits, isolationLevel, rack } = terms;
  const isWithinSession = version >= SESSION_VERSION;
  const listed = isWithinSession ? plan.listed : plan.all;
  return {
    ...(version < REPLICA_STATE_VERSION ? { replicaId: CONSUMER_REPLICA_ID } : {}),
    maxWaitMs: limits.maxWaitMs,
    minBytes: limits.minBytes,
    maxBytes: limits.maxBytes,
    isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
    ...(isWithinSession ? { sessionId: plan.sessionId, sessionEpoch: plan.sessionEpoch } : {}),
    topics: byTopic(listed, version).map(([name, ofTopic]) => ({
      ...name,
      partitions: ofTopic.map(({ partition, offset, leaderEpoch, lastFetchedEpoch, maxBytes }) => ({
        partition,
        currentLeaderEpoch: leaderEpoch,
        fetchOffset: offset,
        ...(version >= DIVERGING_VERSION ? { lastFetchedEpoch } : {}),
        partitionMaxBytes: maxBytes,
      })),
    })),
    ...(isWithinSession
      ? {
          forgottenTopicsData: byTopic(plan.forgotten, version).map(([name, ofTopic]) => ({
            ...name,
            partitions: ofTopic.map(({ partition }) => partition),
          })),
        }
      : {}),
    ...(version >= RACK_VERSION ? { rackId: rack } : {}),
  };
}

type TopicName = { readonly topicId: string } | { readonly topic: string };

function byTopic(targets: readonly FetchTarget[], version: number): [TopicName, FetchTarget[]][] {
  const isById = version > FETCH_VERSION_BY_NAME_MAX;
  const groups = Map.groupBy(targets, ({ topic, topicId }) => (isById ? topicId : topic));
  return [...groups].map(([name, ofTopic]) => [isById ? { topicId: name } : { topic: name }, ofTopic]);
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
