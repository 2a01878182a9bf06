import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import type { MetadataRequestInput } from '@odradek/protocol/generated/metadata-request.ts';
import type { MetadataResponse } from '@odradek/protocol/generated/metadata-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { metadataHandler } from '../../src/handlers/metadata.ts';
import { PromisedSession } from '../../../core/test/coordination/promised-session.ts';
import { assertCode, TopicWorld, versionsOf, type TopicWorldOptions } from '../topics/topic-world.ts';

const NOT_ASKED = -2147483648;

let world: TopicWorld;
beforeEach(async () => (world = await TopicWorld.start()));
afterEach(() => world.stop());

const ask = (
  version: number,
  input: MetadataRequestInput,
  listenerName?: string,
): Promise<MetadataResponse> => world.ask(metadataApi, metadataHandler, version, input, listenerName);
const topicNames = async (version: number, topics: { name: string }[] | null) =>
  (await ask(version, { topics })).topics.map(({ name }) => name).sort();
const named = (...names: string[]) => names.map((name) => ({ name }));

test('every version tells brokers, topics and leaders', async () => {
  const topicId = await world.createTopic('t', 2);
  for (const version of versionsOf(metadataHandler)) {
    const answer = await ask(version, { topics: named('t') });
    const what = `v${version}`;
    assert.deepEqual(
      answer.brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
      [{ nodeId: 0, host: 'localhost', port: 9092 }],
      what,
    );
    const [topic] = answer.topics;
    assert.equal(topic!.name, 't', what);
    assertCode(topic!.errorCode, 'NONE', what);
    assert.equal(topic!.partitions.length, 2, what);
    for (const [index, partition] of topic!.partitions.entries()) {
      assert.equal(partition.partitionIndex, index, what);
      assertCode(partition.errorCode, 'NONE', what);
      assert.equal(partition.leaderId, 0, what);
      assert.deepEqual(partition.replicaNodes, [0], what);
      assert.deepEqual(partition.isrNodes, [0], what);
    }
    assert.equal(answer.controllerId, version >= 1 ? 0 : -1, what);
    assert.equal(topic!.topicId, version >= 10 ? topicId : ZERO_UUID, what);
    if (version >= 13) assertCode(answer.errorCode, 'NONE');
  }
});

test('pitfall 13: served from v0, for clients that never ask for versions', () => {
  assert.equal(metadataHandler.versionMin, 0);
});

test('pitfall 16: topic ids are told, and never zero, from the version on that Fetch by id needs', async () => {
  await world.createTopic('t');
  for (const version of versionsOf(metadataHandler).filter((v) => v >= 10)) {
    const answer = await ask(version, { topics: named('t') });
    assert.notEqual(answer.topics[0]!.topicId, ZERO_UUID);
  }
});

test('pitfall 17: the operations on the cluster are told in v8 to v10, and by DescribeCluster from then on', async () => {
  for (const version of versionsOf(metadataHandler)) {
    const isTold = version >= 8 && version <= 10;
    const answer = await ask(version, {
      topics: [],
      ...(isTold ? { includeClusterAuthorizedOperations: true } : {}),
    });
    assert.equal(answer.clusterAuthorizedOperations, isTold ? 8096 : NOT_ASKED, `v${version}`);
  }
});

test('pitfall 19: lists are empty where there is nothing, never null', async () => {
  for (const version of versionsOf(metadataHandler)) {
    const answer = await ask(version, { topics: named('no such topic!') });
    assert.deepEqual(answer.topics[0]!.partitions, [], `v${version}`);
  }
});

test('pitfall 20: a broker id may be any number, and stays', async () => {
  world.stop();
  world = await TopicWorld.start({ overrides: { 'broker.id': '999' } });
  await world.createTopic('t');
  world = await world.restart({ overrides: { 'broker.id': '999' } });
  const answer = await ask(12, { topics: named('t') });
  assert.deepEqual(
    answer.brokers.map(({ nodeId }) => nodeId),
    [999],
  );
  assert.equal(answer.controllerId, 999);
  assert.equal(answer.topics[0]!.partitions[0]!.leaderId, 999);
});

test('pitfall 32: no topics mean all of them in v0 and none later; null means all from v1', async () => {
  await world.createTopic('a');
  await world.createTopic('b');
  assert.deepEqual(await topicNames(0, []), ['a', 'b']);
  for (const version of versionsOf(metadataHandler).slice(1)) {
    assert.deepEqual(await topicNames(version, []), [], `v${version}`);
    assert.deepEqual(await topicNames(version, null), ['a', 'b'], `v${version}`);
  }
});

describe('auto-creation', () => {
  test('pitfall 33: only where the client allows it (always before v4) and the broker does', async () => {
    for (const version of versionsOf(metadataHandler)) {
      const allowed = await ask(version, { topics: named(`made-in-v${version}`) });
      assertCode(allowed.topics[0]!.errorCode, 'NONE', `v${version}`);
      assert.notEqual(world.metadata.topic(`made-in-v${version}`), undefined);
      if (version < 4) continue;
      const forbidden = await ask(version, { topics: named('never'), allowAutoTopicCreation: false });
      assertCode(forbidden.topics[0]!.errorCode, 'UNKNOWN_TOPIC_OR_PARTITION', `v${version}`);
    }
    assert.equal(world.metadata.topic('never'), undefined);
    world.stop();
    world = await TopicWorld.start({ overrides: { 'auto.create.topics.enable': 'false' } });
    const answer = await ask(12, { topics: named('t') });
    assertCode(answer.topics[0]!.errorCode, 'UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('pitfall 33: never for all topics', async () => {
    await ask(0, { topics: [] });
    await ask(12, { topics: null });
    assert.equal(world.metadata.topicCount, 0);
  });

  test('pitfalls 34 and 36: the answer that makes a topic has it already, with leaders', async () => {
    // Apache Kafka answers UNKNOWN_TOPIC_OR_PARTITION or LEADER_NOT_AVAILABLE here and some clients fail on either.
    const answer = await ask(12, { topics: named('t') });
    assertCode(answer.topics[0]!.errorCode, 'NONE');
    assert.equal(answer.topics[0]!.partitions.length, world.config.numPartitions);
    assert.equal(answer.topics[0]!.partitions[0]!.leaderId, 0);
    assert.equal(world.leaderships.length, world.config.numPartitions);
  });

  test('many requests for one topic make it once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(12, { topics: named('t') })));
    const ids = new Set(answers.map((answer) => answer.topics[0]!.topicId));
    assert.equal(ids.size, 1);
    assert.ok(!ids.has(ZERO_UUID));
  });

  test('a name that collides with another is refused with the reason of the creation', async () => {
    await world.createTopic('a.b');
    const answer = await ask(12, { topics: named('a_b') });
    assertCode(answer.topics[0]!.errorCode, 'INVALID_TOPIC_EXCEPTION');
  });

  test('internal topics are made as they must be', async () => {
    const answer = await ask(12, { topics: named('__consumer_offsets') });
    assert.equal(answer.topics[0]!.isInternal, true);
    assert.equal(answer.topics[0]!.partitions.length, world.config.offsetsTopicNumPartitions);
    assert.equal(world.configs.topicOverrides('__consumer_offsets')['cleanup.policy'], 'compact');
  });
});

test('pitfall 35: a name that could never exist is invalid, not unknown', async () => {
  const names = ['', '.', '..', 'a b', 'ä', 'x'.repeat(250), 'a/b'];
  for (const version of versionsOf(metadataHandler)) {
    const answer = await ask(version, { topics: named(...names) });
    for (const topic of answer.topics)
      assertCode(topic.errorCode, 'INVALID_TOPIC_EXCEPTION', `v${version} ${topic.name}`);
  }
  assertCode((await ask(12, { topics: named('x'.repeat(249)) })).topics[0]!.errorCode, 'NONE');
});

test('pitfall 37: no topic without partitions is answered without an error', async () => {
  await world.createTopic('t', 3);
  const answer = await ask(12, { topics: [...named('t', 'b b'), { topicId: ZERO_UUID, name: 'u' }] });
  for (const topic of answer.topics)
    assert.equal(topic.errorCode === 0, topic.partitions.length > 0, topic.name!);
});

/** A topic of two partitions led by broker 5, which is or is not there. */
async function ledByFive(options: TopicWorldOptions): Promise<void> {
  world.tree.expireSession(world.session.sessionId);
  const session = new PromisedSession(world.tree.connect());
  await session.create('/brokers/topics/t', '{"version":3,"partitions":{"0":[5,0],"1":[0,5]}}');
  await session.create('/brokers/topics/t/partitions');
  for (const [partition, leader] of [5, 0].entries()) {
    await session.create(`/brokers/topics/t/partitions/${partition}`);
    const isr = leader === 5 ? [5] : [0, 5];
    const state = { version: 1, leader, leader_epoch: 7, controller_epoch: 1, isr };
    await session.create(`/brokers/topics/t/partitions/${partition}/state`, JSON.stringify(state));
  }
  await session.close();
  world = await world.restart(options);
}

test('pitfalls 38 and 42: a partition without a leader has leader -1, an error, and the last known epoch', async () => {
  await ledByFive({});
  for (const version of versionsOf(metadataHandler)) {
    const [partition] = (await ask(version, { topics: named('t') })).topics[0]!.partitions;
    assert.equal(partition!.leaderId, -1, `v${version}`);
    assertCode(partition!.errorCode, 'LEADER_NOT_AVAILABLE', `v${version}`);
    // The controller has written that there is no leader, which takes an epoch of its own.
    if (version >= 7) assert.equal(partition!.leaderEpoch, 8);
    if (version >= 5) assert.deepEqual(partition!.offlineReplicas, [5]);
  }
});

test('pitfalls 39, 40 and 41: epochs rise with each life of the broker, and one names one leader', async () => {
  await world.createTopic('t');
  const seen: number[] = [];
  for (let lives = 0; lives < 3; lives++) {
    const [partition] = (await ask(12, { topics: named('t') })).topics[0]!.partitions;
    assert.equal(partition!.leaderId, 0);
    seen.push(partition!.leaderEpoch);
    world = await world.restart();
  }
  assert.deepEqual(seen, [0, 1, 2]);
});

test('pitfalls 43 and 45: the controller is one of the brokers, and there is at least one', async () => {
  for (const version of versionsOf(metadataHandler)) {
    const answer = await ask(version, { topics: [] });
    assert.ok(answer.brokers.length > 0);
    if (version >= 1) assert.ok(answer.brokers.some(({ nodeId }) => nodeId === answer.controllerId));
  }
});

test('pitfall 44: the cluster id is there from v2 on and survives restarts', async () => {
  const { clusterId } = await ask(2, { topics: [] });
  assert.match(clusterId!, /^[A-Za-z0-9_-]{22}$/);
  world = await world.restart();
  for (const version of versionsOf(metadataHandler).filter((v) => v >= 2))
    assert.equal((await ask(version, { topics: [] })).clusterId, clusterId);
});

test('pitfalls 46 and 47: a broker has one address per listener, the one it has now', async () => {
  world = await world.restart({ others: [{ nodeId: 3 }] });
  const { brokers } = await ask(12, { topics: [] });
  assert.deepEqual(
    brokers.map(({ nodeId, port }) => [nodeId, port]),
    [
      [0, 9092],
      [3, 9095],
    ],
  );
  assert.equal(new Set(brokers.map(({ host, port }) => `${host}:${port}`)).size, brokers.length);
});

describe('pitfall 48', () => {
  test('v0 leaves dead replicas out and says so, later versions list them', async () => {
    await ledByFive({});
    for (const version of versionsOf(metadataHandler)) {
      const partition = (await ask(version, { topics: named('t') })).topics[0]!.partitions[1]!;
      assert.equal(partition.leaderId, 0);
      assertCode(partition.errorCode, version === 0 ? 'REPLICA_NOT_AVAILABLE' : 'NONE', `v${version}`);
      assert.deepEqual(partition.replicaNodes, version === 0 ? [0] : [0, 5], `v${version}`);
      assert.deepEqual(partition.offlineReplicas, version >= 5 ? [5] : [], `v${version}`);
    }
  });

  test('a leader that lacks the listener: no leader up to v5, a listener not found from v6', async () => {
    await ledByFive({ others: [{ nodeId: 5, listenerNames: ['OTHER'] }] });
    for (const version of versionsOf(metadataHandler)) {
      const answer = await ask(version, { topics: named('t') });
      const [partition] = answer.topics[0]!.partitions;
      assert.equal(partition!.leaderId, -1);
      assertCode(partition!.errorCode, version >= 6 ? 'LISTENER_NOT_FOUND' : 'LEADER_NOT_AVAILABLE');
      assert.deepEqual(
        answer.brokers.map(({ nodeId }) => nodeId),
        [0],
      );
    }
  });
});

test('pitfall 49: topic ids are those that the tree has, and stay', async () => {
  const topicId = await world.createTopic('t');
  world = await world.restart();
  assert.equal((await ask(10, { topics: null })).topics[0]!.topicId, topicId);
});

describe('pitfall 50', () => {
  test('v12 finds topics by id; an unknown id has no name', async () => {
    const topicId = await world.createTopic('t');
    const unknown = 'PLCjFCrURl-DLzfJktinzw';
    for (const version of [12, 13]) {
      const { topics } = await ask(version, {
        topics: [
          { topicId, name: null },
          { topicId: unknown, name: null },
        ],
      });
      const byId = new Map(topics.map((topic) => [topic.topicId, topic]));
      assert.equal(byId.get(topicId)!.name, 't');
      assertCode(byId.get(unknown)!.errorCode, 'UNKNOWN_TOPIC_ID');
      assert.equal(byId.get(unknown)!.name, null);
    }
    assert.equal(world.metadata.topicCount, 1);
  });

  test('v10 and v11 refuse ids', async () => {
    const topicId = await world.createTopic('t');
    for (const version of [10, 11]) {
      const { topics } = await ask(version, { topics: [{ topicId, name: 't' }] });
      assertCode(topics[0]!.errorCode, 'INVALID_REQUEST');
    }
  });
});

test('pitfall 51: the operations on topics are told when asked for, from v8', async () => {
  await world.createTopic('t');
  for (const version of versionsOf(metadataHandler)) {
    const without = await ask(version, { topics: named('t') });
    assert.equal(without.topics[0]!.topicAuthorizedOperations, NOT_ASKED);
    if (version < 8) continue;
    const withThem = await ask(version, { topics: named('t'), includeTopicAuthorizedOperations: true });
    assert.equal(withThem.topics[0]!.topicAuthorizedOperations, 3576);
  }
});

test('pitfall 52: a bad topic leaves the others well', async () => {
  await world.createTopic('good');
  const answer = await ask(4, { topics: named('bad name', 'good'), allowAutoTopicCreation: false });
  const codes = new Map(answer.topics.map(({ name, errorCode }) => [name, errorCode]));
  assertCode(codes.get('good')!, 'NONE');
  assertCode(codes.get('bad name')!, 'INVALID_TOPIC_EXCEPTION');
});

test('a topic named twice is answered once', async () => {
  await world.createTopic('t');
  assert.equal((await ask(12, { topics: named('t', 't') })).topics.length, 1);
});
