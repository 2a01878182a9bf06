import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { createTopic, deleteTopic } from '../../src/admin/topics.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import { TopicSelection } from '../../src/consumer/topic-selection.ts';
import { LiveCluster, until } from '../support/live-cluster.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';
import { ScriptedGroup } from '../support/scripted-group.ts';

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

afterEach(() => live.closeConsumers());

after(() => live.stop());

test('topics that match come to be read, others do not, and one that goes leaves the rest alone', async () => {
  const prefix = live.newName('pattern');
  const create = async (name: string): Promise<void> => {
    await createTopic(live.cluster, { name, partitions: 1 });
    await live.fill(name, 1, 0, 1);
  };
  await create(`${prefix}.a`);
  await create(`not-${prefix}.a`);
  const consumer = live.consumer({
    groupId: live.newName('group'),
    topics: [new RegExp(`^${prefix}\\.`, 'g')],
    metadataMaxAgeMs: 60,
    assignors: ['cooperative-sticky'],
  });
  const read: string[] = [];
  const running = consumer.run({ eachMessage: ({ topic }) => void read.push(topic) });
  await until(() => read.length === 1);
  await create(`${prefix}.b`);
  await until(() => read.length === 2);
  await deleteTopic(live.cluster, `${prefix}.a`);
  await until(() => consumer.assignment.length === 1);
  await live.fill(`${prefix}.b`, 1, 1, 2);
  await until(() => read.length === 3);
  assert.deepEqual(read, [`${prefix}.a`, `${prefix}.b`, `${prefix}.b`]);
  await consumer.close();
  await running;
});

test('an expression that nothing matches yet waits for what comes', async () => {
  const name = live.newName('later');
  const consumer = live.consumer({
    groupId: live.newName('group'),
    topics: [new RegExp(`^${name}$`)],
    metadataMaxAgeMs: 40,
  });
  assert.deepEqual(await consumer.poll(100), []);
  await createTopic(live.cluster, { name, partitions: 1 });
  await live.fill(name, 1, 0, 1);
  await until(async () => (await consumer.poll(50)).length === 1);
});

test('what brokers keep for themselves, and what this client may not see, matches nothing', async () => {
  const broker = await ScriptedBroker.start();
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers, metadataMaxAgeMs: 10 });
  try {
    const described = (name: string, isInternal: boolean, errorCode: number): object => ({
      ...(broker.clusterOf(name, 1) as { topics: object[] }).topics[0],
      isInternal,
      errorCode,
    });
    let topics = [
      described('b', false, 0),
      described('__consumer_offsets', true, 0),
      described('secret', false, ErrorCode.TOPIC_AUTHORIZATION_FAILED),
      described('a', false, 0),
    ];
    broker.on(metadataApi, () => ({ ...broker.clusterOf('t', 1), topics }));
    let changes = 0;
    const selection = new TopicSelection(cluster, ['named', /./], () => changes++);
    assert.deepEqual(selection.names, ['named']);
    await Promise.all([selection.learn(), selection.learn()]);
    assert.equal(broker.bodies(metadataApi).length, 1, 'one look for all who want to know');
    assert.deepEqual(selection.names, ['named', 'a', 'b']);
    const before = selection.names;
    await until(async () => {
      await selection.learn();
      return broker.bodies(metadataApi).length > 1;
    });
    assert.equal(selection.names, before, 'the same as long as nothing changes');
    assert.equal(changes, 1);
    topics = topics.slice(1);
    await until(() => {
      selection.renew();
      return changes === 2;
    });
    assert.deepEqual(selection.names, ['named', 'a']);
  } finally {
    cluster.close();
    await broker.close();
  }
});

test('client pitfall F4: what the coordinator has chosen by its expression is read, whatever was asked for by name', async () => {
  const broker = await ScriptedBroker.start();
  const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ';
  try {
    new ScriptedGroup(broker).generation = 0;
    broker.on(metadataApi, ({ topics }) => {
      const isKnown = topics?.some((topic) => topic.topicId === topicId || topic.name === 't') === true;
      return isKnown ? broker.clusterOf('t', 1) : { ...broker.clusterOf('t', 1), topics: [] };
    });
    broker.on(consumerGroupHeartbeatApi, ({ memberEpoch, memberId }) => ({
      errorCode: 0,
      memberId,
      memberEpoch: Math.max(memberEpoch, 1),
      heartbeatIntervalMs: 20,
      assignment: memberEpoch === 0 ? { topicPartitions: [{ topicId, partitions: [0] }] } : null,
    }));
    const consumer = new GroupConsumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: 'g',
      topics: [],
      serverTopicPattern: 't.*',
      groupProtocol: 'consumer',
      offsetReset: 'earliest',
      fetchMaxWaitMs: 5,
    });
    await until(async () => (await consumer.poll(50)).length > 0);
    const [join] = broker.bodies(consumerGroupHeartbeatApi);
    assert.deepEqual([join!.subscribedTopicNames, join!.subscribedTopicRegex], [[], 't.*']);
    await consumer.close(200);
  } finally {
    await broker.close();
  }
});

test('bad expressions are refused, with what is allowed', () => {
  const bad = [
    { topics: [] },
    { topics: [7 as never] },
    { topics: [], serverTopicPattern: '' },
    { topics: ['t'], serverTopicPattern: 't.*' },
  ];
  for (const options of bad) {
    const make = (): GroupConsumer =>
      new GroupConsumer({ bootstrapServers: 'localhost:1', groupId: 'g', ...options });
    assert.throws(make, { code: 'BAD_OPTION' });
  }
});
