import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartitionMetadata } from '../../src/cluster/metadata-cache.ts';
import { StickyPartition } from '../../src/producer/sticky-partition.ts';

function partitions(...leaders: number[]): PartitionMetadata[] {
  return leaders.map((leaderId, partition) => ({
    partition,
    leaderId,
    leaderEpoch: 0,
    replicas: [],
    isr: [],
    offlineReplicas: [],
  }));
}

function sequence(...fractions: number[]): { fraction: () => number } {
  let next = 0;
  return { fraction: () => fractions[next++ % fractions.length]! };
}

test('client pitfall B16: records without a key stay on a partition for a batch of bytes, then move on', () => {
  const sticky = new StickyPartition(sequence(0, 0, 0.9), 100);
  const chosen = Array.from({ length: 6 }, () => sticky.choose(partitions(1, 1, 1), 50));
  assert.deepEqual(chosen, [0, 0, 1, 1, 2, 2]);
});

test('partitions without a leader are passed over while another has one', () => {
  const sticky = new StickyPartition(sequence(0, 0.99), 1);
  for (let i = 0; i < 10; i++) assert.equal(sticky.choose(partitions(-1, 1, -1), 10), 1);
});

test('client pitfall B17: without any leader some partition is chosen, and a batch size of 0 does not loop', () => {
  const sticky = new StickyPartition(sequence(0.5), 0);
  assert.equal(sticky.choose(partitions(-1, -1), 10), 1);
  assert.equal(sticky.choose(partitions(-1, -1), 10), 0);
});

test('a partition that loses its leader is left at once', () => {
  const sticky = new StickyPartition(sequence(0), 1_000);
  assert.equal(sticky.choose(partitions(1, 1), 10), 0);
  assert.equal(sticky.choose(partitions(-1, 1), 10), 1);
});
