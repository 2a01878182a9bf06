import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { EpochEnd } from '../log/leader-epoch-cache.ts';
import type { LogAppendInfo } from '../log/log-append.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { AppendOrigin } from '../log/validation-settings.ts';
import type { LeadershipChange } from './leadership.ts';
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
}

const NO_LEADER_EPOCH = -1;

/**
 * One replica that lives here: its log, whether it leads, and since which epoch.
 *
 * The high watermark is the least log end offset over the in-sync replicas. The only replica of a single broker
 * is in sync with itself, so what it appended is committed at once.
 */
export class Partition {
  readonly topic: string;
  readonly index: number;
  readonly topicId: string;
  readonly log: PartitionLog;
  /** Woken whenever more can be read, and when the leadership ends. */
  readonly watchers = new Watchers();

  private readonly nodeId: number;
  private settings: PartitionSettings;
  private epoch = NO_LEADER_EPOCH;
  private leading = false;
  private inSync: readonly number[] = [];
  private assigned: readonly number[] = [];

  constructor(
    identity: { topic: string; index: number; topicId: string },
    nodeId: number,
    log: PartitionLog,
    settings: PartitionSettings,
  ) {
    this.topic = identity.topic;
    this.index = identity.index;
    this.topicId = identity.topicId;
    this.nodeId = nodeId;
    this.log = log;
    this.settings = settings;
  }

  get leaderEpoch(): number {
    return this.epoch;
  }

  get isLeader(): boolean {
    return this.leading;
  }

  get isr(): readonly number[] {
    return this.inSync;
  }

  get replicas(): readonly number[] {
    return this.assigned;
  }

  updateSettings(settings: PartitionSettings): void {
    this.settings = settings;
  }

  /** From here on appends are taken, in the epoch of `change`. */
  becomeLeader(change: LeadershipChange): void {
    this.epoch = change.leaderEpoch;
    this.inSync = change.isr;
    this.assigned = change.replicas;
    this.leading = true;
    this.log.assignLeaderEpoch(change.leaderEpoch);
    this.advanceHighWatermark();
  }

  /** Whoever is parked here is woken, and told that the leader is elsewhere. */
  stopLeading(leaderEpoch: number): void {
    this.epoch = leaderEpoch;
    this.leading = false;
    this.watchers.wakeAll();
  }

  /**
   * Appends as the leader.
   *
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER; NOT_ENOUGH_REPLICAS when acks=all is asked of fewer in-sync
   *   replicas than `min.insync.replicas`; and whatever the log refuses the records for
   */
  appendAsLeader(records: Buffer, append: PartitionAppend): LogAppendInfo {
    this.requireLeader();
    if (append.requiredAcks === -1 && this.inSync.length < this.settings.minInsyncReplicas) {
      throw new KafkaError(
        ErrorCode.NOT_ENOUGH_REPLICAS,
        `${this.inSync.length} replicas in sync, min.insync.replicas is ${this.settings.minInsyncReplicas}`,
      );
    }
    const info = this.log.appendAsLeader(records, {
      leaderEpoch: this.epoch,
      origin: append.origin,
      ...(append.requestVersion === undefined ? {} : { requestVersion: append.requestVersion }),
    });
    this.advanceHighWatermark();
    return info;
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

  /** @throws KafkaError NOT_LEADER_OR_FOLLOWER */
  requireLeader(): void {
    if (!this.leading) {
      throw new KafkaError(
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        `broker ${this.nodeId} does not lead ${this.topic}-${this.index}`,
      );
    }
  }

  /**
   * Holds the epoch that a client believes in against the one in force (KIP-320).
   *
   * @param known -1 when the client does not tell
   * @throws KafkaError FENCED_LEADER_EPOCH when the client is behind, UNKNOWN_LEADER_EPOCH when it is ahead
   */
  requireLeaderEpoch(known: number): void {
    if (known === NO_LEADER_EPOCH || known === this.epoch) return;
    const code = known < this.epoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
    throw new KafkaError(code, `leader epoch is ${this.epoch}, the request names ${known}`);
  }

  /** Where the reader has to go back to, or null when its history agrees with this log up to `fetchOffset`. */
  divergingEpoch(lastFetchedEpoch: number, fetchOffset: number): EpochEnd | null {
    if (lastFetchedEpoch === NO_LEADER_EPOCH) return null;
    const end = this.log.endOffsetForEpoch(lastFetchedEpoch);
    if (end.epoch === NO_LEADER_EPOCH) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `no epoch up to ${lastFetchedEpoch} is known in ${this.topic}-${this.index}`,
      );
    }
    return end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset ? end : null;
  }

  private advanceHighWatermark(): void {
    if (this.inSync.length > 1 || this.inSync[0] !== this.nodeId) return;
    this.log.updateHighWatermark(this.log.logEndOffset);
  }
}
