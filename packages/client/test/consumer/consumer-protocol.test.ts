// Members under the consumer protocol of KIP-848, beside a coordinator that the tests script.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import type { ConsumerGroupHeartbeatRequest } from '@odradek/protocol/generated/consumer-group-heartbeat-request.ts';
import { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import type { GroupConsumerOptions } from '../../src/consumer/group-options.ts';
import { UnsupportedApiError } from '../../src/errors.ts';
import { until } from '../support/live-cluster.ts';
import { CUT, ScriptedBroker } from '../support/scripted-broker.ts';
import { ScriptedGroup } from '../support/scripted-group.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

let broker: ScriptedBroker;
let group: ScriptedGroup;
let consumers: GroupConsumer[];
/** What the member is to read, told with the next answer; null when nothing has changed. */
let news: number[] | null;
let epoch: number;
let leaves: number[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  group = new ScriptedGroup(broker);
  consumers = [];
  news = [0];
  epoch = 1;
  leaves = [];
  broker.on(consumerGroupHeartbeatApi, (request) => good(request));
  broker.on(listOffsetsApi, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: 0,
        timestamp: -1,
        offset: 0,
      })),
    })),
  }));
});

afterEach(async () => {
  await Promise.allSettled(consumers.map((consumer) => consumer.close(500)));
  await broker.close();
});

function good({ memberEpoch, memberId }: ConsumerGroupHeartbeatRequest): object {
  if (memberEpoch < 0) leaves.push(memberEpoch);
  const partitions = news;
  news = null;
  return {
    errorCode: 0,
    memberId,
    memberEpoch: memberEpoch < 0 ? memberEpoch : epoch,
    heartbeatIntervalMs: 15,
    assignment:
      partitions === null
        ? null
        : { topicPartitions: partitions.length === 0 ? [] : [{ topicId: TOPIC_ID, partitions }] },
  };
}

function refusal(errorCode: number): object {
  return {
    errorCode,
    errorMessage: null,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  };
}

function consumerOf(options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
  const consumer = new GroupConsumer({
    bootstrapServers: broker.bootstrapServers,
    groupId: 'g',
    topics: ['t'],
    groupProtocol: 'consumer',
    offsetReset: 'earliest',
    fetchMaxWaitMs: 10,
    retryBackoffMs: 5,
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

async function offsetOfNext(consumer: GroupConsumer): Promise<number> {
  for (;;) {
    for (const { records } of await consumer.poll(1_000)) if (records.length > 0) return records[0]!.offset;
  }
}

function beats(): ConsumerGroupHeartbeatRequest[] {
  return broker.bodies(consumerGroupHeartbeatApi);
}

test('client pitfall F1: heartbeats name only what has changed; after a lost answer they name everything', async () => {
  const consumer = consumerOf();
  await offsetOfNext(consumer);
  await until(() => beats().length >= 5);
  const [join, ...others] = beats();
  assert.deepEqual([join!.memberEpoch, join!.subscribedTopicNames, join!.topicPartitions], [0, ['t'], []]);
  const told = others.filter(({ topicPartitions }) => topicPartitions !== null);
  assert.deepEqual(
    told.map(({ topicPartitions }) => topicPartitions),
    [[{ topicId: TOPIC_ID, partitions: [0] }]],
    'said once that the partition is read',
  );
  assert.ok(others.every(({ subscribedTopicNames }) => subscribedTopicNames === null));

  let isLost = true;
  broker.on(consumerGroupHeartbeatApi, (request) => {
    if (!isLost) return good(request);
    isLost = false;
    return CUT;
  });
  const before = beats().length;
  await until(() => beats().length >= before + 3);
  const again = beats().slice(before);
  assert.deepEqual(again[1]!.subscribedTopicNames, ['t']);
  assert.equal(again[1]!.memberEpoch, 1);
  assert.equal(again[2]!.subscribedTopicNames, null);
});

test('client pitfall F2: one heartbeat at a time, however slow the answers', async () => {
  let underWay = 0;
  let most = 0;
  broker.on(consumerGroupHeartbeatApi, async (request) => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 12));
    underWay--;
    return good(request);
  });
  const consumer = consumerOf();
  await offsetOfNext(consumer);
  await until(() => beats().length >= 6);
  assert.equal(most, 1);
});

test('client pitfall F3: a topic id without a name yet: the rest is read, and the topic once it has one', async () => {
  const unknown = 'AAAAAAAAAAAAAAAAAAAAAg';
  let hasName = false;
  broker.on(metadataApi, () => {
    const cluster = broker.clusterOf('t', 2) as { topics: { name: string; topicId: string }[] };
    if (hasName) cluster.topics.push({ ...cluster.topics[0]!, name: 'late', topicId: unknown });
    return cluster;
  });
  let isFirst = true;
  broker.on(consumerGroupHeartbeatApi, (request) => {
    const answer = good(request) as { assignment: { topicPartitions: object[] } | null };
    if (isFirst) answer.assignment!.topicPartitions.push({ topicId: unknown, partitions: [1] });
    isFirst = false;
    return answer;
  });
  const consumer = consumerOf({ topics: ['t', 'late'], metadataMaxAgeMs: 20 });
  await offsetOfNext(consumer);
  assert.deepEqual(consumer.assignment, [{ topic: 't', partition: 0 }]);
  hasName = true;
  await until(async () => {
    await consumer.poll(5);
    return consumer.assignment.length === 2;
  });
});

test('partitions are given up first and said to be; new ones are taken beside those that are kept', async () => {
  const told: string[] = [];
  const partitions = [0, 1].map((partitionIndex) => ({
    partitionIndex,
    errorCode: 0,
    timestamp: -1,
    offset: 0,
  }));
  broker.on(listOffsetsApi, () => ({ topics: [{ name: 't', partitions }] }));
  const consumer = consumerOf({
    onAssigned: (partitions) => void told.push(`+${partitions.map(({ partition }) => partition).join()}`),
    onRevoked: (partitions) => void told.push(`-${partitions.map(({ partition }) => partition).join()}`),
  });
  await offsetOfNext(consumer);
  news = [0, 1];
  await until(async () => (await consumer.poll(5), consumer.assignment.length === 2));
  news = [1];
  await until(async () => (await consumer.poll(5), consumer.assignment.length === 1));
  await until(
    () =>
      JSON.stringify(beats().findLast((beat) => beat.topicPartitions !== null)?.topicPartitions) ===
      JSON.stringify([{ topicId: TOPIC_ID, partitions: [1] }]),
  );
  assert.deepEqual(told, ['+0', '+1', '-0']);
});

for (const code of [ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID]) {
  test(`client pitfall F8: code ${code}: lost, not revoked, nothing committed, and back under the same id`, async () => {
    const lost: number[] = [];
    const consumer = consumerOf({
      onLost: (partitions) => void lost.push(...partitions.map(({ partition }) => partition)),
      onRevoked: () => assert.fail('revoked'),
      autoCommitIntervalMs: 0,
    });
    await offsetOfNext(consumer);
    let isFenced = false;
    broker.on(consumerGroupHeartbeatApi, (request) => {
      if (isFenced) return good(request);
      isFenced = true;
      news = [0];
      return refusal(code);
    });
    await until(() => isFenced);
    assert.equal(await offsetOfNext(consumer), 0, 'from what is committed');
    assert.deepEqual(lost, [0]);
    assert.equal(group.commits.length, 0);
    const joins = beats().filter(({ memberEpoch }) => memberEpoch === 0);
    assert.equal(joins.length, 2);
    assert.equal(joins[0]!.memberId, joins[1]!.memberId);
  });
}

test('client pitfall F5: fenced while partitions are being given up: nothing of it is committed, and the member is back', async () => {
  let release: (() => void) | null = null;
  const lost: number[] = [];
  const consumer = consumerOf({
    autoCommitIntervalMs: 0,
    onRevoked: () => (release === null ? new Promise<void>((resolve) => (release = resolve)) : undefined),
    onLost: (partitions) => void lost.push(partitions.length),
  });
  await offsetOfNext(consumer);
  news = [];
  await until(async () => (await consumer.poll(1), release !== null));
  let isFenced = false;
  broker.on(consumerGroupHeartbeatApi, (request) => {
    if (isFenced) return good(request);
    isFenced = true;
    news = [0];
    return refusal(ErrorCode.FENCED_MEMBER_EPOCH);
  });
  await until(() => isFenced && consumer.assignment.length === 0);
  const before = group.commits.length;
  consumer.markProcessed([{ topic: 't', partition: 0, offset: 3 }]);
  release!();
  assert.equal(await offsetOfNext(consumer), 0);
  assert.equal(group.commits.length, before);
  assert.deepEqual(lost, [1]);
});

test('client pitfall F9: a commit with an epoch that was current a moment ago is sent again with the newest', async () => {
  const consumer = consumerOf({ autoCommitIntervalMs: 0 });
  await offsetOfNext(consumer);
  broker.on(offsetCommitApi, (request) => {
    if (request.generationIdOrMemberEpoch === 2) return group.commit(request);
    epoch = 2;
    return group.commit(request, ErrorCode.STALE_MEMBER_EPOCH);
  });
  await consumer.commit([{ topic: 't', partition: 0, offset: 1 }]);
  assert.deepEqual(
    group.commits.map(({ offset, generation }) => [offset, generation]),
    [[1, 2]],
  );
});

test('client pitfall F7: close commits, then leaves, though a heartbeat is under way; a static member says that it comes back', async () => {
  for (const [instanceId, said] of [
    [undefined, -1],
    ['one', -2],
  ] as const) {
    const consumer = consumerOf(instanceId === undefined ? {} : { instanceId });
    news = [0];
    leaves = [];
    await offsetOfNext(consumer);
    await consumer.poll(0);
    let release: (() => void) | null = null;
    broker.on(consumerGroupHeartbeatApi, async (request) => {
      if (request.memberEpoch >= 0) await new Promise<void>((resolve) => (release = resolve));
      return good(request);
    });
    await until(() => release !== null);
    const closed = consumer.close();
    // Answers of one connection come in order.
    release!();
    await closed;
    assert.deepEqual(leaves, [said]);
    assert.equal(group.commits.length, 1);
    const [commit, leave] = broker.requests.slice(-2);
    assert.deepEqual([commit!.name, leave!.name], ['OffsetCommit', 'ConsumerGroupHeartbeat']);
    assert.equal(broker.bodies(leaveGroupApi).length, 0);
    group.commits.length = 0;
    broker.on(consumerGroupHeartbeatApi, (request) => good(request));
  }
});

test('what ends a membership for good comes out of the next poll', async () => {
  broker.on(consumerGroupHeartbeatApi, () => refusal(ErrorCode.UNSUPPORTED_ASSIGNOR));
  const consumer = consumerOf({ serverAssignor: 'mine' });
  await assert.rejects(
    async () => {
      for (;;) await consumer.poll(100);
    },
    { code: ErrorCode.UNSUPPORTED_ASSIGNOR },
  );
});

test('a cluster that does not serve the protocol is named as what is missing, whether it knows it or not', async () => {
  const polled = async (): Promise<void> => {
    const consumer = consumerOf();
    for (;;) await consumer.poll(100);
  };
  // Apache Kafka 3.9 knows the request, and refuses it unless it is told otherwise.
  broker.on(consumerGroupHeartbeatApi, () => refusal(ErrorCode.UNSUPPORTED_VERSION));
  await assert.rejects(polled(), (error) => {
    assert.ok(error instanceof UnsupportedApiError);
    assert.match(error.message, /group "g".* serves no groupProtocol 'consumer', only 'classic'/);
    return true;
  });
  const served = broker.apiKeys().filter(({ apiKey }) => apiKey !== consumerGroupHeartbeatApi.key);
  broker.on(apiVersionsApi, () => ({ errorCode: 0, apiKeys: served }));
  broker.cutAll();
  const asked = broker.bodies(consumerGroupHeartbeatApi).length;
  await assert.rejects(polled(), {
    code: 'UNSUPPORTED_API',
    message: /does not serve ConsumerGroupHeartbeat/,
  });
  assert.equal(broker.bodies(consumerGroupHeartbeatApi).length, asked);
});

test('settings of the other protocol are refused by name', () => {
  assert.throws(
    () => consumerOf({ assignors: ['range'] }),
    /assignors has no effect with groupProtocol consumer/,
  );
  assert.throws(
    () => consumerOf({ groupProtocol: 'classic', serverAssignor: 'x' }),
    /serverAssignor has no effect/,
  );
});
