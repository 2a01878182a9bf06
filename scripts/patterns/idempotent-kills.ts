/**
 * Idempotent consumption under kill -9 and with zombies: two members book amounts, every message was sent twice under
 * one id, commits come late; members are killed, or frozen for longer than their session and thawed.
 *
 * Checked: in PostgreSQL and SQLite the balance is the sum over distinct messages, to the cent. With Redis every message
 * takes effect, and twice only where a claim was cut off: the test says how often, because more cannot be promised.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '@odradek/broker/index.ts';
import { Cluster, Producer, createTopic, describeGroup, groupLag } from '@odradek/client/index.ts';
import { MESSAGE_ID_HEADER } from '@odradek/patterns/index.ts';
import pg from 'pg';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import type { IdempotentWorkerSettings } from './idempotent-worker.ts';
import { startPostgres, startRedis } from './real-stores.ts';
import { within } from './within.ts';
import { WorkerProcess } from './worker-process.ts';

const MESSAGES = 800;
const PARTITIONS = 4;
const MEMBERS = 2;
const TOPIC = 'payments';
/** Longer than a session, and longer than a lease in Redis. */
const FROZEN_MS = 2_500;

/** Amounts are 1 to MESSAGES, each a message of its own. */
const SUM = (MESSAGES * (MESSAGES + 1)) / 2;

/** @throws AssertionError when a promise is broken */
export async function idempotentKills(kills: number, seed: number): Promise<void> {
  await withPostgres(kills, seed);
  await withSqlite(kills, seed);
  await withRedis(kills, seed);
}

async function withPostgres(kills: number, seed: number): Promise<void> {
  const store = await startPostgres();
  const client = new pg.Client({
    host: '127.0.0.1',
    port: store.port,
    user: 'odradek',
    database: 'postgres',
  });
  try {
    await client.connect();
    await client.query('create table account (balance bigint not null)');
    await client.query('insert into account values (0)');
    await client.query(
      'create table odradek_inbox (scope text not null, id text not null,' +
        ' handled_at timestamptz not null default now(), primary key (scope, id))',
    );
    const counted = async (): Promise<number> => {
      const { rows } = await client.query<{ count: string }>('select count(*) from odradek_inbox');
      return Number(rows[0]!.count);
    };
    await underKills({ store: 'postgres', port: store.port, file: '', counted }, kills, seed);
    const { rows } = await client.query<{ balance: string }>('select balance from account');
    assert.equal(Number(rows[0]!.balance), SUM);
    console.log(`  PostgreSQL: balance ${SUM}, as it should be`);
  } finally {
    await client.end();
    await store.stop();
  }
}

async function withSqlite(kills: number, seed: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-sqlite-'));
  const file = join(directory, 'accounts.db');
  try {
    const database = new DatabaseSync(file);
    database.exec('pragma journal_mode = wal; create table account (balance integer not null)');
    database.exec('insert into account values (0)');
    const counted = (): number => {
      const tables = database
        .prepare("select count(*) as n from sqlite_master where name = 'odradek_inbox'")
        .get()!;
      if (tables['n'] === 0) return 0;
      return Number(database.prepare('select count(*) as n from odradek_inbox').get()!['n']);
    };
    await underKills({ store: 'sqlite', port: 0, file, counted }, kills, seed);
    const { balance } = database.prepare('select balance from account').get()!;
    database.close();
    assert.equal(balance, SUM);
    console.log(`  SQLite: balance ${SUM}, as it should be`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function withRedis(kills: number, seed: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-effects-'));
  const file = join(directory, 'effects');
  const store = await startRedis();
  try {
    writeFileSync(file, '');
    const counted = (): number => new Set(readFileSync(file, 'utf8').split('\n')).size - 1;
    await underKills({ store: 'redis', port: store.port, file, counted }, kills, seed);
    const effects = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    const distinct = new Set(effects);
    const twice = effects.length - distinct.size;
    assert.equal(distinct.size, MESSAGES);
    // Eight handlers may be cut off by each kill, each freeze.
    assert.ok(twice <= 8 * 2 * kills, `${twice} messages took effect twice`);
    console.log(`  Redis: every message took effect, ${twice} twice`);
  } finally {
    await store.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Booking extends Pick<IdempotentWorkerSettings, 'store' | 'port' | 'file'> {
  /** Messages that took effect. */
  readonly counted: () => number | Promise<number>;
}

async function underKills(
  { store, port, file, counted }: Booking,
  kills: number,
  seed: number,
): Promise<void> {
  const broker = await startBroker({
    port: 0,
    overrides: { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' },
  });
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
  const settings = { bootstrapServers: broker.bootstrapServers, topic: TOPIC, store, port, file };
  const members = new Set<WorkerProcess>();
  const start = (): void => void members.add(new WorkerProcess('idempotent-worker.ts', settings));
  const chance = new SeededRandom(seed);
  try {
    await createTopic(cluster, { name: TOPIC, partitions: PARTITIONS });
    for (let member = 0; member < MEMBERS; member++) start();
    const producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    for (let part = 0; part <= kills; part++) {
      await sendTwice(producer, part, kills + 1);
      if (part === kills) break;
      // In the midst of this part.
      await within(
        async () => (await counted()) >= (MESSAGES * (part + 0.3 + chance.fraction() * 0.4)) / (kills + 1),
        'effects',
      );
      const victim = chance.pick([...members]);
      for (const member of members) member.check();
      if (part % 2 === 1) {
        victim.freeze();
        await sleep(FROZEN_MS);
        victim.thaw();
      } else {
        await victim.kill();
        members.delete(victim);
        start();
      }
    }
    await producer.close();
    await untilDone(cluster);
    for (const member of members) await member.stop();
  } finally {
    for (const member of members) await member.kill();
    cluster.close();
    await broker.close();
  }
}

/** What a producer does that did not hear of its first attempt. */
async function sendTwice(producer: Producer, part: number, parts: number): Promise<void> {
  const sends: Promise<unknown>[] = [];
  for (let number = part + 1; number <= MESSAGES; number += parts) {
    const headers = [{ key: MESSAGE_ID_HEADER, value: Buffer.from(`payment-${number}`) }];
    for (const attempt of [0, 1]) {
      const partition = (number + attempt) % PARTITIONS;
      sends.push(producer.send({ topic: TOPIC, partition, value: Buffer.from(`${number}`), headers }));
    }
  }
  await Promise.all(sends);
}

async function untilDone(cluster: Cluster): Promise<void> {
  await within(async () => {
    const lags = await groupLag(cluster, await describeGroup(cluster, 'booking'));
    const ends = lags.reduce((sum, { endOffset }) => sum + (endOffset ?? 0), 0);
    return ends === 2 * MESSAGES && lags.every(({ lag }) => lag === 0);
  }, 'everything to be committed');
}
