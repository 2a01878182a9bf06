import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stateBeforeStop, stateWithoutGone } from '../../src/controller/broker-loss.ts';
import { entryOf } from './controller-world.ts';

const REPLICAS = [1, 2, 3];

function subsets(of: readonly number[]): number[][] {
  return of.reduce<number[][]>((found, item) => [...found, ...found.map((set) => [...set, item])], [[]]);
}

/** Every in-sync set with every leader that it can have, and every set of brokers that are there. */
function* situations() {
  for (const isr of subsets(REPLICAS).filter((set) => set.length > 0)) {
    for (const leader of [-1, ...isr]) {
      for (const there of subsets(REPLICAS)) yield { isr, leader, there };
    }
  }
}

test('who is gone neither leads nor is in sync, and nothing that was committed can be lost: every small case', () => {
  for (const { isr, leader, there } of situations()) {
    for (const allowsUnclean of [false, true]) {
      const entry = entryOf({ isr, leader });
      const isAvailable = (id: number) => there.includes(id);
      const next = stateWithoutGone(entry, { isAvailable, controllerEpoch: 2, allowsUnclean });
      const what = JSON.stringify({ isr, leader, there, allowsUnclean, next });
      const after = next ?? entry;
      const survivors = isr.filter(isAvailable);
      if (next !== null) assert.deepEqual([next.leaderEpoch, next.controllerEpoch], [6, 2], what);
      assert.ok(after.isr.length > 0, what);
      if (survivors.length > 0) {
        assert.deepEqual(after.isr, survivors, what);
        assert.ok(survivors.includes(after.leader), what);
        if (survivors.includes(leader)) assert.equal(after.leader, leader, what);
        else
          assert.equal(
            after.leader,
            REPLICAS.find((id) => survivors.includes(id)),
            what,
          );
        assert.equal(after.isRecovering, false, what);
      } else if (allowsUnclean && there.length > 0) {
        assert.deepEqual([after.leader, after.isr, after.isRecovering], [there[0], [there[0]], true], what);
      } else {
        assert.deepEqual([after.leader, after.isr], [-1, isr], what);
      }
      assert.equal(next === null, after.leader === leader && after.isr.length === isr.length, what);
    }
  }
});

test('a broker that stops hands over to one that has everything and stays, or keeps what nobody can take: every small case', () => {
  for (const { isr, leader, there } of situations()) {
    const entry = entryOf({ isr, leader });
    const next = stateBeforeStop(entry, 1, (id) => id !== 1 && there.includes(id), 2);
    const what = JSON.stringify({ isr, leader, there, next });
    if (!isr.includes(1)) {
      assert.equal(next, 'unchanged', what);
    } else if (next === 'stuck') {
      const others =
        leader === 1 ? isr.filter((id) => id !== 1 && there.includes(id)) : isr.filter((id) => id !== 1);
      assert.deepEqual(others, [], what);
    } else {
      assert.ok(typeof next === 'object', what);
      assert.ok(!next.isr.includes(1) && next.isr.length > 0 && next.leader !== 1, what);
      assert.ok(next.leader === -1 || next.isr.includes(next.leader), what);
      assert.equal(next.leaderEpoch, 6, what);
    }
  }
});
