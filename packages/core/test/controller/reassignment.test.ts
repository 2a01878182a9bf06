import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartitionEntry } from '../../src/controller/cluster-state.ts';
import { completion, judgeReassignment, type ReassignmentStep } from '../../src/controller/reassignment.ts';
import { entryOf } from './controller-world.ts';

const ALL_THERE = { isAvailable: (id: number) => id < 9, controllerEpoch: 2 };

function stepTo(entry: PartitionEntry, target: readonly number[] | null): ReassignmentStep {
  const verdict = judgeReassignment(entry, target, ALL_THERE);
  assert.equal(verdict.kind, 'step', JSON.stringify(verdict));
  return (verdict as { step: ReassignmentStep }).step;
}

function after(entry: PartitionEntry, { assignment, state }: ReassignmentStep): PartitionEntry {
  return { ...entry, ...assignment, ...state, partitionEpoch: entry.partitionEpoch + 1 };
}

test('new replicas are added, and once they are in sync the old ones go', () => {
  const entry = entryOf({ replicas: [1, 2], isr: [1, 2] });
  const begun = after(entry, stepTo(entry, [3, 2]));
  assert.deepEqual([begun.replicas, begun.addingReplicas, begun.removingReplicas], [[3, 2, 1], [3], [1]]);
  assert.deepEqual([begun.leader, begun.leaderEpoch, begun.isr], [1, 6, [1, 2]]);
  assert.equal(completion(begun, ALL_THERE), null);
  const caughtUp = { ...begun, isr: [1, 2, 3] };
  const step = completion(caughtUp, ALL_THERE)!;
  assert.deepEqual(step.dropped, [1]);
  const done = after(caughtUp, step);
  assert.deepEqual(
    [done.replicas, done.addingReplicas, done.removingReplicas, done.leader, done.leaderEpoch, done.isr],
    [[3, 2], [], [], 3, 7, [2, 3]],
  );
});

test('F60: it does not complete before all of the new replicas are in sync', () => {
  const entry = entryOf({ replicas: [1, 2], isr: [1, 2] });
  const begun = after(entry, stepTo(entry, [3, 4]));
  for (const isr of [[1, 2], [1, 2, 3], [3], [1, 4]])
    assert.equal(completion({ ...begun, isr }, ALL_THERE), null);
  assert.deepEqual(completion({ ...begun, isr: [3, 4] }, ALL_THERE)?.dropped, [1, 2]);
});

test('calling it off takes away what was added', () => {
  const entry = entryOf({ replicas: [1, 2], isr: [1, 2] });
  const begun = after(entry, stepTo(entry, [3, 2]));
  const step = stepTo(begun, null);
  assert.deepEqual(step.dropped, [3]);
  assert.deepEqual([...after(begun, step).replicas].sort(), [1, 2]);
});

test('another target replaces the one under way: what only the first wanted is dropped', () => {
  const entry = entryOf({ replicas: [1, 2], isr: [1, 2] });
  const begun = after(entry, stepTo(entry, [3, 2]));
  const step = stepTo(begun, [1, 4]);
  assert.deepEqual(step.dropped, [3]);
  const then = after(begun, step);
  assert.deepEqual([then.replicas, then.addingReplicas, then.removingReplicas], [[1, 4, 2], [4], [2]]);
});

test('another order of the same replicas needs no copying and no new leader', () => {
  const entry = entryOf({ replicas: [1, 2], isr: [1, 2] });
  const step = stepTo(entry, [2, 1]);
  assert.deepEqual([step.assignment.replicas, step.state, step.dropped], [[2, 1], null, []]);
});

test('from every small assignment to every other: it completes, with the replicas that were wanted', () => {
  const lists = [[1], [2], [1, 2], [2, 1], [1, 2, 3], [3], [3, 4], [4, 3, 2], [2, 4]];
  for (const from of lists) {
    for (const isr of from.map((_, i) => from.slice(0, i + 1))) {
      for (const target of lists) {
        let entry = entryOf({ replicas: from, isr, leader: from[0]! });
        const what = `${from.join()} (in sync ${isr.join()}) to ${target.join()}`;
        const verdict = judgeReassignment(entry, target, ALL_THERE);
        if (verdict.kind === 'nothing to do') {
          assert.deepEqual(from, target, what);
          continue;
        }
        assert.equal(verdict.kind, 'step', what);
        entry = after(entry, (verdict as { step: ReassignmentStep }).step);
        assert.ok(entry.isr.includes(entry.leader), what);
        const caughtUp = {
          ...entry,
          isr: [...entry.isr, ...entry.replicas.filter((id) => !entry.isr.includes(id))],
        };
        const last = completion(caughtUp, ALL_THERE);
        const end = last === null ? entry : after(caughtUp, last);
        assert.deepEqual([end.replicas, end.addingReplicas, end.removingReplicas], [target, [], []], what);
        assert.ok(end.isr.includes(end.leader) && end.isr.every((id) => target.includes(id)), what);
      }
    }
  }
});
