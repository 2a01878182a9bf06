// What lies in the tarballs that are published.
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { projectDirectory } from '../../scripts/kafka-jars.ts';

/** Paths that no user has a use for: tests, and sources that Node.js would refuse where packages lie. */
const FOREIGN = /(^|\/)tests?\/|\.test\.|tsconfig|\.map$|(?<!\.d)\.ts$/;
const REQUIRED = ['package/LICENSE', 'package/README.md', 'package/package.json'];
/** A type that takes and gives everything, so that the compiler checks nothing more. */
const UNCHECKED = /\bany\b/;

export interface Tarball {
  readonly path: string;
  readonly name: string;
  readonly packedBytes: number;
  readonly files: readonly string[];
}

export function tarballsIn(directory: string): readonly Tarball[] {
  return globSync('*.tgz', { cwd: directory })
    .toSorted()
    .map((file) => {
      const path = join(directory, file);
      const files = execFileSync('tar', ['-tzf', path], { encoding: 'utf8' }).trim().split('\n');
      return { path, name: basename(file, '.tgz'), packedBytes: statSync(path).size, files };
    });
}

/** @throws Error when something is in a tarball that should not be, or is not that should */
export function checkFiles({ name, files }: Tarball): void {
  const foreign = files.filter((file) => FOREIGN.test(file));
  const absent = REQUIRED.filter((file) => !files.includes(file));
  if (foreign.length > 0) throw new Error(`${name} holds ${foreign.join(', ')}`);
  if (absent.length > 0) throw new Error(`${name} lacks ${absent.join(', ')}`);
}

/**
 * Looks into all files of an installed package.
 *
 * @throws Error when one names a folder of this machine, or a declaration leaves a type open
 */
export function checkContents(folder: string): void {
  for (const path of globSync('**/*.{js,json,ts}', { cwd: folder })) {
    const text = readFileSync(join(folder, path), 'utf8');
    const place = [projectDirectory, `${homedir()}/`].find((each) => text.includes(each));
    if (place !== undefined) throw new Error(`${join(folder, path)} names ${place}`);
    if (!path.endsWith('.d.ts')) continue;
    const open = withoutWords(text)
      .split('\n')
      .find((line) => UNCHECKED.test(line));
    if (open !== undefined) throw new Error(`${join(folder, path)} leaves a type open: ${open.trim()}`);
  }
}

/** How a module of ours names native code: for the kind of machine at hand, from its package on. */
const NATIVE_NAME = /`\.\.\/\.\.\/native\/([\w-]+)-\$\{/g;

/**
 * @returns how often modules of an installed package load native code of ours, which all of them find
 * @throws Error when it is not where one of them looks
 */
export function countNativeUsers(folder: string): number {
  let count = 0;
  for (const path of globSync('**/*.js', { cwd: folder })) {
    const place = join(folder, dirname(path), '../../native');
    for (const [, name] of readFileSync(join(folder, path), 'utf8').matchAll(NATIVE_NAME)) {
      if (globSync(`${name}-*.node`, { cwd: place }).length === 0)
        throw new Error(`${join(folder, path)} finds no ${name} in ${place}`);
      count++;
    }
  }
  return count;
}

/** A declaration without its comments and its texts. */
function withoutWords(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/gm, '');
}
