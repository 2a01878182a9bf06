import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { batchOf, produce } from '../serving/with-broker.ts';
import { EmbeddedCluster } from './embedded-cluster.ts';

const counted = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `value ${from + i}`);

async function produceAll(cluster: EmbeddedCluster, from: number, to: number): Promise<void> {
  for (const value of counted(from, to)) await cluster.produce('t', 0, value);
}

test('what all in sync have acknowledged outlives its leader, who comes back and leads again', async (t) => {
  const cluster = await EmbeddedCluster.start(t, [1, 2, 3]);
  await cluster.createTopic('t', [[1, 2, 3]]);
  const all = ({ isr }: { isr: readonly number[] }) => isr.length === 3;
  await cluster.partition(3, 't', 0, all);
  await produceAll(cluster, 0, 20);
  await cluster.kill(1);
  const { leader } = await cluster.partition(3, 't', 0, (view) => view.leader > 1 && view.isr.length === 2);
  assert.equal(leader, 2, 'the next of the replicas');
  assert.deepEqual(await cluster.values('t', 0), counted(0, 20));
  await produceAll(cluster, 20, 40);
  await cluster.startBroker(1);
  await cluster.partition(3, 't', 0, all);
  await cluster.electPreferred('t', 0);
  await cluster.partition(3, 't', 0, (view) => view.leader === 1);
  await produceAll(cluster, 40, 50);
  assert.deepEqual(await cluster.values('t', 0), counted(0, 50));
});

test('every broker is taken down and up again, one after the other: nothing is lost, the controller moves', async (t) => {
  const cluster = await EmbeddedCluster.start(t, [1, 2, 3], { 'min.insync.replicas': '2' });
  await cluster.createTopic('t', [[1, 2, 3]]);
  let count = 0;
  for (const id of [1, 2, 3, 1]) {
    await produceAll(cluster, count, (count += 5));
    await cluster.stop(id);
    await produceAll(cluster, count, (count += 5));
    await cluster.startBroker(id);
    await cluster.partition(id, 't', 0, ({ isr }) => isr.length === 3);
    assert.equal(typeof (await cluster.controller()), 'number');
  }
  assert.deepEqual(await cluster.values('t', 0), counted(0, count));
});

test('a topic’s settings hold on whichever broker leads it, and its deletion reaches all', async (t) => {
  const cluster = await EmbeddedCluster.start(t, [1, 2, 3]);
  const controller = await cluster.controller();
  const [leader] = [1, 2, 3].filter((id) => id !== controller);
  await cluster.createTopic('t', [[leader!, controller]], { 'max.message.bytes': '200' });
  await cluster.produce('t', 0, 'fits');
  const tooLarge = batchOf(['x'.repeat(300)]);
  const { errorCode } = await produce(cluster.client(leader!), tooLarge, { topic: 't', acks: -1 });
  assert.equal(errorCode, ErrorCode.MESSAGE_TOO_LARGE);
  await cluster.deleteTopic('t');
  for (const id of [1, 2, 3]) await cluster.goneFrom(id, 't');
  await cluster.createTopic('t', [[leader!, controller]]);
  assert.equal(
    await cluster.produce('t', 0, 'x'.repeat(300)),
    0,
    'another topic: without records and settings',
  );
});

test('groups go on when the broker that coordinates them dies', async (t) => {
  const properties = { 'offsets.topic.num.partitions': '1', 'offsets.topic.replication.factor': '3' };
  const cluster = await EmbeddedCluster.start(t, [1, 2, 3], properties);
  await cluster.createTopic('t', [[1, 2, 3]]);
  await cluster.commit('g', 't', 0, 42);
  const { leader } = await cluster.partition(3, '__consumer_offsets', 0, ({ isr }) => isr.length === 3);
  await cluster.kill(leader);
  assert.equal(await cluster.committed('g', 't', 0), 42);
  await cluster.commit('g', 't', 0, 43);
  assert.equal(await cluster.committed('g', 't', 0), 43);
});

test('brokers that lose their sessions hand over and come back: leader, controller and coordinator', async (t) => {
  const properties = { 'offsets.topic.num.partitions': '1', 'offsets.topic.replication.factor': '3' };
  const cluster = await EmbeddedCluster.start(t, [1, 2, 3], properties);
  await cluster.createTopic('t', [[1, 2, 3]], { 'min.insync.replicas': '2' });
  await cluster.commit('g', 't', 0, 1);
  let count = 0;
  for (const id of [1, 2, 3, await cluster.controller()]) {
    await produceAll(cluster, count, (count += 5));
    await cluster.expireSession(id);
    await produceAll(cluster, count, (count += 5));
    assert.equal(await cluster.commit('g', 't', 0, count), true);
    await cluster.partition(id, 't', 0, ({ isr }) => isr.length === 3);
    assert.equal(await cluster.committed('g', 't', 0), count);
  }
  await cluster.electPreferred('t', 0);
  await cluster.partition(3, 't', 0, (view) => view.leader === 1);
  // Who was told that the leader is elsewhere while its records were on their way has sent them twice.
  assert.deepEqual([...new Set(await cluster.values('t', 0))], counted(0, count));
});

for (const role of ['leader', 'follower'] as const) {
  test(`one of the two log directories of a ${role} fails: nothing acknowledged is lost, and it comes back`, async (t) => {
    const cluster = await EmbeddedCluster.start(t, [1, 2, 3], { 'min.insync.replicas': '2' });
    await cluster.createTopic('t', [[1, 2, 3]]);
    await produceAll(cluster, 0, 10);
    const broken = role === 'leader' ? 1 : 2;
    cluster.breakDirectoryOf(broken, 't', 0);
    await produceAll(cluster, 10, 20);
    const without = await cluster.partition(
      3,
      't',
      0,
      ({ leader, isr }) => leader !== broken && leader > 0 && !isr.includes(broken),
    );
    assert.equal(without.isr.length, 2);
    await cluster.kill(broken);
    cluster.mendDirectories(broken);
    await cluster.startBroker(broken);
    await cluster.partition(3, 't', 0, ({ isr }) => isr.length === 3);
    assert.deepEqual([...new Set(await cluster.values('t', 0))], counted(0, 20));
  });
}
