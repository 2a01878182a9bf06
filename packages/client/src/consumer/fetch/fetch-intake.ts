import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import type { FetchResponsePartitionData } from '@odradek/protocol/generated/fetch-response.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { LogTruncatedError, asError } from '../../errors.ts';
import type { ConsumerSettings } from '../consumer-options.ts';
import { UNKNOWN_EPOCH, type FetchPartition } from './fetch-partition.ts';
import { FetchedData } from './fetched-data.ts';

/** Codes after which somebody else leads, or will. */
const MOVED_CODES: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INCONSISTENT_TOPIC_ID,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.LEADER_NOT_AVAILABLE,
];

/** However small batches are asked for, one that does not fit is asked for again with twice the room. */
const PARTITION_GROWTH = 2;
const PARTITION_BYTES_MAX = 0x7fffffff;

/** What becomes of a partition besides. */
export interface IntakeHooks {
  /** Tries again later. */
  readonly pauseAfter: (state: FetchPartition, error: Error) => void;
  /** Tells the application. */
  readonly fail: (error: Error) => void;
  readonly refresh: (topic: string) => void;
}

export interface FetchCounts {
  /** Bytes of records, as they came. */
  bytes: number;
  /** Partitions that went on from the leader's history after having read another one. */
  truncations: number;
}

/** Takes in what a broker answered for one partition: its records, or what they cannot be had for. */
export class FetchIntake {
  readonly counts: FetchCounts = { bytes: 0, truncations: 0 };
  private readonly cluster: Cluster;
  private readonly settings: ConsumerSettings;
  private readonly hooks: IntakeHooks;

  constructor(cluster: Cluster, settings: ConsumerSettings, hooks: IntakeHooks) {
    this.cluster = cluster;
    this.settings = settings;
    this.hooks = hooks;
  }

  /** @param nodeId who answered */
  receive(state: FetchPartition, answer: FetchResponsePartitionData, nodeId: number): void {
    if (answer.errorCode !== ErrorCode.NONE) return this.takeError(state, answer.errorCode, nodeId);
    if (answer.divergingEpoch.endOffset >= 0) return this.takeDivergence(state, answer.divergingEpoch);
    if (answer.preferredReadReplica >= 0) return this.turnTo(state, answer.preferredReadReplica);
    const isCommittedOnly = this.settings.isolationLevel === 'read_committed';
    try {
      const data = new FetchedData(state, {
        bytes: answer.records ?? EMPTY,
        position: state.position as number,
        highWatermark: readableEnd(answer, isCommittedOnly),
        aborted: isCommittedOnly ? (answer.abortedTransactions ?? []) : null,
      });
      state.noteProgress();
      state.readableEnd = readableEnd(answer, isCommittedOnly);
      this.counts.bytes += data.sizeBytes;
      if (data.isTooSmall) state.maxBytes = Math.min(state.maxBytes * PARTITION_GROWTH, PARTITION_BYTES_MAX);
      if (data.isDone) return;
      state.position = data.endOffset;
      state.lastEpoch = data.lastEpoch;
      state.buffered.push(data);
    } catch (error) {
      this.hooks.pauseAfter(state, asError(error));
      this.hooks.fail(asError(error));
    }
  }

  private takeError(state: FetchPartition, code: number, nodeId: number): void {
    const where = `${state.topic}-${state.partition}`;
    state.preferred = null;
    const { leaderId } = this.cluster.metadata.partition(state.topic, state.partition) ?? {};
    // A follower may lag, or begin elsewhere: only the leader knows.
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE && nodeId !== leaderId) return;
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE && state.lastEpoch !== UNKNOWN_EPOCH) {
      // Kafka says the same when it keeps no epochs, as for topics with a message format of before 0.11, although the
      // offset is there: a reset would pass over all that is left.
      state.lastEpoch = UNKNOWN_EPOCH;
      return;
    }
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const { offsetReset } = this.settings;
      if (offsetReset !== 'none' && state.buffered.length === 0) return state.moveTo(offsetReset);
      // What is buffered is still good, and is delivered first.
      const error = new KafkaError(code, `${where}: offset ${String(state.position)} is not in the log`);
      this.hooks.pauseAfter(state, error);
      if (state.buffered.length === 0) this.hooks.fail(error);
      return;
    }
    const error = new KafkaError(code, `${where}: ${errorName(code)}`);
    this.hooks.pauseAfter(state, error);
    if (MOVED_CODES.includes(code) || isRetriable(code)) this.hooks.refresh(state.topic);
    else this.hooks.fail(error);
  }

  private turnTo(state: FetchPartition, nodeId: number): void {
    const { environment, settings } = this.cluster;
    state.noteProgress();
    state.preferred = { nodeId, untilMs: environment.clock.monotonic() + settings.metadataMaxAgeMs };
  }

  /** What was read last is not in the leader's log: it was lost in an unclean election (KIP-320). */
  private takeDivergence(
    state: FetchPartition,
    { epoch, endOffset }: { epoch: number; endOffset: number },
  ): void {
    // What is buffered was read all the same, and is delivered first.
    if (state.buffered.length > 0) return;
    const position = state.position as number;
    const partsAt = Math.min(endOffset, position);
    state.noteProgress();
    if (this.settings.offsetReset === 'none') {
      const error = new LogTruncatedError(state, position, partsAt);
      this.hooks.pauseAfter(state, error);
      return this.hooks.fail(error);
    }
    this.counts.truncations++;
    state.moveTo(partsAt, partsAt === endOffset ? epoch : UNKNOWN_EPOCH);
  }
}

/** Behind an open transaction nothing may be read by those who read only what is committed. */
function readableEnd(answer: FetchResponsePartitionData, isCommittedOnly: boolean): number {
  const { lastStableOffset, highWatermark } = answer;
  return isCommittedOnly && lastStableOffset >= 0 ? lastStableOffset : highWatermark;
}

const EMPTY = Buffer.alloc(0);
