import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { GroupWorld } from './group-world.ts';
import { commit, describe, heartbeat, join, leave, protocols, stableGroup, sync } from './requests.ts';

suite('static members', () => {
  test('pitfall 128: the same instance without an id takes the place of the old one, without a rebalance', () => {
    const world = new GroupWorld();
    const [leader, instance] = stableGroup(world, {}, { groupInstanceId: 'one' });
    const again = join(world, { groupInstanceId: 'one' }).result;
    assert.deepEqual([again.errorCode, again.generationId, again.leader], [0, 1, leader!.memberId]);
    assert.notEqual(again.memberId, instance!.memberId);
    assert.equal(describe(world).state, 'Stable');
    const synced = sync(world, { memberId: again.memberId, generationId: 1, groupInstanceId: 'one' });
    assert.equal(
      synced.result.assignment.toString(),
      instance!.memberId,
      'the assignment of its former self',
    );
  });

  test('pitfall 128: the old id gets FENCED_INSTANCE_ID on every API', () => {
    const world = new GroupWorld();
    const [, instance] = stableGroup(world, {}, { groupInstanceId: 'one' });
    join(world, { groupInstanceId: 'one' });
    const old = { memberId: instance!.memberId, groupInstanceId: 'one' };
    const code = ErrorCode.FENCED_INSTANCE_ID;
    assert.equal(join(world, old).result.errorCode, code);
    assert.equal(sync(world, { ...old, generationId: 1 }).result.errorCode, code);
    assert.equal(heartbeat(world, old.memberId, 1, 'one').errorCode, code);
    assert.equal(leave(world, old).members[0]!.errorCode, code);
    assert.deepEqual(commit(world, { ...old, generationId: 1 }).result.errorCodes, [code]);
  });

  test('pitfall 128: a returning leader is told to skip the assignment from v9 on, and the old leader before', () => {
    for (const canSkipAssignment of [true, false]) {
      const world = new GroupWorld();
      const [leader] = stableGroup(world, { groupInstanceId: 'one' }, {});
      const again = join(world, { groupInstanceId: 'one', canSkipAssignment }).result;
      assert.equal(again.skipAssignment, canSkipAssignment);
      assert.equal(again.leader, canSkipAssignment ? again.memberId : leader!.memberId);
      assert.equal(again.members.length, canSkipAssignment ? 2 : 0);
    }
  });

  test('its new id is known to whoever loads the group next', () => {
    const world = new GroupWorld();
    stableGroup(world, {}, { groupInstanceId: 'one' });
    const { memberId } = join(world, { groupInstanceId: 'one' }).result;
    world.reload();
    assert.equal(heartbeat(world, memberId, 1, 'one').errorCode, 0);
  });

  test('parked requests of the old id are fenced at once', () => {
    const world = new GroupWorld();
    const [leader] = stableGroup(world, {}, { groupInstanceId: 'one' });
    join(world, { memberId: leader!.memberId });
    const parked = join(world, { groupInstanceId: 'one' });
    assert.equal(parked.result.generationId, 2, 'all are in');

    const syncing = sync(world, {
      memberId: parked.result.memberId,
      generationId: 2,
      groupInstanceId: 'one',
    });
    assert.equal(syncing.isAnswered, false);
    const again = join(world, { groupInstanceId: 'one' });
    assert.equal(syncing.result.errorCode, ErrorCode.FENCED_INSTANCE_ID);
    assert.equal(again.isAnswered, false, 'the leader may have assigned to the old id');
    assert.equal(describe(world).state, 'PreparingRebalance');
  });

  test('where the protocol of the group would change it rebalances', () => {
    const world = new GroupWorld();
    stableGroup(
      world,
      { protocols: protocols('range', 'sticky') },
      { groupInstanceId: 'one', protocols: protocols('range', 'sticky') },
    );
    assert.equal(join(world, { groupInstanceId: 'one', protocols: protocols('sticky') }).isAnswered, false);
    assert.equal(describe(world).state, 'PreparingRebalance');
  });

  test('when its new id cannot be stored, the old one goes on', () => {
    const world = new GroupWorld();
    const [, instance] = stableGroup(world, {}, { groupInstanceId: 'one' });
    world.holdWrites = true;
    const again = join(world, { groupInstanceId: 'one', sessionTimeoutMs: 20_000 });
    world.failHeld(ErrorCode.NOT_ENOUGH_REPLICAS);
    assert.deepEqual(
      [again.result.errorCode, again.result.memberId],
      [ErrorCode.COORDINATOR_NOT_AVAILABLE, ''],
    );
    assert.equal(heartbeat(world, instance!.memberId, 1, 'one').errorCode, 0);
  });

  test('a rebalance that begins while its new id is being stored answers the join itself', () => {
    const world = new GroupWorld();
    const [leader] = stableGroup(world, {}, { groupInstanceId: 'one' });
    world.holdWrites = true;
    const again = join(world, { groupInstanceId: 'one' });
    join(world, { memberId: leader!.memberId });
    assert.equal(again.result.generationId, 2);
    world.commitHeld();
    assert.equal(describe(world).state, 'CompletingRebalance');
  });

  test('its session ends like any other', () => {
    const world = new GroupWorld();
    stableGroup(world, { groupInstanceId: 'one' });
    const { memberId } = join(world, { groupInstanceId: 'one' }).result;
    world.advance(9_999);
    heartbeat(world, memberId, 1, 'one');
    world.advance(10_000);
    assert.equal(describe(world).state, 'Empty');
    assert.deepEqual(world.pendingTimers(), []);
  });
});
