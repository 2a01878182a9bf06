import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeLeadership } from '@odradek/core/replication/leadership.ts';
import { leadershipOf, NODE } from './replica-world.ts';

test('leadership changes with a higher epoch only, and within one only by a later state: every small case', () => {
  const epochs = [-1, 0, 1, 2];
  for (const heldLeader of epochs) {
    for (const heldState of epochs) {
      for (const leaderEpoch of [0, 1, 2]) {
        for (const partitionEpoch of [0, 1, 2]) {
          for (const leader of [-1, NODE, 2]) {
            const change = leadershipOf(0, { leader, leaderEpoch, partitionEpoch });
            const held = { leaderEpoch: heldLeader, partitionEpoch: heldState };
            const verdict = judgeLeadership(change, NODE, held);
            if (leaderEpoch < heldLeader) assert.equal(verdict, 'stale');
            else if (leaderEpoch === heldLeader)
              assert.equal(verdict, partitionEpoch > heldState ? 'update' : 'unchanged');
            else assert.equal(verdict, leader === NODE ? 'become-leader' : 'become-follower');
          }
        }
      }
    }
  }
});
