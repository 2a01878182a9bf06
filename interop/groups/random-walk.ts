// Members, some of them static, some of them mistaken, do at random what members do. The same seed does the same
// with any broker, as long as the brokers answer the same; so the transcripts of two brokers can be compared.
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { deleteGroupsApi } from '@odradek/protocol/generated/apis/delete-groups.ts';
import { describeGroupsApi } from '@odradek/protocol/generated/apis/describe-groups.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetDeleteApi } from '@odradek/protocol/generated/apis/offset-delete.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { JoinGroupResponse } from '@odradek/protocol/generated/join-group-response.ts';
import { Dice } from '../records/cases.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';
import type { ClientApi, RawConnection } from '../wire/raw-connection.ts';
import type { Transcript } from '../wire/transcript.ts';
import { commitRequest, joinRequest, leaveRequest, subscription, syncRequest, TOPIC } from './requests.ts';

const STEPS = 40;
const MEMBERS = 4;
/** No session and no rebalance ends by itself during a walk. */
const LONG_MS = 600_000;
/**
 * A join or sync waits for others when it is not answered within this time and so many questions to the same group,
 * one after the other: where everything takes longer, they do too.
 */
const PARKED_AFTER_MS = 80;
const PARKED_AFTER_QUESTIONS = 10;
/** Once a request is answered, those whom it sets free are answered within this time and a question to the group. */
const SETTLE_MS = 10;

/** All in one order: which of two protocols with the same number of votes wins is left to chance by Kafka. */
const PROTOCOLS = [['range'], ['range', 'roundrobin'], ['range', 'roundrobin'], ['roundrobin'], ['other']];

/** @returns walks by name, each with a seed of its own */
export function randomWalks(count: number): Record<string, Conversation> {
  const walks = Array.from({ length: count }, (_, seed): [string, Conversation] => [
    `random walk ${seed}`,
    (t, name) => new Walk(t, name, seed).run(),
  ]);
  return Object.fromEntries(walks);
}

const UNKNOWN = { memberId: '', generationId: -1, others: [] };

interface Member {
  readonly name: string;
  readonly connection: RawConnection;
  readonly instanceId: string | null;
  memberId: string;
  generationId: number;
  /** Members of the generation, as told to its leader. */
  others: string[];
  isWaiting: boolean;
  /** The member in whose name its waiting request was sent. */
  waitsAs: string;
}

interface Answer {
  readonly member: Member;
  readonly label: string;
  readonly apiName: string;
  readonly version: number;
  readonly response: unknown;
}

class Walk {
  private readonly t: Transcript;
  private readonly group: string;
  private readonly dice: Dice;
  private readonly members: Member[] = [];
  private answers: Answer[] = [];
  private leader = '';
  /** Which of several members becomes the next leader Kafka leaves to chance, and all later answers with it. */
  private leaderHasChanged = false;
  private probe!: RawConnection;

  constructor(t: Transcript, group: string, seed: number) {
    this.t = t;
    this.group = group;
    this.dice = new Dice(seed);
  }

  async run(): Promise<void> {
    this.probe = await this.t.connection();
    for (let i = 0; i < MEMBERS; i++) {
      const instanceId = i % 2 === 1 ? `instance-${i}` : null;
      const connection = await this.t.connection();
      this.members.push({ name: `m${i}`, connection, instanceId, ...UNKNOWN, isWaiting: false, waitsAs: '' });
    }
    for (let step = 0; step < STEPS; step++) {
      const free = this.members.filter((member) => !member.isWaiting && !this.isInUse(member.memberId));
      if (free.length === 0 || this.leaderHasChanged) break;
      await this.act(step, this.dice.oneOf(free));
      await this.settle();
    }
  }

  /** Resolves when the request is answered, or certain to wait. */
  private act(step: number, member: Member): Promise<void> {
    const { dice } = this;
    const label = (what: string): string => `${step} ${member.name} ${what}`;
    const choice = dice.below(100);
    if (choice < 38) return this.orParked(this.join(label('joins'), member));
    if (choice < 62) return this.orParked(this.sync(label('syncs'), member));
    if (choice < 74) return this.beat(label('beats'), member);
    if (choice < 84) return this.commit(label('commits'), member);
    // Kafka 4 rebalances when one leaves that was told its id and has not joined; Kafka 3.9 does not.
    if (choice < 90 && member.generationId > 0) return this.leave(label('leaves'), member);
    if (choice < 94) return this.fetch(label('fetches'), member);
    if (choice < 97 && member.generationId > 0) {
      return this.deleteOffsets(label('deletes offsets'), member);
    }
    return this.deleteGroup(label('deletes the group'), member);
  }

  private orParked(answered: Promise<void>): Promise<void> {
    return Promise.race([answered, this.untilParked()]);
  }

  private async untilParked(): Promise<void> {
    await sleep(PARKED_AFTER_MS);
    for (let i = 0; i < PARKED_AFTER_QUESTIONS; i++) await this.question();
  }

  private async question(): Promise<void> {
    await this.probe.ask(describeGroupsApi, 5, { groups: [this.group] });
  }

  private join(label: string, member: Member): Promise<void> {
    const { dice } = this;
    // Always as what it is: who was given an id as a dynamic member and comes as a static one confuses Kafka.
    const versions = this.t.versionsOf(joinGroupApi).filter((v) => member.instanceId === null || v >= 5);
    const version = dice.oneOf(versions);
    const metadata = subscription(dice.chance(85) ? TOPIC : `${TOPIC}-too`);
    const request = joinRequest(this.group, {
      sessionTimeoutMs: dice.chance(98) ? LONG_MS : 1,
      rebalanceTimeoutMs: LONG_MS,
      memberId: dice.chance(90) ? member.memberId : this.someId(member.instanceId !== null),
      groupInstanceId: version >= 5 ? member.instanceId : null,
      protocolType: dice.chance(97) ? 'consumer' : 'connect',
      protocols: dice
        .oneOf(dice.chance(90) ? PROTOCOLS.slice(0, 3) : PROTOCOLS)
        .map((name) => ({ name, metadata })),
    });
    return this.send(label, member, joinGroupApi, version, request, (response) =>
      this.joined(member, response),
    );
  }

  private joined(member: Member, response: JoinGroupResponse): void {
    if (response.memberId !== '') member.memberId = response.memberId;
    if (response.errorCode !== 0) return;
    member.generationId = response.generationId;
    this.leaderHasChanged ||= this.leader !== '' && this.leader !== response.leader;
    this.leader = response.leader;
    member.others = response.members.map(({ memberId }) => memberId);
  }

  private sync(label: string, member: Member): Promise<void> {
    const { dice } = this;
    const version = this.version(syncGroupApi);
    const assigned = dice.chance(90) ? member.others : [];
    const request = syncRequest(version, this.group, {
      ...this.identity(member, version >= 3),
      assignments: assigned.map((memberId) => ({ memberId, assignment: Buffer.from('a part') })),
    });
    const wrong = version >= 5 && dice.chance(10) ? { protocolName: 'roundrobin' } : {};
    return this.send(label, member, syncGroupApi, version, { ...request, ...wrong });
  }

  private beat(label: string, member: Member): Promise<void> {
    const version = this.version(heartbeatApi);
    const request = { groupId: this.group, ...this.identity(member, version >= 3) };
    return this.send(label, member, heartbeatApi, version, request);
  }

  private commit(label: string, member: Member): Promise<void> {
    const { dice } = this;
    const version = dice.oneOf([2, 5, 6, 7, 8]);
    const { memberId, generationId, ...instance } = this.identity(member, version >= 7);
    const known = { memberId, generationIdOrMemberEpoch: generationId, ...instance };
    const request = commitRequest(this.group, {
      ...(dice.chance(85) ? known : {}),
      partition: dice.below(4),
      offset: dice.below(1000),
      metadata: dice.oneOf([null, '', 'note', 'x'.repeat(4097)]),
    });
    return this.send(label, member, offsetCommitApi, version, request);
  }

  private leave(label: string, member: Member): Promise<void> {
    const { dice } = this;
    const version = this.version(leaveGroupApi);
    const byInstance = { memberId: '', groupInstanceId: dice.oneOf(this.members).instanceId };
    const { memberId } = member;
    const groupInstanceId = version >= 3 ? member.instanceId : null;
    const leaving = version >= 3 && dice.chance(30) ? byInstance : { memberId, groupInstanceId };
    return this.send(label, member, leaveGroupApi, version, leaveRequest(version, this.group, leaving));
  }

  private fetch(label: string, member: Member): Promise<void> {
    const version = this.dice.oneOf([2, 5, 7]);
    return this.send(label, member, offsetFetchApi, version, { groupId: this.group, topics: null });
  }

  private deleteOffsets(label: string, member: Member): Promise<void> {
    const partitions = [{ partitionIndex: this.dice.below(4) }];
    const request = { groupId: this.group, topics: [{ name: TOPIC, partitions }] };
    return this.send(label, member, offsetDeleteApi, 0, request);
  }

  private deleteGroup(label: string, member: Member): Promise<void> {
    return this.send(label, member, deleteGroupsApi, 2, { groupsNames: [this.group] });
  }

  private version(api: { readonly key: number }): number {
    return this.dice.oneOf(this.t.versionsOf(api));
  }

  /** Whom the member says it is: mostly itself. */
  private identity(
    member: Member,
    withInstance: boolean,
  ): { memberId: string; generationId: number; groupInstanceId?: string | null } {
    const { dice } = this;
    const memberId = dice.chance(90) ? member.memberId : this.someId();
    const generationId = dice.chance(90) ? member.generationId : member.generationId + dice.oneOf([-1, 1]);
    if (!withInstance) return { memberId, generationId };
    const groupInstanceId = dice.chance(90) ? member.instanceId : dice.oneOf(this.members).instanceId;
    return { memberId, generationId, groupInstanceId };
  }

  /**
   * Not of a member that waits: whom Kafka never answers once another request has come in its name. Nor, for a
   * static member, of a dynamic one that may be about to join: that is an error without a code to Kafka.
   */
  private someId(isStatic = false): string {
    const usable = this.members.filter(
      ({ memberId, instanceId }) => !this.isInUse(memberId) && (!isStatic || instanceId !== null),
    );
    return this.dice.oneOf(['', 'unknown', this.dice.oneOf(usable)?.memberId ?? '']);
  }

  private isInUse(memberId: string): boolean {
    return memberId !== '' && this.members.some(({ waitsAs }) => waitsAs === memberId);
  }

  private send<RequestInput, Response>(
    label: string,
    member: Member,
    api: ClientApi<RequestInput, Response>,
    version: number,
    request: RequestInput,
    learn: (response: Response) => void = () => {},
  ): Promise<void> {
    member.isWaiting = true;
    member.waitsAs = memberIdIn(request);
    return member.connection.ask(api, version, request).then(
      (response) => {
        member.isWaiting = false;
        member.waitsAs = '';
        if (isForgotten(response)) Object.assign(member, UNKNOWN);
        learn(response);
        this.answers.push({ member, label, apiName: api.name, version, response: comparable(response) });
      },
      // The walk is over and its connections are closed.
      () => {},
    );
  }

  /** Waits until the broker has nothing more to say, and writes down what it said. */
  private async settle(): Promise<void> {
    let seen = -1;
    while (this.answers.length > seen) {
      seen = this.answers.length;
      await sleep(SETTLE_MS);
      await this.question();
    }
    if (this.leaderHasChanged) return;
    const byMember = this.answers.toSorted((a, b) => (a.member.name < b.member.name ? -1 : 1));
    this.answers = [];
    for (const { label, apiName, version, response } of byMember) {
      this.t.write(label, apiName, version, response);
    }
    if (byMember.length === 0) this.t.heading('nobody is answered');
  }
}

/** Without the leader and the ids and order of members, which are not the same in any two brokers. */
function comparable(response: unknown): unknown {
  if (!isJoined(response)) return response;
  const { leader, members, ...rest } = response;
  const told = members.map(({ groupInstanceId, metadata }) => ({ groupInstanceId, metadata }));
  return { ...rest, hasLeader: leader !== '', isLeader: leader === rest.memberId, members: told };
}

function isJoined(response: unknown): response is JoinGroupResponse {
  return 'leader' in (response as object);
}

function memberIdIn(request: unknown): string {
  return (request as { readonly memberId?: string }).memberId ?? '';
}

/** As clients do, a member that is not known any more begins anew. */
function isForgotten(response: unknown): boolean {
  const { errorCode } = response as { readonly errorCode?: number };
  return errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.FENCED_INSTANCE_ID;
}
