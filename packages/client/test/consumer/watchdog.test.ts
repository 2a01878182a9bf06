import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import type { Stall } from '../../src/consumer/watchdog.ts';
import { LiveCluster, until } from '../support/live-cluster.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';
import { ScriptedGroup, joinRefused } from '../support/scripted-group.ts';

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

afterEach(() => live.closeConsumers());

after(() => live.stop());

test('client pitfall E2: a handler that does not get done is told of once, with its partition', async () => {
  const topic = await live.topic(2, 1);
  const stalls: Stall[] = [];
  let release: () => void = () => undefined;
  const consumer = live.consumer({
    groupId: live.newName('group'),
    topics: [topic],
    stallAfterMs: 40,
    onStall: (stall) => void stalls.push(stall),
  });
  const handled: number[] = [];
  const running = consumer.run({
    eachMessage: async ({ partition }) => {
      handled.push(partition);
      if (handled.length === 1) await new Promise<void>((resolve) => (release = resolve));
    },
  });
  await until(() => stalls.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(stalls.length, 1);
  const [stall] = stalls;
  assert.ok(stall!.kind === 'handler' && stall!.topic === topic && stall!.partition === handled[0]);
  assert.ok(stall!.forMs >= 40);
  release();
  await until(() => handled.length === 2);
  assert.equal(consumer.metrics().stalls, 1);
  await consumer.close();
  await running;
});

test('client pitfall A33: a coordinator that never takes the member: told of, with the reason', async () => {
  const broker = await ScriptedBroker.start();
  try {
    new ScriptedGroup(broker).generation = 0;
    broker.on(joinGroupApi, () => joinRefused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS));
    const stalls: Stall[] = [];
    const consumer = new GroupConsumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: 'g',
      topics: ['t'],
      retryBackoffMs: 5,
      stallAfterMs: 30,
      onStall: (stall) => void stalls.push(stall),
    });
    const polled = consumer.poll(5_000).catch(() => undefined);
    await until(() => stalls.length > 0);
    assert.ok(stalls[0]!.kind === 'trouble' && /COORDINATOR_LOAD_IN_PROGRESS/.test(stalls[0]!.error.message));
    await consumer.close(100);
    await polled;
  } finally {
    await broker.close();
  }
});

test('client pitfall J4: a blocked event loop is told of, and nothing is committed in the name of a place that is lost', async () => {
  const broker = await ScriptedBroker.start();
  try {
    const group = new ScriptedGroup(broker);
    broker.on(metadataApi, () => broker.clusterOf('t', 1));
    const stalls: Stall[] = [];
    const consumer = new GroupConsumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: 'g',
      topics: ['t'],
      offsetReset: 'earliest',
      fetchMaxWaitMs: 5,
      heartbeatIntervalMs: 20,
      sessionTimeoutMs: 120,
      stallAfterMs: 20,
      autoCommitIntervalMs: 0,
      onStall: (stall) => void stalls.push(stall),
    });
    let delivered = 0;
    while (delivered === 0) delivered = (await consumer.poll(100)).length;
    const beats = broker.bodies(heartbeatApi).length;
    const endMs = performance.now() + 250;
    while (performance.now() < endMs);
    await consumer.poll(0).catch(() => undefined);
    assert.equal(group.commits.length, 0);
    assert.equal(broker.bodies(offsetCommitApi).length, 0);
    await until(() => stalls.some(({ kind, forMs }) => kind === 'event-loop' && forMs >= 40));
    assert.ok(consumer.metrics().eventLoopBlockedMaxMs >= 200);
    assert.ok(broker.bodies(heartbeatApi).length >= beats);
    await consumer.close(500);
  } finally {
    await broker.close();
  }
});

test('client pitfall K6: a listener that throws ends nothing by itself: it comes out of the next call for records', async () => {
  const topic = await live.topic(1, 2);
  const consumer = live.consumer({
    groupId: live.newName('group'),
    topics: [topic],
    stallAfterMs: 20,
    onStall: () => {
      throw new RangeError('mine');
    },
  });
  let count = 0;
  while (count === 0) count = (await consumer.poll(1_000)).length;
  await until(() => consumer.metrics().stalls > 0);
  await assert.rejects(consumer.poll(100), RangeError);
});

test('client pitfall D31: the lag is what is left to read, and not known before anything was heard', async () => {
  const topic = await live.topic(1, 10);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic], maxPollRecords: 4 });
  assert.deepEqual(consumer.metrics().partitions, []);
  let read = 0;
  while (read < 4) for (const { records } of await consumer.poll(1_000)) read += records.length;
  const metrics = consumer.metrics();
  assert.deepEqual(
    metrics.partitions.map(({ position, lag }) => [position, lag]),
    [[4, 6]],
  );
  assert.equal(metrics.recordsDelivered, 4);
  assert.ok(metrics.bytesFetched > 0 && metrics.rebalances === 1);
});
