import { Writer } from '@odradek/protocol/primitives/writer.ts';
import type {
  DescribeGroupResult,
  HeartbeatResult,
  JoinGroupCommand,
  JoinGroupResult,
  LeaveGroupResult,
  OffsetCommitCommand,
  OffsetCommitResult,
  SyncGroupCommand,
  SyncGroupResult,
} from '../../src/group/group-commands.ts';
import type { MemberProtocol } from '../../src/group/group-commands.ts';
import type { Asked, GroupWorld } from './group-world.ts';

type Overrides<Command> = Partial<Omit<Command, 'kind' | 'ticket'>>;

/** The group that tests speak of unless they name another. */
export const GROUP = 'the-group';

/** A consumer's subscription, version 0. */
export function subscription(...topics: string[]): Buffer {
  const writer = new Writer();
  writer.int16(0);
  writer.arrayLength(topics.length);
  for (const topic of topics) writer.string(topic);
  writer.nullableBytes(null);
  return writer.toBuffer();
}

export function protocols(...names: string[]): MemberProtocol[] {
  return names.map((name) => ({ name, metadata: subscription('topic') }));
}

export function join(world: GroupWorld, given: Overrides<JoinGroupCommand> = {}): Asked<JoinGroupResult> {
  return world.ask({
    kind: 'join-group',
    groupId: GROUP,
    memberId: '',
    groupInstanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: protocols('range'),
    requiresKnownMemberId: false,
    canSkipAssignment: false,
    reason: null,
    ...given,
  });
}

export function sync(
  world: GroupWorld,
  given: Overrides<SyncGroupCommand> & { memberId: string; generationId: number },
): Asked<SyncGroupResult> {
  return world.ask({
    kind: 'sync-group',
    groupId: GROUP,
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: new Map(),
    ...given,
  });
}

export function heartbeat(
  world: GroupWorld,
  memberId: string,
  generationId: number,
  groupInstanceId: string | null = null,
): HeartbeatResult {
  return world.ask({ kind: 'heartbeat', groupId: GROUP, memberId, generationId, groupInstanceId }).result;
}

export function leave(
  world: GroupWorld,
  ...members: { memberId: string; groupInstanceId?: string | null; reason?: string }[]
): LeaveGroupResult {
  const identities = members.map(({ memberId, groupInstanceId = null, reason = null }) => ({
    memberId,
    groupInstanceId,
    reason,
  }));
  return world.ask({ kind: 'leave-group', groupId: GROUP, members: identities }).result;
}

export function commit(
  world: GroupWorld,
  given: Overrides<OffsetCommitCommand> & {
    topic?: string;
    partition?: number;
    offset?: number;
    metadata?: string | null;
  } = {},
): Asked<OffsetCommitResult> {
  const { topic = 'topic', partition = 0, offset = 1, metadata = null, ...command } = given;
  return world.ask({
    kind: 'offset-commit',
    groupId: GROUP,
    generationId: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1,
    namesUnknownGroup: false,
    offsets: [{ topic, partition, offset, leaderEpoch: -1, metadata, commitTimestampMs: -1 }],
    ...command,
  });
}

export function fetchAll(world: GroupWorld, groupId = GROUP): Record<string, number> {
  const { offsets } = world.ask({
    kind: 'offset-fetch',
    groupId,
    partitions: null,
    requireStable: false,
  }).result;
  return Object.fromEntries(offsets.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
}

export function describe(world: GroupWorld, groupId = GROUP): DescribeGroupResult {
  return world.ask({ kind: 'describe-group', groupId }).result;
}

/** A member that has joined and knows its id. */
export interface Joined {
  readonly memberId: string;
  readonly generationId: number;
}

/** Lets new members found the group or join it, and brings it to Stable; the first is the leader of a new group. */
export function stableGroup(world: GroupWorld, ...members: Overrides<JoinGroupCommand>[]): Joined[] {
  const joins = members.map((member) => join(world, member));
  world.advance(world.settings.initialRebalanceDelayMs);
  world.advance(world.settings.initialRebalanceDelayMs);
  return syncAll(
    world,
    joins.map((asked, i) => ({ result: asked.result, groupInstanceId: members[i]!.groupInstanceId ?? null })),
  );
}

/** All who have joined the generation ask for their assignments, the leader last. Each gets its own id as bytes. */
export function syncAll(
  world: GroupWorld,
  joined: readonly { result: JoinGroupResult; groupInstanceId: string | null }[],
): Joined[] {
  const assignments = new Map(joined.map(({ result }) => [result.memberId, Buffer.from(result.memberId)]));
  const leaderLast = [...joined].sort((a, b) => Number(isLeader(a.result)) - Number(isLeader(b.result)));
  for (const { result, groupInstanceId } of leaderLast) {
    const { memberId, generationId } = result;
    sync(world, {
      memberId,
      generationId,
      groupInstanceId,
      assignments: isLeader(result) ? assignments : new Map(),
    });
  }
  return joined.map(({ result: { memberId, generationId } }) => ({ memberId, generationId }));
}

function isLeader(result: JoinGroupResult): boolean {
  return result.leader === result.memberId;
}
