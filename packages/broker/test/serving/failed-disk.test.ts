import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Disk, DiskError } from '@odradek/core/ports/disk.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { describeLogDirsApi } from '@odradek/protocol/generated/apis/describe-log-dirs.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import { WatchedDisk } from '../../../core/test/log/watched-disk.ts';
import { UNKNOWN_SPACE } from '../../src/adapters/disk-space.ts';
import { MemoryDisk } from '../../src/adapters/memory-disk.ts';
import { silentLog } from '../../src/adapters/silent-log.ts';
import { Broker } from '../../src/broker.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import { RawClient } from './raw-client.ts';
import { batchOf, createTopic, fetch, produce, TOPIC } from './with-broker.ts';

const DIRECTORIES = ['/data/a', '/data/b'];
const { KAFKA_STORAGE_ERROR } = ErrorCode;

/** A broker with two data directories on a disk in the test's hand, and a topic with a partition in each. */
async function start<D extends Disk>(test: TestContext, settings: Record<string, string>, disk: D) {
  const loaded = loadBrokerConfig({ listeners: 'PLAINTEXT://127.0.0.1:0', ...settings }, {});
  const broker = await Broker.start({
    loaded,
    disk,
    dataDirectories: DIRECTORIES,
    coordinationFile: ':memory:',
    diskSpace: () => UNKNOWN_SPACE,
    log: silentLog,
  });
  test.after(() => broker.stop());
  const client = await RawClient.connect(broker.addresses[0]!.port);
  test.after(() => client.close());
  await createTopic(client, TOPIC, 2);
  return { broker, client, disk };
}

function breakBelow(disk: WatchedDisk, ...paths: string[]): void {
  disk.before = (operation, path) => {
    if (paths.some((each) => path.startsWith(`${each}/`)))
      throw new DiskError('EIO', path, `${operation} failed`);
  };
}

async function directories(client: RawClient) {
  const { results } = await client.request(describeLogDirsApi, 4, { topics: null });
  return results.map(({ logDir, errorCode, topics }) => ({
    logDir,
    errorCode,
    partitions: topics.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex)),
  }));
}

test('a data directory that fails answers KAFKA_STORAGE_ERROR for its partitions, the other goes on', async (t) => {
  const { client, disk } = await start(t, {}, new WatchedDisk(new MemoryDisk()));
  const before = await directories(client);
  const [lost] = before.find(({ logDir }) => logDir === '/data/b')!.partitions;
  const kept = 1 - lost!;
  for (const partition of [0, 1]) {
    assert.equal((await produce(client, batchOf(['a']), { partition })).errorCode, 0);
  }
  breakBelow(disk, '/data/b');
  for (let i = 0; i < 2; i++) {
    const refused = await produce(client, batchOf(['b']), { partition: lost! });
    assert.equal(refused.errorCode, KAFKA_STORAGE_ERROR);
    const taken = await produce(client, batchOf(['b']), { partition: kept });
    assert.equal(taken.errorCode, 0);
  }
  assert.equal((await fetch(client, { partition: lost! })).errorCode, KAFKA_STORAGE_ERROR);
  assert.equal((await fetch(client, { partition: kept })).errorCode, 0);
  assert.deepEqual(
    (await directories(client)).map(({ logDir, errorCode }) => [logDir, errorCode]),
    [
      ['/data/a', 0],
      ['/data/b', KAFKA_STORAGE_ERROR],
    ],
  );
});

test('a broker whose data directories have all failed ends, and says why', async (t) => {
  const { broker, client, disk } = await start(t, {}, new WatchedDisk(new MemoryDisk()));
  breakBelow(disk, ...DIRECTORIES);
  // The second answer may not come any more.
  for (const partition of [0, 1]) {
    await produce(client, batchOf(['a']), { partition }).catch(() => {});
  }
  assert.match((await broker.failed).message, /all data directories have failed/);
});

test('a data directory that cannot be read at the start is left out', async (t) => {
  const disk = new SimulatedDisk(Date.now);
  const completing = setInterval(() => disk.completeLater(), 1);
  t.after(() => clearInterval(completing));
  disk.before = ({ path }) => (path.startsWith('/data/b') ? { code: 'EIO' } : null);
  const { client } = await start(t, {}, disk);
  assert.deepEqual(
    (await directories(client)).map(({ logDir, errorCode, partitions }) => [
      logDir,
      errorCode,
      partitions.length,
    ]),
    [
      ['/data/a', 0, 2],
      ['/data/b', KAFKA_STORAGE_ERROR, 0],
    ],
  );
});

test('with log.flush.interval.messages=1 a produce request is answered when its records are synced', async (t) => {
  const { client, disk } = await start(
    t,
    { 'log.flush.interval.messages': '1' },
    new WatchedDisk(new MemoryDisk()),
  );
  const events: string[] = [];
  disk.before = (operation, path) => {
    if (operation === 'sync' && path.endsWith('.log')) events.push('sync');
  };
  for (const acks of [1, -1]) {
    assert.equal((await produce(client, batchOf(['a']), { acks })).errorCode, 0);
    events.push('answer');
  }
  assert.deepEqual(events, ['sync', 'answer', 'sync', 'answer']);
});
