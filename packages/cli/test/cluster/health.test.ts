import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterView, PartitionView } from '../../src/cluster/cluster-view.ts';
import { awayFromPreferred, loadOf, troubles, troublesWithout } from '../../src/cluster/health.ts';

function view(...partitions: Omit<PartitionView, 'topic' | 'partition'>[]): ClusterView {
  return {
    clusterId: 'c',
    controllerId: 1,
    brokers: [],
    moving: [],
    partitions: partitions.map((each, partition) => ({ topic: 't', partition, ...each })),
  };
}

const replicas = [1, 2, 3];
const named = (found: readonly { partition: number; trouble: string }[]) =>
  found.map(({ partition, trouble }) => [partition, trouble]);

test('each partition is in the worst trouble that holds, the worst come first', () => {
  const here = view(
    { leaderId: 1, replicas, isr: replicas, minInSync: 2 },
    { leaderId: 1, replicas, isr: [1, 2], minInSync: 2 },
    { leaderId: 1, replicas, isr: [1], minInSync: 2 },
    { leaderId: -1, replicas, isr: [1], minInSync: 2 },
  );
  assert.deepEqual(named(troubles(here)), [
    [3, 'offline'],
    [2, 'under-min-isr'],
    [1, 'under-replicated'],
  ]);
});

test('a broker may be stopped where nothing goes offline or under the minimum by that', () => {
  const here = view(
    { leaderId: 1, replicas, isr: replicas, minInSync: 2 },
    { leaderId: 1, replicas: [1], isr: [1], minInSync: 1 },
    { leaderId: 1, replicas: [1, 2], isr: [1, 2], minInSync: 2 },
  );
  assert.deepEqual(named(troublesWithout(here, 1)), [
    [1, 'offline'],
    [2, 'under-min-isr'],
  ]);
  assert.deepEqual(named(troublesWithout(here, 2)), [[2, 'under-min-isr']]);
  assert.deepEqual(named(troublesWithout(here, 3)), []);
});

test('load, and what is led by another than its first replica', () => {
  const here = view(
    { leaderId: 2, replicas, isr: replicas, minInSync: 1 },
    { leaderId: 2, replicas, isr: [2, 3], minInSync: 1 },
    { leaderId: 1, replicas, isr: replicas, minInSync: 1 },
  );
  assert.deepEqual(loadOf(here, 2), { leads: 2, preferred: 0, replicas: 3 });
  assert.deepEqual(loadOf(here, 1), { leads: 1, preferred: 3, replicas: 3 });
  assert.deepEqual(
    awayFromPreferred(here).map(({ partition }) => partition),
    [0],
  );
});
