import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import {
  append,
  fetch,
  follow,
  from,
  LAG_MAX_MS,
  leadershipOf,
  NODE,
  world,
  type World,
} from './replica-world.ts';

const REPLICAS = [NODE, 2, 3];

/** Partition 0 is led here, followed by 2 and 3. */
function led(isr: readonly number[] = REPLICAS, minInsyncReplicas = 1): World {
  const here = world(minInsyncReplicas);
  here.replicas.applyLeadership([
    leadershipOf(0, { leaderEpoch: 1, partitionEpoch: 1, replicas: REPLICAS, isr }),
  ]);
  here.replicas.start();
  return here;
}

const partitionOf = (here: World) => here.replicas.partition('t', 0)!;
const highWatermark = (here: World) => partitionOf(here).log.highWatermark;

test('acks=all is answered once every in-sync replica has the records, and consumers see them then', () => {
  const here = led();
  const produced = append(here, 0, -1);
  const consumer = fetch(here, [from(0, 0)]);
  follow(here, 2, 1);
  assert.deepEqual([produced.length, consumer.readings.length, highWatermark(here)], [0, 0, 0]);
  follow(here, 3, 1);
  assert.equal(produced[0]?.errorCode, 0);
  assert.equal(highWatermark(here), 1);
  assert.ok(consumer.readings[0]!.sizeBytes > 0);
});

test('a follower that lags leaves the set when the controller has written so, and not before', () => {
  const here = led();
  follow(here, 2, 0);
  follow(here, 3, 0);
  const produced = append(here, 0, 1);
  here.time.advance(LAG_MAX_MS / 2);
  append(here, 0, 1);
  follow(here, 2, 2);
  here.time.advance(LAG_MAX_MS / 2);
  assert.equal(here.proposals.length, 0);
  here.time.advance(LAG_MAX_MS / 2);
  assert.equal(produced[0]?.errorCode, 0);
  assert.deepEqual(
    here.proposals.map(({ isr, leaderEpoch, partitionEpoch }) => ({ isr, leaderEpoch, partitionEpoch })),
    [{ isr: [NODE, 2], leaderEpoch: 1, partitionEpoch: 1 }],
  );
  assert.equal(highWatermark(here), 0);
  here.proposals[0]!.answer({ leaderEpoch: 1, partitionEpoch: 2, isr: [NODE, 2] });
  assert.equal(highWatermark(here), 2);
  assert.deepEqual(partitionOf(here).isr, [NODE, 2]);
});

test('a follower that keeps up with a leader that never pauses stays in sync', () => {
  const here = led([NODE, 2]);
  let offset = 0;
  for (let i = 0; i < 10; i++) {
    append(here, 0, 1);
    follow(here, 2, offset);
    offset += 1;
    append(here, 0, 1);
    here.time.advance(LAG_MAX_MS / 4);
    offset += 1;
  }
  assert.deepEqual(here.proposals, []);
});

test('a follower joins once it has reached the high watermark and the start of the epoch', () => {
  const here = led([NODE]);
  append(here, 0, 1);
  append(here, 0, 1);
  assert.equal(highWatermark(here), 2);
  follow(here, 2, 1);
  assert.equal(here.proposals.length, 0);
  follow(here, 2, 2);
  assert.deepEqual(here.proposals[0]?.isr, [NODE, 2]);
  const produced = append(here, 0, -1);
  assert.equal(produced.length, 0, 'the controller may count on the follower by now, so it is waited for');
  here.proposals[0]!.answer({ leaderEpoch: 1, partitionEpoch: 2, isr: [NODE, 2] });
  assert.equal(produced.length, 0);
  follow(here, 2, 3);
  assert.equal(produced[0]?.errorCode, 0);
});

test('F27: who waits is answered once the controller has written that the follower that lags is out', () => {
  const here = led();
  follow(here, 3, 0);
  append(here, 0, 1);
  here.time.advance(LAG_MAX_MS);
  follow(here, 2, 1);
  here.time.advance(LAG_MAX_MS / 2);
  const produced = append(here, 0, -1);
  follow(here, 2, 2);
  assert.deepEqual(here.proposals.at(-1)?.isr, [NODE, 2]);
  assert.deepEqual([produced.length, highWatermark(here)], [0, 0]);
  here.proposals.at(-1)!.answer({ leaderEpoch: 1, partitionEpoch: 2, isr: [NODE, 2] });
  assert.deepEqual([produced[0]?.errorCode, highWatermark(here)], [0, 2]);
});

test('F30: a parked fetch that is read again says nothing new of its follower', () => {
  const here = led([NODE, 2]);
  append(here, 0, 1);
  const limits = { reader: { kind: 'follower', brokerId: 2 }, bound: 'log-end' } as const;
  const { parked } = fetch(here, [from(0, 1, { logStartOffset: 0 })], limits);
  assert.equal(highWatermark(here), 1);
  follow(here, 2, 0);
  assert.equal(partitionOf(here).followers.get(2)?.logEndOffset, 0, 'it came back with less');
  parked!.complete();
  assert.equal(partitionOf(here).followers.get(2)?.logEndOffset, 0);
});

test('F26: one change of the set is on its way at a time', () => {
  const here = led([NODE]);
  follow(here, 2, 0);
  follow(here, 3, 0);
  assert.equal(here.proposals.length, 1);
  here.proposals[0]!.answer({ leaderEpoch: 1, partitionEpoch: 2, isr: [NODE, 2] });
  follow(here, 3, 0);
  assert.deepEqual([here.proposals[1]?.isr, here.proposals[1]?.partitionEpoch], [[NODE, 2, 3], 2]);
});

test('what a refused change means (F28, F37)', () => {
  const asked = () => {
    const here = led([NODE]);
    follow(here, 2, 0);
    return here;
  };
  const reverted = asked();
  reverted.dead.add(2);
  reverted.proposals[0]!.answer({ errorCode: ErrorCode.INELIGIBLE_REPLICA });
  assert.equal(append(reverted, 0, -1)[0]?.errorCode, 0, 'the replica is not waited for any more');

  const doubtful = asked();
  doubtful.proposals[0]!.answer({ errorCode: ErrorCode.INVALID_UPDATE_VERSION });
  follow(doubtful, 3, 0);
  assert.equal(doubtful.proposals.length, 1, 'nothing more is asked until the controller has spoken');
  assert.equal(append(doubtful, 0, -1).length, 0);
  const word = { leaderEpoch: 1, partitionEpoch: 2, replicas: REPLICAS, isr: [NODE] };
  doubtful.replicas.applyLeadership([leadershipOf(0, word)]);
  assert.equal(highWatermark(doubtful), 0, 'a follower that is about to join is waited for still');
  doubtful.time.advance(LAG_MAX_MS + 1);
  append(doubtful, 0, 1);
  assert.equal(highWatermark(doubtful), 2);

  const repeated = asked();
  repeated.proposals[0]!.answer({ errorCode: ErrorCode.NOT_CONTROLLER });
  assert.deepEqual(repeated.proposals[1]?.isr, [NODE, 2]);
});

test('F26: an answer that comes after the leadership has ended, or after a later state, changes nothing', () => {
  const here = led([NODE]);
  follow(here, 2, 0);
  const later = { leaderEpoch: 1, partitionEpoch: 5, replicas: REPLICAS, isr: [NODE, 3] };
  here.replicas.applyLeadership([leadershipOf(0, later)]);
  here.proposals[0]!.answer({ leaderEpoch: 1, partitionEpoch: 2, isr: [NODE, 2] });
  assert.deepEqual(partitionOf(here).isr, [NODE, 3]);
  follow(here, 2, 0);
  here.replicas.applyLeadership([
    leadershipOf(0, { ...later, leader: 2, leaderEpoch: 2, partitionEpoch: 6 }),
  ]);
  here.proposals[1]!.answer({ leaderEpoch: 1, partitionEpoch: 7, isr: REPLICAS });
  assert.deepEqual([partitionOf(here).isLeader, partitionOf(here).isr], [false, []]);
});

test('F31: a follower that is not alive neither joins nor holds the high watermark back', () => {
  const here = led([NODE]);
  here.dead.add(2);
  follow(here, 2, 0);
  assert.equal(here.proposals.length, 0);
  assert.equal(append(here, 0, -1)[0]?.errorCode, 0);
});

test('F32: below min.insync.replicas nothing is committed, and acks=all is told when it happens afterwards', () => {
  const here = led(REPLICAS, 2);
  here.dead.add(3);
  append(here, 0, 1);
  follow(here, 2, 0);
  const produced = append(here, 0, -1);
  here.time.advance(900);
  const shrunk = { leaderEpoch: 1, partitionEpoch: 2, replicas: REPLICAS, isr: [NODE] };
  here.replicas.applyLeadership([leadershipOf(0, shrunk)]);
  assert.equal(highWatermark(here), 0);
  assert.equal(append(here, 0, -1)[0]?.errorCode, ErrorCode.NOT_ENOUGH_REPLICAS);
  follow(here, 2, 2);
  here.proposals.at(-1)!.answer({ leaderEpoch: 1, partitionEpoch: 3, isr: [NODE, 2] });
  assert.equal(highWatermark(here), 2);
  assert.equal(produced[0]?.errorCode, 0);
});

test('a broker that is no replica may not fetch as one', () => {
  const here = led();
  const code = (change = {}) => follow(here, 9, 0, change).results[0]?.errorCode;
  assert.equal(code(), ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assert.equal(code({ currentLeaderEpoch: 1 }), ErrorCode.UNKNOWN_LEADER_EPOCH);
});

test('a follower reads to the end of the log and waits for appends, a consumer to the high watermark', () => {
  const here = led();
  append(here, 0, 1);
  assert.ok(follow(here, 2, 0).sizeBytes > 0);
  assert.equal(fetch(here, [from(0, 0)], { maxWaitMs: 0 }).readings[0]?.sizeBytes, 0);
  const limits = { reader: { kind: 'follower', brokerId: 2 }, bound: 'log-end' } as const;
  const waiting = fetch(here, [from(0, 1, { logStartOffset: 0 })], limits);
  assert.equal(waiting.readings.length, 0);
  append(here, 0, 1);
  assert.ok(waiting.readings[0]!.sizeBytes > 0);
});

test('a new epoch forgets how far followers were, unless this broker led before', () => {
  const here = led([NODE, 2]);
  append(here, 0, 1);
  follow(here, 2, 1);
  const next = { leaderEpoch: 2, partitionEpoch: 2, replicas: REPLICAS, isr: [NODE, 2] };
  here.replicas.applyLeadership([leadershipOf(0, next)]);
  assert.equal(partitionOf(here).followers.get(2)?.logEndOffset, 1);
  here.replicas.applyLeadership([leadershipOf(0, { ...next, leader: 2, leaderEpoch: 3, partitionEpoch: 3 })]);
  here.replicas.applyLeadership([leadershipOf(0, { ...next, leaderEpoch: 4, partitionEpoch: 4 })]);
  assert.equal(partitionOf(here).followers.get(2)?.logEndOffset, -1);
});

test('F04, F10: a leader that has written nothing knows its epoch, and of a log that goes on elsewhere tells where and counts nothing', () => {
  const here = led([NODE, 2]);
  append(here, 0, 1);
  const next = (leaderEpoch: number) =>
    here.replicas.applyLeadership([
      leadershipOf(0, { leaderEpoch, partitionEpoch: leaderEpoch, replicas: REPLICAS, isr: [NODE, 2] }),
    ]);
  const { log } = partitionOf(here);
  next(5);
  assert.deepEqual(log.endOffsetForEpoch(5), { epoch: 5, endOffset: 1 });
  assert.deepEqual(log.endOffsetForEpoch(4), { epoch: 1, endOffset: 1 });
  next(6);
  assert.deepEqual(log.endOffsetForEpoch(5), { epoch: 1, endOffset: 1 }, 'nothing is of epoch 5');
  const [result] = follow(here, 2, 3, { lastFetchedEpoch: 5 }).results;
  assert.deepEqual(result?.divergingEpoch, { epoch: 1, endOffset: 1 });
  assert.equal(partitionOf(here).followers.get(2)?.logEndOffset, -1);
  assert.equal(highWatermark(here), 0);
});

test('F38: who is in sync and no replica any more holds nothing up, and is proposed to go', () => {
  const here = led([NODE, 2, 9]);
  const produced = append(here, 0, -1);
  follow(here, 2, 1);
  assert.deepEqual([produced[0]?.errorCode, highWatermark(here)], [0, 1]);
  here.time.advance(LAG_MAX_MS + 1);
  assert.deepEqual(here.proposals.at(-1)?.isr, [NODE, 2]);
});

test('a partition that another broker leads is followed, one that is led again is not', () => {
  const here = led();
  const away = { leader: 2, leaderEpoch: 2, partitionEpoch: 2, replicas: REPLICAS };
  here.replicas.applyLeadership([leadershipOf(0, away)]);
  assert.deepEqual([...here.followed], [[0, 2]]);
  here.replicas.applyLeadership([
    leadershipOf(0, { ...away, leader: NODE, leaderEpoch: 3, partitionEpoch: 3 }),
  ]);
  assert.deepEqual([...here.followed], []);
});

test('deletion of records is answered once they are gone from all replicas that are alive', () => {
  const here = led([NODE, 2]);
  for (let i = 0; i < 3; i++) append(here, 0, 1);
  follow(here, 2, 3);
  const answers: [number, number][] = [];
  const deleteBefore = (offset: number) =>
    here.replicas.deleteRecords('t', 0, offset, 1_000, (...answer) => answers.push(answer));
  deleteBefore(4);
  assert.deepEqual(answers.splice(0), [[ErrorCode.OFFSET_OUT_OF_RANGE, -1]]);
  here.dead.add(3);
  deleteBefore(2);
  follow(here, 2, 3, { logStartOffset: 1 });
  assert.deepEqual(answers, []);
  follow(here, 2, 3, { logStartOffset: 2 });
  assert.deepEqual(answers.splice(0), [[ErrorCode.NONE, 2]]);
  deleteBefore(3);
  here.time.advance(1_000);
  assert.deepEqual(answers.splice(0), [[ErrorCode.REQUEST_TIMED_OUT, -1]]);
  deleteBefore(3);
  const away = { leader: 2, leaderEpoch: 9, partitionEpoch: 9, replicas: REPLICAS };
  here.replicas.applyLeadership([leadershipOf(0, away)]);
  assert.deepEqual(answers.splice(0), [[ErrorCode.NOT_LEADER_OR_FOLLOWER, -1]]);
});
