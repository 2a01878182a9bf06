// ListOffsets: the offset that belongs to a time, or to the beginning or the end of a partition.
//
// v0 lists where segments begin, v1 finds one exact offset (KIP-79), v2 has isolation levels, v4 leader epochs,
// v5 may answer OFFSET_NOT_AVAILABLE, v6 is flexible, v7 finds the largest timestamp (KIP-734), v8 the first
// offset on local disk (KIP-405), v9 the last one in remote storage (KIP-1005), v10 a time-out for the latter, v11 the
// first one that is not there yet (KIP-1023).
import { ColdPlaces } from '@odradek/core/log/cold-read.ts';
import type { UpTo } from '@odradek/core/log/log-reader.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  EARLIEST_PENDING_UPLOAD_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  MAX_TIMESTAMP,
} from '@odradek/core/log/offset-lookup.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import type {
  ListOffsetsRequest,
  ListOffsetsRequestPartition,
} from '@odradek/protocol/generated/list-offsets-request.ts';
import type {
  ListOffsetsResponseInput,
  ListOffsetsResponsePartitionInput,
} from '@odradek/protocol/generated/list-offsets-response.ts';
import type { Handler, RequestContext } from './handler.ts';
import { lookUp } from './look-up.ts';

const READ_COMMITTED = 1;
const DEBUGGING_CONSUMER = -2;
const LEADER_EPOCH_FROM = 4;
const OFFSET_NOT_AVAILABLE_FROM = 5;

const FROM_THE_START: ReadonlySet<number> = new Set([EARLIEST_TIMESTAMP, EARLIEST_LOCAL_TIMESTAMP]);

/** First versions that know the special timestamps. */
const KNOWN_FROM: ReadonlyMap<number, number> = new Map([
  [LATEST_TIMESTAMP, 0],
  [EARLIEST_TIMESTAMP, 0],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL_TIMESTAMP, 8],
  [LATEST_TIERED_TIMESTAMP, 9],
  [EARLIEST_PENDING_UPLOAD_TIMESTAMP, 11],
]);

export const listOffsetsHandler: Handler<ListOffsetsRequest, ListOffsetsResponseInput> = {
  api: listOffsetsApi,
  versionMin: 0,
  versionMax: 11,

  handle(request, context) {
    const { replicas } = context.broker;
    return lookUp((mayWaitForDisk) =>
      mayWaitForDisk ? findAll(request, context) : replicas.withoutWaiting(() => findAll(request, context)),
    );
  },

  failed(request, errorCode) {
    return {
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => refused(partitionIndex, errorCode)),
      })),
    };
  },
};

function findAll(request: ListOffsetsRequest, context: RequestContext): ListOffsetsResponseInput {
  const asker = { bound: boundOf(request), mayAskFollower: request.replicaId === DEBUGGING_CONSUMER };
  const cold = new ColdPlaces();
  const topics = request.topics.map(({ name, partitions }) => {
    const counts = countByIndex(partitions);
    const found = partitions.map((partition) =>
      context.apiVersion > 0 && counts.get(partition.partitionIndex)! > 1
        ? refused(partition.partitionIndex, ErrorCode.INVALID_REQUEST)
        : cold.collect(() => find(name, partition, asker, context)),
    );
    return { name, partitions: found.filter((each) => each !== null) };
  });
  cold.check();
  return { topics };
}

function knowsTimestamp(timestamp: number, version: number): boolean {
  return timestamp >= 0 || version >= (KNOWN_FROM.get(timestamp) ?? Infinity);
}

/** Consumers see what is committed; replicas see all. */
function boundOf(request: ListOffsetsRequest): UpTo {
  if (request.replicaId >= 0 || request.replicaId === DEBUGGING_CONSUMER) return 'log-end';
  return request.isolationLevel === READ_COMMITTED ? 'last-stable' : 'high-watermark';
}

function countByIndex(partitions: readonly ListOffsetsRequestPartition[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { partitionIndex } of partitions)
    counts.set(partitionIndex, (counts.get(partitionIndex) ?? 0) + 1);
  return counts;
}

function find(
  topic: string,
  request: ListOffsetsRequestPartition,
  { bound, mayAskFollower }: { bound: UpTo; mayAskFollower: boolean },
  context: RequestContext,
): ListOffsetsResponsePartitionInput {
  const { partitionIndex: index } = request;
  try {
    const partition = context.broker.replicas.requirePartition(topic, index);
    partition.requireLeaderEpoch(request.currentLeaderEpoch);
    if (!mayAskFollower) partition.requireLeader();
    if (!knowsTimestamp(request.timestamp, context.apiVersion)) {
      return refused(index, ErrorCode.UNSUPPORTED_VERSION);
    }
    if (context.apiVersion === 0) return findLegacy(partition, request, bound);
    return findExact(partition, request, bound, context.apiVersion);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return refused(index, errorForVersion(error.code, context.apiVersion));
  }
}

function errorForVersion(errorCode: number, version: number): number {
  const isUnknown = errorCode === ErrorCode.OFFSET_NOT_AVAILABLE && version < OFFSET_NOT_AVAILABLE_FROM;
  return isUnknown ? ErrorCode.LEADER_NOT_AVAILABLE : errorCode;
}

function findLegacy(
  partition: Partition,
  request: ListOffsetsRequestPartition,
  bound: UpTo,
): ListOffsetsResponsePartitionInput {
  const end = partition.log.boundOf(bound);
  const found = partition.log.legacyOffsetsBefore(request.timestamp, request.maxNumOffsets);
  const visible = found.filter((offset) => offset <= end);
  const oldStyleOffsets =
    visible.length === found.length ? found : [end, ...visible].slice(0, request.maxNumOffsets);
  return { partitionIndex: request.partitionIndex, errorCode: ErrorCode.NONE, oldStyleOffsets };
}

function findExact(
  partition: Partition,
  request: ListOffsetsRequestPartition,
  bound: UpTo,
  version: number,
): ListOffsetsResponsePartitionInput {
  const { partitionIndex, timestamp } = request;
  const found = partition.log.offsetForTimestamp(timestamp, bound);
  if (isAboutTheEnd(found?.offset ?? null, timestamp, bound, partition)) partition.requireKnownEnd();
  if (found === null) return notFound(partitionIndex);
  const { timestamp: foundTimestamp, offset, leaderEpoch } = found;
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    timestamp: foundTimestamp,
    offset,
    ...(version >= LEADER_EPOCH_FROM ? { leaderEpoch } : {}),
  };
}

/** Whether the answer hangs on what is committed, which a new leader may not know yet. Replicas see all. */
function isAboutTheEnd(offset: number | null, timestamp: number, bound: UpTo, partition: Partition): boolean {
  if (bound === 'log-end' || FROM_THE_START.has(timestamp)) return false;
  return timestamp === LATEST_TIMESTAMP || offset === null || offset >= partition.log.boundOf(bound);
}

/** No record is that late: no error, and no offset. */
function notFound(partitionIndex: number): ListOffsetsResponsePartitionInput {
  return { partitionIndex, errorCode: ErrorCode.NONE, timestamp: -1, offset: -1, leaderEpoch: -1 };
}

function refused(partitionIndex: number, errorCode: number): ListOffsetsResponsePartitionInput {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 };
}
