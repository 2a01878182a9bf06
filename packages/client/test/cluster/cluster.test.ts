import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import type { ClusterOptions } from '../../src/cluster/cluster-options.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../../src/cluster/coordinators.ts';
import { listOffsets } from '../../src/consumer/list-offsets.ts';
import { Producer } from '../../src/producer/producer.ts';
import { until } from '../support/live-cluster.ts';
import { SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';
import { VirtualEnvironment } from '../support/virtual-environment.ts';

let broker: ScriptedBroker;
let others: ScriptedBroker[];
let clusters: Cluster[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  others = [];
  clusters = [];
  broker.on(listOffsetsApi, () => ({
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 5 }] }],
  }));
});

afterEach(async () => {
  for (const cluster of clusters) cluster.close();
  await Promise.all([broker, ...others].map((each) => each.close()));
});

function clusterOf(options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = new Cluster({
    bootstrapServers: broker.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    apiTimeoutMs: 2_000,
    ...options,
  });
  clusters.push(cluster);
  return cluster;
}

async function anotherBroker(): Promise<ScriptedBroker> {
  const started = await ScriptedBroker.start();
  others.push(started);
  return started;
}

function endOf(cluster: Cluster): Promise<unknown> {
  return listOffsets(cluster, [{ topic: 't', partition: 0, at: 'latest' }]);
}

test('client pitfall A7: a connection that the broker closed while idle is no failure', async () => {
  const cluster = clusterOf();
  await endOf(cluster);
  broker.cutAll();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const node = (await cluster.nodes())[0]!;
  await cluster.request(node, listOffsetsApi, { replicaId: -1, topics: [] });
});

test('client pitfall A7: a connection idle for longer than brokers keep it is opened anew', async () => {
  const cluster = clusterOf({ connectionsMaxIdleMs: 10 });
  await endOf(cluster);
  const before = broker.connections;
  await new Promise((resolve) => setTimeout(resolve, 30));
  await endOf(cluster);
  assert.equal(broker.connections, before + 1);
});

test('client pitfall A13: when the addresses that were given die, the learned ones go on', async () => {
  const learned = await anotherBroker();
  const answer = { ...learned.clusterOf('t', 1) };
  broker.on(metadataApi, () => answer);
  learned.on(metadataApi, () => answer);
  const cluster = clusterOf();
  await cluster.topic('t');
  broker.cutAll();
  await broker.close();
  await cluster.refresh(['t']);
  assert.ok(learned.bodies(metadataApi).length > 0);
  broker = await ScriptedBroker.start();
});

test('client pitfall A13: an address that does not answer is passed over', async () => {
  const silent = await anotherBroker();
  silent.on(metadataApi, () => SILENCE);
  const cluster = clusterOf({
    bootstrapServers: `${silent.bootstrapServers},${broker.bootstrapServers}`,
    requestTimeoutMs: 50,
  });
  assert.equal((await cluster.topic('t')).partitions.length, 2);
});

test('however short metadata lives, a topic that is not asked for every moment stays known', async () => {
  const environment = new VirtualEnvironment(1, nodeEnvironment().sockets);
  const cluster = clusterOf({ environment, metadataMaxAgeMs: 10 });
  await cluster.topic('t');
  for (let i = 0; i < 5; i++) {
    const asked = broker.bodies(metadataApi).length;
    await until(async () => {
      await environment.pass(10);
      return broker.bodies(metadataApi).length > asked;
    });
  }
  assert.equal(cluster.metadata.topic('t')?.partitions.length, 2);
});

test('client pitfall A23: a broker that is silent holds up only who asked it: the coordinator is found meanwhile', async () => {
  const other = await anotherBroker();
  const answer = (): object => ({
    ...broker.clusterOf('t', 1),
    brokers: [broker, other].map(({ port }, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
  });
  for (const each of [broker, other]) {
    each.on(metadataApi, answer);
    each.on(findCoordinatorApi, () => ({
      coordinators: [
        { key: 'g', nodeId: 2, host: '127.0.0.1', port: other.port, errorCode: 0, errorMessage: null },
      ],
    }));
  }
  const cluster = clusterOf({ requestTimeoutMs: 150 });
  await cluster.topic('t');
  const asked = broker.bodies(metadataApi).length + other.bodies(metadataApi).length;
  for (const each of [broker, other]) {
    // Whichever is asked first stays silent, the next one answers.
    each.on(metadataApi, () => {
      for (const any of [broker, other]) any.on(metadataApi, answer);
      return SILENCE;
    });
  }
  let isRefreshed = false;
  const refreshed = cluster.refresh(['t']).then(() => (isRefreshed = true));
  await until(() => broker.bodies(metadataApi).length + other.bodies(metadataApi).length > asked);
  await new Coordinator(cluster, CoordinatorType.GROUP, 'g').find();
  assert.equal(isRefreshed, false);
  await refreshed;
});

test('client pitfall A14: brokers are told apart by id: endpoints that change places are followed', async () => {
  const other = await anotherBroker();
  let isSwapped = false;
  const answer = (): object => {
    const ports = isSwapped ? [other.port, broker.port] : [broker.port, other.port];
    return {
      ...broker.clusterOf('t', 1),
      brokers: ports.map((port, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
    };
  };
  for (const each of [broker, other]) each.on(metadataApi, answer);
  other.on(listOffsetsApi, () => ({
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 9 }] }],
  }));
  const cluster = clusterOf();
  await endOf(cluster);
  assert.equal(other.bodies(listOffsetsApi).length, 0);
  isSwapped = true;
  await cluster.refresh(['t']);
  await endOf(cluster);
  assert.equal(other.bodies(listOffsetsApi).length, 1);
});

test('client pitfall A16: however many ask, one question at a time', async () => {
  let atOnce = 0;
  let mostAtOnce = 0;
  broker.on(metadataApi, async () => {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    await new Promise((resolve) => setTimeout(resolve, 5));
    atOnce--;
    return broker.clusterOf('t', 2);
  });
  const cluster = clusterOf();
  await Promise.all(Array.from({ length: 1_000 }, () => cluster.topic('t')));
  assert.equal(mostAtOnce, 1);
  assert.ok(broker.bodies(metadataApi).length <= 3);
});

test('client pitfall A16: a topic that is not there is asked for with growing pauses', async () => {
  broker.on(metadataApi, () => ({
    ...broker.clusterOf('t', 1),
    topics: [
      { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 'x', isInternal: false, partitions: [] },
    ],
  }));
  const cluster = clusterOf({ retryBackoffMs: 20, retryBackoffMaxMs: 100 });
  await assert.rejects(cluster.topic('x', { timeoutMs: 400 }), {
    code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    message: 'there is no topic "x"',
  });
  assert.ok(broker.bodies(metadataApi).length < 12);
});

test('client pitfall A32: a broker that asks for a pause gets it', async () => {
  let askedAtMs: number[] = [];
  broker.on(listOffsetsApi, () => {
    askedAtMs.push(performance.now());
    return {
      throttleTimeMs: 100,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 5 }] }],
    };
  });
  const cluster = clusterOf();
  await endOf(cluster);
  await endOf(cluster);
  assert.ok(askedAtMs[1]! - askedAtMs[0]! >= 95);
  askedAtMs = [];
});

test('client pitfall A33: when nobody can be reached attempts are few and the reasons told', async () => {
  const gone = await ScriptedBroker.start();
  const { bootstrapServers } = gone;
  await gone.close();
  const cluster = clusterOf({ bootstrapServers, retryBackoffMs: 20, retryBackoffMaxMs: 100 });
  const startedCpu = process.cpuUsage().user;
  await assert.rejects(
    cluster.topic('t', { timeoutMs: 500 }),
    /no broker can be reached: .*connection refused/,
  );
  assert.ok(process.cpuUsage().user - startedCpu < 300_000, 'microseconds of work');
});

test('client pitfall I1: what only the controller may do goes to it, also after it has moved', async () => {
  const other = await anotherBroker();
  let controllerId = 1;
  const answer = (): object => ({
    ...broker.clusterOf('t', 1),
    controllerId,
    brokers: [broker, other].map(({ port }, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
  });
  for (const each of [broker, other]) each.on(metadataApi, answer);
  broker.on(createTopicsApi, () => {
    controllerId = 2;
    return { topics: [{ name: 'n', errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: null }] };
  });
  other.on(createTopicsApi, () => ({ topics: [{ name: 'n', errorCode: 0, errorMessage: null }] }));
  const cluster = clusterOf();
  const created = await cluster.requestToController(
    createTopicsApi,
    { topics: [], timeoutMs: 1_000 },
    ({ topics }) => topics.map(({ errorCode }) => errorCode),
  );
  assert.equal(created.topics[0]?.errorCode, 0);
  assert.deepEqual([broker.bodies(createTopicsApi).length, other.bodies(createTopicsApi).length], [1, 1]);
});

test('client pitfall J1: failures behind the scenes reach callers, and nothing else', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  const producer = new Producer({
    bootstrapServers: broker.bootstrapServers,
    deliveryTimeoutMs: 100,
    maxBlockMs: 100,
    retryBackoffMs: 5,
  });
  const sent = producer.send({ topic: 't', value: Buffer.from('x') }).catch((error: unknown) => error);
  await until(() => broker.connections > 0);
  broker.cutAll();
  await broker.close();
  assert.ok((await sent) instanceof Error);
  await producer.close(50);
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
  broker = await ScriptedBroker.start();
});

test('client pitfall J7: a client that is closed drops what is still being set up', async () => {
  broker.on(apiVersionsApi, () => SILENCE);
  const cluster = clusterOf({ connectionSetupTimeoutMs: 15_000 });
  const asked = assert.rejects(cluster.nodes(), { code: 'CLOSED' });
  await until(() => broker.bodies(apiVersionsApi).length === 1);
  cluster.close();
  await asked;
  await until(() => broker.openCount === 0);
});

test('client pitfall J7: a process with closed clients ends by itself', async () => {
  broker.on(fetchApi, () => SILENCE);
  const index = resolve(import.meta.dirname, '../../src/index.ts');
  const program = `
    import { Consumer, GroupConsumer, Producer } from '${index}';
    const options = { bootstrapServers: '${broker.bootstrapServers}' };
    const producer = new Producer(options);
    const consumer = new Consumer(options);
    const member = new GroupConsumer({ ...options, groupId: 'g', topics: ['t'] });
    await producer.connect();
    await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
    await consumer.poll(20);
    await member.connect();
    await producer.close();
    await consumer.close();
    await member.close();
    console.log('closed');
  `;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', program],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let closedAtMs = 0;
  child.stdout.once('data', () => (closedAtMs = performance.now()));
  const [exitCode] = (await once(child, 'close')) as [number];
  assert.equal(exitCode, 0);
  assert.ok(performance.now() - closedAtMs < 1_000);
});
