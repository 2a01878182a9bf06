import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { EpochEnd } from '../log/leader-epoch-cache.ts';
import type { LogAppendInfo } from '../log/log-append.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { AppendOrigin } from '../log/validation-settings.ts';
import type { FollowerProgress } from './follower-progress.ts';
import { LeaderRole, type LeaderSurroundings } from './leader-role.ts';
import type { HeldEpochs, LeadershipChange } from './leadership.ts';
import { isThrottled, type ThrottledPartitions } from './replication-quota.ts';
import { Watchers } from './watchers.ts';

export interface PartitionAppend {
  readonly requiredAcks: -1 | 0 | 1;
  readonly origin: AppendOrigin;
  /** Version of the Produce request that the records came in; absent for the broker's own records. */
  readonly requestVersion?: number;
}

/** Settings that the partition itself, not its log, obeys. */
export interface PartitionSettings {
  readonly minInsyncReplicas: number;
  /** Whose followers are throttled, and who is throttled as a follower (KIP-73); none where absent. */
  readonly throttledAsLeader?: ThrottledPartitions;
  readonly throttledAsFollower?: ThrottledPartitions;
}

/** What a partition needs of its broker. */
export interface PartitionSurroundings extends LeaderSurroundings {
  /** More can be read now, or the leadership changed: those who wait on the partition are to be woken. */
  changed(partition: Partition): void;
  /** The same, by an answer of the controller that came in between requests. */
  changedMeanwhile(partition: Partition): void;
}

/** What a leader tells a follower with its records. */
export interface LeaderPositions {
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

const NO_EPOCH = -1;

/** No broker leads, as far as is known here. */
export const NO_LEADER = -1;

/**
 * One replica that lives here: its log, and its role in the leader epoch that it knows.
 *
 * A leader takes appends and counts its followers (see leader-role.ts); a follower takes what its leader has, and
 * the leader's word for what is committed.
 */
export class Partition {
  readonly topic: string;
  readonly index: number;
  /** Woken whenever more can be read, and when the role changes. */
  readonly watchers = new Watchers();

  private readonly surroundings: PartitionSurroundings;
  private currentLog: PartitionLog;
  private settings: PartitionSettings;
  private id: string;
  private isToldById: boolean;
  private epoch = NO_EPOCH;
  private followedState = NO_EPOCH;
  private isOver = false;
  private leader: LeaderRole | null = null;
  private leaderIdKnown = NO_LEADER;
  private assigned: readonly number[] = [];

  constructor(
    identity: { topic: string; index: number; topicId: string },
    surroundings: PartitionSurroundings,
    log: PartitionLog,
    settings: PartitionSettings,
  ) {
    this.topic = identity.topic;
    this.index = identity.index;
    this.id = identity.topicId;
    this.isToldById = identity.topicId !== ZERO_UUID;
    this.surroundings = surroundings;
    this.currentLog = log;
    log.onProgress = () => this.logProgressed();
    this.settings = settings;
  }

  /** Another one once it was moved to another data directory: not to be kept. */
  get log(): PartitionLog {
    return this.currentLog;
  }

  /** The records lie elsewhere from now on. @param log has the same ones */
  exchangeLog(log: PartitionLog): void {
    this.currentLog = log;
    log.onProgress = () => this.logProgressed();
    this.leader?.exchangeLog(log);
    this.logProgressed();
  }

  /** ZERO_UUID while nobody has told it: controllers before Kafka 2.8 know of none. */
  get topicId(): string {
    return this.id;
  }

  /**
   * The id becomes known, also within an epoch.
   * @throws KafkaError INCONSISTENT_TOPIC_ID when the log is that of another topic
   */
  learnTopicId(topicId: string): void {
    this.log.assignTopicId(topicId);
    this.id = topicId;
  }

  /**
   * Whether the brokers of the cluster can be asked by the topic's id. A controller that works as before Kafka 2.8 tells
   * nobody of ids (KAFKA-13394): the one that the log has stays, but a leader that has started under it does not know it.
   */
  get isKnownById(): boolean {
    return this.isToldById;
  }

  /** The controller has told of this replica with or without the id. */
  noteToldById(isToldById: boolean): void {
    this.isToldById = isToldById;
  }

  get leaderEpoch(): number {
    return this.epoch;
  }

  get heldEpochs(): HeldEpochs {
    return { leaderEpoch: this.epoch, partitionEpoch: this.leader?.epochOfState ?? this.followedState };
  }

  /** See `endLife`. */
  get isOfEarlierLife(): boolean {
    return this.isOver;
  }

  get isLeader(): boolean {
    return this.leader !== null;
  }

  /** The broker that leads, or NO_LEADER. */
  get leaderId(): number {
    return this.leaderIdKnown;
  }

  /** The in-sync set as the controller has written it; empty where another broker leads. */
  get isr(): readonly number[] {
    return this.leader?.isr ?? [];
  }

  get replicas(): readonly number[] {
    return this.assigned;
  }

  /** How far the followers have got; empty where another broker leads. */
  get followers(): ReadonlyMap<number, FollowerProgress> {
    return this.leader?.progress ?? new Map();
  }

  get isThrottledAsLeader(): boolean {
    return isThrottled(this.settings.throttledAsLeader, this.index);
  }

  get isThrottledAsFollower(): boolean {
    return isThrottled(this.settings.throttledAsFollower, this.index);
  }

  /** Whether this high watermark tells a follower of more than it was told of; false where another broker leads. */
  isNewsTo(brokerId: number, highWatermark: number): boolean {
    return this.leader?.isNewsTo(brokerId, highWatermark) ?? false;
  }

  /** An answer with this high watermark goes to a follower. */
  toldFollower(brokerId: number, highWatermark: number): void {
    this.leader?.told(brokerId, highWatermark);
  }

  updateSettings(settings: PartitionSettings): void {
    this.settings = settings;
    this.advanceHighWatermark();
  }

  /** From here on appends are taken, in the epoch of `change`. */
  becomeLeader(change: LeadershipChange): void {
    this.epoch = change.leaderEpoch;
    this.assigned = change.replicas;
    this.leaderIdKnown = change.leader;
    this.log.assignLeaderEpoch(change.leaderEpoch);
    const before = this.leader;
    before?.end();
    this.leader = new LeaderRole(this.surroundings, this.log, change, before, () => this.inSyncChanged());
    this.advanceHighWatermark();
    this.surroundings.changed(this);
  }

  /** From here on records come from the leader that `change` names. Who waits here is told to go there. */
  becomeFollower(change: LeadershipChange): void {
    this.stopLeading(change.leaderEpoch);
    this.followedState = change.partitionEpoch;
    this.assigned = change.replicas;
    this.leaderIdKnown = change.leader;
  }

  /** Another in-sync set or assignment in the same epoch. */
  update(change: LeadershipChange): void {
    this.assigned = change.replicas;
    if (this.leader === null) this.followedState = change.partitionEpoch;
    this.leader?.update(change);
    if (this.advanceHighWatermark()) this.surroundings.changed(this);
  }

  /** Whoever is parked here is woken, and told that the leader is elsewhere. */
  stopLeading(leaderEpoch: number): void {
    this.epoch = leaderEpoch;
    this.leader?.end();
    this.leader = null;
    this.leaderIdKnown = NO_LEADER;
    this.surroundings.changed(this);
  }

  /**
   * The life of the broker in which the role was given is over. There is none until one is ordered, which makes the
   * partition anew as after a restart: even the present epoch will do then.
   */
  endLife(): void {
    this.isOver = true;
    this.stopLeading(this.epoch);
  }

  /**
   * Appends as the leader.
   *
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER; NOT_ENOUGH_REPLICAS when acks=all is asked of fewer in-sync
   *   replicas than `min.insync.replicas`; and whatever the log refuses the records for
   */
  appendAsLeader(records: Buffer, append: PartitionAppend): LogAppendInfo {
    const leader = this.requireLeader();
    if (append.requiredAcks === -1 && this.isUnderMinInsync(leader.isr)) {
      throw new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, this.tooFewInSync());
    }
    const info = this.log.appendAsLeader(records, {
      leaderEpoch: this.epoch,
      origin: append.origin,
      ...(append.requestVersion === undefined ? {} : { requestVersion: append.requestVersion }),
    });
    this.advanceHighWatermark();
    this.surroundings.changed(this);
    return info;
  }

  /**
   * Whether an append that ended below `offset` may be answered: with acks=all see `commitOutcome`, else once it is
   * synced where `flush.messages` asks for that.
   *
   * @returns null: not yet; else an error code or 0
   */
  appendOutcome(requiredAcks: -1 | 0 | 1, offset: number, leaderEpoch: number): number | null {
    if (this.log.isOffline) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (requiredAcks === -1) return this.commitOutcome(offset, leaderEpoch);
    return requiredAcks === 0 || this.log.acknowledgeableOffset >= offset ? ErrorCode.NONE : null;
  }

  /**
   * Whether acks=all may be answered for records below `offset` that were appended in `leaderEpoch`.
   * @returns null: not yet; else an error code or 0. NOT_ENOUGH_REPLICAS_AFTER_APPEND: they are committed, but by
   *   fewer replicas than `min.insync.replicas`
   */
  commitOutcome(offset: number, leaderEpoch: number): number | null {
    if (this.leader === null || this.epoch !== leaderEpoch) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    if (this.log.highWatermark < offset) return null;
    const { NONE, NOT_ENOUGH_REPLICAS_AFTER_APPEND } = ErrorCode;
    return this.isUnderMinInsync(this.leader.maximalIsr) ? NOT_ENOUGH_REPLICAS_AFTER_APPEND : NONE;
  }

  /** A follower has everything before its fetch offset. */
  followerFetched(brokerId: number, fetchOffset: number, logStartOffset: number): void {
    if (this.leader === null) return;
    const startBefore = this.leader.progress.get(brokerId)?.logStartOffset;
    this.leader.followerFetched(brokerId, { fetchOffset, logStartOffset });
    const hasCommitted = this.advanceHighWatermark();
    if (hasCommitted || startBefore !== logStartOffset) this.surroundings.changed(this);
  }

  /** Takes laggards out of the in-sync set. */
  shrinkByLag(): void {
    this.leader?.shrinkByLag();
  }

  /**
   * Takes what the leader of `leaderEpoch` has.
   * @throws KafkaError FENCED_LEADER_EPOCH when that is not the leader any more; KAFKA_STORAGE_ERROR, CORRUPT_MESSAGE
   */
  appendAsFollower(records: Buffer, leaderEpoch: number, positions: LeaderPositions): void {
    this.requireFollowing(leaderEpoch);
    if (records.length > 0) this.log.appendAsFollower(records);
    const before = this.log.highWatermark;
    const highWatermark = this.log.updateHighWatermark(Math.max(before, positions.highWatermark));
    const deleted = Math.min(positions.logStartOffset, highWatermark);
    if (deleted > this.log.logStartOffset) this.log.advanceLogStartOffset(deleted);
    if (highWatermark > before) this.surroundings.changed(this);
  }

  /** @throws KafkaError FENCED_LEADER_EPOCH */
  requireFollowing(leaderEpoch: number): void {
    if (this.leader !== null || this.epoch !== leaderEpoch) {
      throw new KafkaError(ErrorCode.FENCED_LEADER_EPOCH, `following epoch ${leaderEpoch} has ended`);
    }
  }

  /**
   * Whether records before `offset` are deleted on all replicas that are alive, so that no later leader brings them back.
   *
   * @returns null: not yet; else an error code or 0
   */
  deletionOutcome(offset: number, leaderEpoch: number): number | null {
    if (this.leader === null || this.epoch !== leaderEpoch) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return this.leader.lowWatermark() >= offset ? ErrorCode.NONE : null;
  }

  /** Everything before `offset` counts as deleted. @returns the new log start offset */
  deleteRecordsBefore(offset: number): number {
    this.requireLeader();
    if (this.log.config.cleanupCompact && !this.log.config.cleanupDelete) {
      throw new KafkaError(
        ErrorCode.POLICY_VIOLATION,
        `records of ${this.topic} cannot be deleted: its cleanup.policy is compact only`,
      );
    }
    const target = offset === -1 ? this.log.highWatermark : offset;
    if (target < 0 || target > this.log.highWatermark) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${offset}, allowed are ${this.log.logStartOffset} to ${this.log.highWatermark}`,
      );
    }
    this.log.advanceLogStartOffset(target);
    return this.log.logStartOffset;
  }

  /**
   * Consumers that ask where the log ends must not be told of less than they were told before (KIP-207).
   * @throws KafkaError OFFSET_NOT_AVAILABLE until a new leader knows that all from before it is committed;
   *   NOT_LEADER_OR_FOLLOWER
   */
  requireKnownEnd(): void {
    if (!this.requireLeader().isBehindItsStart) return;
    const reason = `what was committed before epoch ${this.epoch} is not known yet`;
    throw new KafkaError(ErrorCode.OFFSET_NOT_AVAILABLE, `${this.topic}-${this.index}: ${reason}`);
  }

  /** @throws KafkaError NOT_LEADER_OR_FOLLOWER */
  requireLeader(): LeaderRole {
    if (this.leader !== null) return this.leader;
    throw new KafkaError(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      `broker ${this.surroundings.nodeId} does not lead ${this.topic}-${this.index}`,
    );
  }

  /**
   * Whether a broker may fetch as a follower.
   * @throws KafkaError UNKNOWN_LEADER_EPOCH when it is not assigned but agrees with us about the epoch: the word that
   *   it is has not arrived here; NOT_LEADER_OR_FOLLOWER when it does not tell its epoch
   */
  requireFollower(brokerId: number, currentLeaderEpoch: number): void {
    if (this.requireLeader().isFollower(brokerId)) return;
    const { UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER } = ErrorCode;
    const code = currentLeaderEpoch === NO_EPOCH ? NOT_LEADER_OR_FOLLOWER : UNKNOWN_LEADER_EPOCH;
    throw new KafkaError(code, `broker ${brokerId} is no replica of ${this.topic}-${this.index}`);
  }

  /**
   * Holds the epoch that a client believes in against the one in force (KIP-320).
   *
   * @param known -1 when the client does not tell
   * @throws KafkaError FENCED_LEADER_EPOCH when the client is behind, UNKNOWN_LEADER_EPOCH when it is ahead
   */
  requireLeaderEpoch(known: number): void {
    if (known === NO_EPOCH || known === this.epoch) return;
    const code = known < this.epoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
    throw new KafkaError(code, `leader epoch is ${this.epoch}, the request names ${known}`);
  }

  /**
   * Where the reader has to go back to, or null when its history agrees with this log up to `fetchOffset`.
   * @throws KafkaError OFFSET_OUT_OF_RANGE when that cannot be told: of records that are deleted, no history is left
   */
  divergingEpoch(lastFetchedEpoch: number, fetchOffset: number): EpochEnd | null {
    if (lastFetchedEpoch === NO_EPOCH) return null;
    const end = this.log.endOffsetForEpoch(lastFetchedEpoch);
    if (end.epoch === NO_EPOCH) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `no epoch up to ${lastFetchedEpoch} is known in ${this.topic}-${this.index}`,
      );
    }
    if (fetchOffset < this.log.logStartOffset) {
      const { logStartOffset } = this.log;
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `${this.topic}-${this.index} begins at ${logStartOffset}, offset ${fetchOffset} was asked for`,
      );
    }
    return end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset ? end : null;
  }

  private logProgressed(): void {
    this.advanceHighWatermark();
    this.surroundings.changedMeanwhile(this);
  }

  private inSyncChanged(): void {
    this.advanceHighWatermark();
    this.surroundings.changedMeanwhile(this);
  }

  /** @returns whether it moved */
  private advanceHighWatermark(): boolean {
    if (this.leader === null) return false;
    const before = this.log.highWatermark;
    const offset = this.leader.commitableOffset(this.settings.minInsyncReplicas);
    return offset > before && this.log.updateHighWatermark(offset) > before;
  }

  private isUnderMinInsync(inSync: readonly number[]): boolean {
    return inSync.length < this.requireLeader().minInsync(this.settings.minInsyncReplicas);
  }

  private tooFewInSync(): string {
    return `${this.isr.length} replicas in sync, min.insync.replicas is ${this.settings.minInsyncReplicas}`;
  }
}
