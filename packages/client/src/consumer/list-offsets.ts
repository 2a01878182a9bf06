import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import type { ListOffsetsRequestInput } from '@odradek/protocol/generated/list-offsets-request.ts';
import type { ListOffsetsResponse } from '@odradek/protocol/generated/list-offsets-response.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { retrying } from '../cluster/retrying.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import {
  BadAnswerError,
  RequestTimeoutError,
  UnsupportedApiError,
  asError,
  isRetriableError,
} from '../errors.ts';

/** Which offset of a partition: its first, its next, or that of the first record at or after a time. */
export type OffsetSpec = 'earliest' | 'latest' | { readonly timestampMs: number };

export interface OffsetQuery extends TopicPartition {
  readonly at: OffsetSpec;
}

export interface FoundOffset {
  /** -1 when no record is at or after the time asked for. */
  readonly offset: number;
  /** Of the record found, milliseconds since 1970; -1 for the first and next offset. */
  readonly timestampMs: number;
}

/** 0: up to the high watermark; 1: up to the last stable offset, before open transactions. */
export type IsolationLevel = 'read_uncommitted' | 'read_committed';

const LATEST_TIMESTAMP = -1;
const EARLIEST_TIMESTAMP = -2;
const CONSUMER_REPLICA_ID = -1;

export interface LookedUpOffsets {
  /** By `partitionKey`. */
  readonly found: ReadonlyMap<string, FoundOffset>;
  /** Why there is no offset, for each of the other partitions. */
  readonly failures: ReadonlyMap<string, Error>;
}

/**
 * Asks the leaders for offsets, all partitions of one leader at once, and again while leaders move.
 *
 * @returns for each partition, by `partitionKey`, what was found
 * @throws the first error that is final for any partition; what retries ended with
 */
export async function listOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel = 'read_uncommitted',
): Promise<Map<string, FoundOffset>> {
  const all = new Map<string, FoundOffset>();
  const { apiTimeoutMs, backoff } = cluster.settings;
  try {
    await retrying(cluster.environment, { timeoutMs: apiTimeoutMs, backoff }, async () => {
      const missing = queries.filter((query) => !all.has(partitionKey(query)));
      const topics = new Set(missing.map(({ topic }) => topic));
      await Promise.all([...topics].map((topic) => cluster.topic(topic)));
      const { found, failures } = await lookUpOffsets(cluster, missing, isolationLevel);
      for (const [key, offset] of found) all.set(key, offset);
      const errors = [...failures.values()];
      const failure = errors.find((error) => !isRetriableError(error)) ?? errors[0];
      if (failure === undefined) return;
      if (isRetriableError(failure)) await cluster.refresh(topics);
      throw failure;
    });
  } catch (error) {
    if (error instanceof RequestTimeoutError && error.cause instanceof KafkaError) throw error.cause;
    throw error;
  }
  return all;
}

/** As `listOffsets`, but one attempt only, and partition by partition. Never throws. */
export async function lookUpOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
): Promise<LookedUpOffsets> {
  const found = new Map<string, FoundOffset>();
  const failures = new Map<string, Error>();
  const byLeader = new Map<BrokerNode, OffsetQuery[]>();
  for (const query of queries) {
    try {
      const leader = cluster.leader(query.topic, query.partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), query]);
    } catch (error) {
      failures.set(partitionKey(query), asError(error));
    }
  }
  await Promise.all(
    [...byLeader].map(async ([leader, ofLeader]) => {
      try {
        const answer = await cluster.request(leader, listOffsetsApi, (version) =>
          listOffsetsRequest(version, ofLeader, isolationLevel),
        );
        takeAnswer(answer, found, failures);
      } catch (error) {
        for (const query of ofLeader) failures.set(partitionKey(query), asError(error));
      }
    }),
  );
  for (const query of queries) {
    const key = partitionKey(query);
    if (found.has(key) || failures.has(key)) continue;
    failures.set(
      key,
      new BadAnswerError(`the broker left ${query.topic}-${query.partition} out of its answer`),
    );
  }
  return { found, failures };
}

function listOffsetsRequest(
  version: number,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
): ListOffsetsRequestInput {
  if (version === 0) {
    throw new UnsupportedApiError(
      'the broker is too old to look up offsets: ListOffsets version 1 is needed',
    );
  }
  return {
    replicaId: CONSUMER_REPLICA_ID,
    ...(version >= 2 ? { isolationLevel: isolationLevel === 'read_committed' ? 1 : 0 } : {}),
    topics: [...Map.groupBy(queries, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, at }) => ({
        partitionIndex: partition,
        timestamp: timestampOf(at),
      })),
    })),
  };
}

function timestampOf(at: OffsetSpec): number {
  if (at === 'latest') return LATEST_TIMESTAMP;
  return at === 'earliest' ? EARLIEST_TIMESTAMP : at.timestampMs;
}

function takeAnswer(
  answer: ListOffsetsResponse,
  found: Map<string, FoundOffset>,
  failures: Map<string, Error>,
): void {
  for (const topic of answer.topics) {
    for (const { partitionIndex, errorCode, offset, timestamp } of topic.partitions) {
      const at = { topic: topic.name, partition: partitionIndex };
      if (errorCode === ErrorCode.NONE) found.set(partitionKey(at), { offset, timestampMs: timestamp });
      else failures.set(partitionKey(at), offsetError(at, errorCode));
    }
  }
}

function offsetError({ topic, partition }: TopicPartition, code: number): KafkaError {
  const hint = isRetriable(code) ? '' : ', offset not found';
  return new KafkaError(code, `${topic}-${partition}: ${errorName(code)}${hint}`);
}
