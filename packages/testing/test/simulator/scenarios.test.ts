import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROKEN_RULES } from '../../src/simulator/bugs/broken-rules.ts';
import { playScenario, SCENARIOS } from '../../src/simulator/scenarios/scenarios.ts';

// All of them, with more seeds: `npm run simulate -- --broken-rules`.

test('F05 is found where a follower may join the in-sync set below the start of the epoch', () =>
  isFound('F05', 2));

test('F25 is found where the high watermark waits only for those who stay', () => isFound('F25', 1));

async function isFound(row: string, seed: number): Promise<void> {
  const { shows, install } = BROKEN_RULES.find((rule) => rule.row === row)!;
  assert.deepEqual(await problemsOf(row, seed), []);
  const mend = install();
  try {
    const names = await problemsOf(row, seed);
    for (const name of shows) assert.ok(names.includes(name), names.join());
  } finally {
    mend();
  }
}

async function problemsOf(row: string, seed: number): Promise<string[]> {
  const scenario = SCENARIOS.find((each) => each.row === row)!;
  const { problems } = await playScenario(scenario, seed);
  return problems.map(({ name }) => name);
}

test('every scenario has a row and a name of its own', () => {
  assert.equal(new Set(SCENARIOS.map(({ row }) => row)).size, SCENARIOS.length);
  for (const { row, name } of SCENARIOS) assert.match(`${row}: ${name}`, /^F\d\d(, F\d\d)?: .{20}/);
});
