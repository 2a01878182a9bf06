import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { OffsetFetchResult } from '../../src/group/group-commands.ts';
import { GroupWorld, WORLD_BEGIN_MS } from './group-world.ts';
import { GROUP, commit, describe, fetchAll, heartbeat, join, stableGroup } from './requests.ts';

suite('committing offsets', () => {
  test('pitfall 130: without a generation, for an unknown group or an empty one', () => {
    const world = new GroupWorld();
    assert.deepEqual(commit(world, { offset: 5 }).result.errorCodes, [0]);
    assert.deepEqual([describe(world).state, describe(world).protocolType], ['Empty', '']);
    assert.deepEqual(commit(world, { offset: 6 }).result.errorCodes, [0]);
    assert.deepEqual(fetchAll(world), { 'topic-0': 6 });
  });

  test('pitfall 130: without a generation while there are members is UNKNOWN_MEMBER_ID', () => {
    const world = new GroupWorld();
    stableGroup(world, {});
    assert.deepEqual(commit(world).result.errorCodes, [ErrorCode.UNKNOWN_MEMBER_ID]);
  });

  test('pitfall 130: with a generation for an unknown group ILLEGAL_GENERATION, from v9 on GROUP_ID_NOT_FOUND', () => {
    const world = new GroupWorld();
    const given = { generationId: 0, memberId: 'x' };
    assert.deepEqual(commit(world, given).result.errorCodes, [ErrorCode.ILLEGAL_GENERATION]);
    const named = commit(world, { ...given, namesUnknownGroup: true });
    assert.deepEqual(named.result.errorCodes, [ErrorCode.GROUP_ID_NOT_FOUND]);
    assert.equal(describe(world).state, 'Dead');
  });

  test('members of another generation, and who is no member', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    assert.deepEqual(commit(world, { ...member!, generationId: 2 }).result.errorCodes, [
      ErrorCode.ILLEGAL_GENERATION,
    ]);
    const stranger = commit(world, { memberId: 'x', generationId: 1 });
    assert.deepEqual(stranger.result.errorCodes, [ErrorCode.UNKNOWN_MEMBER_ID]);
    assert.deepEqual(commit(world, member!).result.errorCodes, [0]);
  });

  test('pitfall 131: in PreparingRebalance stored, and it counts as a heartbeat', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(world, {}, {});
    join(world, { memberId: leader!.memberId });
    for (let i = 0; i < 3; i++) {
      world.advance(8_000);
      assert.deepEqual(commit(world, { ...follower!, offset: i }).result.errorCodes, [0]);
    }
    assert.deepEqual(fetchAll(world), { 'topic-0': 2 });
    assert.equal(heartbeat(world, follower!.memberId, 1).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('pitfall 131: in CompletingRebalance REBALANCE_IN_PROGRESS', () => {
    const world = new GroupWorld();
    const asked = join(world);
    world.advance(3_000);
    const { memberId, generationId } = asked.result;
    assert.deepEqual(commit(world, { memberId, generationId }).result.errorCodes, [
      ErrorCode.REBALANCE_IN_PROGRESS,
    ]);
  });

  test('pitfall 132: metadata that is too large is refused for its partition alone', () => {
    const world = new GroupWorld();
    const at = { topic: 't', offset: 1, leaderEpoch: -1, commitTimestampMs: -1 };
    const offsets = [
      { ...at, partition: 0, metadata: 'x'.repeat(4_096) },
      { ...at, partition: 1, metadata: 'x'.repeat(4_097) },
    ];
    assert.deepEqual(commit(world, { offsets }).result.errorCodes, [0, ErrorCode.OFFSET_METADATA_TOO_LARGE]);
    assert.deepEqual(fetchAll(world), { 't-0': 1 });
    const only = commit(world, { offsets: offsets.slice(1) });
    assert.deepEqual(only.result.errorCodes, [ErrorCode.OFFSET_METADATA_TOO_LARGE]);
  });

  test('offsets count once they are committed, and failures tell why', () => {
    for (const [appendError, told] of [
      [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
      [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
      [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.INVALID_COMMIT_OFFSET_SIZE],
      [ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REQUEST_TIMED_OUT],
    ]) {
      const world = new GroupWorld();
      commit(world, { offset: 1 });
      world.holdWrites = true;
      const failing = commit(world, { offset: 2 });
      const good = commit(world, { offset: 3 });
      assert.deepEqual([failing.isAnswered, good.isAnswered], [false, false]);
      assert.deepEqual(fetchAll(world), { 'topic-0': 1 });
      world.failHeld(appendError!);
      assert.deepEqual(failing.result.errorCodes, [told]);
      assert.deepEqual(fetchAll(world), { 'topic-0': 1 });
      world.commitHeld();
      assert.deepEqual(good.result.errorCodes, [0]);
      assert.deepEqual(fetchAll(world), { 'topic-0': 3 });
    }
  });
});

function fetch(world: GroupWorld, partition: number, requireStable = false): OffsetFetchResult {
  const partitions = [{ topic: 'topic', partition }];
  return world.ask({ kind: 'offset-fetch', groupId: GROUP, partitions, requireStable }).result;
}

suite('fetching offsets', () => {
  test('pitfall 134: what was never committed is offset -1 with empty metadata and no error', () => {
    const world = new GroupWorld();
    const nothing = { topic: 'topic', partition: 7, offset: -1, leaderEpoch: -1, metadata: '', errorCode: 0 };
    assert.deepEqual(fetch(world, 7), { kind: 'offset-fetch', errorCode: 0, offsets: [nothing] });
    commit(world, { partition: 0 });
    assert.deepEqual(fetch(world, 7).offsets, [nothing]);
    assert.equal(fetch(world, 0).offsets[0]!.metadata, '', 'null metadata is read back as empty');
  });

  test('pitfall 135: all topics means all that is stored, none means none', () => {
    const world = new GroupWorld();
    commit(world, { topic: 'a', partition: 3, offset: 10 });
    commit(world, { topic: 'b', partition: 0, offset: 20 });
    assert.deepEqual(fetchAll(world), { 'a-3': 10, 'b-0': 20 });
    const none = world.ask({
      kind: 'offset-fetch',
      groupId: GROUP,
      partitions: [],
      requireStable: false,
    }).result;
    assert.deepEqual([none.errorCode, none.offsets], [0, []]);
    assert.deepEqual(fetchAll(world, 'another'), {});
  });

  test('pitfall 138: the leader epoch is what was committed, on both paths', () => {
    const world = new GroupWorld();
    const offset = {
      topic: 'topic',
      partition: 0,
      offset: 1,
      leaderEpoch: 5,
      metadata: null,
      commitTimestampMs: -1,
    };
    commit(world, { offsets: [offset] });
    assert.equal(fetch(world, 0).offsets[0]!.leaderEpoch, 5);
    const all = world.ask({
      kind: 'offset-fetch',
      groupId: GROUP,
      partitions: null,
      requireStable: false,
    }).result;
    assert.equal(all.offsets[0]!.leaderEpoch, 5);
  });

  test('pitfall 137: stable offsets are withheld while a transaction or an append is open, and only then', () => {
    const world = new GroupWorld();
    commit(world, { partition: 0, offset: 1 });
    const value = { offset: 9, leaderEpoch: -1, metadata: '', commitTimestampMs: 0, expireTimestampMs: null };
    const record = { kind: 'offset', groupId: GROUP, topic: 'topic', partition: 0, value } as const;
    for (const [committed, expected] of [
      [false, 1],
      [true, 9],
    ] as const) {
      world.shard.applyInTransaction(record, 100, 77);
      const unstable = fetch(world, 0, true).offsets[0]!;
      assert.deepEqual([unstable.errorCode, unstable.offset], [ErrorCode.UNSTABLE_OFFSET_COMMIT, -1]);
      assert.equal(fetch(world, 0, false).offsets[0]!.offset, 1);
      assert.equal(fetch(world, 1, true).offsets[0]!.errorCode, 0);
      world.shard.endTransaction(77, committed);
      const stable = fetch(world, 0, true).offsets[0]!;
      assert.deepEqual([stable.errorCode, stable.offset], [0, expected]);
    }
    world.holdWrites = true;
    commit(world, { partition: 0, offset: 10 });
    assert.equal(fetch(world, 0, true).offsets[0]!.errorCode, ErrorCode.UNSTABLE_OFFSET_COMMIT);
    world.commitHeld();
    assert.equal(fetch(world, 0, true).offsets[0]!.offset, 10);
  });

  test('of a transaction and a plain commit the later in the log counts', () => {
    const world = new GroupWorld();
    const value = { offset: 9, leaderEpoch: -1, metadata: '', commitTimestampMs: 0, expireTimestampMs: null };
    const record = { kind: 'offset', groupId: GROUP, topic: 'topic', partition: 0, value } as const;
    world.shard.applyInTransaction(record, 10, 77);
    world.shard.apply({ ...record, value: { ...value, offset: 11 } }, 20);
    world.shard.endTransaction(77, true);
    assert.deepEqual(fetchAll(world), { 'topic-0': 11 });
  });
});

suite('records of offsets', () => {
  test('a commit time of v1 is kept, else it is now', () => {
    const world = new GroupWorld();
    const at = { topic: 't', partition: 0, offset: 1, leaderEpoch: -1, metadata: null };
    commit(world, { offsets: [{ ...at, commitTimestampMs: 123 }] });
    commit(world, { offsets: [{ ...at, commitTimestampMs: -1 }] });
    assert.deepEqual(
      world.records().map((record) => record.kind === 'offset' && record.value?.commitTimestampMs),
      [123, WORLD_BEGIN_MS],
    );
  });
});
