/**
 * The spooled producer under kill -9: an application appends numbered records without pause, is killed at any moment and
 * started anew, half of its lives without a cluster.
 *
 * Checked: every record that was taken arrives, in its order; what arrives twice has the same id and comes from a kill;
 * nothing arrives that was never appended.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '@odradek/broker/index.ts';
import { Cluster, Consumer, createTopic, listOffsets } from '@odradek/client/index.ts';
import { MESSAGE_ID_HEADER } from '@odradek/patterns/index.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import type { SpoolWorkerSettings } from './spool-worker.ts';
import { within } from './within.ts';
import { WorkerProcess } from './worker-process.ts';

const TOPIC = 'events';
const NOWHERE = '127.0.0.1:1';
/** Numbers of one life; it appends far fewer. */
const LIFE = 1_000_000;

/** @throws AssertionError when a promise is broken */
export async function spoolKills(kills: number, seed: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-spool-'));
  const broker = await startBroker({ port: 0 });
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
  const chance = new SeededRandom(seed);
  const taken = join(directory, 'taken');
  let worker: WorkerProcess | null = null;
  try {
    await createTopic(cluster, { name: TOPIC, partitions: 1 });
    for (let life = 0; life <= kills; life++) {
      const isAlone = life % 2 === 0 && life < kills;
      const settings: SpoolWorkerSettings = {
        bootstrapServers: isAlone ? NOWHERE : broker.bootstrapServers,
        directory: join(directory, 'spool'),
        topic: TOPIC,
        taken,
        firstNumber: life * LIFE,
      };
      worker = new WorkerProcess('spool-worker.ts', settings);
      const before = numbersIn(taken).length;
      await within(() => numbersIn(taken).length > before, 'records to be taken');
      await sleep(chance.fraction() * 800);
      worker.check();
      if (life < kills) await worker.kill();
      else await worker.stop();
    }
    check(numbersIn(taken), await arrivedAt(cluster, broker.bootstrapServers), kills);
  } finally {
    await worker?.kill();
    cluster.close();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function numbersIn(file: string): number[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number) : [];
}

async function arrivedAt(cluster: Cluster, bootstrapServers: string): Promise<number[]> {
  const at = { topic: TOPIC, partition: 0 };
  const [end] = [...(await listOffsets(cluster, [{ ...at, at: 'latest' }])).values()];
  const consumer = new Consumer({ bootstrapServers });
  const arrived: number[] = [];
  await consumer.assign([{ ...at, from: 'earliest' }]);
  for (let next = 0; next < end!.offset;) {
    for (const { records, nextOffset } of await consumer.poll(1_000)) {
      for (const { value, headers } of records) {
        assert.equal(String(headers.find(({ key }) => key === MESSAGE_ID_HEADER)!.value), String(value));
        arrived.push(Number(String(value)));
      }
      next = nextOffset;
    }
  }
  await consumer.close();
  return arrived;
}

function check(taken: readonly number[], arrived: readonly number[], kills: number): void {
  const distinct = new Set(arrived);
  for (const number of taken) assert.ok(distinct.has(number), `${number} was taken and has not arrived`);
  const first = [...distinct];
  for (const [at, number] of first.entries()) {
    assert.ok(at === 0 || number > first[at - 1]!, `${number} arrived after ${first[at - 1]}`);
  }
  // What was appended when the process died may have been taken without its being told.
  const untold = distinct.size - taken.length;
  assert.ok(untold <= 8 * kills, `${untold} arrived that nobody was told of`);
  const twice = arrived.length - distinct.size;
  console.log(`  ${taken.length} taken, all arrived in order, ${twice} twice, ${untold} untold`);
  assert.ok(taken.length > 100 * kills, 'too little happened');
}
