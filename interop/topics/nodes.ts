import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  decodeBrokerRegistration,
  encodeBrokerRegistration,
} from '@odradek/core/controller/broker-registration.ts';
import { encodeConfigNode } from '@odradek/core/controller/config-node.ts';
import {
  decodeClusterId,
  decodeControllerEpoch,
  decodeControllerNode,
  encodeClusterId,
  encodeControllerEpoch,
  encodeControllerNode,
} from '@odradek/core/controller/controller-node.ts';
import { decodePartitionState, encodePartitionState } from '@odradek/core/controller/partition-state-node.ts';
import { encodeProducerIdBlock } from '@odradek/core/controller/producer-id-block.ts';
import { decodeTopicNode, encodeTopicNode } from '@odradek/core/controller/topic-node.ts';
import { rootPaths } from '@odradek/core/controller/tree-paths.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { kafkaClassPath } from '../../scripts/kafka-jars.ts';
import type { RunningKafka } from '../../scripts/kafka.ts';
import { RawConnection } from '../wire/raw-connection.ts';

/**
 * What ours makes of each node of Kafka's, read and written again, must be what Kafka wrote; and the nodes that
 * every broker makes must be there.
 */
export async function compareNodes(kafka: RunningKafka): Promise<void> {
  const connection = await RawConnection.open(kafka.host, kafka.port);
  const nobody = { transactionalId: null, transactionTimeoutMs: 1000 };
  await connection.ask(initProducerIdApi, 1, nobody);
  connection.close();
  const rewritten: [string, (data: Buffer) => Buffer][] = [
    ['/brokers/ids/0', (data) => encodeBrokerRegistration(decodeBrokerRegistration(0, data))],
    ['/brokers/topics/hand', (data) => encodeTopicNode(decodeTopicNode('hand', data))],
    [
      '/brokers/topics/hand/partitions/0/state',
      (data) => encodePartitionState(decodePartitionState('hand', 0, data)),
    ],
    ['/controller', (data) => encodeControllerNode(decodeControllerNode(data), timestampOf(data))],
    ['/controller_epoch', (data) => encodeControllerEpoch(decodeControllerEpoch(data))],
    ['/cluster/id', (data) => encodeClusterId(decodeClusterId(data))],
    ['/config/topics/hand', () => encodeConfigNode(new Map())],
    ['/latest_producer_id_block', () => encodeProducerIdBlock({ brokerId: 0, first: 0, last: 999 })],
  ];
  const nodes = readNodes(kafka, [...rewritten.map(([path]) => path), ...rootPaths]);
  for (const [path, rewrite] of rewritten) {
    const theirs = nodes.get(path);
    assert.ok(theirs !== undefined, `Kafka has no ${path}`);
    assert.deepEqual(JSON.parse(rewrite(theirs).toString()), JSON.parse(theirs.toString()), path);
    console.log(`3.9 node ${path}: ${theirs.toString()}`);
  }
  for (const path of rootPaths) assert.ok(nodes.has(path), `Kafka has no ${path}`);
}

function timestampOf(data: Buffer): number {
  return Number((JSON.parse(data.toString()) as { timestamp: string }).timestamp);
}

/** Reads nodes with ZooKeeper's own shell, all in one process: a line for each that is there, in their order. */
function readNodes(kafka: RunningKafka, paths: readonly string[]): Map<string, Buffer> {
  const properties = readFileSync(join(dirname(kafka.dataDirectory), 'server.properties'), 'utf8');
  const server = /^zookeeper\.connect=(.*)$/m.exec(properties)![1]!;
  const shell = 'org.apache.zookeeper.ZooKeeperMain';
  const run = spawnSync(
    'java',
    ['-cp', kafkaClassPath('3.9'), shell, '-waitforconnection', '-server', server],
    { input: [...paths.map((path) => `get ${path}`), 'quit', ''].join('\n'), encoding: 'utf8' },
  );
  const missing = new Set(Array.from(run.stderr.matchAll(/Node does not exist: (.*)/g), (match) => match[1]));
  const lines = run.stdout.slice(run.stdout.indexOf('JLine')).split('\n').slice(1);
  const present = paths.filter((path) => !missing.has(path));
  return new Map(present.map((path, i) => [path, Buffer.from(lines[i] ?? '')]));
}
