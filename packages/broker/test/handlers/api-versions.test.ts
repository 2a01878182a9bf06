import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { judgeAddressee } from '../../src/handlers/api-versions.ts';
import { withBroker } from '../serving/with-broker.ts';

const SOFTWARE = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' };

test('a client names both cluster and broker, or neither, and means this one: every small case', () => {
  const expected = {
    'null -1': ErrorCode.NONE,
    'null 0': ErrorCode.INVALID_REQUEST,
    'null 7': ErrorCode.INVALID_REQUEST,
    'own -1': ErrorCode.INVALID_REQUEST,
    'own 0': ErrorCode.NONE,
    'own 7': ErrorCode.REBOOTSTRAP_REQUIRED,
    'other -1': ErrorCode.INVALID_REQUEST,
    'other 0': ErrorCode.REBOOTSTRAP_REQUIRED,
    'other 7': ErrorCode.REBOOTSTRAP_REQUIRED,
    ' 0': ErrorCode.REBOOTSTRAP_REQUIRED,
  };
  const judged = Object.keys(expected).map((key) => {
    const [clusterId, nodeId] = key.split(' ') as [string, string];
    const named = { clusterId: clusterId === 'null' ? null : clusterId, nodeId: Number(nodeId) };
    return [key, judgeAddressee(named, 'own', 0)];
  });
  assert.deepEqual(Object.fromEntries(judged), expected);
});

test('a client that looked for another broker is sent back to its bootstrap addresses', async (t) => {
  const { client } = await withBroker(t);
  const { clusterId, brokers } = await client.request(metadataApi, 12, { topics: [] });
  const { nodeId } = brokers[0]!;
  const reached = await client.request(apiVersionsApi, 5, { ...SOFTWARE, clusterId, nodeId });
  assert.equal(reached.errorCode, ErrorCode.NONE);
  assert.ok(reached.apiKeys.length > 30);
  const missed = await client.request(apiVersionsApi, 5, { ...SOFTWARE, clusterId, nodeId: nodeId + 1 });
  assert.deepEqual([missed.errorCode, missed.apiKeys], [ErrorCode.REBOOTSTRAP_REQUIRED, []]);
});
