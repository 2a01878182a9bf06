// What an operator, or somebody with a hand in the tree, can get wrong: each is a clear error, and nothing is half done.
// The same for starts in a real ensemble, with a root path that is not there as well: interop/zookeeper/broker.test.ts.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { treeContents } from '../../core/test/controller/controller-world.ts';
import { PromisedSession } from '../../core/test/coordination/promised-session.ts';
import { EmbeddedTree } from '../src/adapters/embedded-coordination/embedded-tree.ts';
import { MemoryDisk } from '../src/adapters/memory-disk.ts';
import { silentLog } from '../src/adapters/silent-log.ts';
import { systemClock } from '../src/adapters/system-clock.ts';
import { groundInMemory } from '../src/broker-ground.ts';
import { Broker } from '../src/broker.ts';
import { loadBrokerConfig } from '../src/config/load-broker-config.ts';
import { startBroker } from '../src/start-broker.ts';
import { RawClient } from './serving/raw-client.ts';
import { batchOf, createTopic, produce, TOPIC } from './serving/with-broker.ts';

let tree: EmbeddedTree;
let ends: (() => Promise<void> | void)[];
beforeEach(() => {
  tree = new EmbeddedTree(':memory:', systemClock);
  ends = [() => tree.close()];
});
afterEach(async () => {
  for (const end of ends.toReversed()) await end();
});

/** A broker of a cluster whose coordination tree the test holds, too. */
async function start(brokerId: number, disk = new MemoryDisk(), on = tree): Promise<Broker> {
  const listeners = 'PLAINTEXT://127.0.0.1:0';
  const loaded = loadBrokerConfig({ listeners, 'broker.id': String(brokerId) });
  const sharedTree = () => {
    const session = on.connect();
    return { session, close: () => new Promise<void>((resolve) => session.close(resolve)) };
  };
  const broker = await Broker.start({ ...groundInMemory(loaded, silentLog), disk, sharedTree });
  ends.push(() => broker.stop());
  return broker;
}

async function clientOf(broker: Broker): Promise<RawClient> {
  const client = await RawClient.connect(broker.addresses[0]!.port);
  ends.push(() => client.close());
  return client;
}

/** What is in the tree is the same afterwards. */
async function leavesTheTree(act: () => Promise<void>): Promise<void> {
  const before = await treeContents(tree);
  await act();
  assert.deepEqual(await treeContents(tree), before);
}

describe('a broker that cannot start says why, and leaves no trace', () => {
  it('its id is that of another one, which goes on', async () => {
    const first = await start(1);
    const client = await clientOf(first);
    await createTopic(client, TOPIC, 1);
    await leavesTheTree(() =>
      assert.rejects(start(1), /broker\.id 1 is registered already: another broker has it/),
    );
    assert.equal((await produce(client, batchOf(['a']))).errorCode, ErrorCode.NONE);
  });

  it('its data is that of another cluster', async () => {
    const disk = new MemoryDisk();
    const elsewhere = new EmbeddedTree(':memory:', systemClock);
    ends.unshift(() => elsewhere.close());
    const before = await start(1, disk, elsewhere);
    await before.stop();
    const resident = await start(2);
    const words = new RegExp(`belong to cluster ${before.clusterId}, but .* to ${resident.clusterId}`);
    await leavesTheTree(() => assert.rejects(start(1, disk), words));
  });

  it('its data is that of another broker', async () => {
    const disk = new MemoryDisk();
    await (await start(1, disk)).stop();
    await leavesTheTree(() =>
      assert.rejects(start(2, disk), /holds the data of broker 1, but broker\.id is 2/),
    );
  });

  it('there is no ZooKeeper, or something else that never answers', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    ends.push(() => void mute.close());
    const port = await new Promise<number>((resolve) =>
      mute.once('listening', () => resolve((mute.address() as { port: number }).port)),
    );
    const properties = {
      'zookeeper.connect': `127.0.0.1:${port}`,
      'zookeeper.connection.timeout.ms': '300',
    };
    const words = new RegExp(`no ZooKeeper server of 127\\.0\\.0\\.1:${port} gave a session within 300 ms`);
    await assert.rejects(startBroker({ port: 0, memory: true, properties }), words);
  });

  it(
    'its data directory cannot be made, or not be written',
    { skip: process.platform !== 'linux' },
    async () => {
      for (const dataDirectory of ['/proc/x', '/proc/x/y', '/dev/null/x', '/proc/self'])
        await assert.rejects(startBroker({ port: 0, dataDirectory }), /\/(proc|dev\/null)\b/, dataDirectory);
    },
  );
});

describe('what a client asks for and cannot be changes nothing', () => {
  let client: RawClient;
  beforeEach(async () => {
    client = await clientOf(await start(1));
    await createTopic(client, TOPIC, 1);
  });

  it('replicas that contradict themselves or the cluster', async () => {
    const by = (...brokerIds: number[][]) =>
      brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids }));
    const contradictions = {
      'the same twice': { assignments: by([1, 1]) },
      'a broker that is not there': { assignments: by([1], [9]) },
      'as many here as there': { assignments: by([1], []) },
      'a partition left out': { assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      'counts beside them': { assignments: by([1]), numPartitions: 2, replicationFactor: 1 },
      'more replicas than brokers': { numPartitions: 1, replicationFactor: 2 },
    };
    const counted = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
    const topics = Object.entries(contradictions).map(([, asked], at) => ({
      name: `t${at}`,
      ...counted,
      ...asked,
    }));
    await leavesTheTree(async () => {
      const answer = await client.request(createTopicsApi, 5, { topics, timeoutMs: 5000 });
      for (const [at, what] of Object.keys(contradictions).entries()) {
        const { errorCode, errorMessage } = answer.topics.find(({ name }) => name === `t${at}`)!;
        assert.notEqual(errorCode, ErrorCode.NONE, what);
        assert.ok((errorMessage?.length ?? 0) > 10, what);
      }
    });
  });

  it('a reassignment to a broker that is dead', async () => {
    await leavesTheTree(async () => {
      const answer = await client.request(alterPartitionReassignmentsApi, 0, {
        topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas: [1, 9] }] }],
        timeoutMs: 5000,
      });
      const [refused] = answer.responses[0]!.partitions;
      assert.equal(refused!.errorCode, ErrorCode.INVALID_REPLICA_ASSIGNMENT);
      assert.match(refused!.errorMessage!, /\b9\b/);
    });
    assert.equal((await produce(client, batchOf(['a']))).errorCode, ErrorCode.NONE);
  });
});

describe('garbage in the tree', () => {
  const garbage = '{"this is": no JSON';

  it('in the nodes of a topic: that topic is left out and left as it is, the others are served', async () => {
    const broker = await start(1);
    const client = await clientOf(broker);
    for (const name of [TOPIC, 'broken', 'half']) await createTopic(client, name, 1);
    await broker.stop();
    const session = new PromisedSession(tree.connect());
    await session.set('/brokers/topics/broken', garbage);
    await session.set('/brokers/topics/half/partitions/0/state', garbage);
    const again = await clientOf(await start(1));
    const { topics } = await again.request(metadataApi, 9, { topics: null });
    assert.deepEqual(
      topics.map(({ name }) => name),
      [TOPIC],
    );
    assert.equal((await produce(again, batchOf(['a']))).errorCode, ErrorCode.NONE);
    assert.equal((await session.read('/brokers/topics/broken')).data!.toString(), garbage);
    assert.equal((await session.read('/brokers/topics/half/partitions/0/state')).data!.toString(), garbage);
  });

  it('in what all depends on: no start, and the node is named', async () => {
    for (const path of ['/controller_epoch', '/cluster/id']) {
      const spoilt = new EmbeddedTree(':memory:', systemClock);
      ends.unshift(() => spoilt.close());
      await (await start(1, new MemoryDisk(), spoilt)).stop();
      await new PromisedSession(spoilt.connect()).set(path, garbage);
      await assert.rejects(start(1, new MemoryDisk(), spoilt), new RegExp(path));
    }
  });
});
