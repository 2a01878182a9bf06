// kill -9 of processes that consume, transform and produce with our client, and of the broker under them, again and
// again. At the end every number that was put in must have come out once, as those see it who read what is committed.
//   npx node interop/exactly-once/run.ts [--target kafka-3.9,kafka-4.4] [--kills 10] [--broker-kills 1] [--numbers 3000]
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster, Producer, createTopic, type IsolationLevel } from '@odradek/client/index.ts';
import { targetNames, type Target } from '../targets/target.ts';
import { proveOnTargets } from './prove-on-targets.ts';
import { readTopic, writtenTo } from './read-topic.ts';
import { Workers } from './workers.ts';

const WORKERS = 3;
const PARTITIONS = 3;
const INPUT = 'numbers';
const OUTPUT = 'copies';
/** Between two kills so much is written: a kill that comes before anything happened shows nothing. */
const WRITTEN_BETWEEN_KILLS = 40;
const PAUSE_SPREAD_MS = 50;
const DEADLINE_MS = 240_000;

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: targetNames.join(',') },
    kills: { type: 'string', default: '10' },
    'broker-kills': { type: 'string', default: '1' },
    numbers: { type: 'string', default: '3000' },
  },
});
const numbers = Number(values.numbers);

async function fill(target: Target): Promise<void> {
  const cluster = new Cluster({ bootstrapServers: target.bootstrap });
  for (const name of [INPUT, OUTPUT]) {
    await createTopic(cluster, { name, partitions: PARTITIONS, replicationFactor: 1 });
  }
  cluster.close();
  const producer = new Producer({ bootstrapServers: target.bootstrap });
  const sends = Array.from({ length: numbers }, (_, i) =>
    producer.send({ topic: INPUT, partition: i % PARTITIONS, value: Buffer.from(String(i)) }),
  );
  await Promise.all(sends);
  await producer.close();
}

async function readOutput(target: Target, isolationLevel: IsolationLevel): Promise<number[]> {
  const records = await readTopic(target.bootstrap, OUTPUT, isolationLevel);
  return records.map(({ value }) => Number(value));
}

/** Waits until more is in the output, or all is. @returns how much */
async function writtenSince(target: Target, before: number): Promise<number> {
  for (;;) {
    const written = await writtenTo(target.bootstrap, OUTPUT, PARTITIONS);
    if (written >= Math.min(before + WRITTEN_BETWEEN_KILLS, numbers)) return written;
    await sleep(10);
  }
}

/** @returns complaints */
async function prove(target: Target): Promise<string[]> {
  await fill(target);
  const beginMs = performance.now();
  let written = 0;
  const program = join(import.meta.dirname, 'worker.ts');
  const workers = new Workers(program, WORKERS, (slot) => [target.bootstrap, String(slot), INPUT, OUTPUT]);
  const kills = Number(values.kills);
  const brokerKills = Number(values['broker-kills']);
  try {
    for (let i = 0; i < kills; i++) {
      written = await writtenSince(target, written);
      await sleep(Math.random() * PAUSE_SPREAD_MS);
      await workers.killOne();
      if (i % Math.ceil(kills / (brokerKills + 1)) !== 0 || i === 0) continue;
      await target.kill();
      await target.startAgain();
    }
    let copied = 0;
    while ((copied = (await readOutput(target, 'read_committed')).length) < numbers) {
      if (performance.now() - beginMs > DEADLINE_MS)
        return [`only ${copied} of ${numbers} were copied in time`];
      await sleep(200);
    }
  } finally {
    await workers.stop();
  }
  const committed = await readOutput(target, 'read_committed');
  const all = await readOutput(target, 'read_uncommitted');
  const distinct = new Set(committed);
  console.log(
    `  ${kills} kills of workers, ${brokerKills} of the broker, ${((performance.now() - beginMs) / 1_000).toFixed(0)} s: ` +
      `${numbers} in, ${committed.length} out, ${distinct.size} of them distinct; ${all.length - committed.length} more written and aborted`,
  );
  const complaints: string[] = [];
  if (distinct.size !== numbers) complaints.push(`${numbers - distinct.size} numbers are missing`);
  if (committed.length !== distinct.size)
    complaints.push(`${committed.length - distinct.size} numbers came twice`);
  if (all.length === committed.length) complaints.push('no kill hit a transaction');
  return complaints;
}

await proveOnTargets(values.target, {}, prove);
