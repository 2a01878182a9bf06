import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import type { FetchResponsePartitionData } from '@odradek/protocol/generated/fetch-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import { backoffMs } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { asError, isRetriableError } from '../errors.ts';
import type { ConsumerSettings } from './consumer-options.ts';
import {
  FETCH_VERSION_BY_NAME_MAX,
  fetchRequest,
  fetchedPartitions,
  type FetchTarget,
} from './fetch-exchange.ts';
import { listOffsets, type OffsetSpec } from './list-offsets.ts';
import { decodeFetched } from './record-decoder.ts';

/** Records of one partition, in order. */
export interface FetchedRecords extends TopicPartition {
  readonly records: readonly DecodedRecord[];
  /** The offset after these, delivered or not. */
  readonly nextOffset: number;
  /** End of what may be read when the broker answered; -1 when it did not tell. */
  readonly highWatermark: number;
}

/** Where a partition is to be read from. */
export type StartOffset = number | OffsetSpec;

interface PartitionState extends TopicPartition {
  /** Next offset to fetch, or where that is to be found out. */
  position: StartOffset;
  maxBytes: number;
  /** Monotonic time before which the partition is left alone. */
  notBeforeMs: number;
  failures: number;
  /** A fetch or a lookup for it is under way. */
  isBusy: boolean;
}

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

/**
 * Reads partitions from their leaders: per broker one request at a time, the next one under way while the
 * records of the last are being handled. What is buffered is bounded by one answer per broker.
 */
export class Fetcher {
  private readonly cluster: Cluster;
  private readonly settings: ConsumerSettings;
  private readonly partitions = new Map<string, PartitionState>();
  /** Brokers that are asked at present. */
  private readonly asking = new Set<number>();
  private ready: FetchedRecords[] = [];
  private failure: Error | null = null;
  private wakeReader: (() => void) | null = null;
  private refreshing = false;

  constructor(cluster: Cluster, settings: ConsumerSettings) {
    this.cluster = cluster;
    this.settings = settings;
  }

  /** Adds a partition, or moves one; whatever was under way for it is dropped. */
  start(at: TopicPartition, position: StartOffset): void {
    const { topic, partition } = at;
    this.stop(at);
    this.partitions.set(partitionKey(at), {
      topic,
      partition,
      position,
      maxBytes: this.settings.partitionFetchMaxBytes,
      notBeforeMs: 0,
      failures: 0,
      isBusy: false,
    });
    this.wakeReader?.();
  }

  /** Reads a partition no more; its buffered records are dropped. */
  stop(at: TopicPartition): void {
    this.partitions.delete(partitionKey(at));
    this.ready = this.ready.filter(
      ({ topic, partition }) => topic !== at.topic || partition !== at.partition,
    );
  }

  /** The next offset of a partition that will be fetched, or null while it is not known. */
  position(at: TopicPartition): number | null {
    const position = this.partitions.get(partitionKey(at))?.position;
    return typeof position === 'number' ? position : null;
  }

  get assigned(): readonly TopicPartition[] {
    return [...this.partitions.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  /**
   * Records that have come, or will within the time. May be empty; positions without records to deliver come as
   * empty lists, so that their progress is seen.
   *
   * @throws what makes reading a partition impossible: KafkaError, BadAnswerError
   */
  async poll(timeoutMs: number): Promise<readonly FetchedRecords[]> {
    const deadlineMs = this.nowMs + timeoutMs;
    for (;;) {
      this.ask();
      if (this.failure !== null) throw this.takeFailure();
      if (this.ready.length > 0) {
        const ready = this.ready;
        this.ready = [];
        this.ask();
        return ready;
      }
      const remainingMs = deadlineMs - this.nowMs;
      if (remainingMs <= 0) return [];
      await this.untilSomethingHappens(Math.min(remainingMs, this.pauseMs()));
    }
  }

  /** Ends a poll that waits. */
  wake(): void {
    this.wakeReader?.();
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private takeFailure(): Error {
    const failure = this.failure!;
    this.failure = null;
    return failure;
  }

  /** Until the first partition may be tried again. */
  private pauseMs(): number {
    let pauseMs = Infinity;
    for (const { isBusy, notBeforeMs } of this.partitions.values()) {
      if (!isBusy && notBeforeMs > this.nowMs) pauseMs = Math.min(pauseMs, notBeforeMs - this.nowMs);
    }
    return pauseMs;
  }

  private untilSomethingHappens(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.cluster.environment.timers.after(timeoutMs, () => this.wakeReader?.());
      this.wakeReader = () => {
        timer.cancel();
        this.wakeReader = null;
        resolve();
      };
    });
  }

  /** Starts every request that can be made now. */
  private ask(): void {
    if (this.ready.length > 0) return;
    const usable = [...this.partitions.values()].filter(
      (state) => !state.isBusy && state.notBeforeMs <= this.nowMs,
    );
    const unknown = usable.filter(({ position }) => typeof position !== 'number');
    if (unknown.length > 0) void this.findPositions(unknown);
    const leaderless = new Set<string>();
    const byLeader = new Map<BrokerNode, PartitionState[]>();
    for (const state of usable) {
      if (typeof state.position !== 'number') continue;
      const leader = this.leaderOf(state);
      if (leader === null) leaderless.add(state.topic);
      else if (!this.asking.has(leader.nodeId)) {
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), state]);
      }
    }
    for (const [leader, states] of byLeader) void this.fetch(leader, states);
    if (leaderless.size > 0) this.refresh(leaderless);
  }

  private leaderOf({ topic, partition }: TopicPartition): BrokerNode | null {
    const { metadata } = this.cluster;
    return metadata.node(metadata.partition(topic, partition)?.leaderId ?? -1) ?? null;
  }

  private async findPositions(states: readonly PartitionState[]): Promise<void> {
    for (const state of states) state.isBusy = true;
    try {
      const queries = states.map(({ topic, partition, position }) => ({
        topic,
        partition,
        at: position as OffsetSpec,
      }));
      const found = await listOffsets(this.cluster, queries, this.settings.isolationLevel);
      const late: PartitionState[] = [];
      for (const state of states) {
        const offset = found.get(partitionKey(state))?.offset ?? -1;
        if (offset >= 0) state.position = offset;
        else late.push(state);
      }
      // Nothing is as late as the time asked for: what comes next is.
      for (const state of late) state.position = 'latest';
    } catch (error) {
      if (isRetriableError(error)) this.pause(states);
      else this.fail(asError(error));
    } finally {
      for (const state of states) state.isBusy = false;
      this.wakeReader?.();
    }
  }

  private async fetch(leader: BrokerNode, states: readonly PartitionState[]): Promise<void> {
    const targets = states.map((state) => this.target(state));
    for (const state of states) state.isBusy = true;
    this.asking.add(leader.nodeId);
    try {
      await this.exchange(leader, states, targets);
    } catch (error) {
      if (!isRetriableError(error)) this.fail(asError(error));
      this.pause(states);
      this.refresh(new Set(states.map(({ topic }) => topic)));
    } finally {
      this.asking.delete(leader.nodeId);
      for (const state of states) state.isBusy = false;
      this.wakeReader?.();
    }
  }

  private target(state: PartitionState): FetchTarget {
    const topic = this.cluster.metadata.topic(state.topic);
    this.cluster.touch(state.topic);
    return {
      topic: state.topic,
      partition: state.partition,
      topicId: topic?.topicId ?? ZERO_UUID,
      offset: state.position as number,
      leaderEpoch: topic?.partitions[state.partition]?.leaderEpoch ?? -1,
      maxBytes: state.maxBytes,
    };
  }

  private async exchange(
    leader: BrokerNode,
    states: readonly PartitionState[],
    targets: readonly FetchTarget[],
  ): Promise<void> {
    const { fetchMaxWaitMs, fetchMinBytes, fetchMaxBytes, isolationLevel } = this.settings;
    const limits = { maxWaitMs: fetchMaxWaitMs, minBytes: fetchMinBytes, maxBytes: fetchMaxBytes };
    const haveIds = targets.every(({ topicId }) => topicId !== ZERO_UUID);
    const answer = await this.cluster.request(
      leader,
      fetchApi,
      (version) => fetchRequest(version, targets, limits, isolationLevel),
      {
        channel: 'fetch',
        brokerWaitMs: fetchMaxWaitMs,
        versionMax: haveIds ? fetchApi.versionMax : FETCH_VERSION_BY_NAME_MAX,
      },
    );
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(answer.errorCode, `fetch: ${errorName(answer.errorCode)}`);
    }
    const fetched = fetchedPartitions(answer, targets);
    for (const [index, state] of states.entries()) {
      const data = fetched.get(partitionKey(state));
      if (data !== undefined && this.isCurrent(state, targets[index]!)) this.take(state, data);
    }
  }

  /** Not stopped or moved while the request was under way. */
  private isCurrent(state: PartitionState, target: FetchTarget): boolean {
    return this.partitions.get(partitionKey(state)) === state && state.position === target.offset;
  }

  private take(state: PartitionState, data: FetchResponsePartitionData): void {
    if (data.errorCode !== ErrorCode.NONE) return this.takeError(state, data.errorCode);
    state.failures = 0;
    const position = state.position as number;
    const aborted =
      this.settings.isolationLevel === 'read_committed' ? (data.abortedTransactions ?? []) : null;
    const bytes = data.records ?? EMPTY;
    const { records, nextOffset, isTooSmall } = decodeFetched(state, bytes, position, aborted);
    if (isTooSmall) state.maxBytes = Math.min(state.maxBytes * PARTITION_GROWTH, 0x7fffffff);
    if (nextOffset === position) return;
    state.position = nextOffset;
    const { topic, partition } = state;
    this.ready.push({ topic, partition, records, nextOffset, highWatermark: data.highWatermark });
  }

  private takeError(state: PartitionState, code: number): void {
    const where = `${state.topic}-${state.partition}`;
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const { offsetReset } = this.settings;
      if (offsetReset !== 'none') state.position = offsetReset;
      else this.fail(new KafkaError(code, `${where}: offset ${String(state.position)} is not in the log`));
    } else if (MOVED_CODES.includes(code) || isRetriable(code)) {
      this.pause([state]);
      this.refresh([state.topic]);
    } else {
      this.fail(new KafkaError(code, `${where}: ${errorName(code)}`));
    }
  }

  private pause(states: readonly PartitionState[]): void {
    const { backoff } = this.cluster.settings;
    for (const state of states) {
      state.notBeforeMs = this.nowMs + backoffMs(backoff, ++state.failures, this.cluster.environment.random);
    }
  }

  private fail(error: Error): void {
    this.failure ??= error;
  }

  private refresh(topics: Iterable<string>): void {
    if (this.refreshing) return;
    this.refreshing = true;
    const { timers } = this.cluster.environment;
    const done = (): void => {
      timers.after(this.cluster.settings.backoff.initialMs, () => {
        this.refreshing = false;
        this.wakeReader?.();
      });
    };
    this.cluster.refresh(topics).then(done, done);
  }
}

const EMPTY = Buffer.alloc(0);
