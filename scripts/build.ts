// Makes what is published out of the sources: each package in a folder of its own, dist/packages/<name>, as it will
// stand in its users' node_modules; Node.js takes no TypeScript from there.
//   npm run build                the folders
//   npm run build -- --program   that of the command line, which the workspace then runs in place of its sources
//   npm run pack                 the folders, and from each a tarball in dist/tarballs, as `npm install` takes it
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildModules } from './packaging/build-modules.ts';
import { buildProgram } from './packaging/build-program.ts';
import { buildTypes } from './packaging/build-types.ts';
import { libraryManifest, programManifest } from './packaging/published-manifest.ts';
import { NATIVE_FOLDER, nativeModules } from './packaging/native-modules.ts';
import { PACKAGES_DIRECTORY, ROOT, TARBALLS_DIRECTORY } from './packaging/places.ts';
import { forgetProgram } from './packaging/record-program.ts';
import { sourcePackages, type SourcePackage } from './packaging/source-packages.ts';

const { values } = parseArgs({
  options: {
    pack: { type: 'boolean', default: false },
    program: { type: 'boolean', default: false },
  },
});
const packages = sourcePackages();
const programs = packages.filter(({ isProgram }) => isProgram);
const libraries = packages.filter(({ isProgram }) => !isProgram);
forgetProgram();
for (const each of programs) await buildPackage(each);
if (!values.program) {
  for (const each of libraries) await buildPackage(each);
  buildTypes(libraries);
}
if (values.pack) pack(packages);

async function buildPackage(source: SourcePackage): Promise<void> {
  const target = join(PACKAGES_DIRECTORY, source.folder);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  copyFileSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'));
  copyFileSync(join(ROOT, 'packages', source.folder, 'README.md'), join(target, 'README.md'));
  copyNative(source, target);
  const manifest = source.isProgram
    ? programManifest(source, await buildProgram(source, target), packages)
    : libraryManifest(source);
  if (!source.isProgram) await buildModules(source, target);
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** What was compiled (scripts/build-native.ts) of the package, or of those that are bundled. */
function copyNative({ folder, isProgram }: SourcePackage, target: string): void {
  for (const path of nativeModules(isProgram ? '*' : folder)) {
    mkdirSync(join(target, NATIVE_FOLDER), { recursive: true });
    copyFileSync(join(ROOT, path), join(target, NATIVE_FOLDER, basename(path)));
  }
}

function pack(built: readonly SourcePackage[]): void {
  rmSync(TARBALLS_DIRECTORY, { recursive: true, force: true });
  mkdirSync(TARBALLS_DIRECTORY, { recursive: true });
  const folders = built.map(({ folder }) => `./${join('packages', folder)}`);
  const args = ['pack', '--silent', '--pack-destination', TARBALLS_DIRECTORY, ...folders];
  process.stdout.write(execFileSync('npm', args, { cwd: join(PACKAGES_DIRECTORY, '..'), encoding: 'utf8' }));
}
