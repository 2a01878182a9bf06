import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startBroker } from '@odradek/broker';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { encodeRecordBatch, type RecordBatchInput } from '@odradek/protocol/records/record-batch.ts';
import type { RawClient } from './raw-client.ts';
import { connectTo, createTopic, fetch, TOPIC } from './with-broker.ts';

const TIMESTAMP = 1_700_000_000_000;

function batch(baseOffset: number, value: string, fields: Partial<RecordBatchInput> = {}): Buffer {
  const record = { key: null, value: Buffer.from(value), headers: [], timestamp: TIMESTAMP };
  return encodeRecordBatch({ baseOffset, records: [record], partitionLeaderEpoch: 0, ...fields });
}

function transactional(producerId: number, baseSequence: number): Partial<RecordBatchInput> {
  return { producerId, producerEpoch: 0, baseSequence, isTransactional: true };
}

/** Key: version, type (0 abort, 1 commit). Value: version, epoch of the coordinator. */
function marker(baseOffset: number, producerId: number, type: 0 | 1): Buffer {
  const record = {
    key: Buffer.from([0, 0, 0, type]),
    value: Buffer.from([0, 0, 0, 0, 0, 0]),
    headers: [],
    timestamp: TIMESTAMP,
  };
  const fields = { ...transactional(producerId, -1), isControl: true, partitionLeaderEpoch: 0 };
  return encodeRecordBatch({ baseOffset, records: [record], ...fields });
}

/** A broker on a log that another one has written, with transactions in it, the last of them still open. */
async function onTransactionalLog(t: TestContext): Promise<RawClient> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'odradek-transactions-'));
  t.after(() => rmSync(dataDirectory, { recursive: true, force: true }));
  const before = await startBroker({ port: 0, dataDirectory });
  const client = await connectTo(t, before);
  await createTopic(client, TOPIC, 1);
  client.close();
  await before.close();
  const contents = [
    batch(0, 'aborted', transactional(1, 0)),
    batch(1, 'committed', transactional(2, 0)),
    batch(2, 'plain'),
    marker(3, 1, 0),
    marker(4, 2, 1),
    batch(5, 'aborted too', transactional(1, 1)),
    marker(6, 1, 0),
    batch(7, 'open', transactional(1, 2)),
    batch(8, 'behind'),
  ];
  for (const bytes of contents) {
    appendFileSync(join(dataDirectory, `${TOPIC}-0`, '00000000000000000000.log'), bytes);
  }
  rmSync(join(dataDirectory, '.kafka_cleanshutdown'));
  const broker = await startBroker({ port: 0, dataDirectory });
  t.after(() => broker.close());
  return connectTo(t, broker);
}

function offsetsIn(records: Buffer | null): number[] {
  return Array.from(batchesOf(records!), ({ baseOffset }) => baseOffset);
}

test('pitfall 95: read_committed ends before the first offset of the oldest open transaction', async (t) => {
  const client = await onTransactionalLog(t);
  const { records, lastStableOffset, highWatermark } = await fetch(client, { isolationLevel: 1 });
  assert.deepEqual([lastStableOffset, highWatermark], [7, 9]);
  assert.deepEqual(offsetsIn(records), [0, 1, 2, 3, 4, 5, 6]);
  const atTheEnd = await fetch(client, { isolationLevel: 1, offset: 7 });
  assert.deepEqual([atTheEnd.errorCode, atTheEnd.records!.length], [0, 0]);
});

test('pitfall 94: aborted transactions are listed by rising first offset, those that overlap what is read', async (t) => {
  const client = await onTransactionalLog(t);
  const aborted = async (offset: number) =>
    (await fetch(client, { isolationLevel: 1, offset })).abortedTransactions!.map(
      ({ producerId, firstOffset }) => [producerId, firstOffset],
    );
  assert.deepEqual(await aborted(0), [
    [1, 0],
    [1, 5],
  ]);
  assert.deepEqual(await aborted(4), [[1, 5]]);
});

test('pitfall 93: read_uncommitted gets all records and no list', async (t) => {
  const client = await onTransactionalLog(t);
  const { records, abortedTransactions } = await fetch(client);
  assert.deepEqual(offsetsIn(records), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(abortedTransactions, null);
});

test('pitfall 97: control batches are sent from v4 on and left out before, and use up an offset each', async (t) => {
  const client = await onTransactionalLog(t);
  const isControl = async (version: number) =>
    Array.from(batchesOf((await fetch(client, { version, offset: 2 })).records!), (header) => [
      header.baseOffset,
      header.isControl,
    ]);
  assert.deepEqual((await isControl(4)).slice(0, 4), [
    [2, false],
    [3, true],
    [4, true],
    [5, false],
  ]);
  assert.deepEqual((await isControl(3)).slice(0, 2), [
    [2, false],
    [5, false],
  ]);
});
