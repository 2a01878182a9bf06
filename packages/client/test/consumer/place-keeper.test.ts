// What the thread does that keeps a member's place, in virtual time, beside a coordinator of two lines.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { VirtualEnvironment } from '../support/virtual-environment.ts';
import type { Coordinator } from '../../src/cluster/coordinators.ts';
import type { BeatProtocol } from '../../src/consumer/heartbeats/beat-protocol.ts';
import { classicBeats, type ClassicBeat } from '../../src/consumer/heartbeats/classic-beats.ts';
import { consumerBeats, type ConsumerBeat } from '../../src/consumer/heartbeats/consumer-beats.ts';
import { PlaceKeeper } from '../../src/consumer/heartbeats/place-keeper.ts';
import type { FromKeeper } from '../../src/consumer/heartbeats/thread-messages.ts';
import { RequestTimeoutError } from '../../src/errors.ts';

const BEAT: ClassicBeat = { memberId: 'm', generationId: 7, instanceId: null };
const TIMING = { intervalMs: 100, timeoutMs: 1_000 };
const NO_COORDINATOR = null as unknown as Coordinator;

let world: VirtualEnvironment;
/** What went out, with the time. */
let sent: [number, unknown][];
let left: number[];
let told: FromKeeper[];
let answer: () => Promise<object>;

beforeEach(() => {
  world = new VirtualEnvironment();
  sent = [];
  left = [];
  told = [];
  answer = () => Promise.resolve({ errorCode: 0 });
});

function keeperOf<Beat, Answer>(
  protocol: BeatProtocol<Beat, Answer>,
  silenceMaxMs = 10_000,
): PlaceKeeper<Beat, Answer> {
  const beside: BeatProtocol<Beat, Answer> = {
    ...protocol,
    send: async (_coordinator, beat) => {
      sent.push([world.nowMs, beat]);
      return (await answer()) as Answer;
    },
    leave: async () => void left.push(world.nowMs),
  };
  return new PlaceKeeper(world, NO_COORDINATOR, beside, silenceMaxMs, (message) => told.push(message));
}

function times(): number[] {
  return sent.map(([atMs]) => atMs);
}

test('as long as the event loop speaks in time, what it says is all that goes out', async () => {
  const keeper = keeperOf(classicBeats);
  keeper.hear({ kind: 'keep', term: 1, beat: BEAT, timing: TIMING });
  for (let i = 0; i < 3; i++) {
    await world.pass(100);
    keeper.hear({ kind: 'send', term: 1, beat: BEAT, timing: TIMING });
  }
  await world.pass(0);
  assert.deepEqual(times(), [100, 200, 300]);
  assert.ok(told.every((message) => message.kind === 'heard' && message.wasAsked));
});

test('client pitfall J4: a loop that is blocked is spoken for, from soon after its turn until it rests', async () => {
  const keeper = keeperOf(classicBeats);
  keeper.hear({ kind: 'keep', term: 1, beat: BEAT, timing: TIMING });
  await world.pass(500);
  assert.deepEqual(times(), [125, 250, 375, 500]);
  assert.ok(told.every((message) => message.kind === 'heard' && !message.wasAsked && message.term === 1));
  keeper.hear({ kind: 'rest', term: 2 });
  await world.pass(1_000);
  assert.equal(sent.length, 4);
});

test('well before the session ends, also where the interval is nearly as long', async () => {
  const keeper = keeperOf(classicBeats);
  keeper.hear({ kind: 'keep', term: 1, beat: BEAT, timing: { intervalMs: 900, timeoutMs: 1_000 } });
  await world.pass(960);
  assert.deepEqual(times(), [950]);
});

test('client pitfall E2: a loop that is blocked for too long gives its place up, in good order', async () => {
  const keeper = keeperOf(classicBeats, 300);
  keeper.hear({ kind: 'keep', term: 1, beat: BEAT, timing: TIMING });
  await world.pass(2_000);
  assert.deepEqual(times(), [125, 250]);
  assert.deepEqual(left, [375]);
  assert.deepEqual(told.at(-1), { kind: 'left', term: 1 });
});

test('a loop that waits for an answer is not silent', async () => {
  const keeper = keeperOf(classicBeats, 300);
  keeper.hear({ kind: 'keep', term: 1, beat: BEAT, timing: TIMING });
  answer = () =>
    new Promise((_resolve, reject) => {
      world.timers.after(1_000, () => reject(new RequestTimeoutError('no answer')));
    });
  keeper.hear({ kind: 'send', term: 1, beat: BEAT, timing: TIMING });
  await world.pass(1_010);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['unheard'],
  );
  answer = () => Promise.resolve({ errorCode: 0 });
  await world.pass(90);
  assert.deepEqual(left, []);
  assert.deepEqual(times(), [0, 1_100], 'tried again by itself');
});

for (const [name, code] of [
  ['UNKNOWN_MEMBER_ID', ErrorCode.UNKNOWN_MEMBER_ID],
  ['FENCED_INSTANCE_ID', ErrorCode.FENCED_INSTANCE_ID],
  ['ILLEGAL_GENERATION', ErrorCode.ILLEGAL_GENERATION],
] as const) {
  test(`client pitfall E11: after ${name} nothing more is said for the place`, async () => {
    const keeper = keeperOf(classicBeats);
    answer = () => Promise.resolve({ errorCode: code });
    keeper.hear({ kind: 'keep', term: 1, beat: BEAT, timing: TIMING });
    await world.pass(5_000);
    assert.equal(sent.length, 1);
    assert.equal(told.length, 1);
  });
}

test('client pitfall E4: a rebalance, or a coordinator that moves, ends nothing', async () => {
  for (const code of [ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.NOT_COORDINATOR]) {
    sent = [];
    const keeper = keeperOf(classicBeats);
    answer = () => Promise.resolve({ errorCode: code });
    keeper.hear({ kind: 'keep', term: 1, beat: BEAT, timing: TIMING });
    await world.pass(500);
    assert.equal(sent.length, 4);
    keeper.hear({ kind: 'rest', term: 2 });
  }
});

test('client pitfall E8: what is answered for a place that was let go of is not gone on with', async () => {
  const keeper = keeperOf(classicBeats);
  let release: (answered: object) => void = () => undefined;
  answer = () => new Promise((resolve) => (release = resolve));
  keeper.hear({ kind: 'send', term: 1, beat: BEAT, timing: TIMING });
  await world.pass(10);
  keeper.hear({ kind: 'rest', term: 2 });
  release({ errorCode: 0 });
  await world.pass(5_000);
  assert.equal(sent.length, 1);
  assert.deepEqual(
    told.map((message) => 'term' in message && message.term),
    [1],
    'told with its term, for who asks to judge',
  );
});

function consumerBeat(memberEpoch: number, partitions: number[] = []): ConsumerBeat {
  const whole = {
    groupId: 'g',
    memberId: 'm',
    memberEpoch,
    rebalanceTimeoutMs: 9,
    subscribedTopicNames: ['t'],
    topicPartitions: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions }],
  };
  return { request: whole, whole };
}

function accepted(memberEpoch: number): object {
  return { errorCode: 0, memberEpoch, heartbeatIntervalMs: 200, assignment: null };
}

function requests(): { memberEpoch: number; topicPartitions?: unknown; subscribedTopicNames?: unknown }[] {
  return sent.map(([, beat]) => (beat as ConsumerBeat).request as never);
}

test('KIP-848: goes on with the epoch that it heard, names nothing that is known, and in the interval of the coordinator', async () => {
  const keeper = keeperOf(consumerBeats);
  let epoch = 3;
  answer = () => Promise.resolve(accepted(epoch++));
  keeper.hear({ kind: 'send', term: 1, beat: consumerBeat(0), timing: TIMING });
  await world.pass(600);
  assert.deepEqual(times(), [0, 250, 500]);
  assert.deepEqual(
    requests().map(({ memberEpoch }) => memberEpoch),
    [0, 3, 4],
  );
  assert.deepEqual(requests()[1], { groupId: 'g', memberId: 'm', memberEpoch: 3 });
});

test('KIP-848: what the loop asks for late goes out with the newest epoch', async () => {
  const keeper = keeperOf(consumerBeats);
  answer = () => Promise.resolve(accepted(5));
  keeper.hear({ kind: 'send', term: 1, beat: consumerBeat(0), timing: TIMING });
  await world.pass(0);
  answer = () => Promise.resolve(accepted(6));
  await world.pass(260);
  keeper.hear({ kind: 'send', term: 1, beat: consumerBeat(5, [0]), timing: TIMING });
  await world.pass(0);
  assert.deepEqual(
    requests().map(({ memberEpoch }) => memberEpoch),
    [0, 5, 6],
  );
  assert.notEqual(requests()[2]!.topicPartitions, undefined);
});

test('client pitfall F1: after an answer that was lost everything is said again', async () => {
  const keeper = keeperOf(consumerBeats);
  answer = () => Promise.resolve(accepted(5));
  keeper.hear({ kind: 'send', term: 1, beat: consumerBeat(4, [0, 1]), timing: TIMING });
  await world.pass(0);
  answer = () => Promise.reject(new RequestTimeoutError('lost'));
  await world.pass(250);
  answer = () => Promise.resolve(accepted(5));
  await world.pass(200);
  assert.deepEqual(requests()[1], { groupId: 'g', memberId: 'm', memberEpoch: 5 });
  assert.deepEqual(requests()[2]!.subscribedTopicNames, ['t']);
  assert.deepEqual(requests()[2]!.topicPartitions, consumerBeat(5, [0, 1]).whole.topicPartitions);
});

test('KIP-848: an application that was not answered is not repeated: who joins does so itself', async () => {
  const keeper = keeperOf(consumerBeats);
  answer = () => Promise.reject(new RequestTimeoutError('lost'));
  keeper.hear({ kind: 'send', term: 1, beat: consumerBeat(0), timing: TIMING });
  await world.pass(5_000);
  assert.equal(sent.length, 1);
});
