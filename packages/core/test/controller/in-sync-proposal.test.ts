import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import { judgeProposal, type StateProposal } from '../../src/controller/in-sync-proposal.ts';
import { entryOf } from './controller-world.ts';

const ENTRY = entryOf({ isr: [1, 2] });

function verdictOn(change: Partial<StateProposal>, mayJoin: (id: number) => boolean = () => true): string {
  const proposal = { leaderEpoch: 5, partitionEpoch: 7, isr: [1], isRecovering: false, ...change };
  const verdict = judgeProposal(ENTRY, proposal, mayJoin, 2);
  if (verdict.kind === 'refused') return errorName(verdict.errorCode);
  return verdict.kind === 'write' ? `write ${verdict.state.isr.join()}` : verdict.kind;
}

test('a leader shrinks and grows its in-sync set, in the epochs that the controller knows (F29)', () => {
  assert.equal(verdictOn({}), 'write 1');
  assert.equal(verdictOn({ isr: [1, 2, 3] }), 'write 1,2,3');
  assert.equal(verdictOn({ leaderEpoch: 6 }), 'NOT_CONTROLLER');
  assert.equal(verdictOn({ partitionEpoch: 8 }), 'NOT_CONTROLLER');
  assert.equal(verdictOn({ leaderEpoch: 4 }), 'FENCED_LEADER_EPOCH');
  assert.equal(verdictOn({ partitionEpoch: 6 }), 'INVALID_UPDATE_VERSION');
});

test('what has been written already is done, also when it is asked for once more with the version before', () => {
  assert.equal(verdictOn({ isr: [2, 1] }), 'done already');
  assert.equal(verdictOn({ isr: [1, 2], partitionEpoch: 6 }), 'done already');
});

test('nobody joins who is not there or about to stop, and those that are in the set may stay (F28)', () => {
  const only =
    (...ids: number[]) =>
    (id: number) =>
      ids.includes(id);
  assert.equal(verdictOn({ isr: [1, 2, 3] }, only(1, 2)), 'INELIGIBLE_REPLICA');
  assert.equal(verdictOn({ isr: [1, 2, 3] }, only(3)), 'write 1,2,3');
});

test('a set without its leader, with strangers, or empty is no set; recovery has its rules', () => {
  for (const isr of [[], [2], [1, 9]]) assert.equal(verdictOn({ isr }), 'INVALID_REQUEST');
  assert.equal(verdictOn({ isRecovering: true }), 'INVALID_REQUEST');
  const recovering = entryOf({ isr: [1], isRecovering: true });
  const proposal = { leaderEpoch: 5, partitionEpoch: 7, isr: [1], isRecovering: false };
  const verdict = judgeProposal(recovering, proposal, () => true, 2);
  assert.equal(verdict.kind === 'write' && verdict.state.isRecovering, false);
  const both = judgeProposal(recovering, { ...proposal, isr: [1, 2], isRecovering: true }, () => true, 2);
  assert.deepEqual(both, { kind: 'refused', errorCode: ErrorCode.INVALID_REQUEST });
});
