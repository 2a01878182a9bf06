import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Producer } from '@odradek/client';
import { clientProcess, simulatedEnvironment, Stage } from '../../src/simulator/index.ts';

/** As docs/simulator.md has it under "Your own code under it". */
test('code of a user runs on a simulated cluster whose brokers are killed, in virtual time, twice the same', async () => {
  const first = await sentThroughAKill(5);
  assert.deepEqual(first.offsets, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(first.problems, []);
  assert.equal((await sentThroughAKill(5)).traceHash, first.traceHash);
});

async function sentThroughAKill(seed: number) {
  const stage = new Stage({
    seed,
    brokers: 3,
    topic: { name: 'orders', partitions: 1, replicationFactor: 3 },
  });
  const offsets: number[] = [];
  await stage.play(async () => {
    await stage.begin();
    const process = clientProcess(stage.world, 'mine', 1);
    const producer = new Producer({
      bootstrapServers: stage.cluster.bootstrapServers,
      environment: simulatedEnvironment(stage.world, process),
    });
    stage.world.time.after(50, () => stage.cluster.broker(1).kill());
    void sendTen(producer, offsets);
    await stage.within('ten are sent', () => (offsets.length === 10 ? null : `${offsets.length} are`));
    await stage.heal();
    await stage.settle();
    await stage.judge();
  });
  return { offsets, ...stage.outcome(seed, []) };
}

async function sendTen(producer: Producer, offsets: number[]): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const { offset } = await producer.send({
      topic: 'orders',
      partition: 0,
      value: Buffer.from(`mine ${i}`),
    });
    offsets.push(offset);
  }
}
