// The workspace runs what was built of its sources, but never when it is older than one of them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { freshProgram, stampOf } from '../../packages/cli/src/fresh-program.ts';
import { ROOT } from '../packaging/places.ts';
import { buildInputs, forgetProgram, recordProgram } from '../packaging/record-program.ts';

const MAIN = 'dist/main.js';
/** Later than any change of a file of the test, by more than clocks may differ. */
const LONG_AFTER_MS = 10_000;
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'odradek-fresh-'));
  mkdirSync(join(root, 'src'));
  writeFileSync(join(root, 'src/a.ts'), 'one');
  writeFileSync(join(root, 'src/b.ts'), 'two');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function recordAt(beganAtMs: number): boolean {
  return recordProgram(MAIN, ['src/a.ts', 'src/b.ts'], beganAtMs, root);
}

/** Again and again until the clock of the file system, which may take steps of 4 ms, has moved on. */
function untilChanged(change: () => void): void {
  const [, changedAtMs] = stampOf(root, 'src/b.ts');
  do change();
  while (stampOf(root, 'src/b.ts')[1] === changedAtMs);
}

test('a program is run while what it was made of stands as it was', () => {
  assert.equal(freshProgram(root), null);
  assert.equal(recordAt(Date.now() + LONG_AFTER_MS), true);
  assert.equal(freshProgram(root), pathToFileURL(join(root, MAIN)).href);
});

test('no program is run once a source was written, replaced by an older one, or deleted', () => {
  const changes: Readonly<Record<string, () => void>> = {
    'written, and its time of writing set back': () => {
      const [, changedAtMs] = stampOf(root, 'src/b.ts');
      untilChanged(() => writeFileSync(join(root, 'src/b.ts'), 'six'));
      utimesSync(join(root, 'src/b.ts'), changedAtMs / 1000, changedAtMs / 1000);
    },
    longer: () => writeFileSync(join(root, 'src/b.ts'), 'twenty'),
    replaced: () =>
      untilChanged(() => {
        writeFileSync(join(root, 'src/c.ts'), 'ten');
        utimesSync(join(root, 'src/c.ts'), 0, 0);
        renameSync(join(root, 'src/c.ts'), join(root, 'src/b.ts'));
      }),
    deleted: () => rmSync(join(root, 'src/b.ts')),
  };
  for (const [what, change] of Object.entries(changes)) {
    assert.equal(recordAt(Date.now() + LONG_AFTER_MS), true);
    change();
    assert.equal(freshProgram(root), null, what);
    writeFileSync(join(root, 'src/b.ts'), 'two');
  }
});

test('a source that changed while it was being built is not known, and the program not run', () => {
  const [, changedAtMs] = stampOf(root, 'src/b.ts');
  assert.equal(recordAt(changedAtMs), false);
  assert.equal(freshProgram(root), null);
});

test('a program that is about to be built anew, or whose record is cut short, is not run', () => {
  recordAt(Date.now() + LONG_AFTER_MS);
  forgetProgram(root);
  assert.equal(freshProgram(root), null);
  writeFileSync(join(root, 'dist/program.json'), '{"main":"dist/ma');
  assert.equal(freshProgram(root), null);
});

test('what decides how a program is built counts as a source of it', () => {
  assert.ok(buildInputs().includes('scripts/packaging/build-program.ts'));
  assert.ok(buildInputs().includes('package-lock.json'));
});

test('the sources run by themselves', () => {
  const main = join(ROOT, 'packages/cli/bin/from-sources.js');
  assert.match(
    execFileSync(process.execPath, [main, '--version'], { encoding: 'utf8' }),
    /^\d+\.\d+\.\d+\n$/,
  );
});
