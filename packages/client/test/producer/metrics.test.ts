import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { Producer } from '../../src/producer/producer.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
let producer: Producer;

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  const { bootstrapServers } = broker;
  producer = new Producer({
    bootstrapServers,
    lingerMs: 0,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 2,
    requestSizeMaxBytes: 1_000,
    bufferMemoryBytes: 5_000,
  });
});

afterEach(async () => {
  await producer.close(0);
  await broker.close();
});

/** @param codes of the first answers; then all is written */
function answering(...codes: number[]): void {
  broker.on(produceApi, ({ topicData }) => {
    const errorCode = codes.shift() ?? 0;
    return {
      responses: topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: 0 })),
      })),
    };
  });
}

function send(sizeBytes: number): Promise<unknown> {
  return producer.send({ topic: 't', partition: 0, value: Buffer.alloc(sizeBytes) });
}

test('metrics of a producer: what was sent, sent again, refused, and how long it took', async () => {
  answering(ErrorCode.NOT_ENOUGH_REPLICAS, 0, ErrorCode.INVALID_RECORD);
  await send(10);
  await assert.rejects(send(10), { code: ErrorCode.INVALID_RECORD });
  await assert.rejects(send(10_000), { code: 'RECORD_TOO_LARGE' });
  const { requestLatencyTotalMs, requestLatencyMaxMs, batchBytes, ...counts } = producer.metrics();
  assert.deepEqual(counts, {
    recordsSent: 1,
    recordsFailed: 2,
    recordsRetried: 1,
    recordsWaiting: 0,
    batches: 3,
    batchesSplit: 0,
    requests: 3,
    requestsFailed: 0,
    requestsInFlight: 0,
    bufferAvailableBytes: 5_000,
    memoryWaiters: 0,
  });
  assert.ok(requestLatencyTotalMs > 0 && requestLatencyTotalMs >= requestLatencyMaxMs);
  const produced = broker.bodies(produceApi).flatMap(({ topicData }) => topicData[0]!.partitionData);
  assert.equal(
    batchBytes,
    produced.reduce((sum, { records }) => sum + records!.length, 0),
  );
});

test('metrics of a producer: what waits', async () => {
  const open = Promise.withResolvers<void>();
  broker.on(produceApi, async ({ topicData }) => {
    await open.promise;
    const { name, topicId } = topicData[0]!;
    return {
      responses: [{ name, topicId, partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0 }] }],
    };
  });
  const sends = Array.from({ length: 8 }, () => send(800));
  while (broker.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  const { recordsWaiting, bufferAvailableBytes, memoryWaiters, requestsInFlight } = producer.metrics();
  assert.deepEqual([recordsWaiting, memoryWaiters, requestsInFlight], [8, 3, 1]);
  assert.ok(bufferAvailableBytes < 840, String(bufferAvailableBytes));
  open.resolve();
  await Promise.all(sends);
  assert.equal(producer.metrics().recordsWaiting, 0);
});
