import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaderEpochCache } from '@odradek/core/log/leader-epoch-cache.ts';
import { truncationOffset } from '@odradek/core/log/truncation.ts';

/** A log as the epochs of its records. */
type History = readonly number[];

function epochsOf(history: History): LeaderEpochCache {
  const cache = new LeaderEpochCache([], { save: () => {}, saveLater: () => () => {} });
  for (const [offset, epoch] of history.entries()) cache.assign(epoch, offset);
  return cache;
}

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

/** All logs of up to `length` records whose epochs ascend from 0 to `epochMax`. */
function histories(length: number, epochMax: number): History[] {
  const found: History[] = [[]];
  for (const start of found) {
    if (start.length === length) continue;
    for (let epoch = start.at(-1) ?? 0; epoch <= epochMax; epoch++) found.push([...start, epoch]);
  }
  return found;
}

const commonPrefix = (a: History, b: History): number => {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return i;
};

/**
 * Records of one epoch are appended by one leader, in order: two logs that both hold a record of an epoch agree on
 * all that lies before the end of that epoch in the shorter of them.
 */
function canCoexist(a: History, b: History): boolean {
  const shared = a.findLastIndex((epoch, i) => b[i] === epoch);
  const sharedEpochs = a.some((epoch) => b.includes(epoch) && a.indexOf(epoch) !== b.indexOf(epoch));
  return !sharedEpochs && commonPrefix(a, b) === shared + 1;
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
