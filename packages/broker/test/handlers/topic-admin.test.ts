import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createPartitionsApi } from '@odradek/protocol/generated/apis/create-partitions.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import type { CreatePartitionsRequestInput } from '@odradek/protocol/generated/create-partitions-request.ts';
import type {
  CreateTopicsRequestCreatableTopicInput,
  CreateTopicsRequestInput,
} from '@odradek/protocol/generated/create-topics-request.ts';
import type { DeleteTopicsRequestInput } from '@odradek/protocol/generated/delete-topics-request.ts';
import type { ErrorName } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { createPartitionsHandler } from '../../src/handlers/create-partitions.ts';
import { createTopicsHandler } from '../../src/handlers/create-topics.ts';
import { deleteTopicsHandler } from '../../src/handlers/delete-topics.ts';
import { assertCode, TopicWorld, versionsOf } from '../topics/topic-world.ts';

let world: TopicWorld;
beforeEach(async () => (world = await TopicWorld.start()));
afterEach(() => world.stop());

function topicOf(
  name: string,
  changes: Partial<CreateTopicsRequestCreatableTopicInput> = {},
): CreateTopicsRequestCreatableTopicInput {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...changes };
}

function create(version: number, input: CreateTopicsRequestInput) {
  return world.ask(createTopicsApi, createTopicsHandler, version, { timeoutMs: 1000, ...input });
}

async function createOne(
  changes: Partial<CreateTopicsRequestCreatableTopicInput>,
  { version = 7, validateOnly = false, name = 't' } = {},
) {
  const input = { topics: [topicOf(name, changes)], ...(version >= 1 ? { validateOnly } : {}) };
  return (await create(version, input)).topics[0]!;
}

function grow(
  version: number,
  input: Omit<CreatePartitionsRequestInput, 'timeoutMs' | 'validateOnly'>,
  validateOnly = false,
) {
  return world.ask(createPartitionsApi, createPartitionsHandler, version, {
    timeoutMs: 1000,
    validateOnly,
    ...input,
  });
}

function remove(version: number, input: Omit<DeleteTopicsRequestInput, 'timeoutMs'>) {
  return world.ask(deleteTopicsApi, deleteTopicsHandler, version, { timeoutMs: 1000, ...input });
}

/** Names of topics as the version has them. */
const targets = (version: number, ...names: string[]) =>
  version >= 6 ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })) } : { topicNames: names };

const byHand = (...brokerIds: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids })),
});

describe('CreateTopics', () => {
  test('in every version', async () => {
    for (const version of versionsOf(createTopicsHandler)) {
      const what = `v${version}`;
      const name = `topic-v${version}`;
      const result = await createOne(
        { numPartitions: 3, configs: [{ name: 'retention.ms', value: '77' }] },
        { version, name },
      );
      assert.equal(result.name, name, what);
      assertCode(result.errorCode, 'NONE', what);
      assert.equal(world.metadata.topic(name)!.partitions.length, 3, what);
      assert.equal(world.configs.topicOverrides(name)['retention.ms'], '77', what);
    }
  });

  test('pitfall 36: when it is answered, the metadata has the topic and the broker leads it', async () => {
    await createOne({ numPartitions: 2 });
    assert.equal(world.metadata.partition('t', 1)!.leader, 0);
    assert.deepEqual(
      world.leaderships.map(({ topic, partition, isNew }) => [topic, partition, isNew]),
      [
        ['t', 0, true],
        ['t', 1, true],
      ],
    );
  });

  test('pitfall 161: -1 means the defaults of the broker', async () => {
    world.stop();
    world = await TopicWorld.start({ overrides: { 'num.partitions': '5' } });
    const result = await createOne({ numPartitions: -1, replicationFactor: -1 });
    assertCode(result.errorCode, 'NONE');
    assert.equal(result.numPartitions, 5);
    assert.equal(result.replicationFactor, 1);
  });

  test('pitfall 161: with replicas given by hand both numbers must be -1', async () => {
    const assignments = [{ partitionIndex: 0, brokerIds: [0] }];
    for (const numbers of [{ numPartitions: 1 }, { replicationFactor: 1 }]) {
      const result = await createOne({ numPartitions: -1, replicationFactor: -1, ...numbers, assignments });
      assertCode(result.errorCode, 'INVALID_REQUEST');
    }
    const made = await createOne({ numPartitions: -1, replicationFactor: -1, assignments });
    assertCode(made.errorCode, 'NONE');
    assert.equal(made.numPartitions, 1);
  });

  test('replicas given by hand must make sense', async () => {
    const gap = { ...byHand([0]), assignments: [{ partitionIndex: 1, brokerIds: [0] }] };
    const twice = {
      ...byHand([0], [0]),
      assignments: [...byHand([0]).assignments, ...byHand([0]).assignments],
    };
    for (const [what, bad] of Object.entries({
      unknown: byHand([7]),
      doubled: byHand([0, 0]),
      none: byHand([]),
      uneven: byHand([0], []),
      gap,
      twice,
    })) {
      assertCode((await createOne(bad)).errorCode, 'INVALID_REPLICA_ASSIGNMENT', what);
    }
    assert.equal(world.metadata.topicCount, 0);
  });

  test('pitfall 162: each mistake has its own code', async () => {
    await world.createTopic('there');
    const mistakes: [Partial<CreateTopicsRequestCreatableTopicInput>, ErrorName][] = [
      [{ numPartitions: 0 }, 'INVALID_PARTITIONS'],
      [{ numPartitions: -2 }, 'INVALID_PARTITIONS'],
      [{ replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
      [{ replicationFactor: -2 }, 'INVALID_REPLICATION_FACTOR'],
      [{ replicationFactor: 2 }, 'INVALID_REPLICATION_FACTOR'],
      [{ configs: [{ name: 'retention.ms', value: null }] }, 'INVALID_CONFIG'],
      [{ configs: [{ name: 'retention.ms', value: 'soon' }] }, 'INVALID_CONFIG'],
      [{ configs: [{ name: 'no.such.setting', value: '1' }] }, 'INVALID_CONFIG'],
      [{ name: 'there' }, 'TOPIC_ALREADY_EXISTS'],
      [{ name: 'b b' }, 'INVALID_TOPIC_EXCEPTION'],
      [{ name: '' }, 'INVALID_TOPIC_EXCEPTION'],
      [{ name: '__cluster_metadata' }, 'INVALID_REQUEST'],
      [{ numPartitions: 10_001 }, 'POLICY_VIOLATION'],
    ];
    for (const [changes, code] of mistakes) {
      const result = await createOne(changes);
      assertCode(result.errorCode, code, JSON.stringify(changes));
      assert.notEqual(result.errorMessage, null);
    }
    const exists = await createOne({ name: 'there' });
    assert.equal(exists.errorMessage, "Topic 'there' already exists.");
    assert.equal(world.metadata.topicCount, 1);
  });

  test('pitfall 163: only to check: everything is checked, nothing is made, the answer is the same', async () => {
    await world.createTopic('there');
    for (const version of versionsOf(createTopicsHandler).slice(1)) {
      const checked = await createOne({ numPartitions: 4 }, { version, validateOnly: true });
      assertCode(checked.errorCode, 'NONE');
      if (version >= 5) assert.equal(checked.numPartitions, 4);
      if (version >= 7) assert.equal(checked.topicId, ZERO_UUID);
      const existing = await createOne({}, { version, validateOnly: true, name: 'there' });
      assertCode(existing.errorCode, 'TOPIC_ALREADY_EXISTS');
      const bad = await createOne({ replicationFactor: 3 }, { version, validateOnly: true });
      assertCode(bad.errorCode, 'INVALID_REPLICATION_FACTOR');
    }
    assert.equal(world.metadata.topicCount, 1);
  });

  test('pitfall 164: from v5 the answer has the numbers and all settings, from v7 the id', async () => {
    for (const version of versionsOf(createTopicsHandler)) {
      const name = `topic-v${version}`;
      const result = await createOne({ configs: [{ name: 'retention.ms', value: '77' }] }, { version, name });
      if (version < 5) continue;
      assert.equal(result.numPartitions, 1);
      assert.equal(result.replicationFactor, 1);
      assertCode(result.topicConfigErrorCode, 'NONE');
      const settings = new Map(result.configs!.map((config) => [config.name, config]));
      assert.ok(settings.size > 20, `${settings.size} settings`);
      assert.equal(settings.get('retention.ms')!.value, '77');
      assert.equal(settings.get('retention.ms')!.configSource, 1);
      assert.equal(settings.get('cleanup.policy')!.value, 'delete');
      assert.notEqual(settings.get('cleanup.policy')!.configSource, 1);
      if (version >= 7) assert.equal(result.topicId, world.metadata.topic(name)!.topicId);
    }
  });

  test('a refused topic has no numbers and no settings', async () => {
    const result = await createOne({ numPartitions: 0 });
    assert.equal(result.numPartitions, -1);
    assert.equal(result.replicationFactor, -1);
    assert.deepEqual(result.configs, []);
    assert.equal(result.topicId, ZERO_UUID);
  });

  test('pitfall 165: names that differ in "." and "_" only collide, in one request too', async () => {
    await world.createTopic('a.b_c');
    for (const name of ['a_b_c', 'a.b.c', 'a_b.c']) {
      const result = await createOne({}, { name });
      assertCode(result.errorCode, 'INVALID_TOPIC_EXCEPTION');
      assert.match(result.errorMessage!, /collides with existing topic/);
    }
    const { topics } = await create(7, { topics: [topicOf('x.y'), topicOf('x_y')] });
    assert.deepEqual(
      topics.map(({ errorCode }) => errorCode),
      [0, 17],
    );
  });

  test('a topic that is named twice is not made and is answered once', async () => {
    const { topics } = await create(7, { topics: [topicOf('t'), topicOf('u'), topicOf('t')] });
    const codes = new Map(topics.map(({ name, errorCode }) => [name, errorCode]));
    assert.equal(topics.length, 2);
    assertCode(codes.get('t')!, 'INVALID_REQUEST');
    assertCode(codes.get('u')!, 'NONE');
    assert.equal(world.metadata.topic('t'), undefined);
  });

  test('one request makes at most 10,000 partitions, in all its topics', async () => {
    const { topics } = await create(7, {
      topics: [topicOf('a', { numPartitions: 6000 }), topicOf('b', { numPartitions: 6000 })],
      validateOnly: true,
    });
    assert.deepEqual(
      topics.map(({ errorCode }) => errorCode),
      [0, 44],
    );
  });
});

describe('CreatePartitions', () => {
  beforeEach(() => world.createTopic('t', 2));

  test('in every version', async () => {
    for (const version of versionsOf(createPartitionsHandler)) {
      const count = 3 + version;
      const { results } = await grow(version, { topics: [{ name: 't', count, assignments: null }] });
      assertCode(results[0]!.errorCode, 'NONE', `v${version}`);
      assert.equal(world.metadata.topic('t')!.partitions.length, count);
      assert.equal(world.metadata.partition('t', count - 1)!.leader, 0);
    }
  });

  test('pitfall 166: the count must grow, and replicas given by hand must be as many', async () => {
    const asked: [number, { brokerIds: number[] }[] | null, ErrorName][] = [
      [2, null, 'INVALID_PARTITIONS'],
      [1, null, 'INVALID_PARTITIONS'],
      [0, null, 'INVALID_PARTITIONS'],
      [-1, null, 'INVALID_PARTITIONS'],
      [4, [{ brokerIds: [0] }], 'INVALID_REPLICA_ASSIGNMENT'],
      [3, [{ brokerIds: [9] }], 'INVALID_REPLICA_ASSIGNMENT'],
      [3, [{ brokerIds: [0, 0] }], 'INVALID_REPLICA_ASSIGNMENT'],
      [3, [{ brokerIds: [] }], 'INVALID_REPLICA_ASSIGNMENT'],
      [20_000, null, 'POLICY_VIOLATION'],
    ];
    for (const [count, assignments, code] of asked) {
      const { results } = await grow(3, { topics: [{ name: 't', count, assignments }] });
      assertCode(results[0]!.errorCode, code, JSON.stringify({ count, assignments }));
    }
    const { results } = await grow(3, { topics: [{ name: 't', count: 2, assignments: null }] });
    assert.equal(results[0]!.errorMessage, 'Topic already has 2 partition(s).');
    assert.equal(world.metadata.topic('t')!.partitions.length, 2);
  });

  test('pitfall 166: only to check', async () => {
    const more = { topics: [{ name: 't', count: 4, assignments: [{ brokerIds: [0] }, { brokerIds: [0] }] }] };
    assertCode((await grow(3, more, true)).results[0]!.errorCode, 'NONE');
    assert.equal(world.metadata.topic('t')!.partitions.length, 2);
    assertCode((await grow(3, more)).results[0]!.errorCode, 'NONE');
    assert.equal(world.metadata.topic('t')!.partitions.length, 4);
  });

  test('unknown topics and topics named twice', async () => {
    const { results } = await grow(3, {
      topics: [
        { name: 'nowhere', count: 4, assignments: null },
        { name: 't', count: 4, assignments: null },
        { name: 't', count: 5, assignments: null },
      ],
    });
    const codes = new Map(results.map(({ name, errorCode }) => [name, errorCode]));
    assertCode(codes.get('nowhere')!, 'UNKNOWN_TOPIC_OR_PARTITION');
    assertCode(codes.get('t')!, 'INVALID_REQUEST');
  });
});

describe('DeleteTopics', () => {
  test('in every version', async () => {
    for (const version of versionsOf(deleteTopicsHandler)) {
      await world.createTopic('t', 2);
      world.stopped.length = 0;
      const { responses } = await remove(version, targets(version, 't', 'nowhere'));
      const codes = new Map(responses.map(({ name, errorCode }) => [name, errorCode]));
      assertCode(codes.get('t')!, 'NONE', `v${version}`);
      assertCode(codes.get('nowhere')!, 'UNKNOWN_TOPIC_OR_PARTITION', `v${version}`);
      assert.deepEqual(world.stopped, ['t-0', 't-1']);
      assert.equal(world.metadata.topic('t'), undefined);
      assert.deepEqual(world.configs.topicOverrides('t'), {});
    }
  });

  test('v6 takes ids, and answers with the name', async () => {
    const topicId = await world.createTopic('t');
    const unknown = 'PLCjFCrURl-DLzfJktinzw';
    const { responses } = await remove(6, {
      topics: [
        { name: null, topicId },
        { name: null, topicId: unknown },
      ],
    });
    const byId = new Map(responses.map((response) => [response.topicId, response]));
    assertCode(byId.get(topicId)!.errorCode, 'NONE');
    assert.equal(byId.get(topicId)!.name, 't');
    assertCode(byId.get(unknown)!.errorCode, 'UNKNOWN_TOPIC_ID');
    assert.equal(byId.get(unknown)!.name, null);
  });

  test('v6 refuses a topic named both ways', async () => {
    const topicId = await world.createTopic('t');
    const { responses } = await remove(6, { topics: [{ name: 't', topicId }] });
    assertCode(responses[0]!.errorCode, 'INVALID_REQUEST');
    assert.notEqual(world.metadata.topic('t'), undefined);
  });

  test('pitfall 167: switched off, an invalid request up to v2 and an error of its own from v3', async () => {
    world.stop();
    world = await TopicWorld.start({ overrides: { 'delete.topic.enable': 'false' } });
    await world.createTopic('t');
    for (const version of versionsOf(deleteTopicsHandler)) {
      const { responses } = await remove(version, targets(version, 't'));
      assertCode(responses[0]!.errorCode, version < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED');
    }
    assert.notEqual(world.metadata.topic('t'), undefined);
  });

  test('those who keep something by topic hear of it', async () => {
    const heard: string[] = [];
    world.topics.onTopicsDeleted((topics) => heard.push(...topics));
    await world.createTopic('t');
    await remove(6, targets(6, 't', 'nowhere'));
    assert.deepEqual(heard, ['t']);
  });

  test('a topic of the same name is another one', async () => {
    const first = await world.createTopic('t');
    await remove(6, targets(6, 't'));
    const second = await world.createTopic('t');
    assert.notEqual(first, second);
    assert.equal(world.metadata.topicName(first), undefined);
    assert.equal(world.metadata.topicName(second), 't');
  });
});

test('after the session has ended the broker is no controller any more, and says so', async () => {
  world.tree.expireSession(world.session.sessionId);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(world.metadata.controllerId, -1);
  assertCode((await createOne({})).errorCode, 'NOT_CONTROLLER');
  assertCode((await remove(6, targets(6, 't'))).responses[0]!.errorCode, 'NOT_CONTROLLER');
});
