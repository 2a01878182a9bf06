import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { LANGUAGE } from './build-modules.ts';
import { ROOT } from './places.ts';
import type { SourcePackage } from './source-packages.ts';
import { licencesOf } from './third-party-licences.ts';

/** Native code, which is found by its own means in its own package, and only when it is needed. */
const EXTERNAL = ['@node-rs/crc32', 'lz4-napi', 'snappy'];

/**
 * The command line with all that it needs, in a few files rather than five hundred, which halves the processor time
 * of a start. What only some of the commands need stays in files of its own and is loaded by these alone.
 */
export async function buildProgram(
  { folder }: SourcePackage,
  target: string,
): Promise<{ main: string; external: readonly string[] }> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { odradek: join('packages', folder, 'src/main.ts') },
    outdir: join(target, 'dist'),
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: LANGUAGE,
    external: EXTERNAL,
    // For the CommonJS modules of others in the bundle, which require only what is built in.
    banner: { js: 'const require = process.getBuiltinModule;' },
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(target, 'THIRD-PARTY-LICENSES'), licencesOf(Object.keys(metafile.inputs)));
  return { main: 'dist/odradek.js', external: EXTERNAL };
}
