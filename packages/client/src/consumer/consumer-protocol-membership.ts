import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import type { ConsumerGroupHeartbeatRequestInput } from '@odradek/protocol/generated/consumer-group-heartbeat-request.ts';
import type { ConsumerGroupHeartbeatResponse } from '@odradek/protocol/generated/consumer-group-heartbeat-response.ts';
import { backoffMs, delay } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Coordinator } from '../cluster/coordinators.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { ClosedError, UnsupportedApiError, asError, isRetriableError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import type { Committer } from './committed-offsets.ts';
import type { JoinTrouble, Membership, MembershipEvents } from './membership.ts';

export interface ConsumerProtocolOptions {
  readonly topics: readonly string[];
  /** Of a static member, else null. */
  readonly instanceId: string | null;
  readonly rack: string;
  /** How the coordinator shares out; null for its own choice. */
  readonly serverAssignor: string | null;
  /** How long the group waits for this member to give partitions up, milliseconds. */
  readonly rebalanceTimeoutMs: number;
  /** Without a heartbeat for so long the place is taken for lost, milliseconds; the coordinator has its own limit. */
  readonly sessionTimeoutMs: number;
  /** What this member reads at present. */
  readonly owned: () => readonly TopicPartition[];
}

/** Epochs that say something else than a state of the group. */
const JOIN_EPOCH = 0;
const LEAVE_EPOCH = -1;
const STATIC_LEAVE_EPOCH = -2;
const NO_EPOCH = -1;

/** Until the coordinator has said how often it wants to hear. */
const FIRST_INTERVAL_MS = 3_000;
const LEAVE_TIMEOUT_MS = 5_000;

const LOST_CODES: readonly number[] = [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_MEMBER_EPOCH];

type TargetPartitions = readonly { readonly topicId: string; readonly partitions: readonly number[] }[];

/**
 * One member of a group under the consumer protocol (KIP-848): the coordinator shares out, and tells each member in
 * answer to its heartbeats what it may read; the member gives up first, says so, and gets the rest once others have.
 *
 * Heartbeats name what has changed since the last that was answered; after one that was not they name everything. One
 * is under way at a time. The lease counts as in `GroupMembership`.
 */
export class ConsumerProtocolMembership implements Membership {
  private readonly cluster: Cluster;
  private readonly coordinator: Coordinator;
  private readonly options: ConsumerProtocolOptions;
  private readonly events: MembershipEvents;
  private readonly memberId: string;
  private epoch = NO_EPOCH;
  incarnation = 0;
  private target: TargetPartitions = [];
  /** What `join` returned last. */
  private returned: readonly TopicPartition[] = [];
  /** Not returned by `join` yet. */
  private hasNewTarget = false;
  /** What the coordinator was told last that this member reads; null when it has to be told everything. */
  private told: string | null = null;
  private intervalMs = FIRST_INTERVAL_MS;
  private timer: Timer | null = null;
  /** The heartbeat under way. */
  private beating: Promise<void> | null = null;
  private leaseFromMs = 0;
  private isJoining = false;
  private isClosed = false;
  private joinTrouble: JoinTrouble | null = null;

  constructor(
    cluster: Cluster,
    coordinator: Coordinator,
    options: ConsumerProtocolOptions,
    events: MembershipEvents,
  ) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.options = options;
    this.events = events;
    this.memberId = newMemberId(cluster.environment.random);
  }

  get isMember(): boolean {
    return this.epoch > NO_EPOCH;
  }

  get isExpired(): boolean {
    return this.isMember && this.nowMs - this.leaseFromMs > this.options.sessionTimeoutMs;
  }

  get trouble(): JoinTrouble | null {
    return this.joinTrouble;
  }

  get committer(): Committer {
    return { memberId: this.memberId, generationId: this.epoch, instanceId: this.options.instanceId };
  }

  /** A topic of the target had no name here, and has one now. */
  get isAssignmentOutdated(): boolean {
    for (const topic of this.options.topics) this.cluster.touch(topic);
    const resolved = new Set(this.resolved().map(partitionKey));
    return this.isMember && resolved.size > new Set(this.returned.map(partitionKey)).size;
  }

  async join(owned: () => readonly TopicPartition[] | null): Promise<readonly TopicPartition[] | null> {
    this.isJoining = true;
    try {
      return await this.joinUntilTaken(owned);
    } finally {
      this.isJoining = false;
    }
  }

  private async joinUntilTaken(
    owned: () => readonly TopicPartition[] | null,
  ): Promise<readonly TopicPartition[] | null> {
    for (let failures = 0; ; failures++) {
      if (this.isClosed) throw new ClosedError('consumer');
      if (owned() === null) return null;
      try {
        if (!this.hasNewTarget) await this.beatNow();
        if (!this.isMember) continue;
        await this.learnNames();
        this.joinTrouble = null;
        this.hasNewTarget = false;
        this.returned = this.resolved();
        return this.returned;
      } catch (error) {
        if (!isRetriableError(error)) throw error;
        this.joinTrouble = { sinceMs: this.joinTrouble?.sinceMs ?? this.nowMs, error: asError(error) };
        const { settings, environment } = this.cluster;
        await delay(environment, backoffMs(settings.backoff, failures + 1, environment.random));
      }
    }
  }

  adopted(): void {
    if (this.isMember && this.told !== this.ownedNow()) this.beatAfter(0);
  }

  refuse(): void {
    this.isClosed = true;
  }

  noteRefusal(code: number): void {
    if (this.isMember && LOST_CODES.includes(code)) this.expel();
  }

  async leave(): Promise<void> {
    this.stopBeating();
    if (!this.isMember) return;
    const { instanceId } = this.options;
    const memberEpoch = instanceId === null ? LEAVE_EPOCH : STATIC_LEAVE_EPOCH;
    this.forget();
    const request = { groupId: this.groupId, memberId: this.memberId, memberEpoch, instanceId };
    try {
      await this.coordinator.requestOnce(consumerGroupHeartbeatApi, request, ({ errorCode }) => [errorCode], {
        timeoutMs: LEAVE_TIMEOUT_MS,
      });
    } catch {
      // The session timeout of the group does the same later.
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.leave();
  }

  private get groupId(): string {
    return this.coordinator.key;
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  /** After the heartbeat that is under way, if one is. @throws what came of it */
  private async beatNow(): Promise<void> {
    await this.beating?.catch(() => undefined);
    this.stopBeating();
    const beat = this.beat();
    this.beating = beat;
    try {
      await beat;
    } finally {
      if (this.beating === beat) this.beating = null;
      if (this.isMember) this.beatAfter(this.intervalMs);
    }
  }

  private beatAfter(delayMs: number): void {
    this.stopBeating();
    if (this.isClosed) return;
    this.timer = this.cluster.environment.timers.after(delayMs, () => {
      if (this.isExpired) return this.expel();
      this.beatNow().catch((error: unknown) => {
        // What is retriable is tried again by the next one, until the lease has ended.
        if (!isRetriableError(error) && !this.isClosed) this.events.failed(asError(error));
      });
    });
  }

  private stopBeating(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private async beat(): Promise<void> {
    const { incarnation } = this;
    const sentAtMs = this.nowMs;
    const says = this.isMember ? this.ownedNow() : '';
    const request = this.isMember ? this.changes(says) : this.application();
    this.told = null;
    const answer = await this.coordinator.requestOnce(
      consumerGroupHeartbeatApi,
      request,
      ({ errorCode }) => [errorCode],
      { timeoutMs: Math.min(this.options.sessionTimeoutMs, this.cluster.settings.requestTimeoutMs) },
    );
    // Lost or left meanwhile: this is about a place that is no more.
    if (incarnation !== this.incarnation) return;
    if (answer.errorCode !== ErrorCode.NONE) return this.refused(answer);
    this.told = says;
    this.heard(answer, sentAtMs);
  }

  private heard(answer: ConsumerGroupHeartbeatResponse, sentAtMs: number): void {
    this.leaseFromMs = sentAtMs;
    this.epoch = answer.memberEpoch;
    this.intervalMs = Math.max(answer.heartbeatIntervalMs, 1);
    if (answer.assignment === null) return;
    this.target = answer.assignment.topicPartitions;
    this.hasNewTarget = true;
    if (!this.isJoining) this.events.rejoinNeeded();
  }

  private refused({ errorCode, errorMessage }: ConsumerGroupHeartbeatResponse): void {
    if (LOST_CODES.includes(errorCode) && this.isMember) return this.expel();
    const message = `group "${this.groupId}": ${errorMessage ?? errorName(errorCode)}`;
    // A broker may know the protocol and be told not to serve it.
    const error =
      errorCode === ErrorCode.UNSUPPORTED_VERSION
        ? new UnsupportedApiError(
            `${message}: the cluster serves no groupProtocol 'consumer', only 'classic'`,
          )
        : new KafkaError(errorCode, message);
    // The one who had the instance id before has not left yet, or will never: its session ends.
    if (errorCode === ErrorCode.UNRELEASED_INSTANCE_ID)
      throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, message);
    if (!isRetriable(errorCode) && this.isMember) {
      this.forget();
      this.events.lost();
    }
    throw error;
  }

  private application(): ConsumerGroupHeartbeatRequestInput {
    const { topics, instanceId, rack, serverAssignor, rebalanceTimeoutMs } = this.options;
    return {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: JOIN_EPOCH,
      instanceId,
      rackId: rack === '' ? null : rack,
      rebalanceTimeoutMs,
      subscribedTopicNames: [...topics],
      serverAssignor,
      topicPartitions: [],
    };
  }

  private changes(says: string): ConsumerGroupHeartbeatRequestInput {
    const bare = { groupId: this.groupId, memberId: this.memberId, memberEpoch: this.epoch };
    const { instanceId } = this.options;
    if (this.told === says) return { ...bare, instanceId };
    const topicPartitions = this.ownedById();
    return this.told === null
      ? { ...this.application(), ...bare, topicPartitions }
      : { ...bare, instanceId, topicPartitions };
  }

  private ownedById(): { topicId: string; partitions: number[] }[] {
    const byTopic = Map.groupBy(this.options.owned(), ({ topic }) => topic);
    return [...byTopic].flatMap(([topic, ofTopic]) => {
      const topicId = this.cluster.metadata.topic(topic)?.topicId;
      return topicId === undefined
        ? []
        : [{ topicId, partitions: ofTopic.map(({ partition }) => partition) }];
    });
  }

  private ownedNow(): string {
    return this.options.owned().map(partitionKey).toSorted().join();
  }

  /** The part of the target whose topics have names here. */
  private resolved(): TopicPartition[] {
    return this.target.flatMap(({ topicId, partitions }) => {
      const topic = this.cluster.metadata.topicName(topicId);
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
    });
  }

  private async learnNames(): Promise<void> {
    const isUnknown = this.target.some(
      ({ topicId }) => this.cluster.metadata.topicName(topicId) === undefined,
    );
    if (isUnknown) await this.cluster.refresh(this.options.topics);
  }

  private forget(): void {
    this.incarnation++;
    this.epoch = NO_EPOCH;
    this.told = null;
    this.target = [];
    this.hasNewTarget = false;
    this.returned = [];
  }

  /** Others may have the partitions already. */
  private expel(): void {
    this.stopBeating();
    this.forget();
    this.events.lost();
  }
}

function newMemberId(random: { fraction(): number }): string {
  const part = (): string =>
    Math.floor(random.fraction() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return `${part()}${part()}${part()}${part()}`;
}
