import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { GroupWorld } from './group-world.ts';
import { describe, join, leave, stableGroup, sync } from './requests.ts';

suite('leaving', () => {
  test('pitfall 129: each member has its code, and the whole has none, for an unknown group too', () => {
    const world = new GroupWorld();
    const unknown = leave(world, { memberId: 'x' });
    assert.deepEqual([unknown.errorCode, unknown.members[0]!.errorCode], [0, ErrorCode.UNKNOWN_MEMBER_ID]);
    const [leader, instance] = stableGroup(world, {}, { groupInstanceId: 'one' });
    const result = leave(
      world,
      { memberId: 'x' },
      { memberId: leader!.memberId },
      { memberId: 'y', groupInstanceId: 'one' },
      { memberId: instance!.memberId, groupInstanceId: 'two' },
    );
    assert.equal(result.errorCode, 0);
    assert.deepEqual(
      result.members.map(({ errorCode }) => errorCode),
      [ErrorCode.UNKNOWN_MEMBER_ID, 0, ErrorCode.FENCED_INSTANCE_ID, ErrorCode.UNKNOWN_MEMBER_ID],
    );
    assert.deepEqual(
      result.members.map(({ memberId, groupInstanceId }) => [memberId, groupInstanceId]),
      [
        ['x', null],
        [leader!.memberId, null],
        ['y', 'one'],
        [instance!.memberId, 'two'],
      ],
    );
  });

  test('pitfall 129: an administrator takes static members out by their instance', () => {
    const world = new GroupWorld();
    stableGroup(world, { groupInstanceId: 'one' });
    const result = leave(
      world,
      { memberId: '', groupInstanceId: 'two' },
      { memberId: '' },
      { memberId: '', groupInstanceId: 'one' },
    );
    assert.deepEqual(
      result.members.map(({ errorCode }) => errorCode),
      [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.UNKNOWN_MEMBER_ID, 0],
    );
    assert.equal(describe(world).state, 'Empty');
  });

  test('when one leaves the others rebalance, when the last leaves the group is Empty', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(world, {}, {});
    leave(world, { memberId: leader!.memberId });
    assert.equal(describe(world).state, 'PreparingRebalance');
    assert.equal(join(world, { memberId: follower!.memberId }).result.leader, follower!.memberId);
    leave(world, { memberId: follower!.memberId });
    assert.equal(describe(world).state, 'Empty');
    assert.deepEqual(world.pendingTimers(), []);
  });

  test('a member that was told its id can leave, and the rebalance waits no longer for it', () => {
    const world = new GroupWorld();
    const [leader] = stableGroup(world, {});
    const { memberId } = join(world, { requiresKnownMemberId: true }).result;
    const rejoined = join(world, { memberId: leader!.memberId });
    assert.equal(rejoined.isAnswered, false);
    assert.equal(leave(world, { memberId }).members[0]!.errorCode, 0);
    assert.equal(rejoined.result.generationId, 2);
  });

  test('whoever leaves while it waits is answered', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(world, {}, {});
    const joining = join(world, { memberId: leader!.memberId });
    leave(world, { memberId: leader!.memberId });
    assert.deepEqual([joining.result.errorCode, joining.result.memberId], [ErrorCode.UNKNOWN_MEMBER_ID, '']);
    join(world, { memberId: follower!.memberId });
    join(world, { memberId: follower!.memberId });
    const third = join(world);
    assert.equal(join(world, { memberId: follower!.memberId }).result.generationId, 3);
    const syncing = sync(world, { memberId: third.result.memberId, generationId: 3 });
    leave(world, { memberId: third.result.memberId });
    assert.equal(syncing.result.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('all who leave in the initial delay leave an empty generation', () => {
    const world = new GroupWorld();
    const joining = join(world);
    const { memberId } = describe(world).members[0]!;
    leave(world, { memberId });
    assert.equal(joining.result.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    world.advance(3_000);
    assert.equal(describe(world).state, 'Empty');
    assert.equal(join(world).isAnswered, false);
  });
});
