import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import type { FetchRequest } from '@odradek/protocol/generated/fetch-request.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import fc from 'fast-check';
import { Consumer } from '../../src/consumer/consumer.ts';
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts';
import { FetchSession, type FetchTarget } from '../../src/consumer/fetch/fetch-session.ts';
import { LogTruncatedError } from '../../src/errors.ts';
import { until } from '../support/live-cluster.ts';
import { SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

function target(partition: number, offset = 0, topicId = ID): FetchTarget {
  return { topic: 't', partition, topicId, offset, leaderEpoch: 0, lastFetchedEpoch: -1, maxBytes: 100 };
}

test('client pitfall D22: what the broker has of the session is what the client wants, after any changes', () => {
  const targets = fc.array(
    fc.uniqueArray(fc.record({ partition: fc.nat(4), offset: fc.nat(3), isNew: fc.boolean() }), {
      selector: ({ partition }) => partition,
    }),
    { maxLength: 20 },
  );
  const outcomes = fc.infiniteStream(fc.constantFrom('answered', 'answered', 'lost', 'evicted'));
  fc.assert(
    fc.property(targets, outcomes, (rounds, stream) => {
      const session = new FetchSession();
      let broker: Map<string, FetchTarget> | null = null;
      let brokerEpoch = 0;
      let nextId = 1;
      for (const round of rounds) {
        const wanted = round.map(({ partition, offset, isNew }) =>
          target(partition, offset, isNew ? 'AAAAAAAAAAAAAAAAAAAAAg' : ID),
        );
        const plan = session.plan(wanted);
        if (plan.sessionEpoch === 0) {
          broker = new Map();
          brokerEpoch = 1;
          nextId++;
        } else {
          assert.ok(broker !== null, 'no epoch goes on where there is no session');
          assert.equal(plan.sessionEpoch, brokerEpoch++);
          assert.equal(plan.sessionId, nextId);
        }
        for (const { topicId, partition } of plan.forgotten) broker.delete(`${topicId} ${partition}`);
        for (const each of plan.listed) broker.set(`${each.topicId} ${each.partition}`, each);
        assert.deepEqual(
          [...broker.values()].toSorted((a, b) => a.partition - b.partition),
          wanted.toSorted((a, b) => a.partition - b.partition),
        );
        const outcome = stream.next().value;
        if (outcome === 'answered') session.answered(plan, nextId);
        else session.failed(outcome === 'evicted');
      }
    }),
  );
});

let broker: ScriptedBroker;
let consumer: Consumer | null;

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  consumer = null;
});

afterEach(async () => {
  await consumer?.close();
  await broker.close();
});

function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
  consumer = new Consumer({ bootstrapServers: broker.bootstrapServers, retryBackoffMs: 5, ...options });
  return consumer;
}

function batch(offset: number, partitionLeaderEpoch = 0): Buffer {
  const records = [{ key: null, value: Buffer.from(`v${offset}`), timestamp: 1 }];
  return encodeRecordBatch({ baseOffset: offset, records, partitionLeaderEpoch });
}

function answer(sessionId: number, partitions: object[], errorCode = 0): object {
  const responses = partitions.length === 0 ? [] : [{ topicId: ID, partitions }];
  return { errorCode, sessionId, responses };
}

function offsetsIn({ topics }: FetchRequest): [number, number][] {
  return topics.flatMap(({ partitions }) =>
    partitions.map(({ partition, fetchOffset }): [number, number] => [partition, fetchOffset]),
  );
}

async function readOne(): Promise<number> {
  for (;;) {
    for (const { records } of await consumer!.poll(1_000)) if (records.length > 0) return records[0]!.offset;
  }
}

test('client pitfall D22: later requests name only what has changed; a session that was evicted is begun anew', async () => {
  let round = 0;
  broker.on(fetchApi, async (request) => {
    round++;
    if (round === 1)
      return answer(9, [{ partitionIndex: 0, errorCode: 0, highWatermark: 9, records: batch(0) }]);
    if (round === 2)
      return answer(9, [{ partitionIndex: 0, errorCode: 0, highWatermark: 9, records: batch(1) }]);
    if (round === 3) return answer(0, [], ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (round === 4)
      return answer(10, [{ partitionIndex: 0, errorCode: 0, highWatermark: 9, records: batch(2) }]);
    await new Promise((resolve) => setTimeout(resolve, request.maxWaitMs));
    return answer(10, []);
  });
  const reader = consumerOf({ fetchMaxWaitMs: 20 });
  await reader.assign([0, 1].map((partition) => ({ topic: 't', partition, from: 0 })));
  assert.deepEqual([await readOne(), await readOne(), await readOne()], [0, 1, 2]);
  const requests = broker.bodies(fetchApi).slice(0, 4);
  assert.deepEqual(
    requests.map(({ sessionId, sessionEpoch }) => [sessionId, sessionEpoch]),
    [
      [0, 0],
      [9, 1],
      [9, 2],
      [0, 0],
    ],
  );
  assert.deepEqual(requests.map(offsetsIn), [
    [
      [0, 0],
      [1, 0],
    ],
    [[0, 1]],
    [[0, 2]],
    [
      [1, 0],
      [0, 2],
    ],
  ]);
});

/** Answers fetches of partition 0 by a script, then waits as long as it may. */
function answerFetches(...answers: object[]): void {
  broker.on(fetchApi, async (request) => {
    const next = answers.shift();
    if (next !== undefined)
      return answer(0, [{ partitionIndex: 0, errorCode: 0, highWatermark: 9, ...next }]);
    await new Promise((resolve) => setTimeout(resolve, request.maxWaitMs));
    return answer(0, []);
  });
}

test('client pitfall D20: a history that parts from what was read: back to where it parts, or a typed error', async () => {
  const divergence = { divergingEpoch: { epoch: 3, endOffset: 4 }, records: null };
  answerFetches({ records: batch(6, 5) }, divergence, { records: batch(4, 6) });
  const reader = consumerOf({ fetchMaxWaitMs: 20, offsetReset: 'earliest' });
  await reader.assign([{ topic: 't', partition: 0, from: 6 }]);
  assert.equal(await readOne(), 6);
  assert.equal(await readOne(), 4);
  const epochs = broker.bodies(fetchApi).map(({ topics }) => topics[0]!.partitions[0]!.lastFetchedEpoch);
  assert.deepEqual(epochs.slice(0, 3), [-1, 5, 3]);

  answerFetches({ records: batch(6, 5) }, divergence);
  await reader.assign([{ topic: 't', partition: 0, from: 6 }]);
  await consumer!.close();
  const strict = consumerOf({ fetchMaxWaitMs: 20, offsetReset: 'none' });
  await strict.assign([{ topic: 't', partition: 0, from: 6 }]);
  answerFetches({ records: batch(6, 5) }, divergence);
  assert.equal(await readOne(), 6);
  await assert.rejects(strict.poll(1_000), (error) => {
    assert.ok(error instanceof LogTruncatedError);
    assert.deepEqual([error.offset, error.divergesAt], [7, 4]);
    return true;
  });
});

test('a leader that keeps no epochs says "out of range" to them: asked again without, the offset is there', async () => {
  const outOfRange = { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, records: null };
  answerFetches({ records: batch(6, 5) }, outOfRange, { records: batch(7, 5) }, outOfRange, outOfRange);
  const reader = consumerOf({ fetchMaxWaitMs: 20, offsetReset: 'none' });
  await reader.assign([{ topic: 't', partition: 0, from: 6 }]);
  assert.deepEqual([await readOne(), await readOne()], [6, 7]);
  await assert.rejects(reader.poll(1_000), { code: ErrorCode.OFFSET_OUT_OF_RANGE });
  const epochs = broker.bodies(fetchApi).map(({ topics }) => topics[0]!.partitions[0]!.lastFetchedEpoch);
  assert.deepEqual(epochs.slice(0, 5), [-1, 5, -1, 5, -1]);
});

test('client pitfalls D17 and D18: reads from the follower that the leader names, and from the leader when that fails', async () => {
  const follower = await ScriptedBroker.start();
  try {
    broker.on(metadataApi, () => {
      const cluster = broker.clusterOf('t', 1) as { brokers: object[] };
      cluster.brokers.push({ nodeId: 2, host: '127.0.0.1', port: follower.port, rack: 'here' });
      return cluster;
    });
    answerFetches({ preferredReadReplica: 2, records: null }, { records: batch(1) });
    let isFirst = true;
    follower.on(fetchApi, () => {
      const data = { partitionIndex: 0, highWatermark: 9 };
      const result = isFirst
        ? { ...data, errorCode: 0, records: batch(0) }
        : { ...data, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, records: null };
      isFirst = false;
      return answer(0, [result]);
    });
    const reader = consumerOf({ fetchMaxWaitMs: 20, clientRack: 'here', offsetReset: 'latest' });
    await reader.assign([{ topic: 't', partition: 0, from: 0 }]);
    assert.deepEqual([await readOne(), await readOne()], [0, 1]);
    assert.equal(broker.bodies(fetchApi)[0]!.rackId, 'here');
    assert.equal(follower.bodies(fetchApi).length, 2);
  } finally {
    await follower.close();
  }
});

/** The epochs that come with requests in a session that lasts; what ends it is answered as given. */
async function readInSession(farewell: object | typeof SILENCE): Promise<Consumer> {
  let isFirst = true;
  broker.on(fetchApi, async ({ sessionEpoch, maxWaitMs }) => {
    if (sessionEpoch === -1) return farewell;
    if (!isFirst) await new Promise((resolve) => setTimeout(resolve, maxWaitMs));
    const data = { partitionIndex: 0, errorCode: 0, highWatermark: 9, records: batch(0) };
    const news = isFirst ? [data] : [];
    isFirst = false;
    return answer(9, news);
  });
  const reader = consumerOf({ fetchMaxWaitMs: 300 });
  await reader.assign([{ topic: 't', partition: 0, from: 0 }]);
  assert.equal(await readOne(), 0);
  return reader;
}

test('a consumer that closes ends its session, not behind the fetch that waits', async () => {
  const reader = await readInSession(answer(0, []));
  await until(() => broker.waiting === 1);
  await reader.close();
  assert.equal(broker.waiting, 1, 'the fetch is still waiting');
  const { sessionId, sessionEpoch, topics } = broker.bodies(fetchApi).at(-1)!;
  assert.deepEqual([sessionId, sessionEpoch, topics], [9, -1, []]);
});

test('a broker that does not answer holds up nobody who closes for longer than was allowed', async () => {
  const reader = await readInSession(SILENCE);
  const poll = assert.rejects(reader.poll(10_000), { code: 'CLOSED' });
  const closing = reader.close(20);
  await poll;
  assert.equal(closing, reader.close(), 'closing twice is closing once');
  await closing;
  await assert.rejects(reader.poll(0), { code: 'CLOSED' });
});
