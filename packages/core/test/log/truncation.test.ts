import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutFor, truncationOffset } from '@odradek/core/log/truncation.ts';
import { canCoexist, commonPrefix, epochsOf, histories, type History } from './histories.ts';

function followerLog(history: History, highWatermark: number) {
  const cache = epochsOf(history);
  return {
    logEndOffset: history.length,
    highWatermark,
    endOffsetForEpoch: (epoch: number) => cache.endOffsetFor(epoch, history.length),
  };
}

/** Where the leader finds the histories to part, as it answers a fetch; null: nowhere. */
function divergence(leader: History, leaderEpoch: number, follower: History) {
  const lastEpoch = follower.at(-1) ?? -1;
  if (lastEpoch < 0) return null;
  const cache = epochsOf(leader);
  cache.assign(leaderEpoch, leader.length);
  const end = cache.endOffsetFor(lastEpoch, leader.length);
  return end.epoch < lastEpoch || end.endOffset < follower.length ? end : null;
}

test('a follower ends with a log that its leader can go on with: every pair of small histories', () => {
  let cases = 0;
  for (const leader of histories(4, 3)) {
    for (const follower of histories(4, 3)) {
      if (!canCoexist(leader, follower)) continue;
      cases += 1;
      const agreed = commonPrefix(leader, follower);
      let log = follower;
      for (let round = 0; ; round++) {
        assert.ok(round <= 4, `no end: leader ${leader.join()}, follower ${follower.join()}`);
        const end = divergence(leader, 4, log);
        if (end === null) break;
        log = log.slice(0, truncationOffset(followerLog(log, 0), end));
      }
      const case_ = `leader ${leader.join()}, follower ${follower.join()}, then ${log.join()}`;
      assert.equal(log.length, agreed, case_);
    }
  }
  assert.ok(cases > 500, `${cases} cases`);
});

test('a leader that knows nothing of the epoch sends the follower back to what is committed', () => {
  assert.equal(truncationOffset(followerLog([0, 0, 1], 2), { epoch: -1, endOffset: -1 }), 2);
});

test('asked before fetching, a leader is asked again until the cut is final: every pair of small histories', () => {
  let cases = 0;
  let roundsMax = 0;
  for (const leader of histories(4, 3)) {
    const cache = epochsOf(leader);
    cache.assign(4, leader.length);
    for (const follower of histories(4, 3)) {
      if (!canCoexist(leader, follower)) continue;
      cases += 1;
      const case_ = `leader ${leader.join()}, follower ${follower.join()}`;
      let log = follower;
      for (let rounds = 1; log.length > 0; rounds++) {
        const asked = log.at(-1)!;
        const cut = cutFor(followerLog(log, 0), cache.endOffsetFor(asked, leader.length));
        log = log.slice(0, cut.offset);
        roundsMax = Math.max(roundsMax, rounds);
        if (cut.isFinal) break;
        assert.ok((log.at(-1) ?? -1) < asked, `asks again for epoch ${asked}: ${case_}`);
      }
      assert.equal(log.length, commonPrefix(leader, follower), `${case_}, then ${log.join()}`);
    }
  }
  assert.ok(cases > 500, `${cases} cases`);
  assert.ok(roundsMax > 1, 'no pair had to be asked about twice');
});

test('a cut, for each thing that a leader can tell', () => {
  // Epoch 1 holds offsets 0 and 1, epoch 3 holds 2 and 3, epoch 6 holds 4; 1 is committed.
  const log = followerLog([1, 1, 3, 3, 6], 1);
  const told: [epoch: number, endOffset: number, offset: number, isFinal: boolean][] = [
    [-1, -1, 1, true], // it knows nothing: what is committed
    [-1, 3, 3, true], // v0 tells no epoch
    [-1, 9, 5, true],
    [6, 5, 5, true],
    [6, 9, 5, true],
    [6, 4, 4, true],
    [5, 9, 4, false], // epochs 5, 4 and 2 never wrote here: asked again by the epoch before
    [4, 3, 3, false],
    [3, 3, 3, true],
    [3, 9, 4, true],
    [2, 9, 2, false],
    [2, 1, 1, false],
    [1, 1, 1, true],
    [0, 1, 0, true], // what epoch 0 wrote was deleted here: nothing of the rest is the leader's
    [7, 3, 3, true], // later than all known here, which no leader answers
  ];
  for (const [epoch, endOffset, offset, isFinal] of told) {
    assert.deepEqual(cutFor(log, { epoch, endOffset }), { offset, isFinal }, `${epoch} ends at ${endOffset}`);
  }
});
