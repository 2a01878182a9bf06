import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startBroker } from '@odradek/broker';
import { describeLogDirsApi } from '@odradek/protocol/generated/apis/describe-log-dirs.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { batchesOf, type CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { RawClient } from './raw-client.ts';
import { batchOf, connectTo, createTopic, fetch, produce, withBroker } from './with-broker.ts';

const COMPACTED = 'compacted';
const KEYS = 20;
const EAGER = {
  'log.cleaner.backoff.ms': '20',
  'log.segment.delete.delay.ms': '20',
  'log.cleaner.min.cleanable.ratio': '0.1',
};

interface Seen {
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function compactedTopic(client: RawClient): Promise<void> {
  const configs = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'segment.bytes', value: '20000' },
  ];
  assert.equal(await createTopic(client, COMPACTED, 1, configs), 0);
}

/** A batch of ten keys; the values tell the number of the batch. */
function keyedBatch(number: number): Buffer {
  const records = Array.from({ length: 10 }, (_, i) => ({
    key: Buffer.from(`key ${(number * 10 + i) % KEYS}`),
    value: Buffer.from(`${number}`.padEnd(100, '.')),
    timestamp: Date.now(),
  }));
  return encodeRecordBatch({ records, compression: (number % 5) as CompressionType });
}

async function fetchFrom(client: RawClient, offset: number, maxBytes?: number): Promise<Seen[]> {
  const sized = maxBytes === undefined ? {} : { maxBytes };
  const { records, errorCode } = await fetch(client, { topic: COMPACTED, offset, maxWaitMs: 20, ...sized });
  assert.equal(errorCode, 0);
  return [...batchesOf(records!)]
    .flatMap((batch) => decodeBatch(batch, 1_000_000))
    .filter((record) => record.offset >= offset)
    .map((record) => ({
      offset: record.offset,
      key: record.key!.toString(),
      value: record.value!.toString().replaceAll('.', ''),
    }));
}

async function readToEnd(client: RawClient, end: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  let next = 0;
  while (next < end) {
    const records = await fetchFrom(client, next, 8000);
    seen.push(...records);
    next = (records.at(-1)?.offset ?? next) + 1;
  }
  return seen;
}

async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isSo())) assert.ok(Date.now() < deadline, `${what} did not happen`);
}

function latestPerKey(batchCount: number): Map<string, string> {
  const latest = new Map<string, string>();
  for (let number = 0; number < batchCount; number++) {
    for (let i = 0; i < 10; i++) latest.set(`key ${(number * 10 + i) % KEYS}`, `${number}`);
  }
  return latest;
}

test('a topic is compacted while it is written and read, and nobody misses a value', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const { broker, client } = await withBroker(t, { dataDirectory, overrides: EAGER });
  await compactedTopic(client);
  const [tail, reader] = [await connectTo(t, broker), await connectTo(t, broker)];
  const batchCount = 200;
  const end = batchCount * 10;
  const appended = new AbortController();
  const following = readToEnd(tail, end);
  const rereading = (async () => {
    let rounds = 0;
    for (; !appended.signal.aborted; rounds++) {
      const seen = await fetchFrom(reader, 0);
      const offsets = seen.map(({ offset }) => offset);
      assert.deepEqual(
        offsets,
        offsets.toSorted((a, b) => a - b),
      );
    }
    return rounds;
  })();
  for (let number = 0; number < batchCount; number++) {
    const { errorCode, baseOffset } = await produce(client, keyedBatch(number), { topic: COMPACTED });
    assert.deepEqual([errorCode, baseOffset], [0, number * 10]);
  }
  const followed = await following;
  appended.abort();
  assert.ok((await rereading) > 3);
  assert.deepEqual(new Map(followed.map(({ key, value }) => [key, value])), latestPerKey(batchCount));
  await eventually('compaction', async () => ((await fetchFrom(client, 0))[0]?.offset ?? 0) > end / 2);
  const left = await readToEnd(client, end);
  assert.deepEqual(new Map(left.map(({ key, value }) => [key, value])), latestPerKey(batchCount));
  for (const { offset, value } of left) assert.equal(value, `${Math.floor(offset / 10)}`);
  await broker.close();
  const again = await startBroker({ port: 0, dataDirectory });
  t.after(() => again.close());
  assert.deepEqual(await readToEnd(await connectTo(t, again), end), left);
  const names = readdirSync(join(dataDirectory, `${COMPACTED}-0`));
  assert.deepEqual(
    names.filter((name) => /cleaned|swap|deleted/.test(name)),
    [],
  );
});

test('a compacted topic takes no records without a key', async (t) => {
  const { client } = await withBroker(t);
  await compactedTopic(client);
  const { errorCode } = await produce(client, batchOf(['no key']), { topic: COMPACTED });
  assert.equal(errorCode, ErrorCode.INVALID_RECORD);
});

test('the topic of the offsets does not grow with every commit, and keeps the last ones', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const overrides = { ...EAGER, 'offsets.topic.num.partitions': '1', 'offsets.topic.segment.bytes': '20000' };
  const { broker, client } = await withBroker(t, { dataDirectory, overrides });
  for (const key of ['a', 'b']) await client.request(findCoordinatorApi, 2, { key, keyType: 0 });
  const commit = (groupId: string, committedOffset: number) =>
    client.request(offsetCommitApi, 7, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [
        {
          name: 'topic',
          partitions: [
            { partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' },
          ],
        },
      ],
    });
  await commit('a', 7);
  for (let offset = 1; offset <= 1000; offset++) await commit('b', offset);
  await eventually('compaction', async () => (await sizeOf(client, '__consumer_offsets')) < 50_000);
  await broker.close();
  const again = await startBroker({ port: 0, dataDirectory, overrides });
  t.after(() => again.close());
  const late = await connectTo(t, again);
  for (const [groupId, expected] of [
    ['a', 7],
    ['b', 1000],
  ] as const) {
    await eventually('loading', async () => {
      const { errorCode, topics } = await late.request(offsetFetchApi, 5, { groupId, topics: null });
      if (errorCode !== 0) return false;
      assert.equal(topics[0]!.partitions[0]!.committedOffset, expected);
      return true;
    });
  }
});

async function sizeOf(client: RawClient, topic: string): Promise<number> {
  const { results } = await client.request(describeLogDirsApi, 4, { topics: null });
  const partitions = results[0]!.topics.find(({ name }) => name === topic)!.partitions;
  return partitions.reduce((sum, { partitionSize }) => sum + partitionSize, 0);
}
