import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { GroupWorld } from './group-world.ts';
import { describe, heartbeat, join, stableGroup, sync } from './requests.ts';

suite('heartbeats and sessions', () => {
  test('pitfall 127: fenced instance before unknown member before generation', () => {
    const world = new GroupWorld();
    assert.equal(heartbeat(world, 'x', 1).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    const [member] = stableGroup(world, { groupInstanceId: 'one' });
    const { memberId } = member!;
    assert.equal(heartbeat(world, 'x', 9, 'one').errorCode, ErrorCode.FENCED_INSTANCE_ID);
    assert.equal(heartbeat(world, memberId, 9, 'two').errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    assert.equal(heartbeat(world, 'x', 9).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    assert.equal(heartbeat(world, memberId, 9, 'one').errorCode, ErrorCode.ILLEGAL_GENERATION);
    assert.equal(heartbeat(world, memberId, 1, 'one').errorCode, 0);
  });

  test('pitfall 127: CompletingRebalance is no error, PreparingRebalance is REBALANCE_IN_PROGRESS', () => {
    const world = new GroupWorld();
    const joins = [join(world), join(world)];
    world.advance(6_000);
    const [leader, follower] = joins.map((asked) => asked.result.memberId);
    assert.equal(heartbeat(world, follower!, 1).errorCode, 0);
    sync(world, { memberId: leader!, generationId: 1 });
    assert.equal(heartbeat(world, follower!, 1).errorCode, 0);
    join(world, { memberId: leader! });
    assert.equal(heartbeat(world, follower!, 1).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('pitfall 127: heartbeats during a rebalance keep the session', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(world, {}, {});
    join(world, { memberId: leader!.memberId });
    for (let i = 0; i < 11; i++) {
      world.advance(5_000);
      assert.equal(heartbeat(world, follower!.memberId, 1).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    }
  });

  test('a member that is not heard of for its session is removed, and the others rebalance', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(world, { sessionTimeoutMs: 30_000 }, { sessionTimeoutMs: 10_000 });
    world.advance(9_999);
    assert.equal(describe(world).state, 'Stable');
    world.advance(1);
    assert.equal(describe(world).state, 'PreparingRebalance');
    assert.deepEqual(
      describe(world).members.map(({ memberId }) => memberId),
      [leader!.memberId],
    );
    assert.equal(heartbeat(world, follower!.memberId, 1).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    const rejoined = join(world, { memberId: leader!.memberId });
    assert.equal(rejoined.result.generationId, 2);
  });

  test('members of a group that is loaded have one whole session from then on', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, { sessionTimeoutMs: 10_000 });
    world.advance(9_000);
    world.reload();
    world.advance(9_999);
    assert.equal(describe(world).state, 'Stable');
    assert.equal(heartbeat(world, member!.memberId, 1).errorCode, 0);
    world.reload();
    world.advance(10_000);
    assert.equal(describe(world).state, 'Empty');
  });

  test('a heartbeat begins the session anew, to the millisecond', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    for (let i = 0; i < 5; i++) {
      world.advance(9_999);
      assert.equal(heartbeat(world, member!.memberId, 1).errorCode, 0);
    }
    world.advance(9_999);
    assert.equal(describe(world).members.length, 1);
    world.advance(1);
    assert.equal(describe(world).members.length, 0);
  });

  test('heartbeats set no timers of their own', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    const before = world.timersSet;
    for (let i = 0; i < 100; i++) heartbeat(world, member!.memberId, 1);
    assert.equal(world.timersSet, before);
  });

  test('when the last member is gone the group is Empty, which is kept', () => {
    const world = new GroupWorld();
    stableGroup(world, {});
    world.advance(10_000);
    assert.equal(describe(world).state, 'Empty');
    const last = world.records().at(-1);
    assert.ok(last?.kind === 'group' && last.value !== null);
    assert.deepEqual(
      [last.value.generationId, last.value.protocolName, last.value.leader, last.value.members],
      [2, null, null, []],
    );
    assert.deepEqual(world.pendingTimers(), []);
  });

  test('a member whose session ends while its sync is parked stays until it has been answered', () => {
    const world = new GroupWorld();
    const joins = [join(world, { sessionTimeoutMs: 6_000 }), join(world, { sessionTimeoutMs: 60_000 })];
    world.advance(6_000);
    const [first, second] = joins.map((asked) => asked.result);
    const [leader, follower] = first!.leader === first!.memberId ? [first!, second!] : [second!, first!];
    assert.equal(leader, first);
    world.holdWrites = true;
    const leading = sync(world, { memberId: leader.memberId, generationId: 1 });
    world.advance(20_000);
    world.commitHeld();
    assert.equal(leading.result.errorCode, 0);
    world.advance(5_999);
    assert.equal(describe(world).members.length, 2, follower.memberId);
    world.advance(1);
    assert.equal(describe(world).members.length, 1);
  });
});
