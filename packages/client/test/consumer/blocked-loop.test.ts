// Members whose event loop is blocked, and whose place a thread keeps meanwhile, beside a coordinator that the tests script.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import type { GroupConsumerOptions } from '../../src/consumer/group-options.ts';
import { FrozenLoop } from '../support/frozen-loop.ts';
import { until } from '../support/live-cluster.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';
import { ScriptedGroup } from '../support/scripted-group.ts';

/** Long enough for a machine that is busy. */
const SESSION_MS = 600;
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

let broker: ScriptedBroker;
let group: ScriptedGroup;
let loop: FrozenLoop;
let consumers: GroupConsumer[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  group = new ScriptedGroup(broker);
  loop = new FrozenLoop();
  consumers = [];
  broker.on(metadataApi, () => broker.clusterOf('t', 1));
});

afterEach(async () => {
  loop.release();
  await Promise.allSettled(consumers.map((consumer) => consumer.close(500)));
  loop.close();
  await broker.close();
});

function consumerOf(options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
  const consumer = new GroupConsumer({
    bootstrapServers: broker.bootstrapServers,
    groupId: 'g',
    topics: ['t'],
    offsetReset: 'earliest',
    fetchMaxWaitMs: 5,
    heartbeatThread: true,
    environment: loop.environment,
    autoCommitIntervalMs: 0,
    ...(options.groupProtocol === 'consumer'
      ? {}
      : { heartbeatIntervalMs: 20, sessionTimeoutMs: SESSION_MS }),
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

async function firstRecord(consumer: GroupConsumer): Promise<void> {
  while ((await consumer.poll(100)).length === 0);
}

function heartbeats(): number {
  return broker.bodies(heartbeatApi).length;
}

/** For longer than the session. */
async function blocked(): Promise<void> {
  loop.freeze();
  const before = heartbeats();
  const endMs = performance.now() + SESSION_MS + 100;
  await until(() => heartbeats() >= before + 4 && performance.now() >= endMs);
}

test('client pitfall J4: a loop that was blocked for longer than the session goes on as the same member', async () => {
  const consumer = consumerOf();
  await firstRecord(consumer);
  const joins = broker.bodies(joinGroupApi).length;
  await blocked();
  // At once, before anything of the loop had its turn.
  const committed = consumer.poll(0).then(() => consumer.commit());
  loop.release();
  await committed;
  assert.deepEqual(
    group.commits.map(({ offset, generation }) => [offset, generation]),
    [[1, 1]],
  );
  assert.equal(broker.bodies(joinGroupApi).length, joins);
  assert.equal(consumer.metrics().partitionsLost, 0);
});

test('client pitfall J4: without the thread the place is lost, and said to be', async () => {
  const consumer = consumerOf({ heartbeatThread: false, sessionTimeoutMs: 100 });
  await firstRecord(consumer);
  loop.freeze();
  const endMs = performance.now() + 200;
  await until(() => performance.now() >= endMs);
  await assert.rejects(
    consumer.commit([{ topic: 't', partition: 0, offset: 1 }]),
    (error) => error instanceof KafkaError && error.code === ErrorCode.UNKNOWN_MEMBER_ID,
  );
  assert.equal(broker.bodies(offsetCommitApi).length, 0);
});

test('client pitfall E11: a member that was put out while its loop was blocked commits nothing and handles nothing more', async () => {
  group.fetchCount = 5;
  const consumer = consumerOf();
  const handled: number[] = [];
  let reason: unknown = null;
  const running = consumer.run({
    eachMessage: async ({ offset }, { signal }) => {
      handled.push(offset);
      if (handled.length > 1) return;
      broker.on(heartbeatApi, () => ({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID }));
      loop.freeze();
      const before = heartbeats();
      await until(() => heartbeats() > before);
      // The answer is on its way from the thread.
      const endMs = performance.now() + 50;
      await until(() => performance.now() >= endMs);
      signal.addEventListener('abort', () => (reason = signal.reason));
      broker.on(joinGroupApi, () => new Promise(() => undefined));
    },
  });
  await until(() => consumer.metrics().partitionsLost === 1);
  assert.deepEqual(handled, [0]);
  assert.ok(reason instanceof Error);
  assert.equal(broker.bodies(offsetCommitApi).length, 0);
  loop.release();
  await consumer.close(100);
  await running;
  assert.equal(broker.bodies(offsetCommitApi).length, 0);
});

test('a rebalance that began while the loop was blocked is joined once it lives again', async () => {
  const consumer = consumerOf();
  await firstRecord(consumer);
  const joins = broker.bodies(joinGroupApi).length;
  broker.on(heartbeatApi, () => ({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS }));
  await blocked();
  assert.equal(broker.bodies(joinGroupApi).length, joins);
  broker.on(heartbeatApi, () => ({ errorCode: 0 }));
  loop.release();
  await consumer.poll(0);
  await until(() => broker.bodies(joinGroupApi).length > joins);
  assert.deepEqual(
    group.commits.map(({ offset }) => offset),
    [1],
    'what was done was committed before',
  );
  assert.equal(consumer.metrics().partitionsLost, 0);
});

test('client pitfall E2: a loop that is blocked for longer than the longest time between polls has left the group', async () => {
  const lost: unknown[] = [];
  const consumer = consumerOf({
    maxPollIntervalMs: 60,
    onLost: (partitions) => void lost.push(...partitions),
  });
  await firstRecord(consumer);
  loop.freeze();
  await until(() => broker.bodies(leaveGroupApi).length === 1);
  await assert.rejects(consumer.commit([{ topic: 't', partition: 0, offset: 1 }]), {
    code: ErrorCode.UNKNOWN_MEMBER_ID,
  });
  loop.release();
  await until(async () => (await consumer.poll(50)).length > 0);
  assert.deepEqual(lost, [{ topic: 't', partition: 0 }]);
  assert.equal(broker.bodies(offsetCommitApi).length, 0);
});

test('KIP-848: what the member is given while its loop is blocked is not lost', async () => {
  let news: number[] | null = [0];
  let epoch = 1;
  broker.on(metadataApi, () => broker.clusterOf('t', 2));
  broker.on(listOffsetsApi, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: 0,
        timestamp: -1,
        offset: 0,
      })),
    })),
  }));
  broker.on(consumerGroupHeartbeatApi, ({ memberEpoch, memberId }) => {
    const assignment = news === null ? null : { topicPartitions: [{ topicId: TOPIC_ID, partitions: news }] };
    news = null;
    return {
      errorCode: 0,
      memberId,
      memberEpoch: memberEpoch < 0 ? memberEpoch : epoch,
      heartbeatIntervalMs: 15,
      assignment,
    };
  });
  const consumer = consumerOf({ groupProtocol: 'consumer' });
  await firstRecord(consumer);
  const beats = (): readonly { memberEpoch: number; topicPartitions: unknown }[] =>
    broker.bodies(consumerGroupHeartbeatApi);
  loop.freeze();
  news = [0, 1];
  epoch = 2;
  await until(() => beats().at(-1)!.memberEpoch === 2);
  const count = beats().length;
  assert.equal(beats().at(-1)!.topicPartitions, null);
  assert.equal(consumer.assignment.length, 1);
  loop.release();
  await until(async () => {
    await consumer.poll(10);
    return consumer.assignment.length === 2;
  });
  await until(() =>
    beats()
      .slice(count)
      .some(({ topicPartitions }) => topicPartitions !== null),
  );
  const told = beats()
    .slice(count)
    .find(({ topicPartitions }) => topicPartitions !== null)!;
  assert.deepEqual(
    [told.memberEpoch, told.topicPartitions],
    [2, [{ topicId: TOPIC_ID, partitions: [0, 1] }]],
  );
  assert.equal(consumer.metrics().partitionsLost, 0);
});
