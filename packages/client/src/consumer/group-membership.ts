import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { HeartbeatResponse } from '@odradek/protocol/generated/heartbeat-response.ts';
import type { JoinGroupResponse } from '@odradek/protocol/generated/join-group-response.ts';
import { backoffMs, delay } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Coordinator } from '../cluster/coordinators.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { ClientError, ClosedError, asError, isRetriableError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import type { Assignor, GroupAssignment, GroupSubscriber, PreviousAssignment } from './assignors/assignor.ts';
import type { Committer } from './committed-offsets.ts';
import type { BeatTiming } from './heartbeats/beat-protocol.ts';
import { leaveGroup, type ClassicBeat } from './heartbeats/classic-beats.ts';
import type { HeartbeatEvents, Heartbeats } from './heartbeats/heartbeats.ts';
import type { JoinTrouble, Membership, MembershipEvents } from './membership.ts';
import type { TopicSelection } from './topic-selection.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts';

export interface MembershipOptions {
  /** Those that this member can work with, the one it likes best first. */
  readonly assignors: readonly Assignor[];
  /** Of a static member (KIP-345), else null. */
  readonly instanceId: string | null;
  /** Without a heartbeat for so long a member is out, milliseconds. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long the group waits for a member to come back in a rebalance, milliseconds. */
  readonly rebalanceTimeoutMs: number;
}

const PROTOCOL_TYPE = 'consumer';
const UNKNOWN_MEMBER = '';
const NO_GENERATION = -1;
/** Versions from which on fields exist. */
const JOIN_INSTANCE_VERSION = 5;
const SYNC_INSTANCE_VERSION = 3;
const SYNC_PROTOCOL_VERSION = 5;

/** A shorter wait after these would only find the group as it was. */
const REJOIN_CODES: readonly number[] = [
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
];

/**
 * One member of a group under the classic protocol: joins, gets its partitions, keeps its place with heartbeats, and
 * says when the group forms anew or has gone on without it.
 *
 * The lease on the partitions counts from the moment a heartbeat was sent that was answered well. It ends by this
 * clock also when no answer says so: after a pause of the process nothing must be done in the name of the member
 * before `isExpired` was asked.
 */
export class GroupMembership implements Membership {
  private readonly cluster: Cluster;
  private readonly coordinator: Coordinator;
  private readonly options: MembershipOptions;
  private readonly topics: TopicSelection;
  private readonly events: MembershipEvents;
  private readonly heartbeats: Heartbeats<ClassicBeat>;
  private memberId = UNKNOWN_MEMBER;
  private generationId = NO_GENERATION;
  private previous: PreviousAssignment = { partitions: [], generation: NO_GENERATION };
  private nextBeat: Timer | null = null;
  /** Monotonic time of the last heartbeat, or join, that the coordinator took. */
  private leaseFromMs = 0;
  private isJoining = false;
  private isClosed = false;
  private joinTrouble: JoinTrouble | null = null;
  /** Partition counts that the leader's assignment was made for; null for followers. */
  private assignedFor: ReadonlyMap<string, number> | null = null;
  /** What this member wanted when it joined. */
  private joinedFor: readonly string[] | null = null;

  constructor(
    cluster: Cluster,
    coordinator: Coordinator,
    options: MembershipOptions,
    topics: TopicSelection,
    events: MembershipEvents,
    heartbeats: (events: HeartbeatEvents<HeartbeatResponse>) => Heartbeats<ClassicBeat>,
  ) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.options = options;
    this.topics = topics;
    this.events = events;
    this.heartbeats = heartbeats({
      heard: ({ errorCode }, sentAtMs) => this.heard(errorCode, sentAtMs),
      left: (reason) => this.expel(reason),
      failed: (error) => this.events.failed(error),
    });
  }

  /** Whether this member belongs to the present generation, as far as it knows. */
  get isMember(): boolean {
    return this.generationId !== NO_GENERATION;
  }

  /** The coordinator must have given the place away by now, whatever is known of it. */
  get isExpired(): boolean {
    return this.isMember && this.nowMs - this.leaseFromMs > this.options.sessionTimeoutMs;
  }

  get incarnation(): number {
    return this.generationId;
  }

  get trouble(): JoinTrouble | null {
    return this.joinTrouble;
  }

  /** For commits. */
  get committer(): Committer {
    const { memberId, generationId } = this;
    return { memberId, generationId, instanceId: this.options.instanceId };
  }

  /** The leader has to assign anew when topics got more partitions, or there are others to read. */
  get isAssignmentOutdated(): boolean {
    this.topics.renew();
    if (this.joinedFor !== null && this.joinedFor !== this.topics.names) return true;
    if (this.assignedFor === null) return false;
    let isOutdated = false;
    for (const [topic, count] of this.assignedFor) {
      // Also what only others read, or does not exist yet, has to stay known.
      this.cluster.touch(topic);
      isOutdated ||= this.partitionCount(topic) !== count;
    }
    return isOutdated;
  }

  /**
   * Joins, again if need be, until there is an assignment.
   *
   * @param owned what this member goes on reading meanwhile, or null to join no more; asked before every attempt
   * @returns null when it was not to join any more
   * @throws KafkaError when the group does not take this member; ClosedError
   */
  async join(owned: () => readonly TopicPartition[] | null): Promise<readonly TopicPartition[] | null> {
    this.stopHeartbeats();
    this.isJoining = true;
    try {
      for (let failures = 0; ;) {
        if (this.isClosed) throw new ClosedError('consumer');
        const kept = owned();
        if (kept === null) return null;
        try {
          const assignment = await this.attempt(kept);
          if (assignment !== null) return this.settle(assignment);
        } catch (error) {
          if (!isRetriableError(error)) throw error;
          this.joinTrouble = { sinceMs: this.joinTrouble?.sinceMs ?? this.nowMs, error: asError(error) };
          await this.pause(++failures, asError(error));
        }
      }
    } finally {
      this.isJoining = false;
    }
  }

  adopted(): void {
    // Nobody waits to hear of it.
  }

  refuse(): void {
    this.isClosed = true;
  }

  catchUp(): void {
    this.heartbeats.catchUp();
  }

  /** What the coordinator said to something else that was sent in the name of this member. */
  noteRefusal(code: number, generationId: number): void {
    if (generationId === this.generationId && !this.isJoining) this.noteCode(code);
  }

  /** Leaves at once, so that the others need not wait for the session to end; static members stay. Never throws. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.options.instanceId === null) await this.leave();
    else this.stopHeartbeats();
    this.heartbeats.end();
  }

  cut(): void {
    this.isClosed = true;
    this.heartbeats.end();
  }

  /** The next `join` comes as a new member. Never throws. */
  async leave(): Promise<void> {
    this.stopHeartbeats();
    const { memberId } = this;
    this.forgetMember();
    if (memberId === UNKNOWN_MEMBER) return;
    try {
      // A join that waits for its answer would keep this behind it.
      await leaveGroup(this.coordinator, memberId, this.isJoining ? { channel: 'main' } : {});
    } catch {
      // The session timeout does the same later.
    }
  }

  private get groupId(): string {
    return this.coordinator.key;
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private settle(assignment: readonly TopicPartition[]): readonly TopicPartition[] {
    this.previous = { partitions: assignment, generation: this.generationId };
    this.joinTrouble = null;
    this.heartbeats.keep(this.place, this.timing);
    this.beatLater();
    return assignment;
  }

  private pause(failures: number, error: Error): Promise<void> {
    const { backoff } = this.cluster.settings;
    const isQuick = error instanceof RejoinError && failures === 1;
    const pauseMs = isQuick ? 0 : backoffMs(backoff, failures, this.cluster.environment.random);
    return delay(this.cluster.environment, pauseMs);
  }

  /** @returns null when another attempt is to follow at once. @throws retriable errors too */
  private async attempt(owned: readonly TopicPartition[]): Promise<TopicPartition[] | null> {
    const { rebalanceTimeoutMs, sessionTimeoutMs, instanceId } = this.options;
    await this.topics.learn();
    const { names } = this.topics;
    const joined = await this.coordinator.requestOnce(
      joinGroupApi,
      (version) => ({
        groupId: this.groupId,
        sessionTimeoutMs,
        ...(version >= 1 ? { rebalanceTimeoutMs } : {}),
        memberId: this.memberId,
        ...(version >= JOIN_INSTANCE_VERSION ? { groupInstanceId: instanceId } : {}),
        protocolType: PROTOCOL_TYPE,
        protocols: this.protocols(names, owned),
      }),
      (answer) => [answer.errorCode],
      { brokerWaitMs: Math.max(rebalanceTimeoutMs, sessionTimeoutMs) },
    );
    if (this.isClosed) {
      // The coordinator took us in after all: whoever closed did not know as whom.
      this.memberId = joined.memberId;
      if (instanceId === null) await this.leave();
      throw new ClosedError('consumer');
    }
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = joined.memberId;
      return null;
    }
    this.check(joined.errorCode, 'join');
    this.memberId = joined.memberId;
    this.generationId = joined.generationId;
    this.joinedFor = names;
    this.leaseFromMs = this.nowMs;
    return this.synchronise(joined.protocolName, await this.plan(joined));
  }

  private protocols(
    topics: readonly string[],
    owned: readonly TopicPartition[],
  ): { name: string; metadata: Buffer }[] {
    const { previous } = this;
    const { assignors } = this.options;
    return assignors.map((assignor) => ({
      name: assignor.name,
      metadata: encodeSubscription({
        topics,
        owned,
        generation: previous.generation,
        userData: assignor.userData?.(previous) ?? null,
      }),
    }));
  }

  private async synchronise(
    protocolName: string | null,
    plan: ReadonlyMap<string, TopicPartition[]>,
  ): Promise<TopicPartition[]> {
    const sentAtMs = this.nowMs;
    const synced = await this.coordinator.requestOnce(
      syncGroupApi,
      (version) => ({
        groupId: this.groupId,
        generationId: this.generationId,
        memberId: this.memberId,
        ...(version >= SYNC_INSTANCE_VERSION ? { groupInstanceId: this.options.instanceId } : {}),
        ...(version >= SYNC_PROTOCOL_VERSION ? { protocolType: PROTOCOL_TYPE, protocolName } : {}),
        assignments: [...plan].map(([memberId, partitions]) => ({
          memberId,
          assignment: encodeAssignment(partitions),
        })),
      }),
      (answer) => [answer.errorCode],
      { brokerWaitMs: this.options.rebalanceTimeoutMs },
    );
    this.check(synced.errorCode, 'get an assignment in');
    this.leaseFromMs = sentAtMs;
    return decodeAssignment(synced.assignment);
  }

  /** What the leader of the group decides; nothing for the others. */
  private async plan(joined: JoinGroupResponse): Promise<GroupAssignment> {
    if (joined.leader !== joined.memberId || joined.skipAssignment) {
      this.assignedFor = null;
      return new Map();
    }
    const assignor = this.options.assignors.find(({ name }) => name === joined.protocolName);
    if (assignor === undefined) {
      throw new ClientError(
        'BAD_ANSWER',
        `group "${this.groupId}" chose ${joined.protocolName}, not offered`,
      );
    }
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }): GroupSubscriber => {
      return { memberId, instanceId: groupInstanceId, ...decodeSubscription(metadata) };
    });
    const topics = new Set(members.flatMap((member) => member.topics));
    for (const topic of topics) this.cluster.touch(topic);
    await this.cluster.refresh(topics);
    this.assignedFor = new Map([...topics].map((topic) => [topic, this.partitionCount(topic)]));
    return assignor.assign(members, this.assignedFor);
  }

  private partitionCount(topic: string): number {
    return this.cluster.metadata.topic(topic)?.partitions.length ?? 0;
  }

  /** Notes what an error says of the membership. @throws KafkaError unless there is none */
  private check(code: number, action: string): void {
    if (code === ErrorCode.NONE) return;
    const message = `cannot ${action} group "${this.groupId}": ${errorName(code)}`;
    if (code === ErrorCode.UNKNOWN_MEMBER_ID) this.expel();
    else if (code === ErrorCode.ILLEGAL_GENERATION || code === ErrorCode.FENCED_INSTANCE_ID)
      this.fallBehind();
    if (REJOIN_CODES.includes(code)) throw new RejoinError(message, code);
    throw new KafkaError(code, message);
  }

  private forgetMember(): void {
    this.memberId = UNKNOWN_MEMBER;
    this.generationId = NO_GENERATION;
  }

  private get place(): ClassicBeat {
    const { memberId, generationId } = this;
    return { memberId, generationId, instanceId: this.options.instanceId };
  }

  private get timing(): BeatTiming {
    return { intervalMs: this.options.heartbeatIntervalMs, timeoutMs: this.options.sessionTimeoutMs };
  }

  private stopHeartbeats(): void {
    this.nextBeat?.cancel();
    this.nextBeat = null;
    // What was said to a former generation means nothing to the next one.
    this.heartbeats.rest();
  }

  private beatLater(): void {
    if (this.isClosed || !this.isMember) return;
    const timer = this.cluster.environment.timers.after(this.options.heartbeatIntervalMs, () => {
      void this.beat().finally(() => {
        if (this.nextBeat === timer) this.beatLater();
      });
    });
    this.nextBeat = timer;
  }

  private async beat(): Promise<void> {
    this.catchUp();
    if (this.isExpired) return this.expel();
    if (!this.isMember) return;
    try {
      await this.heartbeats.send(this.place, this.timing);
    } catch {
      // The next one tries again, until the lease has ended.
    }
    if (this.isExpired && !this.isJoining) this.expel();
  }

  private heard(code: number, sentAtMs: number): void {
    if (code === ErrorCode.NONE || code === ErrorCode.REBALANCE_IN_PROGRESS) this.leaseFromMs = sentAtMs;
    if (code !== ErrorCode.NONE && !isRetriable(code)) this.noteCode(code, true);
  }

  /** @param isFatal whether a code that says nothing of the membership ends it */
  private noteCode(code: number, isFatal = false): void {
    if (code === ErrorCode.REBALANCE_IN_PROGRESS) return this.events.rejoinNeeded();
    if (code === ErrorCode.UNKNOWN_MEMBER_ID) return this.expel();
    if (code !== ErrorCode.ILLEGAL_GENERATION && code !== ErrorCode.FENCED_INSTANCE_ID && !isFatal) return;
    this.fallBehind();
    if (code !== ErrorCode.ILLEGAL_GENERATION)
      this.events.failed(new KafkaError(code, `group "${this.groupId}": ${errorName(code)}`));
  }

  /** Under its id the coordinator takes this member back, or refuses a fenced one for good. */
  private fallBehind(): void {
    this.stopHeartbeats();
    this.generationId = NO_GENERATION;
    this.events.lost();
  }

  /** Others may have the partitions already. */
  private expel(reason?: Error): void {
    this.stopHeartbeats();
    this.forgetMember();
    this.events.lost(reason);
  }
}

/** Nothing is wrong for good: another attempt to join may succeed. */
class RejoinError extends ClientError {
  override readonly name = 'RejoinError';

  constructor(message: string, code: number) {
    super('REJOIN', message, { retriable: true, cause: new KafkaError(code) });
  }
}
