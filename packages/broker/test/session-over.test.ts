// A broker that is about to stop has no use for another session; session-renewal.test.ts is about all others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { encodeBrokerRegistration } from '@odradek/core/controller/broker-registration.ts';
import { createRoots } from '@odradek/core/controller/cluster-join.ts';
import { encodeControllerEpoch, encodeControllerNode } from '@odradek/core/controller/controller-node.ts';
import { EmbeddedTree } from '../src/adapters/embedded-coordination/embedded-tree.ts';
import { silentLog } from '../src/adapters/silent-log.ts';
import { systemClock } from '../src/adapters/system-clock.ts';
import { Broker } from '../src/broker.ts';
import { loadBrokerConfig } from '../src/config/load-broker-config.ts';
import { groundInMemory } from '../src/broker-ground.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import { RawClient } from './serving/raw-client.ts';
import { PromisedSession } from '../../core/test/coordination/promised-session.ts';

let tree: EmbeddedTree;
beforeEach(() => {
  tree = new EmbeddedTree(':memory:', systemClock);
});
afterEach(() => tree.close());

/** A broker on the tree, a client that is connected with it, and the way to end the broker's session. */
async function served(): Promise<{ broker: Broker; port: number; client: Socket; expire: () => void }> {
  const session = tree.connect();
  const loaded = loadBrokerConfig({
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'controlled.shutdown.max.retries': '0',
  });
  const close = () => new Promise<void>((resolve) => session.close(resolve));
  const ground = groundInMemory(loaded, silentLog);
  const broker = await Broker.start({ ...ground, sharedTree: () => ({ session, close }) });
  const { port } = broker.addresses[0]!;
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  return { broker, port, client, expire: () => tree.expireSession(session.sessionId) };
}

async function assertGone(port: number): Promise<void> {
  await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), /ECONNREFUSED/);
}

test('a broker whose session ends in the middle of its farewell cuts its clients off and does not come back', async () => {
  const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const silentPort = (silent.address() as AddressInfo).port;
  await haveController(9, silentPort);
  const { broker, port, client, expire } = await served();
  await tellOfBrokers(port, { 0: port, 9: silentPort });
  const asked = once(silent, 'connection');
  const stopping = broker.stop();
  const [connection] = (await asked) as [Socket];
  assert.equal(client.destroyed, false);
  const cut = once(client, 'close');
  expire();
  await cut;
  await assertGone(port);
  connection.destroy();
  silent.close();
  await stopping;
});

/** What the controller says to a new broker. */
async function tellOfBrokers(port: number, ports: Readonly<Record<number, number>>): Promise<void> {
  const controller = await RawClient.connect(port);
  const { errorCode } = await controller.request(updateMetadataApi, 8, {
    controllerId: 9,
    controllerEpoch: 1,
    topicStates: [],
    liveBrokers: Object.entries(ports).map(([id, at]) => ({
      id: Number(id),
      endpoints: [{ port: at, host: '127.0.0.1', listener: 'PLAINTEXT', securityProtocol: 0 }],
      rack: null,
    })),
  });
  assert.equal(errorCode, 0);
  controller.close();
}

/** Another broker, which is the controller. */
async function haveController(brokerId: number, port: number): Promise<void> {
  const raw = tree.connect();
  const session = new PromisedSession(raw);
  await new Promise((resolve) => createRoots(raw, resolve));
  const endpoints = [
    { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT' as const, host: '127.0.0.1', port },
  ];
  const registration = { brokerId, endpoints, rack: null, jmxPort: -1, timestampMs: 1 };
  const nodes: [string, Buffer, 'persistent' | 'ephemeral'][] = [
    [`/brokers/ids/${brokerId}`, encodeBrokerRegistration(registration), 'ephemeral'],
    ['/controller', encodeControllerNode(brokerId, 1), 'ephemeral'],
    ['/controller_epoch', encodeControllerEpoch(1), 'persistent'],
  ];
  for (const [path, data, mode] of nodes) await session.create(path, data.toString(), mode);
}
