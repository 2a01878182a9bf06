import type { Clock } from '../ports/clock.ts';
import {
  isCaughtUp,
  progressAfterFetch,
  progressAtEpochStart,
  progressOfNewFollower,
  type FollowerFetch,
  type FollowerProgress,
} from './follower-progress.ts';
import { committedSet, judgeRefusal, maximalSet, proposedSet, type InSyncSet } from './in-sync-set.ts';
import type { LeadershipChange } from './leadership.ts';
import type { ReadableReplica } from './read-preference.ts';

/** A leader's wish for another in-sync set. */
export interface InSyncProposal {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  /** Version of the state that the proposal is based on. */
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
}

/** What became of it. */
export type InSyncOutcome =
  | { readonly errorCode: number }
  | { readonly leaderEpoch: number; readonly partitionEpoch: number; readonly isr: readonly number[] };

/** What a leader needs of its broker. */
export interface LeaderSurroundings {
  readonly nodeId: number;
  readonly clock: Clock;
  /** `replica.lag.time.max.ms`, milliseconds. */
  lagMaxMs(): number;
  /** Whether a follower may be counted on: it is alive, as far as this broker has heard. */
  isEligible(brokerId: number): boolean;
  /**
   * Asks the controller for another in-sync set. Answers once, never within the call, and a failure that may be
   * asked again only after a pause.
   */
  propose(proposal: InSyncProposal, done: (outcome: InSyncOutcome) => void): void;
}

/** The part of the log that a leader's decisions look at. */
export interface LeaderLog {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Up to where the own records count: where they must be synced first, not to the end. */
  readonly acknowledgeableOffset: number;
  readonly highWatermark: number;
}

/**
 * What the leader of one epoch knows of its followers, and what follows from it: who is in sync and how far the
 * high watermark may go. Its `onChange` is called when the in-sync set changed, since that may commit records.
 *
 * The set shrinks by followers that have not caught up for `replica.lag.time.max.ms`, and grows by those that
 * have reached the high watermark and the start of this epoch. Each change is in force only once the controller
 * has written it; until then the high watermark waits for everybody who may be in the set.
 */
export class LeaderRole {
  private readonly surroundings: LeaderSurroundings;
  private log: LeaderLog;
  private readonly onChange: () => void;
  private readonly followers = new Map<number, FollowerProgress>();
  /** The high watermark that followers were told last. */
  private readonly toldHighWatermarks = new Map<number, number>();
  private readonly epochStartOffset: number;
  private change: LeadershipChange;
  private partitionEpoch: number;
  private inSync: InSyncSet;
  /** A later word of the controller makes answers to earlier proposals void. */
  private proposalCount = 0;
  private isOver = false;

  /** @param before the role in the epoch before, when this broker had it */
  constructor(
    surroundings: LeaderSurroundings,
    log: LeaderLog,
    change: LeadershipChange,
    before: LeaderRole | null,
    onChange: () => void,
  ) {
    this.surroundings = surroundings;
    this.log = log;
    this.onChange = onChange;
    this.change = change;
    this.partitionEpoch = change.partitionEpoch;
    this.inSync = committedSet(change.isr);
    this.epochStartOffset = log.logEndOffset;
    const start = {
      wasLeader: before !== null,
      leaderEndOffset: log.logEndOffset,
      nowMs: surroundings.clock.monotonic(),
    };
    for (const id of this.followerIds()) {
      const known = before?.followers.get(id);
      this.followers.set(id, progressAtEpochStart(known, change.isr.includes(id), start));
    }
  }

  get isr(): readonly number[] {
    return this.inSync.committed;
  }

  /** All that may be in sync, whatever came of a change that is on its way. */
  get maximalIsr(): readonly number[] {
    return maximalSet(this.inSync);
  }

  /** Of the state that the in-sync set is from. */
  get epochOfState(): number {
    return this.partitionEpoch;
  }

  get replicas(): readonly number[] {
    return this.change.replicas;
  }

  /** The high watermark has not come to where this leadership began: a former leader may have told of a later one. */
  get isBehindItsStart(): boolean {
    return this.log.highWatermark < this.epochStartOffset;
  }

  /** How far the followers have got, by broker id. */
  get progress(): ReadonlyMap<number, FollowerProgress> {
    return this.followers;
  }

  isFollower(brokerId: number): boolean {
    return this.followers.has(brokerId);
  }

  /** The controller has written another state in the same epoch: assignment or in-sync set have changed. */
  update(change: LeadershipChange): void {
    if (change.partitionEpoch < this.partitionEpoch) return;
    this.change = change;
    this.partitionEpoch = change.partitionEpoch;
    this.proposalCount += 1;
    this.inSync = committedSet(change.isr);
    const ids = new Set(this.followerIds());
    for (const id of this.followers.keys()) if (!ids.has(id)) this.forget(id);
    const nowMs = this.surroundings.clock.monotonic();
    for (const id of ids) {
      if (!this.followers.has(id))
        this.followers.set(id, progressOfNewFollower(change.isr.includes(id), nowMs));
    }
  }

  /** The records lie elsewhere from now on. @param log has the same ones */
  exchangeLog(log: LeaderLog): void {
    this.log = log;
  }

  /** The role ends: answers that are still to come change nothing. */
  end(): void {
    this.isOver = true;
  }

  /** A follower fetches: it has everything before its fetch offset. */
  followerFetched(brokerId: number, fetch: Omit<FollowerFetch, 'nowMs' | 'leaderEndOffset'>): void {
    const known = this.followers.get(brokerId);
    if (known === undefined) return;
    const nowMs = this.surroundings.clock.monotonic();
    const leaderEndOffset = this.log.logEndOffset;
    this.followers.set(brokerId, progressAfterFetch(known, { ...fetch, leaderEndOffset, nowMs }));
    if (this.mayJoin(brokerId))
      this.propose({ committed: this.isr, pending: { kind: 'expand', joining: brokerId } });
  }

  /** An answer with this high watermark goes to a follower. */
  told(brokerId: number, highWatermark: number): void {
    if (this.followers.has(brokerId)) this.toldHighWatermarks.set(brokerId, highWatermark);
  }

  /** Whether this high watermark tells a follower of more than it was told of. */
  isNewsTo(brokerId: number, highWatermark: number): boolean {
    return (this.toldHighWatermarks.get(brokerId) ?? -1) < highWatermark;
  }

  /**
   * The followers in sync that hold the records at an offset, by what they have told, and this replica. Others may
   * lag for ever, and a consumer that is sent to them with them.
   */
  readableReplicas(offset: number): { leader: ReadableReplica; followers: readonly ReadableReplica[] } {
    const nowMs = this.surroundings.clock.monotonic();
    const followers: ReadableReplica[] = [];
    for (const [brokerId, { logStartOffset, logEndOffset, caughtUpMs }] of this.followers) {
      const holdsOffset = logStartOffset <= offset && offset <= logEndOffset;
      if (holdsOffset && this.isr.includes(brokerId)) {
        followers.push({ brokerId, logEndOffset, behindMs: nowMs - caughtUpMs });
      }
    }
    const { nodeId: brokerId } = this.surroundings;
    return { leader: { brokerId, logEndOffset: this.log.logEndOffset, behindMs: 0 }, followers };
  }

  /** To be called now and then, twice per `replica.lag.time.max.ms`: takes laggards out of the in-sync set. */
  shrinkByLag(): void {
    if (this.inSync.pending !== null) return;
    const leaving = this.isr.filter((id) => id !== this.surroundings.nodeId && !this.isCaughtUp(id));
    if (leaving.length > 0) this.propose({ committed: this.isr, pending: { kind: 'shrink', leaving } });
  }

  /**
   * Up to where all are that are in sync, or may be; and those that are about to join, or they never would.
   * It does not advance while fewer than `min.insync.replicas` are in sync.
   */
  commitableOffset(minInsyncReplicas: number): number {
    if (this.isr.length < this.minInsync(minInsyncReplicas)) return this.log.highWatermark;
    const maximal = maximalSet(this.inSync);
    let offset = this.log.acknowledgeableOffset;
    for (const [id, { logEndOffset }] of this.followers) {
      if (logEndOffset >= offset) continue;
      const counts = maximal.includes(id) || (this.surroundings.isEligible(id) && this.isCaughtUp(id));
      if (counts) offset = logEndOffset;
    }
    return Math.max(offset, this.log.highWatermark);
  }

  /** How many must be in sync for acks=all; never more than there are replicas. */
  minInsync(minInsyncReplicas: number): number {
    return Math.min(minInsyncReplicas, this.followers.size + 1);
  }

  /** The least log start offset of all replicas that are alive: records before it are gone everywhere. */
  lowWatermark(): number {
    let low = this.log.logStartOffset;
    for (const [id, { logStartOffset }] of this.followers) {
      if (this.surroundings.isEligible(id)) low = Math.min(low, logStartOffset);
    }
    return low;
  }

  private forget(brokerId: number): void {
    this.followers.delete(brokerId);
    this.toldHighWatermarks.delete(brokerId);
  }

  private followerIds(): number[] {
    return this.change.replicas.filter((id) => id !== this.surroundings.nodeId);
  }

  private isCaughtUp(brokerId: number): boolean {
    const { clock } = this.surroundings;
    const progress = this.followers.get(brokerId);
    if (progress === undefined) return false;
    return isCaughtUp(progress, this.log.logEndOffset, clock.monotonic(), this.surroundings.lagMaxMs());
  }

  private mayJoin(brokerId: number): boolean {
    if (this.inSync.pending !== null || this.isr.includes(brokerId)) return false;
    if (!this.surroundings.isEligible(brokerId)) return false;
    const { logEndOffset } = this.followers.get(brokerId)!;
    return logEndOffset >= this.log.highWatermark && logEndOffset >= this.epochStartOffset;
  }

  private propose(next: InSyncSet): void {
    this.inSync = next;
    this.send(++this.proposalCount);
  }

  private send(number: number): void {
    const { topic, topicId, partition, leaderEpoch } = this.change;
    const proposal = { topic, topicId, partition, leaderEpoch, partitionEpoch: this.partitionEpoch };
    this.surroundings.propose({ ...proposal, isr: proposedSet(this.inSync) }, (outcome) => {
      if (this.isOver || number !== this.proposalCount) return;
      if ('errorCode' in outcome) this.wasRefused(outcome.errorCode, number);
      else this.wasWritten(outcome);
    });
  }

  private wasRefused(errorCode: number, number: number): void {
    switch (judgeRefusal(errorCode)) {
      case 'revert':
        this.inSync = committedSet(this.isr);
        return this.onChange();
      case 'retry':
        return this.send(number);
      case 'wait for the controller':
        return;
    }
  }

  private wasWritten(outcome: Exclude<InSyncOutcome, { errorCode: number }>): void {
    if (outcome.leaderEpoch !== this.change.leaderEpoch || outcome.partitionEpoch < this.partitionEpoch)
      return;
    this.partitionEpoch = outcome.partitionEpoch;
    this.inSync = committedSet(outcome.isr);
    this.onChange();
  }
}
