// The thread itself, with a broker in another one: here the event loop is really blocked.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { startThread } from '../../src/adapters/node-threads.ts';
import { createTopic } from '../../src/admin/topics.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import type { GroupConsumerOptions } from '../../src/consumer/group-options.ts';
import type { ClientEnvironment } from '../../src/ports/environment.ts';
import { Producer } from '../../src/producer/producer.ts';
import { until } from '../support/live-cluster.ts';

/** The thread has to come to life within it, on a machine that is busy. */
const KEPT_SESSION_MS = 2_000;
const LOST_SESSION_MS = 200;

let brokerThread: Worker;
let bootstrapServers: string;

before(async () => {
  brokerThread = new Worker(new URL('../support/broker-thread.ts', import.meta.url));
  [bootstrapServers] = (await once(brokerThread, 'message')) as [string];
  const cluster = new Cluster({ bootstrapServers });
  await createTopic(cluster, { name: 'orders', partitions: 1 });
  cluster.close();
  const producer = new Producer({ bootstrapServers });
  await Promise.all([1, 2, 3].map((i) => producer.send({ topic: 'orders', value: Buffer.from(`${i}`) })));
  await producer.close();
});

after(async () => {
  brokerThread.postMessage('end');
  await once(brokerThread, 'exit');
});

function consumerOf(groupId: string, options: Partial<GroupConsumerOptions>): GroupConsumer {
  return new GroupConsumer({
    bootstrapServers,
    groupId,
    topics: ['orders'],
    offsetReset: 'earliest',
    heartbeatIntervalMs: 50,
    sessionTimeoutMs: KEPT_SESSION_MS,
    autoCommitIntervalMs: 0,
    ...options,
  });
}

async function firstRecord(consumer: GroupConsumer): Promise<void> {
  while ((await consumer.poll(100)).length === 0);
}

function block(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

function countingAnswers(): { environment: ClientEnvironment; count: () => number } {
  let count = 0;
  const threads: ClientEnvironment['threads'] = {
    start: (program, data, events) =>
      startThread(program, data, {
        failed: (error) => events.failed(error),
        said: (message) => {
          count++;
          events.said(message);
        },
      }),
  };
  return { environment: { ...nodeEnvironment(), threads }, count: () => count };
}

test('client pitfall J4: with a thread for heartbeats a blocked event loop costs nothing', async () => {
  const { environment, count } = countingAnswers();
  const consumer = consumerOf('kept', { heartbeatThread: true, environment });
  await firstRecord(consumer);
  await until(() => count() > 1);
  assert.equal(consumer.assignment.length, 1);
  block(1.25 * KEPT_SESSION_MS);
  await consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }]);
  assert.equal(consumer.metrics().partitionsLost, 0);
  assert.equal(consumer.metrics().rebalances, 1);
  await consumer.close();
});

test('client pitfall J4: without it the place is lost, and the next commit says so', async () => {
  const consumer = consumerOf('lost', { sessionTimeoutMs: LOST_SESSION_MS });
  await firstRecord(consumer);
  block(1.5 * LOST_SESSION_MS);
  await assert.rejects(
    consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }]),
    (error) => error instanceof KafkaError && error.code === ErrorCode.UNKNOWN_MEMBER_ID,
  );
  await consumer.close();
});

test('a program that is not where it is said to be: an error that says so, and the next attempt looks again', async () => {
  const heartbeatThread = new URL('no-such-program.js', import.meta.url);
  const consumer = consumerOf('nowhere', { heartbeatThread });
  const failure = await firstRecord(consumer)
    .then(
      () => until(() => consumer.poll(50).then(() => false)),
      (error: unknown) => error,
    )
    .catch((error: unknown) => error);
  assert.equal((failure as { code?: string }).code, 'HEARTBEAT_THREAD');
  assert.match(String(failure), /no-such-program\.js/);
  await consumer.close();
});

test('what cannot be is refused: no threads in the environment given, or something else than a program', () => {
  const { threads: _, ...environment } = nodeEnvironment();
  assert.throws(() => consumerOf('g', { heartbeatThread: true, environment }), { code: 'BAD_OPTION' });
  assert.throws(() => consumerOf('g', { heartbeatThread: 'yes' as never }), { code: 'BAD_OPTION' });
});
