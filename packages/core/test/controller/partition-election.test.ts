// Elections are enumerated: every state of a partition with three replicas.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  electForOffline,
  electPreferred,
  initialState,
  isOfEarlierLife,
} from '../../src/controller/partition-election.ts';
import { NO_LEADER, type PartitionState } from '../../src/controller/partition-state-node.ts';

const REPLICAS = [2, 0, 1];

function subsets(ids: readonly number[]): number[][] {
  return Array.from({ length: 2 ** ids.length }, (_, bits) => ids.filter((_id, i) => bits & (1 << i)));
}

function* situations() {
  for (const isr of subsets(REPLICAS).filter((set) => set.length > 0)) {
    for (const leader of [...isr, NO_LEADER]) {
      for (const live of subsets(REPLICAS)) {
        const state: PartitionState = {
          leader,
          leaderEpoch: 4,
          isr,
          isRecovering: false,
          controllerEpoch: 1,
        };
        yield {
          state,
          live,
          isLive: (id: number) => live.includes(id),
          what: JSON.stringify({ state, live }),
        };
      }
    }
  }
}

test('a new partition: the live replicas in sync, the first leads, epoch 0', () => {
  for (const live of subsets(REPLICAS)) {
    const state = initialState(REPLICAS, (id) => live.includes(id), 7);
    if (live.length === 0) assert.equal(state, null);
    else
      assert.deepEqual(state, {
        leader: live[0],
        leaderEpoch: 0,
        isr: live,
        isRecovering: false,
        controllerEpoch: 7,
      });
  }
});

describe('F36: an offline partition', () => {
  for (const allowUnclean of [false, true]) {
    test(`in every situation, unclean ${allowUnclean}`, () => {
      for (const { state, live, isLive, what } of situations()) {
        const next = electForOffline({ state, replicas: REPLICAS, isLive, controllerEpoch: 9 }, allowUnclean);
        const clean = REPLICAS.filter((id) => live.includes(id) && state.isr.includes(id));
        const mayLead = clean.length > 0 || (allowUnclean && live.length > 0);
        assert.equal(next !== null, mayLead, what);
        if (next === null) continue;
        assert.ok(isLive(next.leader), what);
        assert.equal(next.leaderEpoch, state.leaderEpoch + 1, what);
        assert.equal(next.controllerEpoch, 9, what);
        assert.ok(next.isr.includes(next.leader), what);
        assert.ok(next.isr.every(isLive), what);
        // Nothing acknowledged is lost unless it was allowed: then the log must say so.
        assert.equal(next.isRecovering, clean.length === 0, what);
        assert.equal(next.leader, clean[0] ?? REPLICAS.find(isLive), what);
      }
    });
  }
});

test('F40: the preferred leader leads only if it is alive and in sync; the in-sync set stays', () => {
  for (const { state, live, isLive, what } of situations()) {
    const next = electPreferred({ state, replicas: REPLICAS, isLive, controllerEpoch: 9 });
    const may = live.includes(2) && state.isr.includes(2);
    assert.equal(next?.leader, may ? 2 : undefined, what);
    if (next !== null) assert.deepEqual(next.isr, state.isr, what);
  }
});

test('a state is of an earlier life of its leader when the leader registered after it was written', () => {
  assert.equal(isOfEarlierLife(10, 11), true);
  assert.equal(isOfEarlierLife(12, 11), false);
});
