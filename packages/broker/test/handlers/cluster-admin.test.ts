import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { describeClusterApi } from '@odradek/protocol/generated/apis/describe-cluster.ts';
import { describeTopicPartitionsApi } from '@odradek/protocol/generated/apis/describe-topic-partitions.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import { listPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/list-partition-reassignments.ts';
import type { DescribeTopicPartitionsRequestInput } from '@odradek/protocol/generated/describe-topic-partitions-request.ts';
import { PromisedSession } from '../../../core/test/coordination/promised-session.ts';
import { alterPartitionReassignmentsHandler } from '../../src/handlers/alter-partition-reassignments.ts';
import { describeClusterHandler } from '../../src/handlers/describe-cluster.ts';
import { describeTopicPartitionsHandler } from '../../src/handlers/describe-topic-partitions.ts';
import { electLeadersHandler } from '../../src/handlers/elect-leaders.ts';
import { listPartitionReassignmentsHandler } from '../../src/handlers/list-partition-reassignments.ts';
import { assertCode, TopicWorld, versionsOf } from '../topics/topic-world.ts';

const NOT_ASKED = -2147483648;

let world: TopicWorld;
beforeEach(async () => (world = await TopicWorld.start()));
afterEach(() => world.stop());

const askFor = async (endpointType: number) =>
  (
    await world.ask(describeClusterApi, describeClusterHandler, 1, {
      includeClusterAuthorizedOperations: false,
      endpointType,
    })
  ).errorCode;

const describeTopics = (input: Partial<DescribeTopicPartitionsRequestInput>) =>
  world.ask(describeTopicPartitionsApi, describeTopicPartitionsHandler, 0, {
    topics: [],
    responsePartitionLimit: 2000,
    cursor: null,
    ...input,
  });

const alter = async (version: number, replicas: number[] | null, changes: { allow?: boolean } = {}) => {
  const answer = await world.ask(
    alterPartitionReassignmentsApi,
    alterPartitionReassignmentsHandler,
    version,
    {
      timeoutMs: 1000,
      ...(version >= 1 ? { allowReplicationFactorChange: changes.allow ?? true } : {}),
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas }] }],
    },
  );
  assertCode(answer.errorCode, 'NONE');
  return answer.responses[0]!.partitions[0]!.errorCode;
};

const list = (topics: { name: string; partitionIndexes: number[] }[] | null) =>
  world.ask(listPartitionReassignmentsApi, listPartitionReassignmentsHandler, 0, {
    timeoutMs: 1000,
    topics,
  });

describe('DescribeCluster', () => {
  test('pitfall 17: in every version, from 0, with the operations that Metadata leaves out from v11', async () => {
    for (const version of versionsOf(describeClusterHandler)) {
      const plain = await world.ask(describeClusterApi, describeClusterHandler, version, {
        includeClusterAuthorizedOperations: false,
      });
      assertCode(plain.errorCode, 'NONE');
      assert.equal(plain.clusterId, world.metadata.clusterId);
      assert.equal(plain.controllerId, 0);
      assert.deepEqual(
        plain.brokers.map(({ brokerId, port }) => [brokerId, port]),
        [[0, 9092]],
      );
      assert.equal(plain.clusterAuthorizedOperations, NOT_ASKED);
      const asked = await world.ask(describeClusterApi, describeClusterHandler, version, {
        includeClusterAuthorizedOperations: true,
      });
      assert.equal(asked.clusterAuthorizedOperations, 8096);
    }
  });

  test('a broker is no controller to ask for controllers, and knows no other kinds', async () => {
    assertCode(await askFor(2), 'MISMATCHED_ENDPOINT_TYPE');
    assertCode(await askFor(3), 'UNSUPPORTED_ENDPOINT_TYPE');
  });
});

describe('DescribeTopicPartitions', () => {
  beforeEach(async () => {
    await world.createTopic('b', 3);
    await world.createTopic('a', 2);
    await world.createTopic('c', 1);
  });

  test('all topics in the order of their names', async () => {
    const answer = await describeTopics({});
    assert.deepEqual(
      answer.topics.map(({ name, partitions }) => [name, partitions.length]),
      [
        ['a', 2],
        ['b', 3],
        ['c', 1],
      ],
    );
    assert.equal(answer.nextCursor, null);
    assert.equal(answer.topics[0]!.topicAuthorizedOperations, 3576);
    assert.equal(answer.topics[0]!.topicId, world.metadata.topic('a')!.topicId);
    assert.equal(answer.topics[0]!.partitions[1]!.leaderId, 0);
  });

  test('in pieces of every size, the cursor leads through all partitions once', async () => {
    for (let limit = 1; limit <= 7; limit++) {
      const seen: string[] = [];
      let cursor: { topicName: string; partitionIndex: number } | null = null;
      do {
        const answer = await describeTopics({ responsePartitionLimit: limit, cursor });
        const piece = answer.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
        );
        assert.ok(piece.length > 0 && piece.length <= limit);
        seen.push(...piece);
        cursor = answer.nextCursor;
      } while (cursor !== null);
      assert.deepEqual(seen, ['a-0', 'a-1', 'b-0', 'b-1', 'b-2', 'c-0'], `limit ${limit}`);
    }
  });

  test('a limit of the broker holds whatever the client asks', async () => {
    world.stop();
    world = await TopicWorld.start({ overrides: { 'max.request.partition.size.limit': '2' } });
    await world.createTopic('t', 3);
    const answer = await describeTopics({});
    assert.deepEqual(answer.nextCursor, { topicName: 't', partitionIndex: 2 });
    assert.equal((await describeTopics({ responsePartitionLimit: 0 })).topics[0]!.partitions.length, 1);
  });

  test('what is asked for and is not there is unknown, and is not made', async () => {
    const answer = await describeTopics({ topics: [{ name: 'nowhere' }, { name: 'a' }, { name: 'b b' }] });
    const codes = new Map(answer.topics.map(({ name, errorCode }) => [name, errorCode]));
    assertCode(codes.get('a')!, 'NONE');
    assertCode(codes.get('nowhere')!, 'UNKNOWN_TOPIC_OR_PARTITION');
    assertCode(codes.get('b b')!, 'INVALID_TOPIC_EXCEPTION');
    assert.equal(world.metadata.topic('nowhere'), undefined);
  });

  test('a cursor must fit what is asked for', async () => {
    const astray = { topics: [{ name: 'a' }], cursor: { topicName: 'b', partitionIndex: 0 } };
    assertCode((await describeTopics(astray)).topics[0]!.errorCode, 'INVALID_REQUEST');
    const negative = { topics: [{ name: 'a' }], cursor: { topicName: 'a', partitionIndex: -1 } };
    assertCode((await describeTopics(negative)).topics[0]!.errorCode, 'INVALID_REQUEST');
  });

  test('a cursor whose topic is gone goes on with the next one', async () => {
    const answer = await describeTopics({ cursor: { topicName: 'ab', partitionIndex: 1 } });
    assert.deepEqual(
      answer.topics.map(({ name }) => name),
      ['b', 'c'],
    );
    assert.equal(answer.topics[0]!.partitions.length, 3);
  });
});

describe('ElectLeaders', () => {
  test('in every version: the leader is there already, and what is not there is unknown', async () => {
    await world.createTopic('t');
    for (const version of versionsOf(electLeadersHandler)) {
      for (const electionType of version === 0 ? [0] : [0, 1]) {
        const answer = await world.ask(electLeadersApi, electLeadersHandler, version, {
          ...(version === 0 ? {} : { electionType }),
          topicPartitions: [
            { topic: 't', partitions: [0, 1, 0] },
            { topic: 'nowhere', partitions: [0] },
          ],
          timeoutMs: 1000,
        });
        assertCode(answer.errorCode, 'NONE');
        const [t, nowhere] = answer.replicaElectionResults;
        assert.equal(t!.partitionResult.length, 2);
        assertCode(t!.partitionResult[0]!.errorCode, 'ELECTION_NOT_NEEDED');
        assertCode(t!.partitionResult[1]!.errorCode, 'UNKNOWN_TOPIC_OR_PARTITION');
        assertCode(nowhere!.partitionResult[0]!.errorCode, 'UNKNOWN_TOPIC_OR_PARTITION');
      }
    }
  });

  test('asked for all, those that need none are left out', async () => {
    await world.createTopic('t', 3);
    for (const version of versionsOf(electLeadersHandler)) {
      const answer = await world.ask(electLeadersApi, electLeadersHandler, version, {
        topicPartitions: null,
        timeoutMs: 1000,
      });
      assertCode(answer.errorCode, 'NONE');
      assert.deepEqual(answer.replicaElectionResults, []);
    }
  });

  test('there are two kinds of elections', async () => {
    const answer = await world.ask(electLeadersApi, electLeadersHandler, 2, {
      electionType: 2,
      topicPartitions: [{ topic: 't', partitions: [0] }],
      timeoutMs: 1000,
    });
    assertCode(answer.errorCode, 'INVALID_REQUEST');
  });
});

describe('reassignments', () => {
  test('one broker keeps its partitions where they are, and says why another cannot have them', async () => {
    await world.createTopic('t');
    for (const version of versionsOf(alterPartitionReassignmentsHandler)) {
      assertCode(await alter(version, [0]), 'NONE');
      assertCode(await alter(version, [1]), 'INVALID_REPLICA_ASSIGNMENT');
      assertCode(await alter(version, []), 'INVALID_REPLICA_ASSIGNMENT');
      assertCode(await alter(version, null), 'NO_REASSIGNMENT_IN_PROGRESS');
    }
    assertCode(await alter(1, [0, 1], { allow: false }), 'INVALID_REPLICATION_FACTOR');
    assert.deepEqual(world.metadata.partition('t', 0)!.replicas, [0]);
  });

  test('of what is not there: unknown', async () => {
    assertCode(await alter(1, [0]), 'UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('nothing moves; what another controller left on the move is told', async () => {
    await world.createTopic('t');
    assert.deepEqual((await list(null)).topics, []);
    assert.deepEqual((await list([{ name: 't', partitionIndexes: [0, 5] }])).topics, []);
    const session = new PromisedSession(world.tree.connect());
    const moving = {
      version: 3,
      topic_id: world.metadata.topic('t')!.topicId,
      partitions: { 0: [0, 5] },
      adding_replicas: { 0: [5] },
      removing_replicas: {},
    };
    await session.set('/brokers/topics/t', JSON.stringify(moving));
    world = await world.restart();
    for (const topics of [null, [{ name: 't', partitionIndexes: [0, 0] }]]) {
      const answer = await list(topics);
      assert.deepEqual(
        answer.topics.map(({ name, partitions }) => ({ name, partitions })),
        [
          {
            name: 't',
            partitions: [{ partitionIndex: 0, replicas: [0, 5], addingReplicas: [5], removingReplicas: [] }],
          },
        ],
      );
    }
    // It can be called off.
    assertCode(await alter(1, null), 'NONE');
    assert.deepEqual((await list(null)).topics, []);
    assert.deepEqual(world.metadata.partition('t', 0)!.replicas, [0]);
  });
});
