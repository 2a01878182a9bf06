// How records become batches, wait, and go out: what the established clients got wrong about it. Time is virtual where it
// matters; the network is real and takes none of it.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import fc from 'fast-check';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { BATCH_OVERHEAD_BYTES, recordSizeBytes } from '../../src/producer/batch.ts';
import { partitionOfKey } from '../../src/producer/murmur2.ts';
import type { ProducerOptions } from '../../src/producer/producer-options.ts';
import type { ProducerRecord } from '../../src/producer/producer-record.ts';
import { Producer } from '../../src/producer/producer.ts';
import { answerTo, batchesOf, valuesOf } from '../support/produce-answers.ts';
import { CUT, SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';
import { VirtualEnvironment } from '../support/virtual-environment.ts';

let broker: ScriptedBroker;
let others: ScriptedBroker[];
let producers: Producer[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  others = [];
  producers = [];
  writeAll(broker);
});

afterEach(async () => {
  await Promise.all(producers.map((producer) => producer.close(0)));
  await Promise.all([broker, ...others].map((each) => each.close()));
});

function writeAll(leader: ScriptedBroker): void {
  leader.on(produceApi, (request) => answerTo(request, () => ({ errorCode: 0, baseOffset: 0 })));
}

function producerOf(options: Partial<ProducerOptions> = {}): Producer {
  const { bootstrapServers } = broker;
  const producer = new Producer({
    bootstrapServers,
    lingerMs: 0,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 2,
    ...options,
  });
  producers.push(producer);
  return producer;
}

function virtualTime(): VirtualEnvironment {
  return new VirtualEnvironment(1, nodeEnvironment().sockets);
}

function record(value: string, partition = 0): ProducerRecord {
  return { topic: 't', partition, value: Buffer.from(value) };
}

/** What came in produce requests, batch by batch. */
function batches(): string[][] {
  return broker
    .bodies(produceApi)
    .flatMap(batchesOf)
    .map(({ records }) => valuesOf(records));
}

test('client pitfall B2: a batch goes out when it is as old as it may linger, from its first record on', async () => {
  const environment = virtualTime();
  const producer = producerOf({ environment, lingerMs: 100 });
  await producer.partitionsOf('t');
  const first = producer.send(record('first'));
  await environment.pass(60);
  const second = producer.send(record('second'));
  await environment.pass(39);
  assert.deepEqual(batches(), []);
  await environment.pass(1);
  await Promise.all([first, second]);
  assert.deepEqual(batches(), [['first', 'second']]);
});

test('client pitfall B2: lingering is no limit of the rate: full batches go out without any time passing', async () => {
  const producer = producerOf({ environment: virtualTime(), lingerMs: 100, batchSizeBytes: 200 });
  const sent = Array.from({ length: 20 }, (_, i) => producer.send(record(`${i}`.padEnd(80, '.'))));
  await Promise.all(sent.slice(0, -2));
  await producer.flush();
  await Promise.all(sent);
  assert.ok(batches().every(({ length }) => length === 1));
});

test('client pitfall B5: whatever becomes of batches, all their memory comes back, once', async () => {
  const fates = ['written', 'cut', 'silence', 'too large', 'invalid', 'replicas'] as const;
  const codes: Record<string, number> = {
    written: 0,
    'too large': ErrorCode.MESSAGE_TOO_LARGE,
    invalid: ErrorCode.INVALID_RECORD,
    replicas: ErrorCode.NOT_ENOUGH_REPLICAS,
  };
  const property = fc.asyncProperty(
    fc.array(fc.constantFrom(...fates), { maxLength: 8 }),
    async (planned) => {
      const plan = [...planned];
      broker.on(produceApi, (request) => {
        const fate = plan.shift() ?? 'written';
        if (fate === 'cut') return CUT;
        if (fate === 'silence') return SILENCE;
        return answerTo(request, () => ({ errorCode: codes[fate]!, baseOffset: 0 }));
      });
      const memory = { bufferMemoryBytes: 400, maxBlockMs: 40 };
      const producer = producerOf({
        ...memory,
        requestTimeoutMs: 8,
        deliveryTimeoutMs: 25,
        batchSizeBytes: 200,
      });
      await Promise.allSettled(Array.from({ length: 12 }, (_, i) => producer.send(record(`${i}`, i % 2))));
      const { bufferAvailableBytes, recordsWaiting, memoryWaiters } = producer.metrics();
      assert.deepEqual([bufferAvailableBytes, recordsWaiting, memoryWaiters], [400, 0, 0]);
      await producer.close(0);
    },
  );
  await fc.assert(property, { numRuns: 15 });
});

const anyHeaders = fc.array(
  fc.record({ key: fc.string({ unit: 'binary' }), value: fc.option(fc.uint8Array().map(Buffer.from)) }),
);

test('client pitfall B7: no record takes more than was reckoned for it, however many headers it has', () => {
  const anyBytes = fc.option(fc.uint8Array({ maxLength: 300 }).map(Buffer.from));
  fc.assert(
    fc.property(anyBytes, anyBytes, anyHeaders, (key, value, headers) => {
      const encoded = encodeRecordBatch({ records: [{ key, value, headers, timestamp: 2 ** 42 }] });
      assert.ok(encoded.length <= BATCH_OVERHEAD_BYTES + recordSizeBytes(key, value, headers));
    }),
  );
});

test('client pitfall B7: batches of records with many headers stay within their size', async () => {
  const headers = Array.from({ length: 20 }, (_, i) => ({ key: `h${i}`, value: Buffer.alloc(i) }));
  const producer = producerOf({ lingerMs: 60_000, batchSizeBytes: 2_000 });
  const sent = Array.from({ length: 20 }, () => producer.send({ ...record('v'), headers }));
  await producer.flush();
  await Promise.all(sent);
  const sizes = broker
    .bodies(produceApi)
    .flatMap(batchesOf)
    .map(({ records }) => records.length);
  assert.ok(sizes.length < 20 && sizes.every((sizeBytes) => sizeBytes <= 2_000), String(sizes));
});

test('client pitfall B11: a record expires by the time of its taking, whatever attempts there were, and then all is quiet', async () => {
  broker.on(produceApi, (request) =>
    answerTo(request, () => ({ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, baseOffset: -1 })),
  );
  const environment = virtualTime();
  const producer = producerOf({ environment, deliveryTimeoutMs: 1_000, retryBackoffMaxMs: 400 });
  await producer.partitionsOf('t');
  let outcome: unknown = 'none';
  const sent = producer.send(record('x')).catch((error: unknown) => (outcome = error));
  await environment.pass(999);
  assert.equal(outcome, 'none');
  await environment.pass(1);
  await sent;
  assert.match(String(outcome), /not delivered to t-0 within 1000 ms/);
  const requests = broker.bodies(produceApi).length;
  await environment.pass(5_000);
  assert.equal(broker.bodies(produceApi).length, requests);
});

test('client pitfall B18: a key waits until all partitions of its topic are known, rather than go by the number of some', async () => {
  const whole = broker.clusterOf('t', 5) as { topics: { partitions: { partitionIndex: number }[] }[] };
  const inPart = structuredClone(whole);
  inPart.topics[0]!.partitions.splice(1, 2);
  const answers = [{ ...inPart, topics: [{ ...inPart.topics[0], partitions: [] }] }, inPart];
  broker.on(metadataApi, () => answers.shift() ?? whole);
  const producer = producerOf();
  const keys = Array.from({ length: 20 }, (_, i) => Buffer.from(`key-${i}`));
  const sent = await Promise.all(keys.map((key) => producer.send({ topic: 't', key, value: null })));
  assert.equal(answers.length, 0);
  assert.deepEqual(
    sent.map(({ partition }) => partition),
    keys.map((key) => partitionOfKey(key, 5)),
  );
});

/** Two brokers; the first leads the partitions at first, the second when it is told to. */
async function twoLeaders(partitionCount: number): Promise<{ other: ScriptedBroker; move: () => void }> {
  const other = await ScriptedBroker.start();
  others.push(other);
  writeAll(other);
  let leaderId = 1;
  const answer = (): object => {
    const known = broker.clusterOf('t', partitionCount) as {
      topics: { partitions: { leaderId: number }[] }[];
    };
    for (const partition of known.topics[0]!.partitions) partition.leaderId = leaderId;
    return {
      ...known,
      brokers: [broker, other].map(({ port }, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
    };
  };
  for (const each of [broker, other]) each.on(metadataApi, answer);
  return { other, move: () => (leaderId = 2) };
}

test('client pitfall B14: once a new leader is known no pause is waited out', async () => {
  const { other, move } = await twoLeaders(1);
  broker.on(produceApi, (request) => {
    move();
    return answerTo(request, () => ({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 }));
  });
  const environment = virtualTime();
  await producerOf({ environment, retryBackoffMs: 60_000, retryBackoffMaxMs: 60_000 }).send(record('x'));
  assert.equal(other.bodies(produceApi).length, 1);
});

test('client pitfall B15: where a request holds few batches partitions take turns', async () => {
  broker.on(metadataApi, () => broker.clusterOf('t', 20));
  const producer = producerOf({ inFlightMax: 1, batchSizeBytes: 1, requestSizeMaxBytes: 450 });
  const value = '.'.repeat(100);
  await producer.partitionsOf('t');
  const all = Array.from({ length: 100 }, (_, i) => producer.send(record(value, Math.floor(i / 5))));
  await Promise.all(all);
  const served = broker.bodies(produceApi).flatMap(batchesOf);
  assert.equal(served.length, 100);
  const firstRound = new Set(served.slice(0, 20).map(({ partition }) => partition));
  assert.equal(firstRound.size, 20);
});

for (const name of [
  'KAFKA_STORAGE_ERROR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'CORRUPT_MESSAGE',
  'REQUEST_TIMED_OUT',
] as const) {
  test(`client pitfall B25: ${name} passes: leaders are asked for anew and the record is written`, async () => {
    let isFirst = true;
    broker.on(produceApi, (request) => {
      const errorCode = isFirst ? ErrorCode[name] : 0;
      isFirst = false;
      return answerTo(request, () => ({ errorCode, baseOffset: 0 }));
    });
    const producer = producerOf();
    await producer.partitionsOf('t');
    const asked = broker.bodies(metadataApi).length;
    assert.equal((await producer.send(record('x'))).offset, 0);
    assert.equal(broker.bodies(produceApi).length, 2);
    assert.ok(broker.bodies(metadataApi).length > asked);
  });
}

test('client pitfall C8: late refusals of batches with a former producer id change nothing of the new one', async () => {
  let ids = 1_000;
  broker.on(initProducerIdApi, () => ({ errorCode: 0, producerId: ids++, producerEpoch: 0 }));
  const log: string[] = [];
  let hasForgotten = false;
  broker.on(produceApi, (request) =>
    answerTo(request, (_partition, records) => {
      const { producerId } = readBatchHeader(records, 0);
      if (hasForgotten && producerId === 1_000) {
        return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
      }
      log.push(...valuesOf(records));
      return { errorCode: 0, baseOffset: 0 };
    }),
  );
  const producer = producerOf({ batchSizeBytes: 1 });
  await producer.send(record('known'));
  hasForgotten = true;
  await Promise.all(Array.from({ length: 5 }, (_, i) => producer.send(record(`${i}`))));
  assert.deepEqual(log, ['known', '0', '1', '2', '3', '4']);
  assert.equal(ids, 1_002, 'one new id for all of them');
  const renewed = broker
    .bodies(produceApi)
    .flatMap(batchesOf)
    .map(({ records }) => readBatchHeader(records, 0))
    .filter(({ producerId }) => producerId === 1_001);
  assert.deepEqual(
    renewed.map(({ baseSequence }) => baseSequence),
    [0, 1, 2, 3, 4],
  );
});

test('client pitfall J2: what throws while a batch is made rejects its records, and the next go on', async () => {
  let isBroken = false;
  const header = {
    key: 'h',
    get value(): null {
      if (isBroken) throw new Error('no longer there');
      return null;
    },
  };
  const producer = producerOf();
  await producer.partitionsOf('t');
  const broken = producer.send({ ...record('broken'), headers: [header] });
  isBroken = true;
  await assert.rejects(broken, /no longer there/);
  await producer.send(record('whole'));
  assert.deepEqual(batches(), [['whole']]);
});

test('client pitfall J11: a hundred thousand records fail at once, or are written at once, each told of', async () => {
  const counts = { failed: 0, written: 0 };
  const settled = (error: Error | null): void => void (error === null ? counts.written++ : counts.failed++);
  const many = {
    bufferMemoryBytes: 100_000_000,
    batchSizeBytes: 50_000_000,
    requestSizeMaxBytes: 50_000_000,
  };
  const patient = producerOf({ ...many, lingerMs: 60_000 });
  for (let i = 0; i < 100_000; i++) void patient.enqueue(record('x'), settled);
  await patient.close(0);
  assert.deepEqual(counts, { failed: 100_000, written: 0 });
  const producer = producerOf({ ...many, lingerMs: 60_000 });
  for (let i = 0; i < 100_000; i++) void producer.enqueue(record('x'), settled);
  await producer.flush();
  assert.deepEqual(counts, { failed: 100_000, written: 100_000 });
});
