// One member that handles records in parallel; what it does is a line in a file, written before the handler ends.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ParallelConsumer } from '@odradek/patterns/index.ts';
import { workerSettings } from './worker-process.ts';

export interface ParallelWorkerSettings {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly groupId: string;
  /** Where effects are written: partition, offset, key, process. */
  readonly effects: string;
  /** Records of the key `stuck` fail until this file is there. */
  readonly cure: string;
  readonly metadataLengthMax: number;
}

const settings = workerSettings<ParallelWorkerSettings>();

const consumer = new ParallelConsumer({
  bootstrapServers: settings.bootstrapServers,
  groupId: settings.groupId,
  topics: [settings.topic],
  assignors: ['cooperative-sticky'],
  offsetReset: 'earliest',
  sessionTimeoutMs: 1_500,
  heartbeatIntervalMs: 200,
  commitIntervalMs: 100,
  fetchMaxWaitMs: 50,
  maxPollRecords: 100,
  workers: 24,
  metadataLengthMax: settings.metadataLengthMax,
  retry: ({ attempts }) => Math.min(20 * 2 ** attempts, 500),
});

process.on('SIGTERM', () => void consumer.close());

await consumer.run(async ({ key, partition, offset }, { attempt }) => {
  const name = String(key);
  await sleep(Math.random() * 6);
  if (name === 'stuck' && !existsSync(settings.cure)) throw new Error('not cured');
  if (attempt === 1 && Math.random() < 0.01) throw new Error('by chance');
  appendFileSync(settings.effects, `${partition} ${offset} ${name} ${process.pid}\n`);
});
