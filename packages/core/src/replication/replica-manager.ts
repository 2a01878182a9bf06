import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { LogAppendInfo } from '../log/log-append.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { LogSink } from '../ports/log-sink.ts';
import { AwaitedFollowers } from './awaited-followers.ts';
import type { FetchLimits, FetchPartition, FetchReader } from './fetch-request.ts';
import type { InSyncOutcome, InSyncProposal } from './leader-role.ts';
import { judgeLeadership, type LeadershipChange } from './leadership.ts';
import { ParkedFetch, type ParkedRequest } from './parked-fetch.ts';
import { ParkedProduce } from './parked-produce.ts';
import {
  Partition,
  type PartitionAppend,
  type PartitionSettings,
  type PartitionSurroundings,
} from './partition.ts';
import type { RackReader, RackView, ReplicaSelector } from './read-preference.ts';
import {
  type FetchReading,
  type ReadSurroundings,
  readPartitions,
  releaseReading,
} from './read-partitions.ts';
import { ReplicaMoves } from './replica-moves.ts';
import type { ReplicationQuota } from './replication-quota.ts';

export interface AppendOptions extends PartitionAppend {
  /** Milliseconds that an append with acks=all may wait for its in-sync replicas. */
  readonly timeoutMs: number;
}

export interface AppendResult {
  readonly errorCode: number;
  /** What the log did; null when it refused the records. */
  readonly info: LogAppendInfo | null;
  /** Why it refused them; null when it did not. */
  readonly error: KafkaError | null;
}

/** The rest of the cluster, as its replicas need it. */
export interface ReplicaPeers {
  /** Whether a broker is alive, as far as this one has heard. */
  isLive(brokerId: number): boolean;
  /** See LeaderSurroundings. */
  proposeInSync(proposal: InSyncProposal, done: (outcome: InSyncOutcome) => void): void;
  /** From here on the partition's records come from its leader. */
  follow(partition: Partition): void;
  /** Nothing is to be fetched for the partition any more. */
  unfollow(partition: Partition): void;
}

export interface ReplicaManagerParts {
  readonly nodeId: number;
  readonly logs: LogManager;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: LogSink;
  readonly peers: ReplicaPeers;
  settingsOf(topic: string): PartitionSettings;
  /** `replica.lag.time.max.ms`, milliseconds. */
  lagMaxMs(): number;
  /** What leaders send to throttled followers; absent: without limit. */
  readonly leaderQuota?: ReplicationQuota;
  /** Which replica a consumer had best read from (`replica.selector.class`); absent: from the leader. */
  readonly readPreference?: ReadPreference;
}

/** How the replica is chosen that a consumer reads from. */
export interface ReadPreference extends RackView {
  readonly select: ReplicaSelector;
}

/** A partition began or ceased to be led here. */
export interface LeadershipEvent {
  readonly partition: Partition;
  readonly isLeader: boolean;
}

/**
 * The partitions that live on this broker, and the requests parked on them. Deterministic: time comes in through
 * Timers, and all else happens within the call.
 */
export class ReplicaManager {
  /** Between the data directories. */
  readonly moves: ReplicaMoves;
  private readonly parts: ReplicaManagerParts;
  private readonly surroundings: PartitionSurroundings;
  private readonly readSurroundings: ReadSurroundings;
  /** By topic, then by index: a lookup must not build a key. */
  private readonly topics = new Map<string, Map<number, Partition>>();
  /** Names of partitions that should be here, and may lie in a data directory that has failed. */
  private readonly unreachable = new Set<string>();
  private readonly parked = new Set<ParkedRequest>();
  private readonly awaited: AwaitedFollowers;
  private readonly leadershipListeners: ((event: LeadershipEvent) => void)[] = [];
  /** Partitions with news for those who wait, told once the request at hand is through. */
  private readonly changed = new Set<Partition>();

  constructor(parts: ReplicaManagerParts) {
    this.parts = parts;
    this.awaited = new AwaitedFollowers(parts.clock);
    this.moves = new ReplicaMoves({
      futures: parts.logs.futures,
      log: parts.log,
      requirePartition: (topic, index) => this.requirePartition(topic, index),
    });
    this.surroundings = {
      nodeId: parts.nodeId,
      clock: parts.clock,
      lagMaxMs: () => parts.lagMaxMs(),
      isEligible: (brokerId) => parts.peers.isLive(brokerId),
      propose: (proposal, done) => parts.peers.proposeInSync(proposal, done),
      changed: (partition) => this.noteChange(partition),
      changedMeanwhile: (partition) => {
        this.noteChange(partition);
        this.wakeWaiting();
      },
    };
    this.readSurroundings = {
      partition: this.partition,
      preferredReplica: (partition, place, fetchOffset) =>
        this.preferredReplica(partition, place, fetchOffset),
      isThrottled: (partition, brokerId) => this.isThrottled(partition, brokerId),
      announcesCommits: () => parts.readPreference !== undefined,
    };
  }

  partition = (topic: string, index: number): Partition | undefined => this.topics.get(topic)?.get(index);

  *partitions(): Iterable<Partition> {
    for (const partitions of this.topics.values()) yield* partitions.values();
  }

  onLeadershipChange(listener: (event: LeadershipEvent) => void): void {
    this.leadershipListeners.push(listener);
  }

  /** Begins to watch for followers that fall behind, for as long as the timers run. */
  start(): void {
    this.parts.timers.after(this.parts.lagMaxMs() / 2, () => {
      for (const partition of this.partitions()) partition.shrinkByLag();
      this.start();
    });
  }

  /**
   * Takes over what the controller decided. A change that is older than what is known here has no effect.
   * @returns an error code for each change, in their order: 0, or what the controller is told
   */
  applyLeadership(changes: readonly LeadershipChange[]): number[] {
    const codes = changes.map((change) => this.applyOne(change));
    this.wakeWaiting();
    this.letAwaitedComeBack();
    return codes;
  }

  /** Ends the partitions; parked requests on them are answered with the error that sends clients elsewhere. */
  stopPartitions(stops: readonly { topic: string; partition: number; deleteLog: boolean }[]): void {
    for (const { topic, partition: index, deleteLog } of stops) {
      const partition = this.partition(topic, index);
      this.unreachable.delete(partitionName(topic, index));
      if (partition !== undefined) this.stop(partition);
      if (partition !== undefined && deleteLog) this.parts.logs.delete(topic, index);
    }
    this.wakeWaiting();
  }

  /**
   * The broker's life in the cluster is over: it leads and follows nothing until it is told to in its next one. Its
   * logs stay open. Parked requests are answered with the error that sends clients elsewhere.
   */
  endLife(): void {
    for (const partition of this.partitions()) {
      const { isLeader } = partition;
      this.parts.peers.unfollow(partition);
      partition.endLife();
      this.awaited.forget(partition);
      if (isLeader) this.tell({ partition, isLeader: false });
    }
    this.wakeWaiting();
  }

  /** The settings of a topic changed: from now on its logs obey the new ones. */
  settingsChanged(topic: string): void {
    const settings = this.parts.settingsOf(topic);
    for (const partition of this.topics.get(topic)?.values() ?? []) partition.updateSettings(settings);
    this.parts.logs.configChanged(topic);
    this.wakeWaiting();
  }

  /** Settings that topics inherit changed. */
  defaultSettingsChanged(): void {
    for (const topic of this.topics.keys()) this.settingsChanged(topic);
  }

  /**
   * Appends to a partition that this broker leads.
   *
   * @param done is called once: before this returns unless it has to wait, for other replicas or for a sync
   */
  append(
    topic: string,
    index: number,
    records: Buffer,
    options: AppendOptions,
    done: (result: AppendResult) => void,
  ): void {
    const partition = this.partition(topic, index);
    const result = this.appendNow(topic, index, records, options);
    if (result.info === null || partition === undefined) return done(result);
    const { leaderEpoch } = partition;
    const { lastOffset } = result.info;
    const outcomeNow = (): number | null =>
      partition.appendOutcome(options.requiredAcks, lastOffset + 1, leaderEpoch);
    const outcome = outcomeNow();
    if (outcome === ErrorCode.NONE) return done(result);
    if (outcome !== null) return done({ ...result, errorCode: outcome });
    const parked = new ParkedProduce(
      partition,
      outcomeNow,
      options.timeoutMs,
      this.parts.timers,
      (errorCode) => done({ ...result, errorCode }),
      this.forget,
    );
    this.parked.add(parked);
  }

  /**
   * Deletes the records before `offset`, -1: all that are committed, and waits until they are on no replica that is
   * alive: followers hear of it with their next answer.
   *
   * @param done is called once, before this returns unless it has to wait; with the low watermark, or -1 after an error
   */
  deleteRecords(
    topic: string,
    index: number,
    offset: number,
    timeoutMs: number,
    done: (errorCode: number, lowWatermark: number) => void,
  ): void {
    const partition = this.partition(topic, index);
    if (partition === undefined) return done(this.missingError(topic, index).code, -1);
    let start: number;
    try {
      start = partition.deleteRecordsBefore(offset);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return done(error.code, -1);
    }
    const { leaderEpoch } = partition;
    const outcomeNow = (): number | null => partition.deletionOutcome(start, leaderEpoch);
    const finish = (errorCode: number): void => done(errorCode, errorCode === ErrorCode.NONE ? start : -1);
    const outcome = outcomeNow();
    if (outcome !== null) return finish(outcome);
    this.parked.add(
      new ParkedProduce(partition, outcomeNow, timeoutMs, this.parts.timers, finish, this.forget),
    );
  }

  /**
   * Wakes those who wait on partitions with news. To be called when a whole request was appended, so that a reader
   * of several partitions gets all of it in one answer.
   */
  wakeWaiting(): void {
    while (this.changed.size > 0) {
      const changed = [...this.changed];
      this.changed.clear();
      for (const partition of changed) partition.watchers.wakeAll();
    }
  }

  /**
   * Reads, waiting for enough data if the limits ask for it.
   *
   * @param done is called once with slices that must be released; before this returns when nothing has to wait
   * @param mayWaitForDisk whether looking up where records lie may keep the loop waiting for the disk
   * @returns the parked request, or null when `done` was called already
   * @throws ColdRead unless `mayWaitForDisk`: nothing was done, but that followers' progress is noted
   */
  fetch(
    requests: readonly FetchPartition[],
    limits: FetchLimits,
    done: (reading: FetchReading) => void,
    mayWaitForDisk = true,
  ): ParkedRequest | null {
    const answer = this.answerTo(limits.reader, done);
    const read = (): FetchReading => readPartitions(requests, limits, this.readSurroundings);
    const reading = this.withUnreachable(mayWaitForDisk ? read() : this.withoutWaiting(read));
    if (limits.reader.kind === 'follower') this.awaited.fetched(limits.reader.brokerId, reading.results);
    // A follower's fetch may have committed records for others.
    this.wakeWaiting();
    const atOnce = limits.maxWaitMs <= 0 || requests.length === 0 || reading.urgent;
    if (atOnce || reading.sizeBytes >= limits.minBytes) {
      answer(reading);
      return null;
    }
    releaseReading(reading);
    const { timers } = this.parts;
    const patient = { ...limits, maxWaitMs: this.waitMaxMs(limits) };
    const parked = new ParkedFetch(requests, patient, this.readSurroundings, timers, answer, this.forget);
    this.parked.add(parked);
    // ... and for itself.
    if (limits.reader.kind === 'follower' && this.readSurroundings.announcesCommits()) parked.wake();
    return this.parked.has(parked) ? parked : null;
  }

  /** Runs a look-up that must not keep the loop waiting for the disk. @throws ColdRead */
  withoutWaiting<T>(lookUp: () => T): T {
    return this.parts.logs.withoutWaiting(lookUp);
  }

  /** Answers everything that is parked with what there is, as a broker does that stops. */
  completeParked(): void {
    for (const parked of [...this.parked]) parked.complete();
  }

  private waitMaxMs({ reader, maxWaitMs }: FetchLimits): number {
    return reader.kind === 'follower'
      ? Math.min(maxWaitMs, this.awaited.waitMaxMs(reader.brokerId))
      : maxWaitMs;
  }

  /** Followers that are to fetch more than what they wait for here. */
  private letAwaitedComeBack(): void {
    for (const parked of [...this.parked]) {
      if (parked instanceof ParkedFetch && this.waitMaxMs(parked.limits) < parked.limits.maxWaitMs) {
        parked.complete();
      }
    }
  }

  private answerTo(reader: FetchReader, done: (reading: FetchReading) => void): typeof done {
    const { leaderQuota } = this.parts;
    const announces = this.readSurroundings.announcesCommits();
    if (reader.kind === 'consumer' || (leaderQuota === undefined && !announces)) return done;
    return (reading) => {
      for (const { request, records, highWatermark } of reading.results) {
        const partition = this.partition(request.topic, request.partition);
        if (announces) partition?.toldFollower(reader.brokerId, highWatermark);
        if (records !== null && partition?.isThrottledAsLeader) leaderQuota?.record(records.sizeBytes);
      }
      done(reading);
    };
  }

  private preferredReplica(partition: Partition, place: RackReader, fetchOffset: number): number | null {
    const { readPreference } = this.parts;
    if (readPreference === undefined) return null;
    const { leader, followers } = partition.requireLeader().readableReplicas(fetchOffset);
    const selected = readPreference.select(leader, followers, place, readPreference);
    return selected === leader.brokerId ? null : selected;
  }

  /** Those in sync are not: they would leave the set. */
  private isThrottled(partition: Partition, brokerId: number): boolean {
    const { leaderQuota } = this.parts;
    if (leaderQuota === undefined || !partition.isThrottledAsLeader) return false;
    return !partition.isr.includes(brokerId) && leaderQuota.isExceeded();
  }

  private withUnreachable(reading: FetchReading): FetchReading {
    if (this.unreachable.size === 0) return reading;
    const results = reading.results.map((result) => {
      const { topic, partition } = result.request;
      if (result.errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return result;
      return { ...result, errorCode: this.missingError(topic, partition).code };
    });
    return { ...reading, results };
  }

  /**
   * A partition that is here and can be asked.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION; KAFKA_STORAGE_ERROR where its data directory has failed
   */
  requirePartition(topic: string, index: number): Partition {
    const partition = this.partition(topic, index);
    if (partition === undefined) throw this.missingError(topic, index);
    if (partition.log.isOffline) {
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `the log of ${topic}-${index} is offline`);
    }
    return partition;
  }

  private missingError(topic: string, index: number): KafkaError {
    const name = partitionName(topic, index);
    return this.unreachable.has(name)
      ? new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${name} may lie in a data directory that has failed`)
      : new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `${name} is not on this broker`);
  }

  private readonly forget = (parked: ParkedRequest): void => {
    this.parked.delete(parked);
  };

  private noteChange(partition: Partition): void {
    if (partition.watchers.size > 0) this.changed.add(partition);
  }

  private appendNow(topic: string, index: number, records: Buffer, options: AppendOptions): AppendResult {
    const partition = this.partition(topic, index);
    try {
      if (partition === undefined) throw this.missingError(topic, index);
      const info = partition.appendAsLeader(records, options);
      if (options.origin === 'coordinator') this.wakeWaiting();
      return { errorCode: ErrorCode.NONE, info, error: null };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { errorCode: error.code, info: null, error };
    }
  }

  private applyOne(change: LeadershipChange): number {
    const known = this.ofThisLife(change.topic, change.partition);
    const held = known?.heldEpochs ?? { leaderEpoch: -1, partitionEpoch: -1 };
    const verdict = judgeLeadership(change, this.parts.nodeId, held);
    if (verdict !== 'stale' && known !== undefined) {
      const isToldById = change.topicId !== ZERO_UUID;
      known.noteToldById(isToldById);
      if (isToldById && known.topicId === ZERO_UUID) {
        const errorCode = learnTopicId(known, change.topicId);
        if (errorCode !== ErrorCode.NONE || verdict === 'unchanged') return errorCode;
      }
    }
    if (verdict === 'stale' || verdict === 'unchanged') {
      this.parts.log.debug('ignoring an outdated leadership change', { ...change, verdict });
      return ErrorCode.STALE_CONTROLLER_EPOCH;
    }
    if (!change.replicas.includes(this.parts.nodeId)) {
      if (known !== undefined) this.stop(known);
      return ErrorCode.NONE;
    }
    try {
      this.take(change, known ?? this.create(change), verdict);
      return ErrorCode.NONE;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (known === undefined && error.code === ErrorCode.KAFKA_STORAGE_ERROR) {
        this.unreachable.add(partitionName(change.topic, change.partition));
      }
      return error.code;
    }
  }

  private ofThisLife(topic: string, index: number): Partition | undefined {
    const known = this.partition(topic, index);
    return known?.isOfEarlierLife ? undefined : known;
  }

  private take(
    change: LeadershipChange,
    partition: Partition,
    verdict: 'become-leader' | 'become-follower' | 'update',
  ): void {
    const wasLeader = partition.isLeader;
    switch (verdict) {
      case 'update':
        return partition.update(change);
      case 'become-leader':
        this.parts.peers.unfollow(partition);
        partition.becomeLeader(change);
        this.awaited.expect(this.followersOf(change), partition);
        return this.tell({ partition, isLeader: true });
      case 'become-follower':
        partition.becomeFollower(change);
        this.awaited.forget(partition);
        if (wasLeader) this.tell({ partition, isLeader: false });
        return this.parts.peers.follow(partition);
    }
  }

  private followersOf({ replicas }: LeadershipChange): number[] {
    return replicas.filter((id) => id !== this.parts.nodeId && this.parts.peers.isLive(id));
  }

  private create(change: LeadershipChange): Partition {
    const { topic, topicId, partition: index } = change;
    const settings = this.parts.settingsOf(topic);
    const log = this.parts.logs.getOrCreate(
      topic,
      index,
      topicId === ZERO_UUID ? null : topicId,
      change.isNew,
    );
    this.unreachable.delete(partitionName(topic, index));
    const partition = new Partition({ topic, index, topicId }, this.surroundings, log, settings);
    const siblings = this.topics.get(topic);
    if (siblings === undefined) this.topics.set(topic, new Map([[index, partition]]));
    else siblings.set(index, partition);
    this.moves.resume(partition);
    return partition;
  }

  private stop(partition: Partition): void {
    const siblings = this.topics.get(partition.topic);
    siblings?.delete(partition.index);
    if (siblings?.size === 0) this.topics.delete(partition.topic);
    this.parts.peers.unfollow(partition);
    this.moves.pause(partition);
    partition.stopLeading(partition.leaderEpoch);
    this.awaited.forget(partition);
    this.tell({ partition, isLeader: false });
  }

  private tell(event: LeadershipEvent): void {
    for (const listener of this.leadershipListeners) listener(event);
  }
}

function partitionName(topic: string, index: number): string {
  return `${topic}-${index}`;
}

/** A controller that has learnt of topic ids tells them within the same epoch (KAFKA-13132). @returns an error code or 0 */
function learnTopicId(partition: Partition, topicId: string): number {
  try {
    partition.learnTopicId(topicId);
    return ErrorCode.NONE;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}
