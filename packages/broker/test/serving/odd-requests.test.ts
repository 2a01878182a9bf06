// Requests that no good client sends, answered as Apache Kafka answers them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import { describeProducersApi } from '@odradek/protocol/generated/apis/describe-producers.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import type { RawClient } from './raw-client.ts';
import { batchOf, createTopic, fetch, fetchRequest, produce, TOPIC, withBroker } from './with-broker.ts';

/** Finding a coordinator makes the offsets topic. */
async function makeOffsetsTopic(client: RawClient): Promise<void> {
  const isThere = async () =>
    (await client.request(findCoordinatorApi, 2, { key: 'any', keyType: 0 })).errorCode === 0;
  while (!(await isThere())) await new Promise((resolve) => setImmediate(resolve));
}

test('a topic without a name is unknown, by name as by id', async (t) => {
  const { client } = await withBroker(t);
  const byName = await produce(client, batchOf(['x']), { topic: '' });
  assert.equal(byName.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const { responses } = await client.request(produceApi, 13, {
    acks: 1,
    timeoutMs: 5000,
    topicData: [
      { topicId: 'PLCjFCrURl-DLzfJktinzw', partitionData: [{ index: 0, records: batchOf(['x']) }] },
    ],
  });
  assert.equal(responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_ID);
});

test('topics without partitions are left out of answers', async (t) => {
  const { client } = await withBroker(t);
  const topicData = [{ name: TOPIC, partitionData: [] }];
  const produced = await client.request(produceApi, 9, { acks: 1, timeoutMs: 5000, topicData });
  assert.deepEqual(produced.responses, []);
  const topics = [{ name: TOPIC, partitions: [] }];
  const deleted = await client.request(deleteRecordsApi, 2, { topics, timeoutMs: 5000 });
  assert.deepEqual(deleted.topics, []);
});

test('a refused batch tells where the log starts only when the log looked at its records', async (t) => {
  const { client } = await withBroker(t);
  const damaged = batchOf(['x']);
  damaged[damaged.length - 1]! ^= 1;
  const corrupt = await produce(client, damaged);
  assert.deepEqual([corrupt.errorCode, corrupt.logStartOffset], [ErrorCode.CORRUPT_MESSAGE, -1]);
  await createTopic(client, 'compacted', 1, [{ name: 'cleanup.policy', value: 'compact' }]);
  const keyless = await produce(client, batchOf(['x']), { topic: 'compacted' });
  assert.deepEqual([keyless.errorCode, keyless.logStartOffset], [ErrorCode.INVALID_RECORD, 0]);
});

test('of a partition that is named twice in a fetch the last counts', async (t) => {
  const { client } = await withBroker(t);
  for (const value of ['one', 'two', 'three']) await produce(client, batchOf([value]));
  const { topics, ...request } = fetchRequest();
  const partitions = [0, 2].map((fetchOffset) => ({ ...topics[0]!.partitions[0]!, fetchOffset }));
  const { responses } = await client.request(fetchApi, 11, {
    ...request,
    topics: [{ topic: TOPIC, partitions }],
  });
  assert.equal(responses[0]!.partitions.length, 1);
  const [first] = batchesOf(responses[0]!.partitions[0]!.records!);
  assert.equal(first!.baseOffset, 2);
});

test('any negative leader epoch of a fetch means none', async (t) => {
  const { client } = await withBroker(t);
  const { topics, ...request } = fetchRequest();
  const partitions = [{ ...topics[0]!.partitions[0]!, currentLeaderEpoch: -2 }];
  const { responses } = await client.request(fetchApi, 11, {
    ...request,
    topics: [{ topic: TOPIC, partitions }],
  });
  assert.equal(responses[0]!.partitions[0]!.errorCode, ErrorCode.NONE);
  assert.equal((await fetch(client)).errorCode, ErrorCode.NONE);
});

test('ListOffsets v0 knows two special times, and may ask for both of one partition', async (t) => {
  const { client } = await withBroker(t);
  await produce(client, batchOf(['one', 'two']));
  const list = async (...timestamps: number[]) => {
    const partitions = timestamps.map((timestamp) => ({ partitionIndex: 0, timestamp, maxNumOffsets: 1 }));
    const topics = [{ name: TOPIC, partitions }];
    const answer = await client.request(listOffsetsApi, 0, { replicaId: -1, topics });
    return answer.topics[0]!.partitions.map(({ errorCode, oldStyleOffsets }) => [errorCode, oldStyleOffsets]);
  };
  assert.deepEqual(await list(-3), [[ErrorCode.UNSUPPORTED_VERSION, []]]);
  assert.deepEqual(await list(-1, -2), [
    [ErrorCode.NONE, [2]],
    [ErrorCode.NONE, [0]],
  ]);
});

test('records of internal topics are not deleted', async (t) => {
  const { client } = await withBroker(t, { overrides: { 'offsets.topic.num.partitions': '1' } });
  await makeOffsetsTopic(client);
  const topics = [{ name: '__consumer_offsets', partitions: [{ partitionIndex: 0, offset: 0 }] }];
  const answer = await client.request(deleteRecordsApi, 2, { topics, timeoutMs: 5000 });
  assert.equal(answer.topics[0]!.partitions[0]!.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION);
});

test('DescribeProducers tells a name that no topic can have', async (t) => {
  const { client } = await withBroker(t);
  const code = async (name: string) => {
    const topics = [{ name, partitionIndexes: [0] }];
    return (await client.request(describeProducersApi, 0, { topics })).topics[0]!.partitions[0]!.errorCode;
  };
  assert.equal(await code('no such/name'), ErrorCode.INVALID_TOPIC_EXCEPTION);
  assert.equal(await code('absent'), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('a full fetch of nothing begins a session', async (t) => {
  const { client } = await withBroker(t);
  const request = { ...fetchRequest(), topics: [], sessionId: 0, sessionEpoch: 0 };
  const { errorCode, sessionId } = await client.request(fetchApi, 11, request);
  assert.equal(errorCode, ErrorCode.NONE);
  assert.ok(sessionId > 0);
});

test('a batch that comes again is answered with the time of the stored one', async (t) => {
  const { client } = await withBroker(t);
  const records = batchOf(['x'], { producerId: 77, producerEpoch: 0, baseSequence: 0 });
  const { maxTimestamp } = [...batchesOf(records)][0]!;
  assert.equal((await produce(client, Buffer.from(records))).logAppendTimeMs, -1);
  assert.equal((await produce(client, Buffer.from(records))).logAppendTimeMs, maxTimestamp);
});
