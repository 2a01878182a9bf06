import { Cluster } from '../cluster/cluster.ts';
import { CLUSTER_OPTION_NAMES } from '../cluster/cluster-options.ts';
import { Coordinator, CoordinatorType } from '../cluster/coordinators.ts';
import { delay } from '../cluster/backoff.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { isInsideApplication } from '../consumer/handler-scope.ts';
import type { JoinTrouble } from '../consumer/membership.ts';
import { Signal } from '../consumer/signal.ts';
import { Watchdog, type Stall } from '../consumer/watchdog.ts';
import { ClientError, ClosedError, asError } from '../errors.ts';
import { pickOptions, refuseUnknown } from '../options.ts';
import type { Timer } from '../ports/clock.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { AcknowledgementOutcome } from './acknowledgement.ts';
import type { AcquiredRecord, ShareRecord } from './acquired-record.ts';
import { ShareFetcher } from './share-fetcher.ts';
import { ShareHandlerRunner, concurrencyOf, type ShareHandlers } from './share-handlers.ts';
import { ShareMembership, newMemberId } from './share-membership.ts';
import type { ShareMetrics } from './share-metrics.ts';
import {
  SHARE_CONSUMER_OPTION_NAMES,
  shareSettings,
  type ShareConsumerOptions,
  type ShareSettings,
} from './share-options.ts';

/** Records are handed out without a pause for so long; then timers and sockets have their turn. */
const BUSY_MAX_MS = 10;
/** Blocked for so long, a third of the coordinator's default session, a member is near to losing its place. */
const BLOCKED_AFTER_MS = 15_000;
const CLOSE_TIMEOUT_MS = 30_000;
/** Of the time to close, so much is not for handlers but for telling the brokers. */
const FAREWELL_SHARE = 1 / 3;
const FAREWELL_MAX_MS = 5_000;

/**
 * Reads topics as a member of a share group (KIP-932): records, not partitions, are shared out, so there may be more
 * members than partitions. Each record is one member's until that says what became of it or its lock runs out; then
 * it comes again, to whomever. At least once, in no promised order.
 *
 * Nothing is accepted that was not handled. Take records by one way at a time: `run`, `for await` over `records`, or
 * `poll`.
 */
export class ShareConsumer {
  readonly memberId: string;
  private readonly cluster: Cluster;
  private readonly settings: ShareSettings;
  private readonly changed: Signal;
  private readonly fetcher: ShareFetcher;
  private readonly membership: ShareMembership;
  private readonly watchdog: Watchdog;
  /** What the last poll returned. */
  private polled: readonly AcquiredRecord[] = [];
  private delivered = 0;
  private stalls = 0;
  /** Callers that wait for records. */
  private waiting = 0;
  private busySinceMs = 0;
  private takenAtMs = 0;
  private absence: Timer | null = null;
  private runner: ShareHandlerRunner | null = null;
  private running: Promise<void> | null = null;
  private closing: Promise<void> | null = null;
  private isWoken = false;
  private isClosed = false;

  /** Joins with the first call for records. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: ShareConsumerOptions) {
    refuseUnknown('a consumer of a share group', options, SHARE_CONSUMER_OPTION_NAMES);
    this.settings = shareSettings(options);
    this.cluster = new Cluster(pickOptions(options, CLUSTER_OPTION_NAMES));
    const { groupId, topics, clientRack: rack } = this.settings;
    this.memberId = newMemberId(this.cluster.environment.random);
    this.changed = new Signal(this.cluster.environment);
    const member = { groupId, memberId: this.memberId };
    this.fetcher = new ShareFetcher(this.cluster, member, this.settings, this.changed);
    const coordinator = new Coordinator(this.cluster, CoordinatorType.GROUP, groupId);
    const membershipOptions = { memberId: this.memberId, topics, rack };
    this.membership = new ShareMembership(this.cluster, coordinator, membershipOptions, {
      assigned: (targets) => this.fetcher.assign(targets),
      failed: (error) => this.fetcher.fail(error),
    });
    this.watchdog = new Watchdog(this.cluster.environment, {
      stallAfterMs: this.settings.stallAfterMs,
      blockedAfterMs: BLOCKED_AFTER_MS,
      trouble: () => this.trouble,
      held: () => this.heldPartitions(),
      report: (stall) => this.reportStall(stall),
    });
  }

  /** Finds the cluster now rather than with the first call. @throws ConnectionError when no broker answers */
  async connect(): Promise<void> {
    await this.cluster.nodes();
  }

  /** What this member reads at present, as others may, too. */
  get assignment(): readonly TopicPartition[] {
    return this.membership.assignment.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** Why records may be missing although attempts go on, and since when (monotonic); null when all is well. */
  get trouble(): JoinTrouble | null {
    return this.membership.trouble ?? this.fetcher.trouble;
  }

  metrics(): ShareMetrics {
    return {
      ...this.fetcher.counts,
      recordsDelivered: this.delivered,
      handlersFailed: this.runner?.failures ?? 0,
      recordsBuffered: this.fetcher.bufferedCount,
      recordsInHand: [...this.fetcher.inHand()].length,
      recordsUnsettled: this.fetcher.unsettledCount,
      stalls: this.stalls,
      eventLoopBlockedMaxMs: this.watchdog.blockedMaxMs,
    };
  }

  /**
   * Records that have come, or do within `timeoutMs`; maybe none, at most `maxPollRecords`. What the last call returned
   * and was not acknowledged is accepted, unless acknowledgements are explicit.
   *
   * @throws ClientError UNACKNOWLEDGED when they are and some are missing; UnsupportedApiError when the cluster has no
   *   share groups; KafkaError when the group does not take this member or a partition cannot be read; ClosedError
   */
  async poll(timeoutMs: number): Promise<readonly ShareRecord[]> {
    this.finishPolled();
    this.polled = await this.next(timeoutMs, this.settings.maxPollRecords);
    return this.polled;
  }

  /**
   * Records as they come, one by one, until the consumer is closed. Each that was not acknowledged is accepted when the
   * next is asked for, unless acknowledgements are explicit: then at most `maxPollRecords` are handed out before some
   * of them are. What the loop is left with is not accepted.
   */
  async *records(): AsyncGenerator<ShareRecord, void, undefined> {
    while (!this.isClosed) {
      let record: AcquiredRecord | null;
      try {
        record = this.takeOne() ?? (await this.nextOne());
      } catch (error) {
        if (error instanceof ClosedError && this.isClosed) return;
        throw error;
      }
      if (record === null) continue;
      let isDone = false;
      try {
        yield record;
        isDone = true;
      } finally {
        const verdict = isDone ? 'accept' : 'release';
        if (this.isImplicit && !record.isAcknowledged) record.acknowledge(verdict);
      }
    }
  }

  /**
   * Calls a handler for each record, up to `concurrency` of them at a time, also of one partition. A record whose
   * handler fails is released or rejected, as the handlers say, and the others go on.
   *
   * @returns when the consumer is closed, no handler running any more
   * @throws whatever ends `poll`; the consumer is closed then
   */
  run(handlers: ShareHandlers): Promise<void> {
    if (this.running !== null) throw new ClientError('ALREADY_RUNNING', 'the consumer runs handlers already');
    this.fetcher.concurrency = concurrencyOf(handlers);
    this.runner = new ShareHandlerRunner(
      {
        takeOne: () => this.takeOne(),
        next: () => this.nextOne(),
        stop: () => this.stop(),
        isStopped: () => this.isClosed,
        accepts: this.isImplicit,
      },
      handlers,
    );
    this.running = this.runner.run();
    return this.running.finally(() => this.closeNow(CLOSE_TIMEOUT_MS));
  }

  /**
   * Sends the acknowledgements that wait, those of the last poll included unless they are explicit, and waits for the
   * answers. Brokers that hold a request for records answer that first, so it may take `fetchMaxWaitMs` longer.
   *
   * @returns what became of each, by partition and verdict; an `error` there is not thrown
   */
  commit(): Promise<readonly AcknowledgementOutcome[]> {
    if (this.isImplicit) this.finishPolled();
    return this.fetcher.flush();
  }

  /** Ends a poll that waits, or else the next one before it does. */
  wake(): void {
    this.isWoken = true;
    this.changed.notify();
  }

  /**
   * Waits for handlers that run, says what became of records, gives back what was not acknowledged, ends the sessions
   * and leaves the group. Called from within a handler it only begins.
   *
   * @param timeoutMs for all of it; then the rest is dropped and comes again once locks run out. Default 30 000
   */
  async close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    this.stop();
    if (isInsideApplication()) {
      if (this.running === null) this.closeNow(timeoutMs).catch(() => undefined);
      return;
    }
    const { environment } = this.cluster;
    const deadlineMs = environment.clock.monotonic() + timeoutMs;
    if (this.running !== null) {
      const farewellMs = Math.min(timeoutMs * FAREWELL_SHARE, FAREWELL_MAX_MS);
      await within(environment, timeoutMs - farewellMs, this.running);
    }
    await this.closeNow(Math.max(deadlineMs - environment.clock.monotonic(), 1));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get isImplicit(): boolean {
    return this.settings.acknowledgementMode === 'implicit';
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private stop(): void {
    this.isClosed = true;
    this.changed.notify();
  }

  private closeNow(timeoutMs: number): Promise<void> {
    this.stop();
    this.closing ??= this.shutDown(timeoutMs);
    return this.closing;
  }

  private async shutDown(timeoutMs: number): Promise<void> {
    this.absence?.cancel();
    this.watchdog.stop();
    const deadline = this.cluster.environment.timers.after(timeoutMs, () => {
      this.cluster.close();
      this.fetcher.abandon();
    });
    try {
      await this.fetcher.close(timeoutMs);
      await this.membership.leave();
    } finally {
      deadline.cancel();
      this.cluster.close();
      this.changed.notify();
    }
  }

  /** @throws ClientError UNACKNOWLEDGED */
  private finishPolled(): void {
    const left = this.polled.filter(({ isAcknowledged }) => !isAcknowledged);
    if (!this.isImplicit && left.some(({ lost }) => lost === null)) {
      throw new ClientError(
        'UNACKNOWLEDGED',
        `${left.length} records of the last poll are not acknowledged; nothing more comes before they are`,
      );
    }
    this.polled = [];
    if (this.isImplicit) for (const record of left) record.acknowledge('accept');
  }

  /** One that is there, so that handlers that hardly wait cost little. */
  private takeOne(): AcquiredRecord | null {
    if (this.isClosed || this.isHandBound || this.nowMs - this.busySinceMs >= BUSY_MAX_MS) return null;
    const [record = null] = this.fetcher.take(1);
    if (record !== null) this.noteTaken(1);
    return record;
  }

  private async nextOne(): Promise<AcquiredRecord | null> {
    const [record = null] = await this.next(Infinity, 1);
    return record;
  }

  /** As much is in hand as may be. */
  private get isHandBound(): boolean {
    if (this.isImplicit) return false;
    return [...this.fetcher.inHand()].length >= this.settings.maxPollRecords;
  }

  private async next(timeoutMs: number, countMax: number): Promise<readonly AcquiredRecord[]> {
    const deadlineMs = this.nowMs + timeoutMs;
    this.waiting++;
    this.absence?.cancel();
    try {
      await this.breathe();
      for (;;) {
        if (this.isClosed) throw new ClosedError('consumer');
        this.watchdog.start();
        const records = this.isHandBound ? [] : this.fetcher.take(countMax);
        this.membership.start();
        const remainingMs = deadlineMs - this.nowMs;
        if (records.length > 0 || remainingMs <= 0 || this.isWoken) {
          this.isWoken = false;
          this.noteTaken(records.length);
          return records;
        }
        this.fetcher.ask(!this.isHandBound);
        await this.changed.wait(Math.min(remainingMs, this.fetcher.pauseMs));
        this.busySinceMs = this.nowMs;
      }
    } finally {
      this.waiting--;
      if (this.waiting === 0) {
        this.fetcher.ask(false);
        this.leaveWhenAbsent(this.settings.maxHandlingMs);
      }
    }
  }

  /** A handler that never waits would keep heartbeats from being sent. */
  private async breathe(): Promise<void> {
    if (this.nowMs - this.busySinceMs < BUSY_MAX_MS) return;
    await delay(this.cluster.environment, 0);
    this.busySinceMs = this.nowMs;
  }

  private noteTaken(count: number): void {
    this.delivered += count;
    this.takenAtMs = this.nowMs;
  }

  /** A member that asks for nothing must not keep partitions that nobody else may have been given. */
  private leaveWhenAbsent(afterMs: number): void {
    if (this.isClosed) return;
    this.absence?.cancel();
    this.absence = this.cluster.environment.timers.after(afterMs, () => {
      const leftMs = this.takenAtMs + this.settings.maxHandlingMs - this.nowMs;
      if (leftMs > 0) this.leaveWhenAbsent(leftMs);
      else if (this.waiting === 0) void this.membership.leave();
    });
  }

  /** Partitions with records in somebody's hands, with the time since when the oldest is. */
  private heldPartitions(): (TopicPartition & { progressAtMs: number })[] {
    const held = new Map<string, TopicPartition & { progressAtMs: number }>();
    for (const { topic, partition, deliveredAtMs } of this.fetcher.inHand()) {
      const key = partitionKey({ topic, partition });
      const progressAtMs = Math.min(held.get(key)?.progressAtMs ?? Infinity, deliveredAtMs!);
      held.set(key, { topic, partition, progressAtMs });
    }
    return [...held.values()];
  }

  private reportStall(stall: Stall): void {
    this.stalls++;
    try {
      this.settings.onStall?.(stall);
    } catch (thrown) {
      this.fetcher.fail(asError(thrown));
    }
  }
}

/** Until it is done or the time is up. */
function within(environment: ClientEnvironment, timeoutMs: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = environment.timers.after(timeoutMs, resolve);
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(done, done);
  });
}
