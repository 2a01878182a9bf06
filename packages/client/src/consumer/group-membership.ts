import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { JoinGroupResponse } from '@odradek/protocol/generated/join-group-response.ts';
import { backoffMs, delay } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Coordinator } from '../cluster/coordinators.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { ClientError, ClosedError, isRetriableError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts';
import { rangeAssign, type GroupSubscriber } from './range-assignor.ts';
import type { Committer } from './committed-offsets.ts';

export interface GroupTimeouts {
  /** Without a heartbeat for so long a member is out, milliseconds. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long the group waits for a member to come back in a rebalance, milliseconds. */
  readonly rebalanceTimeoutMs: number;
}

/** What members and brokers tell. */
export interface MembershipEvents {
  /** The assignment ends: join again. */
  readonly rejoinNeeded: () => void;
}

const ASSIGNOR = 'range';
const PROTOCOL_TYPE = 'consumer';
const UNKNOWN_MEMBER = '';
const NO_GENERATION = -1;
/** Members are told apart by a list from this version of LeaveGroup on. */
const LEAVE_MEMBERS_VERSION = 3;
const SYNC_PROTOCOL_VERSION = 5;

/** The member must come back as a new one. */
const EXPELLED: readonly number[] = [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID];

/**
 * One member of a group under the classic protocol with the range assignor: joins, gets its partitions, keeps
 * its place with heartbeats, and says when the group forms anew.
 */
export class GroupMembership {
  private readonly cluster: Cluster;
  private readonly coordinator: Coordinator;
  private readonly topics: readonly string[];
  private readonly timeouts: GroupTimeouts;
  private readonly events: MembershipEvents;
  private memberId = UNKNOWN_MEMBER;
  private generationId = NO_GENERATION;
  private heartbeat: Timer | null = null;
  /** Monotonic time of the last word from the coordinator. */
  private heardAtMs = 0;
  private isClosed = false;
  /** Partition counts that the leader's assignment was made for; null for followers. */
  private assignedFor: ReadonlyMap<string, number> | null = null;

  constructor(
    cluster: Cluster,
    coordinator: Coordinator,
    topics: readonly string[],
    timeouts: GroupTimeouts,
    events: MembershipEvents,
  ) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.topics = topics;
    this.timeouts = timeouts;
    this.events = events;
  }

  /** Whether this member belongs to the present generation, as far as it knows. */
  get isMember(): boolean {
    return this.generationId !== NO_GENERATION;
  }

  /** For commits. */
  get committer(): Committer {
    return { memberId: this.memberId, generationId: this.generationId };
  }

  /** The leader has to assign anew when topics got more partitions. */
  get isAssignmentOutdated(): boolean {
    if (this.assignedFor === null) return false;
    for (const [topic, count] of this.assignedFor) if (this.partitionCount(topic) !== count) return true;
    return false;
  }

  /** Joins, again if need be, until there is an assignment. @throws KafkaError, ClosedError */
  async join(): Promise<TopicPartition[]> {
    this.stopHeartbeats();
    for (let failures = 0; ;) {
      if (this.isClosed) throw new ClosedError('consumer');
      try {
        const assignment = await this.attempt();
        if (assignment !== null) {
          this.heardAtMs = this.nowMs;
          this.beatLater();
          return assignment;
        }
      } catch (error) {
        if (!isRetriableError(error)) throw error;
        failures++;
        const { backoff } = this.cluster.settings;
        await delay(this.cluster.environment, backoffMs(backoff, failures, this.cluster.environment.random));
      }
    }
  }

  /** Leaves at once, so that the others need not wait for the session to end. Never throws. */
  async leave(): Promise<void> {
    this.isClosed = true;
    await this.resign();
  }

  /** Leaves without closing: the next `join` comes as a new member. Never throws. */
  async resign(): Promise<void> {
    this.stopHeartbeats();
    const { memberId } = this;
    this.forgetMember();
    if (memberId === UNKNOWN_MEMBER) return;
    try {
      await this.coordinator.requestOnce(
        leaveGroupApi,
        (version) =>
          version >= LEAVE_MEMBERS_VERSION
            ? { groupId: this.groupId, members: [{ memberId }] }
            : { groupId: this.groupId, memberId },
        (answer) => [answer.errorCode],
      );
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

  /** @returns null when the group formed anew meanwhile. @throws retriable errors too */
  private async attempt(): Promise<TopicPartition[] | null> {
    const { rebalanceTimeoutMs, sessionTimeoutMs } = this.timeouts;
    const joined = await this.coordinator.requestOnce(
      joinGroupApi,
      (version) => ({
        groupId: this.groupId,
        sessionTimeoutMs,
        ...(version >= 1 ? { rebalanceTimeoutMs } : {}),
        memberId: this.memberId,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: ASSIGNOR, metadata: encodeSubscription(this.topics) }],
      }),
      (answer) => [answer.errorCode],
      { brokerWaitMs: Math.max(rebalanceTimeoutMs, sessionTimeoutMs) },
    );
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = joined.memberId;
      return null;
    }
    this.check(joined.errorCode, 'join');
    this.memberId = joined.memberId;
    this.generationId = joined.generationId;
    const isLeader = joined.leader === joined.memberId;
    const plan = isLeader && !joined.skipAssignment ? await this.plan(joined) : new Map();
    if (!isLeader) this.assignedFor = null;
    return this.synchronise(plan);
  }

  private async synchronise(plan: ReadonlyMap<string, TopicPartition[]>): Promise<TopicPartition[]> {
    const synced = await this.coordinator.requestOnce(
      syncGroupApi,
      (version) => ({
        groupId: this.groupId,
        generationId: this.generationId,
        memberId: this.memberId,
        ...(version >= SYNC_PROTOCOL_VERSION ? { protocolType: PROTOCOL_TYPE, protocolName: ASSIGNOR } : {}),
        assignments: [...plan].map(([memberId, partitions]) => ({
          memberId,
          assignment: encodeAssignment(partitions),
        })),
      }),
      (answer) => [answer.errorCode],
      { brokerWaitMs: this.timeouts.rebalanceTimeoutMs },
    );
    this.check(synced.errorCode, 'get an assignment in');
    return decodeAssignment(synced.assignment);
  }

  private async plan(joined: JoinGroupResponse): Promise<Map<string, TopicPartition[]>> {
    const members: GroupSubscriber[] = joined.members.map(({ memberId, groupInstanceId, metadata }) => ({
      memberId,
      instanceId: groupInstanceId,
      topics: decodeSubscription(metadata),
    }));
    const topics = new Set(members.flatMap((member) => member.topics));
    for (const topic of topics) this.cluster.touch(topic);
    await this.cluster.refresh(topics);
    this.assignedFor = new Map([...topics].map((topic) => [topic, this.partitionCount(topic)]));
    return rangeAssign(members, this.assignedFor);
  }

  private partitionCount(topic: string): number {
    return this.cluster.metadata.topic(topic)?.partitions.length ?? 0;
  }

  /** Notes what an error says of the membership. @throws KafkaError unless there is none */
  private check(code: number, action: string): void {
    if (code === ErrorCode.NONE) return;
    if (EXPELLED.includes(code)) this.forgetMember();
    if (code === ErrorCode.ILLEGAL_GENERATION || code === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.generationId = NO_GENERATION;
    }
    const message = `cannot ${action} group "${this.groupId}": ${errorName(code)}`;
    throw isCurable(code) ? new RejoinError(message, code) : new KafkaError(code, message);
  }

  private forgetMember(): void {
    this.memberId = UNKNOWN_MEMBER;
    this.generationId = NO_GENERATION;
  }

  private stopHeartbeats(): void {
    this.heartbeat?.cancel();
    this.heartbeat = null;
  }

  private beatLater(): void {
    if (this.isClosed || !this.isMember) return;
    this.heartbeat = this.cluster.environment.timers.after(this.timeouts.heartbeatIntervalMs, () => {
      void this.beat().finally(() => {
        if (this.heartbeat !== null) this.beatLater();
      });
    });
  }

  private async beat(): Promise<void> {
    const { memberId, generationId } = this;
    try {
      const answer = await this.coordinator.requestOnce(
        heartbeatApi,
        { groupId: this.groupId, generationId, memberId },
        ({ errorCode }) => [errorCode],
        { timeoutMs: this.timeouts.sessionTimeoutMs },
      );
      if (generationId === this.generationId) this.heard(answer.errorCode);
    } catch (error) {
      if (!isRetriableError(error)) this.lost();
    }
    const isSilent = this.nowMs - this.heardAtMs > this.timeouts.sessionTimeoutMs;
    if (isSilent && generationId === this.generationId) this.lost();
  }

  private heard(code: number): void {
    if (code === ErrorCode.NONE) this.heardAtMs = this.nowMs;
    else if (code === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.heardAtMs = this.nowMs;
      this.events.rejoinNeeded();
    } else if (EXPELLED.includes(code) || code === ErrorCode.ILLEGAL_GENERATION) this.lost();
    else if (!isRetriable(code)) this.lost();
  }

  /** Others may have the partitions already. */
  private lost(): void {
    this.stopHeartbeats();
    this.forgetMember();
    this.events.rejoinNeeded();
  }
}

/** Nothing is wrong for good: another attempt to join may succeed. */
class RejoinError extends ClientError {
  override readonly name = 'RejoinError';

  constructor(message: string, code: number) {
    super('REJOIN', message, { retriable: true, cause: new KafkaError(code) });
  }
}

function isCurable(code: number): boolean {
  const rejoinCodes: readonly number[] = [
    ...EXPELLED,
    ErrorCode.ILLEGAL_GENERATION,
    ErrorCode.REBALANCE_IN_PROGRESS,
  ];
  return rejoinCodes.includes(code) || isRetriable(code);
}
