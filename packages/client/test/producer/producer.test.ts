import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { decodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { ProducerOptions } from '../../src/producer/producer-options.ts';
import { Producer } from '../../src/producer/producer.ts';
import { answerTo, batchesOf, valuesOf, type PartitionAnswer } from '../support/produce-answers.ts';
import { CUT, NO_ANSWER, SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
let producers: Producer[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  producers = [];
  appendAll();
});

afterEach(async () => {
  await Promise.all(producers.map((producer) => producer.close(0)));
  await broker.close();
});

function producerOf(options: Partial<ProducerOptions> = {}): Producer {
  const producer = new Producer({
    bootstrapServers: broker.bootstrapServers,
    lingerMs: 0,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 10,
    ...options,
  });
  producers.push(producer);
  return producer;
}

/** One per partition: what the log holds. */
let logs: string[][];

function append(partition: number, records: Buffer): PartitionAnswer {
  const log = logs[partition]!;
  const baseOffset = log.length;
  log.push(...valuesOf(records));
  return { errorCode: 0, baseOffset };
}

/** @param refuse the code of the n-th request (from 0), or 0 to let it pass */
function appendAll(refuse: (requestNumber: number) => number = () => 0): void {
  logs = [[], []];
  let requestNumber = 0;
  broker.on(produceApi, (request) => {
    const errorCode = refuse(requestNumber++);
    return answerTo(request, (partition, records) =>
      errorCode === 0 ? append(partition, records) : { errorCode, baseOffset: -1 },
    );
  });
}

function record(value: string, partition = 0): { topic: string; partition: number; value: Buffer } {
  return { topic: 't', partition, value: Buffer.from(value) };
}

test('client pitfall B1: records sent at once travel in few batches, in order, each with its own offset', async () => {
  const producer = producerOf({ batchSizeBytes: 100_000 });
  const sent = await Promise.all(Array.from({ length: 1_000 }, (_, i) => producer.send(record(`v${i}`))));
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    Array.from({ length: 1_000 }, (_, i) => i),
  );
  assert.deepEqual(
    logs[0],
    Array.from({ length: 1_000 }, (_, i) => `v${i}`),
  );
  assert.ok(broker.bodies(produceApi).length <= 3);
});

test('client pitfall C1: sequence numbers follow one another without gaps, per partition', async () => {
  const producer = producerOf();
  for (let i = 0; i < 3; i++) {
    await Promise.all([
      producer.send(record('a')),
      producer.send(record('b')),
      producer.send(record('c', 1)),
    ]);
  }
  const sequences: number[][] = [[], []];
  for (const { partition, records } of broker.bodies(produceApi).flatMap(batchesOf)) {
    const header = readBatchHeader(records, 0);
    assert.equal(header.producerId, 1_000);
    sequences[partition]!.push(header.baseSequence);
  }
  assert.deepEqual(sequences, [
    [0, 2, 4],
    [0, 1, 2],
  ]);
});

test('client pitfall C3: a lost answer: the very same bytes go out again, so that the broker can tell', async () => {
  let isFirst = true;
  broker.on(produceApi, (request) => {
    if (!isFirst) return answerTo(request, () => ({ errorCode: ErrorCode.NONE, baseOffset: 7 }));
    isFirst = false;
    return CUT;
  });
  const { offset } = await producerOf().send(record('x'));
  assert.equal(offset, 7);
  const [first, second] = broker.bodies(produceApi).flatMap(batchesOf);
  assert.deepEqual(first?.records, second?.records);
});

test('pitfall 66: a batch that the broker has already is delivered, its offset unknown (client pitfall C10)', async () => {
  appendAll(() => ErrorCode.DUPLICATE_SEQUENCE_NUMBER);
  assert.equal((await producerOf().send(record('x'))).offset, -1);
});

test('client pitfall B13: retries do not reorder: what was refused first is written first', async () => {
  appendAll((n) => (n < 2 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : 0));
  const producer = producerOf({ batchSizeBytes: 1 });
  await Promise.all(Array.from({ length: 5 }, (_, i) => producer.send(record(`v${i}`))));
  assert.deepEqual(logs[0], ['v0', 'v1', 'v2', 'v3', 'v4']);
});

test('a partition that moved is looked up anew', async () => {
  appendAll((n) => (n === 0 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : 0));
  const before = broker.bodies(metadataApi).length;
  await producerOf().send(record('x'));
  assert.ok(broker.bodies(metadataApi).length >= before + 2);
});

test('pitfall 65: a batch that is too large is sent again in halves, one record fails (client pitfall B9)', async () => {
  broker.on(produceApi, (request) =>
    answerTo(request, (partition, records) => {
      const values = valuesOf(records);
      const isTooLarge = values.length > 2 || values.includes('huge');
      return isTooLarge
        ? { errorCode: ErrorCode.MESSAGE_TOO_LARGE, baseOffset: -1 }
        : append(partition, records);
    }),
  );
  const producer = producerOf();
  const results = await Promise.allSettled(
    ['a', 'b', 'huge', 'c', 'd', 'e'].map((value) => producer.send(record(value))),
  );
  assert.deepEqual(logs[0], ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  const sequences = broker
    .bodies(produceApi)
    .flatMap(batchesOf)
    .filter(({ records }) => valuesOf(records).length <= 2 && !valuesOf(records).includes('huge'))
    .map(({ records }) => readBatchHeader(records, 0).baseSequence);
  assert.deepEqual(sequences, [0, 2, 4], 'refused records use up no sequence number');
});

test('client pitfall C9: a broker that lost the state of the producer: a fresh id from sequence 0, nothing lost', async () => {
  let nextId = 1_000;
  broker.on(initProducerIdApi, () => ({ errorCode: 0, producerId: nextId++, producerEpoch: 0 }));
  appendAll((n) => (n === 1 ? ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER : 0));
  const producer = producerOf();
  await producer.send(record('a'));
  await producer.send(record('b'));
  assert.deepEqual(logs[0], ['a', 'b']);
  const headers = broker
    .bodies(produceApi)
    .flatMap(batchesOf)
    .map(({ records }) => readBatchHeader(records, 0));
  assert.deepEqual(
    headers.map(({ producerId, baseSequence }) => [producerId, baseSequence]),
    [
      [1_000, 0],
      [1_000, 1],
      [1_001, 0],
    ],
  );
});

test('client pitfall C12: a producer id that is not to be had yet is asked for again; what waits is sent', async () => {
  const codes: number[] = [
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.REQUEST_TIMED_OUT,
  ];
  broker.on(initProducerIdApi, () => ({ errorCode: codes.shift() ?? 0, producerId: 7, producerEpoch: 0 }));
  const producer = producerOf();
  const sent = await Promise.all([producer.send(record('a')), producer.send(record('b', 1))]);
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    [0, 0],
  );
});

test('a producer id that is refused for good fails what waits, with the reason', async () => {
  broker.on(initProducerIdApi, () => ({
    errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    producerId: -1,
    producerEpoch: -1,
  }));
  const producer = producerOf();
  const results = await Promise.allSettled([producer.send(record('a')), producer.send(record('b', 1))]);
  for (const result of results) {
    assert.equal(result.status, 'rejected');
    assert.match(String((result as PromiseRejectedResult).reason), /CLUSTER_AUTHORIZATION_FAILED/);
  }
});

test('client pitfall C4: after a batch with unknown fate is given up, its sequence number is not used again', async () => {
  let nextId = 1_000;
  broker.on(initProducerIdApi, () => ({ errorCode: 0, producerId: nextId++, producerEpoch: 0 }));
  broker.on(produceApi, () => SILENCE);
  const producer = producerOf({ deliveryTimeoutMs: 250 });
  await assert.rejects(producer.send(record('lost')), { code: 'DELIVERY_TIMEOUT' });
  appendAll();
  const later = producerOf();
  await later.send(record('other'));
  await producer.send(record('next'));
  const last = broker.bodies(produceApi).flatMap(batchesOf).at(-1)!;
  const header = readBatchHeader(last.records, 0);
  assert.deepEqual([header.producerId, header.baseSequence], [1_002, 0]);
});

test('pitfall 64: the record to blame gets the reason, the others of its batch that they are not (client pitfall B24)', async () => {
  broker.on(produceApi, (request) =>
    answerTo(request, () => ({
      errorCode: ErrorCode.INVALID_RECORD,
      baseOffset: -1,
      errorMessage: 'One or more records have been rejected',
      recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: 'no key' }],
    })),
  );
  const producer = producerOf();
  const results = await Promise.allSettled(['a', 'b', 'c'].map((value) => producer.send(record(value))));
  const messages = results.map((result) =>
    result.status === 'rejected' ? String(result.reason.message) : '',
  );
  assert.match(messages[1]!, /no key/);
  assert.match(messages[0]!, /another record/);
  assert.match(messages[2]!, /another record/);
});

test('pitfall 55: acks 0 settles when sent, and later answers still find their requests (client pitfall B21)', async () => {
  broker.on(produceApi, () => NO_ANSWER);
  const producer = producerOf({ acks: 0 });
  for (let i = 0; i < 20; i++) assert.equal((await producer.send(record(`v${i}`))).offset, -1);
  await producer.flush();
  assert.equal((await producer.send({ ...record('x'), topic: 't' })).partition, 0);
});

test('client pitfall C11: idempotence with acks other than all is a contradiction', () => {
  assert.throws(() => producerOf({ acks: 1, idempotent: true }), { code: 'BAD_OPTION' });
  producerOf({ acks: 1 });
});

test('client pitfall B8: a record beyond the request size is refused at once with both sizes', async () => {
  const producer = producerOf({ requestSizeMaxBytes: 1_000 });
  await assert.rejects(producer.send(record('x'.repeat(1_000))), {
    code: 'RECORD_TOO_LARGE',
    message: /1036 bytes, allowed are 939/,
  });
});

test('a partition that does not exist is named with those that do', async () => {
  await assert.rejects(producerOf().send(record('x', 2)), { message: /partitions 0 to 1, not 2/ });
});

test('client pitfall B19: an empty key is a key, no key is none; both travel as they are', async () => {
  const producer = producerOf();
  const { partition } = await producer.send({ topic: 't', key: Buffer.alloc(0), value: null });
  assert.equal(partition, 275646681 % 2);
  await producer.send({ topic: 't', value: Buffer.alloc(0), partition: 0 });
  const [keyed, keyless] = broker
    .bodies(produceApi)
    .flatMap(batchesOf)
    .flatMap(({ records }) => decodeRecordBatch(records));
  assert.deepEqual([keyed?.key?.length, keyed?.value], [0, null]);
  assert.deepEqual([keyless?.key, keyless?.value?.length], [null, 0]);
});

test('client pitfall B3: memory is bounded: senders wait in order, and a long linger does not hold them up', async () => {
  const producer = producerOf({ bufferMemoryBytes: 1_000, lingerMs: 60_000, batchSizeBytes: 10_000 });
  const settled: string[] = [];
  for (let i = 0; i < 50; i++) {
    await producer.enqueue(record(`v${i}${'x'.repeat(100)}`), (error) =>
      settled.push(error?.message ?? 'ok'),
    );
  }
  await producer.flush();
  assert.equal(settled.filter((outcome) => outcome === 'ok').length, 50);
  assert.deepEqual(
    logs[0]!.map((value) => Number(/\d+/.exec(value)![0])),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

test('client pitfall B4: who waits for memory too long is refused, and its place is free again', async () => {
  broker.on(produceApi, () => SILENCE);
  const producer = producerOf({ bufferMemoryBytes: 200, maxBlockMs: 30 });
  const first = producer.send(record('x'.repeat(150)));
  await assert.rejects(producer.send(record('y'.repeat(150))), { code: 'MAX_BLOCK' });
  await producer.close(0);
  await assert.rejects(first, { code: 'CLOSED' });
});

test('client pitfall B12: a topic that does not exist fails its records with the reason when the time is up', async () => {
  broker.on(metadataApi, () => ({
    brokers: [{ nodeId: 1, host: '127.0.0.1', port: broker.port }],
    controllerId: 1,
    topics: [{ errorCode: 3, name: 'nope', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [] }],
  }));
  await assert.rejects(producerOf({ maxBlockMs: 50 }).send({ topic: 'nope', value: null }), {
    codeName: 'UNKNOWN_TOPIC_OR_PARTITION',
  });
});

test('client pitfall B22: flush sends what lingers and waits for just that', async () => {
  const producer = producerOf({ lingerMs: 60_000 });
  const sent = producer.send(record('x'));
  await producer.flush();
  assert.equal((await sent).offset, 0);
  await producer.flush();
});

test('close delivers what is there; afterwards sending is refused', async () => {
  const producer = producerOf({ lingerMs: 60_000 });
  const sent = producer.send(record('x'));
  await producer.close();
  assert.equal((await sent).offset, 0);
  await assert.rejects(producer.send(record('y')), { code: 'CLOSED' });
});

test('client pitfall B23: close with a deadline on a silent cluster settles every record', async () => {
  broker.on(produceApi, () => SILENCE);
  const producer = producerOf({ batchSizeBytes: 1 });
  const sent = Promise.allSettled(Array.from({ length: 10 }, (_, i) => producer.send(record(`v${i}`))));
  await producer.close(20);
  assert.ok((await sent).every(({ status }) => status === 'rejected'));
});

test('client pitfall A22: without topic ids topics are named, as far as that goes', async () => {
  broker.on(metadataApi, () => {
    const cluster = broker.clusterOf('t', 1) as { topics: { topicId: string }[] };
    cluster.topics[0]!.topicId = 'AAAAAAAAAAAAAAAAAAAAAA';
    return cluster;
  });
  await producerOf().send(record('x'));
  assert.equal(broker.requests.find(({ name }) => name === 'Produce')?.version, 12);
});

test('client pitfall C5: a topic that is away for a moment keeps its sequence numbers', async () => {
  const producer = producerOf();
  await producer.send(record('a'));
  let isAway = true;
  broker.on(metadataApi, () => {
    const cluster = broker.clusterOf('t', 2) as { topics: { errorCode: number; partitions: object[] }[] };
    if (isAway) cluster.topics[0]!.errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    isAway = false;
    return cluster;
  });
  let refusals = 1;
  appendAll(() => (refusals-- > 0 ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0));
  await producer.send(record('b'));
  await producer.send(record('c'));
  const sequences = broker
    .bodies(produceApi)
    .flatMap(batchesOf)
    .map(({ records }) => readBatchHeader(records, 0).baseSequence);
  assert.deepEqual(sequences, [0, 1, 1, 2]);
});

test('client pitfall C6: under a fresh producer id every partition counts from 0, also those that were idle', async () => {
  const producer = producerOf();
  await Promise.all([producer.send(record('a', 0)), producer.send(record('b', 1))]);
  broker.on(initProducerIdApi, () => ({ errorCode: 0, producerId: 2_000, producerEpoch: 0 }));
  let refusals = 1;
  appendAll(() => (refusals-- > 0 ? ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER : 0));
  await producer.send(record('c', 0));
  await producer.send(record('d', 1));
  const headers = broker.bodies(produceApi).flatMap(batchesOf).slice(-2);
  assert.deepEqual(
    headers.map(({ partition, records }) => {
      const { producerId, baseSequence } = readBatchHeader(records, 0);
      return [partition, producerId, baseSequence];
    }),
    [
      [0, 2_000, 0],
      [1, 2_000, 0],
    ],
  );
});
