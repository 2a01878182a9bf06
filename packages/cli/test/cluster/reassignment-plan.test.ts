import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PartitionView } from '../../src/cluster/cluster-view.ts';
import { planLeadersOff, planReassignment } from '../../src/cluster/reassignment-plan.ts';

function partition(
  index: number,
  replicas: readonly number[],
  change: Partial<PartitionView> = {},
): PartitionView {
  return {
    topic: 't',
    partition: index,
    leaderId: replicas[0]!,
    replicas,
    isr: replicas,
    minInSync: 1,
    ...change,
  };
}

const brokers = (...racks: (string | null)[]) => racks.map((rack, index) => ({ nodeId: index + 1, rack }));

test('what is well spread stays as it is', () => {
  const spread = [partition(0, [1, 2]), partition(1, [2, 3]), partition(2, [3, 1])];
  assert.deepEqual(
    planReassignment(spread, { brokers: brokers(null, null, null), replicationFactor: null }),
    [],
  );
});

test('a broker that is left out is emptied, and nothing else moves', () => {
  const spread = [partition(0, [1, 2]), partition(1, [2, 3]), partition(2, [3, 1])];
  const plan = planReassignment(spread, { brokers: brokers(null, null), replicationFactor: null });
  assert.deepEqual(plan, [
    { topic: 't', partition: 1, replicas: [2, 1] },
    { topic: 't', partition: 2, replicas: [1, 2] },
  ]);
});

test('more replicas go to racks that a partition is not in', () => {
  const goal = { brokers: brokers('a', 'a', 'b', 'b'), replicationFactor: 2 };
  for (const { replicas } of planReassignment(
    [partition(0, [1]), partition(1, [3]), partition(2, [2])],
    goal,
  )) {
    assert.equal(new Set(replicas.map((id) => (id < 3 ? 'a' : 'b'))).size, 2, replicas.join());
  }
});

test('more replicas than brokers are refused', () => {
  const goal = { brokers: brokers(null, null), replicationFactor: 3 };
  assert.throws(
    () => planReassignment([partition(0, [1])], goal),
    /3 replicas need as many brokers; there are 2/,
  );
});

test('any cluster: as many replicas as wanted, on the brokers wanted, even; and a second plan has nothing to do', () => {
  const cluster = fc.record({
    brokerCount: fc.integer({ min: 3, max: 6 }),
    replicationFactor: fc.integer({ min: 1, max: 3 }),
    places: fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 30,
    }),
  });
  fc.assert(
    fc.property(cluster, ({ brokerCount, replicationFactor, places }) => {
      const ids = Array.from({ length: brokerCount }, (_, index) => index + 1);
      const goal = { brokers: ids.map((nodeId) => ({ nodeId, rack: null })), replicationFactor };
      const before = places.map((replicas, index) => partition(index, replicas));
      const plan = planReassignment(before, goal);
      const after = before.map((each) => {
        const planned = plan.find((other) => other.partition === each.partition);
        return partition(each.partition, planned?.replicas ?? each.replicas);
      });
      for (const { replicas } of after) {
        assert.equal(new Set(replicas).size, replicationFactor);
        assert.ok(replicas.every((id) => ids.includes(id)));
      }
      const held = ids.map((id) => after.filter(({ replicas }) => replicas.includes(id)).length);
      assert.ok(Math.max(...held) - Math.min(...held) <= 2, `replicas ${held.join()}`);
      assert.ok(planReassignment(after, goal).length <= after.length);
    }),
    { numRuns: 300 },
  );
});

test('leaders are moved off a broker to those in sync; where there is none they stay', () => {
  const partitions = [
    partition(0, [1, 2, 3], { isr: [1, 3] }),
    partition(1, [2, 1, 3]),
    partition(2, [3, 1], { leaderId: 1 }),
    partition(3, [1, 2], { isr: [1] }),
  ];
  assert.deepEqual(planLeadersOff(partitions, 1), [
    { topic: 't', partition: 0, replicas: [3, 2, 1] },
    { topic: 't', partition: 2, replicas: [3, 1] },
  ]);
});
