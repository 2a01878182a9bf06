// Faults that replicated logs had are numbered from F01 to F95. docs/FAULTS.md has a line for each: what shows that it
// does not happen here, or why nothing does. A test is named after its row in its title, or in that of its group
// (`F15: ...`, `... (F15)`), a scenario of the simulator by its `row`. Nothing may be claimed there that does not
// exist, and nothing may be left out.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const COUNT = 95;
const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const TITLE = /\b(?:test|it|describe|suite)\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;
const SCENARIOS = join(PROJECT, 'packages/testing/src/simulator/scenarios');
const SCENARIO_ROWS = /^\s+row: '([^']+)'/gm;
const ROW = /\bF\d\d\b/g;
const LINE = /^\| (F\d\d(?:, F\d\d)*) +\| .+? \| (.+?) +\|$/gm;
/** Words of a reason, so that it is more than a mark. */
const REASON = /\*\*(Owed|Accepted|Does not apply)\*\*[:,]? ?[^|]{20,}/;

/** What the document says of one row. */
interface Claim {
  readonly row: string;
  /** Ends of paths. */
  readonly tests: readonly string[];
  readonly isSimulated: boolean;
  readonly reason: string | undefined;
}

function claims(): Claim[] {
  const text = readFileSync(join(PROJECT, 'docs/FAULTS.md'), 'utf8');
  return [...text.matchAll(LINE)].flatMap(([, rows, shown]) =>
    rows!.split(', ').map((row) => ({
      row,
      tests: [...shown!.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, name]) => name!),
      isSimulated: /\bsimulator\b/.test(shown!),
      reason: REASON.exec(shown!)?.[1],
    })),
  );
}

/** Test files by the row that they name. */
function testsByRow(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const path of testFiles()) {
    const source = readFileSync(join(PROJECT, path), 'utf8');
    for (const [, , title] of source.matchAll(TITLE)) {
      for (const [row] of title!.matchAll(ROW)) found.set(row, (found.get(row) ?? new Set()).add(path));
    }
  }
  return found;
}

/** Read, not imported: the simulator takes more than a second to load. */
function simulatedRows(): Set<string> {
  const sources = readdirSync(SCENARIOS).map((name) => readFileSync(join(SCENARIOS, name), 'utf8'));
  return new Set(
    sources.flatMap((source) => [...source.matchAll(SCENARIO_ROWS)]).flatMap(([, rows]) => rows!.split(', ')),
  );
}

function testFiles(): string[] {
  return readdirSync(join(PROJECT, 'packages')).flatMap((name) =>
    readdirSync(join(PROJECT, 'packages', name, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((entry) => entry.endsWith('.test.ts'))
      .map((entry) => `packages/${name}/test/${entry}`),
  );
}

const isNamed = (path: string, names: readonly string[]) => names.some((name) => path.endsWith(`/${name}`));

test('every row of the fault catalogue is named once, and shown by something or excused', () => {
  const all = Array.from({ length: COUNT }, (_, i) => `F${String(i + 1).padStart(2, '0')}`);
  const claimed = claims();
  assert.deepEqual(
    claimed.map(({ row }) => row),
    all,
  );
  const unexcused = claimed.filter(
    ({ tests, isSimulated, reason }) => tests.length === 0 && !isSimulated && reason === undefined,
  );
  assert.deepEqual(
    unexcused.map(({ row }) => row),
    [],
  );
});

test('what the document says of a row is what tests and scenarios are named after', () => {
  const byRow = testsByRow();
  const simulated = simulatedRows();
  const claimed = claims();
  const known = new Set(claimed.map(({ row }) => row));
  const unknown = [...byRow.keys(), ...simulated].filter((row) => !known.has(row));
  assert.deepEqual(unknown, [], 'no such row');
  for (const { row, tests, isSimulated, reason } of claimed) {
    const files = [...(byRow.get(row) ?? [])];
    const invented = tests.filter((name) => !files.some((path) => isNamed(path, [name])));
    assert.deepEqual(invented, [], `${row} is in the title of no test there`);
    const unsaid = files.filter((path) => !isNamed(path, tests)).map((path) => basename(path));
    assert.deepEqual(unsaid, [], `${row} is shown by these as well`);
    assert.equal(isSimulated, simulated.has(row), `${row} and the scenarios of the simulator`);
    if (reason === 'Does not apply') assert.equal(files.length, 0, `${row} applies, there is a test`);
  }
});
