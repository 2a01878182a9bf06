// KafkaJS's own tests of its public interface against ours, with Apache Kafka 3.9:
//   npx node interop/kafkajs/run.ts [--source FOLDER] [--only PATTERN] [--brokers-run] [--listed]
// --listed shows how those fail that are listed. The suite is taken from its public repository at a tag, or from a clone of it: --source, or KAFKAJS_SOURCE.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { APPENDED, BRIDGE, INNER_PARTS, SUITES } from './bridge-modules.ts';
import { NOT_PASSING } from './not-passing.ts';
import { startTestBrokers } from './test-brokers.ts';

const TAG = 'v2.2.4';
const REPOSITORY = 'https://github.com/tulios/kafkajs.git';
/** What the suite itself needs, beside jest. */
const TOOLS = [
  ...['jest@29.7.0', 'jest-extended@0.11.5', 'uuid@3.4.0', 'execa@2.1.0', 'semver@6.3.1'],
  ...['jsonwebtoken@9.0.2', 'ip@1.1.9', 'mockdate@2.0.5', 'glob@7.2.3'],
];
const TIME_MAX_MS = 15 * 60_000;
const CASE_MAX_MS = 20_000;

const { values } = parseArgs({
  options: {
    source: { type: 'string', default: process.env['KAFKAJS_SOURCE'] ?? REPOSITORY },
    only: { type: 'string', default: '' },
    'brokers-run': { type: 'boolean', default: false },
    listed: { type: 'boolean', default: false },
  },
});

const root = resolve(import.meta.dirname, '../..');
const home = join(root, '.cache/kafkajs-suite');
const suite = join(home, 'suite');

function fetchSuite(): void {
  rmSync(suite, { recursive: true, force: true });
  const quiet = ['-c', 'advice.detachedHead=false', 'clone', '-q', '--depth', '1', '--branch', TAG];
  const source = existsSync(values.source) ? `file://${resolve(values.source)}` : values.source;
  execFileSync('git', [...quiet, source, suite], { stdio: 'inherit' });
}

function installTools(): void {
  const manifest = join(home, 'package.json');
  mkdirSync(home, { recursive: true });
  if (existsSync(join(home, 'node_modules/jest'))) return;
  writeFileSync(manifest, '{"name":"kafkajs-suite","private":true}\n');
  const options = ['--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', ['install', ...options, ...TOOLS], { cwd: home, stdio: 'inherit' });
}

async function putOursIn(): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, 'suite-entry.ts')],
    outfile: join(suite, 'ours.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['@node-rs/crc32', 'snappy', 'lz4-napi'],
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href" },
    logLevel: 'error',
  });
  for (const [path, text] of Object.entries(BRIDGE)) writeFileSync(join(suite, path), text);
  for (const [path, text] of Object.entries(APPENDED)) appendFileSync(join(suite, path), text);
  // A case that waits for what does not come is not waited for as long as on a machine of many containers.
  const setup = join(suite, 'testHelpers/setup.js');
  writeFileSync(
    setup,
    readFileSync(setup, 'utf8').replace('setTimeout(90000)', `setTimeout(${CASE_MAX_MS})`),
  );
  // Newer versions of jest refuse a callback in an async function; with a default it is none.
  for (const path of globSync('src/**/*.spec.js', { cwd: suite })) {
    const file = join(suite, path);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll('async done =>', 'async (done = () => {}) =>'));
  }
  const config = {
    moduleNameMapper: { testHelpers: '<rootDir>/testHelpers/index.js' },
    setupFilesAfterEnv: ['<rootDir>/testHelpers/setup.js'],
    testEnvironment: 'node',
    testRegex: '(/__tests__/.*\\.spec\\.js|(\\.|/)spec)\\.jsx?$',
    testPathIgnorePatterns: ['/node_modules/', ...INNER_PARTS],
    snapshotFormat: { escapeString: true, printBasicPrototype: true },
    reporters: [join(import.meta.dirname, 'progress-reporter.cjs')],
  };
  writeFileSync(join(suite, 'jest.config.json'), JSON.stringify(config));
}

interface JestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function runJest(): JestReport {
  const output = join(home, 'report.json');
  rmSync(output, { force: true });
  const args = ['--config', 'jest.config.json', '--ci', '--forceExit', '--maxWorkers=4'];
  const paths = values.only === '' ? SUITES : [values.only];
  spawnSync(
    process.execPath,
    [join(home, 'node_modules/jest/bin/jest.js'), ...args, '--json', `--outputFile=${output}`, ...paths],
    {
      cwd: suite,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: TIME_MAX_MS,
      env: { ...process.env, NODE_ENV: 'test', KAFKA_VERSION: '2.4', KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    },
  );
  return JSON.parse(readFileSync(output, 'utf8')) as JestReport;
}

function judge(report: JestReport): number {
  const counts = { passed: 0, listed: 0, skipped: 0 };
  const surprises: string[] = [];
  const back: string[] = [];
  for (const { name, assertionResults, message } of report.testResults) {
    const file = relative(suite, name);
    if (assertionResults.length === 0)
      surprises.push(`${file}: ${message.split('\n').slice(0, 6).join('\n')}`);
    for (const { fullName, status, failureMessages } of assertionResults) {
      const reason = NOT_PASSING[file]?.[fullName];
      if (status === 'pending') counts.skipped++;
      if (status === 'passed') {
        counts.passed++;
        if (reason !== undefined) back.push(`${file} > ${fullName}`);
      }
      if (status !== 'failed') continue;
      const words = failureMessages[0]?.split('\n').slice(0, 14).join('\n    ');
      const failure = `${file} > ${fullName}\n    ${words}`;
      if (reason === undefined) surprises.push(failure);
      else counts.listed++;
      if (reason !== undefined && values.listed) console.log(`listed, ${reason}: ${failure}`);
    }
  }
  for (const surprise of surprises) console.log(`FAILED  ${surprise}`);
  for (const name of back) console.log(`passes, although listed: ${name}`);
  const total = counts.passed + counts.listed + surprises.length;
  console.log(
    `${counts.passed} of ${total} cases of KafkaJS ${TAG} pass; ${counts.listed} are listed with a reason, ` +
      `${surprises.length} are not; the suite skips ${counts.skipped} itself`,
  );
  return surprises.length;
}

installTools();
fetchSuite();
await putOursIn();
const brokers = values['brokers-run'] ? null : await startTestBrokers(join(suite, 'testHelpers/certs'));
try {
  process.exitCode = judge(runJest()) > 0 ? 1 : 0;
} finally {
  await brokers?.stop();
}
