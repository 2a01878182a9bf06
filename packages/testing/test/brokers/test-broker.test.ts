import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import {
  Cluster,
  createTopic,
  describeGroup,
  GroupConsumer,
  listGroups,
  listTopics,
  Producer,
} from '@odradek/client';
import { startBroker, type TestBroker } from '../../src/brokers/start-test-broker.ts';

let broker: TestBroker;
let cluster: Cluster;
let producer: Producer;

before(async () => {
  broker = await startBroker({ seed: 1, controlPort: 0 });
  const { bootstrapServers } = broker;
  cluster = new Cluster({ bootstrapServers });
  producer = new Producer({ bootstrapServers, lingerMs: 0, requestTimeoutMs: 300, retryBackoffMs: 10 });
});

afterEach(() => broker.reset());

after(async () => {
  await producer.close();
  await cluster.close();
  await broker.close();
});

const value = (text: string) => Buffer.from(text);

async function topic(): Promise<string> {
  await createTopic(cluster, { name: 'orders', partitions: 1 });
  return 'orders';
}

async function valuesOf(name: string, count: number): Promise<string[]> {
  const consumer = new GroupConsumer({
    bootstrapServers: broker.bootstrapServers,
    groupId: 'reader',
    topics: [name],
    offsetReset: 'earliest',
  });
  const values: string[] = [];
  for await (const record of consumer.records()) {
    values.push(String(record.value));
    if (values.length === count) break;
  }
  await consumer.close();
  return values;
}

test('an error of the broker that the producer gets over', async () => {
  const name = await topic();
  const fault = broker.faults.add({
    apis: ['Produce'],
    topic: name,
    times: 2,
    effect: { kind: 'error', error: 'NOT_LEADER_OR_FOLLOWER' },
  });
  const { offset } = await producer.send({ topic: name, value: value('a') });
  assert.equal(offset, 0);
  assert.deepEqual(broker.faults.get(fault.id), { ...fault, hits: 2, isOver: true });
});

test('other topics are left alone', async () => {
  await createTopic(cluster, { name: 'parcels', partitions: 1 });
  const fault = broker.faults.add({ topic: await topic(), apis: ['Produce'], effect: { kind: 'cut' } });
  await producer.send({ topic: 'parcels', value: value('a') });
  assert.equal(broker.faults.get(fault.id)?.hits, 0);
});

for (const kind of ['drop-request', 'drop-answer', 'cut', 'cut-after'] as const) {
  test(`${kind}: an idempotent producer has each record there once`, async () => {
    const name = await topic();
    broker.faults.add({ apis: ['Produce'], skip: 1, times: 2, effect: { kind } });
    for (const text of ['a', 'b', 'c']) await producer.send({ topic: name, value: value(text) });
    assert.deepEqual(await valuesOf(name, 3), ['a', 'b', 'c']);
  });
}

for (const [kind, isDone] of [
  ['drop-request', false],
  ['drop-answer', true],
  ['cut', false],
  ['cut-after', true],
] as const) {
  test(`${kind}: what was sent is ${isDone ? '' : 'not '}done`, async () => {
    const name = await topic();
    const { bootstrapServers } = broker;
    const careless = new Producer({ bootstrapServers, acks: 1, requestTimeoutMs: 300, retryBackoffMs: 10 });
    broker.faults.add({ apis: ['Produce'], times: 1, effect: { kind } });
    await careless.send({ topic: name, value: value('a') });
    await careless.send({ topic: name, value: value('end') });
    await careless.close();
    assert.deepEqual(await valuesOf(name, isDone ? 3 : 2), isDone ? ['a', 'a', 'end'] : ['a', 'end']);
  });
}

test('a delay holds one request, and is over when the faults are taken away with their connections', async () => {
  const name = await topic();
  broker.faults.add({ apis: ['Produce'], times: 1, effect: { kind: 'delay', delayMs: 50 } });
  const begin = performance.now();
  await producer.send({ topic: name, value: value('a') });
  assert.ok(performance.now() - begin >= 49);
});

test('fetches within a session are hit by the topic that they are for', async () => {
  const name = await topic();
  await producer.send({ topic: name, value: value('a') });
  const fault = broker.faults.add({
    apis: ['Fetch'],
    topic: name,
    times: 2,
    effect: { kind: 'error', error: 'NOT_LEADER_OR_FOLLOWER' },
  });
  assert.deepEqual(await valuesOf(name, 1), ['a']);
  assert.equal(broker.faults.get(fault.id)?.hits, 2);
});

test('a forced rebalance calls the members together, who go on', async () => {
  const name = await topic();
  const joined: number[] = [];
  const consumer = new GroupConsumer({
    bootstrapServers: broker.bootstrapServers,
    groupId: 'billing',
    topics: [name],
    heartbeatIntervalMs: 20,
    onAssigned: (partitions) => void joined.push(partitions.length),
    onRevoked: () => undefined,
  });
  while (joined.length < 1) await consumer.poll(20);
  await broker.forceRebalance('billing');
  while (joined.length < 2) await consumer.poll(20);
  assert.deepEqual(joined, [1, 1]);
  await assert.rejects(broker.forceRebalance('nobody'), /group nobody .*GROUP_ID_NOT_FOUND/);
  await consumer.close();
});

test('reset leaves a broker as it began, and refuses while a group has members', async () => {
  const name = await topic();
  await producer.send({ topic: name, value: value('a') });
  const consumer = new GroupConsumer({
    bootstrapServers: broker.bootstrapServers,
    groupId: 'billing',
    topics: [name],
    offsetReset: 'earliest',
  });
  while ((await consumer.poll(20)).length === 0);
  await assert.rejects(broker.reset(), /group "billing" has members; stop its consumers first/);
  assert.equal((await describeGroup(cluster, 'billing')).state, 'Stable');
  await consumer.close();
  await broker.reset();
  assert.deepEqual(await listGroups(cluster), []);
  assert.deepEqual(
    (await listTopics(cluster)).filter(({ isInternal }) => !isInternal),
    [],
  );
});

test('over HTTP: the same for other languages', async () => {
  const call = async (method: string, path: string, body?: unknown) => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${broker.controlUrl}${path}`, init);
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  };
  const rule = { apis: ['Produce'], times: 1, effect: { kind: 'error', error: 'REQUEST_TIMED_OUT' } };
  const laid = await call('POST', '/faults', rule);
  assert.equal(laid.status, 201);
  const { id } = laid.body as { id: number };
  await producer.send({ topic: await topic(), value: value('a') });
  assert.deepEqual(await call('GET', `/faults/${id}`), {
    status: 200,
    body: { id, rule, hits: 1, isOver: true },
  });
  assert.equal((await call('GET', '/faults')).status, 200);
  assert.deepEqual(await call('DELETE', `/faults/${id}`), { status: 204, body: null });
  assert.equal((await call('DELETE', `/faults/${id}`)).status, 404);
  assert.deepEqual(await call('POST', '/faults', { effect: { kind: 'boom' } }), {
    status: 400,
    body: {
      error:
        'effect.kind is "boom", allowed is one of error, delay, drop-request, drop-answer, cut, cut-after',
    },
  });
  assert.equal((await call('POST', '/groups/nobody/rebalance')).status, 409);
  assert.equal((await call('POST', '/nothing')).status, 404);
  assert.equal((await call('POST', '/brokers/0/stop')).status, 404, 'one broker has no such control');
  assert.equal((await call('POST', '/faults', 'x'.repeat(70_000))).status, 400);
  assert.equal((await call('POST', '/reset')).status, 204);
});
