import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { EmbeddedCluster } from './embedded-cluster.ts';

const BROKER = 4;
const SET = 0;

async function alterConfigs(
  cluster: EmbeddedCluster,
  broker: number,
  resourceType: number,
  resourceName: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: SET }));
  const { responses } = await cluster.client(broker).request(incrementalAlterConfigsApi, 1, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly: false,
  });
  assert.equal(responses[0]!.errorCode, ErrorCode.NONE, responses[0]!.errorMessage ?? '');
}

const RATE = 400_000;
const VALUE = 'x'.repeat(20_000);
const COUNT = 40;

for (const side of ['leader', 'follower'] as const) {
  test(`a replica that is moved takes as long as the rate on the side of the ${side} makes it`, async (t) => {
    const cluster = await EmbeddedCluster.start(t, [1, 2], {
      'replica.fetch.max.bytes': '25000',
      'replica.fetch.response.max.bytes': '25000',
      'replication.quota.window.num': '2',
    });
    await cluster.createTopic('t', [[1]], { [`${side}.replication.throttled.replicas`]: '*' });
    for (let i = 0; i < COUNT; i++) await cluster.produce('t', 0, VALUE);
    const rate = { [`${side}.replication.throttled.rate`]: String(RATE) };
    for (const id of [1, 2]) await alterConfigs(cluster, id, BROKER, String(id), rate);
    const startMs = performance.now();
    await cluster.client(await cluster.controller()).request(alterPartitionReassignmentsApi, 0, {
      timeoutMs: 5_000,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [1, 2] }] }],
    });
    await cluster.partition(1, 't', 0, ({ isr }) => isr.length === 2);
    const elapsedMs = performance.now() - startMs;
    const atRateMs = (COUNT * VALUE.length * 1_000) / RATE;
    assert.ok(elapsedMs > 0.7 * atRateMs, `${elapsedMs} ms, at the rate it is ${atRateMs}`);
    await cluster.produce('t', 0, 'acknowledged by both');
  });
}
