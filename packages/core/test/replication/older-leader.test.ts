// Leaders whose Fetch ends at version 11, as of Apache Kafka 2.6: they are asked by OffsetForLeaderEpoch, before the
// first fetch of each epoch, where histories part (KIP-279).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { canCoexist, epochsOf, histories, type History } from '../log/histories.ts';
import { BACKOFF_MS, scene, stored, type Scene } from './fetcher-scene.ts';
import { NODE } from './replica-world.ts';

const { FENCED_LEADER_EPOCH, OFFSET_OUT_OF_RANGE, UNKNOWN_LEADER_EPOCH } = ErrorCode;
const LEADER_EPOCH = 9;

/** A follower of epoch 9 that holds these records of earlier leaders, with nothing sent yet. */
function following(history: History, highWatermark = 0, version = 11): Scene & ReturnType<typeof logOf> {
  const here = scene(version);
  here.here.replicas.partition('t', 0)!.log.truncateFullyAndStartAt(0);
  const log = logOf(here);
  if (history.length > 0) log.log.appendAsFollower(stored(0, ...history));
  log.log.updateHighWatermark(highWatermark);
  here.lead(0, LEADER_EPOCH);
  return { ...here, ...log };
}

function logOf({ here }: Scene) {
  const { log } = here.replicas.partition('t', 0)!;
  return { log };
}

/** The leader's part, until the follower has all that it has. @returns how often it was asked where an epoch ends */
function serve({ link, log }: ReturnType<typeof following>, leader: History): number {
  const epochs = epochsOf(leader);
  epochs.assign(LEADER_EPOCH, leader.length);
  let questions = 0;
  for (let exchange = 0; exchange < 20; exchange++) {
    if (link.failures.length > 0) {
      link.refuse();
      const { asked, answer } = link.epochEnds();
      const { epoch, endOffset } = epochs.endOffsetFor(asked[0]!, leader.length);
      answer({ 0: { leaderEpoch: epoch, endOffset } });
      questions += 1;
      continue;
    }
    const fetch = link.fetch();
    const from = log.logEndOffset;
    if (from === leader.length) return questions;
    fetch.answer({ 0: { records: stored(from, leader[from]!), highWatermark: leader.length } });
  }
  throw new Error('no end');
}

function held({ log }: ReturnType<typeof logOf>): number[] {
  return Array.from({ length: log.logEndOffset }, (_, offset) => log.storage.epochs.epochFor(offset));
}

test('an older leader is asked where the last epoch ends before it is fetched from, and only once', () => {
  const here = following([0, 0, 1, 1], 2);
  const { link, log } = here;
  assert.equal(link.received.length, 0, 'nothing was sent before it was known where histories part');
  link.refuse();
  const question = link.epochEnds();
  assert.deepEqual(question.asked, { 0: 1 });
  const { replicaId, topics } = question.request;
  assert.deepEqual([replicaId, topics[0]!.partitions[0]!.currentLeaderEpoch], [NODE, LEADER_EPOCH]);
  question.answer({ 0: { leaderEpoch: 1, endOffset: 3 } });
  assert.equal(log.logEndOffset, 3);
  const fetch = link.fetch();
  assert.deepEqual(fetch.offsets, { 0: 3 });
  const { currentLeaderEpoch, lastFetchedEpoch } = fetch.request.topics[0]!.partitions[0]!;
  assert.deepEqual([currentLeaderEpoch, lastFetchedEpoch], [LEADER_EPOCH, -1]);
  fetch.answer({ 0: { records: stored(3, 9), highWatermark: 4 } });
  assert.deepEqual(link.fetch().offsets, { 0: 4 });
  assert.deepEqual([log.logEndOffset, log.highWatermark], [4, 4]);
});

test('where histories part at several epochs, each answer leads to the next question', () => {
  const here = following([0, 2, 2, 4, 6], 1);
  const leader = [0, 1, 3, 3, 5, 5];
  assert.equal(serve(here, leader), 4, 'of epochs 6, 4, 2 and 0');
  assert.deepEqual(held(here), leader);
});

test('a follower ends with its older leader’s log: every pair of small histories', () => {
  let cases = 0;
  for (const leader of histories(3, 3)) {
    for (const follower of histories(3, 3)) {
      if (!canCoexist(leader, follower)) continue;
      cases += 1;
      const here = following(follower);
      serve(here, leader);
      assert.deepEqual(held(here), leader, `leader ${leader.join()}, follower ${follower.join()}`);
    }
  }
  assert.ok(cases > 150, `${cases} cases`);
});

test('an empty log is fetched into at once', () => {
  const { link } = following([]);
  assert.deepEqual(link.fetch().offsets, { 0: 0 });
});

test('an older leader that knows nothing of the epoch sends the follower back to what is committed', () => {
  const { link, log } = following([3, 3, 3], 1);
  link.refuse();
  link.epochEnds().answer({ 0: { leaderEpoch: -1, endOffset: -1 } });
  assert.equal(log.logEndOffset, 1);
  assert.deepEqual(link.fetch().offsets, { 0: 1 });
});

test('OffsetForLeaderEpoch v0 tells no epoch: the leader’s end has the last word', () => {
  const { link, log } = following([0, 2, 2], 0, 5);
  link.epochVersion = 0;
  link.refuse();
  link.epochEnds().answer({ 0: { endOffset: 2 } });
  assert.equal(log.logEndOffset, 2);
  const fetch = link.fetch();
  assert.deepEqual([fetch.offsets, fetch.request.replicaId], [{ 0: 2 }, NODE]);
});

test('a partition that cannot be compared yet waits alone: the others are fetched', () => {
  const { link, lead, log } = following([1, 1]);
  link.refuse();
  link.epochEnds().answer({ 0: { errorCode: UNKNOWN_LEADER_EPOCH } });
  assert.equal(link.received.length, 0);
  lead(1, LEADER_EPOCH);
  link.refuse();
  const question = link.epochEnds();
  assert.deepEqual(question.asked, { 1: 0 }, 'an epoch that has begun here without a record');
  question.answer({ 1: { leaderEpoch: 0, endOffset: 0 } });
  link.fetch().answer({ 1: { records: stored(0, 9) } });
  assert.deepEqual(link.fetch().offsets, { 1: 1 });
  assert.equal(log.logEndOffset, 2);
});

test('a question that is not answered well is asked again after a pause', () => {
  const { here, link, log } = following([1, 1]);
  link.refuse();
  link.epochEnds().fail('the connection was lost');
  assert.deepEqual([link.received.length, link.failures.length], [0, 0]);
  here.time.advance(BACKOFF_MS);
  link.refuse();
  link.epochEnds().answer({});
  assert.deepEqual([link.received.length, link.failures.length], [0, 0], 'a leader that left it out');
  here.time.advance(BACKOFF_MS);
  link.refuse();
  link.epochEnds().answer({ 0: { leaderEpoch: 1, endOffset: 1 } });
  assert.equal(log.logEndOffset, 1);
});

test('a leader of a later epoch than ours is not asked again before the controller has spoken', () => {
  const { here, link, lead } = following([1]);
  link.refuse();
  link.epochEnds().answer({ 0: { errorCode: FENCED_LEADER_EPOCH } });
  here.time.advance(10 * BACKOFF_MS);
  assert.deepEqual([link.received.length, link.failures.length], [0, 0]);
  lead(0, LEADER_EPOCH + 1);
  link.refuse();
  assert.equal(link.epochEnds().request.topics[0]!.partitions[0]!.currentLeaderEpoch, LEADER_EPOCH + 1);
});

test('an answer that comes after another epoch has begun cuts nothing', () => {
  const { link, lead, log } = following([1, 1]);
  link.refuse();
  const late = link.epochEnds();
  lead(0, LEADER_EPOCH + 1);
  late.answer({ 0: { leaderEpoch: 1, endOffset: 0 } });
  assert.equal(log.logEndOffset, 2);
  link.refuse();
  assert.deepEqual(link.epochEnds().asked, { 0: 1 });
});

test('an answer about a partition that is not followed any more cuts nothing', () => {
  const { here, link, fetcher, log } = following([1, 1]);
  link.refuse();
  const late = link.epochEnds();
  fetcher.unfollow(here.replicas.partition('t', 0)!);
  late.answer({ 0: { leaderEpoch: 1, endOffset: 0 } });
  assert.deepEqual([log.logEndOffset, link.received.length], [2, 0]);
});

test('nothing is taken from an answer after closing', () => {
  const { link, fetcher, log } = following([1, 1]);
  link.refuse();
  const late = link.epochEnds();
  fetcher.close();
  late.answer({ 0: { leaderEpoch: 1, endOffset: 0 } });
  assert.deepEqual([log.logEndOffset, link.received.length], [2, 0]);
});

test('a log that was cut to the end of its older leader is compared anew', () => {
  const { link, log } = following([1, 1, 1]);
  link.refuse();
  link.epochEnds().answer({ 0: { leaderEpoch: 1, endOffset: 3 } });
  link.fetch().answer({ 0: { errorCode: OFFSET_OUT_OF_RANGE, highWatermark: -1 } });
  link.listOffsets().answer(2);
  assert.equal(log.logEndOffset, 2);
  link.refuse();
  link.epochEnds().answer({ 0: { leaderEpoch: 1, endOffset: 1 } });
  assert.deepEqual(link.fetch().offsets, { 0: 1 });
});
