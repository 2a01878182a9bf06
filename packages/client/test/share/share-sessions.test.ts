// Sessions of a share consumer with brokers, and its place in the group, when things go wrong.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { shareAcknowledgeApi } from '@odradek/protocol/generated/apis/share-acknowledge.ts';
import { shareFetchApi } from '@odradek/protocol/generated/apis/share-fetch.ts';
import { shareGroupHeartbeatApi } from '@odradek/protocol/generated/apis/share-group-heartbeat.ts';
import { UnsupportedApiError, type UnreadableRecordsError } from '../../src/errors.ts';
import type { AcknowledgementOutcome } from '../../src/share/acknowledgement.ts';
import type { ShareRecord } from '../../src/share/acquired-record.ts';
import { ShareConsumer } from '../../src/share/share-consumer.ts';
import type { ShareConsumerOptions } from '../../src/share/share-options.ts';
import { until } from '../support/live-cluster.ts';
import { CUT, ScriptedBroker } from '../support/scripted-broker.ts';
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

function codes(): unknown[] {
  return outcomes.map(({ error }) => (error as { code?: unknown } | null)?.code ?? null);
}

/** Polls until records come. */
async function polled(consumer: ShareConsumer): Promise<number[]> {
  for (;;) {
    const records = await consumer.poll(1_000);
    if (records.length > 0) return records.map(({ offset }) => offset);
  }
}

for (const code of [ErrorCode.SHARE_SESSION_NOT_FOUND, ErrorCode.INVALID_SHARE_SESSION_EPOCH]) {
  test(`client pitfall G1: code ${code}: what waits to be acknowledged has failed, and is not said in the new session`, async () => {
    group.append(1);
    const consumer = consumerOf();
    await polled(consumer);
    group.refusal = code;
    group.append(1);
    assert.deepEqual(
      (await consumer.commit()).map(({ error }) => error?.name),
      ['AcquisitionLostError'],
    );
    group.releaseAll();
    assert.deepEqual((await polled(consumer)).toSorted(), [0, 1]);
    const epochs = broker.bodies(shareFetchApi).map(({ shareSessionEpoch }) => shareSessionEpoch);
    assert.equal(epochs.filter((epoch) => epoch === 0).length, 2);
    assert.deepEqual(group.log, []);
  });
}

test('client pitfall G1: what waits while a request finds the session gone is not said in the next one either', async () => {
  group.append(2);
  const consumer = consumerOf({ acknowledgementMode: 'explicit', acknowledgeIntervalMs: 60_000 });
  const records = consumer.records();
  const first = (await records.next()).value!;
  await records.next();
  let open = (): void => undefined;
  group.gate = new Promise((resolve) => (open = resolve));
  const third = records.next();
  await until(() => broker.waiting > 0);
  first.acknowledge('accept');
  group.refusal = ErrorCode.SHARE_SESSION_NOT_FOUND;
  open();
  assert.equal((await third).value!.deliveryCount, 2);
  assert.deepEqual(codes(), ['ACQUISITION_LOST']);
  assert.deepEqual(group.log, []);
});

test('client pitfall G2: what is acknowledged while a request is under way goes with the next', async () => {
  group.append(2);
  const consumer = consumerOf({ acknowledgementMode: 'explicit' });
  const [first, second] = await consumer.poll(5_000);
  let open = (): void => undefined;
  group.gate = new Promise((resolve) => (open = resolve));
  first!.acknowledge('accept');
  const committed = consumer.commit();
  await until(() => broker.waiting > 0);
  second!.acknowledge('release');
  const both = consumer.commit();
  open();
  group.gate = Promise.resolve();
  assert.deepEqual(
    (await committed).map(({ verdict, offsets }) => [verdict, ...offsets]),
    [['accept', 0]],
  );
  await both;
  assert.deepEqual(group.log, ['accept 0:0', 'release 0:1']);
});

test('client pitfall G3: with the connection everything is gone that was acquired over it, and each is told', async () => {
  group.append(3);
  const consumer = consumerOf({ acknowledgementMode: 'explicit' });
  const [first, second] = await consumer.poll(5_000);
  const { signal } = second!;
  let isCut = false;
  broker.on(shareAcknowledgeApi, () => {
    isCut = true;
    return CUT;
  });
  first!.acknowledge('accept');
  await consumer.commit();
  assert.equal(isCut, true);
  assert.deepEqual(codes(), ['ACQUISITION_LOST']);
  assert.equal(signal.aborted, true);
  second!.acknowledge('accept');
  await until(() => outcomes.length === 2);
  assert.deepEqual(codes(), ['ACQUISITION_LOST', 'ACQUISITION_LOST']);
});

test('client pitfall G3: the leader has moved: what it had given is lost, and the new one is asked', async () => {
  group.append(2);
  const consumer = consumerOf({ acknowledgementMode: 'explicit' });
  const [first, second] = await consumer.poll(5_000);
  group.acknowledgeRefusal = ErrorCode.NOT_LEADER_OR_FOLLOWER;
  const asked = broker.bodies(metadataApi).length;
  first!.acknowledge('accept');
  await consumer.commit();
  assert.deepEqual(codes(), [ErrorCode.NOT_LEADER_OR_FOLLOWER]);
  assert.equal(second!.signal.aborted, true);
  await until(() => broker.bodies(metadataApi).length > asked);
  group.acknowledgeRefusal = 0;
  group.releaseAll();
  assert.deepEqual(await polled(consumer), [0, 1]);
});

test('client pitfall G4: acknowledging does not bring back a partition that was given up', async () => {
  group.append(2);
  group.append(1, 1);
  group.news = [0, 1];
  const consumer = consumerOf({ acknowledgementMode: 'explicit', acknowledgeIntervalMs: 60_000 });
  const records = consumer.records();
  const next = async (): Promise<ShareRecord> => (await records.next()).value!;
  const taken = [await next(), await next(), await next()];
  group.news = [1];
  await until(() => consumer.assignment.length === 1);
  group.append(1, 1);
  taken.push(await next());
  assert.equal(taken.at(-1)!.partition, 1);
  for (const record of taken) record.acknowledge('accept');
  group.append(1);
  for (let i = 0; i < 3; i++) {
    group.append(1, 1);
    const record = await next();
    assert.equal(record.partition, 1);
    record.acknowledge('accept');
  }
  assert.deepEqual(group.offsetsIn('available'), [2], 'what came later there is for others');
  assert.ok(group.log.includes('accept 0:1'));
});

test('what waits of a partition that is given up goes to others at once', async () => {
  group.append(3);
  const consumer = consumerOf({ maxPollRecords: 2, fetchMaxWaitMs: 0 });
  const records = consumer.records();
  await records.next();
  group.news = [];
  await until(() => group.log.length > 0);
  assert.deepEqual(group.log, ['release 0:1']);
});

test('client pitfall G5: one request of a session at a time, numbered without gaps', async () => {
  group.append(200);
  const consumer = consumerOf({ maxPollRecords: 10, acknowledgeIntervalMs: 0 });
  const running = consumer.run({
    concurrency: 4,
    eachMessage: () => new Promise((resolve) => setImmediate(resolve)),
  });
  await until(() => group.offsetsIn('gone').length === 200);
  await consumer.close();
  await running;
  assert.equal(group.concurrentMax, 1);
  const epochs = broker.requests
    .filter(({ name }) => name === 'ShareFetch' || name === 'ShareAcknowledge')
    .map(({ body }) => (body as { shareSessionEpoch: number }).shareSessionEpoch);
  assert.equal(epochs.pop(), -1);
  assert.deepEqual(epochs, [...epochs.keys()]);
  assert.equal(consumer.metrics().acknowledgementsFailed, 0);
});

test('client pitfall G7: records that cannot be decoded are released, with an event', async () => {
  const told: UnreadableRecordsError[] = [];
  const consumer = consumerOf({ onUnreadable: (error) => void told.push(error) });
  group.append(2);
  const answer = group.answerFetch.bind(group);
  let isBroken = true;
  group.answerFetch = async (request) => {
    const given = await answer(request);
    if (isBroken && group.breakFirstRecord(given)) isBroken = false;
    return given;
  };
  const seen = [...(await polled(consumer)), ...(await polled(consumer))];
  assert.deepEqual(seen, [1, 0]);
  assert.equal(told.length, 1);
  assert.match(told[0]!.message, /t-0 cannot be read from offset 0: .*checksum/);
  assert.equal(consumer.metrics().unreadable, 1);
  assert.ok(group.log.includes('release 0:0'));
});

test('a partition that is refused for good is told to whoever asks, and tried again later', async () => {
  group.append(1);
  group.fetchRefusal = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  const consumer = consumerOf();
  await assert.rejects(polled(consumer), { code: ErrorCode.TOPIC_AUTHORIZATION_FAILED });
  assert.ok(consumer.trouble !== null);
  group.fetchRefusal = 0;
  const again = async (): Promise<number[]> => polled(consumer).catch(() => again());
  assert.deepEqual(await again(), [0]);
  assert.equal(consumer.trouble, null);
});

test('a broker without room for sessions is asked again, and named as the trouble', async () => {
  group.append(1);
  const consumer = consumerOf();
  let refusals = 0;
  const answer = group.answerFetch.bind(group);
  group.answerFetch = (request) => {
    if (refusals < 3) group.refusal = ErrorCode.SHARE_SESSION_LIMIT_REACHED;
    refusals++;
    return answer(request);
  };
  const records = polled(consumer);
  await until(() => consumer.trouble !== null);
  assert.match(consumer.trouble!.error.message, /broker 1: /);
  assert.deepEqual(await records, [0]);
});

test('heartbeats name what is read with the first, and again when an answer is lost', async () => {
  const consumer = consumerOf();
  const beats = () => broker.bodies(shareGroupHeartbeatApi);
  await consumer.poll(50);
  await until(() => beats().length >= 3);
  assert.deepEqual(
    beats()
      .slice(0, 3)
      .map(({ memberEpoch, subscribedTopicNames }) => [memberEpoch, subscribedTopicNames]),
    [
      [0, ['t']],
      [1, null],
      [1, null],
    ],
  );
  assert.equal(beats()[0]!.memberId, consumer.memberId);
  let isLost = true;
  broker.on(shareGroupHeartbeatApi, (request) => {
    if (!isLost) return group.heartbeat(request);
    isLost = false;
    return CUT;
  });
  const before = beats().length;
  await until(() => beats().length >= before + 3);
  assert.deepEqual(
    beats()
      .slice(before + 1, before + 3)
      .map(({ subscribedTopicNames }) => subscribedTopicNames),
    [['t'], null],
  );
});

for (const code of [ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.NOT_COORDINATOR]) {
  test(`code ${code}: the member is back under its id, and what it has in hand stays its own`, async () => {
    group.append(1);
    const consumer = consumerOf();
    await polled(consumer);
    let isFenced = false;
    broker.on(shareGroupHeartbeatApi, (request) => {
      if (isFenced) return group.heartbeat(request);
      isFenced = true;
      group.news = [0];
      return { errorCode: code, memberEpoch: 0, heartbeatIntervalMs: 0 };
    });
    await until(() => isFenced);
    group.append(1);
    assert.deepEqual(await polled(consumer), [1]);
    await consumer.commit();
    assert.deepEqual(group.log, ['accept 0:0', 'accept 0:1']);
    const beats = broker.bodies(shareGroupHeartbeatApi);
    assert.equal(new Set(beats.map(({ memberId }) => memberId)).size, 1);
    const joins = beats.filter(
      ({ memberEpoch, subscribedTopicNames }) => memberEpoch === 0 && subscribedTopicNames,
    );
    assert.equal(joins.length, code === ErrorCode.NOT_COORDINATOR ? 1 : 2);
  });
}

test('what ends a membership for good comes out of the next poll', async () => {
  broker.on(shareGroupHeartbeatApi, () => ({
    errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED,
    errorMessage: 'full',
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
  }));
  await assert.rejects(polled(consumerOf()), {
    code: ErrorCode.GROUP_MAX_SIZE_REACHED,
    message: 'share group "g": full',
  });
});

test('a cluster without share groups is named as what is missing, with what there is instead', async () => {
  const isNamed = (error: unknown): boolean => {
    assert.ok(error instanceof UnsupportedApiError);
    assert.match(error.message, /share groups need Apache Kafka 4.1 .* use GroupConsumer/);
    return true;
  };
  broker.on(shareGroupHeartbeatApi, () => {
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION, memberEpoch: 0, heartbeatIntervalMs: 0 };
  });
  await assert.rejects(polled(consumerOf()), isNamed);
  broker.versionMax.set(shareGroupHeartbeatApi.key, 0);
  await assert.rejects(polled(consumerOf()), isNamed);
  const served = broker.apiKeys().filter(({ apiKey }) => apiKey !== shareGroupHeartbeatApi.key);
  broker.on(apiVersionsApi, () => ({ errorCode: 0, apiKeys: served }));
  await assert.rejects(polled(consumerOf()), isNamed);
});
