import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { startBroker } from '@odradek/broker';
import { CommandLine } from './support/command-line.ts';
import { OdradekProcess } from './support/odradek-process.ts';

const ANY_PORT = 'listeners=PLAINTEXT://127.0.0.1:0';

let directory: string;
let processes: OdradekProcess[] = [];

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-start-'));
});

after(() => rmSync(directory, { recursive: true }));

afterEach(() => {
  for (const each of processes) each.kill('SIGKILL');
  processes = [];
});

function start(...args: string[]): OdradekProcess {
  const started = new OdradekProcess(['start', ...args]);
  processes.push(started);
  return started;
}

test('a broker in memory: says where it is and what to try, which works; SIGTERM ends it well', async () => {
  const starting = start('--memory', '--override', ANY_PORT);
  await starting.until(/--from-beginning[^\n]*\n/);
  starting.kill('SIGTERM');
  const { exitCode, stdout: output } = await starting.ended;
  assert.equal(exitCode, 0);
  assert.match(output, /^Odradek broker 0 listens on 127\.0\.0\.1:\d+, \d+ ms after the start\.\n/);
  assert.match(output, /\nThe data lies in memory, and goes at the end\.\n/);
  assert.match(output, /\n {2}echo hello \| odradek produce greetings --bootstrap-server 127\.0\.0\.1:\d+\n/);
  assert.match(
    output,
    /\n {2}odradek consume greetings --from-beginning --bootstrap-server 127\.0\.0\.1:\d+\n$/,
  );
});

test('with a control port tests of any language let its requests fail', async () => {
  const starting = start('--memory', '--port', '0', '--control-port', '0');
  await starting.until(/--from-beginning[^\n]*\n/);
  const url = /let requests fail by (\S+)\.\n/.exec(starting.output)![1]!;
  const rule = { apis: ['CreateTopics'], effect: { kind: 'error', error: 'POLICY_VIOLATION' } };
  assert.equal((await fetch(`${url}/faults`, { method: 'POST', body: JSON.stringify(rule) })).status, 201);
  const odradek = new CommandLine(/listens on (\S+),/.exec(starting.output)![1]!);
  const refused = await odradek.run(['topics', 'create', 'refused']);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /POLICY_VIOLATION/);
});

test('data in a folder outlives the broker; a file of settings, one of them overridden', async () => {
  const data = join(directory, 'kept');
  const file = join(directory, 'server.properties');
  writeFileSync(file, `log.dirs=${data}\nnum.partitions=7\nauto.create.topics.enable=false\n${ANY_PORT}\n`);
  for (const round of [1, 2]) {
    const starting = start(file, '--override', 'num.partitions=2', '--log-level', 'warn');
    await starting.until(/--from-beginning[^\n]*\n/);
    const address = /listens on (\S+),/.exec(starting.output)![1]!;
    assert.match(starting.output, new RegExp(`The data lies in ${data}\\.\\n`));
    const odradek = new CommandLine(address);
    if (round === 1) await odradek.output(['topics', 'create', 'kept']);
    assert.deepEqual(await odradek.rows(['topics', 'list']), [['kept', '2', '1']]);
    starting.kill('SIGINT');
    assert.equal((await starting.ended).exitCode, 0);
  }
  assert.ok(existsSync(join(data, 'kept-0')));
});

test('what prevents a start: one line, exit code 1, or 2 for the command line', async () => {
  const taken = await startBroker({ port: 0 });
  const file = join(directory, 'a-file');
  writeFileSync(file, '');
  const cases: [string[], number, RegExp][] = [
    [
      ['--memory', '--override', `listeners=PLAINTEXT://127.0.0.1:${taken.address.port}`],
      1,
      /port \d+ is taken by another process; choose one with --override listeners=/,
    ],
    [
      ['--memory', '--override', 'num.partitions=many'],
      1,
      /Invalid value many for configuration num\.partitions/,
    ],
    [['--memory', '--override', 'num.partitions'], 2, /--override "num\.partitions" has no value/],
    [[join(directory, 'missing.properties')], 1, /missing\.properties/],
    [['--memory', '--data', directory], 2, /cannot be used with/],
    [['--log-level', 'loud'], 2, /Allowed choices are/],
    [['--data', join(file, 'data'), '--override', ANY_PORT], 1, /not a directory.*a-file/],
  ];
  try {
    for (const [args, exitCode, message] of cases) {
      const ending = await start('--log-level', 'off', ...args).ended;
      assert.equal(ending.exitCode, exitCode, `${args.join(' ')}: ${ending.stderr}`);
      assert.match(ending.stderr, message);
      assert.match(ending.stderr, /^odradek: [^\n]+\n$/);
      assert.equal(ending.stdout, '');
    }
  } finally {
    await taken.close();
  }
});

test('several brokers in one process: a topic with a replica on each, served by all', async () => {
  const data = join(directory, 'cluster');
  const starting = start('--brokers', '3', '--port', '0', '--data', data);
  await starting.until(/--from-beginning[^\n]*\n/);
  const [, addresses] = /^Odradek brokers 0 to 2 listen on (\S+), /.exec(starting.output)!;
  assert.equal(addresses!.split(',').length, 3);
  assert.match(starting.output, new RegExp(`The data lies in ${data}\\.\\n`));
  const odradek = new CommandLine(addresses!.split(',')[2]!);
  await odradek.output(['topics', 'create', 'copied', '--partitions', '3', '--replication-factor', '3']);
  assert.deepEqual(await odradek.rows(['topics', 'list']), [['copied', '3', '3']]);
  starting.kill('SIGTERM');
  assert.equal((await starting.ended).exitCode, 0);
  for (const args of [
    ['--brokers', '0'],
    ['--brokers', '101'],
    ['--brokers', 'x'],
    ['--port', '70000'],
  ]) {
    const { exitCode, stderr } = await start(...args).ended;
    assert.deepEqual([exitCode, stderr.includes(`${args[0]} is "${args[1]}"`)], [2, true], stderr);
  }
});
