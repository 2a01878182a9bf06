import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { nodeEnvironment } from '@odradek/client/adapters/node-environment.ts';
import type { Address } from '@odradek/client/ports/sockets.ts';
import type { PeerLink } from '@odradek/core/ports/peers.ts';
import { PeerLinks } from '@odradek/broker/cluster/peer-links.ts';
import { startBroker } from '@odradek/broker';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';

function linksTo(t: TestContext, addressOf: (brokerId: number) => Address | null): PeerLinks {
  const environment = nodeEnvironment();
  const links = new PeerLinks({
    nodeId: 1,
    environment,
    addressOf,
    setupTimeoutMs: 5_000,
    setupTimeoutMaxMs: 5_000,
    frameSizeMaxBytes: 1_000_000,
  });
  t.after(() => links.close());
  return links;
}

function ask(
  link: PeerLink,
  timeoutMs = 5_000,
  build: () => { topics: null } = () => ({ topics: null }),
): Promise<number> {
  return new Promise((resolve, reject) => {
    let isWithinCall = true;
    link.request({ api: metadataApi, build, timeoutMs }, (error, answer) => {
      if (isWithinCall) reject(new Error('answered within the call'));
      else if (error !== null) reject(error);
      else resolve(answer.body.brokers[0]!.nodeId);
    });
    isWithinCall = false;
  });
}

/** A server that does with each connection what the test says. */
async function server(t: TestContext, act: (socket: Socket) => void): Promise<Address> {
  const sockets = new Set<Socket>();
  const listening: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    act(socket);
  });
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listening.close();
  });
  return { host: '127.0.0.1', port: (listening.address() as { port: number }).port };
}

test('requests are answered in their order, in the version that both sides know and the caller allows', async (t) => {
  const broker = await startBroker({ port: 0 });
  t.after(() => broker.close());
  const link = linksTo(t, () => broker.address).link(7, 'test');
  const order: string[] = [];
  const versions = await Promise.all(
    [undefined, 3, 2].map(
      (versionMax) =>
        new Promise<number>((resolve, reject) => {
          const bound = versionMax === undefined ? {} : { versionMax };
          link.request(
            { api: listOffsetsApi, build: () => ({ replicaId: 1, topics: [] }), timeoutMs: 5_000, ...bound },
            (error, answer) => {
              if (error !== null) return reject(error);
              order.push(`v${answer.version}`);
              resolve(answer.version);
            },
          );
        }),
    ),
  );
  assert.deepEqual(versions.slice(1), [3, 2]);
  assert.ok(versions[0]! > 3);
  assert.deepEqual(
    order,
    versions.map((version) => `v${version}`),
  );
});

test('a broker that is not known is an error, and no error any more once it is', async (t) => {
  const broker = await startBroker({ port: 0 });
  t.after(() => broker.close());
  let isKnown = false;
  const link = linksTo(t, () => (isKnown ? broker.address : null)).link(7, 'test');
  await assert.rejects(ask(link), /broker 7 is not known to be alive/);
  isKnown = true;
  assert.equal(await ask(link), broker.nodeId);
});

test('what is under way fails with the connection, and the next request opens another, where the broker is then', async (t) => {
  const first = await startBroker({ port: 0 });
  let { address } = first;
  const link = linksTo(t, () => address).link(7, 'test');
  await ask(link);
  await first.close();
  const second = await startBroker({ port: 0 });
  t.after(() => second.close());
  address = second.address;
  await ask(link).catch(() => {});
  assert.equal(await ask(link), second.nodeId);
});

test('a broker that accepts and says nothing is given up when the time is over, with all that waits', async (t) => {
  const address = await server(t, () => {});
  const link = linksTo(t, () => address).link(7, 'test');
  const startMs = performance.now();
  const outcomes = await Promise.allSettled([ask(link, 100), ask(link, 30_000)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.ok(performance.now() - startMs < 5_000);
});

test('connections that fail are tried again only after growing pauses', async (t) => {
  let count = 0;
  const address = await server(t, (socket) => {
    count += 1;
    socket.destroy();
  });
  const link = linksTo(t, () => address).link(7, 'test');
  const startMs = performance.now();
  for (let i = 0; i < 4; i++) await assert.rejects(ask(link));
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs >= (50 + 100 + 200) * 0.8, `${tookMs} ms`);
  assert.ok(count <= 8, `${count} connections: two for each try, since old brokers cut the first`);
});

test('a request that cannot be made fails alone', async (t) => {
  const broker = await startBroker({ port: 0 });
  t.after(() => broker.close());
  const link = linksTo(t, () => broker.address).link(7, 'test');
  const failing = ask(link, 5_000, () => {
    throw new Error('nothing to send');
  });
  const other = ask(link);
  await assert.rejects(failing, /nothing to send/);
  assert.equal(await other, broker.nodeId);
});

test('closing fails what is under way and what comes after', async (t) => {
  const address = await server(t, () => {});
  const links = linksTo(t, () => address);
  const link = links.link(7, 'test');
  const waiting = ask(link, 300_000);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  links.close();
  await assert.rejects(waiting);
  await assert.rejects(ask(link, 300_000), /closed/);
  await assert.rejects(ask(links.link(7, 'late'), 300_000), /closed/);
});
