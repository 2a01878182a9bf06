import { globSync } from 'node:fs';
import { ROOT } from './places.ts';

/** Where a package, in the workspace and published, keeps what was compiled for some kinds of machines. */
export const NATIVE_FOLDER = 'native';

/** What was compiled for a package, `*` for all of them; from the root on. */
export function nativeModules(folder: string): readonly string[] {
  return globSync(`packages/${folder}/${NATIVE_FOLDER}/*.node`, { cwd: ROOT });
}
