import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { means, type FaultRule, type FaultSubject } from '../../src/request-faults/fault-rule.ts';
import { Faults } from '../../src/request-faults/faults.ts';
import { FaultRuleError, readFaultRule } from '../../src/request-faults/read-fault-rule.ts';
import { namedByRequest } from '../../src/request-faults/request-subjects.ts';
import { SeededRandom } from '../../src/seeded-random.ts';

const cut = { kind: 'cut' } as const;

const subject: FaultSubject = {
  api: 'Fetch',
  topics: ['orders', 'parcels'],
  groups: ['billing'],
  clientId: 'app',
  brokerId: 1,
  fromBroker: false,
};

test('a rule means what has all that it names', () => {
  const cases: [Partial<FaultRule>, boolean][] = [
    [{}, true],
    [{ apis: ['Produce'] }, false],
    [{ apis: ['Produce', 'Fetch'] }, true],
    [{ topic: 'parcels' }, true],
    [{ topic: 'parcel' }, false],
    [{ group: 'billing' }, true],
    [{ group: 'shipping' }, false],
    [{ clientId: 'app' }, true],
    [{ clientId: 'ap' }, false],
    [{ brokers: [0, 1] }, true],
    [{ brokers: [0, 2] }, false],
    [{ from: 'brokers' }, false],
    [{ from: 'anybody' }, true],
    [{ apis: ['Fetch'], topic: 'orders', clientId: 'other' }, false],
  ];
  for (const [rule, expected] of cases) {
    assert.equal(means({ ...rule, effect: cut }, subject), expected, JSON.stringify(rule));
  }
  assert.equal(means({ effect: cut }, { ...subject, fromBroker: true }), false, 'brokers are left alone');
  assert.equal(means({ from: 'brokers', effect: cut }, { ...subject, fromBroker: true }), true);
});

test('skip, times and the order of laying', () => {
  const faults = new Faults(new SeededRandom(1));
  const first = faults.add({ skip: 1, times: 2, effect: cut });
  faults.add({ effect: { kind: 'drop-answer' } });
  const kinds = Array.from({ length: 5 }, () => faults.strike(subject)?.kind);
  assert.deepEqual(kinds, ['drop-answer', 'cut', 'cut', 'drop-answer', 'drop-answer']);
  assert.deepEqual(
    faults.list().map(({ id, hits, isOver }) => ({ id, hits, isOver })),
    [
      { id: 1, hits: 2, isOver: true },
      { id: 2, hits: 3, isOver: false },
    ],
  );
  assert.equal(faults.remove(first.id), true);
  assert.equal(faults.remove(first.id), false);
  faults.clear();
  assert.equal(faults.strike(subject), null);
});

test('chance is decided by the seed', () => {
  const hitsOf = (seed: number) => {
    const faults = new Faults(new SeededRandom(seed));
    faults.add({ probability: 0.3, effect: cut });
    return Array.from({ length: 200 }, () => faults.strike(subject) !== null);
  };
  assert.deepEqual(hitsOf(7), hitsOf(7));
  assert.notDeepEqual(hitsOf(7), hitsOf(8));
  const hits = hitsOf(7).filter(Boolean).length;
  assert.ok(hits > 30 && hits < 90, `${hits} of 200`);
});

test('a rule that cannot be is refused with the part, its value, and what is allowed', () => {
  const cases: [unknown, RegExp][] = [
    [null, /^the rule is null/],
    [{}, /^effect is missing, allowed is an object/],
    [{ topics: ['x'], effect: cut }, /^a part of the rule is "topics", allowed is one of apis, topic/],
    [{ apis: ['Prodduce'], effect: cut }, /^apis is \["Prodduce"\], allowed are names/],
    [{ apis: [], effect: cut }, /^apis is \[\]/],
    [{ topic: '', effect: cut }, /^topic is ""/],
    [{ times: 0, effect: cut }, /^times is 0, allowed is a whole number, 1 or more/],
    [{ skip: -1, effect: cut }, /^skip is -1/],
    [{ probability: 0, effect: cut }, /^probability is 0/],
    [{ from: 'all', effect: cut }, /^from is "all"/],
    [{ effect: { kind: 'explode' } }, /^effect.kind is "explode", allowed is one of error, delay/],
    [{ effect: { kind: 'error', error: 'NONE' } }, /^effect.error is "NONE"/],
    [{ effect: { kind: 'error' } }, /^effect.error is missing/],
    [{ effect: { kind: 'delay', delayMs: 1e9 } }, /^effect.delayMs is 1000000000/],
  ];
  for (const [rule, message] of cases) {
    assert.throws(
      () => readFaultRule(rule),
      (error: unknown) => error instanceof FaultRuleError && message.test(error.message),
      JSON.stringify(rule),
    );
  }
});

test('no more than a thousand faults are laid', () => {
  const faults = new Faults(new SeededRandom(1));
  for (let i = 0; i < 1_000; i++) faults.add({ effect: { kind: 'error', error: 'UNKNOWN_SERVER_ERROR' } });
  assert.throws(() => faults.add({ effect: cut }), RangeError);
  assert.equal(ErrorCode.UNKNOWN_SERVER_ERROR, -1);
});

test('topics and groups are found in the requests of each API', () => {
  const nameOf = (id: string) => ({ 'id-1': 'by-id' })[id];
  const cases: [unknown, string[], string[]][] = [
    [{ topicData: [{ name: 'a' }, { name: '', topicId: 'id-1' }] }, ['a', 'by-id'], []],
    [{ topics: [{ topic: 'a' }, { topicId: 'unknown' }] }, ['a'], []],
    [{ topicNames: ['a', 'b'] }, ['a', 'b'], []],
    [{ topics: null }, [], []],
    [{ topicPartitions: [{ topic: 'a', partitions: [1] }] }, ['a'], []],
    [{ groupId: 'g', topics: [{ name: 'a' }] }, ['a'], ['g']],
    [{ groupId: '', groups: [{ groupId: 'g', topics: [{ name: 'a' }] }] }, ['a'], ['g']],
    [{ groups: ['g', 'h'] }, [], ['g', 'h']],
    [{ groupsNames: ['g'] }, [], ['g']],
    [{ key: 'g', keyType: 0, coordinatorKeys: [] }, [], ['g']],
    [{ key: '', keyType: 0, coordinatorKeys: ['g'] }, [], ['g']],
    [{ key: 'transaction', keyType: 1, coordinatorKeys: [] }, [], []],
  ];
  for (const [request, topics, groups] of cases) {
    assert.deepEqual(namedByRequest(request, nameOf), { topics, groups }, JSON.stringify(request));
  }
});
