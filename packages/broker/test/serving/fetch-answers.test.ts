import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startBroker } from '@odradek/broker';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { readAnswer, type RawClient } from './raw-client.ts';
import {
  batchOf,
  connectTo,
  createTopic,
  fetch,
  fetchRequest,
  produce,
  TOPIC,
  withBroker,
} from './with-broker.ts';

/** Any other code of a partition ends a Java consumer with an exception. */
const CODES_OF_JAVA_CONSUMERS: ReadonlySet<number> = new Set([
  ErrorCode.NONE,
  ErrorCode.OFFSET_OUT_OF_RANGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INCONSISTENT_TOPIC_ID,
  ErrorCode.UNKNOWN_SERVER_ERROR,
]);

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-fetch-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A broker on a log of three segments of one batch each, the first of them damaged while the broker was away. */
async function onDamagedLog(t: TestContext): Promise<RawClient> {
  const dataDirectory = temporaryDirectory(t);
  const before = await startBroker({ port: 0, dataDirectory });
  const client = await connectTo(t, before);
  await createTopic(client, TOPIC, 2, [{ name: 'segment.bytes', value: '100' }]);
  for (const value of ['one', 'two', 'three']) await produce(client, batchOf([value]));
  client.close();
  await before.close();
  const file = openSync(join(dataDirectory, `${TOPIC}-0`, '00000000000000000000.log'), 'r+');
  writeSync(file, Buffer.alloc(4, 0xff), 0, 4, 8);
  closeSync(file);
  const broker = await startBroker({ port: 0, dataDirectory });
  t.after(() => broker.close());
  return connectTo(t, broker);
}

test('pitfall 82: a damaged batch is CORRUPT_MESSAGE of its partition, and leaves the others and the connection alone', async (t) => {
  const client = await onDamagedLog(t);
  await produce(client, batchOf(['well']), { partition: 1 });
  const request = fetchRequest({ maxWaitMs: 50 });
  const [partition] = request.topics[0]!.partitions;
  request.topics[0]!.partitions.push({ ...partition!, partition: 1 });
  const { responses } = await client.request(fetchApi, 11, request);
  assert.deepEqual(
    responses[0]!.partitions.map(({ errorCode, records }) => [errorCode, records!.length > 0]),
    [
      [ErrorCode.CORRUPT_MESSAGE, false],
      [0, true],
    ],
  );
  const beyond = await fetch(client, { offset: 1 });
  assert.equal([...batchesOf(beyond.records!)][0]!.baseOffset, 1);
});

test('a damaged batch is CORRUPT_MESSAGE of its partition when its times are looked for', async (t) => {
  const client = await onDamagedLog(t);
  const { topics } = await client.request(listOffsetsApi, 5, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: 1 }] }],
  });
  assert.equal(topics[0]!.partitions[0]!.errorCode, ErrorCode.CORRUPT_MESSAGE);
});

test('pitfall 82: whatever is wrong with a partition, its code is one that Java consumers know', async (t) => {
  const { broker, client } = await withBroker(t);
  const mistakes = [{ topic: 'nowhere' }, { partition: 9 }, { offset: 5 }, { offset: -5 }];
  for (const mistake of mistakes) {
    const { errorCode } = await fetch(client, mistake);
    assert.ok(errorCode !== 0 && CODES_OF_JAVA_CONSUMERS.has(errorCode), JSON.stringify(mistake));
  }
  for (const currentLeaderEpoch of [0, 999]) {
    const request = fetchRequest();
    Object.assign(request.topics[0]!.partitions[0]!, { currentLeaderEpoch });
    const { responses } = await client.request(fetchApi, 12, request);
    assert.ok(CODES_OF_JAVA_CONSUMERS.has(responses[0]!.partitions[0]!.errorCode), `${currentLeaderEpoch}`);
  }
  const byId = {
    topicId: 'abcdefghijklmnopqrstuQ',
    partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
  };
  const { responses } = await client.request(fetchApi, 13, { ...fetchRequest(), topics: [byId] });
  assert.equal(responses[0]!.partitions[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_ID);

  const waiting = client.send(fetchApi, 11, fetchRequest({ maxWaitMs: 60_000 }));
  const other = await connectTo(t, broker);
  await other.request(deleteTopicsApi, 5, { topicNames: [TOPIC], timeoutMs: 5_000 });
  const deleted = readAnswer(fetchApi, 11, await client.nextFrame(), waiting).responses[0]!.partitions[0]!;
  assert.ok(deleted.errorCode !== 0 && CODES_OF_JAVA_CONSUMERS.has(deleted.errorCode));
});

test('pitfall 195: a fetch that waits while the broker stops is answered without an error', async (t) => {
  const { broker, client } = await withBroker(t);
  const id = client.send(fetchApi, 11, fetchRequest({ maxWaitMs: 60_000 }));
  const other = await connectTo(t, broker);
  await fetch(other);
  const stopped = broker.close();
  const { errorCode, responses } = readAnswer(fetchApi, 11, await client.nextFrame(), id);
  assert.deepEqual([errorCode, responses[0]!.partitions[0]!.errorCode], [0, 0]);
  client.close();
  other.close();
  await stopped;
});

test('pitfall 77: all partitions of a topic stand in one entry, however they were asked for', async (t) => {
  const { client } = await withBroker(t);
  await createTopic(client, 'other', 1);
  const topicOf = (topic: string, partition: number) => ({
    topic,
    partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000 }],
  });
  const request = { ...fetchRequest(), topics: [topicOf(TOPIC, 0), topicOf('other', 0), topicOf(TOPIC, 1)] };
  const { responses } = await client.request(fetchApi, 11, request);
  assert.deepEqual(
    responses.map(({ topic, partitions }) => [topic, partitions.map(({ partitionIndex }) => partitionIndex)]),
    [
      [TOPIC, [0, 1]],
      ['other', [0]],
    ],
  );
});

test('pitfall 101: there is no preferred replica, whatever rack the reader names', async (t) => {
  const { client } = await withBroker(t, { overrides: { 'broker.rack': 'a' } });
  await produce(client, batchOf(['here']));
  for (const rackId of ['', 'a', 'b']) {
    const { responses } = await client.request(fetchApi, 11, { ...fetchRequest(), rackId });
    const { preferredReadReplica, records } = responses[0]!.partitions[0]!;
    assert.deepEqual([preferredReadReplica, records!.length > 0], [-1, true]);
  }
});
