import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { namingModules } from './module-names.ts';
import { ROOT } from './places.ts';
import { MODULES_FOLDER } from './published-manifest.ts';
import type { SourcePackage } from './source-packages.ts';

/** What the code may use of the language: what `engines` promises. */
export const LANGUAGE = 'node24';

/** A JavaScript module for each source of a package: one by one, so that bundlers leave out what is not used. */
export async function buildModules({ folder }: SourcePackage, target: string): Promise<void> {
  const sources = join('packages', folder, 'src');
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: globSync(`${sources}/**/*.ts`, { cwd: ROOT, exclude: (path) => path.endsWith('.d.ts') }),
    outbase: sources,
    outdir: join(target, MODULES_FOLDER),
    bundle: false,
    format: 'esm',
    platform: 'node',
    target: LANGUAGE,
    write: false,
    logLevel: 'warning',
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, namingModules(text));
  }
}
