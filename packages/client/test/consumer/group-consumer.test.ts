import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { createPartitions, createTopic } from '../../src/admin/topics.ts';
import type { ConsumedRecord } from '../../src/consumer/consumed-record.ts';
import type { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import { Producer } from '../../src/producer/producer.ts';
import { LiveCluster, until } from '../support/live-cluster.ts';

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

afterEach(() => live.closeConsumers());

after(() => live.stop());

function text({ value }: { value: Buffer | null }): string {
  return String(value);
}

/** Polls until so many records have come. */
async function polled(consumer: GroupConsumer, count: number): Promise<string[]> {
  const values: string[] = [];
  while (values.length < count) {
    for (const { records } of await consumer.poll(1_000)) values.push(...records.map(text));
  }
  return values;
}

test('client pitfall H1: what was processed is not read again by the next member', async () => {
  const topic = await live.topic(1, 3);
  const groupId = live.newName('group');
  const first = live.consumer({ groupId, topics: [topic] });
  assert.deepEqual(await polled(first, 3), ['p0-0', 'p0-1', 'p0-2']);
  await first.poll(0);
  await first.close();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 3 });
  const second = live.consumer({ groupId, topics: [topic] });
  assert.deepEqual(await second.poll(300), []);
  await live.fill(topic, 1, 3, 4);
  assert.deepEqual(await polled(second, 1), ['p0-3']);
});

test('client pitfall H2: what the last poll returned is not committed by closing, unless marked', async () => {
  const topic = await live.topic(1, 5);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], maxPollRecords: 2 });
  await polled(consumer, 4);
  consumer.markProcessed([{ topic, partition: 0, offset: 3 }]);
  await consumer.close();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 3 });
});

test('commits come by themselves, without another call', async () => {
  const topic = await live.topic(1, 2);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], autoCommitIntervalMs: 20 });
  await polled(consumer, 2);
  await consumer.poll(0);
  await until(async () => (await live.committed(groupId, topic, 1))[0] === 2);
});

test('without auto-commit nothing is committed but on demand', async () => {
  const topic = await live.topic(1, 4);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], autoCommitIntervalMs: 0, maxPollRecords: 2 });
  await polled(consumer, 4);
  assert.deepEqual(await live.committed(groupId, topic, 1), {});
  await consumer.commit();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 2 });
  await consumer.commit([{ topic, partition: 0, offset: 1, metadata: 'why' }]);
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 2 }, 'an older offset says nothing new');
  await consumer.commit([{ topic, partition: 0, offset: 4, metadata: 'why' }]);
  assert.deepEqual(
    [...(await consumer.committed()).values()],
    [{ topic, partition: 0, offset: 4, metadata: 'why' }],
  );
});

test('what is taken counts as processed only when marked; onRevoked is the last place for that', async () => {
  const topic = await live.topic(1, 6);
  const groupId = live.newName('group');
  const consumer = live.consumer({
    groupId,
    topics: [topic],
    autoCommitIntervalMs: 0,
    maxPollRecords: 2,
    onRevoked: () => consumer.markProcessed([{ topic, partition: 0, offset: 5, metadata: 'drained' }]),
  });
  let taken = 0;
  while (taken < 6) for (const { records } of await consumer.take(1_000)) taken += records.length;
  await consumer.commit();
  assert.deepEqual(await live.committed(groupId, topic, 1), {});
  consumer.markProcessed([{ topic, partition: 0, offset: 3 }]);
  await consumer.commit();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 3 });
  await consumer.close();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 5 });
});

test('client pitfall H4: offsets of partitions that are not assigned are refused', async () => {
  const topic = await live.topic(1, 1);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic] });
  await polled(consumer, 1);
  await assert.rejects(consumer.commit([{ topic, partition: 7, offset: 1 }]), { code: 'NOT_ASSIGNED' });
});

test('client pitfall J9: records one by one: each is processed when the next is asked for; a break gives the rest back', async () => {
  const topic = await live.topic(1, 5);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic] });
  const seen: string[] = [];
  for await (const record of consumer.records()) {
    seen.push(text(record));
    if (record.offset === 2) break;
  }
  await consumer.commit();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 2 });
  // The record at which it broke off is not done: it comes again.
  for await (const record of consumer.records()) {
    seen.push(text(record));
    if (record.offset === 4) break;
  }
  assert.deepEqual(seen, ['p0-0', 'p0-1', 'p0-2', 'p0-2', 'p0-3', 'p0-4']);
});

test('client pitfall J9: an error in the loop gives the rest back too', async () => {
  const topic = await live.topic(1, 3);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic] });
  const read = async (): Promise<void> => {
    for await (const { offset } of consumer.records()) if (offset === 1) throw new Error('handler');
  };
  await assert.rejects(read(), /handler/);
  for await (const { offset } of consumer.records()) {
    assert.equal(offset, 1);
    break;
  }
});

test('batches: all of one partition that is there, processed when the next is asked for', async () => {
  const topic = await live.topic(2, 3);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], maxPollRecords: 10 });
  const seen: string[] = [];
  for await (const { partition, records } of consumer.batches()) {
    seen.push(`${partition}: ${records.map(text).join(' ')}`);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen.toSorted(), ['0: p0-0 p0-1 p0-2', '1: p1-0 p1-1 p1-2']);
  await consumer.close();
  assert.equal(Object.keys(await live.committed(groupId, topic, 2)).length, 1);
});

test('closing ends a loop that waits', async () => {
  const topic = await live.topic(1);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic] });
  const reading = (async () => {
    for await (const record of consumer.records()) assert.fail(text(record));
  })();
  await until(() => consumer.assignment.length === 1);
  await consumer.close();
  await reading;
  await assert.rejects(consumer.poll(0), { code: 'CLOSED' });
  await consumer.close();
});

test('client pitfall K3: leaving the scope leaves the group', async () => {
  const topic = await live.topic(1, 1);
  const groupId = live.newName('group');
  const use = async (): Promise<void> => {
    await using consumer = live.consumer({ groupId, topics: [topic] });
    await polled(consumer, 1);
    throw new Error('in the scope');
  };
  await assert.rejects(use(), /in the scope/);
  assert.equal((await live.describe(groupId)).members.length, 0);
});

test('seek, position, pause and resume by partition', async () => {
  const topic = await live.topic(2, 4);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic] });
  await polled(consumer, 8);
  consumer.pause([{ topic, partition: 1 }]);
  assert.deepEqual(consumer.paused, [{ topic, partition: 1 }]);
  consumer.seek({ topic, partition: 0 }, 3);
  consumer.seek({ topic, partition: 1 }, 1);
  assert.equal(consumer.position({ topic, partition: 1 }), 1);
  assert.deepEqual(await polled(consumer, 1), ['p0-3']);
  assert.deepEqual(await consumer.poll(150), []);
  consumer.resume([{ topic, partition: 1 }]);
  assert.deepEqual(await polled(consumer, 3), ['p1-1', 'p1-2', 'p1-3']);
  consumer.seek({ topic, partition: 0 }, 'earliest');
  assert.equal((await polled(consumer, 4)).length, 4);
  consumer.seek({ topic, partition: 0 }, 'latest');
  assert.deepEqual(await consumer.poll(150), []);
});

test('seek to a time', async () => {
  const topic = await live.topic(1);
  const producer = new Producer({ bootstrapServers: live.bootstrapServers, lingerMs: 0 });
  const firstMs = Date.now() - 10_000;
  for (let i = 0; i < 4; i++) {
    await producer.send({ topic, value: Buffer.from(`v${i}`), timestamp: firstMs + i * 1_000 });
  }
  await producer.close();
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic] });
  await polled(consumer, 4);
  consumer.seek({ topic, partition: 0 }, { timestampMs: firstMs + 1_500 });
  assert.deepEqual(await polled(consumer, 2), ['v2', 'v3']);
});

test('what is committed after a seek back may be less than before', async () => {
  const topic = await live.topic(1, 4);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], maxPollRecords: 2 });
  await polled(consumer, 4);
  await consumer.poll(0);
  await consumer.commit();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 4 });
  consumer.seek({ topic, partition: 0 }, 0);
  await polled(consumer, 2);
  await consumer.poll(0);
  await consumer.commit();
  assert.equal((await live.committed(groupId, topic, 1))[0], 2);
});

test('wake ends a poll that waits, or the next', async () => {
  const topic = await live.topic(1);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic] });
  const waiting = consumer.poll(60_000);
  await until(() => consumer.assignment.length === 1);
  consumer.wake();
  assert.deepEqual(await waiting, []);
  consumer.wake();
  assert.deepEqual(await consumer.poll(60_000), []);
});

test('a poll keeps to its time while the group forms', async () => {
  const topic = await live.topic(1);
  const groupId = live.newName('group');
  const idle = live.consumer({ groupId, topics: [topic] });
  await until(async () => {
    await idle.poll(10);
    return idle.assignment.length === 1;
  });
  // The first member does not join again before it is asked to poll.
  const late = live.consumer({ groupId, topics: [topic] });
  const startedMs = performance.now();
  assert.deepEqual(await late.poll(100), []);
  assert.ok(performance.now() - startedMs < 2_000);
});

test('nothing to start from is an error where the caller wants it so', async () => {
  const topic = await live.topic(1, 1);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic], offsetReset: 'none' });
  await assert.rejects(consumer.poll(5_000), { code: 'NO_OFFSET', message: /has no committed offset for/ });
});

test('a topic that comes to be, and partitions that are added, are read', async () => {
  const topic = live.newName('later');
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic], metadataMaxAgeMs: 30 });
  assert.deepEqual(await consumer.poll(100), []);
  await createTopic(live.cluster, { name: topic, partitions: 1 });
  await live.fill(topic, 1, 0, 1);
  assert.deepEqual(await polled(consumer, 1), ['p0-0']);
  await createPartitions(live.cluster, topic, 2);
  await until(async () => {
    await consumer.poll(20);
    return consumer.assignment.length === 2;
  });
});

test('all compressions and headers arrive as they were sent', async () => {
  const topic = await live.topic(1);
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const producer = new Producer({ bootstrapServers: live.bootstrapServers, compression });
    const headers = [{ key: 'compression', value: Buffer.from(compression) }];
    await producer.send({ topic, key: Buffer.from(''), value: null, headers, timestamp: 42 });
    await producer.close();
  }
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic] });
  const records: ConsumedRecord[] = [];
  for await (const record of consumer.records()) {
    records.push(record);
    if (records.length === 5) break;
  }
  assert.deepEqual(
    records.map(({ key, value, timestamp, headers }) => [
      String(key),
      value,
      timestamp,
      String(headers[0]?.value),
    ]),
    ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((compression) => ['', null, 42, compression]),
  );
});

test('client pitfall J13: topics with names that objects have of their own', async () => {
  const producer = new Producer({ bootstrapServers: live.bootstrapServers, lingerMs: 0 });
  const topics = ['constructor', '__proto__', 'toString'];
  for (const topic of topics) {
    await createTopic(live.cluster, { name: topic, partitions: 1 });
    await producer.send({ topic, value: Buffer.from(topic) });
  }
  await producer.close();
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics });
  assert.deepEqual((await polled(consumer, 3)).toSorted(), topics.toSorted());
  await consumer.poll(0);
  await consumer.close();
  for (const topic of topics) assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 1 });
});

test('options that make no sense are refused at once', () => {
  const given = { groupId: 'g', topics: ['t'] };
  const cases: [object, RegExp][] = [
    [{ groupId: '' }, /groupId is empty/],
    [{ topics: [] }, /topics is empty/],
    [
      { assignors: ['fair'] },
      /assignor is "fair", allowed are range, roundrobin, sticky, cooperative-sticky/,
    ],
    [{ assignors: [] }, /expected is one or more, each once/],
    [{ assignors: ['range', 'range'] }, /assignors are \[range, range\]/],
    [{ heartbeatIntervalMs: 45_000 }, /heartbeatIntervalMs is 45000, allowed is less than sessionTimeoutMs/],
    [{ autoCommitIntervalMs: -1 }, /autoCommitIntervalMs is -1/],
    [{ maxPollRecords: 0 }, /maxPollRecords is 0/],
    [{ fetchMaxBytes: 1.5 }, /fetchMaxBytes is 1\.5/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => live.consumer({ ...given, ...options }), { code: 'BAD_OPTION', message });
  }
});
