import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RECORD_FILE, stampOf, type ProgramRecord } from '../../packages/cli/src/fresh-program.ts';
import { ROOT } from './places.ts';

/** How far apart the clock of the file system and that of this process may be. */
const CLOCK_MARGIN_MS = 20;

/** Before a program is built anew: what was built before is not to be run while that lasts. */
export function forgetProgram(root = ROOT): void {
  rmSync(join(root, RECORD_FILE), { force: true });
}

/**
 * Has the workspace run a built program from now on, as long as nothing that it was made of changes. Leaves it when
 * something changed since `beganAtMs`, when the first of it was read: what was read is not known then.
 *
 * @returns whether the program will be run
 */
export function recordProgram(
  main: string,
  inputs: readonly string[],
  beganAtMs: number,
  root = ROOT,
): boolean {
  const stamps = inputs.map((path) => stampOf(root, path));
  const isKnown = stamps.every(([, changedAtMs]) => changedAtMs < beganAtMs - CLOCK_MARGIN_MS);
  if (!isKnown) return false;
  const record: ProgramRecord = { main, inputs: stamps };
  const file = join(root, RECORD_FILE);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(record));
  return true;
}

/** What decides how a program is built. */
export function buildInputs(): readonly string[] {
  return globSync(['scripts/packaging/*', 'scripts/build.ts', 'package-lock.json'], { cwd: ROOT });
}
