import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import type { FetchRequestInput } from '@odradek/protocol/generated/fetch-request.ts';
import type { FetchResponse } from '@odradek/protocol/generated/fetch-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { backoffMs } from '../../cluster/backoff.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { BrokerNode } from '../../cluster/metadata-cache.ts';
import { partitionKey, type TopicPartition } from '../../cluster/topic-partition.ts';
import { asError, isRetriableError } from '../../errors.ts';
import type { PartitionMetrics } from '../consumer-metrics.ts';
import type { ConsumerSettings } from '../consumer-options.ts';
import { lookUpOffsets, type OffsetSpec } from '../list-offsets.ts';
import type { Signal } from '../signal.ts';
import {
  FETCH_VERSION_BY_NAME_MAX,
  fetchRequest,
  fetchedPartitions,
  type FetchTerms,
} from './fetch-exchange.ts';
import { FetchIntake, type FetchCounts } from './fetch-intake.ts';
import { FetchPartition, UNKNOWN_EPOCH, type PartitionTrouble, type StartOffset } from './fetch-partition.ts';
import { FetchSession, type FetchTarget } from './fetch-session.ts';
import type { FetchedRecords } from './fetched-data.ts';

/** The broker has forgotten the session, or never had it: the next request says everything. */
const SESSION_CODES: readonly number[] = [
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
];

const FAREWELL_TIMEOUT_MS = 500;

/**
 * Reads partitions from their leaders: per broker one request at a time, the next one under way while the records
 * of the last are being handled. What is buffered is bounded by `fetchMaxBytes` and one answer per broker, and per
 * partition by about twice its share. Partitions take turns, in requests and in what is delivered.
 */
export class Fetcher {
  private readonly cluster: Cluster;
  private readonly settings: ConsumerSettings;
  private readonly changed: Signal;
  /** Those whose turn is longest ago first. */
  private readonly partitions = new Map<string, FetchPartition>();
  /** Brokers that are asked at present. */
  private readonly asking = new Set<number>();
  private readonly sessions = new Map<number, FetchSession>();
  private readonly intake: FetchIntake;
  private failure: Error | null = null;
  private refreshing = false;

  /** @param changed told when there may be records, a failure, or something else to do */
  constructor(cluster: Cluster, settings: ConsumerSettings, changed: Signal) {
    this.cluster = cluster;
    this.settings = settings;
    this.changed = changed;
    this.intake = new FetchIntake(cluster, settings, {
      pauseAfter: (state, error) => this.pauseAfter([state], error),
      fail: (error) => this.fail(error),
      refresh: (topic) => this.refresh([topic]),
    });
  }

  /** What could not be seen from outside. */
  get counts(): FetchCounts {
    return this.intake.counts;
  }

  /**
   * Adds a partition, or moves one; whatever was under way for it is dropped. A paused one stays paused.
   *
   * @param lastEpoch of the leader who wrote the record before the position, to see whether it is still there
   */
  start(at: TopicPartition, position: StartOffset, lastEpoch = UNKNOWN_EPOCH): void {
    const key = partitionKey(at);
    const before = this.partitions.get(key);
    const fresh = new FetchPartition(at, position, this.settings.partitionFetchMaxBytes, lastEpoch);
    fresh.isPaused = before?.isPaused ?? false;
    fresh.isHeld = before?.isHeld ?? false;
    this.partitions.set(key, fresh);
    this.changed.notify();
  }

  /** Reads a partition no more; its buffered records are dropped. */
  stop(at: TopicPartition): void {
    this.partitions.delete(partitionKey(at));
  }

  get partitionMetrics(): PartitionMetrics[] {
    return [...this.partitions.values()].map(({ metrics }) => metrics);
  }

  isAssigned(at: TopicPartition): boolean {
    return this.partitions.has(partitionKey(at));
  }

  get assigned(): readonly TopicPartition[] {
    return [...this.partitions.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  get paused(): readonly TopicPartition[] {
    const paused = [...this.partitions.values()].filter(({ isPaused }) => isPaused);
    return paused.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** The next offset to be delivered, or null while it is not known. */
  position(at: TopicPartition): number | null {
    return this.partitions.get(partitionKey(at))?.deliveredUpTo ?? null;
  }

  /** Delivers nothing until resumed; what is buffered is kept. */
  pause(at: TopicPartition): void {
    const state = this.partitions.get(partitionKey(at));
    if (state !== undefined) state.isPaused = true;
  }

  resume(at: TopicPartition): void {
    const state = this.partitions.get(partitionKey(at));
    if (state === undefined || !state.isPaused) return;
    state.isPaused = false;
    this.changed.notify();
  }

  /** Delivers nothing of the partition while somebody works on its records; unlike `pause` it goes on fetching. */
  hold(at: TopicPartition, isHeld: boolean): void {
    const state = this.partitions.get(partitionKey(at));
    if (state === undefined || state.isHeld === isHeld) return;
    state.isHeld = isHeld;
    if (!isHeld) this.changed.notify();
  }

  /** The partition that has been unreadable longest, while attempts go on. */
  get trouble(): PartitionTrouble | null {
    let worst: PartitionTrouble | null = null;
    for (const { trouble } of this.partitions.values()) {
      if (trouble !== null && (worst === null || trouble.sinceMs < worst.sinceMs)) worst = trouble;
    }
    return worst;
  }

  /** Until the first partition may be tried again, milliseconds; Infinity when none waits for that. */
  get pauseMs(): number {
    let pauseMs = Infinity;
    for (const { isBusy, notBeforeMs } of this.partitions.values()) {
      if (!isBusy && notBeforeMs > this.nowMs) pauseMs = Math.min(pauseMs, notBeforeMs - this.nowMs);
    }
    return pauseMs;
  }

  /**
   * Records that have come, partition by partition. Stretches without records to deliver come as empty lists, so
   * that their progress is seen.
   *
   * @param countMax of all records together, 1 or more
   * @param stretchesMax of partitions, 1 or more
   * @throws what makes reading a partition impossible, once per attempt: KafkaError, UnreadableRecordsError,
   *   BadAnswerError. The others go on.
   */
  take(countMax: number, stretchesMax = Infinity): FetchedRecords[] {
    this.throwFailure();
    const taken: FetchedRecords[] = [];
    let left = countMax;
    for (const [key, state] of [...this.partitions]) {
      if (left <= 0 || taken.length >= stretchesMax) break;
      if (!state.canDeliver) continue;
      const stretch = this.takeFrom(state, left);
      if (stretch === null) continue;
      taken.push(stretch);
      left -= stretch.records.length;
      // Its turn comes again after the others'.
      this.partitions.delete(key);
      this.partitions.set(key, state);
    }
    if (taken.length === 0) this.throwFailure();
    return taken;
  }

  /** Tells the brokers that their sessions are over, so that others may have the room. Never throws. */
  async close(): Promise<void> {
    this.partitions.clear();
    const farewells = [...this.sessions].map(async ([nodeId, session]) => {
      const plan = session.farewell();
      const node = this.cluster.metadata.node(nodeId);
      if (plan === null || node === undefined) return;
      const body = (version: number): FetchRequestInput => fetchRequest(version, plan, this.terms(0));
      // Not behind a fetch that waits for its answer.
      const channel = this.asking.has(nodeId) ? 'main' : 'fetch';
      await this.cluster.request(node, fetchApi, body, { channel, timeoutMs: FAREWELL_TIMEOUT_MS });
    });
    await Promise.allSettled(farewells);
  }

  /** Starts every request that can be made now. */
  ask(): void {
    const nowMs = this.nowMs;
    const usable = [...this.partitions.values()].filter(
      (state) => !state.isBusy && state.notBeforeMs <= nowMs,
    );
    const unknown = usable.filter(({ position }) => typeof position !== 'number');
    if (unknown.length > 0) void this.findPositions(unknown);
    if (!this.hasRoom()) return;
    const leaderless = new Set<string>();
    const byLeader = new Map<BrokerNode, FetchPartition[]>();
    for (const state of usable) {
      if (typeof state.position !== 'number' || !state.wantsMore) continue;
      const leader = this.sourceOf(state);
      if (leader === null) {
        leaderless.add(state.topic);
        state.noteTrouble(new KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, 'it has no leader'), nowMs);
      } else if (!this.asking.has(leader.nodeId)) {
        const ofLeader = byLeader.get(leader);
        if (ofLeader === undefined) byLeader.set(leader, [state]);
        else ofLeader.push(state);
      }
    }
    for (const [leader, states] of byLeader) void this.fetch(leader, states);
    if (leaderless.size > 0) this.refresh(leaderless);
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private throwFailure(): void {
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
  }

  /** What paused partitions keep must not starve the others. */
  private hasRoom(): boolean {
    let bufferedBytes = 0;
    let isAnyReady = false;
    for (const state of this.partitions.values()) {
      bufferedBytes += state.bufferedBytes;
      isAnyReady ||= state.buffered.length > 0 && !state.isPaused;
    }
    return bufferedBytes < this.settings.fetchMaxBytes || !isAnyReady;
  }

  private takeFrom(state: FetchPartition, countMax: number): FetchedRecords | null {
    const data = state.buffered[0]!;
    try {
      const stretch = data.take(countMax);
      if (data.isDone) state.buffered.shift();
      state.deliveredUpTo = stretch.nextOffset;
      return stretch;
    } catch (error) {
      // Never passed over: the next attempt begins with it.
      state.moveTo(state.deliveredUpTo ?? 'earliest');
      this.pauseAfter([state], asError(error));
      this.fail(asError(error));
      return null;
    }
  }

  /** The follower that the leader named, while its time lasts; else the leader. */
  private sourceOf(state: FetchPartition): BrokerNode | null {
    const { metadata } = this.cluster;
    const { topic, partition, preferred } = state;
    const follower = preferred === null ? undefined : metadata.node(preferred.nodeId);
    if (follower !== undefined && preferred!.untilMs > this.nowMs) return follower;
    state.preferred = null;
    return metadata.node(metadata.partition(topic, partition)?.leaderId ?? -1) ?? null;
  }

  private async findPositions(states: readonly FetchPartition[]): Promise<void> {
    for (const state of states) state.isBusy = true;
    const asked = states.map((state) => ({ state, at: state.position as OffsetSpec }));
    try {
      const queries = asked.map(({ state: { topic, partition }, at }) => ({ topic, partition, at }));
      const { found, failures } = await lookUpOffsets(this.cluster, queries, this.settings.isolationLevel);
      for (const { state, at } of asked) {
        const offset = found.get(partitionKey(state))?.offset;
        if (offset !== undefined) this.settle(state, at, offset);
        else this.handleFailure([state], failures.get(partitionKey(state))!);
      }
    } catch (error) {
      this.handleFailure(states, asError(error));
    } finally {
      for (const state of states) state.isBusy = false;
      this.changed.notify();
    }
  }

  /** @param at what was asked, unless somebody has moved the partition meanwhile */
  private settle(state: FetchPartition, at: OffsetSpec, offset: number): void {
    state.noteProgress();
    if (state.position !== at) return;
    // Nothing is as late as the time asked for: what comes next is.
    if (offset < 0) state.position = 'latest';
    else state.moveTo(offset);
  }

  private handleFailure(states: readonly FetchPartition[], error: Error): void {
    if (!isRetriableError(error)) this.fail(error);
    this.pauseAfter(states, error);
    this.refresh(new Set(states.map(({ topic }) => topic)));
  }

  private async fetch(leader: BrokerNode, states: readonly FetchPartition[]): Promise<void> {
    const targets = states.map((state) => this.target(state));
    for (const state of states) state.isBusy = true;
    this.asking.add(leader.nodeId);
    try {
      await this.exchange(leader, states, targets);
    } catch (error) {
      for (const state of states) state.preferred = null;
      this.handleFailure(states, asError(error));
    } finally {
      this.asking.delete(leader.nodeId);
      for (const state of states) state.isBusy = false;
      this.changed.notify();
    }
  }

  private target(state: FetchPartition): FetchTarget {
    const topic = this.cluster.metadata.topic(state.topic);
    this.cluster.touch(state.topic);
    return {
      topic: state.topic,
      partition: state.partition,
      topicId: topic?.topicId ?? ZERO_UUID,
      offset: state.position as number,
      leaderEpoch: topic?.partitions[state.partition]?.leaderEpoch ?? UNKNOWN_EPOCH,
      lastFetchedEpoch: state.lastEpoch,
      maxBytes: state.maxBytes,
    };
  }

  private async exchange(
    leader: BrokerNode,
    states: readonly FetchPartition[],
    targets: readonly FetchTarget[],
  ): Promise<void> {
    const haveIds = targets.every(({ topicId }) => topicId !== ZERO_UUID);
    const session = this.sessionWith(leader.nodeId);
    const plan = session.plan(targets);
    let answer: FetchResponse;
    try {
      answer = await this.cluster.request(
        leader,
        fetchApi,
        (version) => fetchRequest(version, plan, this.terms(this.settings.fetchMaxWaitMs)),
        {
          channel: 'fetch',
          brokerWaitMs: this.settings.fetchMaxWaitMs,
          versionMax: haveIds ? fetchApi.versionMax : FETCH_VERSION_BY_NAME_MAX,
        },
      );
    } catch (error) {
      session.failed(false);
      throw error;
    }
    if (answer.errorCode !== ErrorCode.NONE) {
      session.failed();
      if (SESSION_CODES.includes(answer.errorCode)) return;
      throw new KafkaError(answer.errorCode, `fetch: ${errorName(answer.errorCode)}`);
    }
    session.answered(plan, answer.sessionId);
    const fetched = fetchedPartitions(answer, targets);
    for (const [index, state] of states.entries()) {
      if (!this.isCurrent(state, targets[index]!)) continue;
      const data = fetched.get(partitionKey(state));
      // Within a session there is nothing to say of partitions without anything new.
      if (data === undefined) state.noteProgress();
      else this.intake.receive(state, data, leader.nodeId);
    }
  }

  private terms(maxWaitMs: number): FetchTerms {
    const { fetchMinBytes: minBytes, fetchMaxBytes: maxBytes, isolationLevel, clientRack } = this.settings;
    return { limits: { maxWaitMs, minBytes, maxBytes }, isolationLevel, rack: clientRack };
  }

  private sessionWith(nodeId: number): FetchSession {
    let session = this.sessions.get(nodeId);
    if (session === undefined) {
      session = new FetchSession();
      this.sessions.set(nodeId, session);
    }
    return session;
  }

  /** Not stopped or moved while the request was under way. */
  private isCurrent(state: FetchPartition, target: FetchTarget): boolean {
    return this.partitions.get(partitionKey(state)) === state && state.position === target.offset;
  }

  private pauseAfter(states: readonly FetchPartition[], error: Error): void {
    const { backoff } = this.cluster.settings;
    for (const state of states) {
      state.noteTrouble(error, this.nowMs);
      state.notBeforeMs = this.nowMs + backoffMs(backoff, ++state.failures, this.cluster.environment.random);
    }
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.changed.notify();
  }

  private refresh(topics: Iterable<string>): void {
    if (this.refreshing) return;
    this.refreshing = true;
    const { timers } = this.cluster.environment;
    const done = (): void => {
      timers.after(this.cluster.settings.backoff.initialMs, () => {
        this.refreshing = false;
        this.changed.notify();
      });
    };
    this.cluster.refresh(topics).then(done, done);
  }
}
