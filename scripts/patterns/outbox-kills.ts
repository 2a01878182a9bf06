/**
 * The outbox under kill -9, with a real PostgreSQL: writers change keys and add a record in one transaction, wait within
 * it, and roll some back; two relays, of which one leads, are killed at random and started anew.
 *
 * Checked: what was published is what was committed; versions of a key arrive in their order; what arrives twice is
 * little. And that a relay which remembers the last number it has seen would have lost a row, or this shows nothing.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '@odradek/broker/index.ts';
import { Cluster, Consumer, createTopic, listOffsets } from '@odradek/client/index.ts';
import { PostgresOutbox } from '@odradek/patterns/index.ts';
import pg from 'pg';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import type { OutboxWorkerSettings } from './outbox-worker.ts';
import { startPostgres } from './real-stores.ts';
import { within } from './within.ts';
import { WorkerProcess } from './worker-process.ts';

const TOPIC = 'changes';
const WRITERS = 12;
const KEYS = 20;
const CHANGES = 40;

/** @throws AssertionError when a promise is broken */
export async function outboxKills(kills: number, seed: number): Promise<void> {
  const store = await startPostgres();
  const pool = new pg.Pool({
    host: '127.0.0.1',
    port: store.port,
    user: 'odradek',
    database: 'postgres',
    max: WRITERS + 4,
  });
  const broker = await startBroker({ port: 0 });
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
  const outbox = new PostgresOutbox({ pool });
  const relays = new Set<WorkerProcess>();
  const settings: OutboxWorkerSettings = { bootstrapServers: broker.bootstrapServers, port: store.port };
  const start = (): void => void relays.add(new WorkerProcess('outbox-worker.ts', settings));
  try {
    await outbox.createTable();
    await lateCommit(pool, outbox);
    await pool.query('create table counters (key integer primary key, version integer not null)');
    await pool.query('insert into counters select n, 0 from generate_series(0, $1) n', [KEYS - 1]);
    await createTopic(cluster, { name: TOPIC, partitions: 3 });
    for (const _ of [1, 2]) start();
    const committed: string[] = [];
    const writers = Array.from({ length: WRITERS }, (_, at) =>
      write(pool, outbox, new SeededRandom(seed + at), committed),
    );
    const chance = new SeededRandom(seed);
    for (let kill = 0; kill < kills; kill++) {
      const wanted = (WRITERS * CHANGES * 0.7 * (kill + 1)) / (kills + 1);
      await within(() => committed.length >= wanted, 'changes');
      await sleep(chance.fraction() * 400);
      const victim = chance.pick([...relays]);
      victim.check();
      await victim.kill();
      relays.delete(victim);
      start();
    }
    await Promise.all(writers);
    await within(
      async () => (await pool.query('select 1 from odradek_outbox limit 1')).rowCount === 0,
      'relays',
    );
    check(committed, await arrivedAt(cluster, broker.bootstrapServers), kills);
    for (const relay of relays) await relay.stop();
  } finally {
    for (const relay of relays) await relay.kill();
    cluster.close();
    await broker.close();
    await pool.end();
    await store.stop();
  }
}

/** Numbers are drawn before their transactions commit: a cursor passes those that commit late. */
async function lateCommit(pool: pg.Pool, outbox: PostgresOutbox): Promise<void> {
  const late = await pool.connect();
  const early = await pool.connect();
  const record = (value: string): { topic: string; value: Buffer } => ({
    topic: TOPIC,
    value: Buffer.from(value),
  });
  await late.query('begin');
  await outbox.add(late, record('late'));
  await outbox.add(early, record('early'));
  const end = await outbox.lead();
  const seen = await outbox.read(10);
  assert.deepEqual(
    seen.map(({ record: { value } }) => String(value)),
    ['early'],
  );
  const cursor = seen[0]!.id;
  await late.query('commit');
  const byCursor = await pool.query('select 1 from odradek_outbox where id > $1', [String(cursor)]);
  assert.equal(byCursor.rowCount, 0, 'a cursor would have found it: the harness shows nothing');
  const byReading = await outbox.read(10);
  assert.deepEqual(
    byReading.map(({ record: { value } }) => String(value)),
    ['late', 'early'],
  );
  await outbox.remove(byReading.map(({ id }) => id));
  await end!();
  late.release();
  early.release();
}

async function write(
  pool: pg.Pool,
  outbox: PostgresOutbox,
  chance: SeededRandom,
  committed: string[],
): Promise<void> {
  for (let change = 0; change < CHANGES; change++) {
    const client = await pool.connect();
    const key = chance.below(KEYS);
    await client.query('begin');
    // First what locks the key, then the number.
    const update = 'update counters set version = version + 1 where key = $1 returning version';
    const { rows } = await client.query<{ version: number }>(update, [key]);
    const value = `${key} ${rows[0]!.version}`;
    await outbox.add(client, { topic: TOPIC, key: Buffer.from(`${key}`), value: Buffer.from(value) });
    await sleep(chance.fraction() * 60);
    const isKept = chance.fraction() < 0.8;
    await client.query(isKept ? 'commit' : 'rollback');
    if (isKept) committed.push(value);
    client.release();
  }
}

async function arrivedAt(cluster: Cluster, bootstrapServers: string): Promise<string[]> {
  const partitions = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition }));
  const ends = await listOffsets(
    cluster,
    partitions.map((at) => ({ ...at, at: 'latest' })),
  );
  let left = [...ends.values()].reduce((sum, { offset }) => sum + offset, 0);
  const consumer = new Consumer({ bootstrapServers });
  await consumer.assign(partitions.map((at) => ({ ...at, from: 'earliest' })));
  const arrived: string[] = [];
  while (left > 0) {
    for (const { records } of await consumer.poll(1_000)) {
      arrived.push(...records.map(({ value }) => String(value)));
      left -= records.length;
    }
  }
  await consumer.close();
  return arrived;
}

function check(committed: readonly string[], arrived: readonly string[], kills: number): void {
  const distinct = new Set(arrived);
  assert.deepEqual([...distinct].toSorted(), committed.toSorted());
  const versions = new Map<string, number>();
  for (const value of distinct) {
    const [key, version] = value.split(' ');
    assert.equal(Number(version), (versions.get(key!) ?? 0) + 1, `key ${key}`);
    versions.set(key!, Number(version));
  }
  const twice = arrived.length - distinct.size;
  console.log(`  ${distinct.size} committed and published, in the order of each key, ${twice} twice`);
  assert.ok(twice <= 20 * kills, 'more was repeated than a batch for each kill');
}
