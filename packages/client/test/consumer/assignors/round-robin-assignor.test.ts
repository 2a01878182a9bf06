import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundRobinAssignor } from '../../../src/consumer/assignors/round-robin-assignor.ts';
import { member, shown } from '../../support/group-members.ts';

test('all partitions of all topics are dealt in turn', () => {
  const counts = new Map([
    ['t', 3],
    ['u', 2],
  ]);
  const assigned = roundRobinAssignor.assign([member('b', ['t', 'u']), member('a', ['u', 't'])], counts);
  assert.deepEqual(shown(assigned), { a: ['t0', 't2', 'u1'], b: ['t1', 'u0'] });
});

test('who does not want a topic is passed over', () => {
  const counts = new Map([
    ['t', 1],
    ['u', 2],
    ['v', 3],
  ]);
  const members = [member('a', ['t']), member('b', ['t', 'u']), member('c', ['t', 'u', 'v'])];
  // The example of Kafka's documentation of this assignor.
  assert.deepEqual(shown(roundRobinAssignor.assign(members, counts)), {
    a: ['t0'],
    b: ['u0'],
    c: ['u1', 'v0', 'v1', 'v2'],
  });
});

test('static members come first, by instance id; topics that do not exist have no partitions', () => {
  const members = [member('a', ['t', 'x']), member('z', ['t'], { instanceId: 'i' })];
  assert.deepEqual(shown(roundRobinAssignor.assign(members, new Map([['t', 2]]))), { a: ['t1'], z: ['t0'] });
});
