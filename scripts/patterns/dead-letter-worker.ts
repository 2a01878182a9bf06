// One member that pays, and gives up what it cannot pay; a payment is a line in a file, written before the handler ends.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeadLetters, ParallelConsumer } from '@odradek/patterns/index.ts';
import { FATES, type DeadLetterWorkerSettings } from './payment-fates.ts';
import { workerSettings } from './worker-process.ts';

const settings = workerSettings<DeadLetterWorkerSettings>();
const { bootstrapServers, groupId, topic, delaysMs } = settings;

const letters = new DeadLetters({ bootstrapServers, groupId, delaysMs });
const consumer = new ParallelConsumer({
  ...letters.consuming([topic]),
  bootstrapServers,
  groupId,
  offsetReset: 'earliest',
  sessionTimeoutMs: 1_500,
  heartbeatIntervalMs: 200,
  commitIntervalMs: 100,
  fetchMaxWaitMs: 50,
  maxPollRecords: 50,
  attemptsMax: 2,
  retry: () => 5,
  // Those that are to die are few, but towards the end hardly anything else comes.
  exhaustedShareMax: 1,
});

process.on('SIGTERM', () => void consumer.close());

await consumer.run(async (record) => {
  const value = String(record.value);
  await sleep(Math.random() * 4);
  if (value.startsWith(FATES.never)) throw new Error('no such account');
  if (value.startsWith(FATES.late) && record.topic === topic) throw new Error('not yet');
  if (value.startsWith(FATES.bank) && !existsSync(settings.bankOpens)) throw new Error('the bank is closed');
  appendFileSync(settings.payments, `${value} ${record.topic}\n`);
});
await letters.close();
