import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { backoffMs, delay } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Coordinator } from '../cluster/coordinators.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { ClientError, ClosedError, asError, isRetriableError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import { commitOffsets, fetchCommitted, type Committer, type OffsetToCommit } from './committed-offsets.ts';
import type { OffsetReset } from './consumer-options.ts';
import { UNKNOWN_EPOCH, type StartOffset } from './fetch/fetch-partition.ts';
import type { FetchedRecords } from './fetch/fetched-data.ts';
import type { Fetcher } from './fetch/fetcher.ts';
import type { JoinTrouble, Membership, MembershipEvents } from './membership.ts';
import type { GroupSettings, RebalanceListener } from './group-options.ts';
import { callApplication } from './handler-scope.ts';
import { OwnedPartition, type Delivery } from './owned-partition.ts';
import type { Signal } from './signal.ts';

export interface OwnershipParts {
  readonly cluster: Cluster;
  readonly coordinator: Coordinator;
  readonly fetcher: Fetcher;
  /** Told whenever there may be something to do. */
  readonly changed: Signal;
  readonly settings: GroupSettings;
  readonly offsetReset: OffsetReset;
  /** @param owned what the member reads at present */
  readonly newMembership: (owned: () => readonly TopicPartition[], events: MembershipEvents) => Membership;
}

/** A heartbeat is under way that brings the newer epoch. */
const STALE_EPOCH_ATTEMPTS = 10;

/** Where reading begins, and the leader epoch of the record before it. */
interface Start {
  readonly position: StartOffset;
  readonly lastEpoch: number;
}

/** The group went on without this member, or is about to: what it could not commit, others repeat. */
const GONE_ON_CODES: readonly number[] = [
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.STALE_MEMBER_EPOCH,
];

/**
 * What a member of a group owns, and how that changes.
 *
 * A rebalance goes on beside the caller's work and in this order: nothing further of the partitions concerned is
 * handed out; what is in work is given back; listeners are told; what is processed is committed; only then the member
 * joins (eager), or joins again without them (cooperative). So when the next owner starts, nobody works on them here.
 * When the member was expelled the order cannot be kept: handlers see their signal abort, and nothing is committed.
 */
export class PartitionOwnership {
  private readonly parts: OwnershipParts;
  private readonly membership: Membership;
  private readonly owned = new Map<string, OwnedPartition>();
  /** Lost, and the listener not told yet. */
  private lost: OwnedPartition[] = [];
  private rejoinNeeded = true;
  private isJoining = false;
  /** Nobody asks for records: whoever joined now would keep partitions from others for nothing. */
  private isAbandoned = false;
  private rebalancing: Promise<void> | null = null;
  private failure: Error | null = null;
  /** The end of the last commit that was begun. */
  private commits: Promise<unknown> = Promise.resolve();
  private commitTimer: Timer | null = null;
  private isClosed = false;
  readonly counts = { recordsDelivered: 0, commits: 0, commitsFailed: 0, rebalances: 0, partitionsLost: 0 };

  constructor(parts: OwnershipParts) {
    this.parts = parts;
    this.membership = parts.newMembership(() => this.assignment, {
      rejoinNeeded: () => this.rejoin(),
      lost: (reason = new Error('the group went on without this member')) => this.loseAll(reason),
      failed: (error) => this.fail(error),
    });
  }

  get assignment(): readonly TopicPartition[] {
    return [...this.owned.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  get trouble(): JoinTrouble | null {
    return this.membership.trouble;
  }

  /** For commits elsewhere; null while this member has no place in the group. */
  get committer(): Committer | null {
    this.lookAfterPlace();
    return this.membership.isMember ? this.membership.committer : null;
  }

  /** Those whose records are in somebody's hands. */
  get held(): readonly OwnedPartition[] {
    return [...this.owned.values()].filter(({ isHeld }) => isHeld);
  }

  owner(at: TopicPartition): OwnedPartition | undefined {
    return this.owned.get(partitionKey(at));
  }

  /** Begins what is due. Called whenever somebody asks for records. @throws what went wrong since the last call */
  tend(): void {
    this.isAbandoned = false;
    this.lookAfterPlace();
    if (this.failure !== null) {
      const { failure } = this;
      this.failure = null;
      throw failure;
    }
    if (this.rejoinNeeded || this.membership.isAssignmentOutdated) this.beginRebalance();
  }

  /** Leaves the group, whatever is in work. The next `tend` joins again, nothing else does. */
  abandon(reason: string): void {
    this.isAbandoned = true;
    void this.membership.leave();
    this.loseAll(new Error(reason));
  }

  /** Puts records into the caller's hands; none when their partition is not owned any more. */
  handOut(batch: FetchedRecords): Delivery[] {
    const owner = this.owner(batch);
    if (owner === undefined || owner.isRevoking) return [];
    this.counts.recordsDelivered += batch.records.length;
    owner.isHeld = true;
    owner.progressAtMs = this.nowMs;
    this.parts.fetcher.hold(owner, true);
    this.watch(owner);
    return [{ owner, batch, epoch: owner.epoch, doneUpTo: null, isCutShort: false }];
  }

  giveBack({ owner }: Delivery): void {
    owner.isHeld = false;
    if (this.owned.get(owner.key) === owner) this.parts.fetcher.hold(owner, false);
    this.parts.changed.notify();
  }

  /** Everything of the delivery before the offset is done. */
  finishUpTo(delivery: Delivery, offset: number): void {
    const { owner, batch } = delivery;
    const { nowMs } = this;
    // Whoever was at work for so long may have kept the event loop from hearing that the place is lost.
    if (nowMs - owner.progressAtMs > this.parts.settings.membership.heartbeatIntervalMs)
      this.lookAfterPlace();
    if (!owner.isCurrent(delivery)) return;
    delivery.doneUpTo = offset;
    owner.progressAtMs = nowMs;
    const { topic, partition } = owner;
    // Of the batches before the last the epoch may be an older one.
    const leaderEpoch = offset === batch.nextOffset ? batch.leaderEpoch : undefined;
    const mark =
      leaderEpoch === undefined ? { topic, partition, offset } : { topic, partition, offset, leaderEpoch };
    this.markProcessed(owner, mark);
  }

  /** What is not done of a delivery is delivered again. */
  takeBack(delivery: Delivery): void {
    const { owner, batch, doneUpTo } = delivery;
    if (!owner.isCurrent(delivery)) return;
    owner.epoch++;
    this.parts.fetcher.start(owner, doneUpTo ?? batch.records[0]?.offset ?? batch.nextOffset);
  }

  markProcessed(owner: OwnedPartition, mark: OffsetToCommit): void {
    owner.markProcessed(mark);
    if (this.commitTimer === null) this.commitLater();
  }

  /**
   * Commits what is processed, after what is being committed already; while the member joins, after that.
   *
   * @throws KafkaError
   */
  async commit(): Promise<void> {
    while (this.isJoining) await this.parts.changed.wait(Infinity);
    const commit = this.commits.then(() => this.commitNow());
    this.commits = commit.catch(() => undefined);
    await commit;
  }

  /** Every partition goes on from what is committed. @throws KafkaError */
  async rewind(): Promise<void> {
    const owners = [...this.owned.values()];
    const starts = await this.startOffsets(owners);
    for (const [index, owner] of owners.entries()) {
      const isStillOurs = this.owned.get(owner.key) === owner && !owner.isRevoking;
      if (starts === null || !isStillOurs) continue;
      owner.noteSeek();
      this.parts.fetcher.start(owner, starts[index]!.position, starts[index]!.lastEpoch);
    }
  }

  /**
   * Gives everything up in good order and leaves the group. What is in work is not waited for.
   *
   * @throws KafkaError when the last commit fails; what a listener threw
   */
  async close(): Promise<void> {
    this.isClosed = true;
    this.commitTimer?.cancel();
    for (const owner of this.owned.values()) owner.isHeld = false;
    this.parts.changed.notify();
    // A rebalance under way ends soon: nothing is held, and nobody joins any more.
    if (this.isJoining) await this.membership.close();
    else this.membership.refuse();
    await this.rebalancing;
    try {
      if (this.membership.isMember && this.owned.size > 0) await this.handBack([...this.owned.values()]);
    } finally {
      await this.membership.close();
      for (const owner of this.owned.values()) owner.lose(new ClosedError('consumer'));
      this.owned.clear();
    }
    if (this.failure !== null) throw this.failure;
  }

  private async handBack(partitions: readonly OwnedPartition[]): Promise<void> {
    for (const owner of partitions) this.retire(owner);
    await this.tell(this.parts.settings.onRevoked, partitions);
    if (this.parts.settings.autoCommit) await this.commit();
  }

  /** Connections are gone: nothing is waited for that needs them. */
  cut(): void {
    this.membership.cut();
  }

  /** After a time without the event loop the place may be gone: nothing is done in its name then. */
  private lookAfterPlace(): void {
    this.membership.catchUp();
    if (!this.membership.isExpired) return;
    void this.membership.leave();
    this.loseAll(new Error('the session ended before the coordinator was heard again'));
  }

  private get nowMs(): number {
    return this.parts.cluster.environment.clock.monotonic();
  }

  private noteRejoin(): void {
    this.rejoinNeeded = true;
    this.parts.changed.notify();
  }

  /** At once, though nobody may ask for records for long: those at work stop after the record at hand. */
  private rejoin(): void {
    this.noteRejoin();
    this.beginRebalance();
  }

  private beginRebalance(): void {
    if (this.rebalancing !== null || this.isClosed) return;
    this.rebalancing = this.rebalance()
      .then(
        () => true,
        (error: unknown) => {
          this.rejoinNeeded = true;
          if (!(error instanceof ClosedError)) this.fail(asError(error));
          return false;
        },
      )
      .then((isDone) => {
        this.rebalancing = null;
        this.parts.changed.notify();
        // What was lost, and what failed, waits for somebody who asks for records.
        if (isDone && this.rejoinNeeded && this.membership.isMember) this.beginRebalance();
      });
  }

  /** Comes out of the next call for records. */
  fail(error: Error): void {
    this.failure ??= error;
    this.parts.changed.notify();
  }

  /** At once and whole: whatever is in work for these is of no use to the group. */
  private loseAll(reason: Error): void {
    for (const owner of this.owned.values()) {
      this.parts.fetcher.stop(owner);
      owner.lose(reason);
      this.counts.partitionsLost++;
      this.lost.push(owner);
    }
    this.owned.clear();
    // Who joins at present tries again by itself.
    if (!this.isJoining) this.rejoinNeeded = true;
    this.parts.changed.notify();
  }

  private async rebalance(): Promise<void> {
    const { isCooperative } = this.parts.settings;
    await this.tellLost();
    if (isCooperative) await this.commitQuietly();
    else await this.release([...this.owned.values()]);
    await this.commitsDone();
    if (this.isAbandoned) return;
    this.rejoinNeeded = false;
    this.isJoining = true;
    let assignment: readonly TopicPartition[] | null;
    try {
      assignment = await this.membership.join(() => (this.isAbandoned ? null : this.assignment));
    } finally {
      this.isJoining = false;
      this.parts.changed.notify();
    }
    await this.tellLost();
    if (assignment === null) this.rejoinNeeded = true;
    else await this.adopt(assignment);
    this.membership.adopted();
  }

  /** No commit may cross a join: it would come from another generation than it says. */
  private async commitsDone(): Promise<void> {
    for (let last = null; last !== this.commits;) {
      last = this.commits;
      await last;
    }
  }

  private async adopt(assignment: readonly TopicPartition[]): Promise<void> {
    this.counts.rebalances++;
    const keys = new Set(assignment.map(partitionKey));
    const unwanted = [...this.owned.values()].filter(({ key }) => !keys.has(key));
    if (unwanted.length > 0) {
      await this.release(unwanted);
      // Only now others may have them: the group has to be asked again.
      this.noteRejoin();
    }
    const added = assignment.filter((at) => !this.owned.has(partitionKey(at)));
    if (added.length > 0) await this.begin(added);
  }

  private async begin(added: readonly TopicPartition[]): Promise<void> {
    const { incarnation } = this.membership;
    const starts = await this.startOffsets(added);
    // Expelled meanwhile: the next rebalance begins anew.
    if (starts === null || this.isClosed) return;
    if (incarnation !== this.membership.incarnation) return;
    const { fetcher, settings } = this.parts;
    const fresh = added.map((at, index) => {
      const { position, lastEpoch } = starts[index]!;
      const owner = new OwnedPartition(at, typeof position === 'number' ? position : null);
      this.owned.set(owner.key, owner);
      fetcher.start(at, position, lastEpoch);
      if (settings.onAssigned !== null) fetcher.hold(at, true);
      return owner;
    });
    await this.tell(settings.onAssigned, fresh);
    for (const owner of fresh) {
      if (this.owned.get(owner.key) === owner) fetcher.hold(owner, false);
    }
  }

  /** Null when the member is out before it is known. @throws what another attempt cannot cure */
  private async startOffsets(added: readonly TopicPartition[]): Promise<Start[] | null> {
    const { cluster, coordinator } = this.parts;
    for (let failures = 1; ; failures++) {
      try {
        const committed = await fetchCommitted(coordinator, added);
        await this.learnTopics(new Set(added.map(({ topic }) => topic)));
        return added.map((at) => {
          const found = committed.get(partitionKey(at));
          return found === undefined
            ? { position: this.reset(at), lastEpoch: UNKNOWN_EPOCH }
            : { position: found.offset, lastEpoch: found.leaderEpoch ?? UNKNOWN_EPOCH };
        });
      } catch (error) {
        if (!isRetriableError(error)) throw error;
        if (!this.membership.isMember || this.isClosed) return null;
        await delay(
          cluster.environment,
          backoffMs(cluster.settings.backoff, failures, cluster.environment.random),
        );
      }
    }
  }

  /** What is not known yet, or not any more, the fetcher goes on to look for: the others need not wait for it. */
  private async learnTopics(topics: ReadonlySet<string>): Promise<void> {
    const { cluster } = this.parts;
    for (const topic of topics) cluster.touch(topic);
    const unknown = [...topics].filter((topic) => cluster.metadata.topic(topic) === undefined);
    if (unknown.length === 0) return;
    for (const [topic, code] of await cluster.refresh(unknown)) {
      if (!isRetriable(code)) throw new KafkaError(code, `topic "${topic}": ${errorName(code)}`);
    }
  }

  private reset({ topic, partition }: TopicPartition): 'earliest' | 'latest' {
    const { offsetReset, coordinator } = this.parts;
    if (offsetReset !== 'none') return offsetReset;
    throw new ClientError(
      'NO_OFFSET',
      `group "${coordinator.key}" has no committed offset for ${topic}-${partition}`,
    );
  }

  /** Gives partitions up in good order. What is lost on the way drops out. */
  private async release(partitions: readonly OwnedPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    for (const owner of partitions) this.retire(owner);
    while (partitions.some(({ isHeld, isLost }) => isHeld && !isLost)) {
      await this.parts.changed.wait(Infinity);
    }
    const kept = partitions.filter(({ isLost }) => !isLost);
    if (kept.length > 0) await this.tell(this.parts.settings.onRevoked, kept);
    await this.commitQuietly();
    for (const owner of kept) {
      owner.end();
      if (this.owned.get(owner.key) === owner) this.owned.delete(owner.key);
    }
  }

  private retire(owner: OwnedPartition): void {
    owner.isRevoking = true;
    this.parts.fetcher.stop(owner);
  }

  private async tellLost(): Promise<void> {
    const { lost } = this;
    this.lost = [];
    if (lost.length > 0) await this.tell(this.parts.settings.onLost, lost);
  }

  /** A listener that fails or hangs does not hold up the group for longer than the group waits for this member. */
  private async tell(
    listener: RebalanceListener | null,
    partitions: readonly OwnedPartition[],
  ): Promise<void> {
    if (listener === null) return;
    const { environment } = this.parts.cluster;
    const { maxPollIntervalMs } = this.parts.settings;
    const named = partitions.map(({ topic, partition }) => ({ topic, partition }));
    await new Promise<void>((resolve) => {
      const timer = environment.timers.after(maxPollIntervalMs, () => {
        this.fail(new ClientError('LISTENER_TIMEOUT', `a listener took more than ${maxPollIntervalMs} ms`));
        resolve();
      });
      Promise.resolve()
        .then(() => callApplication(listener, named))
        .catch((error: unknown) => this.fail(asError(error)))
        .finally(() => {
          timer.cancel();
          resolve();
        });
    });
  }

  private commitLater(): void {
    const { autoCommit, autoCommitIntervalMs } = this.parts.settings;
    if (!autoCommit || autoCommitIntervalMs === 0 || this.isClosed) return;
    this.commitTimer = this.parts.cluster.environment.timers.after(autoCommitIntervalMs, () => {
      this.commitTimer = null;
      void this.commitInTime();
    });
  }

  private async commitInTime(): Promise<void> {
    // A rebalance commits by itself before the member joins.
    if (this.rebalancing === null) await this.commitQuietly();
    const isUnfinished = [...this.owned.values()].some(({ uncommitted }) => uncommitted !== null);
    if (isUnfinished && this.commitTimer === null) this.commitLater();
  }

  /** What others will repeat is no error here; what no attempt can cure comes out of the next call for records. */
  private async commitQuietly(): Promise<void> {
    if (!this.parts.settings.autoCommit) return;
    const commit = this.commits.then(() => this.commitNow());
    this.commits = commit.catch(() => undefined);
    try {
      await commit;
    } catch (error) {
      const isCurable = isRetriableError(error) || error instanceof ClosedError;
      if (isCurable || (error instanceof KafkaError && GONE_ON_CODES.includes(error.code))) return;
      this.fail(asError(error));
    }
  }

  private async commitNow(): Promise<void> {
    const marks = [...this.owned.values()].flatMap((owner) => {
      const mark = owner.uncommitted;
      return mark === null ? [] : [{ owner, mark }];
    });
    if (marks.length === 0) return;
    this.lookAfterPlace();
    if (!this.membership.isMember) {
      throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, 'the group went on without this member');
    }
    const offsets = marks.map(({ mark }) => mark);
    await this.commitAs(this.membership.committer, offsets, STALE_EPOCH_ATTEMPTS);
    for (const { owner, mark } of marks) owner.noteCommitted(mark);
  }

  /** @param attemptsLeft while the member is told a newer epoch than the one that the commit was sent with */
  private async commitAs(
    committer: Committer,
    offsets: readonly OffsetToCommit[],
    attemptsLeft: number,
  ): Promise<void> {
    try {
      await commitOffsets(this.parts.coordinator, committer, offsets);
      this.counts.commits++;
    } catch (error) {
      this.counts.commitsFailed++;
      if (!(error instanceof KafkaError)) throw error;
      this.membership.noteRefusal(error.code, committer.generationId);
      const isStale = error.code === ErrorCode.STALE_MEMBER_EPOCH && this.membership.isMember;
      if (!isStale || attemptsLeft === 0) throw error;
      const { settings, environment } = this.parts.cluster;
      await delay(environment, settings.backoff.initialMs);
      await this.commitAs(this.membership.committer, offsets, attemptsLeft - 1);
    }
  }

  /** A member that does not get done must not keep its partitions from others. */
  private watch(owner: OwnedPartition, afterMs = this.parts.settings.maxPollIntervalMs): void {
    owner.watchdog ??= this.parts.cluster.environment.timers.after(afterMs, () => {
      owner.watchdog = null;
      if (!owner.isHeld) return;
      const { maxPollIntervalMs } = this.parts.settings;
      const leftMs = owner.progressAtMs + maxPollIntervalMs - this.nowMs;
      if (leftMs > 0) this.watch(owner, leftMs);
      else
        this.abandon(`nothing of ${owner.topic}-${owner.partition} got done within ${maxPollIntervalMs} ms`);
    });
  }
}
