import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { FetchLimits } from '@odradek/core/replication/fetch-request.ts';
import type { FetchReading } from '@odradek/core/replication/read-partitions.ts';
import {
  append,
  fetch,
  follow,
  from,
  leadershipOf,
  NODE,
  TOPIC_ID,
  type World,
  world,
} from './replica-world.ts';

const sizes = (reading: FetchReading | undefined) =>
  reading?.results.map((result) => result.records?.sizeBytes ?? 0);
const codes = (reading: FetchReading | undefined) => reading?.results.map((result) => result.errorCode);

test('an append by the only replica is committed and answered at once, with every acks', () => {
  for (const acks of [-1, 0, 1] as const) {
    const here = world();
    const [result] = append(here, 0, acks);
    assert.equal(result?.errorCode, 0);
    assert.equal(result?.info?.firstOffset, 0);
    assert.equal(here.replicas.partition('t', 0)?.log.highWatermark, 1);
  }
});

test('acks=all is refused below min.insync.replicas, before anything is written; acks=1 is not', () => {
  const here = world(2);
  here.replicas.applyLeadership([leadershipOf(0, { leaderEpoch: 1, replicas: [NODE, 2] })]);
  assert.equal(append(here, 0, -1)[0]?.errorCode, ErrorCode.NOT_ENOUGH_REPLICAS);
  assert.equal(here.replicas.partition('t', 0)?.log.logEndOffset, 0);
  assert.equal(append(here, 0, 1)[0]?.errorCode, 0);
});

test('min.insync.replicas asks for no more replicas than there are', () => {
  const here = world(2);
  assert.equal(append(here, 0, -1)[0]?.errorCode, 0);
  assert.equal(here.replicas.partition('t', 0)?.log.highWatermark, 1);
});

test('acks=all waits while another in-sync replica lags, until its time is up or the leader changes', () => {
  const isr = { isr: [NODE, 2], replicas: [NODE, 2], leaderEpoch: 1 };
  const late = world();
  late.replicas.applyLeadership([leadershipOf(0, isr)]);
  const timedOut = append(late, 0, -1);
  assert.equal(timedOut.length, 0);
  late.time.advance(1000);
  assert.equal(timedOut[0]?.errorCode, ErrorCode.REQUEST_TIMED_OUT);

  const moved = world();
  moved.replicas.applyLeadership([leadershipOf(0, isr)]);
  const superseded = append(moved, 0, -1);
  moved.replicas.applyLeadership([leadershipOf(0, { ...isr, leader: 2, leaderEpoch: 2 })]);
  assert.equal(superseded[0]?.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assert.equal(superseded.length, 1);
});

test('pitfall 92: a fetch waits for data, is woken by the append and answers once', () => {
  const here = world();
  const { readings } = fetch(here, [from(0, 0), from(1, 0)]);
  assert.equal(readings.length, 0);
  append(here, 1, 1);
  assert.equal(readings.length, 1);
  assert.deepEqual(
    sizes(readings[0])?.map((size) => size > 0),
    [false, true],
  );
  append(here, 1, 1);
  here.time.advance(1000);
  assert.equal(readings.length, 1);
  assert.equal(here.replicas.partition('t', 1)?.watchers.size, 0);
});

test('pitfall 92: it answers empty when the time is up, and at once when it may not wait', () => {
  const here = world();
  const waiting = fetch(here, [from(0, 0)]);
  here.time.advance(499);
  assert.equal(waiting.readings.length, 0);
  here.time.advance(1);
  assert.deepEqual(sizes(waiting.readings[0]), [0]);
  assert.equal(fetch(here, [from(0, 0)], { maxWaitMs: 0 }).readings.length, 1);
  assert.equal(fetch(here, []).readings.length, 1);
  assert.equal(fetch(here, [from(0, 0)], { minBytes: 0 }).readings.length, 1);
});

test('pitfall 92: a fetch that wants more bytes goes on waiting until they are there', () => {
  const here = world();
  const { readings } = fetch(here, [from(0, 0)], { minBytes: 150 });
  append(here, 0, 1);
  assert.equal(readings.length, 0);
  append(here, 0, 1);
  append(here, 0, 1);
  assert.equal(readings.length, 1);
});

test('pitfall 92: an error of any partition is told at once, also one that arises while waiting', () => {
  const here = world();
  assert.deepEqual(codes(fetch(here, [from(0, 0), from(9, 0)]).readings[0]), [
    0,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
  const { readings } = fetch(here, [from(0, 0)]);
  here.replicas.stopPartitions([{ topic: 't', partition: 0, deleteLog: true }]);
  assert.deepEqual(codes(readings[0]), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
});

test('pitfall 81: out of range only below the start and beyond the end, not at the end', () => {
  const here = world();
  append(here, 0, 1);
  assert.equal(fetch(here, [from(0, 1)]).readings.length, 0);
  assert.deepEqual(codes(fetch(here, [from(0, 2)]).readings[0]), [ErrorCode.OFFSET_OUT_OF_RANGE]);
  assert.deepEqual(codes(fetch(here, [from(0, -1)]).readings[0]), [ErrorCode.OFFSET_OUT_OF_RANGE]);
});

test('pitfall 78: the first batch comes whole above every limit, later ones obey', () => {
  const here = world();
  append(here, 0, 1, 'a'.repeat(1000));
  append(here, 1, 1, 'b'.repeat(1000));
  const [first, second] = sizes(
    fetch(here, [from(0, 0, { maxBytes: 10 }), from(1, 0)], { maxBytes: 100 }).readings[0],
  )!;
  assert.ok(first! > 1000);
  assert.equal(second, 0);
  const hard = fetch(here, [from(0, 0, { maxBytes: 10 })], { hardLimit: true });
  assert.deepEqual(sizes(hard.readings[0]), [10]);
});

test('pitfall 113: a lower leader epoch is fenced, a higher one unknown, -1 not checked', () => {
  const here = world();
  here.replicas.applyLeadership([leadershipOf(0, { leaderEpoch: 5 })]);
  append(here, 0, 1);
  const codeFor = (currentLeaderEpoch: number) =>
    codes(fetch(here, [from(0, 0, { currentLeaderEpoch })]).readings[0]);
  assert.deepEqual(codeFor(4), [ErrorCode.FENCED_LEADER_EPOCH]);
  assert.deepEqual(codeFor(6), [ErrorCode.UNKNOWN_LEADER_EPOCH]);
  assert.deepEqual(codeFor(5), [0]);
  assert.deepEqual(codeFor(-1), [0]);
});

test('pitfall 102: a reader whose last epoch ended earlier here is told where; others are not', () => {
  const here = world();
  append(here, 0, 1);
  here.replicas.applyLeadership([leadershipOf(0, { leaderEpoch: 5 })]);
  append(here, 0, 1);
  const diverging = (lastFetchedEpoch: number, offset: number) =>
    fetch(here, [from(0, offset, { lastFetchedEpoch })]).readings[0]?.results[0]?.divergingEpoch;
  assert.deepEqual(diverging(0, 2), { epoch: 0, endOffset: 1 });
  assert.equal(diverging(0, 1), null);
  assert.equal(diverging(-1, 0), null);
  assert.deepEqual(diverging(3, 1), { epoch: 0, endOffset: 1 });
});

test('F11: below the start of the log a reader is out of range, whatever its last epoch', () => {
  const here = world();
  append(here, 0, 1);
  append(here, 0, 1);
  here.replicas.applyLeadership([leadershipOf(0, { leaderEpoch: 5 })]);
  append(here, 0, 1);
  here.replicas.partition('t', 0)!.log.advanceLogStartOffset(2);
  const reading = fetch(here, [from(0, 1, { lastFetchedEpoch: 3 })]).readings[0];
  assert.deepEqual(codes(reading), [ErrorCode.OFFSET_OUT_OF_RANGE]);
});

test('a reader that is behind in epochs learns so even from a broker that does not lead any more', () => {
  const here = world();
  const replicas = [NODE, 2];
  here.replicas.applyLeadership([leadershipOf(0, { leaderEpoch: 5, leader: 2, replicas })]);
  const codeFor = (currentLeaderEpoch: number) =>
    codes(fetch(here, [from(0, 0, { currentLeaderEpoch })]).readings[0]);
  assert.deepEqual(codeFor(4), [ErrorCode.FENCED_LEADER_EPOCH]);
  assert.deepEqual(codeFor(5), [ErrorCode.NOT_LEADER_OR_FOLLOWER]);
});

test('pitfall 103: a topic id of another incarnation is inconsistent, one without a topic unknown', () => {
  const here = world();
  append(here, 0, 1);
  const codeFor = (topicId: string, topic = 't') =>
    codes(fetch(here, [from(0, 0, { topicId, topic })]).readings[0]);
  assert.deepEqual(codeFor(TOPIC_ID), [0]);
  assert.deepEqual(codeFor('zzzzzzzzzzzzzzzzzzzzzw'), [ErrorCode.INCONSISTENT_TOPIC_ID]);
  assert.deepEqual(codeFor('zzzzzzzzzzzzzzzzzzzzzw', ''), [ErrorCode.UNKNOWN_TOPIC_ID]);
});

test('a reader that is gone is forgotten without an answer', () => {
  const here = world();
  const { parked, readings } = fetch(here, [from(0, 0)]);
  parked?.cancel();
  append(here, 0, 1);
  here.time.advance(1000);
  assert.equal(readings.length, 0);
  assert.equal(here.replicas.partition('t', 0)?.watchers.size, 0);
});

test('a broker that stops answers all that is parked', () => {
  const here = world();
  const { readings } = fetch(here, [from(0, 0)]);
  here.replicas.completeParked();
  assert.equal(readings.length, 1);
});

test('F67: a topic id that is told later, within the same epoch, counts from then on', () => {
  const here = world();
  const change = leadershipOf(7, { topicId: ZERO_UUID, leaderEpoch: 3, partitionEpoch: 2 });
  assert.deepEqual(here.replicas.applyLeadership([change]), [0]);
  const partition = here.replicas.partition('t', 7)!;
  assert.deepEqual([partition.topicId, partition.log.topicId], [ZERO_UUID, null]);
  const older = { ...change, leaderEpoch: 2, topicId: TOPIC_ID };
  assert.deepEqual(here.replicas.applyLeadership([older]), [ErrorCode.STALE_CONTROLLER_EPOCH]);
  assert.equal(partition.topicId, ZERO_UUID);
  assert.deepEqual(here.replicas.applyLeadership([{ ...change, topicId: TOPIC_ID }]), [0]);
  assert.equal(here.replicas.partition('t', 7), partition);
  assert.deepEqual([partition.topicId, partition.log.topicId], [TOPIC_ID, TOPIC_ID]);
  const byId = fetch(here, [from(7, 0, { topicId: TOPIC_ID })], { minBytes: 0 });
  assert.deepEqual(codes(byId.readings[0]), [0]);
});

const AWAITED = { replicas: [NODE, 2], isr: [NODE, 2], leaderEpoch: 1, partitionEpoch: 1 };
const FOLLOWER_WAITS: Partial<FetchLimits> = { reader: { kind: 'follower', brokerId: 2 }, bound: 'log-end' };

test('a follower that waits for other partitions comes back for one that is led here from now on', () => {
  const here = world();
  here.replicas.applyLeadership([leadershipOf(0, AWAITED)]);
  assert.equal(follow(here, 2, 0).urgent, false);
  const parked = fetch(here, [from(0, 0)], FOLLOWER_WAITS);
  here.time.advance(400);
  assert.equal(parked.readings.length, 0, 'nothing is awaited of it');

  here.replicas.applyLeadership([leadershipOf(1, AWAITED)]);
  assert.equal(parked.readings.length, 1, 'it is answered before its time is up');

  const [acknowledged] = [append(here, 1, -1)];
  const early = fetch(here, [from(0, 0)], FOLLOWER_WAITS);
  here.time.advance(5);
  assert.equal(early.readings.length, 1, 'it had not been told yet');
  here.time.advance(35);
  const later = fetch(here, [from(0, 0)], FOLLOWER_WAITS);
  here.time.advance(39);
  assert.equal(later.readings.length, 0, 'who does not come is waited for longer and longer');
  here.time.advance(1);
  assert.equal(later.readings.length, 1);

  fetch(here, [from(0, 0), from(1, 0)], FOLLOWER_WAITS);
  fetch(here, [from(0, 0), from(1, 1)], FOLLOWER_WAITS);
  assert.equal(acknowledged[0]?.errorCode, 0);
  const settled = fetch(here, [from(0, 0), from(1, 1)], FOLLOWER_WAITS);
  here.time.advance(499);
  assert.equal(settled.readings.length, 0, 'it has come');
});

test('a follower is not awaited for what is led elsewhere, stopped or of an earlier life, nor while it is dead', () => {
  const ends: Record<string, (here: World) => void> = {
    'led elsewhere': ({ replicas }) => {
      const change = { ...AWAITED, leader: 2, leaderEpoch: 2, partitionEpoch: 2 };
      replicas.applyLeadership([leadershipOf(1, change)]);
    },
    stopped: ({ replicas }) => replicas.stopPartitions([{ topic: 't', partition: 1, deleteLog: false }]),
    'of an earlier life': ({ replicas }) => {
      replicas.endLife();
      replicas.applyLeadership([leadershipOf(0, AWAITED)]);
    },
  };
  for (const [what, end] of Object.entries(ends)) {
    const here = world();
    here.replicas.applyLeadership([leadershipOf(0, AWAITED), leadershipOf(1, AWAITED)]);
    end(here);
    follow(here, 2, 0);
    const { readings } = fetch(here, [from(0, 0)], FOLLOWER_WAITS);
    here.time.advance(499);
    assert.equal(readings.length, 0, what);
  }
  const alone = world();
  alone.dead.add(2);
  alone.replicas.applyLeadership([leadershipOf(0, AWAITED), leadershipOf(1, AWAITED)]);
  follow(alone, 2, 0);
  const { readings } = fetch(alone, [from(0, 0)], FOLLOWER_WAITS);
  alone.time.advance(499);
  assert.equal(readings.length, 0);
});
