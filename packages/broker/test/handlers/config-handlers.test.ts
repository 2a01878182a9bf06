import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { alterConfigsApi } from '@odradek/protocol/generated/apis/alter-configs.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import type { BrokerServices } from '../../src/broker-services.ts';
import { alterConfigsHandler } from '../../src/handlers/alter-configs.ts';
import { describeConfigsHandler } from '../../src/handlers/describe-configs.ts';
import type { Handler, RequestContext } from '../../src/handlers/handler.ts';
import { incrementalAlterConfigsHandler } from '../../src/handlers/incremental-alter-configs.ts';
import type { ConfigFixture } from '../config/config-fixture.ts';
import { configFixture } from '../config/config-fixture.ts';

const TOPIC = { resourceType: 2, resourceName: 'orders' };
const CLUSTER_AUTHORIZATION_FAILED = 31;

async function fixture(context: TestContext): Promise<ConfigFixture> {
  const made = await configFixture();
  context.after(() => made.close());
  return made;
}

/** Sends a request through the bytes of a version, both ways. */
async function ask<Request, RequestInput, Response, ResponseInput>(
  made: ConfigFixture,
  api: ApiCodec<Request, RequestInput, Response, ResponseInput>,
  handler: Handler<Request, ResponseInput>,
  apiVersion: number,
  input: RequestInput,
): Promise<Response> {
  const request = read(
    (writer) => api.writeRequest(writer, input, apiVersion),
    (reader) => api.readRequest(reader, apiVersion),
  );
  const answer = await handler.handle(request, contextOf(made, apiVersion));
  return read(
    (writer) => api.writeResponse(writer, answer as ResponseInput, apiVersion),
    (reader) => api.readResponse(reader, apiVersion),
  );
}

function read<Message>(write: (writer: Writer) => void, readBack: (reader: Reader) => Message): Message {
  const writer = new Writer();
  write(writer);
  return readBack(new Reader(writer.toBuffer()));
}

function contextOf(made: ConfigFixture, apiVersion: number): RequestContext {
  const peer = { connectionId: '1', clientHost: '127.0.0.1', listenerName: 'PLAINTEXT' };
  return {
    ...peer,
    apiVersion,
    correlationId: 1,
    clientId: null,
    connection: { ...peer, clientSoftware: null, onClose: () => () => undefined },
    // These handlers use nothing else of the broker.
    broker: { configs: made.service } as unknown as BrokerServices,
  };
}

for (let version = 0; version <= 4; version += 1) {
  test(`DescribeConfigs v${version}`, async (context) => {
    const made = await fixture(context);
    await made.service.alter(
      [{ type: 2, name: 'orders', settings: [{ name: 'flush.ms', value: '5' }] }],
      false,
    );
    const response = await ask(made, describeConfigsApi, describeConfigsHandler, version, {
      resources: [
        { ...TOPIC, configurationKeys: ['flush.ms', 'segment.bytes'] },
        { resourceType: 2, resourceName: 'absent', configurationKeys: null },
      ],
      ...(version >= 1 ? { includeSynonyms: true } : {}),
      ...(version >= 3 ? { includeDocumentation: true } : {}),
    });
    const [orders, absent] = response.results;
    assert.equal(orders?.errorCode, 0);
    assert.equal(absent?.errorCode, 3);
    assert.deepEqual(absent?.configs, []);
    const [segmentBytes, flushMs] = (orders?.configs ?? []).toSorted((a, b) => b.name.localeCompare(a.name));
    assert.equal(segmentBytes?.value, '1073741824');
    assert.equal(flushMs?.value, '5');
    assert.equal(flushMs?.readOnly, false);
    if (version === 0) {
      assert.equal(segmentBytes?.isDefault, true);
      assert.equal(flushMs?.isDefault, false);
      return;
    }
    assert.equal(segmentBytes?.configSource, 5);
    assert.equal(flushMs?.configSource, 1);
    assert.deepEqual(
      segmentBytes?.synonyms.map(({ name, value, source }) => ({ name, value, source })),
      [{ name: 'log.segment.bytes', value: '1073741824', source: 5 }],
    );
    assert.equal(segmentBytes?.configType, version >= 3 ? 3 : 0);
    assert.equal((segmentBytes?.documentation ?? '') !== '', version >= 3);
  });
}

test('pitfall 169: synonyms and documentation only when asked for', async (context) => {
  const made = await fixture(context);
  const response = await ask(made, describeConfigsApi, describeConfigsHandler, 4, {
    resources: [{ ...TOPIC, configurationKeys: ['segment.bytes'] }],
  });
  const [setting] = response.results[0]?.configs ?? [];
  assert.deepEqual(setting?.synonyms, []);
  assert.equal(setting?.documentation, null);
});

for (let version = 0; version <= 2; version += 1) {
  test(`AlterConfigs v${version}`, async (context) => {
    const made = await fixture(context);
    const request = {
      resources: [
        { ...TOPIC, configs: [{ name: 'flush.ms', value: '5' }] },
        { resourceType: 2, resourceName: 'payments', configs: [{ name: 'flush.ms', value: '-5' }] },
      ],
      validateOnly: true,
    };
    const checked = await ask(made, alterConfigsApi, alterConfigsHandler, version, request);
    assert.deepEqual(
      checked.responses.map(({ errorCode }) => errorCode),
      [0, 40],
    );
    assert.deepEqual(made.service.topicOverrides('orders'), {});
    const done = await ask(made, alterConfigsApi, alterConfigsHandler, version, {
      ...request,
      validateOnly: false,
    });
    assert.match(done.responses[1]?.errorMessage ?? '', /Value must be at least 0/);
    assert.equal(done.responses[1]?.resourceName, 'payments');
    assert.deepEqual(made.service.topicOverrides('orders'), { 'flush.ms': '5' });
  });
}

for (let version = 0; version <= 1; version += 1) {
  test(`IncrementalAlterConfigs v${version}`, async (context) => {
    const made = await fixture(context);
    const response = await ask(made, incrementalAlterConfigsApi, incrementalAlterConfigsHandler, version, {
      resources: [
        {
          ...TOPIC,
          configs: [
            { name: 'flush.ms', configOperation: 0, value: '5' },
            { name: 'cleanup.policy', configOperation: 2, value: 'compact' },
          ],
        },
        { resourceType: 32, resourceName: 'some-group', configs: [] },
      ],
      validateOnly: false,
    });
    assert.deepEqual(
      response.responses.map(({ errorCode, resourceType }) => [errorCode, resourceType]),
      [
        [0, 2],
        [42, 32],
      ],
    );
    assert.deepEqual(made.service.topicOverrides('orders'), {
      'flush.ms': '5',
      'cleanup.policy': 'delete,compact',
    });
  });
}

test('a failure of a whole request names every resource', async (context) => {
  const made = await fixture(context);
  const request = { resources: [{ ...TOPIC, configs: [], configurationKeys: null }], validateOnly: false };
  const expected = [{ errorCode: CLUSTER_AUTHORIZATION_FAILED, errorMessage: null, ...TOPIC }];
  const wrong = contextOf(made, 0);
  assert.deepEqual(alterConfigsHandler.failed(request, CLUSTER_AUTHORIZATION_FAILED, wrong), {
    throttleTimeMs: 0,
    responses: expected,
  });
  assert.deepEqual(
    incrementalAlterConfigsHandler.failed(request as never, CLUSTER_AUTHORIZATION_FAILED, wrong),
    {
      throttleTimeMs: 0,
      responses: expected,
    },
  );
  const described = { ...request, includeSynonyms: false, includeDocumentation: false };
  assert.deepEqual(describeConfigsHandler.failed(described, CLUSTER_AUTHORIZATION_FAILED, wrong), {
    throttleTimeMs: 0,
    results: expected.map((result) => ({ ...result, configs: [] })),
  });
});
