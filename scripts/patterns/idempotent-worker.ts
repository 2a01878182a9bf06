// One member that books amounts; each message comes several times, and must be booked once.
import { appendFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Claims,
  ParallelConsumer,
  PostgresInbox,
  RedisClaims,
  SqliteInbox,
  type RecordHandler,
} from '@odradek/patterns/index.ts';
import { createClient } from '@redis/client';
import pg from 'pg';
import { workerSettings } from './worker-process.ts';

export interface IdempotentWorkerSettings {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly store: 'postgres' | 'sqlite' | 'redis';
  /** Of PostgreSQL or Redis. */
  readonly port: number;
  /** Of SQLite, or where effects are written that Redis guards. */
  readonly file: string;
}

const settings = workerSettings<IdempotentWorkerSettings>();

const consumer = new ParallelConsumer({
  bootstrapServers: settings.bootstrapServers,
  groupId: 'booking',
  topics: [settings.topic],
  assignors: ['cooperative-sticky'],
  offsetReset: 'earliest',
  sessionTimeoutMs: 1_500,
  heartbeatIntervalMs: 200,
  // Commits come late, so that much is repeated.
  commitIntervalMs: 1_000,
  metadataLengthMax: 0,
  workers: 8,
  maxPollRecords: 50,
});

process.on('SIGTERM', () => void consumer.close());

const [handler, end] = await handlerFor(settings.store);
await consumer.run(handler);
await end();

async function handlerFor(store: IdempotentWorkerSettings['store']): Promise<[RecordHandler, () => unknown]> {
  const scope = 'booking';
  if (store === 'postgres') {
    const pool = new pg.Pool({
      host: '127.0.0.1',
      port: settings.port,
      user: 'odradek',
      database: 'postgres',
      max: 8,
    });
    const inbox = new PostgresInbox<pg.PoolClient>({ pool, scope });
    const book = inbox.once(async ({ value }, client) => {
      await sleep(Math.random() * 4);
      await client.query('update account set balance = balance + $1', [Number(String(value))]);
    });
    return [book, () => pool.end()];
  }
  if (store === 'sqlite') {
    const database = new DatabaseSync(settings.file);
    const inbox = new SqliteInbox({ database, scope, busyTimeoutMs: 30_000 });
    const book = inbox.once(({ value }, inTransaction) => {
      inTransaction.prepare('update account set balance = balance + ?').run(Number(String(value)));
    });
    return [book, () => database.close()];
  }
  const client = createClient({ socket: { host: '127.0.0.1', port: settings.port } });
  await client.connect();
  const claims = new Claims({
    store: await RedisClaims.open({ send: (args) => client.sendCommand(args) }),
    scope,
    leaseMs: 1_000,
  });
  const book = claims.once(async ({ value }) => {
    await sleep(Math.random() * 4);
    appendFileSync(settings.file, `${String(value)}\n`);
    await sleep(Math.random() * 4);
  });
  return [book, () => client.destroy()];
}
