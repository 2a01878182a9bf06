import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { JoinGroupResponse } from '@odradek/protocol/generated/join-group-response.ts';
import type { OffsetCommitResponse } from '@odradek/protocol/generated/offset-commit-response.ts';
import type { OffsetFetchResponse } from '@odradek/protocol/generated/offset-fetch-response.ts';
import type { SyncGroupResponse } from '@odradek/protocol/generated/sync-group-response.ts';
import { joinGroupHandler } from '../../src/handlers/join-group.ts';
import { offsetCommitHandler } from '../../src/handlers/offset-commit.ts';
import { offsetFetchHandler } from '../../src/handlers/offset-fetch.ts';
import { syncGroupHandler } from '../../src/handlers/sync-group.ts';
import { GroupBroker } from './group-broker.ts';

const GROUP = 'the-group';

function commitRequest(offset: number, partitionIndex = 0) {
  return {
    groupId: GROUP,
    topics: [
      { name: 'topic', partitions: [{ partitionIndex, committedOffset: offset, committedMetadata: 'note' }] },
    ],
  };
}

async function commit(broker: GroupBroker, offset: number): Promise<number> {
  const response = (await broker.send(offsetCommitHandler, 5, commitRequest(offset))) as OffsetCommitResponse;
  return response.topics[0]!.partitions[0]!.errorCode;
}

async function committed(broker: GroupBroker): Promise<(number | string | null)[]> {
  const request = { groupId: GROUP, topics: [{ name: 'topic', partitionIndexes: [0] }] };
  const response = (await broker.send(offsetFetchHandler, 5, request)) as OffsetFetchResponse;
  const partition = response.topics[0]?.partitions[0];
  return [response.errorCode, partition?.committedOffset ?? null, partition?.metadata ?? null];
}

test('the first who looks for a coordinator makes the topic, and the broker coordinates at once', async () => {
  const broker = new GroupBroker();
  broker.createTopic('topic');
  assert.deepEqual(await committed(broker), [ErrorCode.NOT_COORDINATOR, null, null]);
  await broker.createOffsetsTopic();
  assert.deepEqual(await committed(broker), [0, -1, '']);
});

test('while the topic cannot be made there is no coordinator', async () => {
  const broker = new GroupBroker();
  broker.topicError = new KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, 'too few brokers');
  assert.equal(await broker.groups.coordinatorFor(GROUP), -1);
  broker.topicError = null;
  assert.equal(await broker.groups.coordinatorFor(GROUP), 1);
});

test('offsets survive a restart; until they are loaded the coordinator says so', async () => {
  const broker = new GroupBroker();
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  await broker.send(offsetCommitHandler, 5, commitRequest(41));
  await broker.send(offsetCommitHandler, 5, commitRequest(42));
  assert.deepEqual(await committed(broker), [0, 42, 'note']);
  broker.restart();
  assert.deepEqual(await committed(broker), [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, null, null]);
  assert.equal(broker.groups.listGroups().errorCode, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  broker.time.advance(0);
  assert.deepEqual(await committed(broker), [0, 42, 'note']);
  assert.deepEqual(broker.groups.listGroups().groups, [{ groupId: GROUP, protocolType: '', state: 'Empty' }]);
});

test('a log of many slices is loaded whole', async () => {
  const broker = new GroupBroker({ 'offsets.load.buffer.size': '1000' });
  broker.createTopic('topic', 300);
  await broker.createOffsetsTopic();
  for (let i = 0; i < 300; i++) await broker.send(offsetCommitHandler, 5, commitRequest(1000 + i, i));
  broker.restart();
  let slices = 0;
  while ((await committed(broker))[0] !== 0) {
    broker.time.advance(0);
    slices += 1;
    assert.ok(slices < 1000);
  }
  const all = await broker.request(offsetFetchHandler, 5, { groupId: GROUP, topics: null });
  const offsets = (all as OffsetFetchResponse).topics[0]!.partitions.map(
    (partition) => partition.committedOffset,
  );
  assert.deepEqual(
    offsets.sort(),
    Array.from({ length: 300 }, (_, i) => 1000 + i),
  );
});

test('F80: a record larger than the buffer is loaded, and a log that ends with a gap ends there', async () => {
  const broker = new GroupBroker({
    'offsets.load.buffer.size': '1',
    'offsets.topic.num.partitions': '1',
  });
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  const large = commitRequest(42);
  large.topics[0]!.partitions[0]!.committedMetadata = 'x'.repeat(4_000);
  await broker.send(offsetCommitHandler, 5, large);
  const { log } = broker.replicas.partition('__consumer_offsets', 0)!;
  log.skipTo(log.logEndOffset + 10);
  broker.restart();
  broker.time.advance(0);
  assert.deepEqual(await committed(broker), [0, 42, 'x'.repeat(4_000)]);
});

test('while a large log is loaded everything else has its turns', async () => {
  const broker = new GroupBroker({ 'offsets.topic.num.partitions': '1' });
  broker.createTopic('topic', 300);
  await broker.createOffsetsTopic();
  for (let i = 0; i < 300; i++) await broker.send(offsetCommitHandler, 5, commitRequest(1000 + i, i));
  let looks = 0;
  broker.time.monotonic = () => broker.time.now() + looks++;
  broker.restart();
  let turns = 0;
  while ((await committed(broker))[0] === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) {
    turns += 1;
    broker.time.step();
  }
  // 300 records, 16 between two looks at the clock, of which a turn has at most four.
  assert.ok(turns >= 5 && turns <= 30, `${turns} turns`);
  assert.deepEqual(await committed(broker), [0, 1000, 'note']);
});

test('F80: a log that cannot be read is tried again', async () => {
  const broker = new GroupBroker({ 'offsets.topic.num.partitions': '1' });
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  await broker.send(offsetCommitHandler, 5, commitRequest(7));
  broker.expectsErrors = true;
  broker.restart();
  const { log } = broker.replicas.partition('__consumer_offsets', 0)!;
  const read = log.read.bind(log);
  log.read = () => {
    throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'a disk that is gone');
  };
  broker.time.advance(999);
  assert.deepEqual(broker.errors, ['cannot load the consumer offsets']);
  assert.equal((await committed(broker))[0], ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  log.read = read;
  broker.time.advance(1);
  assert.deepEqual(await committed(broker), [0, 7, 'note']);
});

test('where an append is not even attempted, who waits for it is answered', async () => {
  const broker = new GroupBroker();
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  broker.expectsErrors = true;
  const append = broker.replicas.append.bind(broker.replicas);
  broker.replicas.append = () => {
    throw new RangeError('out of buffers');
  };
  assert.equal(await commit(broker, 7), ErrorCode.UNKNOWN_SERVER_ERROR);
  assert.deepEqual(broker.errors, ['cannot append to the consumer offsets']);
  broker.replicas.append = append;
  assert.equal(await commit(broker, 8), 0);
  const stable = { groups: [{ groupId: GROUP, topics: null }], requireStable: true };
  const { groups } = (await broker.send(offsetFetchHandler, 8, stable)) as OffsetFetchResponse;
  assert.equal(groups[0]!.topics[0]!.partitions[0]!.committedOffset, 8);
});

test('pitfall 194: losing the leadership sends everybody who waits elsewhere, and so all later requests', async () => {
  const broker = new GroupBroker();
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  await broker.send(offsetCommitHandler, 5, commitRequest(7));
  const join = (groupId: string) =>
    broker.send(joinGroupHandler, 3, {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    });
  const [leading, following] = [join('syncing'), join('syncing')];
  broker.time.advance(0);
  const { generationId } = (await leading) as JoinGroupResponse;
  const { memberId } = (await following) as JoinGroupResponse;
  const joining = join(GROUP);
  const syncing = broker.send(syncGroupHandler, 2, {
    groupId: 'syncing',
    generationId,
    memberId,
    assignments: [],
  });
  broker.resign();
  assert.equal(((await joining) as JoinGroupResponse).errorCode, ErrorCode.NOT_COORDINATOR);
  assert.equal(((await syncing) as SyncGroupResponse).errorCode, ErrorCode.NOT_COORDINATOR);
  assert.equal((await committed(broker))[0], ErrorCode.NOT_COORDINATOR);
  broker.lead();
  broker.time.advance(0);
  assert.deepEqual(await committed(broker), [0, 7, 'note']);
});

test('F83: a coordinator whose replica is taken away is none any more', async () => {
  const broker = new GroupBroker({ 'offsets.topic.num.partitions': '1' });
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  assert.equal(await commit(broker, 7), 0);
  broker.replicas.stopPartitions([{ topic: '__consumer_offsets', partition: 0, deleteLog: true }]);
  assert.equal(await commit(broker, 8), ErrorCode.NOT_COORDINATOR);
  assert.equal((await committed(broker))[0], ErrorCode.NOT_COORDINATOR);
});

test('pitfall 196: while offsets are loaded a commit is told so, by a code that clients retry for longer', async () => {
  const broker = new GroupBroker();
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  await commit(broker, 7);
  broker.restart();
  assert.equal(await commit(broker, 8), ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  broker.time.advance(0);
  assert.equal(await commit(broker, 9), 0);
});

test('offsets expire after the retention, and the group with them', async () => {
  const broker = new GroupBroker({
    'offsets.retention.minutes': '1',
    'offsets.retention.check.interval.ms': '1000',
  });
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  await broker.send(offsetCommitHandler, 5, commitRequest(7));
  broker.time.advance(59_000);
  assert.deepEqual(await committed(broker), [0, 7, 'note']);
  broker.time.advance(2_000);
  assert.deepEqual(await committed(broker), [0, -1, '']);
  assert.deepEqual(broker.groups.listGroups().groups, []);
  broker.restart();
  broker.time.advance(0);
  assert.deepEqual(await committed(broker), [0, -1, '']);
});

test('offsets of a deleted topic go', async () => {
  const broker = new GroupBroker();
  broker.createTopic('topic');
  await broker.createOffsetsTopic();
  await broker.send(offsetCommitHandler, 5, commitRequest(7));
  broker.deleteTopic('topic');
  assert.deepEqual(await committed(broker), [0, -1, '']);
});

test('after it has stopped the coordinator is not available', async () => {
  const broker = new GroupBroker();
  await broker.createOffsetsTopic();
  broker.groups.stop();
  assert.equal((await committed(broker))[0], ErrorCode.COORDINATOR_NOT_AVAILABLE);
  assert.equal(broker.groups.listGroups().errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
});
