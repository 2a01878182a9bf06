import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { GroupWorld } from './group-world.ts';
import { describe, heartbeat, join, stableGroup, sync } from './requests.ts';

/** Two members that know generation 1, the leader first; nobody has synced. */
function completing(world: GroupWorld): { leader: string; follower: string } {
  const joins = [join(world), join(world)];
  world.advance(6_000);
  const [leader, follower] = joins.map((asked) => asked.result.memberId);
  return { leader: leader!, follower: follower! };
}

suite('syncing', () => {
  test('followers wait for the leader, and all get their part once it is committed', () => {
    const world = new GroupWorld();
    const { leader, follower } = completing(world);
    world.holdWrites = true;
    const waiting = sync(world, { memberId: follower, generationId: 1 });
    assert.equal(waiting.isAnswered, false);
    const assignments = new Map([
      [leader, Buffer.from('left')],
      [follower, Buffer.from('right')],
    ]);
    const leading = sync(world, { memberId: leader, generationId: 1, assignments });
    assert.deepEqual([waiting.isAnswered, leading.isAnswered], [false, false]);
    assert.equal(describe(world).state, 'CompletingRebalance');
    world.commitHeld();
    assert.equal(leading.result.assignment.toString(), 'left');
    assert.equal(waiting.result.assignment.toString(), 'right');
    assert.deepEqual([waiting.result.protocolType, waiting.result.protocolName], ['consumer', 'range']);
    assert.equal(describe(world).state, 'Stable');
  });

  test('pitfall 124: members that the leader left out get an empty assignment', () => {
    const world = new GroupWorld();
    const { leader, follower } = completing(world);
    const waiting = sync(world, { memberId: follower, generationId: 1 });
    sync(world, { memberId: leader, generationId: 1, assignments: new Map([[leader, Buffer.from('all')]]) });
    assert.deepEqual([waiting.result.errorCode, waiting.result.assignment.length], [0, 0]);
  });

  test('pitfall 125: in Stable the stored assignment, in PreparingRebalance REBALANCE_IN_PROGRESS', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(world, {}, {});
    const again = sync(world, follower!);
    assert.equal(again.result.assignment.toString(), follower!.memberId);
    join(world, { memberId: leader!.memberId });
    assert.equal(sync(world, follower!).result.errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('pitfall 125: a wrong protocol type or name is INCONSISTENT_GROUP_PROTOCOL', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    const code = ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
    assert.equal(sync(world, { ...member!, protocolType: 'connect' }).result.errorCode, code);
    assert.equal(sync(world, { ...member!, protocolName: 'sticky' }).result.errorCode, code);
    assert.equal(
      sync(world, { ...member!, protocolType: 'consumer', protocolName: 'range' }).result.errorCode,
      0,
    );
  });

  test('unknown group, unknown member and wrong generation', () => {
    const world = new GroupWorld();
    assert.equal(
      sync(world, { memberId: 'x', generationId: 1 }).result.errorCode,
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
    const [member] = stableGroup(world, {});
    assert.equal(
      sync(world, { memberId: 'x', generationId: 1 }).result.errorCode,
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
    assert.equal(sync(world, { ...member!, generationId: 2 }).result.errorCode, ErrorCode.ILLEGAL_GENERATION);
  });

  test('pitfall 126: members that joined but do not sync are removed after the rebalance timeout (F86)', () => {
    const world = new GroupWorld();
    const { leader, follower } = completing(world);
    const leading = sync(world, { memberId: leader, generationId: 1, assignments: new Map() });
    assert.equal(leading.result.errorCode, 0);
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 5_000) {
      heartbeat(world, leader, 1);
      heartbeat(world, follower, 1);
      world.advance(5_000);
    }
    assert.equal(heartbeat(world, follower, 1).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    assert.equal(heartbeat(world, leader, 1).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('pitfall 126: a leader that does not sync is removed, and parked followers are told to rejoin (F86)', () => {
    const world = new GroupWorld();
    const { leader, follower } = completing(world);
    const waiting = sync(world, { memberId: follower, generationId: 1 });
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 5_000) {
      heartbeat(world, leader, 1);
      world.advance(5_000);
    }
    assert.equal(waiting.result.errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    assert.deepEqual(
      describe(world).members.map(({ memberId }) => memberId),
      [follower],
    );
  });

  test('a join during the commit of the assignment makes it void', () => {
    const world = new GroupWorld();
    const { leader, follower } = completing(world);
    world.holdWrites = true;
    const waiting = sync(world, { memberId: follower, generationId: 1 });
    const leading = sync(world, { memberId: leader, generationId: 1, assignments: new Map() });
    join(world);
    assert.equal(waiting.result.errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    assert.equal(leading.result.errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    world.commitHeld();
    assert.equal(describe(world).state, 'PreparingRebalance');
  });

  test('when the assignment cannot be appended all who wait learn it, and the group rebalances', () => {
    for (const [appendError, told] of [
      [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
      [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
      [ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REBALANCE_IN_PROGRESS],
      [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
    ]) {
      const world = new GroupWorld();
      const { leader, follower } = completing(world);
      world.holdWrites = true;
      const waiting = sync(world, { memberId: follower, generationId: 1 });
      const leading = sync(world, { memberId: leader, generationId: 1, assignments: new Map() });
      world.failHeld(appendError!);
      assert.deepEqual([leading.result.errorCode, waiting.result.errorCode], [told, told]);
      assert.equal(describe(world).state, 'PreparingRebalance');
      assert.deepEqual(world.log, []);
    }
  });

  test('a second sync of the same member supersedes the first, which is answered', () => {
    const world = new GroupWorld();
    const { follower } = completing(world);
    const first = sync(world, { memberId: follower, generationId: 1 });
    const second = sync(world, { memberId: follower, generationId: 1 });
    assert.equal(first.result.errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    assert.equal(second.isAnswered, false);
  });
});
