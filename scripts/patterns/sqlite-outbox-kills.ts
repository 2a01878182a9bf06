/**
 * The outbox in SQLite under kill -9: a writer that changes a table and adds a record in one transaction, and two relays of
 * which one leads, all killed at random, the writer also within transactions, and started anew.
 *
 * Checked: what was published is what was committed, in the order of the commits; what arrives twice is little.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '@odradek/broker/index.ts';
import { Cluster, createTopic } from '@odradek/client/index.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { readTopic } from '../../interop/exactly-once/read-topic.ts';
import type { SqliteOutboxWorkerSettings } from './sqlite-outbox-worker.ts';
import { within } from './within.ts';
import { WorkerProcess } from './worker-process.ts';

const TOPIC = 'orders';
const ORDERS = 400;
/** As the worker has it: a relay that is killed repeats no more. */
const RELAY_BATCH = 20;

type Role = SqliteOutboxWorkerSettings['role'];
const ROLES: readonly Role[] = ['writer', 'relay', 'relay'];

/** @throws AssertionError when a promise is broken */
export async function sqliteOutboxKills(kills: number, seed: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-outbox-'));
  const file = join(directory, 'shop.db');
  const database = new DatabaseSync(file);
  database.exec(
    'pragma journal_mode = wal; pragma busy_timeout = 20000; create table orders (number integer)',
  );
  const broker = await startBroker({ port: 0 });
  const { bootstrapServers } = broker;
  const cluster = new Cluster({ bootstrapServers });
  const workers: WorkerProcess[] = [];
  const start = (at: number): void => {
    const settings: SqliteOutboxWorkerSettings = {
      bootstrapServers,
      role: ROLES[at]!,
      file,
      topic: TOPIC,
      countMax: ORDERS,
    };
    workers[at] = new WorkerProcess('sqlite-outbox-worker.ts', settings);
  };
  const countIn = (table: string): number =>
    Number((database.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n);
  try {
    await createTopic(cluster, { name: TOPIC, partitions: 1 });
    ROLES.forEach((_, at) => start(at));
    const chance = new SeededRandom(seed);
    for (let kill = 0; kill < kills; kill++) {
      const wanted = (ORDERS * (kill + 1)) / (kills + 2);
      await within(() => countIn('orders') >= wanted, `${wanted} orders`);
      await sleep(chance.fraction() * 200);
      // Each kind in turn, so that the writer is never left out.
      const at = kill % ROLES.length;
      workers[at]!.check();
      await workers[at]!.kill();
      start(at);
    }
    await within(() => countIn('orders') === ORDERS && countIn('odradek_outbox') === 0, 'the relays');
    const arrived = (await readTopic(bootstrapServers, TOPIC, 'read_committed')).map(({ value }) =>
      Number(value),
    );
    const inOrder = [...new Set(arrived)];
    assert.deepEqual(
      inOrder,
      Array.from({ length: ORDERS }, (_, at) => at + 1),
    );
    const twice = arrived.length - inOrder.length;
    console.log(`  SQLite: ${ORDERS} committed and published in order, ${twice} twice`);
    assert.ok(twice <= RELAY_BATCH * kills, 'more was repeated than a batch for each kill');
    for (const relay of workers.slice(1)) await relay.stop();
  } finally {
    for (const worker of workers) await worker.kill();
    cluster.close();
    await broker.close();
    database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
