import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { OffsetDeleteResult } from '../../src/group/group-commands.ts';
import { GroupWorld } from './group-world.ts';
import { GROUP, commit, describe, fetchAll, join, leave, stableGroup, subscription } from './requests.ts';

const MINUTE_MS = 60_000;

function deleteGroup(world: GroupWorld, groupId = GROUP): number {
  return world.ask({ kind: 'delete-group', groupId }).result.errorCode;
}

function deleteOffsets(world: GroupWorld, ...topics: string[]): OffsetDeleteResult {
  const partitions = topics.map((topic) => ({ topic, partition: 0 }));
  return world.ask({ kind: 'offset-delete', groupId: GROUP, partitions }).result;
}

function expire(world: GroupWorld): void {
  world.tell({ kind: 'expire-offsets', groupIds: world.shard.groupIds() });
}

suite('deleting groups and offsets', () => {
  test('pitfall 145: a group with members is NON_EMPTY_GROUP, an unknown one GROUP_ID_NOT_FOUND', () => {
    const world = new GroupWorld();
    assert.equal(deleteGroup(world), ErrorCode.GROUP_ID_NOT_FOUND);
    const [member] = stableGroup(world, {});
    assert.equal(deleteGroup(world), ErrorCode.NON_EMPTY_GROUP);
    leave(world, member!);
    assert.equal(deleteGroup(world), 0);
    assert.equal(deleteGroup(world), ErrorCode.GROUP_ID_NOT_FOUND);
  });

  test('pitfall 145: a deleted group and its offsets do not come back', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    commit(world, { ...member!, offset: 5 });
    leave(world, member!);
    assert.equal(deleteGroup(world), 0);
    assert.deepEqual(fetchAll(world), {});
    world.reload();
    assert.equal(describe(world).state, 'Dead');
    assert.deepEqual([fetchAll(world), world.shard.groupIds()], [{}, []]);
    const tombstones = world.records().filter(({ value }) => value === null);
    assert.deepEqual(
      tombstones.map(({ kind }) => kind),
      ['offset', 'group'],
    );
  });

  test('pitfall 145: offsets of a topic that the members subscribe to are GROUP_SUBSCRIBED_TO_TOPIC', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    commit(world, { ...member!, topic: 'topic' });
    commit(world, { ...member!, topic: 'former' });
    const { errorCode, errorCodes } = deleteOffsets(world, 'topic', 'former', 'never');
    assert.deepEqual([errorCode, errorCodes], [0, [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, 0, 0]]);
    assert.deepEqual(fetchAll(world), { 'topic-0': 1 });
  });

  test('offsets of a group that is no consumer group go when it has no members', () => {
    const world = new GroupWorld();
    assert.equal(deleteOffsets(world, 'topic').errorCode, ErrorCode.GROUP_ID_NOT_FOUND);
    const [member] = stableGroup(world, { protocolType: 'connect' });
    commit(world, member!);
    assert.equal(deleteOffsets(world, 'topic').errorCode, ErrorCode.NON_EMPTY_GROUP);
    leave(world, member!);
    assert.deepEqual(deleteOffsets(world, 'topic').errorCodes, [0]);
    assert.deepEqual([fetchAll(world), describe(world).state], [{}, 'Dead'], 'nothing is left of the group');
  });

  test('a consumer group whose subscriptions cannot be read may be subscribed to anything', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, { protocols: [{ name: 'range', metadata: Buffer.from('?') }] });
    commit(world, member!);
    assert.deepEqual(deleteOffsets(world, 'topic').errorCodes, [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]);
  });

  test('while a deletion is under way nobody gets in, and when it fails the group is back', () => {
    const world = new GroupWorld();
    commit(world, { offset: 5 });
    world.holdWrites = true;
    const deleting = world.ask({ kind: 'delete-group', groupId: GROUP });
    assert.equal(join(world).result.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    assert.deepEqual(commit(world).result.errorCodes, [ErrorCode.COORDINATOR_NOT_AVAILABLE]);
    world.failHeld(ErrorCode.NOT_ENOUGH_REPLICAS);
    assert.equal(deleting.result.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    assert.deepEqual([describe(world).state, fetchAll(world)], ['Empty', { 'topic-0': 5 }]);
  });

  test('an offset that is on its way is deleted with its group', () => {
    const world = new GroupWorld();
    world.holdWrites = true;
    commit(world, { offset: 5 });
    const deleting = world.ask({ kind: 'delete-group', groupId: GROUP });
    world.commitHeld();
    world.commitHeld();
    assert.equal(deleting.result.errorCode, 0);
    world.reload();
    assert.deepEqual([fetchAll(world), world.shard.groupIds()], [{}, []]);
  });

  test('the offsets of deleted topics go, whatever the group', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    commit(world, { ...member!, topic: 'topic', partition: 0 });
    commit(world, { ...member!, topic: 'topic', partition: 1 });
    commit(world, { ...member!, topic: 'other' });
    commit(world, { groupId: 'another', topic: 'topic' });
    world.tell({ kind: 'topics-deleted', topics: ['topic'] });
    assert.deepEqual(fetchAll(world), { 'other-0': 1 });
    assert.deepEqual(fetchAll(world, 'another'), {});
    assert.deepEqual(world.shard.groupIds(), [GROUP]);
  });
});

suite('expiry of offsets', () => {
  const settings = { offsetsRetentionMs: 10 * MINUTE_MS };

  test('pitfall 133: of a group that only keeps offsets, the retention after the commit', () => {
    const world = new GroupWorld(settings);
    commit(world, { partition: 0 });
    world.advance(5 * MINUTE_MS);
    commit(world, { partition: 1 });
    world.advance(5 * MINUTE_MS - 1);
    expire(world);
    assert.equal(Object.keys(fetchAll(world)).length, 2);
    world.advance(1);
    expire(world);
    assert.deepEqual(Object.keys(fetchAll(world)), ['topic-1']);
    world.advance(5 * MINUTE_MS);
    expire(world);
    assert.deepEqual([fetchAll(world), describe(world).state], [{}, 'Dead']);
  });

  test('pitfall 133: of a group with members, counted while it is Empty (KIP-211, F84)', () => {
    const world = new GroupWorld(settings);
    const [member] = stableGroup(world, { sessionTimeoutMs: 1_800_000 });
    commit(world, member!);
    world.advance(20 * MINUTE_MS);
    expire(world);
    assert.deepEqual(Object.keys(fetchAll(world)), ['topic-0'], 'the group is subscribed');
    leave(world, member!);
    world.advance(10 * MINUTE_MS - 1);
    expire(world);
    assert.deepEqual(Object.keys(fetchAll(world)), ['topic-0']);
    world.advance(1);
    expire(world);
    assert.deepEqual([fetchAll(world), describe(world).state], [{}, 'Dead']);
  });

  test('F84: the time since a group is Empty outlives the coordinator', () => {
    const world = new GroupWorld(settings);
    const [member] = stableGroup(world, {});
    commit(world, member!);
    leave(world, member!);
    world.advance(6 * MINUTE_MS);
    world.reload();
    world.advance(4 * MINUTE_MS);
    expire(world);
    assert.deepEqual([fetchAll(world), world.shard.groupIds()], [{}, []]);
  });

  test('F84: in a stable group, offsets of topics that nobody subscribes to any more', () => {
    const world = new GroupWorld(settings);
    const [member] = stableGroup(world, { sessionTimeoutMs: 1_800_000 });
    commit(world, { ...member!, topic: 'topic' });
    commit(world, { ...member!, topic: 'former' });
    world.advance(10 * MINUTE_MS);
    const changed = [{ name: 'range', metadata: subscription('other') }];
    join(world, { ...member!, protocols: changed, sessionTimeoutMs: 1_800_000 });
    expire(world);
    assert.equal(Object.keys(fetchAll(world)).length, 2, 'not during a rebalance');
  });

  test('F84: in a stable group the subscribed topic stays and the former one goes', () => {
    const world = new GroupWorld(settings);
    const [member] = stableGroup(world, { sessionTimeoutMs: 1_800_000 });
    commit(world, { ...member!, topic: 'topic' });
    commit(world, { ...member!, topic: 'former' });
    world.advance(10 * MINUTE_MS);
    expire(world);
    assert.deepEqual(Object.keys(fetchAll(world)), ['topic-0']);
  });

  test('of groups that are no consumer groups nothing goes while they have members', () => {
    const world = new GroupWorld(settings);
    const [member] = stableGroup(world, { protocolType: 'connect', sessionTimeoutMs: 1_800_000 });
    commit(world, member!);
    world.advance(20 * MINUTE_MS);
    expire(world);
    assert.deepEqual(Object.keys(fetchAll(world)), ['topic-0']);
  });

  test('pitfall 133: a retention of v2 to v4 rules its own offsets; -1, and 0 too, is the broker default (F84)', () => {
    const world = new GroupWorld(settings);
    commit(world, { partition: 0, retentionTimeMs: MINUTE_MS });
    commit(world, { partition: 1, retentionTimeMs: 0 });
    commit(world, { partition: 2, retentionTimeMs: -1 });
    commit(world, { partition: 3, retentionTimeMs: 20 * MINUTE_MS });
    world.advance(MINUTE_MS - 1);
    expire(world);
    assert.equal(Object.keys(fetchAll(world)).length, 4);
    world.advance(1);
    expire(world);
    assert.deepEqual(Object.keys(fetchAll(world)), ['topic-1', 'topic-2', 'topic-3']);
    world.reload();
    world.advance(9 * MINUTE_MS);
    expire(world);
    assert.deepEqual(Object.keys(fetchAll(world)), ['topic-3']);
  });

  test('what is being written does not expire', () => {
    const world = new GroupWorld(settings);
    commit(world, { offset: 1 });
    world.advance(10 * MINUTE_MS);
    world.holdWrites = true;
    commit(world, { offset: 2 });
    expire(world);
    world.commitHeld();
    assert.deepEqual(fetchAll(world), { 'topic-0': 2 });
  });

  test('an Empty group without offsets goes, one that waits for a member does not', () => {
    const world = new GroupWorld(settings);
    const [member] = stableGroup(world, {});
    leave(world, member!);
    const { memberId } = join(world, { requiresKnownMemberId: true }).result;
    expire(world);
    assert.equal(join(world, { memberId }).isAnswered, false);
    leave(world, { memberId });
    world.advance(3_000);
    expire(world);
    assert.equal(describe(world).state, 'Dead');
    assert.deepEqual(world.durableState(), []);
  });
});
