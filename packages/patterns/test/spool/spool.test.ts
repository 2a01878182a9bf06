import assert from 'node:assert/strict';
import {
  appendFileSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { createTopic } from '@odradek/client';
import { LiveCluster, until } from '../../../client/test/support/live-cluster.ts';
import { MESSAGE_ID_HEADER, Spool, type SpoolEvent, type SpoolOptions } from '../../src/index.ts';
import { recordsOf } from '../support/topic-reader.ts';

/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1';

let live: LiveCluster;
let directory: string;
let events: SpoolEvent[];
const directories: string[] = [];

before(async () => {
  live = await LiveCluster.start();
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-spool-'));
  directories.push(directory);
  events = [];
});

after(async () => {
  await live.stop();
  for (const each of directories) rmSync(each, { recursive: true, force: true });
});

function open(options: Partial<SpoolOptions> = {}): Spool {
  return new Spool({
    bootstrapServers: live.bootstrapServers,
    directory,
    lingerMs: 0,
    onEvent: (event) => events.push(event),
    ...options,
  });
}

async function newTopic(partitions = 1): Promise<string> {
  const name = live.newName('spooled');
  await createTopic(live.cluster, { name, partitions });
  return name;
}

async function valuesOf(topic: string): Promise<string[]> {
  return (await recordsOf(live.bootstrapServers, topic)).map(({ value }) => String(value));
}

function numbered(topic: string, start: number, end: number): { topic: string; value: Buffer }[] {
  return Array.from({ length: end - start }, (_, at) => ({ topic, value: Buffer.from(`${start + at}`) }));
}

test('records arrive as they were appended, in their order, each under its id', async () => {
  const topic = await newTopic();
  const spool = open();
  const headers = [{ key: 'own', value: Buffer.from('kept') }];
  await spool.append({
    topic,
    id: 'a',
    key: Buffer.from('k'),
    value: null,
    headers,
    timestamp: 1_700_000_000_000,
  });
  await Promise.all(numbered(topic, 0, 500).map((record) => spool.append(record)));
  await spool.flushed();
  await spool.close();
  const [first, ...others] = await recordsOf(live.bootstrapServers, topic);
  assert.deepEqual(
    [String(first!.key), first!.value, first!.timestamp, first!.headers],
    ['k', null, 1_700_000_000_000, [...headers, { key: MESSAGE_ID_HEADER, value: Buffer.from('a') }]],
  );
  assert.deepEqual(
    others.map(({ value }) => Number(String(value))),
    Array.from({ length: 500 }, (_, at) => at),
  );
  assert.equal(new Set(others.map(({ headers: [id] }) => String(id!.value))).size, 500);
});

test('a record that is no bytes is refused, and those taken at the same time are not', async () => {
  const topic = await newTopic();
  const spool = open();
  const records = [...numbered(topic, 0, 1), { topic, value: 'text' as never }, ...numbered(topic, 1, 2)];
  const [first, bad, last] = await Promise.allSettled(records.map((record) => spool.append(record)));
  assert.deepEqual([first!.status, last!.status], ['fulfilled', 'fulfilled']);
  assert.equal((bad as PromiseRejectedResult).reason.code, 'BAD_RECORD');
  await spool.flushed();
  await spool.close();
  assert.deepEqual(await valuesOf(topic), ['0', '1']);
});

test('without a cluster records are taken all the same, and sent by whoever opens the spool next', async () => {
  const topic = await newTopic();
  const offline = open({ bootstrapServers: NOWHERE });
  await Promise.all(numbered(topic, 0, 50).map((record) => offline.append(record)));
  assert.equal(offline.status.waiting, 50);
  await offline.close();
  const online = open();
  await online.flushed();
  assert.equal(online.status.waiting, 0);
  await online.close();
  assert.deepEqual(
    (await valuesOf(topic)).map(Number),
    Array.from({ length: 50 }, (_, at) => at),
  );
  const again = open();
  await again.append({ topic, value: Buffer.from('50') });
  await again.flushed();
  await again.close();
  assert.equal((await valuesOf(topic)).length, 51, 'nothing is sent a second time');
});

test('a directory is one process’s at a time', async () => {
  const spool = open({ bootstrapServers: NOWHERE });
  assert.throws(() => open(), { code: 'SPOOL_IN_USE' });
  await spool.close();
  await open().close();
});

test('a full spool refuses, or waits for room', async () => {
  const topic = await newTopic();
  const value = Buffer.alloc(20_000);
  const small = { sizeMaxBytes: 100_000, segmentBytes: 40_000, bootstrapServers: NOWHERE };
  const refusing = open({ ...small, onFull: 'reject' });
  const full = (async () => {
    for (;;) await refusing.append({ topic, value });
  })();
  await assert.rejects(full, { code: 'SPOOL_FULL', retriable: true });
  assert.ok(refusing.status.sizeBytes < 140_000);
  await refusing.close();
  const impatient = open({ ...small, blockMaxMs: 20 });
  await assert.rejects(impatient.append({ topic, value }), { code: 'SPOOL_FULL' });
  await impatient.close();
  const patient = open({ ...small, bootstrapServers: live.bootstrapServers });
  await patient.append({ topic, value });
  await patient.flushed();
  await patient.close();
  assert.equal((await valuesOf(topic)).length, 6);
});

test('a full spool gives up what is oldest, and says how many', async () => {
  const topic = await newTopic();
  const spool = open({
    sizeMaxBytes: 100_000,
    segmentBytes: 20_000,
    onFull: 'drop-oldest',
    bootstrapServers: NOWHERE,
  });
  const padding = 'x'.repeat(5_000);
  for (let at = 0; at < 200; at++) await spool.append({ topic, value: Buffer.from(`${at} ${padding}`) });
  const { dropped, waiting, sizeBytes } = spool.status;
  assert.equal(dropped + waiting, 200);
  assert.ok(sizeBytes <= 130_000 && waiting > 5, `${sizeBytes} bytes, ${waiting}`);
  assert.equal(
    events.reduce((sum, event) => sum + (event.type === 'dropped' ? event.count : 0), 0),
    dropped,
  );
  await spool.close();
  const online = open();
  await online.flushed();
  await online.close();
  const numbers = (await valuesOf(topic)).map((text) => Number.parseInt(text, 10));
  assert.deepEqual(
    numbers,
    Array.from({ length: waiting }, (_, at) => dropped + at),
  );
});

test('a record that the cluster will never take holds up the spool, or is handed over', async () => {
  const topic = await newTopic();
  const records = [Buffer.from('before'), Buffer.alloc(5_000), Buffer.from('behind')];
  const limits = { requestSizeMaxBytes: 2_000 };
  const waiting = open(limits);
  for (const value of records) await waiting.append({ topic, value });
  await until(() => events.some(({ type }) => type === 'poison'));
  await assert.rejects(waiting.flushed(undefined, 20), { code: 'SPOOL_TIMEOUT' });
  await waiting.close();
  assert.ok(!(await valuesOf(topic)).slice(1).includes('before'));
  const refused: number[] = [];
  const going = open({
    ...limits,
    onPoison: async ({ sequence, value }, error) => {
      assert.match(error.message, /allowed are/);
      refused.push(sequence, value!.length);
    },
  });
  await going.flushed();
  await going.close();
  assert.deepEqual(refused, [1, 5_000]);
  assert.equal((await valuesOf(topic)).at(-1), 'behind');
});

test('a torn tail is cut off, whatever of it is there; what was synced and is missing is told', async () => {
  const topic = await newTopic();
  const spool = open({ bootstrapServers: NOWHERE });
  for (const record of numbered(topic, 0, 20)) await spool.append(record);
  await spool.close();
  const [file] = globSync(join(directory, 'records-0', '*.log'));
  const whole = readFileSync(file!);
  appendFileSync(file!, whole.subarray(0, 50));
  const torn = open({ bootstrapServers: NOWHERE });
  assert.equal(torn.status.waiting, 20);
  await torn.close();
  assert.deepEqual(
    events.filter(({ type }) => type === 'damaged'),
    [],
  );
  truncateSync(file!, whole.length - 1);
  const shorter = open({ bootstrapServers: NOWHERE });
  assert.deepEqual(
    events.filter(({ type }) => type === 'damaged'),
    [{ type: 'damaged', count: 1 }],
  );
  await shorter.close();
});

test('files that are sent are removed', async () => {
  const topic = await newTopic();
  const spool = open({ sizeMaxBytes: 1_000_000, segmentBytes: 20_000 });
  for (let at = 0; at < 100; at++) await spool.append({ topic, value: Buffer.alloc(5_000) });
  await spool.flushed();
  await until(() => globSync(join(directory, 'records-0', '*.log')).length === 1);
  await spool.close();
});

test('a position file that holds none is refused, not guessed', async () => {
  await open({ bootstrapServers: NOWHERE }).close();
  writeFileSync(join(directory, 'position'), 'something');
  assert.throws(() => open(), { code: 'SPOOL_DAMAGED' });
});

test('options that make no sense are refused by name', () => {
  assert.throws(
    () => open({ sizeMaxBytes: 10 }),
    /sizeMaxBytes is 10, allowed are whole numbers from 65536 on/,
  );
  assert.throws(
    () => open({ onFull: 'drop' as 'block' }),
    /onFull is "drop", allowed are block, reject, drop-oldest/,
  );
  assert.throws(() => open({ sizeMaxBytes: 100_000, segmentBytes: 90_000 }), /segmentBytes is 90000/);
});
