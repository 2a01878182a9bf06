import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCluster } from '@odradek/broker';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { RawClient } from '../serving/raw-client.ts';

async function metadataFrom(port: number, topic: string) {
  const client = await RawClient.connect(port);
  try {
    const { brokers, topics, controllerId } = await client.request(metadataApi, 12, {
      topics: [{ name: topic }],
      allowAutoTopicCreation: false,
    });
    return { brokers: brokers.length, controllerId, partitions: topics[0]!.partitions };
  } finally {
    client.close();
  }
}

async function eventually<Value>(
  look: () => Promise<Value>,
  isGood: (value: Value) => boolean,
): Promise<Value> {
  for (;;) {
    const value = await look();
    if (isGood(value)) return value;
  }
}

test('three brokers, one of which stops: the others lead, and after a restart on the same data all are there', async (t) => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'odradek-cluster-'));
  t.after(() => rmSync(dataDirectory, { recursive: true, force: true }));
  const first = await startCluster({ brokers: 3, dataDirectory });
  t.after(() => first.close());
  const controller = await RawClient.connect(first.addresses[0]!.port);
  const topic = { name: 't', numPartitions: 3, replicationFactor: 3, assignments: [], configs: [] };
  const created = await controller.request(createTopicsApi, 7, { topics: [topic] });
  assert.equal(created.topics[0]!.errorCode, 0);
  controller.close();
  const port = first.addresses[1]!.port;
  await first.stopBroker(2);
  const left = await eventually(
    () => metadataFrom(port, 't'),
    ({ brokers }) => brokers === 2,
  );
  assert.ok(left.partitions.every(({ leaderId, isrNodes }) => leaderId !== 2 && !isrNodes.includes(2)));
  await first.close();
  const again = await startCluster({ brokers: 3, dataDirectory });
  t.after(() => again.close());
  const { partitions } = await eventually(
    () => metadataFrom(again.addresses[2]!.port, 't'),
    (seen) =>
      seen.brokers === 3 &&
      seen.partitions.length === 3 &&
      seen.partitions.every(({ leaderId }) => leaderId >= 0),
  );
  assert.ok(partitions.every(({ replicaNodes }) => replicaNodes.length === 3));
});

test('what makes no cluster is refused, by name and value', async () => {
  for (const brokers of [0, 101, 1.5]) {
    await assert.rejects(startCluster({ brokers }), /brokers is .*, allowed are 1 to 100/);
  }
  await assert.rejects(
    startCluster({ brokers: 3, port: 65_534 }),
    /port is 65534: the last of 3 brokers would listen beyond 65535/,
  );
  const properties = { 'broker.id': '7', 'zookeeper.connect': 'localhost:2181' };
  await assert.rejects(startCluster({ brokers: 3, properties }), /broker\.id[^]*zookeeper\.connect/);
});

test('a topic has as many replicas as there are brokers; that data of more brokers lies there is said', async (t) => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'odradek-cluster-'));
  t.after(() => rmSync(dataDirectory, { recursive: true, force: true }));
  const warnings: unknown[] = [];
  const log = { debug() {}, info() {}, warn: (...words: unknown[]) => void warnings.push(words), error() {} };
  mkdirSync(join(dataDirectory, 'broker-2'), { recursive: true });
  const cluster = await startCluster({ brokers: 2, dataDirectory, log });
  t.after(() => cluster.close());
  const client = await RawClient.connect(cluster.addresses[0]!.port);
  const topic = { name: 't', numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
  const { topics } = await client.request(createTopicsApi, 7, { topics: [topic] });
  client.close();
  assert.equal(topics[0]!.replicationFactor, 2);
  assert.deepEqual(warnings, [
    [
      'the data of brokers that are not started lies here as well',
      { dataDirectory, brokers: 2, others: ['broker-2'] },
    ],
  ]);
});
