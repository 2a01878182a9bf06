// What tools ask of a cluster: the mistakes that established clients made with it.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import { listGroupsApi } from '@odradek/protocol/generated/apis/list-groups.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import {
  Cluster,
  Consumer,
  GroupsMissingError,
  Producer,
  alterConfigs,
  alterReassignments,
  createTopic,
  describeConfigs,
  describeTopic,
  electLeaders,
  listGroups,
  type ClusterOptions,
} from '../../src/index.ts';
import { answerTo } from '../support/produce-answers.ts';
import { CUT, ScriptedBroker } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
let other: ScriptedBroker;
let clusters: Cluster[];

beforeEach(async () => {
  [broker, other] = await Promise.all([ScriptedBroker.start(), ScriptedBroker.start()]);
  clusters = [];
  const both = (): object => ({
    ...broker.clusterOf('t', 2),
    brokers: [broker, other].map(({ port }, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
  });
  for (const each of [broker, other]) each.on(metadataApi, both);
});

afterEach(async () => {
  for (const cluster of clusters) cluster.close();
  await Promise.all([broker.close(), other.close()]);
});

function clusterOf(options: Partial<ClusterOptions> = {}): Cluster {
  const { bootstrapServers } = broker;
  const cluster = new Cluster({
    bootstrapServers,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 5,
    apiTimeoutMs: 1_000,
    ...options,
  });
  clusters.push(cluster);
  return cluster;
}

function groupsAnswer(...ids: string[]): object {
  const groups = ids.map((groupId) => ({ groupId, protocolType: 'consumer', groupState: 'Stable' }));
  return { errorCode: 0, groups };
}

test('client pitfall I2: a group that two brokers tell of while it moves is listed once', async () => {
  broker.on(listGroupsApi, () => groupsAnswer('b', 'a'));
  other.on(listGroupsApi, () => groupsAnswer('b', 'c'));
  const listed = await listGroups(clusterOf());
  assert.deepEqual(
    listed.map(({ groupId }) => groupId),
    ['a', 'b', 'c'],
  );
});

test('client pitfall I2: a broker that fails does not hide the groups of the others', async () => {
  broker.on(listGroupsApi, () => groupsAnswer('a'));
  other.on(listGroupsApi, () => ({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, groups: [] }));
  await assert.rejects(listGroups(clusterOf()), (error: unknown) => {
    assert.ok(error instanceof GroupsMissingError);
    assert.match(error.message, /only 1 groups are known.*broker 2: COORDINATOR_LOAD_IN_PROGRESS/);
    assert.deepEqual([error.code, error.retriable], ['GROUPS_MISSING', true]);
    assert.deepEqual(
      [error.groups.map(({ groupId }) => groupId), error.failures.map(({ nodeId }) => nodeId)],
      [['a'], [2]],
    );
    return true;
  });
});

test('client pitfall I3: moves are refused one by one, with the words of the broker', async () => {
  broker.on(alterPartitionReassignmentsApi, ({ topics }) => ({
    errorCode: 0,
    errorMessage: null,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: partitionIndex === 1 ? ErrorCode.INVALID_REPLICA_ASSIGNMENT : 0,
        errorMessage: partitionIndex === 1 ? 'there is no broker 9' : null,
      })),
    })),
  }));
  const moves = [0, 1].map((partition) => ({ topic: 't', partition, replicas: [9] }));
  const refusals = await alterReassignments(clusterOf(), moves);
  assert.deepEqual(
    refusals.map(({ partition, error }) => [partition, error.codeName, error.message]),
    [[1, 'INVALID_REPLICA_ASSIGNMENT', 't-1: there is no broker 9']],
  );
});

test('client pitfall I3: elections are told one by one; one that was not needed is no failure', async () => {
  const codes = [0, ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE];
  broker.on(electLeadersApi, () => ({
    errorCode: 0,
    replicaElectionResults: [
      {
        topic: 't',
        partitionResult: codes.map((errorCode, partitionId) => ({
          partitionId,
          errorCode,
          errorMessage: null,
        })),
      },
    ],
  }));
  const { elected, refusals } = await electLeaders(clusterOf(), 'preferred', null);
  assert.deepEqual(elected, [{ topic: 't', partition: 0 }]);
  assert.deepEqual(
    refusals.map(({ partition, error }) => [partition, error.codeName]),
    [[2, 'PREFERRED_LEADER_NOT_AVAILABLE']],
  );
});

test('client pitfall I4: a creation whose answer is lost is asked for again, and told for what it is', async () => {
  let isThere = false;
  broker.on(createTopicsApi, () => {
    if (isThere)
      return { topics: [{ name: 'n', errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: '' }] };
    isThere = true;
    return CUT;
  });
  await assert.rejects(createTopic(clusterOf(), { name: 'n' }), { codeName: 'TOPIC_ALREADY_EXISTS' });
  const asked = broker.bodies(createTopicsApi);
  assert.equal(asked.length, 2);
  assert.ok(asked.every(({ timeoutMs }) => timeoutMs === 1_000));
});

test('client pitfall I4: a refusal that no attempt cures is not asked for again; all attempts have one deadline', async () => {
  const refuseWith = (errorCode: number): void =>
    broker.on(createTopicsApi, () => ({ topics: [{ name: 'n', errorCode, errorMessage: null }] }));
  refuseWith(ErrorCode.INVALID_PARTITIONS);
  await assert.rejects(createTopic(clusterOf(), { name: 'n' }), { codeName: 'INVALID_PARTITIONS' });
  assert.equal(broker.bodies(createTopicsApi).length, 1);
  refuseWith(ErrorCode.NOT_CONTROLLER);
  await assert.rejects(createTopic(clusterOf({ apiTimeoutMs: 40 }), { name: 'n' }), {
    code: 'REQUEST_TIMEOUT',
    message: /gave up after 40 ms: broker 1 is not the controller/,
  });
});

test('client pitfall I5: a topic that was made a moment ago and is not known everywhere yet is waited for', async () => {
  const unknown = { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 't', partitions: [] };
  let lagging = 3;
  for (const each of [broker, other]) {
    each.on(metadataApi, () => {
      const known = broker.clusterOf('t', 1) as { topics: object[] };
      return lagging-- > 0 ? { ...known, topics: [unknown] } : known;
    });
  }
  broker.on(produceApi, (request) => answerTo(request, () => ({ errorCode: 0, baseOffset: 4 })));
  const producer = new Producer({
    bootstrapServers: broker.bootstrapServers,
    retryBackoffMs: 1,
    lingerMs: 0,
  });
  assert.equal((await producer.send({ topic: 't', value: null })).offset, 4);
  await producer.close();
});

test('client pitfall I6: nobody but a producer that may has topics made by asking about them', async () => {
  const { bootstrapServers } = broker;
  const mayCreate = (): boolean[] =>
    [broker, other].flatMap((each) =>
      each.bodies(metadataApi).map(({ allowAutoTopicCreation }) => allowAutoTopicCreation),
    );
  await describeTopic(clusterOf(), 't');
  const consumer = new Consumer({ bootstrapServers });
  await consumer.partitionsOf('t');
  await consumer.close();
  const careful = new Producer({ bootstrapServers, createTopics: false });
  await careful.partitionsOf('t');
  await careful.close();
  assert.ok(mayCreate().length >= 3 && !mayCreate().includes(true));
  const producer = new Producer({ bootstrapServers });
  await producer.partitionsOf('t');
  await producer.close();
  assert.ok(mayCreate().includes(true));
});

test('settings that any broker knows are asked of those that can be reached', async () => {
  for (const each of [broker, other]) {
    const named = { errorCode: 0, errorMessage: null, resourceType: 2, resourceName: 't' };
    each.on(incrementalAlterConfigsApi, () => ({ throttleTimeMs: 0, responses: [named] }));
    each.on(describeConfigsApi, () => ({ throttleTimeMs: 0, results: [{ ...named, configs: [] }] }));
  }
  const cluster = clusterOf({ bootstrapServers: other.bootstrapServers });
  await cluster.nodes();
  await broker.close();
  for (let i = 0; i < 4; i++) {
    await alterConfigs(cluster, { type: 'topic', name: 't' }, { 'retention.ms': '5' });
    assert.deepEqual(await describeConfigs(cluster, { type: 'topic', name: 't' }), []);
  }
  assert.equal(other.bodies(incrementalAlterConfigsApi).length, 4);
});
