import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { errorName } from '@odradek/protocol/errors.ts';
import { GroupWorld } from './group-world.ts';
import { GROUP, commit, heartbeat, join, leave, stableGroup, sync } from './requests.ts';

type StateName = 'none' | 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';
type CallerName = 'member' | 'old generation' | 'stranger' | 'nobody' | 'fenced';

interface Caller {
  readonly memberId: string;
  readonly generationId: number;
  readonly groupInstanceId: string | null;
}

/** Brings a group into the state; the caller named `member` is a static follower of generation 1. */
function worldIn(state: StateName): { world: GroupWorld; member: Caller } {
  const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
  if (state === 'none') return { world, member: { memberId: 'm', generationId: 1, groupInstanceId: 'one' } };
  const [leader, follower] = stableGroup(world, {}, { groupInstanceId: 'one' });
  const member = { ...follower!, groupInstanceId: 'one' };
  if (state === 'PreparingRebalance') join(world, { memberId: leader!.memberId });
  if (state === 'CompletingRebalance') {
    join(world, { memberId: leader!.memberId });
    join(world, { memberId: member.memberId, groupInstanceId: 'one' });
    return { world, member: { ...member, generationId: 2 } };
  }
  if (state === 'Empty' || state === 'Dead') leave(world, leader!, member);
  if (state === 'Dead') {
    commit(world);
    world.holdWrites = true;
    world.ask({ kind: 'delete-group', groupId: GROUP });
  }
  return { world, member };
}

function callerOf(name: CallerName, member: Caller): Caller {
  switch (name) {
    case 'member':
      return member;
    case 'old generation':
      return { ...member, generationId: member.generationId - 1 };
    case 'stranger':
      return { ...member, memberId: 'stranger', groupInstanceId: null };
    case 'nobody':
      return { memberId: '', generationId: -1, groupInstanceId: null };
    case 'fenced':
      return { ...member, memberId: 'stranger' };
  }
}

const parked = 'parked';

function join1(world: GroupWorld, caller: Caller): string {
  const asked = join(world, caller);
  return asked.isAnswered ? errorName(asked.result.errorCode) : parked;
}

function sync1(world: GroupWorld, caller: Caller): string {
  const asked = sync(world, caller);
  return asked.isAnswered ? errorName(asked.result.errorCode) : parked;
}

function commit1(world: GroupWorld, caller: Caller): string {
  const asked = commit(world, caller);
  return asked.isAnswered ? errorName(asked.result.errorCodes[0]!) : parked;
}

const apis: Record<string, (world: GroupWorld, caller: Caller) => string> = {
  join: join1,
  sync: sync1,
  heartbeat: (world, { memberId, generationId, groupInstanceId }) =>
    errorName(heartbeat(world, memberId, generationId, groupInstanceId).errorCode),
  leave: (world, caller) => {
    const { errorCode, members } = leave(world, caller);
    return errorName(errorCode === 0 ? members[0]!.errorCode : errorCode);
  },
  commit: commit1,
};

const callers: CallerName[] = ['member', 'old generation', 'stranger', 'nobody', 'fenced'];

/**
 * Every API in every state by every kind of caller, as Apache Kafka 3.9 answers. Columns: member, member of the
 * generation before, unknown member, no member id and no generation, unknown member under a known instance id.
 */
const matrix: Record<string, Record<StateName, string>> = {
  join: {
    none: 'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | parked | UNKNOWN_MEMBER_ID',
    Empty: 'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | parked | UNKNOWN_MEMBER_ID',
    PreparingRebalance: 'NONE | NONE | UNKNOWN_MEMBER_ID | parked | FENCED_INSTANCE_ID',
    CompletingRebalance: 'NONE | NONE | UNKNOWN_MEMBER_ID | parked | FENCED_INSTANCE_ID',
    Stable: 'NONE | NONE | UNKNOWN_MEMBER_ID | parked | FENCED_INSTANCE_ID',
    Dead: 'COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE',
  },
  sync: {
    none: 'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID',
    Empty:
      'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID',
    PreparingRebalance:
      'REBALANCE_IN_PROGRESS | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    CompletingRebalance:
      'parked | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Stable: 'NONE | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Dead: 'COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE',
  },
  heartbeat: {
    none: 'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID',
    Empty:
      'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID',
    PreparingRebalance:
      'REBALANCE_IN_PROGRESS | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    CompletingRebalance:
      'NONE | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Stable: 'NONE | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Dead: 'COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE',
  },
  leave: {
    none: 'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID',
    Empty:
      'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID',
    PreparingRebalance: 'NONE | NONE | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    CompletingRebalance: 'NONE | NONE | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Stable: 'NONE | NONE | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Dead: 'COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE',
  },
  commit: {
    none: 'ILLEGAL_GENERATION | ILLEGAL_GENERATION | ILLEGAL_GENERATION | NONE | ILLEGAL_GENERATION',
    Empty: 'UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | NONE | UNKNOWN_MEMBER_ID',
    PreparingRebalance:
      'NONE | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    CompletingRebalance:
      'REBALANCE_IN_PROGRESS | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Stable: 'NONE | ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID',
    Dead: 'COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE | COORDINATOR_NOT_AVAILABLE',
  },
};

suite('every API in every state', () => {
  for (const [api, states] of Object.entries(matrix)) {
    for (const [state, expected] of Object.entries(states)) {
      test(`${api} in ${state}`, () => {
        const answers = callers.map((name) => {
          const { world, member } = worldIn(state as StateName);
          return apis[api]!(world, callerOf(name, member));
        });
        assert.equal(answers.join(' | '), expected);
      });
    }
  }
});
