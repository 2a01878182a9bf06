// Fetch: reads record batches from partitions, waiting for them if there are none yet.
//
// v0 to v2 obey size limits strictly and may cut a batch; from v3 on the first batch comes whole (KIP-74) and the
// whole answer has a limit. v4 has isolation levels and magic 2, v5 log start offsets, v7 incremental sessions
// (KIP-227), v9 leader epochs of readers (KIP-320), v10 zstd, v11 racks, v12 is flexible and finds diverging
// logs (KIP-595), v13 names topics by id (KIP-516), v15 moves the replica id, v16 names the new leader (KIP-951),
// v17 directories, v18 a follower's high watermark.
import type {
  FetchLimits,
  FetchPartition,
  FetchPartitionResult,
  FetchReader,
} from '@odradek/core/replication/fetch-request.ts';
import type { FetchContext } from '@odradek/core/replication/fetch-sessions.ts';
import type { UpTo } from '@odradek/core/log/log-reader.ts';
import type { ParkedRequest } from '@odradek/core/replication/parked-fetch.ts';
import { releaseReading, type FetchReading } from '@odradek/core/replication/read-partitions.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import type { FetchRequest, FetchRequestTopic } from '@odradek/protocol/generated/fetch-request.ts';
import type {
  FetchResponseFetchableTopicInput,
  FetchResponseInput,
  FetchResponsePartitionDataInput,
} from '@odradek/protocol/generated/fetch-response.ts';
import { NO_LEADER_EPOCH } from '@odradek/protocol/records/batch-header.ts';
import { currentLeaderHint, leaderEndpoints } from './current-leader-hint.ts';
import { recordsForOldClient, storedForOldClient } from './fetch-conversion.ts';
import type { Handler, HandlerResult, RequestContext } from './handler.ts';
import { lookUp } from './look-up.ts';

const TOPIC_IDS_FROM = 13;
const RACKS_FROM = 11;
const STORAGE_ERROR_FROM = 6;
const READ_COMMITTED = 1;
const NO_PREFERENCE = -1;
const EMPTY = Buffer.alloc(0);

type Answer = HandlerResult<FetchResponseInput>;
type ReadContext = Extract<FetchContext, { kind: 'read' }>;

export const fetchHandler: Handler<FetchRequest, FetchResponseInput> = {
  api: fetchApi,
  versionMin: 0,
  versionMax: 18,

  handle(request, context) {
    const session = openSession(request, context);
    if (session.kind === 'refused') return { errorCode: session.errorCode, sessionId: 0, responses: [] };
    const limits = limitsOf(request, context);
    return lookUp((mayWaitForDisk) => read(session, limits, context, mayWaitForDisk));
  },

  failed(request, errorCode, context) {
    if (context.apiVersion >= 7) return { errorCode, sessionId: 0, responses: [] };
    return {
      responses: request.topics.map(({ topic, topicId, partitions }) => ({
        topic,
        topicId,
        partitions: partitions.map(({ partition }) => ({
          partitionIndex: partition,
          errorCode,
          highWatermark: -1,
          records: EMPTY,
        })),
      })),
    };
  },
};

function openSession(request: FetchRequest, context: RequestContext): FetchContext {
  const { metadata, fetchSessions } = context.broker;
  const usesTopicIds = context.apiVersion >= TOPIC_IDS_FROM;
  const nameOf = (topicId: string) => metadata.topicName(topicId) ?? '';
  const toName = (topic: { topic: string; topicId: string }) =>
    usesTopicIds ? nameOf(topic.topicId) : topic.topic;
  return fetchSessions.open({
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    partitions: withoutRepeats(request.topics.flatMap((topic) => partitionsOf(topic, toName(topic)))),
    forgotten: request.forgottenTopicsData.flatMap((topic) =>
      topic.partitions.map((partition) => ({ topic: toName(topic), topicId: topic.topicId, partition })),
    ),
    usesTopicIds,
    fromFollower: request.replicaId >= 0 || request.replicaState.replicaId >= 0,
    nameOf,
  });
}

function partitionsOf(topic: FetchRequestTopic, name: string): FetchPartition[] {
  return topic.partitions.map((partition) => ({
    topic: name,
    topicId: topic.topicId,
    partition: partition.partition,
    fetchOffset: partition.fetchOffset,
    maxBytes: partition.partitionMaxBytes,
    currentLeaderEpoch: Math.max(partition.currentLeaderEpoch, NO_LEADER_EPOCH),
    lastFetchedEpoch: Math.max(partition.lastFetchedEpoch, NO_LEADER_EPOCH),
    logStartOffset: partition.logStartOffset,
  }));
}

/** What a request says last of a partition counts. */
function withoutRepeats(partitions: FetchPartition[]): FetchPartition[] {
  if (partitions.length < 2) return partitions;
  const last = new Map<string, FetchPartition>();
  for (const each of partitions) last.set(`${each.partition} ${each.topicId} ${each.topic}`, each);
  return last.size === partitions.length ? partitions : [...last.values()];
}

function limitsOf(request: FetchRequest, context: RequestContext): FetchLimits {
  const maxBytes = Math.min(request.maxBytes, context.broker.config.fetchMaxBytes);
  const reader = readerOf(request, context);
  return {
    reader,
    minBytes: Math.min(request.minBytes, maxBytes),
    maxBytes,
    maxWaitMs: request.maxWaitMs,
    bound: boundOf(reader, request.isolationLevel),
    hardLimit: context.apiVersion <= 2,
  };
}

/** Consumers that know of racks may read from a follower (KIP-392). */
function readerOf(
  { replicaId, replicaState, rackId }: FetchRequest,
  { apiVersion: version, listenerName }: RequestContext,
): FetchReader {
  const brokerId = Math.max(replicaId, replicaState.replicaId);
  if (brokerId >= 0) return { kind: 'follower', brokerId };
  return { kind: 'consumer', place: version < RACKS_FROM ? null : { rack: rackId, listenerName } };
}

function boundOf(reader: FetchReader, isolationLevel: number): UpTo {
  if (reader.kind === 'follower') return 'log-end';
  return isolationLevel === READ_COMMITTED ? 'last-stable' : 'high-watermark';
}

function read(
  session: ReadContext,
  limits: FetchLimits,
  context: RequestContext,
  mayWaitForDisk: boolean,
): Answer | Promise<Answer> {
  let early: FetchReading | null = null;
  let late: ((reading: FetchReading) => void) | null = null;
  const take = (reading: FetchReading): void => {
    if (late === null) early = reading;
    else late(reading);
  };
  const parked = context.broker.replicas.fetch(session.partitions, limits, take, mayWaitForDisk);
  if (parked === null) return answer(session, early!, context);
  return new Promise((resolve, reject) => {
    const stopWatching = cancelWhenGone(parked, context, () => resolve(null));
    late = (reading) => {
      stopWatching();
      try {
        resolve(answer(session, reading, context));
      } catch (error) {
        releaseReading(reading);
        reject(error);
      }
    };
  });
}

/** A reader that went away is not waited for until its time is up: that may be long. */
function cancelWhenGone(parked: ParkedRequest, context: RequestContext, done: () => void): () => void {
  return context.connection.onClose(() => {
    parked.cancel();
    done();
  });
}

function answer(
  session: ReadContext,
  reading: FetchReading,
  context: RequestContext,
): Answer | Promise<Answer> {
  const stored = storedForOldClient(reading, context);
  if (stored === null) return answerNow(session, reading, context);
  return stored.then(() => answerNow(session, reading, context));
}

function answerNow(session: ReadContext, reading: FetchReading, context: RequestContext): FetchResponseInput {
  const { sessionId, results } = session.finish(reading.results);
  const responses = groupByTopic(results, context);
  if (!reading.urgent) return { sessionId, responses };
  const hints = responses.flatMap((topic) => topic.partitions);
  return { sessionId, responses, nodeEndpoints: leaderEndpoints(context, hints) };
}

/** All partitions of a topic stand in one entry, as clients expect, in the order in which they were read. */
function groupByTopic(
  results: readonly FetchPartitionResult[],
  context: RequestContext,
): FetchResponseFetchableTopicInput[] {
  const topics = new Map<
    string,
    { topic: string; topicId: string; partitions: FetchResponsePartitionDataInput[] }
  >();
  const byId = context.apiVersion >= TOPIC_IDS_FROM;
  for (const result of results) {
    const { topic, topicId } = result.request;
    const key = byId ? topicId : topic;
    let entry = topics.get(key);
    if (entry === undefined) {
      entry = { topic: byId ? '' : topic, topicId, partitions: [] };
      topics.set(key, entry);
    }
    entry.partitions.push(partitionData(result, context));
  }
  return [...topics.values()];
}

function partitionData(
  result: FetchPartitionResult,
  context: RequestContext,
): FetchResponsePartitionDataInput {
  const { request } = result;
  const converted = recordsForOldClient(result, context);
  const errorCode = errorForVersion(converted.errorCode, context.apiVersion);
  return {
    partitionIndex: request.partition,
    errorCode,
    highWatermark: result.highWatermark,
    lastStableOffset: result.lastStableOffset,
    logStartOffset: result.logStartOffset,
    abortedTransactions: result.abortedTransactions,
    records: converted.records ?? EMPTY,
    preferredReadReplica: result.preferredReadReplica ?? NO_PREFERENCE,
    ...(result.divergingEpoch === null ? {} : { divergingEpoch: result.divergingEpoch }),
    ...currentLeaderHint(context, request.topic, request.partition, errorCode, 'fetch'),
  };
}

/** Clients of v5 and before do not know the storage error, and look for another leader instead. */
function errorForVersion(errorCode: number, version: number): number {
  const unknown = errorCode === ErrorCode.KAFKA_STORAGE_ERROR && version < STORAGE_ERROR_FROM;
  return unknown ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode;
}
