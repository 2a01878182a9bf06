import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBroker } from '@odradek/broker';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import { listConfigResourcesApi } from '@odradek/protocol/generated/apis/list-config-resources.ts';
import type { RawClient } from './raw-client.ts';
import { batchOf, connectTo, createTopic, fetch, produce, TOPIC, withBroker } from './with-broker.ts';

const TOPIC_RESOURCE = { resourceType: 2, resourceName: TOPIC };
const ALL_BROKERS = { resourceType: 4, resourceName: '' };

async function set(
  client: RawClient,
  resource: { resourceType: number; resourceName: string },
  name: string,
  value: string,
): Promise<void> {
  const { responses } = await client.request(incrementalAlterConfigsApi, 1, {
    resources: [{ ...resource, configs: [{ name, configOperation: 0, value }] }],
    validateOnly: false,
  });
  assert.equal(responses[0]?.errorCode, ErrorCode.NONE, responses[0]?.errorMessage ?? '');
}

async function valueOf(
  client: RawClient,
  resource: typeof TOPIC_RESOURCE,
  name: string,
): Promise<string | null> {
  const { results } = await client.request(describeConfigsApi, 4, {
    resources: [{ ...resource, configurationKeys: [name] }],
  });
  return results[0]?.configs[0]?.value ?? null;
}

test('a new size limit counts for the next produce request', async (context) => {
  const { client } = await withBroker(context);
  const records = batchOf(['x'.repeat(500)]);
  assert.equal((await produce(client, records)).errorCode, ErrorCode.NONE);
  await set(client, TOPIC_RESOURCE, 'max.message.bytes', '400');
  assert.equal((await produce(client, records)).errorCode, ErrorCode.MESSAGE_TOO_LARGE);
  await set(client, TOPIC_RESOURCE, 'max.message.bytes', '4000');
  assert.equal((await produce(client, records)).errorCode, ErrorCode.NONE);
});

test('a limit for all brokers counts at once for topics without their own', async (context) => {
  const { client } = await withBroker(context);
  const records = batchOf(['x'.repeat(500)]);
  await createTopic(client, 'own', 1, [{ name: 'max.message.bytes', value: '4000' }]);
  await set(client, ALL_BROKERS, 'message.max.bytes', '400');
  assert.equal((await produce(client, records)).errorCode, ErrorCode.MESSAGE_TOO_LARGE);
  assert.equal((await produce(client, records, { topic: 'own' })).errorCode, ErrorCode.NONE);
});

test('conversion for old consumers can be refused by the topic', async (context) => {
  const { client } = await withBroker(context);
  await produce(client, batchOf(['a']));
  const oldConsumer = { version: 3 };
  assert.equal((await fetch(client, oldConsumer)).errorCode, ErrorCode.NONE);
  await set(client, TOPIC_RESOURCE, 'message.downconversion.enable', 'false');
  assert.equal((await fetch(client, oldConsumer)).errorCode, ErrorCode.UNSUPPORTED_VERSION);
});

test('settings outlive the broker', async (context) => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'odradek-settings-'));
  context.after(() => rmSync(dataDirectory, { recursive: true, force: true }));
  const first = await startBroker({ port: 0, dataDirectory });
  const before = await connectTo(context, first);
  await createTopic(before, TOPIC, 1, [{ name: 'retention.ms', value: '1000' }]);
  await set(before, TOPIC_RESOURCE, 'segment.ms', '2000');
  await set(before, ALL_BROKERS, 'log.segment.bytes', '3000');
  await first.close();
  const second = await startBroker({ port: 0, dataDirectory });
  context.after(() => second.close());
  const after = await connectTo(context, second);
  assert.equal(await valueOf(after, TOPIC_RESOURCE, 'retention.ms'), '1000');
  assert.equal(await valueOf(after, TOPIC_RESOURCE, 'segment.ms'), '2000');
  assert.equal(await valueOf(after, TOPIC_RESOURCE, 'segment.bytes'), '3000');
});

test('what can have settings is listed', async (context) => {
  const { client } = await withBroker(context);
  const listed = async (version: number, resourceTypes: number[]) => {
    const request = version === 0 ? {} : { resourceTypes };
    const { errorCode, configResources } = await client.request(listConfigResourcesApi, version, request);
    const names = configResources.map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`);
    return { errorCode, names };
  };
  assert.deepEqual(await listed(0, []), { errorCode: ErrorCode.NONE, names: [] });
  assert.deepEqual(await listed(1, []), { errorCode: ErrorCode.NONE, names: [`2 ${TOPIC}`, '4 0'] });
  assert.deepEqual(await listed(1, [4, 4]), { errorCode: ErrorCode.NONE, names: ['4 0'] });
  assert.deepEqual(await listed(1, [3]), { errorCode: ErrorCode.UNSUPPORTED_VERSION, names: [] });
});
