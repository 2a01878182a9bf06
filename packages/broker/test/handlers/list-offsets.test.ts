import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { RawClient } from '../serving/raw-client.ts';
import { batchOf, produce, TOPIC, withBroker } from '../serving/with-broker.ts';

const TIMESTAMP_NAMES = { latest: -1, earliest: -2, max: -3, local: -4, tiered: -5, pending: -6, none: -7 };

async function answersIn(client: RawClient, version: number): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const [name, timestamp] of Object.entries(TIMESTAMP_NAMES)) {
    const { topics } = await client.request(listOffsetsApi, version, {
      replicaId: -1,
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    const { errorCode, offset } = topics[0]!.partitions[0]!;
    answers[name] = errorCode === ErrorCode.UNSUPPORTED_VERSION ? 'unsupported' : String(offset);
  }
  return answers;
}

test('each special time is known from its version on, and means what Kafka means without remote storage', async (t) => {
  const { client } = await withBroker(t);
  await produce(client, batchOf(['a', 'b']));
  const plain = { latest: '2', earliest: '0' };
  const unsupported = {
    max: 'unsupported',
    local: 'unsupported',
    tiered: 'unsupported',
    pending: 'unsupported',
    none: 'unsupported',
  };
  assert.deepEqual(await answersIn(client, 6), { ...plain, ...unsupported });
  const { max, ...answersOfV11 } = await answersIn(client, 11);
  assert.match(max!, /^[01]$/);
  assert.deepEqual(answersOfV11, { ...plain, local: '0', tiered: '-1', pending: '-1', none: 'unsupported' });
  assert.equal((await answersIn(client, 10))['pending'], 'unsupported');
});
