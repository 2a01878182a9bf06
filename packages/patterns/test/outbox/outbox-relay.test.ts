import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTopic } from '@odradek/client';
import { LiveCluster, until } from '../../../client/test/support/live-cluster.ts';
import {
  MESSAGE_ID_HEADER,
  OutboxRelay,
  PostgresOutbox,
  SqliteOutbox,
  type OutboxEvent,
  type OutboxRelayOptions,
} from '../../src/index.ts';
import { recordsOf } from '../support/topic-reader.ts';

let live: LiveCluster;
let directory: string;

before(async () => {
  live = await LiveCluster.start();
  directory = mkdtempSync(join(tmpdir(), 'odradek-outbox-'));
});

after(async () => {
  await live.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** An application's database, with its outbox and relays of it. */
class Shop {
  readonly topic = live.newName('paid');
  readonly database: DatabaseSync;
  readonly outbox: SqliteOutbox;
  readonly events: OutboxEvent[] = [];
  private readonly path: string;
  private readonly relays: OutboxRelay[] = [];

  constructor() {
    this.path = join(directory, `${this.topic}.db`);
    this.database = this.open();
    this.outbox = new SqliteOutbox({ database: this.database });
  }

  add(...values: string[]): string[] {
    return values.map((value) =>
      this.outbox.add({ topic: this.topic, key: Buffer.from('k'), value: Buffer.from(value) }),
    );
  }

  get waiting(): number {
    return Number(this.database.prepare('select count(*) as n from odradek_outbox').get()!['n']);
  }

  relay(options: Partial<OutboxRelayOptions> = {}): OutboxRelay {
    const outbox = new SqliteOutbox({ database: this.open() });
    const { bootstrapServers } = live;
    const onEvent = (event: OutboxEvent): void => void this.events.push(event);
    const relay = new OutboxRelay({ bootstrapServers, outbox, pollMs: 5, lingerMs: 0, onEvent, ...options });
    this.relays.push(relay);
    void relay.run();
    return relay;
  }

  async close(): Promise<void> {
    for (const relay of this.relays) await relay.close();
    this.database.close();
  }

  private open(): DatabaseSync {
    const database = new DatabaseSync(this.path);
    database.exec('pragma journal_mode = wal; pragma busy_timeout = 5000');
    return database;
  }
}

async function open(): Promise<Shop> {
  const shop = new Shop();
  await createTopic(live.cluster, { name: shop.topic, partitions: 1 });
  return shop;
}

async function valuesOf({ topic }: Shop): Promise<string[]> {
  return (await recordsOf(live.bootstrapServers, topic)).map(({ value }) => String(value));
}

test('what was committed is sent in its order under its id, and what was rolled back never is', async () => {
  const shop = await open();
  shop.relay({ batchMax: 3 });
  const ids: string[] = [];
  for (let at = 0; at < 10; at++) {
    shop.database.exec('begin immediate');
    const [id] = shop.add(`${at}`);
    if (at % 3 === 1) shop.database.exec('rollback');
    else {
      shop.database.exec('commit');
      ids.push(id!);
    }
  }
  await until(() => shop.waiting === 0);
  await shop.close();
  const records = await recordsOf(live.bootstrapServers, shop.topic);
  assert.deepEqual(
    records.map(({ value }) => String(value)),
    ['0', '2', '3', '5', '6', '8', '9'],
  );
  assert.deepEqual(
    records.map(({ headers }) => String(headers.find(({ key }) => key === MESSAGE_ID_HEADER)!.value)),
    ids,
  );
});

test('every column arrives as it was', async () => {
  const shop = await open();
  const headers = [
    { key: 'a', value: Buffer.from([0, 255]) },
    { key: 'a', value: null },
  ];
  shop.outbox.add({ topic: shop.topic, partition: 0, key: null, value: null, headers });
  shop.relay();
  await until(() => shop.waiting === 0);
  await shop.close();
  const [record] = await recordsOf(live.bootstrapServers, shop.topic);
  assert.deepEqual([record!.key, record!.value, record!.headers.slice(0, 2)], [null, null, headers]);
});

test('one of several relays leads; when it ends the next does', async () => {
  const shop = await open();
  const first = shop.relay();
  await until(() => shop.events.length === 1);
  shop.relay();
  await until(() => shop.events.length === 2);
  assert.deepEqual(
    shop.events.map(({ type }) => type),
    ['leading', 'following'],
  );
  shop.add('by the first');
  await until(() => first.relayed === 1);
  await first.close();
  shop.add('by the second');
  await until(() => shop.waiting === 0);
  await shop.close();
  assert.deepEqual(await valuesOf(shop), ['by the first', 'by the second']);
});

test('without a cluster rows wait, and a relay can be closed', async () => {
  const shop = await open();
  shop.add('a');
  const offline = shop.relay({ bootstrapServers: '127.0.0.1:1' });
  await until(() => shop.events.length > 0);
  await offline.close();
  assert.equal(shop.waiting, 1);
  shop.relay();
  await until(() => shop.waiting === 0);
  await shop.close();
});

test('a row that the cluster will never take is told, and handed over if somebody wants it', async () => {
  const shop = await open();
  shop.add('a', 'x'.repeat(3_000), 'b');
  const refused: number[] = [];
  shop.relay({
    requestSizeMaxBytes: 2_000,
    onPoison: async ({ record }) => refused.push(record.value!.length),
  });
  await until(() => shop.waiting === 0);
  await shop.close();
  assert.deepEqual(refused, [3_000]);
  const values = await valuesOf(shop);
  assert.deepEqual([values[0], values.at(-1), new Set(values).size], ['a', 'b', 2]);
});

test('a record that no relay could ever send is refused where it is added', () => {
  const outbox = new SqliteOutbox({ database: new DatabaseSync(':memory:') });
  assert.throws(() => outbox.add({ topic: 't', value: 'text' as never }), { code: 'BAD_RECORD' });
});

test('names that would not stand in a statement are refused', () => {
  const database = new DatabaseSync(':memory:');
  assert.throws(() => new SqliteOutbox({ database, table: 'a b' }), /table is "a b"/);
  const pool = { connect: () => Promise.reject(new Error('not asked')) };
  assert.throws(() => new PostgresOutbox({ pool, table: 'x;' }), /table is "x;"/);
  const outbox = new SqliteOutbox({ database });
  assert.throws(() => new OutboxRelay({ bootstrapServers: 'h:1', outbox, pollMs: 0 }), /pollMs is 0/);
});
