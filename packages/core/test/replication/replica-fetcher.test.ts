import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { DiskError, type Disk } from '@odradek/core/ports/disk.ts';
import { MemoryDisk } from '@odradek/broker/adapters/memory-disk.ts';
import type { ReplicationQuota } from '@odradek/core/replication/replication-quota.ts';
import { BACKOFF_MS, LEADER, scene, stored } from './fetcher-scene.ts';
import { leadershipOf, NODE, TOPIC_ID } from './replica-world.ts';

const { OFFSET_OUT_OF_RANGE, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH } = ErrorCode;

/** A disk that refuses appends while it is full. */
function fillable(state: { readonly isFull: boolean }): Disk {
  const disk = new MemoryDisk(() => 0);
  const open = disk.open.bind(disk);
  disk.open = (...target) => {
    const file = open(...target);
    const append = file.append.bind(file);
    file.append = (buffers) => {
      if (state.isFull) throw new DiskError('ENOSPC', target[0], 'no space left on device');
      append(buffers);
    };
    return file;
  };
  return disk;
}

test('takes what the leader has, and asks for what comes next', () => {
  const { link, lead } = scene();
  const { log } = lead(0, 1);
  const first = link.fetch();
  assert.deepEqual(first.offsets, { 0: 0 });
  assert.deepEqual(first.request.replicaState, { replicaId: NODE, replicaEpoch: 77 });
  assert.equal(first.request.topics[0]!.topicId, TOPIC_ID);
  first.answer({ 0: { records: stored(0, 1, 1, 1), highWatermark: 2 } });
  assert.deepEqual([log.logEndOffset, log.highWatermark], [3, 2]);
  const second = link.fetch();
  assert.deepEqual(second.offsets, { 0: 3 });
  const { currentLeaderEpoch, lastFetchedEpoch } = second.request.topics[0]!.partitions[0]!;
  assert.deepEqual([currentLeaderEpoch, lastFetchedEpoch], [1, 1]);
});

test('a batch that the size limit has cut is asked for again', () => {
  const { link, lead } = scene();
  const { log } = lead(0, 1);
  const records = stored(0, 1, 1);
  link.fetch().answer({ 0: { records: records.subarray(0, records.length - 5) } });
  assert.equal(log.logEndOffset, 1);
  assert.deepEqual(link.fetch().offsets, { 0: 1 });
});

test('high watermark and log start are the leader’s, within the own log', () => {
  const { link, lead } = scene();
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 1, 1, 1), highWatermark: 9 } });
  assert.equal(log.highWatermark, 3);
  link.fetch().answer({ 0: { highWatermark: 1, logStartOffset: 2 } });
  assert.deepEqual([log.highWatermark, log.logStartOffset], [3, 2]);
});

test('a session names each partition once, and again when its offset has moved', () => {
  const { link, lead } = scene();
  lead(0, 1);
  link.fetch().answer({ 0: {} });
  lead(1, 1);
  const second = link.fetch();
  assert.deepEqual(second.session, { id: 7, epoch: 1, forgotten: [] });
  assert.deepEqual(second.offsets, {}, 'what is followed while a fetch is under way comes with the next');
  second.answer({});
  const third = link.fetch();
  assert.deepEqual([third.offsets, third.session.epoch], [{ 1: 0 }, 2]);
  third.answer({ 1: { records: stored(0, 1) } });
  const fourth = link.fetch();
  assert.deepEqual([fourth.offsets, fourth.session.epoch], [{ 1: 1 }, 3]);
});

test('a session that the leader has lost begins anew at once; one that it refuses to begin, after a pause', () => {
  const { here, link, lead } = scene();
  lead(0, 1);
  link.fetch().answer({ 0: {} });
  const errorCode = ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
  link.fetch().answer({}, { errorCode, sessionId: 0 });
  const anew = link.fetch();
  assert.deepEqual([anew.session.epoch, anew.offsets], [0, { 0: 0 }]);
  anew.answer({}, { errorCode, sessionId: 0 });
  assert.equal(link.received.length, 0);
  here.time.advance(BACKOFF_MS);
  assert.equal(link.fetch().session.epoch, 0);
});

test('F22: an answer without records leaves the last epoch known, also to a session that begins anew', () => {
  const { link, lead } = scene();
  lead(0, 3);
  link.fetch().answer({ 0: { records: stored(0, 1, 2) } });
  link.fetch().answer({ 0: { highWatermark: 2 } });
  link.fetch().answer({}, { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0 });
  const { fetchOffset, lastFetchedEpoch } = link.fetch().request.topics[0]!.partitions[0]!;
  assert.deepEqual([fetchOffset, lastFetchedEpoch], [2, 2]);
});

test('a leader without topic ids is asked by name, one without sessions for all each time', () => {
  const { link, lead } = scene(12);
  lead(0, 1);
  for (let round = 0; round < 3; round++) {
    const fetch = link.fetch();
    assert.equal(fetch.request.replicaId, NODE);
    assert.deepEqual([fetch.request.topics[0]!.topic, fetch.offsets], ['t', { 0: round }]);
    fetch.answer({ 0: { records: stored(round, 1), logStartOffset: -1 } }, { sessionId: 0 });
  }
});

test('a leader whose answers no log of today can hold is not copied from, and asked again later', () => {
  const { here, link, lead } = scene(3);
  const { log } = lead(0, 1);
  for (let round = 0; round < 3; round++) {
    assert.equal(link.failures.length, 1);
    link.failures.pop()!();
    assert.equal(link.failures.length, 0, 'not at once');
    here.time.advance(BACKOFF_MS);
  }
  assert.deepEqual([link.received.length, log.logEndOffset], [0, 0]);
});

test('F09: where histories part the log is cut, and nothing else of that answer taken', () => {
  const { link, lead } = scene();
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 0, 0, 1, 1), highWatermark: 1 } });
  lead(0, 3);
  link.fetch().answer({ 0: { highWatermark: 1 } });
  const divergingEpoch = { epoch: 0, endOffset: 2 };
  const records = stored(2, 2, 2);
  link.fetch().answer({ 0: { highWatermark: 4, logStartOffset: 1, divergingEpoch, records } });
  assert.deepEqual([log.logEndOffset, log.highWatermark, log.logStartOffset], [2, 1, 0]);
  const next = link.fetch();
  assert.deepEqual([next.offsets, next.session.epoch], [{ 0: 2 }, 0], 'what was not taken is told again');
  assert.equal(next.request.topics[0]!.partitions[0]!.lastFetchedEpoch, 0);
  next.answer({ 0: { records: stored(2, 2, 2), highWatermark: 4 } });
  assert.deepEqual([log.logEndOffset, log.highWatermark], [4, 4]);
});

test('F01: without epochs in the log only what is committed is kept', () => {
  const { here, lead } = scene();
  const partition = here.replicas.partition('t', 0)!;
  partition.log.storage.epochs.clear();
  assert.equal(partition.log.latestLeaderEpoch, -1);
  const old = stored(0, -1, -1, -1);
  partition.log.appendAsFollower(old);
  partition.log.updateHighWatermark(1);
  const { log } = lead(0, 1);
  assert.equal(log.logEndOffset, 1);
});

test('out of range: a leader whose log ends earlier has the last word', () => {
  const { link, lead } = scene();
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 1, 1, 1), highWatermark: 3 } });
  link.fetch().answer({ 0: { errorCode: OFFSET_OUT_OF_RANGE, highWatermark: -1 } });
  const question = link.listOffsets();
  assert.deepEqual([question.asked.timestamp, question.asked.currentLeaderEpoch], [-1, 1]);
  question.answer(2);
  assert.equal(log.logEndOffset, 2);
  assert.deepEqual(link.fetch().offsets, { 0: 2 });
});

test('F23: out of range: the log begins anew only when the leader’s begins behind its end', () => {
  const { here, link, lead } = scene();
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 1, 1, 1), highWatermark: 3 } });
  link.fetch().answer({ 0: { errorCode: OFFSET_OUT_OF_RANGE, highWatermark: -1 } });
  link.listOffsets().answer(9);
  const question = link.listOffsets();
  assert.equal(question.asked.timestamp, -2);
  question.answer(3);
  assert.deepEqual([log.logStartOffset, log.logEndOffset], [0, 3]);
  assert.equal(link.received.length, 0, 'asking again at once would go round in a circle');
  here.time.advance(BACKOFF_MS);
  link.fetch().answer({ 0: { errorCode: OFFSET_OUT_OF_RANGE, highWatermark: -1 } });
  link.listOffsets().answer(9);
  link.listOffsets().answer(5);
  assert.deepEqual([log.logStartOffset, log.logEndOffset, log.highWatermark], [5, 5, 5]);
  assert.deepEqual(link.fetch().offsets, { 0: 5 });
});

test('out of range: a question that is not answered well is asked again after a pause', () => {
  const { here, link, lead } = scene();
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { errorCode: OFFSET_OUT_OF_RANGE, highWatermark: -1 } });
  link.listOffsets().answer(-1, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assert.equal(link.received.length, 0);
  here.time.advance(BACKOFF_MS);
  link.fetch().answer({ 0: { records: stored(0, 1) } });
  assert.equal(log.logEndOffset, 1);
});

test('a fenced epoch waits for the controller’s next word, the others go on', () => {
  const { here, link, lead } = scene();
  lead(0, 1);
  link.fetch().answer({ 0: {} });
  lead(1, 1);
  link.fetch().answer({ 0: { errorCode: FENCED_LEADER_EPOCH, highWatermark: -1 } });
  const next = link.fetch();
  assert.deepEqual([next.offsets, next.session.forgotten], [{ 1: 0 }, [0]]);
  next.answer({ 1: {} });
  here.time.advance(10 * BACKOFF_MS);
  lead(0, 2);
  link.fetch().answer({});
  const after = link.fetch();
  assert.deepEqual(after.offsets, { 0: 0 });
  assert.equal(after.request.topics[0]!.partitions[0]!.currentLeaderEpoch, 2);
});

test('an error that may pass pauses its partition and no other', () => {
  const { here, link, lead } = scene();
  lead(0, 1);
  link.fetch().answer({ 0: {} });
  lead(1, 1);
  link.fetch().answer({ 0: { errorCode: UNKNOWN_LEADER_EPOCH, highWatermark: -1 } });
  const next = link.fetch();
  assert.deepEqual([next.offsets, next.session.forgotten], [{ 1: 0 }, [0]]);
  here.time.advance(BACKOFF_MS);
  next.answer({ 1: {} });
  assert.deepEqual(link.fetch().offsets, { 0: 0 });
});

test('a leader that has not heard yet that it leads is asked again soon, then later and later', () => {
  const { here, link, lead } = scene();
  lead(0, 1);
  const refused = { errorCode: UNKNOWN_LEADER_EPOCH, highWatermark: -1 };
  for (const pauseMs of [10, 20, 40, 80, 160, 320, 640, BACKOFF_MS, BACKOFF_MS]) {
    link.fetch().answer({ 0: refused });
    here.time.advance(pauseMs - 1);
    assert.equal(link.received.length, 0, `${pauseMs}`);
    here.time.advance(1);
  }
  link.fetch().answer({ 0: {} });
  link.fetch().answer({ 0: refused });
  here.time.advance(10);
  link.fetch();
});

test('damaged records are not taken, and asked for again after a pause', () => {
  const { here, link, lead } = scene();
  const { log } = lead(0, 1);
  const records = stored(0, 1);
  records[records.length - 1]! ^= 1;
  link.fetch().answer({ 0: { records } });
  assert.deepEqual([log.logEndOffset, link.received.length], [0, 0]);
  here.time.advance(BACKOFF_MS);
  link.fetch().answer({ 0: { records: stored(0, 1) } });
  assert.equal(log.logEndOffset, 1);
});

test('a lost connection: after a pause a new session begins', () => {
  const { here, link, lead } = scene();
  lead(0, 1);
  link.fetch().answer({ 0: {} });
  link.fetch().fail('connection reset');
  assert.equal(link.received.length, 0);
  here.time.advance(BACKOFF_MS - 1);
  assert.equal(link.received.length, 0);
  here.time.advance(1);
  const next = link.fetch();
  assert.deepEqual([next.offsets, next.session], [{ 0: 0 }, { id: 7, epoch: 0, forgotten: [] }]);
});

test('F07, F08: an answer to a question of another epoch is not taken', () => {
  const { link, lead } = scene();
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 0, 0, 1), highWatermark: 1 } });
  const old = link.fetch();
  lead(0, 2);
  old.answer({ 0: { divergingEpoch: { epoch: 0, endOffset: 1 }, highWatermark: 3 } });
  assert.deepEqual([log.logEndOffset, log.highWatermark], [3, 1]);
  const next = link.fetch();
  assert.equal(next.session.epoch, 0, 'what was not taken is told again');
  assert.equal(next.request.topics[0]!.partitions[0]!.currentLeaderEpoch, 2);
  lead(0, 3);
  next.answer({ 0: { errorCode: FENCED_LEADER_EPOCH, highWatermark: -1 } });
  assert.deepEqual(link.fetch().offsets, { 0: 3 }, 'nor is its error');
});

test('F08: an answer for a partition that is led here by now is not taken', () => {
  const { here, link, fetcher, lead } = scene();
  const partition = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 1, 1), highWatermark: 1 } });
  const old = link.fetch();
  fetcher.unfollow(partition);
  here.replicas.applyLeadership([leadershipOf(0, { leaderEpoch: 2, partitionEpoch: 2 })]);
  old.answer({ 0: { divergingEpoch: { epoch: 0, endOffset: 0 }, records: stored(2, 1) } });
  assert.equal(partition.log.logEndOffset, 2);
  assert.equal(link.received.length, 0, 'there is nothing left to fetch');
});

test('F21: what is asked is what holds when the connection stands', () => {
  const { here, link, fetcher, lead } = scene();
  link.isConnecting = true;
  const partition = lead(0, 1);
  lead(1, 1);
  fetcher.unfollow(partition);
  here.replicas.applyLeadership([leadershipOf(0, { leaderEpoch: 2, partitionEpoch: 2 })]);
  link.connected();
  assert.deepEqual(link.fetch().offsets, {});
});

test('a log whose disk has failed is left alone, the others go on', () => {
  const { here, link, lead } = scene();
  const partition = lead(0, 1);
  link.fetch().answer({ 0: {} });
  lead(1, 1);
  link.fetch().answer({});
  const fetch = link.fetch();
  partition.log.fail(new DiskError('EIO', '/data', 'broken'));
  fetch.answer({ 0: { records: stored(0, 1) }, 1: { records: stored(0, 1) } });
  assert.equal(here.replicas.partition('t', 1)!.log.logEndOffset, 1);
  const next = link.fetch();
  assert.deepEqual([next.offsets, next.session.epoch], [{ 1: 1 }, 0]);
});

test('a log whose disk is full is asked for again after a pause, until there is room', () => {
  const full = { isFull: false };
  const { here, link, lead } = scene(17, {}, { disk: fillable(full) });
  const { log } = lead(0, 1);
  full.isFull = true;
  for (let attempt = 0; attempt < 3; attempt++) {
    link.fetch().answer({ 0: { records: stored(0, 1) } });
    assert.equal(log.logEndOffset, 0);
    here.time.advance(BACKOFF_MS);
  }
  full.isFull = false;
  link.fetch().answer({ 0: { records: stored(0, 1) } });
  assert.equal(log.logEndOffset, 1);
});

test('once closed nothing is asked or taken any more', () => {
  const { here, link, fetcher, lead } = scene();
  const { log } = lead(0, 1);
  const fetch = link.fetch();
  fetcher.close();
  fetch.answer({ 0: { records: stored(0, 1) } });
  here.time.advance(10_000);
  assert.deepEqual([link.isClosed, log.logEndOffset, link.received.length], [true, 0, 0]);
});

test('while the rate is exceeded a throttled partition that lacks committed records is left out', () => {
  let isExceeded = false;
  const recorded: number[] = [];
  const quota = {
    isExceeded: () => isExceeded,
    record: (sizeBytes: number) => void recorded.push(sizeBytes),
  } as unknown as ReplicationQuota;
  const settings = { throttledAsFollower: new Set([0]) };
  const { here, link, lead, fetcher } = scene(17, { quota, settings });
  lead(0, 1);
  link.fetch().answer({ 0: { highWatermark: 5 } });
  lead(1, 1);
  const records = stored(0, 1, 1);
  link.fetch().answer({ 0: { records, highWatermark: 5 } });
  assert.deepEqual(recorded, [0, records.length]);
  isExceeded = true;
  link.fetch().answer({ 1: { records, highWatermark: 5 } });
  assert.equal(recorded.length, 2, 'what is not throttled does not count');
  const other = link.fetch();
  assert.deepEqual([other.offsets, other.session.forgotten], [{ 1: 2 }, [0]]);
  fetcher.unfollow(here.replicas.partition('t', 1)!);
  other.answer({});
  assert.equal(link.received.length, 0, 'nothing else is to be fetched');
  isExceeded = false;
  here.time.advance(BACKOFF_MS);
  const anew = link.fetch();
  assert.deepEqual(anew.offsets, { 0: 2 });
  anew.answer({ 0: { records: stored(2, 1, 1, 1), highWatermark: 5 } });
  isExceeded = true;
  link.fetch().answer({});
  assert.equal(link.received.length, 1, 'it has all that is committed, and goes on');
});

test('F67, F68: a follower that learns of the topic id asks by it from then on, in a session of its own', () => {
  const { here, link, fetcher } = scene();
  const replicas = [LEADER, NODE];
  const change = { leader: LEADER, leaderEpoch: 1, replicas, isr: replicas, partitionEpoch: 1 };
  here.replicas.applyLeadership([leadershipOf(5, { ...change, topicId: ZERO_UUID })]);
  fetcher.follow(here.replicas.partition('t', 5)!);
  const byName = link.fetch();
  assert.equal(byName.request.topics[0]!.topic, 't');
  here.replicas.applyLeadership([leadershipOf(5, change)]);
  byName.answer({ 5: {} });
  const byId = link.fetch();
  assert.deepEqual([byId.request.topics[0]!.topicId, byId.session.epoch], [TOPIC_ID, 0]);
});

test('F67: a follower asks by name while the controller tells no ids, and by the id again afterwards', () => {
  const { here, link, fetcher } = scene();
  const replicas = [LEADER, NODE];
  const change = { leader: LEADER, leaderEpoch: 1, replicas, isr: replicas, partitionEpoch: 1 };
  here.replicas.applyLeadership([leadershipOf(5, change)]);
  const partition = here.replicas.partition('t', 5)!;
  fetcher.follow(partition);
  const byId = link.fetch();
  assert.equal(byId.request.topics[0]!.topicId, TOPIC_ID);
  here.replicas.applyLeadership([leadershipOf(5, { ...change, topicId: ZERO_UUID })]);
  byId.answer({ 5: {} });
  const byName = link.fetch();
  assert.deepEqual([byName.request.topics[0]!.topic, byName.session.epoch], ['t', 0]);
  assert.equal(partition.log.topicId, TOPIC_ID, 'the log stays that of its topic');
  here.replicas.applyLeadership([leadershipOf(5, change)]);
  byName.answer({ 5: {} });
  assert.equal(link.fetch().request.topics[0]!.topicId, TOPIC_ID);
});
