// A reader gets on: over what is not delivered, and while some of what was fetched waits.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import type { FetchRequest } from '@odradek/protocol/generated/fetch-request.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { Consumer } from '../../src/consumer/consumer.ts';
import { until } from '../support/live-cluster.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';

const SESSION_ID = 9;

let broker: ScriptedBroker;
let consumer: Consumer;

beforeEach(async () => {
  broker = await ScriptedBroker.start();
});

afterEach(async () => {
  await consumer.close();
  await broker.close();
});

function consumerOf(fetchMaxWaitMs: number): Consumer {
  const { bootstrapServers } = broker;
  consumer = new Consumer({ bootstrapServers, fetchMaxWaitMs, isolationLevel: 'read_committed' });
  return consumer;
}

/** @param recordsAt of a partition from an offset on; null when there are none */
function answerFetches(recordsAt: (partition: number, offset: number) => Buffer | null): void {
  const offsets = new Map<number, number>();
  broker.on(fetchApi, async (request: FetchRequest) => {
    if (request.sessionEpoch === 0) offsets.clear();
    for (const { partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) offsets.delete(partition);
    }
    for (const { partitions } of request.topics) {
      for (const { partition, fetchOffset } of partitions) offsets.set(partition, fetchOffset);
    }
    const found = [...offsets].flatMap(([partitionIndex, offset]) => {
      const records = recordsAt(partitionIndex, offset);
      return records === null ? [] : [{ partitionIndex, errorCode: 0, highWatermark: 100, records }];
    });
    if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, request.maxWaitMs));
    const responses = [{ topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: found }];
    return { errorCode: 0, sessionId: SESSION_ID, responses: found.length === 0 ? [] : responses };
  });
}

const ABORT_MARKER = encodeRecordBatch({
  baseOffset: 5,
  isControl: true,
  isTransactional: true,
  producerId: 7,
  producerEpoch: 0,
  records: [{ key: Buffer.from([0, 0, 0, 0]), value: Buffer.alloc(6), timestamp: 1 }],
});

test('client pitfall D8: where nothing but markers is left a poll ends at once, and the position is behind them', async () => {
  answerFetches((partition, offset) => (partition === 0 && offset === 5 ? ABORT_MARKER : null));
  const reader = consumerOf(50);
  await reader.assign([{ topic: 't', partition: 0, from: 5 }]);
  const beginMs = performance.now();
  const polled = await reader.poll(15_000);
  assert.ok(performance.now() - beginMs < 10_000);
  assert.deepEqual(
    polled.map(({ records, nextOffset }) => [records.length, nextOffset]),
    [[0, 6]],
  );
  assert.equal(reader.position({ topic: 't', partition: 0 }), 6);
});

test('client pitfall D23: what waits in the buffer is not asked for meanwhile, and the session goes on', async () => {
  answerFetches((_partition, offset) =>
    encodeRecordBatch({
      baseOffset: offset,
      records: [{ key: null, value: Buffer.alloc(100), timestamp: 1 }],
    }),
  );
  const reader = consumerOf(20);
  const [slow, quick] = [0, 1].map((partition) => ({ topic: 't', partition }));
  await reader.assign([slow!, quick!].map((at) => ({ ...at, from: 0 })));
  await until(async () => (await reader.poll(100)).some(({ partition }) => partition === 0));
  reader.pause([slow!]);
  const begun = broker.bodies(fetchApi).length;
  await until(async () => {
    await reader.poll(100);
    return broker.bodies(fetchApi).length >= begun + 5;
  });
  reader.resume([slow!]);
  await until(async () => (await reader.poll(100)).some(({ partition }) => partition === 0));
  const epochs = broker.bodies(fetchApi).map(({ sessionEpoch }) => sessionEpoch);
  assert.deepEqual(
    epochs,
    epochs.map((_, at) => at),
    'one session, its epochs one after the other',
  );
});
