// Compiles the native parts, where there is a compiler for them: `npm ci` and `npm install` run this. Without them all
// works as well, more slowly.
//
//   npm run build:native                  says what keeps it from being built, and that is no failure
//   npm run build:native -- --required    fails then
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = resolve(import.meta.dirname, '..');
const PLATFORM = 'linux-x64';
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared', '-s'];

/** Where Node-API's headers are: beside the program, or in the npm package that brought it. */
function includeDirectory(): string | null {
  const places = [
    join(dirname(process.execPath), '../include/node'),
    ...globSync(['node_modules/node-*/include/node', 'node_modules/node/node_modules/node-*/include/node'], {
      cwd: ROOT,
    }).map((path) => join(ROOT, path)),
  ];
  return places.find((place) => existsSync(join(place, 'node_api.h'))) ?? null;
}

/** @returns what keeps them from being built, or null when they were */
function build(): string | null {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== PLATFORM) return `they are for ${PLATFORM}, and this is ${platform}`;
  const headers = includeDirectory();
  if (headers === null) return 'the headers of Node.js are not there';
  for (const source of globSync('packages/*/native/*.c', { cwd: ROOT })) {
    const reason = compile(join(ROOT, source), headers);
    if (reason !== null) return reason;
  }
  return null;
}

function compile(source: string, headers: string): string | null {
  const module = source.replace(/\.c$/, `-${PLATFORM}.node`);
  const unfinished = `${module}.${process.pid}.tmp`;
  const compiler = spawnSync('cc', [...FLAGS, `-I${headers}`, '-o', unfinished, source], {
    encoding: 'utf8',
  });
  if (compiler.error !== undefined) return `there is no C compiler (${compiler.error.message})`;
  if (compiler.status !== 0) return `the C compiler failed: ${compiler.stderr.slice(-2000)}`;
  // Replaced whole: a process that runs may have loaded the old one.
  renameSync(unfinished, module);
  return null;
}

const { values } = parseArgs({ options: { required: { type: 'boolean', default: false } } });
const reason = build();
if (reason !== null) {
  process.stderr.write(
    `The native parts were not built: ${reason}. Checksums and reads of the page cache do without.\n`,
  );
  if (values.required) process.exitCode = 1;
}
