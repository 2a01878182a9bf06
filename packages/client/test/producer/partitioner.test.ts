import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { Producer, roundRobinPartitioner, type Partitioner, type RecordMetadata } from '../../src/index.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
let producer: Producer;

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  broker.on(produceApi, ({ topicData }) => ({
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: 0, baseOffset: 0 })),
    })),
  }));
});

afterEach(async () => {
  await producer.close(0);
  await broker.close();
});

/** The topic has two partitions. */
function send(key: string, partition?: number): Promise<RecordMetadata> {
  const place = partition === undefined ? {} : { partition };
  return producer.send({ topic: 't', key: Buffer.from(key), value: null, ...place });
}

async function placesOf(partitioner: Partitioner, keys: readonly string[]): Promise<number[]> {
  producer = new Producer({ bootstrapServers: broker.bootstrapServers, lingerMs: 0, partitioner });
  const sent = await Promise.all(keys.map((key) => send(key)));
  return sent.map(({ partition }) => partition);
}

test('a partitioner of the user decides for records that name no partition, in their order', async () => {
  const asked: string[] = [];
  const byLength: Partitioner = ({ key }, partitions) => {
    asked.push(String(key));
    return key!.length % partitions.length;
  };
  assert.deepEqual(await placesOf(byLength, ['a', 'bb', 'ccc', 'dddd']), [1, 0, 1, 0]);
  assert.equal((await send('named', 0)).partition, 0);
  assert.deepEqual(asked, ['a', 'bb', 'ccc', 'dddd']);
});

test('records in turn: one partition after the other', async () => {
  assert.deepEqual(await placesOf(roundRobinPartitioner(), ['a', 'a', 'a', 'a', 'a']), [0, 1, 0, 1, 0]);
});

test('a partitioner that throws, or names no partition, rejects that record and no other', async () => {
  const failure = new Error('no idea');
  const wanted: Record<string, number> = { good: 1, beyond: 2, before: -1, between: 0.5, nothing: NaN };
  const partitioner: Partitioner = ({ key }) => {
    const partition = wanted[String(key)];
    if (partition === undefined) throw failure;
    return partition;
  };
  assert.deepEqual(await placesOf(partitioner, ['good']), [1]);
  await assert.rejects(send('unknown'), { code: 'PARTITIONER_FAILED', cause: failure });
  for (const key of ['beyond', 'before', 'between', 'nothing']) {
    await assert.rejects(send(key), { code: 'BAD_PARTITION' }, key);
  }
  assert.equal((await send('good')).partition, 1);
});
