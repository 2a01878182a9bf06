// A member of a share group beside a broker that the tests script: what is delivered, and what is said of it.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { shareAcknowledgeApi } from '@odradek/protocol/generated/apis/share-acknowledge.ts';
import { shareFetchApi } from '@odradek/protocol/generated/apis/share-fetch.ts';
import type { HandlerError } from '../../src/errors.ts';
import type { AcknowledgementOutcome } from '../../src/share/acknowledgement.ts';
import { ShareConsumer } from '../../src/share/share-consumer.ts';
import type { ShareConsumerOptions } from '../../src/share/share-options.ts';
import { until } from '../support/live-cluster.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';
import { ScriptedShareGroup } from '../support/scripted-share-group.ts';

let broker: ScriptedBroker;
let group: ScriptedShareGroup;
let consumers: ShareConsumer[];
let outcomes: AcknowledgementOutcome[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  group = new ScriptedShareGroup(broker);
  consumers = [];
  outcomes = [];
});

afterEach(async () => {
  await Promise.allSettled(consumers.map((consumer) => consumer.close(500)));
  await broker.close();
});

function consumerOf(options: Partial<ShareConsumerOptions> = {}): ShareConsumer {
  const consumer = new ShareConsumer({
    bootstrapServers: broker.bootstrapServers,
    groupId: 'g',
    topics: ['t'],
    fetchMaxWaitMs: 10,
    acknowledgeIntervalMs: 5,
    retryBackoffMs: 5,
    onAcknowledged: (told) => void outcomes.push(...told),
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

function settled(): string[] {
  return outcomes.flatMap(({ verdict, offsets, error }) =>
    offsets.map(
      (offset) => `${verdict} ${offset}${error === null ? '' : ` ${(error as { code?: unknown }).code}`}`,
    ),
  );
}

test('what was polled is accepted when more is asked for, with the same request', async () => {
  group.append(3);
  const consumer = consumerOf();
  const records = await consumer.poll(5_000);
  assert.deepEqual(
    records.map(({ offset, value, deliveryCount }) => [offset, String(value), deliveryCount]),
    [
      [0, 'v0', 1],
      [1, 'v1', 1],
      [2, 'v2', 1],
    ],
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(group.log, [], 'nothing is accepted before');
  await consumer.poll(0);
  await until(() => group.log.length === 3);
  assert.deepEqual(group.offsetsIn('gone'), [0, 1, 2]);
  await until(() => settled().length === 3);
  assert.deepEqual(settled(), ['accept 0', 'accept 1', 'accept 2']);
  assert.equal(consumer.metrics().recordsAccepted, 3);
  assert.equal(consumer.metrics().recordsUnsettled, 0);
});

test('acknowledgements that wait go with the next request for records', async () => {
  group.append(1);
  const consumer = consumerOf({ acknowledgeIntervalMs: 60_000 });
  await consumer.poll(5_000);
  group.append(1);
  assert.deepEqual(
    (await consumer.poll(5_000)).map(({ offset }) => offset),
    [1],
  );
  assert.deepEqual(group.log, ['accept 0:0']);
  assert.equal(broker.bodies(shareAcknowledgeApi).length, 0);
});

test('released records come again and are counted, rejected ones do not', async () => {
  group.append(2);
  const consumer = consumerOf();
  const [first, second] = await consumer.poll(5_000);
  first!.acknowledge('release');
  second!.acknowledge('reject');
  assert.throws(() => first!.acknowledge('accept'), { code: 'ALREADY_ACKNOWLEDGED' });
  const told = await consumer.commit();
  assert.deepEqual(
    told.map(({ verdict, offsets, error }) => [verdict, offsets, error]),
    [
      ['release', [0], null],
      ['reject', [1], null],
    ],
  );
  const again = await consumer.poll(5_000);
  assert.deepEqual(
    again.map(({ offset, deliveryCount }) => [offset, deliveryCount]),
    [[0, 2]],
  );
  assert.deepEqual(group.offsetsIn('gone'), [1]);
});

test('client pitfall G8: explicit: nothing more comes before everything is acknowledged, and nothing is accepted by itself', async () => {
  group.append(2);
  const consumer = consumerOf({ acknowledgementMode: 'explicit' });
  const [first, second] = await consumer.poll(5_000);
  first!.acknowledge('accept');
  await assert.rejects(consumer.poll(0), { code: 'UNACKNOWLEDGED', message: /^1 records/ });
  await consumer.commit();
  assert.deepEqual(group.log, ['accept 0:0']);
  second!.acknowledge('accept');
  await consumer.poll(0);
  await until(() => group.offsetsIn('gone').length === 2);
});

test('explicit: a loop gets no more than may be in hand at once, and goes on when some is acknowledged', async () => {
  group.append(5);
  const consumer = consumerOf({ acknowledgementMode: 'explicit', maxPollRecords: 2 });
  const records = consumer.records();
  const first = (await records.next()).value!;
  const second = (await records.next()).value!;
  let isThird = false;
  const third = records.next().then(({ value }) => ((isThird = true), value!));
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(isThird, false);
  assert.equal(consumer.metrics().recordsInHand, 2);
  first.acknowledge('accept');
  assert.equal((await third).offset, 2);
  assert.equal(second.isAcknowledged, false);
});

test('client pitfall G8: close accepts what was done, gives back the rest, ends the session, then leaves', async () => {
  group.append(4);
  const consumer = consumerOf({ acknowledgeIntervalMs: 60_000 });
  const seen: number[] = [];
  for await (const { offset } of consumer.records()) {
    seen.push(offset);
    if (offset === 1) break;
  }
  await consumer.close();
  assert.deepEqual(seen, [0, 1]);
  assert.deepEqual(group.log, ['accept 0:0', 'release 0:1', 'release 0:2', 'release 0:3', 'end', 'leave']);
  assert.deepEqual(group.offsetsIn('available'), [1, 2, 3]);
  assert.deepEqual(settled(), ['accept 0', 'release 1']);
});

test('close waits for handlers, up to its deadline', async () => {
  group.append(2);
  const consumer = consumerOf();
  let finish: (() => void) | null = null;
  const running = consumer.run({ eachMessage: () => new Promise<void>((resolve) => (finish = resolve)) });
  await until(() => finish !== null);
  const closed = consumer.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(group.log, []);
  finish!();
  await Promise.all([closed, running]);
  assert.deepEqual(group.log, ['accept 0:0', 'release 0:1', 'end', 'leave']);

  const other = consumerOf();
  group.news = [0];
  let signal: AbortSignal | null = null;
  const stuck = other.run({
    eachMessage: (record) => {
      signal = record.signal;
      return new Promise<void>((resolve) => (finish = resolve));
    },
  });
  await until(() => signal !== null);
  await other.close(600);
  assert.equal(signal!.aborted, true);
  assert.deepEqual(group.log.slice(-3), ['release 0:1', 'end', 'leave']);
  finish!();
  await stuck;
  assert.equal(settled().at(-1), 'accept 1 ACQUISITION_LOST');
});

test('handlers run side by side on one partition; a failed one releases its record, and the others go on', async () => {
  group.append(6);
  const consumer = consumerOf();
  const seen: [number, number][] = [];
  let most = 0;
  let now = 0;
  const running = consumer.run({
    concurrency: 3,
    eachMessage: async ({ offset, deliveryCount }) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now--;
      seen.push([offset, deliveryCount]);
      if (offset === 2 && deliveryCount === 1) throw new Error('not yet');
    },
  });
  await until(() => group.offsetsIn('gone').length === 6);
  await consumer.close();
  await running;
  assert.equal(most, 3);
  assert.deepEqual(
    seen.filter(([offset]) => offset === 2),
    [
      [2, 1],
      [2, 2],
    ],
  );
  assert.equal(seen.length, 7);
  assert.equal(consumer.metrics().handlersFailed, 1);
});

test('what becomes of a failed record may be said, for all or for each', async () => {
  group.append(3);
  const consumer = consumerOf();
  const failures: HandlerError[] = [];
  const running = consumer.run({
    eachMessage: () => {
      throw new Error('bad');
    },
    onFailure: (error, { deliveryCount }) => {
      failures.push(error);
      return deliveryCount >= 2 ? 'reject' : 'release';
    },
  });
  await until(() => group.offsetsIn('gone').length === 3);
  await consumer.close();
  await running;
  assert.equal(failures.length, 6);
  assert.equal(failures[0]!.message, 'the handler failed at t-0, offset 0: bad');
  assert.equal(consumer.metrics().recordsRejected, 3);
});

test('a handler that acknowledges by itself is not overruled, and one that only ends accepts nothing when that is explicit', async () => {
  group.append(2);
  const consumer = consumerOf({ acknowledgementMode: 'explicit' });
  let ended = 0;
  const running = consumer.run({
    eachMessage: (record) => {
      ended++;
      if (record.offset === 0) record.acknowledge('reject');
    },
  });
  await until(() => ended === 2 && group.log.length === 1);
  await consumer.close();
  await running;
  assert.deepEqual(group.log.slice(0, 2), ['reject 0:0', 'release 0:1']);
});

test('what a broker makes of an acknowledgement is told, and thrown nowhere', async () => {
  group.append(1);
  const consumer = consumerOf();
  const [record] = await consumer.poll(5_000);
  group.acknowledgeRefusal = ErrorCode.INVALID_RECORD_STATE;
  record!.acknowledge('accept');
  const [told] = await consumer.commit();
  assert.equal((told!.error as { code?: number }).code, ErrorCode.INVALID_RECORD_STATE);
  assert.match(told!.error!.message, /acknowledging t-0/);
  assert.equal(consumer.metrics().acknowledgementsFailed, 1);
  assert.deepEqual(await consumer.commit(), []);
});

test('client pitfall G6: locks of what is in hand are renewed in time, but not for ever', async () => {
  group.append(2);
  group.lockMs = 300;
  const consumer = consumerOf({ maxHandlingMs: 600 });
  const [record] = await consumer.poll(5_000);
  const begin = performance.now();
  await until(() => record!.signal.aborted);
  assert.ok(performance.now() - begin >= 590, `lost after ${performance.now() - begin} ms`);
  assert.ok(group.log.filter((line) => line === 'renew 0:0').length >= 2);
  assert.ok(group.log.every((line) => line.startsWith('renew') || line === 'leave'));
  assert.equal(record!.signal.reason.message, 'its lock of 300 ms has run out');
});

test('client pitfall G6: without renewal nothing is handed out late, and what was done late is reported', async () => {
  group.append(2);
  group.lockMs = 40;
  broker.versionMax.set(shareFetchApi.key, 1).set(shareAcknowledgeApi.key, 1);
  const consumer = consumerOf();
  const records = consumer.records();
  const first = (await records.next()).value!;
  assert.equal(first.offset, 0);
  assert.throws(() => first.acknowledge('renew'), { code: 'UNSUPPORTED_API' });
  await until(() => first.signal.aborted);
  const next = records.next();
  await until(() => settled().length > 0);
  assert.deepEqual(settled(), ['accept 0 ACQUISITION_LOST']);
  group.releaseAll();
  const { offset, deliveryCount } = (await next).value!;
  assert.deepEqual([offset, deliveryCount], [0, 2]);
  assert.deepEqual(group.log, [], 'what is not ours is not acknowledged');
});

test('a member that asks for nothing for too long leaves, and is back when it asks again', async () => {
  group.append(1);
  const consumer = consumerOf({ maxHandlingMs: 40 });
  await consumer.poll(5_000);
  await until(() => group.log.includes('leave'));
  group.news = [0];
  group.append(1);
  assert.equal((await consumer.poll(5_000)).length, 1);
});

test('a handler that does not get done is a stall', async () => {
  group.append(1);
  const stalls: string[] = [];
  const consumer = consumerOf({ stallAfterMs: 30, onStall: ({ kind }) => void stalls.push(kind) });
  let finish: (() => void) | null = null;
  const running = consumer.run({ eachMessage: () => new Promise<void>((resolve) => (finish = resolve)) });
  await until(() => stalls.length > 0);
  assert.deepEqual(stalls, ['handler']);
  finish!();
  await consumer.close();
  await running;
});

test('options with a slip in their names are refused, and values that are none', () => {
  const given = { bootstrapServers: 'a:1', groupId: 'g', topics: ['t'] };
  const refused = (more: object, message: RegExp): void => {
    assert.throws(() => new ShareConsumer({ ...given, ...more }), { code: 'BAD_OPTION', message });
  };
  refused({ acknowledgmentMode: 'explicit' }, /did you mean "acknowledgementMode"/);
  refused({ acknowledgementMode: 'auto' }, /"auto", allowed are implicit, explicit/);
  refused({ maxPollRecords: 0 }, /maxPollRecords is 0/);
  refused({ topics: [] }, /topics is empty/);
  refused({ groupId: '' }, /groupId is empty/);
});
