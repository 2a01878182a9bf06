import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a built program was made of, in `dist/program.json`. */
export interface ProgramRecord {
  /** The file to run, from the root of the workspace on. */
  readonly main: string;
  /** Every file that went into it. */
  readonly inputs: readonly FileStamp[];
}

/**
 * What says that a file is the one it was: its path from the root of the workspace on, its change time, which nothing
 * but the file system sets and no change of its contents leaves as it is, and its size.
 */
export type FileStamp = readonly [path: string, changedAtMs: number, sizeBytes: number];

export const RECORD_FILE = 'dist/program.json';

/** @throws Error when there is no such file */
export function stampOf(root: string, path: string): FileStamp {
  const { ctimeMs, size } = statSync(join(root, path));
  return [path, ctimeMs, size];
}

/** @returns the address of the program that was built in the workspace; null when it is older than any of its sources */
export function freshProgram(root: string): string | null {
  try {
    const { main, inputs } = JSON.parse(readFileSync(join(root, RECORD_FILE), 'utf8')) as ProgramRecord;
    return inputs.every((stamp) => isUnchanged(root, stamp)) ? pathToFileURL(join(root, main)).href : null;
  } catch {
    // Nothing was built, or a source is gone.
    return null;
  }
}

/** For hundreds of files at every start. */
function isUnchanged(root: string, [path, changedAtMs, sizeBytes]: FileStamp): boolean {
  const { ctimeMs, size } = statSync(`${root}/${path}`);
  return ctimeMs === changedAtMs && size === sizeBytes;
}
