import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import type { ConsumerGroupHeartbeatRequestInput } from '@odradek/protocol/generated/consumer-group-heartbeat-request.ts';
import type { ConsumerGroupHeartbeatResponse } from '@odradek/protocol/generated/consumer-group-heartbeat-response.ts';
import { backoffMs, delay } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Coordinator } from '../cluster/coordinators.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { ClosedError, UnsupportedApiError, asError, isRetriableError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import type { Committer } from './committed-offsets.ts';
import type { BeatTiming } from './heartbeats/beat-protocol.ts';
import { JOIN_EPOCH, consumerBeats, type ConsumerBeat } from './heartbeats/consumer-beats.ts';
import type { HeartbeatEvents, Heartbeats } from './heartbeats/heartbeats.ts';
import type { JoinTrouble, Membership, MembershipEvents } from './membership.ts';
import type { TopicSelection } from './topic-selection.ts';

export interface ConsumerProtocolOptions {
  readonly topics: TopicSelection;
  /** By which the coordinator itself chooses topics (RE2/J), besides; null for none. */
  readonly serverTopicPattern: string | null;
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

const NO_EPOCH = -1;

/** Until the coordinator has said how often it wants to hear. */
const FIRST_INTERVAL_MS = 3_000;

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
  private readonly heartbeats: Heartbeats<ConsumerBeat>;
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
  /** The topics that it was told last that this member wants. */
  private toldTopics: readonly string[] | null = null;
  private intervalMs = FIRST_INTERVAL_MS;
  private timer: Timer | null = null;
  /** What was said to the heartbeat under way, if nothing good. */
  private refusal: Error | null = null;
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
    heartbeats: (events: HeartbeatEvents<ConsumerGroupHeartbeatResponse>) => Heartbeats<ConsumerBeat>,
  ) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.options = options;
    this.events = events;
    this.heartbeats = heartbeats({
      heard: (answer, sentAtMs) => this.heard(answer, sentAtMs),
      left: (reason) => this.expel(reason),
      failed: (error) => this.events.failed(error),
    });
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

  /** There are other topics to read, or one of the target had no name here, and has one now. */
  get isAssignmentOutdated(): boolean {
    const { topics } = this.options;
    topics.renew();
    for (const topic of topics.names) this.cluster.touch(topic);
    if (this.isMember && this.toldTopics !== topics.names) return true;
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
        await this.options.topics.learn();
        const isSubscribed = this.toldTopics === this.options.topics.names;
        if (!this.hasNewTarget || !isSubscribed) await this.beatNow();
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

  catchUp(): void {
    this.heartbeats.catchUp();
  }

  async leave(): Promise<void> {
    this.stopBeating();
    if (!this.isMember) return;
    const whole = this.everything();
    this.forget();
    try {
      await consumerBeats.leave(this.coordinator, { request: whole, whole });
    } catch {
      // The session timeout of the group does the same later.
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.leave();
    // Else the coordinator may yet take this member in, which then has to leave.
    if (this.beating === null) this.heartbeats.end();
  }

  cut(): void {
    this.isClosed = true;
    this.heartbeats.end();
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
      this.catchUp();
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
    const says = this.isMember ? this.ownedNow() : '';
    const { names } = this.options.topics;
    const request = this.isMember ? this.changes(says) : this.everything();
    this.told = null;
    this.toldTopics = names;
    this.refusal = null;
    await this.heartbeats.send({ request, whole: this.everything() }, this.timing);
    this.throwRefusal();
    // Else lost or left meanwhile: that was about a place that is no more.
    if (incarnation === this.incarnation) this.told = says;
  }

  private throwRefusal(): void {
    if (this.refusal !== null) throw this.refusal;
  }

  private get timing(): BeatTiming {
    const { requestTimeoutMs } = this.cluster.settings;
    const timeoutMs = Math.min(this.options.sessionTimeoutMs, requestTimeoutMs);
    return { intervalMs: this.intervalMs, timeoutMs };
  }

  private heard(answer: ConsumerGroupHeartbeatResponse, sentAtMs: number): void {
    if (answer.errorCode !== ErrorCode.NONE) return this.refused(answer);
    this.leaseFromMs = sentAtMs;
    this.epoch = answer.memberEpoch;
    this.intervalMs = Math.max(answer.heartbeatIntervalMs, 1);
    if (answer.assignment === null) return;
    this.target = answer.assignment.topicPartitions;
    this.hasNewTarget = true;
    if (!this.isJoining) this.events.rejoinNeeded();
  }

  private refused(answer: ConsumerGroupHeartbeatResponse): void {
    if (LOST_CODES.includes(answer.errorCode) && this.isMember) return this.expel();
    const error = this.errorOf(answer);
    const isFinal = !isRetriableError(error);
    // Before it is forgotten, for whoever waits for the answer.
    const wasAsked = this.beating !== null;
    if (isFinal && this.isMember) {
      this.forget();
      this.events.lost();
    }
    if (wasAsked) this.refusal = error;
    else if (isFinal) this.events.failed(error);
  }

  private errorOf({ errorCode, errorMessage }: ConsumerGroupHeartbeatResponse): Error {
    const message = `group "${this.groupId}": ${errorMessage ?? errorName(errorCode)}`;
    // A broker may know the protocol and be told not to serve it.
    if (errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      return new UnsupportedApiError(
        `${message}: the cluster serves no groupProtocol 'consumer', only 'classic'`,
      );
    }
    // The one who had the instance id before has not left yet, or will never: its session ends.
    const isHeld = errorCode === ErrorCode.UNRELEASED_INSTANCE_ID;
    return new KafkaError(isHeld ? ErrorCode.COORDINATOR_NOT_AVAILABLE : errorCode, message);
  }

  /** All that there is to say, for a coordinator that knows nothing of it. */
  private everything(): ConsumerGroupHeartbeatRequestInput {
    const { topics, serverTopicPattern, instanceId, rack, serverAssignor, rebalanceTimeoutMs } = this.options;
    return {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: this.isMember ? this.epoch : JOIN_EPOCH,
      instanceId,
      rackId: rack === '' ? null : rack,
      rebalanceTimeoutMs,
      subscribedTopicNames: [...topics.names],
      subscribedTopicRegex: serverTopicPattern,
      serverAssignor,
      topicPartitions: this.isMember ? this.ownedById() : [],
    };
  }

  private changes(says: string): ConsumerGroupHeartbeatRequestInput {
    if (this.told === null || this.toldTopics !== this.options.topics.names) return this.everything();
    const { instanceId } = this.options;
    const bare = { groupId: this.groupId, memberId: this.memberId, memberEpoch: this.epoch, instanceId };
    return this.told === says ? bare : { ...bare, topicPartitions: this.ownedById() };
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

  /** The coordinator may have chosen topics that nothing here has a name for yet. */
  private async learnNames(): Promise<void> {
    const unknown = this.target.flatMap(({ topicId }) =>
      this.cluster.metadata.topicName(topicId) === undefined ? [topicId] : [],
    );
    if (unknown.length > 0) await this.cluster.learnNames(unknown);
  }

  private forget(): void {
    this.heartbeats.rest();
    this.incarnation++;
    this.epoch = NO_EPOCH;
    this.told = null;
    this.target = [];
    this.hasNewTarget = false;
    this.returned = [];
  }

  /** Others may have the partitions already. */
  private expel(reason?: Error): void {
    this.stopBeating();
    this.forget();
    this.events.lost(reason);
  }
}

function newMemberId(random: { fraction(): number }): string {
  const part = (): string =>
    Math.floor(random.fraction() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return `${part()}${part()}${part()}${part()}`;
}
