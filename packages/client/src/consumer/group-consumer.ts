import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { Cluster } from '../cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../cluster/coordinators.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { ClientError, ClosedError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import { commitOffsets, fetchCommitted, type OffsetToCommit } from './committed-offsets.ts';
import { consumerSettings, type ConsumerOptions, type ConsumerSettings } from './consumer-options.ts';
import { Fetcher, type FetchedRecords } from './fetcher.ts';
import { GroupMembership, type GroupTimeouts } from './group-membership.ts';

/** Names and defaults follow Apache Kafka's Java consumer. */
export interface GroupConsumerOptions extends ConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Default 45 000. */
  readonly sessionTimeoutMs?: number;
  /** Default 3 000. */
  readonly heartbeatIntervalMs?: number;
  /** Between two polls; then the member leaves and others get its partitions. Default 300 000. */
  readonly maxPollIntervalMs?: number;
  /** How often what was processed is committed, milliseconds, 0 for never by itself. Default 5 000. */
  readonly autoCommitIntervalMs?: number;
  /** Told after each rebalance what this member reads from now on. */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void;
}

/** The group went on without this member, or is about to: what it could not commit, others repeat. */
const REBALANCE_CODES: readonly number[] = [
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.FENCED_INSTANCE_ID,
];

/**
 * Reads topics as a member of a group (classic protocol, range assignor).
 *
 * What `poll` returned counts as processed with the next call of `poll`, never before; only that is committed,
 * on the interval, before partitions are given up and when the consumer closes. After a crash records that were
 * handled but not committed come again; none is left out.
 */
export class GroupConsumer {
  private readonly cluster: Cluster;
  private readonly settings: ConsumerSettings;
  private readonly fetcher: Fetcher;
  private readonly coordinator: Coordinator;
  private readonly membership: GroupMembership;
  private readonly onAssigned: (partitions: readonly TopicPartition[]) => void;
  private readonly maxPollIntervalMs: number;
  private readonly autoCommitIntervalMs: number;
  /** Offsets after the records that are processed and not committed yet. */
  private readonly processed = new Map<string, OffsetToCommit>();
  /** Offsets after the records that the last poll returned. */
  private delivered: OffsetToCommit[] = [];
  private rejoinNeeded = true;
  private committedAtMs: number;
  private pollDeadline: Timer | null = null;
  private isClosed = false;

  /** Joins with the first poll. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: GroupConsumerOptions) {
    this.settings = consumerSettings(options);
    this.maxPollIntervalMs = options.maxPollIntervalMs ?? 300_000;
    this.autoCommitIntervalMs = options.autoCommitIntervalMs ?? 5_000;
    this.onAssigned = options.onAssigned ?? (() => undefined);
    this.cluster = new Cluster(options);
    this.fetcher = new Fetcher(this.cluster, this.settings);
    this.coordinator = new Coordinator(this.cluster, CoordinatorType.GROUP, options.groupId);
    this.membership = new GroupMembership(
      this.cluster,
      this.coordinator,
      options.topics,
      groupTimeouts(options, this.maxPollIntervalMs),
      { rejoinNeeded: () => this.noteRejoin() },
    );
    this.committedAtMs = this.nowMs;
  }

  /** Finds the cluster now rather than with the first call. @throws ConnectionError when no broker answers */
  async connect(): Promise<void> {
    await this.cluster.nodes();
  }

  /**
   * Records that have come, or do within `timeoutMs`; maybe none. Takes longer while the group forms.
   *
   * @throws KafkaError, BadAnswerError when a partition cannot be read; ClientError NO_OFFSET; ClosedError
   */
  async poll(timeoutMs: number): Promise<readonly FetchedRecords[]> {
    if (this.isClosed) throw new ClosedError('consumer');
    this.watchPolls();
    this.markProcessed(this.delivered);
    this.delivered = [];
    if (this.rejoinNeeded || this.membership.isAssignmentOutdated) await this.rebalance();
    else if (this.isCommitDue()) await this.commit();
    const fetched = await this.fetcher.poll(timeoutMs);
    this.delivered = fetched.map(({ topic, partition, nextOffset }) => ({
      topic,
      partition,
      offset: nextOffset,
    }));
    return fetched;
  }

  /** For a caller who stops within what the last poll returned: what of it is processed. */
  markProcessed(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) this.processed.set(partitionKey(offset), offset);
  }

  /** Commits what is processed. A group that forms anew is no error: its members commit before that. */
  async commit(): Promise<void> {
    this.committedAtMs = this.nowMs;
    if (!this.membership.isMember || this.processed.size === 0) return;
    const offsets = [...this.processed.values()];
    try {
      await commitOffsets(this.coordinator, this.membership.committer, offsets);
    } catch (error) {
      if (!(error instanceof KafkaError) || !REBALANCE_CODES.includes(error.code)) throw error;
      return this.noteRejoin();
    }
    for (const offset of offsets) {
      if (this.processed.get(partitionKey(offset)) === offset) this.processed.delete(partitionKey(offset));
    }
  }

  /** Ends a poll that waits. */
  wake(): void {
    this.fetcher.wake();
  }

  /** Commits what is processed and leaves the group. What the last poll returned is not, unless marked. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.pollDeadline?.cancel();
    try {
      await this.commit();
    } finally {
      await this.membership.leave();
      this.cluster.close();
      this.fetcher.wake();
    }
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private noteRejoin(): void {
    this.rejoinNeeded = true;
    this.fetcher.wake();
  }

  private isCommitDue(): boolean {
    return this.autoCommitIntervalMs > 0 && this.nowMs - this.committedAtMs >= this.autoCommitIntervalMs;
  }

  /** Gives up what it has, after committing, and takes what the new generation gives. */
  private async rebalance(): Promise<void> {
    await this.commit();
    this.processed.clear();
    for (const partition of this.fetcher.assigned) this.fetcher.stop(partition);
    this.rejoinNeeded = false;
    const partitions = await this.membership.join();
    if (partitions.length > 0) await this.startAtCommitted(partitions);
    this.watchPolls();
    this.onAssigned(partitions);
  }

  private async startAtCommitted(partitions: readonly TopicPartition[]): Promise<void> {
    const committed = await fetchCommitted(this.coordinator, partitions);
    for (const topic of new Set(partitions.map(({ topic }) => topic))) await this.cluster.topic(topic);
    for (const partition of partitions) {
      this.fetcher.start(partition, committed.get(partitionKey(partition))?.offset ?? this.reset(partition));
    }
  }

  private reset({ topic, partition }: TopicPartition): 'earliest' | 'latest' {
    const { offsetReset } = this.settings;
    if (offsetReset !== 'none') return offsetReset;
    throw new ClientError(
      'NO_OFFSET',
      `group "${this.coordinator.key}" has no committed offset for ${topic}-${partition}`,
    );
  }

  /** A member that does not poll must not keep its partitions from others. */
  private watchPolls(): void {
    this.pollDeadline?.cancel();
    this.pollDeadline = this.cluster.environment.timers.after(this.maxPollIntervalMs, () => {
      void this.membership.resign();
      this.noteRejoin();
    });
  }
}

/** @throws ClientError BAD_OPTION */
function groupTimeouts(options: GroupConsumerOptions, rebalanceTimeoutMs: number): GroupTimeouts {
  const sessionTimeoutMs = options.sessionTimeoutMs ?? 45_000;
  const heartbeatIntervalMs = options.heartbeatIntervalMs ?? 3_000;
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new ClientError(
      'BAD_OPTION',
      `heartbeatIntervalMs is ${heartbeatIntervalMs}, allowed is less than sessionTimeoutMs, ${sessionTimeoutMs}`,
    );
  }
  return { sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs };
}
