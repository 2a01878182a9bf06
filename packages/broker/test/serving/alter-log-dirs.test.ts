import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { alterReplicaLogDirsApi } from '@odradek/protocol/generated/apis/alter-replica-log-dirs.ts';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import { describeLogDirsApi } from '@odradek/protocol/generated/apis/describe-log-dirs.ts';
import { describeProducersApi } from '@odradek/protocol/generated/apis/describe-producers.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { offsetForLeaderEpochApi } from '@odradek/protocol/generated/apis/offset-for-leader-epoch.ts';
import { DiskError } from '@odradek/core/ports/disk.ts';
import { WatchedDisk } from '../../../core/test/log/watched-disk.ts';
import { UNKNOWN_SPACE } from '../../src/adapters/disk-space.ts';
import { MemoryDisk } from '../../src/adapters/memory-disk.ts';
import { silentLog } from '../../src/adapters/silent-log.ts';
import { Broker } from '../../src/broker.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import { RawClient } from './raw-client.ts';
import { batchOf, createTopic, fetch, produce, TOPIC } from './with-broker.ts';

const DIRECTORIES = ['/data/a', '/data/b'];
const RATE = 'replica.alter.log.dirs.io.max.bytes.per.second';
const BROKER = 4;

/** A broker with two data directories in memory; partition 0 of the topic lies in the first. */
async function start(test: TestContext, partitions = 1) {
  const disk = new WatchedDisk(new MemoryDisk());
  const broker = await Broker.start({
    loaded: loadBrokerConfig({ listeners: 'PLAINTEXT://127.0.0.1:0' }, {}),
    disk,
    dataDirectories: DIRECTORIES,
    coordinationFile: ':memory:',
    diskSpace: () => UNKNOWN_SPACE,
    log: silentLog,
  });
  test.after(() => broker.stop());
  const client = await RawClient.connect(broker.addresses[0]!.port);
  test.after(() => client.close());
  await createTopic(client, TOPIC, partitions);
  return { broker, client, disk };
}

async function alter(
  client: RawClient,
  path: string,
  name = TOPIC,
  partition = 0,
  version = 2,
): Promise<number> {
  const { results } = await client.request(alterReplicaLogDirsApi, version, {
    dirs: [{ path, topics: [{ name, partitions: [partition] }] }],
  });
  assert.deepEqual(
    results.map(({ topicName, partitions }) => [topicName, partitions.map((each) => each.partitionIndex)]),
    [[name, [partition]]],
  );
  return results[0]!.partitions[0]!.errorCode;
}

async function logs(client: RawClient) {
  const { results } = await client.request(describeLogDirsApi, 4, { topics: null });
  return results.flatMap(({ logDir, topics }) =>
    topics.flatMap(({ partitions }) =>
      partitions.map(({ isFutureKey, offsetLag }) => ({ logDir, isFutureKey, offsetLag })),
    ),
  );
}

async function limit(client: RawClient, value: string | null): Promise<void> {
  const config = { name: RATE, configOperation: value === null ? 1 : 0, value };
  await client.request(incrementalAlterConfigsApi, 1, {
    resources: [{ resourceType: BROKER, resourceName: '0', configs: [config] }],
    validateOnly: false,
  });
}

test('a replica moves to another data directory while it is written and read', async (t) => {
  const { client } = await start(t);
  await limit(client, '1000');
  for (let i = 0; i < 20; i++) await produce(client, batchOf([`${i}`.padEnd(500, '.')]));
  for (const version of [0, 1, 2]) assert.equal(await alter(client, '/data/b', TOPIC, 0, version), 0);
  const [current, future] = await logs(client);
  assert.deepEqual(current, { logDir: '/data/a', isFutureKey: false, offsetLag: 0 });
  assert.equal(future!.logDir, '/data/b');
  assert.ok(future!.isFutureKey && future!.offsetLag > 10, JSON.stringify(future));
  await limit(client, null);
  let offset = 20;
  while ((await logs(client)).length > 1) {
    const { errorCode, baseOffset } = await produce(client, batchOf(['more']));
    assert.deepEqual([errorCode, Number(baseOffset)], [0, offset++]);
  }
  assert.deepEqual(await logs(client), [{ logDir: '/data/b', isFutureKey: false, offsetLag: 0 }]);
  await produce(client, batchOf(['last']));
  const { errorCode, records, highWatermark } = await fetch(client, { offset: 0 });
  assert.deepEqual([errorCode, Number(highWatermark)], [0, offset + 1]);
  assert.ok(records!.length > 20 * 500);
});

test('a consumer that waits at the end is woken by what is written to the new log', async (t) => {
  const { client, broker } = await start(t);
  await produce(client, batchOf(['a']));
  const reader = await RawClient.connect(broker.addresses[0]!.port);
  t.after(() => reader.close());
  const waiting = fetch(reader, { offset: 1, maxWaitMs: 20_000, minBytes: 1 });
  assert.equal(await alter(client, '/data/b'), 0);
  while ((await logs(client))[0]!.logDir !== '/data/b') await pause(1);
  await produce(client, batchOf(['b']));
  assert.ok((await waiting).records!.length > 0);
});

test('what cannot be done is told for each partition', async (t) => {
  const { client } = await start(t);
  assert.equal(await alter(client, '/elsewhere'), ErrorCode.LOG_DIR_NOT_FOUND);
  assert.equal(await alter(client, '/data/a/'), ErrorCode.LOG_DIR_NOT_FOUND);
  assert.equal(await alter(client, '/data/b', 'nothing'), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  assert.equal(await alter(client, '/data/b', TOPIC, 7), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  assert.equal(await alter(client, '/data/b', 't'.repeat(249)), ErrorCode.INVALID_TOPIC_EXCEPTION);
});

test('a partition that is to come is made in the directory that was wished for it', async (t) => {
  const { client } = await start(t);
  for (const [topic, path] of [
    ['one', '/data/b'],
    ['two', '/data/b'],
    ['three', '/data/a'],
  ] as const) {
    assert.equal(await alter(client, path, topic), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    await createTopic(client, topic, 1);
    assert.equal(await alter(client, path, topic), 0);
  }
  const found = (await logs(client)).map(({ logDir, isFutureKey }) => `${logDir} ${isFutureKey}`);
  assert.deepEqual(found.toSorted(), ['/data/a false', '/data/a false', '/data/b false', '/data/b false']);
});

test('of a partition whose directory has failed everything answers KAFKA_STORAGE_ERROR', async (t) => {
  const { client, disk } = await start(t, 2);
  for (const partition of [0, 1]) await produce(client, batchOf(['a']), { partition });
  disk.before = (operation, path) => {
    if (path.startsWith('/data/a/')) throw new DiskError('EIO', path, `${operation} failed`);
  };
  assert.equal((await produce(client, batchOf(['b']))).errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
  const listed = await client.request(listOffsetsApi, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [
      {
        name: TOPIC,
        partitions: [-1, -2].map((timestamp, partitionIndex) => ({ partitionIndex, timestamp })),
      },
    ],
  });
  assert.deepEqual(
    listed.topics[0]!.partitions.map(({ errorCode }) => errorCode),
    [ErrorCode.KAFKA_STORAGE_ERROR, 0],
  );
  const epochs = await client.request(offsetForLeaderEpochApi, 4, {
    replicaId: -1,
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] }],
  });
  assert.equal(epochs.topics[0]!.partitions[0]!.errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
  const producers = await client.request(describeProducersApi, 0, {
    topics: [{ name: TOPIC, partitionIndexes: [0] }],
  });
  assert.equal(producers.topics[0]!.partitions[0]!.errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
  const deleted = await client.request(deleteRecordsApi, 2, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, offset: -1 }] }],
    timeoutMs: 1000,
  });
  assert.equal(deleted.topics[0]!.partitions[0]!.errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
  assert.equal(await alter(client, '/data/b'), ErrorCode.KAFKA_STORAGE_ERROR);
});

test('a broker without a number gets one above reserved.broker.max.id, and keeps it', async (t) => {
  const disk = new MemoryDisk();
  const startWith = async (settings: Record<string, string>) => {
    const broker = await Broker.start({
      loaded: loadBrokerConfig({ listeners: 'PLAINTEXT://127.0.0.1:0', ...settings }, {}),
      disk,
      dataDirectories: DIRECTORIES,
      coordinationFile: ':memory:',
      diskSpace: () => UNKNOWN_SPACE,
      log: silentLog,
    });
    t.after(() => broker.stop());
    return broker;
  };
  const first = await startWith({ 'broker.id': '-1', 'reserved.broker.max.id': '50' });
  assert.equal(first.nodeId, 51);
  await first.stop();
  assert.match(disk.readFile('/data/b/meta.properties')!.toString(), /broker\.id=51/);
  const again = await startWith({ 'broker.id': '-1' });
  assert.equal(again.nodeId, 51);
  await again.stop();
  await assert.rejects(startWith({ 'broker.id': '7' }), /holds the data of broker 51, but broker\.id is 7/);
});
