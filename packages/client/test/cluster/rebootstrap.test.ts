// Clients that find their cluster again when it is no more where it was (KIP-899, KIP-1102).
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { describeClusterApi } from '@odradek/protocol/generated/apis/describe-cluster.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { ClusterOptions } from '../../src/cluster/cluster-options.ts';
import { Coordinator, CoordinatorType } from '../../src/cluster/coordinators.ts';
import { SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';
import { VirtualEnvironment } from '../support/virtual-environment.ts';

const ELSEWHERE = { errorCode: ErrorCode.REBOOTSTRAP_REQUIRED, brokers: [], topics: [], controllerId: -1 };

const NO_QUESTION = { includeClusterAuthorizedOperations: false };

/** At the address that the user gave. */
let seed: ScriptedBroker;
/** What the seed names as the cluster at first, and after a move. */
let before: ScriptedBroker;
let after: ScriptedBroker;
let clusters: Cluster[];
let home: ScriptedBroker;

beforeEach(async () => {
  [seed, before, after] = await Promise.all([
    ScriptedBroker.start(),
    ScriptedBroker.start(),
    ScriptedBroker.start(),
  ]);
  clusters = [];
  home = before;
  seed.on(metadataApi, () => home.clusterOf('t', 1));
  before.on(metadataApi, () => before.clusterOf('t', 1));
  after.on(metadataApi, () => after.clusterOf('t', 1));
});

afterEach(async () => {
  for (const cluster of clusters) cluster.close();
  await Promise.all([seed, before, after].map((each) => each.close()));
});

/** One that has learned where the cluster was at first. */
async function settled(options: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const cluster = new Cluster({
    bootstrapServers: seed.bootstrapServers,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 5,
    ...options,
  });
  clusters.push(cluster);
  await cluster.topic('t');
  assert.equal(cluster.leader('t', 0).port, before.port);
  home = after;
  return cluster;
}

function leaderPort(cluster: Cluster): number {
  return cluster.leader('t', 0).port;
}

test('client pitfall A10: brokers that are all gone are looked for where the user said, once; then those found are asked', async () => {
  const cluster = await settled();
  await before.close();
  await cluster.refresh(['t']);
  assert.equal(leaderPort(cluster), after.port);
  const asked = seed.bodies(metadataApi).length;
  for (let i = 0; i < 5; i++) await cluster.refresh(['t']);
  assert.deepEqual([seed.bodies(metadataApi).length, after.bodies(metadataApi).length], [asked, 5]);
  before = await ScriptedBroker.start();
});

test('without a recovery strategy only the known brokers are asked', async () => {
  const cluster = await settled({ metadataRecoveryStrategy: 'none' });
  const { port } = before;
  await before.close();
  await assert.rejects(cluster.refresh(['t']), /no broker can be reached/);
  assert.equal(leaderPort(cluster), port);
  assert.equal(seed.bodies(metadataApi).length, 1);
  before = await ScriptedBroker.start();
});

test('client pitfall A12: when nobody has answered for long the given addresses come before known brokers that are silent', async () => {
  let isMoved = false;
  const two = (): object => ({
    ...before.clusterOf('t', 1),
    brokers: [before, after].map(({ port }, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
  });
  seed.on(metadataApi, () => (isMoved ? seed.clusterOf('t', 1) : two()));
  before.on(metadataApi, () => SILENCE);
  after.on(metadataApi, () => SILENCE);
  const cluster = await settled({ requestTimeoutMs: 50, metadataRecoveryRebootstrapTriggerMs: 20 });
  isMoved = true;
  await cluster.refresh(['t']);
  assert.equal(leaderPort(cluster), seed.port);
  const asked = [before, after].map((each) => each.bodies(metadataApi).length);
  assert.deepEqual(asked.toSorted(), [0, 1], 'one was asked, and waited for, before the time was over');
});

test('client pitfall A12: what answers without being of use is no silence, and neither is a pause between questions', async () => {
  const environment = new VirtualEnvironment(1, nodeEnvironment().sockets);
  const cluster = await settled({ environment, metadataRecoveryRebootstrapTriggerMs: 20 });
  await assert.rejects(cluster.requestToAny(describeClusterApi, NO_QUESTION), { code: 'UNSUPPORTED_API' });
  for (let i = 0; i < 5; i++) {
    await environment.pass(40);
    await cluster.refresh(['t']);
    assert.equal(leaderPort(cluster), before.port);
  }
  assert.equal(seed.bodies(metadataApi).length, 1);
});

test('client pitfall A11: a broker that says to start over is left at once, and so is the coordinator', async () => {
  for (const each of [before, after]) {
    each.on(findCoordinatorApi, () => ({
      coordinators: [
        { key: 'g', nodeId: 1, host: '127.0.0.1', port: each.port, errorCode: 0, errorMessage: null },
      ],
    }));
  }
  const cluster = await settled();
  const coordinator = new Coordinator(cluster, CoordinatorType.GROUP, 'g');
  assert.equal((await coordinator.find()).port, before.port);
  before.on(metadataApi, () => ELSEWHERE);
  await cluster.refresh(['t']);
  assert.equal(leaderPort(cluster), after.port);
  assert.equal((await coordinator.find()).port, after.port);
});

test('everything about all topics comes from the new place as well', async () => {
  const cluster = await settled();
  before.on(metadataApi, () => ELSEWHERE);
  const { topics, errorCode } = await cluster.allTopics();
  assert.deepEqual([errorCode, topics.map(({ name }) => name)], [ErrorCode.NONE, ['t']]);
  assert.deepEqual(
    (await cluster.nodes()).map(({ port }) => port),
    [after.port],
  );
});

test('who is told to start over everywhere asks again with pauses, until the time is up', async () => {
  const cluster = await settled();
  for (const each of [seed, before]) each.on(metadataApi, () => ELSEWHERE);
  const askedBefore = seed.bodies(metadataApi).length;
  await assert.rejects(cluster.topic('other', { timeoutMs: 60 }), {
    code: 'REQUEST_TIMEOUT',
    message: /every broker says to ask elsewhere/,
  });
  assert.ok(seed.bodies(metadataApi).length - askedBefore >= 4);
  seed.on(metadataApi, () => after.clusterOf('other', 1));
  await cluster.topic('other', { timeoutMs: 2_000 });
});

test('without a recovery strategy the order to start over is an error', async () => {
  const cluster = await settled({ metadataRecoveryStrategy: 'none' });
  before.on(metadataApi, () => ELSEWHERE);
  await assert.rejects(cluster.refresh(['t']), { code: ErrorCode.REBOOTSTRAP_REQUIRED });
  assert.equal(seed.bodies(metadataApi).length, 1);
});
