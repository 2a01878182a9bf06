import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LiveCluster, until } from '../../../client/test/support/live-cluster.ts';
import { ParallelConsumer, type ParallelEvent, type ParallelOptions } from '../../src/index.ts';

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

after(() => live.stop());

function consumer(groupId: string, topic: string, options: Partial<ParallelOptions> = {}): ParallelConsumer {
  return new ParallelConsumer({
    bootstrapServers: live.bootstrapServers,
    groupId,
    topics: [topic],
    offsetReset: 'earliest',
    heartbeatIntervalMs: 20,
    fetchMaxWaitMs: 50,
    retryBackoffMs: 10,
    commitIntervalMs: 10,
    ...options,
  });
}

test('records of all partitions are handled and committed', async () => {
  const topic = await live.topic(3, 50);
  const groupId = live.newName('group');
  const seen = new Set<string>();
  await using parallel = consumer(groupId, topic, { workers: 8 });
  const running = parallel.run(async ({ value }) => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.add(String(value));
  });
  await until(() => seen.size === 150);
  await parallel.close();
  await running;
  assert.deepEqual(await live.committed(groupId, topic, 3), { 0: 50, 1: 50, 2: 50 });
});

test('what is done beyond a stuck record is not repeated after a restart', async () => {
  const topic = await live.topic(1, 100);
  const groupId = live.newName('group');
  const events: ParallelEvent[] = [];
  const first = consumer(groupId, topic, { attemptsMax: 1, onEvent: (event) => events.push(event) });
  const done: number[] = [];
  const running = first.run(({ offset }) => {
    if (offset === 5) throw new Error('not this one');
    done.push(offset);
  });
  await until(() => done.length === 99);
  await first.close();
  await running;
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 5 });
  assert.equal(events[0]?.type, 'key-stuck');
  const again: number[] = [];
  await using second = consumer(groupId, topic);
  const rerunning = second.run(({ offset }) => void again.push(offset));
  await until(async () => (await live.committed(groupId, topic, 1))[0] === 100);
  await second.close();
  await rerunning;
  assert.deepEqual(again, [5]);
});

test('no two members ever work on one partition while members come and go', async () => {
  const topic = await live.topic(4, 150);
  const groupId = live.newName('group');
  const owner = new Map<number, { member: number; running: number }>();
  const handled = new Set<string>();
  const start = (member: number): { parallel: ParallelConsumer; running: Promise<void> } => {
    const parallel = consumer(groupId, topic, { workers: 6, maxPollRecords: 10, order: 'none' });
    const running = parallel.run(async ({ partition, value }) => {
      const at = owner.get(partition);
      assert.ok(at === undefined || at.running === 0 || at.member === member, `both on ${partition}`);
      const mine = at?.member === member ? at : { member, running: 0 };
      owner.set(partition, mine);
      mine.running++;
      await new Promise((resolve) => setTimeout(resolve, 3));
      mine.running--;
      handled.add(String(value));
    });
    return { parallel, running };
  };
  const first = start(1);
  await until(() => handled.size > 60);
  const second = start(2);
  await until(() => handled.size > 200);
  await first.parallel.close();
  const third = start(3);
  await until(() => handled.size === 600);
  for (const { parallel } of [second, third]) await parallel.close();
  await Promise.all([first.running, second.running, third.running]);
  assert.deepEqual(await live.committed(groupId, topic, 4), { 0: 150, 1: 150, 2: 150, 3: 150 });
});

test('closing from within the handler ends the run, that record done', async () => {
  const topic = await live.topic(1, 3);
  const groupId = live.newName('group');
  const parallel = consumer(groupId, topic, { workers: 1 });
  await parallel.run(() => parallel.close());
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 1 });
});

test('what ends the reading ends the run', async () => {
  const parallel = consumer(live.newName('group'), await live.topic(1), { offsetReset: 'none' });
  await assert.rejects(
    parallel.run(() => undefined),
    { code: 'NO_OFFSET' },
  );
});
