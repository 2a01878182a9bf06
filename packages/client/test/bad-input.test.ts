// What a caller or a broker gets wrong ends in one typed error that names it and says what is allowed, and nothing is lost
// of what was queued beside it.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { createTopic } from '../src/admin/topics.ts';
import {
  Cluster,
  Consumer,
  GroupConsumer,
  Producer,
  json,
  listOffsets,
  strings,
  typedTopics,
  type ProducerOptions,
  type ProducerRecord,
} from '../src/index.ts';
import { answerTo, valuesOf } from './support/produce-answers.ts';
import { RUBBISH, ScriptedBroker } from './support/scripted-broker.ts';

let broker: ScriptedBroker;
let producers: Producer[];
let written: string[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  producers = [];
  written = [];
  broker.on(produceApi, (request) =>
    answerTo(request, (_partition, records) => {
      written.push(...valuesOf(records));
      return { errorCode: 0, baseOffset: 0 };
    }),
  );
});

afterEach(async () => {
  await Promise.all(producers.map((producer) => producer.close(0)));
  await broker.close();
});

function producerOf(options: Partial<ProducerOptions> = {}): Producer {
  const { bootstrapServers } = broker;
  const producer = new Producer({
    bootstrapServers,
    lingerMs: 0,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 5,
    ...options,
  });
  producers.push(producer);
  return producer;
}

function record(value: string, partition = 0): ProducerRecord {
  return { topic: 't', partition, value: Buffer.from(value) };
}

/** Sends one record between two others. @returns its error; the others are in the log, or the test fails */
async function refusalBetweenOthers(producer: Producer, bad: unknown): Promise<Error> {
  const sent = [record('before'), bad as ProducerRecord, record('after')].map((each) => producer.send(each));
  const [before, refused, after] = await Promise.allSettled(sent);
  assert.deepEqual([before?.status, refused?.status, after?.status], ['fulfilled', 'rejected', 'fulfilled']);
  assert.deepEqual(written, ['before', 'after']);
  return (refused as PromiseRejectedResult).reason as Error;
}

function looksLike(error: Error, code: string | number, message: RegExp): void {
  assert.equal((error as Error & { code?: unknown }).code, code);
  assert.match(error.message, message);
}

test('an unknown setting is refused with the nearest name', () => {
  assert.throws(() => producerOf({ lingerMilliseconds: 5 } as never), {
    code: 'BAD_OPTION',
    message: /a producer has no option "lingerMilliseconds": .*lingerMs/,
  });
});

test('a record too large is refused with its size and the limit; others of the same call are written', async () => {
  const producer = producerOf({ requestSizeMaxBytes: 500 });
  const error = await refusalBetweenOthers(producer, record('x'.repeat(1_000)));
  looksLike(error, 'RECORD_TOO_LARGE', /takes up to 1036 bytes, allowed are 439 \(requestSizeMaxBytes\)/);
});

for (const [what, bad, message] of [
  [
    'a string',
    { ...record(''), value: '{"a":1}' },
    /value is the string "\{"a":1\}", allowed are a Buffer or/,
  ],
  ['a number', { ...record(''), value: 7 }, /topic "t": value is 7, allowed are a Buffer or null/],
  ['an object', { ...record(''), value: { a: 1 } }, /value is of type Object/],
  ['nothing', { ...record(''), value: undefined }, /value is undefined/],
  ['bytes of another kind', { ...record(''), value: new Uint8Array(3) }, /value is of type Uint8Array/],
  ['a key that is text', { ...record(''), key: 'ada' }, /topic "t": key is the string "ada"/],
  [
    'a header that is text',
    { ...record(''), headers: [{ key: 'h', value: 'v' }] },
    /header "h" is the string/,
  ],
  ['a header without a key', { ...record(''), headers: [{ value: null }] }, /key of a header is undefined/],
  [
    'headers as an object',
    { ...record(''), headers: { h: 'v' } },
    /headers is of type Object, allowed is a list/,
  ],
  [
    'a date as timestamp',
    { ...record(''), timestamp: new Date(0) },
    /timestamp is of type Date, allowed are whole/,
  ],
  ['no topic', { value: null }, /topic is undefined, allowed is the name of a topic/],
] as const) {
  test(`a record with ${what} is refused rather than written as other bytes`, async () => {
    looksLike(await refusalBetweenOthers(producerOf(), bad), 'BAD_RECORD', message);
  });
}

test('records that were refused leave no trace in the memory', async () => {
  const producer = producerOf({ bufferMemoryBytes: 1_000 });
  const { bufferAvailableBytes } = producer.metrics();
  await assert.rejects(producer.send({ ...record(''), value: 7 } as never), { code: 'BAD_RECORD' });
  assert.deepEqual(
    [producer.metrics().bufferAvailableBytes, producer.metrics().recordsWaiting],
    [bufferAvailableBytes, 0],
  );
});

test('a record that was refused keeps its transaction from being committed', async () => {
  const producer = producerOf({ transactionalId: 'x' });
  const refused = producer.send({ ...record(''), value: 'text' } as never);
  await assert.rejects(refused, { code: 'TRANSACTION_STATE' });
});

test('what a serde cannot write is refused where it is encoded, with topic and part', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const topics = typedTopics({ t: { key: strings, value: json<unknown>() } });
  assert.throws(() => topics.encode({ topic: 't', key: 'k', value: circle }), {
    name: 'SerdeError',
    code: 'UNSERIALIZABLE',
    part: 'value',
  });
});

test('a topic that does not exist fails its own records, by name, and no others', async () => {
  broker.on(metadataApi, ({ topics }) => {
    const known = broker.clusterOf('t', 2) as { topics: object[] };
    const missing = { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 'gone', partitions: [] };
    return { ...known, topics: topics?.some(({ name }) => name === 'gone') ? [missing] : known.topics };
  });
  const error = await refusalBetweenOthers(producerOf({ maxBlockMs: 60 }), { topic: 'gone', value: null });
  looksLike(error, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, /there is no topic "gone"/);
});

test('a partition that does not exist is refused with those that do', async () => {
  const error = await refusalBetweenOthers(producerOf(), record('x', 9));
  looksLike(error, 'BAD_PARTITION', /topic "t" has partitions 0 to 1, not 9/);
});

test('a closed client refuses every call with the same error; what was queued is written first', async () => {
  const { bootstrapServers } = broker;
  const closed = { code: 'CLOSED', message: /is closed/ };
  const producer = producerOf({ lingerMs: 60_000 });
  const sent = producer.send(record('queued'));
  await producer.close();
  assert.equal((await sent).offset, 0);
  assert.deepEqual(written, ['queued']);
  await assert.rejects(producer.send(record('late')), closed);
  const consumer = new Consumer({ bootstrapServers });
  await consumer.close();
  await assert.rejects(consumer.poll(1), closed);
  const member = new GroupConsumer({ bootstrapServers, groupId: 'g', topics: ['t'] });
  await member.close();
  await assert.rejects(member.poll(1), closed);
  const cluster = new Cluster({ bootstrapServers });
  cluster.close();
  await assert.rejects(createTopic(cluster, { name: 'n' }), closed);
  await assert.rejects(listOffsets(cluster, [{ topic: 't', partition: 0, at: 'latest' }]), closed);
});

test('rubbish in place of an answer: what it was about fails with a typed error, what is queued behind it is written', async () => {
  const answer = (request: Parameters<typeof answerTo>[0]): object =>
    answerTo(request, (_partition, records) => {
      written.push(...valuesOf(records));
      return { errorCode: 0, baseOffset: 0 };
    });
  let isFirst = true;
  broker.on(produceApi, (request) => {
    if (!isFirst) return answer(request);
    isFirst = false;
    return RUBBISH;
  });
  const producer = producerOf({ batchSizeBytes: 1 });
  const sent = await Promise.allSettled(['a', 'b', 'c'].map((value) => producer.send(record(value))));
  assert.deepEqual(
    sent.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  looksLike((sent[0] as PromiseRejectedResult).reason as Error, 'BAD_ANSWER', /Produce/);
  assert.deepEqual(written, ['b', 'c']);
});

test('rubbish about the cluster: the question fails with a typed error, and another one is answered', async () => {
  let isFirst = true;
  broker.on(metadataApi, () => {
    if (!isFirst) return broker.clusterOf('t', 1);
    isFirst = false;
    return RUBBISH;
  });
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
  await assert.rejects(cluster.topic('t', { timeoutMs: 500 }), { code: 'BAD_ANSWER', message: /Metadata/ });
  assert.equal((await cluster.topic('t', { timeoutMs: 500 })).partitions.length, 1);
  cluster.close();
});
