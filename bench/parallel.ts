/*
 * Handlers that wait (as for a database) under Zipf-distributed keys: by partition, by key and without any order. Prints
 * only:
 *   npx node --disable-warning=ExperimentalWarning bench/parallel.ts [records]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '@odradek/broker/index.ts';
import { Cluster, GroupConsumer, Producer, createTopic } from '@odradek/client/index.ts';
import { ParallelConsumer, type Ordering } from '@odradek/patterns/index.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { Zipf } from '../scripts/patterns/zipf.ts';

const RECORDS = Number(process.argv[2] ?? 20_000);
const PARTITIONS = 8;
const KEYS = 10_000;
const WORKERS = 64;
const HANDLER_MS = 2;
const TOPIC = 'work';

let groups = 0;
const broker = await startBroker({ port: 0, overrides: { 'group.initial.rebalance.delay.ms': '0' } });
const shared = {
  bootstrapServers: broker.bootstrapServers,
  topics: [TOPIC],
  offsetReset: 'earliest' as const,
};

for (const exponent of [0.8, 1, 1.2]) {
  const hottest = await fill(exponent);
  console.log(`Zipf ${exponent}: the most frequent key has ${((100 * hottest) / RECORDS).toFixed(1)} %`);
  await measured('one handler for each partition', byPartition);
  for (const order of ['partition', 'key', 'none'] as const) {
    await measured(`${WORKERS} workers, order by ${order}`, (handled) => inParallel(order, handled));
  }
}
// What the broker waits for while it closes does not keep the process alive.
const alive = setInterval(() => undefined, 1_000);
await broker.close();
clearInterval(alive);

/** @returns how many records have the most frequent key */
async function fill(exponent: number): Promise<number> {
  const cluster = new Cluster(shared);
  const topic = `${TOPIC}-${exponent}`;
  shared.topics[0] = topic;
  await createTopic(cluster, { name: topic, partitions: PARTITIONS });
  cluster.close();
  const keys = new Zipf(new SeededRandom(1), KEYS, exponent);
  const producer = new Producer(shared);
  const counts = new Map<number, number>();
  const sends: Promise<unknown>[] = [];
  for (let at = 0; at < RECORDS; at++) {
    const key = keys.next();
    counts.set(key, (counts.get(key) ?? 0) + 1);
    sends.push(producer.send({ topic, key: Buffer.from(`key-${key}`), value: Buffer.alloc(100) }));
  }
  await Promise.all(sends);
  await producer.close();
  return Math.max(...counts.values());
}

type Run = (handled: () => void) => Promise<{ close(): Promise<void>; readonly ended: Promise<void> }>;

async function measured(name: string, run: Run): Promise<void> {
  let left = RECORDS;
  let tell = (): void => undefined;
  const all = new Promise<void>((resolve) => (tell = resolve));
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const running = await run(() => {
    if (--left === 0) tell();
  });
  await all;
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await running.close();
  await running.ended;
  const perSecond = Math.round(RECORDS / seconds).toLocaleString('en');
  const cpuPerRecord = ((user + system) / RECORDS).toFixed(0);
  console.log(`  ${name.padEnd(36)} ${perSecond.padStart(8)} records/s, ${cpuPerRecord} us of CPU each`);
}

function byPartition(handled: () => void): ReturnType<Run> {
  const consumer = new GroupConsumer({ ...shared, groupId: `group-${++groups}` });
  const ended = consumer.run({
    concurrency: PARTITIONS,
    eachMessage: async () => {
      await sleep(HANDLER_MS);
      handled();
    },
  });
  return Promise.resolve({ close: () => consumer.close(), ended });
}

function inParallel(order: Ordering, handled: () => void): ReturnType<Run> {
  const consumer = new ParallelConsumer({ ...shared, groupId: `group-${++groups}`, order, workers: WORKERS });
  const ended = consumer.run(async () => {
    await sleep(HANDLER_MS);
    handled();
  });
  return Promise.resolve({ close: () => consumer.close(), ended });
}
