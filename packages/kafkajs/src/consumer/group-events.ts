import type { ExchangeObserver, ObservedExchange } from '@odradek/client/index.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { JoinGroupResponse } from '@odradek/protocol/generated/join-group-response.ts';
import type { SyncGroupResponse } from '@odradek/protocol/generated/sync-group-response.ts';
import type { Instrumentation } from '../instrumentation.ts';
import { AssignerProtocol } from './assigner-protocol.ts';
import type { ConsumerEventPayloads, ConsumerEvents } from './consumer-types.ts';

export interface GroupEventsParts {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly instrumentation: Instrumentation<ConsumerEvents>;
  /** The id of the broker at an address, as text. */
  readonly nodeIdOf: (broker: ObservedExchange['broker']) => string;
  /** Called with each assignment. @returns whether its partitions can be read at once, there being none */
  readonly joined: (isEmpty: boolean) => void;
}

interface Place {
  readonly memberId: string;
  readonly generationId: number;
  readonly leaderId: string;
  readonly groupProtocol: string;
  readonly sinceMs: number;
}

/** Makes KafkaJS's events of a group's life out of what is asked and answered. */
export class GroupEvents {
  private readonly parts: GroupEventsParts;
  private place: Place | null = null;
  private join: ConsumerEventPayloads['GROUP_JOIN'] | null = null;

  constructor(parts: GroupEventsParts) {
    this.parts = parts;
  }

  readonly observe: ExchangeObserver = (exchange) => {
    const { apiKey, response } = exchange;
    if (response === null) return;
    if (apiKey === joinGroupApi.key) this.noteJoin(exchange, response as JoinGroupResponse);
    else if (apiKey === syncGroupApi.key) this.noteSync(response as SyncGroupResponse);
    else if (apiKey === heartbeatApi.key) this.noteHeartbeat((response as { errorCode: number }).errorCode);
    else if (apiKey === fetchApi.key) this.noteFetch(exchange);
  };

  /** What was assigned can be read: only now programs are told, who may seek at once. */
  tellJoin(): void {
    if (this.join === null) return;
    this.emit('GROUP_JOIN', this.join);
    this.join = null;
  }

  private emit<Name extends keyof ConsumerEvents>(name: Name, payload: ConsumerEventPayloads[Name]): void {
    const { instrumentation } = this.parts;
    instrumentation.emit(instrumentation.events[name], payload);
  }

  private noteJoin({ sentAtMs }: ObservedExchange, answer: JoinGroupResponse): void {
    if (answer.errorCode !== ErrorCode.NONE) return;
    const { memberId, generationId, leader: leaderId, protocolName } = answer;
    this.place = { memberId, generationId, leaderId, groupProtocol: protocolName ?? '', sinceMs: sentAtMs };
  }

  private noteSync({ errorCode, assignment }: SyncGroupResponse): void {
    if (errorCode !== ErrorCode.NONE || this.place === null) return;
    const { groupId, topics } = this.parts;
    const { memberId, leaderId, groupProtocol, generationId, sinceMs } = this.place;
    const assigned = AssignerProtocol.MemberAssignment.decode(assignment)?.assignment ?? {};
    const assignedTopics = Object.keys(assigned);
    const topicsNotSubscribed = assignedTopics.filter((topic) => !topics.includes(topic));
    if (topicsNotSubscribed.length > 0) {
      const subscription = { assignedTopics, topicsSubscribed: [...topics], topicsNotSubscribed };
      this.emit('RECEIVED_UNSUBSCRIBED_TOPICS', { groupId, generationId, memberId, ...subscription });
    }
    const memberAssignment = Object.fromEntries(
      Object.entries(assigned).filter(([topic]) => topics.includes(topic)),
    );
    const place = { groupId, memberId, leaderId, groupProtocol, isLeader: leaderId === memberId };
    this.join = { duration: Date.now() - sinceMs, ...place, memberAssignment };
    this.parts.joined(Object.values(assigned).every((partitions) => partitions.length === 0));
  }

  private noteHeartbeat(errorCode: number): void {
    if (this.place === null) return;
    const { groupId } = this.parts;
    const { memberId, generationId } = this.place;
    if (errorCode === ErrorCode.NONE) {
      this.emit('HEARTBEAT', { groupId, memberId, groupGenerationId: generationId });
    } else if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.emit('REBALANCING', { groupId, memberId });
    }
  }

  private noteFetch({ broker, durationMs }: ObservedExchange): void {
    const nodeId = this.parts.nodeIdOf(broker);
    this.emit('FETCH_START', { nodeId });
    this.emit('FETCH', { numberOfBatches: 0, duration: Math.round(durationMs), nodeId });
  }
}
