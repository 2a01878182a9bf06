// What the interop scenarios and proofs need and do not find is a failure, and never passed over.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { driveClient, type Cell } from '../../interop/drive-client.ts';
import type { Target } from '../../interop/targets/target.ts';

const root = resolve(import.meta.dirname, '../..');
const nothing = async () => {};
const target: Target = {
  name: 'none',
  host: '127.0.0.1',
  port: 1,
  bootstrap: '127.0.0.1:1',
  pid: 0,
  startedInMs: 0,
  kill: nothing,
  shutDown: nothing,
  startAgain: nothing,
  stop: nothing,
};

/** Drives a program of one line, which finds the names of the scenarios in `names`. */
async function drive(code: string, scenarios: readonly string[], timeoutMs?: number): Promise<Cell[]> {
  const program = `const names = process.argv[3].split(','); ${code}`;
  const client = { name: 'scripted', command: () => [process.execPath, '-e', program] };
  const cells = await driveClient(client, target, scenarios, timeoutMs);
  return scenarios.map((name) => cells.get(name)!);
}

function outcomes(cells: readonly Cell[]): string[] {
  return cells.map(({ outcome }) => outcome);
}

/** Runs one of our programs where nothing but Node is installed, as continuous integration would. */
function runWithoutPrograms(...args: string[]): { status: number | null; output: string } {
  const environment = { ...process.env, CI: 'true', PATH: '/nonexistent' };
  const program = ['--disable-warning=ExperimentalWarning', ...args];
  const run = spawnSync(process.execPath, program, { cwd: root, env: environment, encoding: 'utf8' });
  return { status: run.status, output: run.stdout + run.stderr };
}

test('a client that is not installed fails in every scenario', async () => {
  const client = { name: 'absent', command: () => ['/nonexistent/client'] };
  const cells = await driveClient(client, target, ['one', 'two']);
  for (const name of ['one', 'two']) {
    assert.equal(cells.get(name)!.outcome, 'fail');
    assert.match(cells.get(name)!.reason, /ENOENT/);
  }
});

test('a client whose driver cannot be made ready fails in every scenario', async () => {
  const command = () => {
    throw new Error('javac: not found');
  };
  const cells = await driveClient({ name: 'broken', command }, target, ['one', 'two']);
  assert.deepEqual(outcomes([...cells.values()]), ['fail', 'fail']);
  assert.match(cells.get('two')!.reason, /javac: not found/);
});

test('a driver that dies fails in that scenario, and goes on with the next', async () => {
  const code = `for (const name of names) {
    console.log('@begin ' + name);
    if (name === 'deadly') process.exit(3);
    console.log('@result ' + name + ' ok');
  }`;
  assert.deepEqual(outcomes(await drive(code, ['first', 'deadly', 'last'])), ['ok', 'fail', 'ok']);
});

test('a driver that says nothing, or nothing that is known, fails', async () => {
  assert.deepEqual(outcomes(await drive('', ['one', 'two'])), ['fail', 'fail']);
  const vague = `for (const name of names) console.log('@result ' + name + ' skipped');`;
  assert.deepEqual(outcomes(await drive(vague, ['one'])), ['fail']);
});

test('a driver that hangs fails when its time is up', async () => {
  const code = `console.log('@begin ' + names[0]); setInterval(() => {}, 1000);`;
  const [cell] = await drive(code, ['endless'], 300);
  assert.equal(cell!.outcome, 'fail');
  assert.match(cell!.reason, /no result in 0.3 s/);
});

test('an absent feature is told with its reason', async () => {
  const code = `for (const name of names) console.log('@result ' + name + ' na came with 0.11');`;
  const [cell] = await drive(code, ['headers']);
  assert.deepEqual([cell!.outcome, cell!.reason], ['na', 'came with 0.11']);
});

test('the table fails where a client is missing', () => {
  const { status, output } = runWithoutPrograms(
    'interop/run.ts',
    '--client',
    'kcat',
    '--scenario',
    'headers',
  );
  assert.equal(status, 1);
  assert.match(output, /FAIL kcat headers: .*ENOENT/);
  assert.match(output, /^0 passed, 1 failed$/m);
});

test('a comparison with Kafka fails where Java is missing', () => {
  const { status, output } = runWithoutPrograms('interop/messages/run.ts');
  assert.notEqual(status, 0);
  assert.match(output, /java could not be started|mvn could not bring/);
});

test('a proof that compared nothing fails', () => {
  const code = `import { closeWith } from './interop/closing-line.ts'; closeWith(0, 0);`;
  const { status, output } = runWithoutPrograms('--input-type=module', '--eval', code);
  assert.equal(status, 1);
  assert.match(output, /^0 passed, 0 failed$/m);
});
