import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectByRack } from '@odradek/core/replication/read-preference.ts';
import { append, fetch, follow, from, leadershipOf, NODE, world, type World } from './replica-world.ts';

const RACKS: ReadonlyMap<number, string> = new Map([
  [NODE, 'a'],
  [2, 'b'],
  [3, 'b'],
  [4, 'c'],
]);
const REPLICAS = [...RACKS.keys()];

/** Partition 0 is led here, in rack a. */
function led(isr: readonly number[] = REPLICAS): World {
  const rackOf = (brokerId: number, listener: string) =>
    listener === 'PLAINTEXT' ? (RACKS.get(brokerId) ?? null) : null;
  const here = world(1, { readPreference: { select: selectByRack, rackOf } });
  here.replicas.applyLeadership([
    leadershipOf(0, { leaderEpoch: 1, partitionEpoch: 1, replicas: REPLICAS, isr }),
  ]);
  return here;
}

/** A consumer asks in vain for records; what it is told of another replica. */
function told(here: World, rack: string, fetchOffset = 0, listenerName = 'PLAINTEXT'): number | null {
  const reader = { kind: 'consumer', place: { rack, listenerName } } as const;
  const { readings } = fetch(here, [from(0, fetchOffset)], { reader, minBytes: 0 });
  return readings[0]!.results[0]!.preferredReadReplica;
}

test('a consumer is sent to the follower in its rack that is furthest, without records', () => {
  const here = led();
  append(here, 0, 1);
  append(here, 0, 1);
  follow(here, 2, 1);
  follow(here, 3, 2);
  follow(here, 4, 2);
  assert.equal(told(here, 'b'), 3);
  assert.equal(told(here, 'c'), 4);
  const reader = { kind: 'consumer', place: { rack: 'b', listenerName: 'PLAINTEXT' } } as const;
  const { readings } = fetch(here, [from(0, 0)], { reader });
  const [result] = readings[0]!.results;
  assert.deepEqual(
    [result!.preferredReadReplica, result!.records, result!.highWatermark, result!.errorCode],
    [3, null, 1, 0],
    'it does not wait',
  );
});

test('as far as each other, the one that caught up later, then the higher id', () => {
  const here = led();
  follow(here, 3, 0);
  here.time.advance(10);
  follow(here, 2, 0);
  assert.equal(told(here, 'b'), 2);
  follow(here, 3, 0);
  assert.equal(told(here, 'b'), 3);
});

test('it stays with the leader: in its rack, in no known rack, without one, at another listener', () => {
  const here = led();
  for (const id of [2, 3, 4]) follow(here, id, 0);
  for (const rack of ['a', 'elsewhere', '']) assert.equal(told(here, rack), null, rack);
  assert.equal(told(here, 'b', 0, 'INTERNAL'), null);
});

test('a follower that is not in sync, has not come to the offset, or begins behind it is not named', () => {
  const here = led([NODE, 2, 4]);
  append(here, 0, 1);
  append(here, 0, 1);
  assert.equal(told(here, 'b'), null, 'none has fetched yet');
  follow(here, 3, 2);
  assert.equal(told(here, 'b'), null, 'not in sync');
  follow(here, 2, 1, { logStartOffset: 1 });
  assert.equal(told(here, 'b', 0), null, 'begins at 1');
  assert.equal(told(here, 'b', 1), 2);
  assert.equal(told(here, 'b', 2), null, 'ends at 1');
});

test('one that does not know of racks reads from the leader; followers are not sent elsewhere', () => {
  const here = led();
  for (const id of [2, 3, 4]) follow(here, id, 0);
  const { readings } = fetch(here, [from(0, 0)], { minBytes: 0 });
  assert.equal(readings[0]!.results[0]!.preferredReadReplica, null);
  assert.equal(follow(here, 2, 0).results[0]!.preferredReadReplica, null);
});

test('followers hear at once of what is committed, also by their own fetch', () => {
  const here = led([NODE, 2, 3]);
  const limits = (brokerId: number) =>
    ({ reader: { kind: 'follower', brokerId }, bound: 'log-end' }) as const;
  const start = { logStartOffset: 0 };
  append(here, 0, 1);
  follow(here, 2, 0);
  follow(here, 3, 0);
  const second = fetch(here, [from(0, 1, start)], limits(2));
  assert.equal(second.readings.length, 0, 'nothing is committed yet');
  const third = fetch(here, [from(0, 1, start)], limits(3));
  for (const { readings } of [second, third]) {
    assert.deepEqual(
      readings.map(({ results }) => results[0]!.highWatermark),
      [1],
    );
  }
  assert.equal(third.parked, null, 'answered at once');
  assert.equal(fetch(here, [from(0, 1, start)], limits(3)).readings.length, 0, 'told once');
});
