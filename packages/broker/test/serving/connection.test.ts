import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { RawClient, readAnswer } from './raw-client.ts';
import {
  batchOf,
  connectTo,
  fetch,
  fetchRequest,
  produce,
  produceRequest,
  TOPIC,
  withBroker,
} from './with-broker.ts';

function frameOf(...numbers: { size: 2 | 4; value: number }[]): Buffer {
  const body = Buffer.concat(
    numbers.map(({ size, value }) => {
      const bytes = Buffer.alloc(size);
      bytes.writeIntBE(value, 0, size);
      return bytes;
    }),
  );
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

const int16 = (value: number) => ({ size: 2, value }) as const;
const int32 = (value: number) => ({ size: 4, value }) as const;

test('pitfall 18: pipelined requests are answered in their order, a waiting fetch holding those behind it', async (t) => {
  const { broker, client } = await withBroker(t);
  const first = client.send(apiVersionsApi, 3, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' });
  const waiting = client.send(fetchApi, 11, fetchRequest({ maxWaitMs: 20_000 }));
  const last = client.send(metadataApi, 9, { topics: null });
  readAnswer(apiVersionsApi, 3, await client.nextFrame(), first);
  const other = await connectTo(t, broker);
  await produce(other, batchOf(['wakes']));
  const fetched = readAnswer(fetchApi, 11, await client.nextFrame(), waiting);
  assert.ok(fetched.responses[0]!.partitions[0]!.records!.length > 0);
  readAnswer(metadataApi, 9, await client.nextFrame(), last);
});

test('pitfall 18: a produce with acks=0 takes no place in the order', async (t) => {
  const { client } = await withBroker(t);
  client.send(produceApi, 9, produceRequest(batchOf(['unanswered']), { acks: 0 }));
  const id = client.send(metadataApi, 9, { topics: null });
  readAnswer(metadataApi, 9, await client.nextFrame(), id);
  assert.equal((await fetch(client)).highWatermark, 1);
});

test('pitfall 55: a produce with acks=0 that fails closes the connection', async (t) => {
  const { client } = await withBroker(t);
  client.send(produceApi, 9, produceRequest(batchOf(['lost']), { acks: 0, topic: 'nowhere' }));
  await client.whenClosed();
});

test('pitfalls 2, 3 and 4: an ApiVersions of the future is answered in v0, error first, and may be sent again', async (t) => {
  const { client } = await withBroker(t);
  client.write(frameOf(int16(18), int16(99), int32(7), int16(-1), int32(0)));
  const frame = await client.nextFrame();
  assert.equal(frame.readInt32BE(0), 7);
  assert.equal(frame.readInt16BE(4), ErrorCode.UNSUPPORTED_VERSION);
  const answer = readAnswer(apiVersionsApi, 0, frame, 7);
  assert.deepEqual(answer.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: apiVersionsApi.versionMax }]);
  const again = await client.request(apiVersionsApi, 0, {});
  assert.equal(again.errorCode, 0);
});

test('pitfall 1: the answer to a flexible ApiVersions has no tagged fields in its header', async (t) => {
  const { client } = await withBroker(t);
  const id = client.send(apiVersionsApi, 3, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' });
  const frame = await client.nextFrame();
  assert.equal(frame.readInt32BE(0), id);
  assert.equal(frame.readInt16BE(4), 0);
});

test('pitfall 5: a client software name outside the pattern is an invalid request, answered as usual', async (t) => {
  const { client } = await withBroker(t);
  for (const name of ['', ' raw', 'raw client', '-raw', 'raw.']) {
    const answer = await client.request(apiVersionsApi, 3, {
      clientSoftwareName: name,
      clientSoftwareVersion: '1.0',
    });
    assert.equal(answer.errorCode, ErrorCode.INVALID_REQUEST, `"${name}"`);
  }
});

test('pitfalls 10, 11 and 13: the version ranges hold what old clients test for', async (t) => {
  const { client } = await withBroker(t);
  const { apiKeys } = await client.request(apiVersionsApi, 0, {});
  const needed: Record<number, readonly number[]> = {
    0: [0, 1, 2, 3, 7],
    1: [1, 2, 4, 10],
    2: [1],
    3: [0, 1, 2, 3],
    8: [1, 2],
    9: [1],
    10: [0],
    11: [0],
    12: [0],
    13: [0],
    14: [0],
    18: [0],
    22: [0],
  };
  for (const [key, versions] of Object.entries(needed)) {
    const range = apiKeys.find((api) => api.apiKey === Number(key));
    assert.ok(range !== undefined, `API ${key}`);
    for (const version of versions) {
      assert.ok(range.minVersion <= version && version <= range.maxVersion, `API ${key} v${version}`);
    }
  }
});

test('pitfall 14: a client that never asks for versions is served', async (t) => {
  const { client } = await withBroker(t);
  const metadata = await client.request(metadataApi, 0, { topics: [{ name: TOPIC }] });
  assert.equal(metadata.topics[0]?.errorCode, 0);
});

test('pitfall 15: the client id may be null', async (t) => {
  const { client } = await withBroker(t);
  await client.request(metadataApi, 9, { topics: null }, null);
});

test('pitfall 9: an API or version that is not served closes the connection, and only that one', async (t) => {
  const { broker, client } = await withBroker(t);
  for (const [key, version] of [
    [0, 99],
    [3, -1],
    [999, 0],
    [-1, 0],
    [7, 0],
  ] as const) {
    const probe = await connectTo(t, broker);
    probe.write(frameOf(int16(key), int16(version), int32(1), int16(-1)));
    await probe.whenClosed();
  }
  await client.request(metadataApi, 9, { topics: null });
});

test('pitfall 193: frames that lie close their connection, and only that one', async (t) => {
  const { broker, client } = await withBroker(t, { overrides: { 'socket.request.max.bytes': '100000' } });
  const lies = [
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x7f, 0xff, 0xff, 0xff]),
    Buffer.from([0x00, 0x01, 0x86, 0xa1]),
    frameOf(),
    frameOf(int16(3)),
    frameOf(int16(3), int16(1), int32(1), int16(-1), int32(0x7fffffff)),
    frameOf(int16(3), int16(1), int32(1), int16(30_000)),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  ];
  for (const lie of lies) {
    const liar = await connectTo(t, broker);
    liar.write(lie);
    await liar.whenClosed();
  }
  await client.request(metadataApi, 9, { topics: null });
});

test('pitfall 193: a connection that is silent for connections.max.idle.ms is closed', async (t) => {
  const { broker } = await withBroker(t, { overrides: { 'connections.max.idle.ms': '150' } });
  const idle = await connectTo(t, broker);
  await idle.whenClosed();
});

test('a reader that takes nothing costs no more than the unsent bound', async (t) => {
  const { broker, client } = await withBroker(t);
  const megabyte = 'x'.repeat(1_000_000);
  for (let i = 0; i < 40; i++) await produce(client, batchOf([megabyte]));
  const slow = await connectTo(t, broker);
  slow.pause();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 5; i++) slow.send(fetchApi, 11, fetchRequest());
  await produce(client, batchOf(['still served']));
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 20_000_000, `${grown} bytes`);
  slow.resume();
  const frame = await slow.nextFrame();
  assert.ok(frame.length > 39_000_000);
});

test('a reader that goes away while an answer is on its way leaves the broker well', async (t) => {
  const { broker, client } = await withBroker(t);
  for (let i = 0; i < 10; i++) await produce(client, batchOf(['x'.repeat(1_000_000)]));
  const leaving = await RawClient.connect(broker.address.port);
  leaving.pause();
  leaving.send(fetchApi, 11, fetchRequest());
  await produce(client, batchOf(['y']));
  leaving.close();
  assert.equal((await fetch(client, { offset: 10 })).errorCode, 0);
});

test('max.connections refuses the one too many', async (t) => {
  const { broker } = await withBroker(t, { overrides: { 'max.connections': '2' } });
  const second = await connectTo(t, broker);
  const third = await connectTo(t, broker);
  await third.whenClosed();
  await second.request(metadataApi, 9, { topics: null });
});

test('a graceful stop answers what waits and then ends the connections', async (t) => {
  const { broker, client } = await withBroker(t);
  const id = client.send(fetchApi, 11, fetchRequest({ maxWaitMs: 60_000 }));
  const other = await connectTo(t, broker);
  await other.request(metadataApi, 9, { topics: null });
  const stopped = broker.close();
  readAnswer(fetchApi, 11, await client.nextFrame(), id);
  await client.whenClosed();
  client.close();
  other.close();
  await stopped;
});

test('two brokers in one process share nothing', async (t) => {
  const one = await withBroker(t);
  const two = await withBroker(t);
  await produce(one.client, batchOf(['only here']));
  assert.equal((await fetch(one.client)).highWatermark, 1);
  assert.equal((await fetch(two.client)).highWatermark, 0);
  assert.notEqual(one.broker.clusterId, two.broker.clusterId);
});
