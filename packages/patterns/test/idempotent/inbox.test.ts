import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type { ConsumedRecord } from '@odradek/client';
import fc from 'fast-check';
import {
  Claims,
  MemoryClaims,
  PostgresInbox,
  RedisClaims,
  SqliteInbox,
  UncertainError,
  messageId,
  type ClaimStore,
  type RecordContext,
} from '../../src/index.ts';
import { withNotes } from '../../src/dead-letters/death-notes.ts';

function record(offset: number, headers: Record<string, string> = {}): ConsumedRecord {
  const pairs = Object.entries(headers).map(([key, value]) => ({ key, value: Buffer.from(value) }));
  return {
    topic: 't',
    partition: 0,
    offset,
    timestamp: 0,
    key: null,
    value: Buffer.from(`${offset}`),
    headers: pairs,
  };
}

function context(offset: number, signal = new AbortController().signal): RecordContext {
  return { id: `cluster/topic-id/0/${offset}`, signal, attempt: 1 };
}

test('a message is named by its producer, else by where it failed first, else by its place', () => {
  assert.equal(messageId(record(7, { 'message-id': 'a-1' }), context(7)), 'a-1');
  assert.equal(messageId(record(7, { 'message-id': '' }), context(7)), 'cluster/topic-id/0/7');
  const notes = {
    id: 'cluster/topic-id/0/3',
    topic: 't',
    partition: 0,
    offset: 3,
    group: 'g',
    attempts: 1,
    error: '',
    firstFailedMs: 0,
    timestampMs: 0,
    delays: 0,
    dueMs: null,
    redrives: 1,
    runId: 'r',
  };
  const putBack = { ...record(9), headers: withNotes([], notes) };
  assert.equal(messageId(putBack, context(9)), messageId(record(3), context(3)));
});

function account(): { database: DatabaseSync; balance: () => number } {
  const database = new DatabaseSync(':memory:');
  database.exec('create table account (balance integer); insert into account values (0)');
  return {
    database,
    balance: () => Number(database.prepare('select balance from account').get()!['balance']),
  };
}

test('SQLite: whatever fails and however often messages come, each takes effect once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ message: fc.nat(8), fails: fc.boolean(), waits: fc.boolean() }), {
        maxLength: 60,
      }),
      async (deliveries) => {
        const { database, balance } = account();
        const inbox = new SqliteInbox({ database, scope: 's' });
        const handled = new Set<number>();
        await Promise.allSettled(
          deliveries.map(async ({ message, fails, waits }) => {
            const book = inbox.once(async (_, inTransaction) => {
              inTransaction.prepare('update account set balance = balance + ?').run(2 ** message);
              if (waits) await sleep(0);
              if (fails) throw new Error('by chance');
            });
            await book(record(message), context(message));
            handled.add(message);
          }),
        );
        assert.equal(
          balance(),
          [...handled].reduce((sum, message) => sum + 2 ** message, 0),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('SQLite: what one handler has done is not done for another; ids are forgotten when told to', async () => {
  const { database, balance } = account();
  const add = (scope: string): ((record: ConsumedRecord, context: RecordContext) => unknown) =>
    new SqliteInbox({ database, scope }).once(
      () => void database.exec('update account set balance = balance + 1'),
    );
  for (const scope of ['a', 'b', 'a']) await add(scope)(record(1), context(1));
  assert.equal(balance(), 2);
  const inbox = new SqliteInbox({ database, scope: 'a' });
  assert.equal(await inbox.sweep(60_000), 0);
  database.exec('update odradek_inbox set handled_at = handled_at - 100');
  assert.equal(await inbox.sweep(60_000, 1), 1);
  assert.equal(await inbox.sweep(60_000), 1);
});

test('PostgreSQL: id first, then the effect, then the commit; a connection that broke is not used again', async () => {
  const log: string[] = [];
  const pool = {
    broken: false,
    connect: () =>
      Promise.resolve({
        query: (text: string) => {
          log.push(text.split(' ').slice(0, 2).join(' '));
          if (pool.broken && text !== 'begin') return Promise.reject(new Error('connection lost'));
          return Promise.resolve({
            rows: [],
            rowCount: text.startsWith('insert') && log.length > 10 ? 0 : 1,
          });
        },
        release: (isUseless?: Error | boolean) => void log.push(`release ${String(isUseless)}`),
      }),
  };
  const inbox = new PostgresInbox({ pool, scope: 's' });
  await inbox.once((_, client) => client.query('update account'))(record(1), context(1));
  assert.deepEqual(log.splice(0), ['begin', 'insert into', 'update account', 'commit', 'release false']);
  const failing = inbox.once(() => Promise.reject(new Error('no')));
  await assert.rejects(async () => failing(record(2), context(2)), /no/);
  assert.deepEqual(log.splice(0), ['begin', 'insert into', 'rollback', 'release false']);
  pool.broken = true;
  await assert.rejects(async () => failing(record(3), context(3)), /connection lost/);
  assert.deepEqual(log.splice(0), ['begin', 'insert into', 'rollback', 'release true']);
  assert.throws(() => new PostgresInbox({ pool, scope: 's', table: 'x; drop table y' }), /table is "x; drop/);
});

test('claims in memory: one at a time, once; a failure gives the message back', async () => {
  const claims = new Claims({ store: new MemoryClaims(), scope: 's' });
  let running = 0;
  let handled = 0;
  const handler = claims.once(async () => {
    assert.equal(++running, 1);
    await sleep(5);
    running--;
    if (++handled === 1) throw new Error('the first time');
  });
  const outcomes = await Promise.allSettled([1, 2, 3].map(async () => handler(record(1), context(1))));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual([handled, claims.repeated], [2, 1]);
});

test('a claim that nobody finished is uncertain: repeated, or rejected for a person to look at', async () => {
  let now = 0;
  const store = new MemoryClaims(10, () => now);
  await store.claim('s/cluster/topic-id/0/1', 100);
  now = 50;
  assert.deepEqual(await store.claim('s/cluster/topic-id/0/1', 100), { state: 'busy', retryAfterMs: 50 });
  now = 100;
  const careful = new Claims({ store, scope: 's', onUncertain: 'reject', leaseMs: 1 });
  await assert.rejects(async () => careful.once(() => undefined)(record(1), context(1)), UncertainError);
  now = 200;
  const claims = new Claims({ store, scope: 's' });
  let token = 0;
  await claims.once((_, given) => void (token = given.token))(record(1), context(1));
  assert.deepEqual([claims.uncertain, token], [1, 3]);
});

test('whose lease ran out does not complete for the next owner', async () => {
  let now = 0;
  const store: ClaimStore = new MemoryClaims(10, () => now);
  const slow = await store.claim('m', 100);
  now = 101;
  const next = await store.claim('m', 100);
  assert.ok(slow.state === 'new' && next.state === 'uncertain' && next.token > slow.token);
  assert.equal(await store.complete('m', slow.token), false);
  await store.release('m', slow.token);
  assert.equal((await store.claim('m', 100)).state, 'busy');
  assert.equal(await store.complete('m', next.token), true);
});

test('memory claims are bounded: the oldest that are done are forgotten', async () => {
  const store = new MemoryClaims(3);
  for (const id of ['a', 'b', 'c', 'd']) {
    const claim = await store.claim(id, 1_000);
    if (claim.state === 'new') await store.complete(id, claim.token);
  }
  assert.equal((await store.claim('d', 1_000)).state, 'done');
  assert.equal((await store.claim('a', 1_000)).state, 'new');
});

test('waiting for a claim ends when the partition is given up', async () => {
  const store = new MemoryClaims();
  await store.claim('s/cluster/topic-id/0/1', 60_000);
  const giving = new AbortController();
  const waiting = new Claims({ store, scope: 's' }).once(() => assert.fail('claimed'))(
    record(1),
    context(1, giving.signal),
  );
  giving.abort();
  await assert.rejects(async () => waiting, { name: 'AbortError' });
});

test('a Redis that forgets keys to make room is refused', async () => {
  const send = (): Promise<unknown> => Promise.resolve('# Memory\r\nmaxmemory_policy:allkeys-lru\r\n');
  await assert.rejects(
    RedisClaims.open({ send }),
    /maxmemory-policy of Redis is allkeys-lru, allowed is noeviction/,
  );
});
