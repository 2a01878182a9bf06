import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeReplicas, type PlacementBroker } from '../../src/controller/replica-placement.ts';

const brokers = (racks: readonly (string | null)[]): PlacementBroker[] =>
  racks.map((rack, brokerId) => ({ brokerId, rack }));

describe('without racks', () => {
  test('five brokers, ten partitions, three replicas, as the KIP-36 example has them', () => {
    const placed = placeReplicas(brokers([null, null, null, null, null]), {
      partitionCount: 10,
      replicationFactor: 3,
      firstPartition: 0,
      startIndex: 0,
      startShift: 0,
    });
    assert.deepEqual(placed, [
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
      [3, 4, 0],
      [4, 0, 1],
      [0, 2, 3],
      [1, 3, 4],
      [2, 4, 0],
      [3, 0, 1],
      [4, 1, 2],
    ]);
  });

  test('a topic that grew in steps looks like one made large at once', () => {
    const five = brokers([null, null, null, null, null]);
    const rest = { replicationFactor: 3, startIndex: 0, startShift: 0 };
    const whole = placeReplicas(five, { ...rest, partitionCount: 7, firstPartition: 0 });
    const first = placeReplicas(five, { ...rest, partitionCount: 5, firstPartition: 0 });
    const added = placeReplicas(five, { ...rest, partitionCount: 2, firstPartition: 5, startShift: 0 });
    assert.deepEqual([...first, ...added], whole);
  });
});

test('with racks, six brokers on three, as the KIP-36 example has them', () => {
  const six = brokers(['rack1', 'rack3', 'rack3', 'rack2', 'rack2', 'rack1']);
  const placed = placeReplicas(six, {
    partitionCount: 7,
    replicationFactor: 3,
    firstPartition: 0,
    startIndex: 0,
    startShift: 0,
  });
  assert.deepEqual(placed.slice(0, 6), [
    [0, 3, 1],
    [3, 1, 5],
    [1, 5, 4],
    [5, 4, 2],
    [4, 2, 0],
    [2, 0, 3],
  ]);
  assert.deepEqual(placed[6], [0, 4, 2]);
});

test('all small clusters: replicas differ, leaders are even, racks are used before one is used twice', () => {
  for (let count = 1; count <= 6; count++) {
    for (let rackCount = 0; rackCount <= count; rackCount++) {
      const some = brokers(
        Array.from({ length: count }, (_, i) => (rackCount === 0 ? null : `r${i % rackCount}`)),
      );
      for (let replicationFactor = 1; replicationFactor <= count; replicationFactor++) {
        for (let start = 0; start < count; start++) {
          check(some, rackCount, replicationFactor, start);
        }
      }
    }
  }
});

function check(
  some: readonly PlacementBroker[],
  rackCount: number,
  replicationFactor: number,
  start: number,
): void {
  const rounds = 2;
  const partitionCount = rounds * some.length;
  const placed = placeReplicas(some, {
    partitionCount,
    replicationFactor,
    firstPartition: 0,
    startIndex: start,
    startShift: start,
  });
  const what = `${some.length} brokers, ${rackCount} racks, ${replicationFactor} replicas, start ${start}`;
  assert.equal(placed.length, partitionCount, what);
  const leads = new Map<number, number>();
  for (const replicas of placed) {
    assert.equal(new Set(replicas).size, replicationFactor, what);
    leads.set(replicas[0]!, (leads.get(replicas[0]!) ?? 0) + 1);
    if (rackCount > 0) {
      const racks = new Set(replicas.map((id) => some[id]!.rack));
      assert.equal(racks.size, Math.min(rackCount, replicationFactor), what);
    }
  }
  assert.deepEqual(
    [...leads.values()],
    some.map(() => rounds),
    what,
  );
}
