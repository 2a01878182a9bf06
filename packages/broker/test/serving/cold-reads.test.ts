import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { UNKNOWN_SPACE } from '../../src/adapters/disk-space.ts';
import { MemoryDisk } from '../../src/adapters/memory-disk.ts';
import { silentLog } from '../../src/adapters/silent-log.ts';
import { Broker } from '../../src/broker.ts';
import type { BrokerGround } from '../../src/broker-ground.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import { RawClient } from './raw-client.ts';
import { batchOf, createTopic, fetch, produce, TOPIC } from './with-broker.ts';

const PARTITIONS = 3;
const BATCHES = 60;
const VALUE_BYTES = 20_000;
/** Much less than there is. */
const PAGE_CACHE_BYTES = 700_000;
const SMALL_SEGMENTS = [{ name: 'segment.bytes', value: '300000' }];
const LATER = { concurrencyMax: 2, aheadBytesMax: 200_000 };

interface Place {
  readonly disk: MemoryDisk;
  readonly coordinationFile: string;
}

function newPlace(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-cold-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return { disk: new MemoryDisk(), coordinationFile: join(directory, 'tree.sqlite') };
}

async function startAt(
  t: TestContext,
  { disk, coordinationFile }: Place,
  coldReads?: BrokerGround['coldReads'],
) {
  const broker = await Broker.start({
    loaded: loadBrokerConfig({ listeners: 'PLAINTEXT://127.0.0.1:0' }, {}),
    disk,
    ...(coldReads === undefined ? {} : { coldReads }),
    dataDirectories: ['/data'],
    coordinationFile,
    diskSpace: () => UNKNOWN_SPACE,
    log: silentLog,
  });
  t.after(() => broker.stop());
  const client = await RawClient.connect(broker.addresses[0]!.port);
  t.after(() => client.close());
  return { broker, client };
}

/** That what differs is not told in megabytes. */
function digestOf(bytes: Buffer | null): string {
  return `${bytes?.length} bytes, ${createHash('sha256')
    .update(bytes ?? '')
    .digest('hex')}`;
}

async function fill(client: RawClient): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let i = 0; i < BATCHES; i++) {
      const value = `${partition} ${i} `.padEnd(VALUE_BYTES, 'v');
      const { errorCode } = await produce(client, batchOf([value]), { partition });
      assert.equal(errorCode, 0);
    }
  }
}

/** What readers of all kinds get, from all places. */
async function everythingRead(client: RawClient): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const version of [0, 2, 3, 4, 11, 12]) {
    for (const offset of [0, 1, 17, 33, 59]) {
      const { errorCode, records } = await fetch(client, { offset, version, maxBytes: 150_000 });
      answers.push([errorCode, digestOf(records)]);
    }
  }
  const wholeTopic = await client.request(fetchApi, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 2_000_000,
    isolationLevel: 1,
    sessionEpoch: -1,
    topics: [
      {
        topic: TOPIC,
        partitions: [0, 1, 2].map((partition) => ({
          partition,
          fetchOffset: 20 * partition,
          partitionMaxBytes: 500_000,
        })),
      },
    ],
  });
  for (const { partitionIndex, records } of wholeTopic.responses[0]!.partitions) {
    answers.push([partitionIndex, digestOf(records)]);
  }
  const byTime = await client.request(listOffsetsApi, 5, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [
      {
        name: TOPIC,
        partitions: [0, 1, 2].map((partitionIndex) => ({ partitionIndex, timestamp: 1_000_000 })),
      },
    ],
  });
  answers.push(byTime.topics[0]!.partitions.map(({ errorCode, offset }) => [errorCode, offset]));
  return answers;
}

test('readers get the same of records that have to come from the disk, in every version', async (t) => {
  const place = newPlace(t);
  const before = await startAt(t, place);
  await createTopic(before.client, TOPIC, PARTITIONS, SMALL_SEGMENTS);
  await fill(before.client);
  const expected = await everythingRead(before.client);
  await before.broker.stop();
  const after = await startAt(t, place, { pageCacheBytes: PAGE_CACHE_BYTES, later: LATER });
  assert.deepEqual(await everythingRead(after.client), expected);
});

test('readers are served where nothing that was brought in is ever found again', async (t) => {
  const { client } = await startAt(t, newPlace(t), { pageCacheBytes: 0, later: LATER });
  await createTopic(client, TOPIC, PARTITIONS, SMALL_SEGMENTS);
  await fill(client);
  const { errorCode, records } = await fetch(client, { offset: 5, maxBytes: 100 });
  assert.equal(errorCode, 0);
  assert.ok(records!.includes('0 5 vv'));
});

test('requests that came behind a fetch from the disk are answered behind it', async (t) => {
  const { client } = await startAt(t, newPlace(t), { pageCacheBytes: 0, later: LATER });
  await createTopic(client, TOPIC, PARTITIONS, SMALL_SEGMENTS);
  await fill(client);
  const offsets = [0, 30, 7, 59, 12];
  const answers = await Promise.all(offsets.map((offset) => fetch(client, { offset, maxBytes: 30_000 })));
  for (const [i, { records }] of answers.entries()) assert.ok(records!.includes(`0 ${offsets[i]} vv`));
});
