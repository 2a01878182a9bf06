import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import { LiveCluster, until } from '../support/live-cluster.ts';

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

afterEach(() => live.closeConsumers());

after(() => live.stop());

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test('each message in order by partition; what is done is committed when the run ends', async () => {
  const topic = await live.topic(2, 10);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic] });
  const seen: string[][] = [[], []];
  const running = consumer.run({
    eachMessage: async ({ partition, value, offset }) => {
      await pause(offset % 2);
      seen[partition]!.push(String(value));
    },
  });
  await until(() => seen.flat().length === 20);
  await consumer.close();
  await running;
  for (const partition of [0, 1]) {
    assert.deepEqual(
      seen[partition],
      Array.from({ length: 10 }, (_, i) => `p${partition}-${i}`),
    );
  }
  assert.deepEqual(await live.committed(groupId, topic, 2), { 0: 10, 1: 10 });
});

test('client pitfall K4: several partitions at a time, never one twice, each in order', async () => {
  const partitions = 6;
  const topic = await live.topic(partitions, 20);
  const consumer = live.consumer({ groupId: live.newName('group'), topics: [topic], maxPollRecords: 3 });
  const next = Array<number>(partitions).fill(0);
  const busy = new Set<number>();
  let mostAtOnce = 0;
  const running = consumer.run({
    concurrency: 3,
    eachMessage: async ({ partition, offset }) => {
      assert.ok(!busy.has(partition), 'one partition twice at a time');
      busy.add(partition);
      mostAtOnce = Math.max(mostAtOnce, busy.size);
      assert.equal(offset, next[partition]!++);
      await pause(1);
      busy.delete(partition);
    },
  });
  await until(() => next.every((offset) => offset === 20));
  await consumer.close();
  await running;
  assert.equal(mostAtOnce, 3);
});

test('client pitfall H2: while handlers run only what is done is committed', async () => {
  const topic = await live.topic(2, 4);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], autoCommitIntervalMs: 10 });
  let release: () => void = () => undefined;
  const stuck = new Promise<void>((resolve) => (release = resolve));
  const running = consumer.run({
    concurrency: 2,
    eachMessage: ({ partition, offset }) => (partition === 0 && offset === 2 ? stuck : undefined),
  });
  await until(async () => (await live.committed(groupId, topic, 2))[1] === 4);
  await until(async () => (await live.committed(groupId, topic, 2))[0] === 2);
  await pause(50);
  assert.deepEqual(await live.committed(groupId, topic, 2), { 0: 2, 1: 4 });
  release();
  await consumer.close();
  await running;
});

test('a handler that fails ends the run: typed error, done work committed, group left', async () => {
  const topic = await live.topic(1, 5);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic] });
  const cause = new Error('no such customer');
  await assert.rejects(
    consumer.run({
      eachMessage: ({ offset }) => {
        if (offset === 3) throw cause;
      },
    }),
    {
      name: 'HandlerError',
      code: 'HANDLER_FAILED',
      topic,
      partition: 0,
      offset: 3,
      cause,
      message: `the handler failed at ${topic}-0, offset 3: no such customer`,
    },
  );
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 3 });
  assert.equal((await live.describe(groupId)).members.length, 0);
  const next = live.consumer({ groupId, topics: [topic] });
  for await (const { offset } of next.records()) {
    assert.equal(offset, 3);
    break;
  }
});

test('a handler that fails lets the others finish what they have begun', async () => {
  const topic = await live.topic(2, 3);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic] });
  let isOtherDone = false;
  await assert.rejects(
    consumer.run({
      concurrency: 2,
      eachMessage: async ({ partition }) => {
        if (partition === 0) {
          await pause(5);
          throw new Error('first');
        }
        await pause(50);
        isOtherDone = true;
      },
    }),
    /first/,
  );
  assert.ok(isOtherDone);
  assert.deepEqual(await live.committed(groupId, topic, 2), { 1: 1 });
});

test('batches: whole when the handler is done, in part where it says so', async () => {
  const topic = await live.topic(1, 6);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], maxPollRecords: 3 });
  const sizes: number[] = [];
  await assert.rejects(
    consumer.run({
      eachBatch: async ({ records }, { markProcessed }) => {
        sizes.push(records.length);
        if (sizes.length === 1) return;
        markProcessed(records[1]!.offset);
        await pause(1);
        throw new Error('in the middle');
      },
    }),
    { code: 'HANDLER_FAILED', offset: 4 },
  );
  assert.deepEqual(sizes, [3, 3]);
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 4 });
});

test('client pitfall J8: closing from within a handler ends the run after it', async () => {
  const topic = await live.topic(1, 5);
  const groupId = live.newName('group');
  const consumer: GroupConsumer = live.consumer({ groupId, topics: [topic] });
  const seen: number[] = [];
  await consumer.run({
    eachMessage: async ({ offset }) => {
      seen.push(offset);
      if (offset !== 1) return;
      await consumer.close();
      await pause(5);
    },
  });
  assert.deepEqual(seen, [0, 1]);
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 2 });
  assert.equal((await live.describe(groupId)).members.length, 0);
});

test('client pitfall J8: closing before the group has formed, and twice', async () => {
  const topic = await live.topic(1, 1);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic] });
  const running = consumer.run({ eachMessage: () => assert.fail('closed') });
  await Promise.all([consumer.close(), consumer.close()]);
  await running;
  assert.throws(() => consumer.run({ eachMessage: () => undefined }), { code: 'ALREADY_RUNNING' });
});

test('client pitfall E1: a handler that takes longer than the session keeps its place', async () => {
  const topic = await live.topic(1, 1);
  const consumer = live.consumer({
    groupId: live.newName('group'),
    topics: [topic],
    sessionTimeoutMs: 600,
    heartbeatIntervalMs: 50,
    onLost: () => assert.fail('lost'),
  });
  let calls = 0;
  const running = consumer.run({
    eachMessage: async () => {
      calls++;
      await pause(1_200);
    },
  });
  await until(() => calls === 1);
  await pause(1_300);
  await consumer.close();
  await running;
  assert.equal(calls, 1);
});

for (const assignor of ['range', 'cooperative-sticky'] as const) {
  test(`${assignor}: no handler of a revoked partition runs when the next owner starts`, async () => {
    const partitions = 4;
    const topic = await live.topic(partitions, 30);
    const groupId = live.newName('group');
    const owners = new Map<number, number>();
    const done: string[] = [];
    let isSlow = false;
    const run = (who: number): { consumer: GroupConsumer; running: Promise<void> } => {
      const consumer = live.consumer({ groupId, topics: [topic], assignors: [assignor] });
      const running = consumer.run({
        concurrency: partitions,
        eachMessage: async ({ partition, value }) => {
          assert.ok(!owners.has(partition), `partition ${partition} by ${owners.get(partition)} and ${who}`);
          owners.set(partition, who);
          // Longer than the others need to form the group anew and to begin.
          await pause(isSlow && who === 1 ? 300 : 3);
          owners.delete(partition);
          done.push(String(value));
        },
      });
      return { consumer, running };
    };
    const first = run(1);
    await until(() => done.length > 10);
    isSlow = true;
    const second = run(2);
    await until(() => second.consumer.assignment.length === 2);
    isSlow = false;
    await until(() => done.length > 60);
    await first.consumer.close();
    await until(() => done.length >= partitions * 30);
    await second.consumer.close();
    await Promise.all([first.running, second.running]);
    assert.equal(new Set(done).size, done.length, 'each once');
    assert.equal(done.length, partitions * 30);
  });
}

test('client pitfall E11: a handler whose partition is lost sees its signal abort, nothing is committed', async () => {
  const topic = await live.topic(1, 2);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic], maxPollIntervalMs: 100 });
  let reason: unknown = null;
  const running = consumer.run({
    eachMessage: (_, { signal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          void consumer.close();
          resolve();
        });
      }),
  });
  await running;
  assert.match(String(reason), /nothing of topic-\d+-0 got done within 100 ms/);
  assert.deepEqual(await live.committed(groupId, topic, 1), {});
});

test('options that make no sense are refused', () => {
  const consumer = live.consumer({ groupId: 'g', topics: ['t'] });
  assert.throws(() => consumer.run({ eachMessage: () => undefined, concurrency: 0 }), {
    code: 'BAD_OPTION',
    message: 'concurrency is 0, allowed are whole numbers from 1 on',
  });
});
