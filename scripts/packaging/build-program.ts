import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { LANGUAGE } from './build-modules.ts';
import { nativeModules } from './native-modules.ts';
import { ROOT } from './places.ts';
import { MODULES_FOLDER } from './published-manifest.ts';
import { buildInputs, recordProgram } from './record-program.ts';
import type { SourcePackage } from './source-packages.ts';
import { licencesOf } from './third-party-licences.ts';

/** Native code, which is found by its own means in its own package, and only when it is needed. */
const EXTERNAL = ['@node-rs/crc32', 'lz4-napi', 'snappy'];

/** As deep as the module of `protocol` that looks for the native part lies in its package. */
const PROGRAM_FOLDER = `${MODULES_FOLDER}/program`;
const MAIN = `${PROGRAM_FOLDER}/odradek.js`;

/**
 * The command line with all that it needs, in a few files rather than five hundred, which halves the processor time
 * of a start. What only some of the commands need stays in files of its own and is loaded by these alone.
 */
export async function buildProgram(
  { folder }: SourcePackage,
  target: string,
): Promise<{ main: string; external: readonly string[] }> {
  const beganAtMs = Date.now();
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { odradek: join('packages', folder, 'src/main.ts') },
    outdir: join(target, PROGRAM_FOLDER),
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
  const inputs = Object.keys(metafile.inputs);
  writeFileSync(join(target, 'THIRD-PARTY-LICENSES'), licencesOf(inputs));
  const isKnown = recordProgram(
    relative(ROOT, join(target, MAIN)),
    [...inputs, ...nativeModules('*'), ...buildInputs()],
    beganAtMs,
  );
  if (!isKnown)
    console.error('A source changed meanwhile: the workspace runs the sources, not what was built.');
  return { main: MAIN, external: EXTERNAL };
}
