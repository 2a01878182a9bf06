import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rangeAssignor } from '../../../src/consumer/assignors/range-assignor.ts';
import { member, shown } from '../../support/group-members.ts';

test('each topic is cut into stretches, longer ones first', () => {
  const assigned = rangeAssignor.assign(
    [member('b', ['t', 'u']), member('a', ['u', 't'])],
    new Map([
      ['t', 3],
      ['u', 3],
    ]),
  );
  assert.deepEqual(shown(assigned), { a: ['t0', 't1', 'u0', 'u1'], b: ['t2', 'u2'] });
});

test('members get only what they subscribe to, and unknown topics have no partitions', () => {
  const assigned = rangeAssignor.assign([member('a', ['t']), member('b', ['t', 'x'])], new Map([['t', 2]]));
  assert.deepEqual(shown(assigned), { a: ['t0'], b: ['t1'] });
});

test('static members come first, by instance id', () => {
  const members = [
    member('a', ['t']),
    member('z', ['t'], { instanceId: 'i2' }),
    member('y', ['t'], { instanceId: 'i1' }),
  ];
  assert.deepEqual(shown(rangeAssignor.assign(members, new Map([['t', 3]]))), {
    a: ['t2'],
    z: ['t1'],
    y: ['t0'],
  });
});

test('every partition goes to exactly one subscriber, and shares differ by at most one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 40 }), (members, count) => {
      const group = Array.from({ length: members }, (_, i) => member(`m${i}`, ['t']));
      const shares = [...rangeAssignor.assign(group, new Map([['t', count]])).values()];
      const all = shares.flat().map(({ partition }) => partition);
      assert.deepEqual(
        all.toSorted((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
      const sizes = shares.map((share) => share.length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  );
});
