import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaderRole } from '@odradek/core/replication/leader-role.ts';
import { overridden } from '../../src/simulator/bugs/overridden.ts';
import { playScenario, SCENARIOS } from '../../src/simulator/scenarios/scenarios.ts';

async function problemsOf(row: string, seed: number): Promise<string[]> {
  const scenario = SCENARIOS.find((each) => each.row === row)!;
  const { problems } = await playScenario(scenario, seed);
  return problems.map(({ name }) => name);
}

test('F05 is found where a follower may join the in-sync set below the start of the epoch', async () => {
  assert.deepEqual(await problemsOf('F05', 2), []);
  const mend = overridden(
    LeaderRole.prototype,
    'followerFetched',
    (original) =>
      function (this: LeaderRole, ...fetch) {
        // As if the epoch had begun where the high watermark is.
        Object.assign(this, { epochStartOffset: 0 });
        original.apply(this, fetch);
      },
  );
  try {
    assert.ok((await problemsOf('F05', 2)).includes('committed-lost'));
  } finally {
    mend();
  }
});

test('F25 is found where the high watermark waits only for those who stay', async () => {
  assert.deepEqual(await problemsOf('F25', 1), []);
  const mend = overridden(
    LeaderRole.prototype,
    'commitableOffset',
    (original) =>
      function (this: LeaderRole, minInsyncReplicas) {
        const { pending } = this['inSync'];
        const isAlone = pending?.kind === 'shrink' && pending.leaving.length === this.isr.length - 1;
        return isAlone ? this['log'].logEndOffset : original.call(this, minInsyncReplicas);
      },
  );
  try {
    assert.ok((await problemsOf('F25', 1)).includes('committed-lost'));
  } finally {
    mend();
  }
});

test('every scenario has a row and a name of its own', () => {
  assert.equal(new Set(SCENARIOS.map(({ row }) => row)).size, SCENARIOS.length);
  for (const { row, name } of SCENARIOS) assert.match(`${row}: ${name}`, /^F\d\d(, F\d\d)?: .{20}/);
});
