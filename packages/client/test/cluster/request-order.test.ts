import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { ClientEnvironment } from '../../src/ports/environment.ts';
import { ScriptedBroker } from '../support/scripted-broker.ts';

/** More turns of the microtask queue than lie between a connection that opens and those who wait for it. */
const TURNS = 30;

/** As `nodeEnvironment`, but for what happens right after bytes have come. */
function withAfterReceiving(then: () => void): ClientEnvironment {
  const environment = nodeEnvironment();
  return {
    ...environment,
    sockets: {
      connect: (address, events, tls) =>
        environment.sockets.connect(
          address,
          {
            ...events,
            received: (bytes) => {
              events.received(bytes);
              then();
            },
          },
          tls,
        ),
    },
  };
}

test('requests leave in the order of asking, also when their connection opens in between', async () => {
  const broker = await ScriptedBroker.start();
  const arrived: number[] = [];
  broker.on(listOffsetsApi, ({ topics }) => {
    arrived.push(topics[0]!.partitions[0]!.partitionIndex);
    return { topics: [] };
  });
  const asked: Promise<unknown>[] = [];
  let isOpening = false;
  let ask = (): void => {};
  const askInEachOf = async (turns: number): Promise<void> => {
    if (!isOpening || turns === 0) return;
    ask();
    await Promise.resolve();
    await askInEachOf(turns - 1);
  };
  const cluster = new Cluster({
    bootstrapServers: broker.bootstrapServers,
    environment: withAfterReceiving(() => void askInEachOf(TURNS)),
  });
  try {
    const [node] = await cluster.nodes();
    ask = () => {
      const partitions = [{ partitionIndex: asked.length, timestamp: -1 }];
      const body = { replicaId: -1, topics: [{ name: 't', partitions }] };
      asked.push(cluster.request(node!, listOffsetsApi, body, { channel: 'fetch' }));
    };
    isOpening = true;
    ask();
    ask();
    await asked[0];
    isOpening = false;
    await Promise.all(asked);
    assert.ok(asked.length > TURNS, `${asked.length} asked`);
    assert.deepEqual(
      arrived,
      arrived.toSorted((a, b) => a - b),
    );
    assert.equal(arrived.length, asked.length);
  } finally {
    cluster.close();
    await broker.close();
  }
});
