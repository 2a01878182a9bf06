import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { partitionKey } from '../../../src/cluster/topic-partition.ts';
import type {
  GroupAssignment,
  GroupSubscriber,
  PromptAssignor,
} from '../../../src/consumer/assignors/assignor.ts';
import { cooperativeStickyAssignor } from '../../../src/consumer/assignors/cooperative-sticky-assignor.ts';
import { stickyAssignor } from '../../../src/consumer/assignors/sticky-assignor.ts';
import { at, member, shown } from '../../support/group-members.ts';

/** A member that had these partitions, as both assignors are told. */
function holder(memberId: string, topics: string[], owned: string[], generation = 1): GroupSubscriber {
  const partitions = owned.map(at);
  const userData = stickyAssignor.userData!({ partitions, generation });
  return member(memberId, topics, { owned: partitions, generation, userData });
}

function assign(
  assignor: PromptAssignor,
  members: GroupSubscriber[],
  counts: Record<string, number>,
): GroupAssignment {
  return assignor.assign(members, new Map(Object.entries(counts)));
}

test('everybody keeps what they had; a newcomer gets what makes the shares even', () => {
  const members = [
    holder('a', ['t'], ['t0', 't1', 't2']),
    holder('b', ['t'], ['t3', 't4', 't5']),
    member('c', ['t']),
  ];
  assert.deepEqual(shown(assign(stickyAssignor, members, { t: 6 })), {
    a: ['t1', 't2'],
    b: ['t4', 't5'],
    c: ['t0', 't3'],
  });
});

test('what a member leaves behind goes to those that have least', () => {
  const members = [holder('a', ['t'], ['t0', 't1']), holder('b', ['t'], ['t2'])];
  assert.deepEqual(shown(assign(stickyAssignor, members, { t: 6 })), {
    a: ['t0', 't1', 't4'],
    b: ['t2', 't3', 't5'],
  });
});

test('client pitfall E13: of two claims the newer generation counts, and equals cancel each other', () => {
  const older = holder('a', ['t'], ['t0', 't1'], 1);
  const newer = holder('b', ['t'], ['t0'], 2);
  assert.deepEqual(shown(assign(stickyAssignor, [older, newer], { t: 2 })), { a: ['t1'], b: ['t0'] });
  const twin = holder('c', ['t'], ['t0', 't1'], 1);
  const shares = assign(stickyAssignor, [older, twin], { t: 2 });
  assert.deepEqual(
    [...shares.values()].map((share) => share.length),
    [1, 1],
  );
});

test('client pitfall E13: claims to what is not wanted or does not exist, and user data that is none', () => {
  const members = [
    holder('a', ['t'], ['x0', 't9']),
    member('b', ['t'], { userData: Buffer.from([0, 0, 0, 99, 1]), generation: 3 }),
    member('c', ['t'], { userData: Buffer.alloc(0) }),
  ];
  assert.deepEqual(shown(assign(stickyAssignor, members, { t: 3 })), { a: ['t0'], b: ['t1'], c: ['t2'] });
});

test('user data of the first version, without a generation, is read', () => {
  const withGeneration = stickyAssignor.userData!({ partitions: [at('t1')], generation: 7 })!;
  const userData = withGeneration.subarray(0, -4);
  const members = [member('a', ['t']), member('b', ['t'], { userData })];
  assert.deepEqual(shown(assign(stickyAssignor, members, { t: 2 })), { a: ['t0'], b: ['t1'] });
});

test('user data has the bytes of Kafka’s schema', () => {
  const userData = stickyAssignor.userData!({ partitions: [at('t0'), at('t2'), at('u1')], generation: 5 });
  assert.equal(
    userData!.toString('hex'),
    '00000002' +
      '000174' +
      '00000002' +
      '00000000' +
      '00000002' +
      '000175' +
      '00000001' +
      '00000001' +
      '00000005',
  );
  assert.equal(stickyAssignor.userData!({ partitions: [], generation: -1 }), null);
  const cooperative = cooperativeStickyAssignor.userData!({ partitions: [at('t0')], generation: 5 });
  assert.equal(cooperative!.toString('hex'), '00000005');
});

test('members that want different topics: what few want goes to those few', () => {
  const members = [member('a', ['t', 'u']), member('b', ['t'])];
  assert.deepEqual(shown(assign(stickyAssignor, members, { t: 2, u: 2 })), {
    a: ['u0', 'u1'],
    b: ['t0', 't1'],
  });
});

test('client pitfall E10: cooperative: a partition that moves is left out until its owner has given it up', () => {
  const first = [holder('a', ['t'], ['t0', 't1', 't2', 't3']), member('b', ['t'])];
  assert.deepEqual(shown(assign(cooperativeStickyAssignor, first, { t: 4 })), { a: ['t2', 't3'], b: [] });
  const second = [holder('a', ['t'], ['t2', 't3'], 2), holder('b', ['t'], [], 2)];
  assert.deepEqual(shown(assign(cooperativeStickyAssignor, second, { t: 4 })), {
    a: ['t2', 't3'],
    b: ['t0', 't1'],
  });
});

test('cooperative: the rightful owner keeps what a member of an older generation claims too', () => {
  const members = [holder('a', ['t'], ['t0'], 5), holder('b', ['t'], ['t0', 't1'], 3)];
  assert.deepEqual(shown(assign(cooperativeStickyAssignor, members, { t: 2 })), { a: ['t0'], b: ['t1'] });
});

test('cooperative: a member of before KIP-792 tells its generation in its user data', () => {
  const generation = Buffer.from([0, 0, 0, 9]);
  const members = [
    holder('a', ['t'], ['t0'], 5),
    member('b', ['t'], { owned: [at('t0')], userData: generation }),
    member('c', ['t']),
  ];
  const assigned = assign(cooperativeStickyAssignor, members, { t: 1 });
  assert.deepEqual(shown(assigned), { a: [], b: ['t0'], c: [] });
});

const groups = fc.record({
  counts: fc.dictionary(fc.constantFrom('t', 'u', 'v'), fc.integer({ min: 0, max: 9 })),
  members: fc.uniqueArray(
    fc.record({
      memberId: fc.constantFrom(...'abcdefg'),
      topics: fc.subarray(['t', 'u', 'v'], { minLength: 1 }),
      owned: fc.array(
        fc.tuple(fc.constantFrom('t', 'u', 'v', 'w'), fc.nat(9)).map(([topic, i]) => `${topic}${i}`),
        { maxLength: 8 },
      ),
      generation: fc.integer({ min: 0, max: 3 }),
    }),
    { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 7 },
  ),
});

test('client pitfall E13: whatever is claimed: complete, nobody gets what they do not want, even, and stable', () => {
  fc.assert(
    fc.property(groups, ({ counts, members: given }) => {
      const members = given.map(({ memberId, topics, owned, generation }) =>
        holder(memberId, topics, [...new Set(owned)], generation),
      );
      const assigned = assign(stickyAssignor, members, counts);
      assertComplete(members, counts, assigned);
      assertEven(members, assigned);
      // Assigned again with nothing changed, nothing moves.
      const settled = members.map(({ memberId, topics }) =>
        holder(
          memberId,
          [...topics],
          assigned.get(memberId)!.map(({ topic, partition }) => `${topic}${partition}`),
          9,
        ),
      );
      assert.deepEqual(shown(assign(stickyAssignor, settled, counts)), shown(assigned));
    }),
  );
});

test('client pitfall E10: cooperative rounds end, and never has a partition two owners', () => {
  fc.assert(
    fc.property(groups, ({ counts, members: given }) => {
      // Start from any state in which partitions have one owner each.
      const taken = new Set<string>();
      let members = given.map(({ memberId, topics, owned }) => {
        const mine = [...new Set(owned)].filter((key) => !taken.has(key));
        for (const key of mine) taken.add(key);
        return holder(memberId, topics, mine, 1);
      });
      for (let round = 1; ; round++) {
        assert.ok(round <= 4, 'it takes one round to give up, and one to take');
        const assigned = assign(cooperativeStickyAssignor, members, counts);
        const isSettled = members.every(({ memberId, owned }) => {
          const mine = new Set(assigned.get(memberId)!.map(partitionKey));
          return owned.every((each) => mine.has(partitionKey(each)));
        });
        const owners = members.flatMap(({ memberId, owned }) => {
          const kept = owned.filter((each) =>
            assigned.get(memberId)!.some((mine) => partitionKey(mine) === partitionKey(each)),
          );
          const added = assigned
            .get(memberId)!
            .filter((mine) => !owned.some((each) => partitionKey(mine) === partitionKey(each)));
          // Those that give something up still have it while others begin with what is added.
          return [...owned, ...added].map((each) => ({ key: partitionKey(each), memberId, kept }));
        });
        assert.equal(new Set(owners.map(({ key }) => key)).size, owners.length, 'two owners');
        members = members.map(({ memberId, topics }) =>
          holder(
            memberId,
            [...topics],
            assigned.get(memberId)!.map(({ topic, partition }) => `${topic}${partition}`),
            round + 1,
          ),
        );
        if (!isSettled) continue;
        assertComplete(members, counts, assigned);
        return;
      }
    }),
  );
});

function assertComplete(
  members: readonly GroupSubscriber[],
  counts: Readonly<Record<string, number>>,
  assigned: GroupAssignment,
): void {
  const wanted = new Set(members.flatMap(({ topics }) => topics));
  const expected = [...wanted].flatMap((topic) =>
    Array.from({ length: counts[topic] ?? 0 }, (_, partition) => partitionKey({ topic, partition })),
  );
  const given = [...assigned.values()].flat().map(partitionKey);
  assert.deepEqual(given.toSorted(), expected.toSorted());
  assert.equal(assigned.size, members.length);
  for (const { memberId, topics } of members) {
    assert.ok(assigned.get(memberId)!.every(({ topic }) => topics.includes(topic)));
  }
}

/** Nobody has two more than somebody else who could have one of them. */
function assertEven(members: readonly GroupSubscriber[], assigned: GroupAssignment): void {
  for (const [, share] of assigned) {
    for (const { topic } of share) {
      for (const { memberId, topics } of members) {
        if (topics.includes(topic)) assert.ok(share.length <= assigned.get(memberId)!.length + 1);
      }
    }
  }
}
