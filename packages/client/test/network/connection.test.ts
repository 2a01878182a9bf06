import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createServer, type AddressInfo } from 'node:net';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { Connection } from '../../src/network/connection.ts';
import { CUT, SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  opened.push(broker);
});
after(() => Promise.all(opened.map((each) => each.close())));

function open(port = broker.port, setupTimeoutMs = 2_000): Promise<Connection> {
  return Connection.open(
    nodeEnvironment(),
    { host: '127.0.0.1', port },
    { clientId: 'test', setupTimeoutMs, frameSizeMaxBytes: 1_000_000 },
  );
}

const METADATA = { topics: [] };

test('client pitfall A26: requests go out in the highest version that both sides know', async () => {
  broker.versionMax.set(metadataApi.key, 5);
  const connection = await open();
  const { version } = await connection.request(metadataApi, METADATA, { timeoutMs: 1_000 });
  assert.equal(version, 5);
  assert.equal(broker.requests.at(-1)?.version, 5);
  const lower = await connection.request(metadataApi, METADATA, { timeoutMs: 1_000, versionMax: 3 });
  assert.equal(lower.version, 3);
  connection.close(new Error('done'));
});

test('pitfall 2: a broker that refuses our ApiVersions is asked again in the version that it names (client pitfall A25)', async () => {
  broker.on(apiVersionsApi, (_, version) =>
    version > 2
      ? { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }] }
      : { errorCode: 0, apiKeys: broker.apiKeys() },
  );
  const connection = await open();
  assert.deepEqual(
    broker.requests.map(({ version }) => version),
    [apiVersionsApi.versionMax, 2],
  );
  assert.equal(broker.connections, 1);
  connection.close(new Error('done'));
});

test('pitfall 2: where the refusal names no version, version 0 is asked', async () => {
  broker.on(apiVersionsApi, (_, version) =>
    version > 0 ? { errorCode: 35, apiKeys: [] } : { errorCode: 0, apiKeys: broker.apiKeys() },
  );
  (await open()).close(new Error('done'));
  assert.equal(broker.requests.at(-1)?.version, 0);
});

test('pitfall 4: a broker that cuts the connection on a new ApiVersions is asked in version 0 (client pitfall A25)', async () => {
  broker.on(apiVersionsApi, (_, version) =>
    version > 0 ? CUT : { errorCode: 0, apiKeys: broker.apiKeys() },
  );
  (await open()).close(new Error('done'));
  assert.equal(broker.connections, 2);
});

test('an API without a common version is refused without sending anything', async () => {
  broker.on(apiVersionsApi, () => ({
    errorCode: 0,
    apiKeys: [{ apiKey: metadataApi.key, minVersion: 90, maxVersion: 99 }],
  }));
  const connection = await open();
  await assert.rejects(connection.request(metadataApi, METADATA, { timeoutMs: 1_000 }), {
    code: 'UNSUPPORTED_API',
    message: /serves Metadata in versions 90 to 99/,
  });
  await assert.rejects(
    connection.request(listOffsetsApi, { replicaId: -1, topics: [] }, { timeoutMs: 1_000 }),
    { message: 'the broker does not serve ListOffsets' },
  );
  assert.equal(broker.requests.length, 1);
  connection.close(new Error('done'));
});

test('client pitfall A28: pipelined requests get their own answers', async () => {
  let count = 0;
  broker.on(metadataApi, () => ({ brokers: [], clusterId: String(count++), controllerId: -1, topics: [] }));
  const connection = await open();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => connection.request(metadataApi, METADATA, { timeoutMs: 1_000 })),
  );
  assert.deepEqual(
    answers.map(({ body }) => body.clusterId),
    Array.from({ length: 50 }, (_, i) => String(i)),
  );
  connection.close(new Error('done'));
});

test('client pitfall A8: a request without an answer in time ends the connection and fails all that wait on it', async () => {
  broker.on(metadataApi, () => SILENCE);
  const connection = await open();
  const first = connection.request(metadataApi, METADATA, { timeoutMs: 50 });
  const second = connection.request(metadataApi, METADATA, { timeoutMs: 60_000 });
  await Promise.all([
    assert.rejects(first, { code: 'REQUEST_TIMEOUT' }),
    assert.rejects(second, { code: 'REQUEST_TIMEOUT' }),
  ]);
  assert.equal(connection.isOpen, false);
  await assert.rejects(connection.request(metadataApi, METADATA, { timeoutMs: 50 }), { unsent: true });
});

test('a connection that the broker cuts fails what is in flight, with its fate unknown', async () => {
  broker.on(metadataApi, () => CUT);
  const connection = await open();
  await assert.rejects(connection.request(metadataApi, METADATA, { timeoutMs: 1_000 }), {
    code: 'CONNECTION_FAILED',
    unsent: false,
  });
});

test('client pitfall A6: a broker that accepts and stays silent is given up at the setup deadline', async () => {
  broker.on(apiVersionsApi, () => SILENCE);
  await assert.rejects(open(broker.port, 60), { code: 'REQUEST_TIMEOUT' });
});

test('a port where nobody listens is named in plain words', async () => {
  const { port } = broker;
  await broker.close();
  await assert.rejects(open(port), { message: `127.0.0.1:${port}: connection refused`, unsent: true });
});

for (const [what, bytes] of [
  ['an answer that nobody waits for', [0, 0, 0, 4, 0, 0, 0x30, 0x39]],
  ['a length that cannot be', [0x7f, 0xff, 0xff, 0xff]],
  ['an answer that cannot be read', [0, 0, 0, 6, 0, 0, 0, 1, 0, 0]],
] as const) {
  test(`${what} ends the connection with an error`, async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(Buffer.from(bytes)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => new Promise((resolve) => void server.close(() => resolve())) });
    await assert.rejects(open((server.address() as AddressInfo).port, 500), (error: Error) => {
      assert.match(error.message, /correlation id 12345|is this a Kafka broker|cannot be read/);
      return true;
    });
  });
}
