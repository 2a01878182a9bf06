// KIP-392: consumers that tell their rack read from the replica there, and from the leader where that is theirs.
import assert from 'node:assert/strict';
import { Cluster, createTopic, Producer } from '@odradek/client/index.ts';
import { type BrokerId, type RackedCluster, rackOf } from './racked-cluster.ts';
import { kafkaTool, kafkaTools, run } from './programs.ts';

const TOPIC = 'near';
const COUNT = 3_000;
const VALUE_BYTES = 1_000;
const LEADER: BrokerId = 1;
const FOLLOWER: BrokerId = 3;

/** A topic on all brokers, led by the first, with some megabytes in it. */
export async function fillTopic(cluster: RackedCluster): Promise<string> {
  const admin = new Cluster({ bootstrapServers: cluster.bootstrap });
  const producer = new Producer({ bootstrapServers: cluster.bootstrap });
  try {
    await createTopic(admin, { name: TOPIC, assignment: [[LEADER, 2, FOLLOWER]] });
    const value = Buffer.alloc(VALUE_BYTES, 'x');
    await Promise.all(
      Array.from({ length: COUNT }, () => producer.send({ topic: TOPIC, partition: 0, value })),
    );
    return `${COUNT} messages`;
  } finally {
    await producer.close();
    admin.close();
  }
}

type Reader = (bootstrap: string, rack: string) => Promise<string>;

const readWithJava: Reader = (bootstrap, rack) =>
  kafkaTool(
    kafkaTools.consume,
    ...['--bootstrap-server', bootstrap, '--topic', TOPIC, '--partition', '0', '--offset', 'earliest'],
    ...['--max-messages', String(COUNT), '--timeout-ms', '60000', '--isolation-level', 'read_committed'],
    ...['--consumer-property', `client.rack=${rack}`, '--consumer-property', 'fetch.max.bytes=300000'],
  );

const readWithLibrdkafka: Reader = (bootstrap, rack) =>
  run('kcat', [
    ...['-C', '-b', bootstrap, '-t', TOPIC, '-p', '0', '-o', 'beginning', '-c', String(COUNT), '-q'],
    ...['-X', `client.rack=${rack}`, '-X', 'fetch.message.max.bytes=300000'],
  ]);

export const READERS: Readonly<Record<string, Reader>> = {
  Java: readWithJava,
  librdkafka: readWithLibrdkafka,
};

/** @returns what each broker has sent, in words */
export async function readFrom(cluster: RackedCluster, read: Reader, near: BrokerId): Promise<string> {
  cluster.resetCounts();
  const printed = await read(cluster.bootstrap, rackOf(near));
  const values = printed.split('\n').filter((line) => line.length === VALUE_BYTES);
  assert.equal(values.length, COUNT);
  const sent = cluster.answeredBytes;
  const total = COUNT * VALUE_BYTES;
  assert.ok(sent[near - 1]! >= total, `broker ${near} has sent ${sent[near - 1]} bytes of ${total}`);
  const others = sent.filter((_, index) => index !== near - 1);
  assert.ok(Math.max(...others) < total / 10, `others have sent ${others.join(' and ')} bytes`);
  return `bytes by broker: ${sent.join(', ')}`;
}

export { FOLLOWER, LEADER };
