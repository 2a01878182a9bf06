import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { Consumer, Producer } from '../../src/index.ts';
import type { ClientEnvironment } from '../../src/ports/environment.ts';
import { answerTo } from '../support/produce-answers.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';

test('client pitfall J6: delays that are negative or beyond what Node takes neither warn nor fire early', async () => {
  const { timers } = nodeEnvironment();
  const warnings: string[] = [];
  const note = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', note);
  const fired: string[] = [];
  const far = [2 ** 31, 1e12, Infinity].map((delayMs) =>
    timers.after(delayMs, () => fired.push(`${delayMs}`)),
  );
  await new Promise<void>((resolve) => timers.after(-5, resolve));
  // Warnings come with the next turn of the loop.
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (const timer of far) timer.cancel();
  process.off('warning', note);
  assert.deepEqual([fired, warnings], [[], []]);
});

/** Real, but it knows which timers are set. */
function watchedEnvironment(): { environment: ClientEnvironment; open: Set<object> } {
  const real = nodeEnvironment();
  const open = new Set<object>();
  const after: ClientEnvironment['timers']['after'] = (delayMs, fire) => {
    const entry = {};
    open.add(entry);
    const timer = real.timers.after(delayMs, () => {
      open.delete(entry);
      fire();
    });
    return {
      cancel: () => {
        open.delete(entry);
        timer.cancel();
      },
    };
  };
  return { environment: { ...real, timers: { after } }, open };
}

test('client pitfall J6: clients that are closed leave no timer behind', async () => {
  const broker = await ScriptedBroker.start();
  broker.on(produceApi, (request) => answerTo(request, () => ({ errorCode: 0, baseOffset: 0 })));
  broker.on(listOffsetsApi, () => ({
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 0 }] }],
  }));
  const { environment, open } = watchedEnvironment();
  const options = { bootstrapServers: broker.bootstrapServers, environment };
  const producer = new Producer({ ...options, lingerMs: 1 });
  await producer.send({ topic: 't', value: null });
  const consumer = new Consumer(options);
  await consumer.assign([{ topic: 't', partition: 0, from: 'earliest' }]);
  await producer.close();
  await consumer.close();
  assert.equal(open.size, 0);
  await broker.close();
});
