import { Cluster } from '../cluster/cluster.ts';
import { CLUSTER_OPTION_NAMES, type ClusterOptions } from '../cluster/cluster-options.ts';
import { Coordinator, CoordinatorType } from '../cluster/coordinators.ts';
import { delay } from '../cluster/backoff.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { ClientError, ClosedError, asError } from '../errors.ts';
import { pickOptions, refuseUnknown } from '../options.ts';
import type { Timer } from '../ports/clock.ts';
import { fetchCommitted, type CommittedOffset, type OffsetToCommit } from './committed-offsets.ts';
import type { ConsumedRecord } from './consumed-record.ts';
import type { ConsumerMetrics } from './consumer-metrics.ts';
import { consumerSettings, type ConsumerSettings } from './consumer-options.ts';
import type { StartOffset } from './fetch/fetch-partition.ts';
import type { FetchedRecords } from './fetch/fetched-data.ts';
import { Fetcher } from './fetch/fetcher.ts';
import type { GroupMetadata } from './group-metadata.ts';
import { classicHeartbeats, consumerHeartbeats } from './heartbeats/new-heartbeats.ts';
import { ConsumerProtocolMembership } from './consumer-protocol-membership.ts';
import { GroupMembership } from './group-membership.ts';
import type { JoinTrouble, Membership, MembershipEvents } from './membership.ts';
import {
  GROUP_CONSUMER_OPTION_NAMES,
  groupSettings,
  type GroupConsumerOptions,
  type GroupSettings,
} from './group-options.ts';
import { HandlerRunner, type Handlers } from './handler-runner.ts';
import { isInsideApplication } from './handler-scope.ts';
import type { Delivery } from './owned-partition.ts';
import { PartitionOwnership } from './partition-ownership.ts';
import { Signal } from './signal.ts';
import { TopicSelection } from './topic-selection.ts';
import { Watchdog, type Stall } from './watchdog.ts';

/** Answers are handled without a pause for so long; then timers and sockets have their turn. */
const BUSY_MAX_MS = 10;

/** A loop blocked for so much of the session timeout is near to losing the place in the group. */
const BLOCKED_SHARE = 1 / 3;

const CLOSE_TIMEOUT_MS = 30_000;

/**
 * Reads topics as a member of a group, by the classic protocol or that of KIP-848.
 *
 * What was handed out counts as processed once the caller asks for more, or says so, never before; only that is
 * committed: on the interval, before partitions are given up and when the consumer closes. After a crash records
 * that were handled but not committed come again; none is left out.
 *
 * Take records by one way at a time: `run`, `for await` over `records` or `batches`, or `poll`.
 */
export class GroupConsumer {
  private readonly cluster: Cluster;
  private readonly settings: ConsumerSettings;
  private readonly groupSettings: GroupSettings;
  private readonly changed: Signal;
  private readonly fetcher: Fetcher;
  private readonly coordinator: Coordinator;
  private readonly ownership: PartitionOwnership;
  private readonly watchdog: Watchdog;
  private stalls = 0;
  /** What the last poll returned. */
  private polled: readonly Delivery[] = [];
  private busySinceMs = 0;
  private pollDeadline: Timer | null = null;
  private isWoken = false;
  private isClosed = false;
  private running: Promise<void> | null = null;
  private closing: Promise<void> | null = null;

  /** Joins with the first call for records. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: GroupConsumerOptions) {
    refuseUnknown('a consumer of a group', options, GROUP_CONSUMER_OPTION_NAMES);
    this.settings = consumerSettings(options);
    this.groupSettings = groupSettings(options);
    const clusterOptions = pickOptions(options, CLUSTER_OPTION_NAMES);
    this.cluster = new Cluster(clusterOptions);
    this.changed = new Signal(this.cluster.environment);
    this.fetcher = new Fetcher(this.cluster, this.settings, this.changed);
    this.coordinator = new Coordinator(this.cluster, CoordinatorType.GROUP, options.groupId);
    this.ownership = new PartitionOwnership({
      cluster: this.cluster,
      coordinator: this.coordinator,
      fetcher: this.fetcher,
      changed: this.changed,
      settings: this.groupSettings,
      offsetReset: this.settings.offsetReset,
      newMembership: (owned, events) => this.newMembership(clusterOptions, owned, events),
    });
    this.watchdog = new Watchdog(this.cluster.environment, {
      stallAfterMs: this.groupSettings.stallAfterMs,
      blockedAfterMs: this.groupSettings.membership.sessionTimeoutMs * BLOCKED_SHARE,
      trouble: () => this.trouble,
      held: () => this.ownership.held,
      report: (stall) => this.reportStall(stall),
    });
  }

  /** Finds the cluster now rather than with the first call. @throws ConnectionError when no broker answers */
  async connect(): Promise<void> {
    await this.cluster.nodes();
  }

  /** What this member reads at present. */
  get assignment(): readonly TopicPartition[] {
    return this.ownership.assignment;
  }

  /** What was done, and where each partition stands. */
  metrics(): ConsumerMetrics {
    const { bytes: bytesFetched, truncations } = this.fetcher.counts;
    return {
      ...this.ownership.counts,
      bytesFetched,
      truncations,
      stalls: this.stalls,
      eventLoopBlockedMaxMs: this.watchdog.blockedMaxMs,
      partitions: this.fetcher.partitionMetrics,
    };
  }

  /** Why records may be missing although attempts go on, and since when (monotonic); null when all is well. */
  get trouble(): JoinTrouble | null {
    return this.ownership.trouble ?? this.fetcher.trouble;
  }

  /**
   * Records that have come, or do within `timeoutMs`; maybe none. What the last call returned counts as processed.
   *
   * @throws KafkaError, UnreadableRecordsError, BadAnswerError when a partition cannot be read or the group does not
   *   take this member; ClientError NO_OFFSET; ClosedError; what a listener threw
   */
  async poll(timeoutMs: number): Promise<readonly FetchedRecords[]> {
    this.pollDeadline?.cancel();
    this.finishPolled();
    this.polled = await this.next(timeoutMs, Infinity);
    this.watchPolls();
    return this.polled.map(({ batch }) => batch);
  }

  /**
   * Like `poll`, for callers who work on records beyond the next call: nothing of what it returns counts as processed
   * until `markProcessed` or `commit` says so, and a rebalance does not wait for it to be given back. `onRevoked` is
   * the place to wait for what is in work, and to mark how far it got.
   *
   * @throws what `poll` throws
   */
  async take(timeoutMs: number): Promise<readonly FetchedRecords[]> {
    this.pollDeadline?.cancel();
    this.finishPolled();
    const taken = await this.next(timeoutMs, Infinity);
    for (const delivery of taken) this.ownership.giveBack(delivery);
    this.watchPolls();
    return taken.map(({ batch }) => batch);
  }

  /** Records as they come, one by one, until the consumer is closed. Each is processed when the next is asked for. */
  async *records(): AsyncGenerator<ConsumedRecord, void, undefined> {
    for await (const delivery of this.deliveries()) {
      const { owner, batch } = delivery;
      const { topic, partition } = batch;
      for (const record of batch.records) {
        delivery.isCutShort = owner.isRevoking || !owner.isCurrent(delivery);
        if (delivery.isCutShort) break;
        yield { topic, partition, ...record };
        this.ownership.finishUpTo(delivery, record.offset + 1);
      }
    }
  }

  /** Records as they come, partition by partition. Each batch is processed when the next is asked for. */
  async *batches(): AsyncGenerator<FetchedRecords, void, undefined> {
    for await (const { batch } of this.deliveries()) if (batch.records.length > 0) yield batch;
  }

  /**
   * Calls a handler for each record, or each batch: in order within a partition, for up to `concurrency` partitions at
   * a time. What a handler has done with is processed.
   *
   * @returns when the consumer is closed, no handler running any more
   * @throws HandlerError when a handler failed, and whatever ends `poll`: the consumer is closed then, with everything
   *   committed that was processed
   */
  run(handlers: Handlers): Promise<void> {
    if (this.running !== null) throw new ClientError('ALREADY_RUNNING', 'the consumer runs handlers already');
    const runner = new HandlerRunner(
      {
        next: () => this.next(Infinity, 1),
        finishUpTo: (delivery, offset) => this.ownership.finishUpTo(delivery, offset),
        giveBack: (delivery) => this.ownership.giveBack(delivery),
        takeBack: (delivery) => this.ownership.takeBack(delivery),
        stop: () => this.stop(),
        isStopped: () => this.isClosed,
      },
      handlers,
    );
    this.running = runner.run();
    const ended = this.running;
    return ended.finally(() => this.closeNow(CLOSE_TIMEOUT_MS));
  }

  /** For a caller who stops within what was handed out: what of it is processed. Others' partitions are left out. */
  markProcessed(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) {
      const owner = this.ownership.owner(offset);
      if (owner !== undefined) this.ownership.markProcessed(owner, offset);
    }
  }

  /**
   * Commits what is processed, or these offsets. Commits of one consumer never overtake one another.
   *
   * @throws KafkaError when the group has gone on without this member: others repeat what was not committed;
   *   ClientError NOT_ASSIGNED for offsets of partitions that this member does not have
   */
  async commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    for (const offset of offsets ?? []) {
      const owner = this.ownership.owner(offset);
      if (owner === undefined) {
        throw new ClientError(
          'NOT_ASSIGNED',
          `${offset.topic}-${offset.partition} is not assigned to this member`,
        );
      }
      this.ownership.markProcessed(owner, offset);
    }
    await this.ownership.commit();
  }

  /** What the group has committed, by `partitionKey`; partitions without a commit are left out. @throws KafkaError */
  committed(partitions: readonly TopicPartition[] = this.assignment): Promise<Map<string, CommittedOffset>> {
    return fetchCommitted(this.coordinator, partitions);
  }

  /**
   * Who this consumer is in its group, for `Producer.sendOffsets`: take it within the work on what was read.
   *
   * @throws ClientError NOT_A_MEMBER while it has no place in the group: what was read belongs to others by now
   */
  get groupMetadata(): GroupMetadata {
    const { committer } = this.ownership;
    if (committer === null) {
      const message = `this consumer has no place in group "${this.coordinator.key}" at present`;
      throw new ClientError('NOT_A_MEMBER', message, { retriable: true });
    }
    return { groupId: this.coordinator.key, ...committer };
  }

  /**
   * Goes on, in all partitions, from what the group has committed: after a transaction was aborted. What was read since
   * comes again.
   *
   * @throws KafkaError; the partitions are where they were then
   */
  async rewind(): Promise<void> {
    await this.ownership.rewind();
  }

  /** Goes on from somewhere else. Nothing from before is delivered any more. Others' partitions are left out. */
  seek(at: TopicPartition, to: StartOffset): void {
    const owner = this.ownership.owner(at);
    if (owner === undefined) return;
    owner.noteSeek();
    this.fetcher.start(at, to);
  }

  /** Delivers nothing of these until resumed; what has been fetched is kept. A rebalance may end it. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.fetcher.pause(partition);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.fetcher.resume(partition);
  }

  get paused(): readonly TopicPartition[] {
    return this.fetcher.paused;
  }

  /** The offset of a partition that is delivered next, or null while it is not known. */
  position(at: TopicPartition): number | null {
    return this.fetcher.position(at);
  }

  /** Ends a poll that waits, or else the next one before it does. */
  wake(): void {
    this.isWoken = true;
    this.changed.notify();
  }

  /**
   * Waits for handlers that run, commits what is processed and leaves the group; a static member keeps its place.
   * What was handed out by `poll`, `records` or `batches` last is not processed, unless marked. Called from within a
   * handler or listener it only begins.
   *
   * @param timeoutMs for what needs the brokers; then the rest is dropped. Default 30 000
   * @throws KafkaError when the last commit fails; the consumer is closed all the same
   */
  async close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    this.stop();
    if (isInsideApplication()) {
      if (this.running === null) this.closeNow(timeoutMs).catch(() => undefined);
      return;
    }
    await this.running?.catch(() => undefined);
    await this.closeNow(timeoutMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private reportStall(stall: Stall): void {
    this.stalls++;
    try {
      this.groupSettings.onStall?.(stall);
    } catch (thrown) {
      this.ownership.fail(asError(thrown));
    }
  }

  private newMembership(
    clusterOptions: ClusterOptions,
    owned: () => readonly TopicPartition[],
    events: MembershipEvents,
  ): Membership {
    const { membership, heartbeatProgram: program, maxPollIntervalMs } = this.groupSettings;
    const { cluster, coordinator } = this;
    const topics = new TopicSelection(cluster, this.groupSettings.topics, () => this.changed.notify());
    const parts = { cluster, coordinator, clusterOptions, program, silenceMaxMs: maxPollIntervalMs };
    if (this.groupSettings.protocol === 'classic') {
      return new GroupMembership(cluster, coordinator, membership, topics, events, classicHeartbeats(parts));
    }
    const { serverAssignor, serverTopicPattern } = this.groupSettings;
    const rack = this.settings.clientRack;
    const options = { ...membership, topics, serverTopicPattern, rack, serverAssignor, owned };
    return new ConsumerProtocolMembership(cluster, coordinator, options, events, consumerHeartbeats(parts));
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
    this.pollDeadline?.cancel();
    this.watchdog.stop();
    const deadline = this.cluster.environment.timers.after(timeoutMs, () => {
      this.cluster.close();
      this.ownership.cut();
    });
    try {
      await this.ownership.close();
      await this.fetcher.close();
    } finally {
      deadline.cancel();
      this.cluster.close();
      this.changed.notify();
    }
  }

  /** A member that does not poll must not keep its partitions from others, also when it holds nothing. */
  private watchPolls(): void {
    const { maxPollIntervalMs } = this.groupSettings;
    this.pollDeadline = this.cluster.environment.timers.after(maxPollIntervalMs, () =>
      this.ownership.abandon(`no records were asked for within ${maxPollIntervalMs} ms`),
    );
  }

  private finishPolled(): void {
    for (const delivery of this.polled) {
      this.ownership.finishUpTo(delivery, delivery.batch.nextOffset);
      this.ownership.giveBack(delivery);
    }
    this.polled = [];
  }

  /** Each is processed when the next is asked for; who stops before that gets the rest of it again. */
  private async *deliveries(): AsyncGenerator<Delivery, void, undefined> {
    for (;;) {
      let delivered: readonly Delivery[];
      try {
        delivered = await this.next(Infinity, 1);
      } catch (error) {
        if (error instanceof ClosedError && this.isClosed) return;
        throw error;
      }
      for (const delivery of delivered) {
        let isFinished = false;
        try {
          yield delivery;
          isFinished = !delivery.isCutShort;
        } finally {
          if (isFinished) this.ownership.finishUpTo(delivery, delivery.batch.nextOffset);
          else this.ownership.takeBack(delivery);
          this.ownership.giveBack(delivery);
        }
      }
    }
  }

  private async next(timeoutMs: number, stretchesMax: number): Promise<readonly Delivery[]> {
    const { clock } = this.cluster.environment;
    const deadlineMs = clock.monotonic() + timeoutMs;
    await this.breathe();
    for (;;) {
      if (this.isClosed) throw new ClosedError('consumer');
      this.watchdog.start();
      this.ownership.tend();
      const taken = this.fetcher.take(this.settings.maxPollRecords, stretchesMax);
      this.fetcher.ask();
      const deliveries = taken.flatMap((batch) => this.ownership.handOut(batch));
      const remainingMs = deadlineMs - clock.monotonic();
      if (deliveries.length > 0 || remainingMs <= 0 || this.isWoken) {
        this.isWoken = false;
        return deliveries;
      }
      // Nobody tells when topics change, nor when the session ends in silence.
      const { heartbeatIntervalMs } = this.groupSettings.membership;
      await this.changed.wait(Math.min(remainingMs, this.fetcher.pauseMs, heartbeatIntervalMs));
      this.busySinceMs = clock.monotonic();
    }
  }

  /** A handler that never waits would keep heartbeats from being sent. */
  private async breathe(): Promise<void> {
    const { environment } = this.cluster;
    if (environment.clock.monotonic() - this.busySinceMs < BUSY_MAX_MS) return;
    await delay(environment, 0);
    this.busySinceMs = environment.clock.monotonic();
  }
}
