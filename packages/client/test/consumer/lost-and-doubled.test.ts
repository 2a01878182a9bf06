// Pitfalls that lose, double or hang without a word, shown beside a broker of ours.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import fc from 'fast-check';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { Consumer } from '../../src/consumer/consumer.ts';
import { Signal } from '../../src/consumer/signal.ts';
import { Producer } from '../../src/producer/producer.ts';
import { LiveCluster } from '../support/live-cluster.ts';

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

afterEach(() => live.closeConsumers());

after(() => live.stop());

test('client pitfall B20: null and empty stay apart, in keys, values and headers', async () => {
  const topic = await live.topic(1);
  const producer = new Producer({ bootstrapServers: live.bootstrapServers });
  const fields = [null, Buffer.alloc(0), Buffer.from('x')];
  const sent = fields.flatMap((key) => fields.map((value) => ({ key, value })));
  for (const { key, value } of sent) {
    await producer.send({ topic, partition: 0, key, value, headers: [{ key: 'h', value }] });
  }
  await producer.close();
  const consumer = new Consumer({ bootstrapServers: live.bootstrapServers });
  await consumer.assign([{ topic, partition: 0, from: 'earliest' }]);
  const read: unknown[] = [];
  while (read.length < sent.length) {
    for (const { records } of await consumer.poll(1_000)) {
      for (const { key, value, headers } of records) read.push({ key, value, header: headers[0]!.value });
    }
  }
  await consumer.close();
  assert.deepEqual(
    read,
    sent.map(({ key, value }) => ({ key, value, header: value })),
  );
});

test('client pitfall C25: after rewind every partition goes on from what is committed', async () => {
  const topic = await live.topic(2, 6);
  const consumer = live.consumer({
    groupId: live.newName('group'),
    topics: [topic],
    autoCommit: false,
    maxPollRecords: 100,
  });
  const readAll = async (): Promise<string[]> => {
    const values: string[] = [];
    const isDone = (): boolean => [0, 1].every((partition) => consumer.position({ topic, partition }) === 6);
    do {
      for (const { records } of await consumer.poll(100))
        values.push(...records.map(({ value }) => String(value)));
    } while (!isDone());
    return values.toSorted();
  };
  const all = [0, 1].flatMap((partition) => [0, 1, 2, 3, 4, 5].map((i) => `p${partition}-${i}`));
  assert.deepEqual(await readAll(), all);
  await consumer.rewind();
  assert.deepEqual(await readAll(), all, 'nothing was committed');
  await consumer.commit([{ topic, partition: 0, offset: 4 }]);
  await consumer.rewind();
  assert.deepEqual(await readAll(), ['p0-4', 'p0-5', ...all.slice(6)]);
});

test('client pitfall J10: whoever looks and then waits misses no notification, and nobody waits for ever', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('wait', 'notify', 'timed'), { maxLength: 30 }),
      async (steps) => {
        const signal = new Signal(nodeEnvironment());
        const waits: Promise<void>[] = [];
        for (const step of steps) {
          if (step === 'wait') waits.push(signal.wait(Infinity));
          else if (step === 'timed') waits.push(signal.wait(1));
          else signal.notify();
        }
        signal.notify();
        await Promise.all(waits);
      },
    ),
    { numRuns: 50 },
  );
});
