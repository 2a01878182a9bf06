import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { messageSetBaseOffset } from '@odradek/protocol/records/message-set.ts';
import { UNKNOWN_SPACE } from '../../src/adapters/disk-space.ts';
import { MemoryDisk } from '../../src/adapters/memory-disk.ts';
import { silentLog } from '../../src/adapters/silent-log.ts';
import { Broker } from '../../src/broker.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import { RawClient } from './raw-client.ts';
import { createTopic, fetch, TOPIC } from './with-broker.ts';

const LIMIT = 1_000_000;

/** Message sets that Apache Kafka's own classes wrote, as a segment of an old broker holds them. */
const file = new URL('../../../protocol/test/vectors/records.txt', import.meta.url);
const segments = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => Buffer.from(line.split('\t', 1)[0]!, 'hex'))
  .filter((bytes) => [...batchesOf(bytes)][0]!.magic < 2)
  .filter((bytes) => messageSetBaseOffset([...batchesOf(bytes)][0]!, LIMIT) === 0);

function contents(bytes: Buffer) {
  return [...batchesOf(bytes)].flatMap((header) =>
    [...decodeBatch(header, LIMIT)].map(({ offset, key, value }) => [
      offset,
      key?.toString('hex'),
      value?.toString('hex'),
    ]),
  );
}

test('segments of message formats 0 and 1 are served, in the format that each client knows', async (t) => {
  assert.ok(segments.length >= 4, `${segments.length} segments`);
  const disk = new MemoryDisk();
  for (const [i, bytes] of segments.entries()) {
    disk.makeDirectory(`/data/${TOPIC}-${i}`);
    disk.replaceFile(`/data/${TOPIC}-${i}/00000000000000000000.log`, bytes);
  }
  const broker = await Broker.start({
    loaded: loadBrokerConfig({ listeners: 'PLAINTEXT://127.0.0.1:0' }, {}),
    disk,
    dataDirectories: ['/data'],
    coordinationFile: ':memory:',
    diskSpace: () => UNKNOWN_SPACE,
    log: silentLog,
  });
  t.after(() => broker.stop());
  const client = await RawClient.connect(broker.addresses[0]!.port);
  t.after(() => client.close());
  await createTopic(client, TOPIC, segments.length);
  for (const [partition, bytes] of segments.entries()) {
    for (const [version, magicMax] of [
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 2],
      [11, 2],
    ] as const) {
      const { errorCode, records } = await fetch(client, { partition, version });
      const where = `segment ${partition}, fetch version ${version}`;
      assert.equal(errorCode, 0, where);
      assert.ok(
        [...batchesOf(records!)].every(({ magic }) => magic <= magicMax),
        where,
      );
      assert.deepEqual(contents(records!), contents(bytes), where);
    }
  }
});
