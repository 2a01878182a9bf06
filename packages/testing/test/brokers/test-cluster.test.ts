import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster, createTopic, describeGroup, GroupConsumer, Producer } from '@odradek/client';
import { startCluster } from '../../src/brokers/start-test-cluster.ts';

test('a cluster for tests: a coordinator moves under a consumer, and a fault hits one broker alone', async (t) => {
  const brokers = await startCluster({ brokers: 3, seed: 1 });
  t.after(() => brokers.close());
  const { bootstrapServers } = brokers;
  const cluster = new Cluster({ bootstrapServers });
  t.after(() => cluster.close());
  await createTopic(cluster, { name: 'orders', partitions: 1, replicationFactor: 3 });
  const producer = new Producer({ bootstrapServers });
  t.after(() => producer.close());
  const consumer = new GroupConsumer({
    bootstrapServers,
    groupId: 'billing',
    topics: ['orders'],
    offsetReset: 'earliest',
    heartbeatIntervalMs: 50,
  });
  t.after(() => consumer.close());

  await producer.send({ topic: 'orders', value: Buffer.from('a') });
  while ((await consumer.poll(50)).length === 0);
  const before = (await describeGroup(cluster, 'billing')).coordinatorId;
  const moved = await brokers.moveCoordinator('billing');
  assert.notEqual(moved, before);
  await producer.send({ topic: 'orders', value: Buffer.from('b') });
  while ((await consumer.poll(50)).length === 0);
  await consumer.commit();
  assert.equal((await describeGroup(cluster, 'billing')).coordinatorId, moved);

  const elsewhere = brokers.faults.add({
    apis: ['OffsetCommit'],
    brokers: [before],
    effect: { kind: 'error', error: 'UNKNOWN_SERVER_ERROR' },
  });
  await producer.send({ topic: 'orders', value: Buffer.from('c') });
  while ((await consumer.poll(50)).length === 0);
  await consumer.commit();
  assert.equal(brokers.faults.get(elsewhere.id)?.hits, 0);
});
