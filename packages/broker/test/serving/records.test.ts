import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startBroker } from '@odradek/broker';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import { describeLogDirsApi } from '@odradek/protocol/generated/apis/describe-log-dirs.ts';
import { describeProducersApi } from '@odradek/protocol/generated/apis/describe-producers.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { offsetForLeaderEpochApi } from '@odradek/protocol/generated/apis/offset-for-leader-epoch.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { batchesOf, CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import type { RawClient } from './raw-client.ts';
import {
  batchOf,
  connectTo,
  createTopic,
  fetch,
  fetchRequest,
  produce,
  produceRequest,
  TOPIC,
  withBroker,
} from './with-broker.ts';

const PRODUCE_VERSIONS_V2 = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

function valuesIn(records: Buffer | null): string[] {
  return [...batchesOf(records!)].flatMap((batch) =>
    decodeBatch(batch, 1_000_000).map((record) => record.value!.toString()),
  );
}

async function listOffset(client: RawClient, timestamp: number, version = 7, isolationLevel = 0) {
  const { topics } = await client.request(listOffsetsApi, version, {
    replicaId: -1,
    isolationLevel: version >= 2 ? isolationLevel : undefined,
    topics: [
      {
        name: TOPIC,
        partitions: [{ partitionIndex: 0, timestamp, ...(version === 0 ? { maxNumOffsets: 5 } : {}) }],
      },
    ],
  });
  return topics[0]!.partitions[0]!;
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('what is produced in any version is fetched in any version', async (t) => {
  const { client } = await withBroker(t);
  const expected: string[] = [];
  for (const version of PRODUCE_VERSIONS_V2) {
    const value = `from v${version}`;
    const result = await produce(client, batchOf([value]), { version });
    assert.equal(result.errorCode, 0);
    assert.equal(result.baseOffset, expected.length);
    expected.push(value);
  }
  for (let version = 0; version <= 12; version++) {
    const { records, errorCode } = await fetch(client, { version });
    assert.equal(errorCode, 0);
    assert.deepEqual(valuesIn(records), expected, `fetch v${version}`);
  }
});

test('every compression comes back as it was sent', async (t) => {
  const { client } = await withBroker(t);
  for (const compression of Object.values(CompressionType)) {
    const values = [`a${compression}`.repeat(100), 'b'];
    const { baseOffset } = await produce(client, batchOf(values, { compression }));
    const { records } = await fetch(client, { offset: baseOffset });
    assert.deepEqual(valuesIn(records), values);
    assert.equal([...batchesOf(records!)][0]!.compression, compression);
  }
});

test('pitfall 56: acks other than -1, 0, 1 are refused per partition', async (t) => {
  const { client } = await withBroker(t);
  const { errorCode, baseOffset } = await produce(client, batchOf(['x']), { acks: 2 });
  assert.equal(errorCode, ErrorCode.INVALID_REQUIRED_ACKS);
  assert.equal(baseOffset, -1);
});

test('pitfall 57: from v3 on exactly one batch of magic 2; zstd not below v7', async (t) => {
  const { client } = await withBroker(t);
  const two = Buffer.concat([batchOf(['a']), batchOf(['b'])]);
  assert.equal((await produce(client, two)).errorCode, ErrorCode.INVALID_RECORD);
  const zstd = batchOf(['z'], { compression: CompressionType.ZSTD });
  assert.equal(
    (await produce(client, zstd, { version: 6 })).errorCode,
    ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  );
  assert.equal((await produce(client, zstd, { version: 7 })).errorCode, 0);
});

test('pitfall 61: one result per partition, grouped by topic', async (t) => {
  const { client } = await withBroker(t);
  const { responses } = await client.request(produceApi, 9, {
    acks: 1,
    timeoutMs: 1000,
    topicData: [
      {
        name: TOPIC,
        partitionData: [
          { index: 1, records: batchOf(['a']) },
          { index: 0, records: batchOf(['b']) },
        ],
      },
      { name: 'nowhere', partitionData: [{ index: 0, records: batchOf(['c']) }] },
    ],
  });
  assert.deepEqual(
    responses.map(({ name, partitionResponses }) => [
      name,
      ...partitionResponses.map(({ index, errorCode }) => [index, errorCode]),
    ]),
    [
      [TOPIC, [1, 0], [0, 0]],
      ['nowhere', [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
    ],
  );
});

test('pitfall 62: no leader is hinted at unless the error is about leaders', async (t) => {
  const { client } = await withBroker(t);
  const none = { leaderId: -1, leaderEpoch: -1 };
  assert.deepEqual((await produce(client, batchOf(['a']), { version: 10 })).currentLeader, none);
  const unknown = await produce(client, batchOf(['a']), { version: 10, topic: 'nowhere' });
  assert.deepEqual(unknown.currentLeader, none);
});

test('pitfall 63: the append time is told for LogAppendTime and is -1 otherwise', async (t) => {
  const { client } = await withBroker(t);
  await createTopic(client, 'stamped', 1, [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]);
  assert.equal((await produce(client, batchOf(['a']))).logAppendTimeMs, -1);
  const before = Date.now();
  const stamped = await produce(client, batchOf(['a']), { topic: 'stamped' });
  assert.ok(stamped.logAppendTimeMs >= before);
});

test('pitfall 64: a null key on a compacted topic is refused with the record at fault', async (t) => {
  const { client } = await withBroker(t);
  await createTopic(client, 'compacted', 1, [{ name: 'cleanup.policy', value: 'compact' }]);
  const result = await produce(client, batchOf(['a', 'b']), { topic: 'compacted' });
  assert.equal(result.errorCode, ErrorCode.INVALID_RECORD);
  assert.deepEqual(
    result.recordErrors.map(({ batchIndex }) => batchIndex),
    [0, 1],
  );
  assert.notEqual(result.errorMessage, null);
});

test('pitfall 65: a batch above max.message.bytes is too large', async (t) => {
  const { client } = await withBroker(t);
  await createTopic(client, 'small', 1, [{ name: 'max.message.bytes', value: '200' }]);
  const result = await produce(client, batchOf(['x'.repeat(300)]), { topic: 'small' });
  assert.equal(result.errorCode, ErrorCode.MESSAGE_TOO_LARGE);
});

test('pitfalls 71 and 72: a transactional batch outside of any transaction is refused and not written', async (t) => {
  const { client } = await withBroker(t);
  const records = batchOf(['x'], { producerId: 5, producerEpoch: 0, baseSequence: 0, isTransactional: true });
  const codeOf = async (version: number, transactionalId: string | null): Promise<number> => {
    const request = { ...produceRequest(records), transactionalId };
    const { responses } = await client.request(produceApi, version, request);
    return responses[0]!.partitionResponses[0]!.errorCode;
  };
  assert.equal(await codeOf(9, null), ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  assert.equal(await codeOf(10, 'someone'), ErrorCode.INVALID_TXN_STATE);
  assert.equal(await codeOf(11, 'someone'), ErrorCode.TRANSACTION_ABORTABLE);
  assert.equal((await fetch(client)).highWatermark, 0);
});

test('pitfall 73: internal topics are not written to by clients, but by the admin client', async (t) => {
  const { client } = await withBroker(t);
  await client.request(findCoordinatorApi, 3, { key: 'g', keyType: 0 });
  const topic = '__consumer_offsets';
  assert.equal(
    (await produce(client, batchOf(['x']), { topic })).errorCode,
    ErrorCode.INVALID_TOPIC_EXCEPTION,
  );
  const request = produceRequest(batchOf(['x']), { topic });
  const { responses } = await client.request(produceApi, 9, request, '__admin_client');
  assert.notEqual(responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION);
});

test('a damaged batch is refused as corrupt', async (t) => {
  const { client } = await withBroker(t);
  const batch = batchOf(['x']);
  batch[batch.length - 2]! ^= 1;
  assert.equal((await produce(client, batch)).errorCode, ErrorCode.CORRUPT_MESSAGE);
});

test('an idempotent producer: duplicates get their first offset, gaps are refused, also after a restart', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const first = await withBroker(t, { dataDirectory });
  const { producerId } = await first.client.request(initProducerIdApi, 4, {
    transactionalId: null,
    transactionTimeoutMs: 0,
  });
  const numbered = (baseSequence: number) =>
    batchOf(['x', 'y'], { producerId, producerEpoch: 0, baseSequence });
  assert.equal((await produce(first.client, numbered(0))).baseOffset, 0);
  assert.equal((await produce(first.client, numbered(2))).baseOffset, 2);
  assert.deepEqual(pick(await produce(first.client, numbered(0))), [0, 0]);
  assert.equal((await produce(first.client, numbered(8))).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  await first.broker.close();

  const broker = await startBroker({ port: 0, dataDirectory });
  t.after(() => broker.close());
  const client = await connectTo(t, broker);
  assert.deepEqual(pick(await produce(client, numbered(2))), [0, 2]);
  assert.deepEqual(pick(await produce(client, numbered(4))), [0, 4]);
  const described = await client.request(describeProducersApi, 0, {
    topics: [{ name: TOPIC, partitionIndexes: [0] }],
  });
  const [producer] = described.topics[0]!.partitions[0]!.activeProducers;
  assert.equal(producer?.producerId, producerId);
  assert.equal(producer?.lastSequence, 5);
});

function pick({ errorCode, baseOffset }: { errorCode: number; baseOffset: number }): number[] {
  return [errorCode, baseOffset];
}

test('pitfall 150: each InitProducerId without a transactional id gives a fresh id with epoch 0', async (t) => {
  const { client } = await withBroker(t);
  const init = (change: object) =>
    client.request(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 0, ...change });
  const one = await init({});
  const two = await init({});
  assert.notEqual(one.producerId, two.producerId);
  assert.equal(two.producerEpoch, 0);
  assert.equal((await init({ transactionalId: '' })).errorCode, ErrorCode.INVALID_REQUEST);
  assert.equal((await init({ producerId: 5 })).errorCode, ErrorCode.INVALID_REQUEST);
});

test('pitfalls 74 and 75: an empty answer has records of no bytes and all positions; an error has none', async (t) => {
  const { client } = await withBroker(t);
  const empty = await fetch(client);
  assert.deepEqual(
    [empty.records?.length, empty.highWatermark, empty.lastStableOffset, empty.logStartOffset],
    [0, 0, 0, 0],
  );
  const failed = await fetch(client, { offset: 5 });
  assert.equal(failed.errorCode, ErrorCode.OFFSET_OUT_OF_RANGE);
  assert.deepEqual([failed.records?.length, failed.highWatermark], [0, -1]);
});

test('pitfall 76: an error names the partition that was asked for', async (t) => {
  const { client } = await withBroker(t);
  const failed = await fetch(client, { partition: 7 });
  assert.deepEqual([failed.partitionIndex, failed.errorCode], [7, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
});

test('pitfalls 93 and 96: read_committed works without transactions; read_uncommitted gets no aborted list', async (t) => {
  const { client } = await withBroker(t);
  await produce(client, batchOf(['a']));
  const committed = await fetch(client, { isolationLevel: 1 });
  assert.deepEqual([valuesIn(committed.records), committed.abortedTransactions], [['a'], []]);
  assert.equal((await fetch(client)).abortedTransactions, null);
});

test('pitfall 100: clients below v10 are refused a topic stored with zstd', async (t) => {
  const { client } = await withBroker(t);
  await createTopic(client, 'zstd', 1, [{ name: 'compression.type', value: 'zstd' }]);
  await produce(client, batchOf(['a'.repeat(100)]), { topic: 'zstd' });
  const old = await fetch(client, { topic: 'zstd', version: 9 });
  assert.equal(old.errorCode, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  assert.equal((await fetch(client, { topic: 'zstd', version: 10 })).errorCode, 0);
});

test('fetch by topic id: sessions, unknown ids and names', async (t) => {
  const { client } = await withBroker(t);
  await produce(client, batchOf(['a']));
  const metadata = await client.request(metadataApi, 12, { topics: [{ name: TOPIC }] });
  const { topicId } = metadata.topics[0]!;
  const ask = (id: string, sessionId: number, sessionEpoch: number, fetchOffset: number) =>
    client.request(fetchApi, 13, {
      ...fetchRequest(),
      sessionId,
      sessionEpoch,
      topics: [{ topicId: id, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1000 }] }],
    });
  const full = await ask(topicId, 0, 0, 0);
  assert.equal(full.responses[0]?.topicId, topicId);
  assert.notEqual(full.sessionId, 0);
  const next = await ask(topicId, full.sessionId, 1, 1);
  assert.deepEqual([next.sessionId, next.errorCode, next.responses.length], [full.sessionId, 0, 0]);
  const unknown = await ask('zzzzzzzzzzzzzzzzzzzzzw', 0, -1, 0);
  assert.equal(unknown.responses[0]?.partitions[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_ID);
});

test('pitfalls 105 to 108: the special timestamps, each from its version on', async (t) => {
  const { client } = await withBroker(t);
  const timestamp = Date.now();
  await produce(client, batchOf(['a', 'b', 'c']));
  assert.deepEqual((await listOffset(client, -1, 0)).oldStyleOffsets, [3, 0]);
  assert.deepEqual((await listOffset(client, -2, 0)).oldStyleOffsets, [0]);
  assert.deepEqual(place(await listOffset(client, -1)), [0, 3, -1]);
  assert.deepEqual(place(await listOffset(client, -2)), [0, 0, -1]);
  const max = await listOffset(client, -3);
  assert.equal(max.errorCode, 0);
  assert.ok(max.timestamp >= timestamp);
  assert.equal((await listOffset(client, -3, 6)).errorCode, ErrorCode.UNSUPPORTED_VERSION);
  assert.equal((await listOffset(client, -4, 7)).errorCode, ErrorCode.UNSUPPORTED_VERSION);
  assert.deepEqual(place(await listOffset(client, -4, 8)), [0, 0, -1]);
  assert.deepEqual(place(await listOffset(client, timestamp + 100_000)), [0, -1, -1]);
  assert.equal((await listOffset(client, timestamp)).offset, 0);
  assert.deepEqual(place(await listOffset(client, -1, 7, 1)), [0, 3, -1]);
});

function place({ errorCode, offset, timestamp }: { errorCode: number; offset: number; timestamp: number }) {
  return [errorCode, offset, timestamp];
}

test('pitfall 111: a partition named twice is an invalid request', async (t) => {
  const { client } = await withBroker(t);
  const twice = { partitionIndex: 0, timestamp: -1 };
  const { topics } = await client.request(listOffsetsApi, 7, {
    replicaId: -1,
    topics: [{ name: TOPIC, partitions: [twice, twice] }],
  });
  assert.deepEqual(
    topics[0]!.partitions.map(({ errorCode }) => errorCode),
    [ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST],
  );
});

test('pitfall 112: the current epoch ends at the end of the log, an unknown one nowhere', async (t) => {
  const { client } = await withBroker(t);
  await produce(client, batchOf(['a']));
  const ask = async (leaderEpoch: number) => {
    const { topics } = await client.request(offsetForLeaderEpochApi, 3, {
      replicaId: -2,
      topics: [{ topic: TOPIC, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch }] }],
    });
    return topics[0]!.partitions[0]!;
  };
  const current = await ask(0);
  assert.deepEqual([current.errorCode, current.leaderEpoch, current.endOffset], [0, 0, 1]);
  const unknown = await ask(9);
  assert.deepEqual([unknown.errorCode, unknown.leaderEpoch, unknown.endOffset], [0, -1, -1]);
});

test('pitfall 177: records are deleted up to an offset or the high watermark, and not beyond', async (t) => {
  const { client } = await withBroker(t);
  await produce(client, batchOf(['a', 'b', 'c']));
  const remove = async (offset: number, name = TOPIC) => {
    const { topics } = await client.request(deleteRecordsApi, 2, {
      topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }],
      timeoutMs: 1000,
    });
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
    return [errorCode, lowWatermark];
  };
  assert.deepEqual(await remove(2), [0, 2]);
  assert.equal((await fetch(client, { offset: 1 })).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE);
  assert.equal((await listOffset(client, -2)).offset, 2);
  assert.deepEqual(await remove(4), [ErrorCode.OFFSET_OUT_OF_RANGE, -1]);
  assert.deepEqual(await remove(-1), [0, 3]);
  await createTopic(client, 'compacted', 1, [{ name: 'cleanup.policy', value: 'compact' }]);
  assert.deepEqual(await remove(0, 'compacted'), [ErrorCode.POLICY_VIOLATION, -1]);
});

test('pitfall 68: a topic made anew has nothing of the old one', async (t) => {
  const { client } = await withBroker(t);
  const numbered = batchOf(['x'], { producerId: 77, producerEpoch: 3, baseSequence: 9 });
  assert.equal((await produce(client, numbered)).errorCode, 0);
  await client.request(deleteTopicsApi, 1, { topicNames: [TOPIC], timeoutMs: 5000 });
  await createTopic(client, TOPIC, 1);
  assert.equal((await fetch(client)).highWatermark, 0);
  assert.deepEqual(pick(await produce(client, numbered)), [0, 0]);
});

test('data and settings survive a restart', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const first = await withBroker(t, { dataDirectory });
  await createTopic(first.client, 'kept', 3, [{ name: 'retention.ms', value: '1234567' }]);
  await produce(first.client, batchOf(['still here']));
  await first.broker.close();
  const broker = await startBroker({ port: 0, dataDirectory });
  t.after(() => broker.close());
  const client = await connectTo(t, broker);
  assert.deepEqual(valuesIn((await fetch(client)).records), ['still here']);
  const metadata = await client.request(metadataApi, 9, { topics: [{ name: 'kept' }] });
  assert.equal(metadata.topics[0]?.partitions.length, 3);
  assert.equal(broker.clusterId, first.broker.clusterId);
});

test('the log directory is described with the size of each partition', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const { client } = await withBroker(t, { dataDirectory });
  const batch = batchOf(['x']);
  await produce(client, batch);
  const { results } = await client.request(describeLogDirsApi, 4, { topics: null });
  assert.equal(results[0]?.logDir, dataDirectory);
  assert.ok(results[0].totalBytes > 0);
  const partitions = results[0].topics.find(({ name }) => name === TOPIC)?.partitions;
  assert.deepEqual(
    partitions?.map(({ partitionIndex, partitionSize }) => [partitionIndex, partitionSize]).toSorted(),
    [
      [0, batch.length],
      [1, 0],
    ],
  );
});

test('transactions and share groups are refused with a reason', async (t) => {
  const { client } = await withBroker(t);
  for (const keyType of [1, 2]) {
    const { coordinators } = await client.request(findCoordinatorApi, 6, { keyType, coordinatorKeys: ['x'] });
    assert.equal(coordinators[0]?.errorCode, ErrorCode.INVALID_REQUEST);
    assert.match(coordinators[0]?.errorMessage ?? '', /not served/);
  }
});
