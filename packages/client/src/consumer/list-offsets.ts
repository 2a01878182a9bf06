import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import type { ListOffsetsRequestInput } from '@odradek/protocol/generated/list-offsets-request.ts';
import type { ListOffsetsResponse } from '@odradek/protocol/generated/list-offsets-response.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { retrying } from '../cluster/retrying.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { RequestTimeoutError, UnsupportedApiError, asError, isRetriableError } from '../errors.ts';

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
  const found = new Map<string, FoundOffset>();
  const { apiTimeoutMs, backoff } = cluster.settings;
  try {
    await retrying(cluster.environment, { timeoutMs: apiTimeoutMs, backoff }, async () => {
      const missing = queries.filter((query) => !found.has(partitionKey(query)));
      await Promise.all([...new Set(missing.map(({ topic }) => topic))].map((topic) => cluster.topic(topic)));
      const failure = await askLeaders(cluster, missing, isolationLevel, found);
      if (failure === null) return;
      if (isRetriableError(failure)) await cluster.refresh(new Set(missing.map(({ topic }) => topic)));
      throw failure;
    });
  } catch (error) {
    if (error instanceof RequestTimeoutError && error.cause instanceof KafkaError) throw error.cause;
    throw error;
  }
  return found;
}

/** One round. Fills `found`. @returns a final error if there is one, else one that a further round may cure */
async function askLeaders(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
  found: Map<string, FoundOffset>,
): Promise<Error | null> {
  const failures: Error[] = [];
  const byLeader = new Map<BrokerNode, OffsetQuery[]>();
  for (const query of queries) {
    try {
      const leader = cluster.leader(query.topic, query.partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), query]);
    } catch (error) {
      failures.push(asError(error));
    }
  }
  await Promise.all(
    [...byLeader].map(async ([leader, ofLeader]) => {
      try {
        const answer = await cluster.request(leader, listOffsetsApi, (version) =>
          listOffsetsRequest(version, ofLeader, isolationLevel),
        );
        failures.push(...takeAnswer(answer, found));
      } catch (error) {
        failures.push(asError(error));
      }
    }),
  );
  return failures.find((failure) => !isRetriableError(failure)) ?? failures[0] ?? null;
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

function takeAnswer(answer: ListOffsetsResponse, found: Map<string, FoundOffset>): Error[] {
  const failures: Error[] = [];
  for (const topic of answer.topics) {
    for (const { partitionIndex, errorCode, offset, timestamp } of topic.partitions) {
      const key = { topic: topic.name, partition: partitionIndex };
      if (errorCode === ErrorCode.NONE) found.set(partitionKey(key), { offset, timestampMs: timestamp });
      else failures.push(offsetError(key, errorCode));
    }
  }
  return failures;
}

function offsetError({ topic, partition }: TopicPartition, code: number): KafkaError {
  const hint = isRetriable(code) ? '' : ', offset not found';
  return new KafkaError(code, `${topic}-${partition}: ${errorName(code)}${hint}`);
}
