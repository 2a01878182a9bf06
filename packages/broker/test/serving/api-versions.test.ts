import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { readAnswer } from './raw-client.ts';
import { withBroker } from './with-broker.ts';

const SOFTWARE = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' };

const GET_TELEMETRY_SUBSCRIPTIONS = 71;
const PUSH_TELEMETRY = 72;

test('pitfall 6: versions may be asked for again and again on one connection, before and after being refused', async (t) => {
  const { client } = await withBroker(t);
  for (const round of [1, 2]) {
    const id = client.send(apiVersionsApi, 99, SOFTWARE);
    const refused = readAnswer(apiVersionsApi, 0, await client.nextFrame(), id);
    assert.equal(refused.errorCode, ErrorCode.UNSUPPORTED_VERSION, `round ${round}`);
    const { maxVersion } = refused.apiKeys[0]!;
    const answer = await client.request(apiVersionsApi, maxVersion, SOFTWARE);
    assert.equal(answer.errorCode, 0, `round ${round}`);
    await client.request(metadataApi, 9, { topics: null });
  }
});

test('pitfalls 7 and 8: no features are offered, so that none is beyond a client and none is promised', async (t) => {
  const { client } = await withBroker(t);
  for (const version of [3, 4]) {
    const answer = await client.request(apiVersionsApi, version, SOFTWARE);
    assert.deepEqual([answer.supportedFeatures, answer.finalizedFeatures], [[], []], `v${version}`);
    assert.equal(answer.finalizedFeaturesEpoch, -1, `v${version}`);
  }
});

test('pitfall 179: telemetry is not offered where nothing receives it', async (t) => {
  const { client } = await withBroker(t);
  const { apiKeys } = await client.request(apiVersionsApi, 3, SOFTWARE);
  const offered = apiKeys.map(({ apiKey }) => apiKey);
  assert.ok(!offered.includes(GET_TELEMETRY_SUBSCRIPTIONS) && !offered.includes(PUSH_TELEMETRY));
});
