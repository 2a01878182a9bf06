import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientError } from '@odradek/client/errors.ts';
import { failureLine } from '../src/failure.ts';
import { CommandLine } from './support/command-line.ts';

// Nothing here may reach a broker.
const odradek = new CommandLine('127.0.0.1:1');

const COMMANDS = ['start', 'topics', 'produce', 'consume', 'groups', 'configs'];
const WITH_EXAMPLES = [
  'start',
  'produce',
  'consume',
  'topics create',
  'topics describe',
  'topics alter',
  'topics delete',
  'groups describe',
  'groups delete',
  'groups reset-offsets',
  'configs describe',
  'configs set',
  'configs delete',
];

test('the overview names every command; nothing at all, help and --help show it', async () => {
  const overview = await odradek.output(['--help']);
  for (const command of COMMANDS) assert.match(overview, new RegExp(`\\n  ${command} `));
  assert.equal(await odradek.output([]), overview);
  assert.equal(await odradek.output(['help']), overview);
});

test('help of a command, asked for in either way', async () => {
  const help = await odradek.output(['topics', 'create', '--help']);
  assert.match(help, /^Usage: odradek topics create \[options\] <topic>\n/);
  assert.equal(await odradek.output(['help', 'topics', 'create']), help);
});

test('help of what acts comes with examples, and says how to reach the brokers', async () => {
  for (const command of WITH_EXAMPLES) {
    const help = await odradek.output([...command.split(' '), '--help']);
    assert.match(help, /\nExamples:\n/, command);
    assert.match(help, new RegExp(`odradek ${command}`), command);
    if (command !== 'start') assert.match(help, /-b, --bootstrap-server <host:port,\.\.\.>/);
  }
});

test('the version', async () => {
  assert.match(await odradek.output(['--version']), /^\d+\.\d+\.\d+\n$/);
});

test('a wrong command line: one line that says where help is, exit code 2', async () => {
  const cases: [string, string][] = [
    ['nonsense', 'unknown command "nonsense"; see odradek --help'],
    ['topics crate x', "unknown command 'crate' (Did you mean create?); see odradek topics --help"],
    ['topics list --jsn', "unknown option '--jsn' (Did you mean --json?); see odradek topics list --help"],
    ['topics create', "missing required argument 'topic'; see odradek topics create --help"],
    [
      'topics list extra',
      "too many arguments for 'list'. Expected 0 arguments but got 1.; see odradek topics list --help",
    ],
    [
      'topics list -b',
      "option '-b, --bootstrap-server <host:port,...>' argument missing; see odradek topics list --help",
    ],
    ['topics list --timeout 0', '--timeout is "0"; expected is a whole number, 1 to 86400'],
    ['topics list --timeout soon', '--timeout is "soon"; expected is a whole number, 1 to 86400'],
    ['topics create t -p 0', '--partitions is "0"; expected is a whole number, 1 to 1000000'],
    ['topics create t -p 1e3', '--partitions is "1e3"; expected is a whole number, 1 to 1000000'],
    ['topics create t -c novalue', '--config "novalue" has no value; expected is name=value'],
  ];
  for (const [line, message] of cases) {
    const { exitCode, stdout, stderr } = await odradek.run(line.split(' '));
    assert.deepEqual([exitCode, stdout, stderr], [2, '', `odradek: ${message}\n`], line);
  }
});

test('a command that only holds others shows them', async () => {
  const { exitCode, stderr } = await odradek.run(['topics']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /^Usage: odradek topics/);
});

test('no broker: every command says so at once in one line', async () => {
  const lines = [
    'topics list',
    'topics create t',
    'groups list',
    'groups describe g',
    'configs describe --topic t',
    'produce t',
    'consume t',
    'consume t --group g',
  ];
  for (const line of lines) {
    const { exitCode, stdout, stderr } = await odradek.run(line.split(' '), { stdin: 'v\n' });
    const expected = 'odradek: no broker can be reached: 127.0.0.1:1: connection refused\n';
    assert.deepEqual([exitCode, stdout, stderr], [1, '', expected], line);
  }
});

test('addresses that are none', async () => {
  const cases: [string, RegExp][] = [
    ['', /bootstrap server "" is empty; expected is host:port/],
    ['host:99999', /bootstrap server "host:99999" has port "99999", allowed are 1 to 65535/],
    [':9092', /bootstrap server ":9092" has no host/],
    [
      'no.such.host.invalid:9092',
      /no broker can be reached: no\.such\.host\.invalid:9092: (unknown host name|the host name cannot be resolved)/,
    ],
  ];
  for (const [address, message] of cases) {
    const { exitCode, stderr } = await odradek.run(['topics', 'list', '-b', address]);
    assert.equal(exitCode, 1);
    assert.match(stderr, message);
    assert.match(stderr, /^odradek: [^\n]+\n$/);
  }
});

test('--verbose adds where in the code, for whoever reports a defect', async () => {
  const { stderr } = await odradek.run(['topics', 'list', '--verbose']);
  assert.match(stderr, /^odradek: no broker can be reached[^\n]+\nConnectionError: [\s\S]+\n {4}at /);
  assert.match(stderr, /\ncaused by /);
});

test('whatever is thrown becomes one line', () => {
  assert.equal(failureLine(new Error('two\n  lines')), 'two lines');
  assert.equal(failureLine('text'), 'text');
  assert.equal(failureLine(new TypeError()), 'TypeError');
  assert.equal(failureLine(new ClientError('CODE', 'message')), 'message');
});
