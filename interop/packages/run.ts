// The packages as their users get them: made from the sources, packed, installed by npm into an empty folder with no
// workspace near, and used there by modules, CommonJS, TypeScript and a bundler, with a broker started from them.
//   npm run prove:packages
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TARBALLS_DIRECTORY } from '../../scripts/packaging/places.ts';
import { sourcePackages } from '../../scripts/packaging/source-packages.ts';
import { projectDirectory } from '../../scripts/kafka-jars.ts';
import { markdownExamples } from '../../scripts/markdown-examples.ts';
import { Steps } from '../steps.ts';
import { bundle } from './bundle-sizes.ts';
import { EmptyProject } from './empty-project.ts';
import { checkContents, checkFiles, countNativeUsers, tarballsIn } from './tarballs.ts';

/** One in `protocol`, one in `broker`, and both in the program that they are bundled in. */
const NATIVE_USERS = 4;
/** What programs print whose event loop was blocked for longer than their session. */
const KEPT = 'lost 0, joined 1 time';
const STRICT = { strict: true, noEmit: true, skipLibCheck: false, target: 'es2024', types: ['node'] };
const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

const steps = new Steps();
const project = new EmptyProject();
let bootstrapServers = '';

try {
  await steps.take('the packages are made', async () => {
    runScript('build-native.ts', '--required');
    runScript('build.ts', '--pack');
    const tarballs = tarballsIn(TARBALLS_DIRECTORY);
    const packages = sourcePackages().length;
    if (tarballs.length !== packages) throw new Error(`${tarballs.length} tarballs of ${packages} packages`);
    tarballs.forEach(checkFiles);
    return tarballs.map(({ name, packedBytes }) => `${name} ${kilobytes(packedBytes)}`).join(', ');
  });
  await steps.take('npm installs them where nothing else is', async () => {
    const tarballs = tarballsIn(TARBALLS_DIRECTORY).map(({ path }) => path);
    project.install(tarballs, join(import.meta.dirname, 'programs'));
    return project.run('du', ['-sh', 'node_modules/@odradek']).trim().replace(/\s+/, ' in ');
  });
  await steps.take('no file of theirs names this machine or leaves a type open', async () => {
    const folders = globSync('node_modules/@odradek/*', { cwd: project.folder });
    for (const folder of folders) checkContents(join(project.folder, folder));
    return `${folders.length} packages`;
  });
  await steps.take('native code lies where it is looked for', async () => {
    const folders = globSync('node_modules/@odradek/*', { cwd: project.folder });
    const users = folders.map((folder) => countNativeUsers(join(project.folder, folder)));
    const count = users.reduce((sum, each) => sum + each, 0);
    if (count !== NATIVE_USERS) throw new Error(`${count} modules use it, ${NATIVE_USERS} should`);
    return 'by the library and by the program';
  });
  await steps.take('npx odradek start', async () => {
    const broker = await project.startBroker();
    bootstrapServers = broker.bootstrapServers;
    return `serves after ${broker.startMs} ms, on its first start`;
  });
  await prints('a program of modules', 'esm.mjs', 'written by a module');
  await prints('a CommonJS program, by require', 'common.cjs', 'written by CommonJS');
  await prints('a program in TypeScript', 'typed.ts', 'written by TypeScript');
  await prints('a thread for heartbeats, of a module', 'heartbeat-thread.mjs', KEPT);
  await prints('a thread for heartbeats, by require', 'heartbeat-thread.cjs', KEPT);
  await steps.take('a thread for heartbeats, both it and the program bundled', async () => {
    bundle(project, 'heartbeat-thread.mjs', 'blocked.bundle.mjs');
    bundle(project, 'node_modules/@odradek/client/lib/adapters/heartbeat-worker.js', 'thread.bundle.mjs');
    const printed = project
      .run('node', ['blocked.bundle.mjs', bootstrapServers, './thread.bundle.mjs'])
      .trim();
    if (printed !== KEPT) throw new Error(`printed ${printed}`);
    return printed;
  });
  await prints('all packages in one process', 'in-process.ts', 'offset 0, 6 parts, all APIs');
  await prints('a library that a format needs and nobody installed', 'missing-peer.mjs', 'npm install avsc');
  await steps.take('the examples of their own pages', async () => {
    const pages = globSync('node_modules/@odradek/*/README.md', { cwd: project.folder });
    const examples = pages.flatMap((page) =>
      markdownExamples(readFileSync(join(project.folder, page), 'utf8')),
    );
    for (const { program, output } of examples) {
      const withBroker = `const bootstrapServers = '${bootstrapServers}';\n${program}`;
      const printed = project.run('node', ['--input-type=module-typescript', '--eval', withBroker]);
      if (printed !== output) throw new Error(`prints ${JSON.stringify(printed)}: ${program}`);
    }
    return `${examples.length} on ${pages.length} pages`;
  });
  for (const [name, options] of Object.entries(RESOLUTIONS)) {
    await steps.take(`the declarations, checked strictly, resolution ${name}`, async () => {
      const files = ['typed.ts', 'in-process.ts'];
      const settings = { compilerOptions: { ...STRICT, ...options }, files };
      // Without it the program's own module kind would be that of CommonJS.
      if (name === 'nodenext') writeManifest({ type: 'module' });
      writeFileSync(join(project.folder, 'tsconfig.json'), JSON.stringify(settings));
      project.run('npx', ['tsc', '-p', '.']);
      return files.join(', ');
    });
  }
  await steps.take('a bundle holds what its program uses', async () => {
    const admin = bundle(project, 'admin-only.mjs', 'admin-only.bundle.mjs');
    const all = bundle(project, 'esm.mjs', 'esm.bundle.mjs');
    const isForRecords = (path: string): boolean => /client\/lib\/(consumer|producer)\//.test(path);
    const excess = admin.modules.filter(isForRecords);
    if (!all.modules.some(isForRecords)) throw new Error('what reads and writes records is not where it was');
    if (excess.length > 0) throw new Error(`who only manages topics gets ${excess.join(', ')}`);
    const printed = project.run('node', ['admin-only.bundle.mjs', bootstrapServers]);
    if (printed !== '3 partitions\n') throw new Error(`the bundle printed ${printed}`);
    return `managing topics ${kilobytes(admin.sizeBytes)}, producing and consuming ${kilobytes(all.sizeBytes)}`;
  });
} finally {
  await project.remove();
}
steps.close();

function runScript(name: string, option: string): void {
  execFileSync(process.execPath, [join(projectDirectory, 'scripts', name), option], { stdio: 'pipe' });
}

async function prints(what: string, program: string, expected: string): Promise<void> {
  await steps.take(what, async () => {
    const printed = project.run('node', [program, bootstrapServers]).trim();
    if (printed !== expected) throw new Error(`printed ${JSON.stringify(printed)}, not ${expected}`);
    return printed;
  });
}

function writeManifest(fields: object): void {
  project.run('npm', ['pkg', 'set', ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)]);
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} KB`;
}
