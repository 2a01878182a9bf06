import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { FetchLimits, FetchPartition, FetchPartitionResult } from './fetch-request.ts';
import type { Partition } from './partition.ts';

/** Finds a partition that lives here; undefined when there is none. */
export type PartitionLookup = (topic: string, index: number) => Partition | undefined;

export interface FetchReading {
  readonly results: readonly FetchPartitionResult[];
  readonly sizeBytes: number;
  /** Some partition has an error or diverged: the reader must learn of it at once. */
  readonly urgent: boolean;
}

/**
 * Reads what a fetch asks for, in its order, until its limits are used up. Nothing is copied: what comes back
 * are slices of files. The first partition that has anything gives its first batch whole, however large, or no
 * reader could ever get past that batch (KIP-74).
 *
 * @param isRepeated the request was parked and is read again: it says nothing new of its reader
 */
export function readPartitions(
  requests: Iterable<FetchPartition>,
  limits: FetchLimits,
  lookup: PartitionLookup,
  isRepeated = false,
): FetchReading {
  const results: FetchPartitionResult[] = [];
  let sizeBytes = 0;
  let urgent = false;
  for (const request of requests) {
    const left = limits.maxBytes - sizeBytes;
    const minOneBatch = sizeBytes === 0 && !limits.hardLimit;
    const result = readPartition(
      request,
      Math.min(request.maxBytes, left),
      minOneBatch,
      limits,
      lookup,
      isRepeated,
    );
    sizeBytes += result.records?.sizeBytes ?? 0;
    urgent ||= result.errorCode !== ErrorCode.NONE || result.divergingEpoch !== null;
    results.push(result);
  }
  return { results, sizeBytes, urgent };
}

/** Lets go of the files of results that will not be sent. */
export function releaseReading(reading: FetchReading): void {
  for (const result of reading.results) result.records?.release();
}

function readPartition(
  request: FetchPartition,
  maxBytes: number,
  minOneBatch: boolean,
  limits: FetchLimits,
  lookup: PartitionLookup,
  isRepeated: boolean,
): FetchPartitionResult {
  const partition = lookup(request.topic, request.partition);
  if (partition === undefined) return failedRead(request, missingPartitionError(request));
  try {
    return readLog(partition, request, maxBytes, minOneBatch, limits, isRepeated);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return failedRead(request, error.code, partition);
  }
}

function readLog(
  partition: Partition,
  request: FetchPartition,
  maxBytes: number,
  minOneBatch: boolean,
  limits: FetchLimits,
  isRepeated: boolean,
): FetchPartitionResult {
  if (request.topicId !== ZERO_UUID && request.topicId !== partition.topicId) {
    return failedRead(request, ErrorCode.INCONSISTENT_TOPIC_ID, partition);
  }
  const { reader } = limits;
  partition.requireLeaderEpoch(request.currentLeaderEpoch);
  if (reader.kind === 'follower' || !reader.mayReadFollower) partition.requireLeader();
  if (reader.kind === 'follower') partition.requireFollower(reader.brokerId, request.currentLeaderEpoch);
  const { log } = partition;
  const positions = {
    errorCode: ErrorCode.NONE,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
    leaderEpoch: partition.leaderEpoch,
  };
  const divergingEpoch = partition.divergingEpoch(request.lastFetchedEpoch, request.fetchOffset);
  if (divergingEpoch !== null) {
    return { ...positions, request, records: null, abortedTransactions: null, divergingEpoch };
  }
  const read = log.read(request.fetchOffset, {
    maxBytes,
    minOneBatch,
    upTo: limits.bound,
    partialFirstBatch: limits.hardLimit,
  });
  const { slice: records, abortedTransactions } = read;
  if (reader.kind === 'follower' && !isRepeated) {
    partition.followerFetched(reader.brokerId, request.fetchOffset, request.logStartOffset);
  }
  return { ...positions, request, records, abortedTransactions, divergingEpoch: null };
}

function missingPartitionError(request: FetchPartition): number {
  return request.topic === '' ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

/** An answer without records, and with the offsets that mean "not known". */
export function failedRead(
  request: FetchPartition,
  errorCode: number,
  partition?: Partition,
): FetchPartitionResult {
  return {
    request,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    records: null,
    abortedTransactions: null,
    divergingEpoch: null,
    leaderEpoch: partition?.leaderEpoch ?? -1,
  };
}
