import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { ColdPlaces } from '../log/cold-read.ts';
import type { FetchLimits, FetchPartition, FetchPartitionResult, FetchReader } from './fetch-request.ts';
import type { Partition } from './partition.ts';
import type { RackReader } from './read-preference.ts';

/** What reading needs of the broker. */
export interface ReadSurroundings {
  /** Finds a partition that lives here; undefined when there is none. */
  partition(topic: string, index: number): Partition | undefined;
  /** The follower that a consumer in this place had better read from; null: it is served here (KIP-392). */
  preferredReplica(partition: Partition, place: RackReader, fetchOffset: number): number | null;
  /** Whether a follower gets nothing for now (KIP-73). */
  isThrottled(partition: Partition, brokerId: number): boolean;
  /** Whether followers are told at once of what is committed, because consumers read from them. */
  announcesCommits(): boolean;
}

export interface FetchReading {
  readonly results: readonly FetchPartitionResult[];
  readonly sizeBytes: number;
  /** Some partition has an error, diverged, or has news of another kind that the reader must learn of at once. */
  readonly urgent: boolean;
}

/**
 * Reads what a fetch asks for, in its order, until its limits are used up. Nothing is copied: what comes back
 * are slices of files. The first partition that has anything gives its first batch whole, however large, or no
 * reader could ever get past that batch (KIP-74).
 *
 * @param isRepeated the request was parked and is read again: it says nothing new of its reader
 * @throws ColdRead within `OpenFiles.withoutWaiting`, with what all of its partitions need from the disk
 */
export function readPartitions(
  requests: Iterable<FetchPartition>,
  limits: FetchLimits,
  surroundings: ReadSurroundings,
  isRepeated = false,
): FetchReading {
  const results: FetchPartitionResult[] = [];
  let sizeBytes = 0;
  let urgent = false;
  const cold = new ColdPlaces();
  for (const request of requests) {
    const left = limits.maxBytes - sizeBytes;
    const minOneBatch = sizeBytes === 0 && !limits.hardLimit;
    const room = { maxBytes: Math.min(request.maxBytes, left), minOneBatch };
    const result = cold.collect(() => readPartition(request, room, limits, surroundings, isRepeated));
    if (result === null) continue;
    sizeBytes += result.records?.sizeBytes ?? 0;
    urgent ||= isUrgent(result, limits.reader, surroundings);
    results.push(result);
  }
  const reading = { results, sizeBytes, urgent };
  if (!cold.isEmpty) releaseReading(reading);
  cold.check();
  return reading;
}

/** Lets go of the files of results that will not be sent. */
export function releaseReading(reading: FetchReading): void {
  for (const result of reading.results) result.records?.release();
}

/** What is left of the limits for one partition. */
interface Room {
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
}

const NO_ROOM: Room = { maxBytes: 0, minOneBatch: false };

function readPartition(
  request: FetchPartition,
  room: Room,
  limits: FetchLimits,
  surroundings: ReadSurroundings,
  isRepeated: boolean,
): FetchPartitionResult {
  const partition = surroundings.partition(request.topic, request.partition);
  if (partition === undefined) return failedRead(request, missingPartitionError(request));
  try {
    return readLog(partition, request, room, limits, surroundings, isRepeated);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return failedRead(request, error.code, partition);
  }
}

function readLog(
  partition: Partition,
  request: FetchPartition,
  room: Room,
  limits: FetchLimits,
  surroundings: ReadSurroundings,
  isRepeated: boolean,
): FetchPartitionResult {
  if (request.topicId !== ZERO_UUID && request.topicId !== partition.topicId) {
    return failedRead(request, ErrorCode.INCONSISTENT_TOPIC_ID, partition);
  }
  const { reader } = limits;
  partition.requireLeaderEpoch(request.currentLeaderEpoch);
  const asksLeader = reader.kind === 'follower' || reader.place === null;
  if (asksLeader || partition.isOfEarlierLife) partition.requireLeader();
  if (reader.kind === 'follower') partition.requireFollower(reader.brokerId, request.currentLeaderEpoch);
  const { log } = partition;
  const positions = {
    errorCode: ErrorCode.NONE,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
    leaderEpoch: partition.leaderEpoch,
  };
  const nothing = { request, records: null, abortedTransactions: null, divergingEpoch: null };
  const preferredReadReplica = preferredReplica(partition, request, reader, surroundings);
  if (preferredReadReplica !== null) return { ...positions, ...nothing, preferredReadReplica };
  const divergingEpoch = partition.divergingEpoch(request.lastFetchedEpoch, request.fetchOffset);
  if (divergingEpoch !== null) {
    return { ...positions, ...nothing, divergingEpoch, preferredReadReplica };
  }
  const isThrottled = reader.kind === 'follower' && surroundings.isThrottled(partition, reader.brokerId);
  const read = log.read(request.fetchOffset, {
    ...(isThrottled ? NO_ROOM : room),
    upTo: limits.bound,
    partialFirstBatch: limits.hardLimit,
  });
  const { slice: records, abortedTransactions } = read;
  if (reader.kind === 'follower' && !isRepeated) {
    partition.followerFetched(reader.brokerId, request.fetchOffset, request.logStartOffset);
  }
  return { ...positions, ...nothing, records, abortedTransactions, preferredReadReplica };
}

function preferredReplica(
  partition: Partition,
  { fetchOffset }: FetchPartition,
  reader: FetchReader,
  surroundings: ReadSurroundings,
): number | null {
  if (reader.kind !== 'consumer' || reader.place === null || !partition.isLeader) return null;
  return surroundings.preferredReplica(partition, reader.place, fetchOffset);
}

function isUrgent(
  result: FetchPartitionResult,
  reader: FetchReader,
  surroundings: ReadSurroundings,
): boolean {
  if (result.errorCode !== ErrorCode.NONE || result.divergingEpoch !== null) return true;
  if (reader.kind === 'consumer') return result.preferredReadReplica !== null;
  if (!surroundings.announcesCommits()) return false;
  const { request, highWatermark } = result;
  const partition = surroundings.partition(request.topic, request.partition);
  return partition?.isNewsTo(reader.brokerId, highWatermark) ?? false;
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
    preferredReadReplica: null,
    leaderEpoch: partition?.leaderEpoch ?? -1,
  };
}
