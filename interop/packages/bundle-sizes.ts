// What bundlers make of the client, which has to be no more than what a program uses of it.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { EmptyProject } from './empty-project.ts';

export interface Bundle {
  readonly sizeBytes: number;
  /** The modules that something was taken of. */
  readonly modules: readonly string[];
}

interface Metafile {
  readonly outputs: Readonly<Record<string, { inputs: Readonly<Record<string, { bytesInOutput: number }>> }>>;
}

/** @returns a program bundled and minified, by esbuild with its defaults for Node.js */
export function bundle(project: EmptyProject, program: string, output: string): Bundle {
  const metafile = `${output}.json`;
  const options = ['--bundle', '--minify', '--platform=node', '--format=esm', '--log-level=warning'];
  project.run('npx', ['esbuild', program, ...options, `--outfile=${output}`, `--metafile=${metafile}`]);
  const { outputs } = JSON.parse(readFileSync(join(project.folder, metafile), 'utf8')) as Metafile;
  const modules = Object.values(outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((path) => inputs[path]!.bytesInOutput > 0),
  );
  return { sizeBytes: statSync(join(project.folder, output)).size, modules };
}
