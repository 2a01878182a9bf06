import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { ObservedExchange } from '../../src/network/exchange-observer.ts';
import { LiveCluster } from '../support/live-cluster.ts';

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

after(() => live.stop());

test('an observer is told of each request with its answer, and of those without one', async () => {
  const observed: ObservedExchange[] = [];
  const { bootstrapServers } = live;
  const cluster = new Cluster({
    bootstrapServers,
    clientId: 'seen',
    onExchange: (one) => observed.push(one),
  });
  const [node] = await cluster.nodes();
  assert.deepEqual(
    observed.map(({ apiName }) => apiName),
    ['ApiVersions', 'Metadata'],
  );
  const [, exchange] = observed;
  assert.equal(exchange!.clientId, 'seen');
  assert.ok(exchange!.sizeBytes > 0 && exchange!.durationMs >= 0 && exchange!.correlationId > 0);
  assert.equal((exchange!.response as { brokers: unknown[] }).brokers.length, 1);
  const connection = await cluster.connection(node!, 'main');
  const lost = connection.request(heartbeatApi, heartbeat, { timeoutMs: 5_000 });
  connection.close(new Error('cut'));
  await assert.rejects(lost, /cut/);
  const failed = observed.find(({ error }) => error !== null);
  assert.equal(failed?.response, null);
  assert.match(failed!.error!.message, /cut/);
  cluster.close();
});
