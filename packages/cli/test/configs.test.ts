import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';
import { CommandLine } from './support/command-line.ts';

let broker: RunningBroker;
let odradek: CommandLine;

before(async () => {
  broker = await startBroker({ port: 0 });
  odradek = new CommandLine(broker.bootstrapServers);
  await odradek.output(['topics', 'create', 't']);
});

after(() => broker.close());

test('settings of a topic: set, shown, deleted', async () => {
  assert.equal(
    await odradek.output(['configs', 'describe', '--topic', 't']),
    'All settings of topic "t" have their default; --all shows them.\n',
  );
  assert.equal(
    await odradek.output(['configs', 'set', '--topic', 't', 'retention.ms=7', 'max.message.bytes = 99']),
    'Changed settings of topic "t".\n',
  );
  assert.deepEqual(await odradek.rows(['configs', 'describe', '--topic', 't']), [
    ['max.message.bytes', '99', 'topic', 'no'],
    ['retention.ms', '7', 'topic', 'no'],
  ]);
  await odradek.output(['configs', 'delete', '--topic', 't', 'retention.ms', 'max.message.bytes']);
  assert.match(await odradek.output(['configs', 'describe', '--topic', 't']), /have their default/);
});

test('--all shows every setting, --json all that is known of it', async () => {
  const rows = await odradek.rows(['configs', 'describe', '--topic', 't', '--all']);
  assert.ok(
    rows.some(([name, value, from]) => name === 'cleanup.policy' && value === 'delete' && from === 'default'),
  );
  const json = JSON.parse(
    await odradek.output(['configs', 'describe', '--topic', 't', '--all', '--json']),
  ) as { name: string }[];
  assert.equal(json.length, rows.length);
  assert.deepEqual(
    json.find(({ name }) => name === 'cleanup.policy'),
    {
      name: 'cleanup.policy',
      value: 'delete',
      source: 'default',
      isReadOnly: false,
      isSensitive: false,
    },
  );
});

test('settings of one broker win over those of all', async () => {
  const id = String(broker.nodeId);
  await odradek.output(['configs', 'set', '--all-brokers', 'log.retention.ms=5000']);
  await odradek.output(['configs', 'set', '--broker', id, 'log.retention.ms=6000']);
  const ofOne = await odradek.rows(['configs', 'describe', '--broker', id]);
  assert.deepEqual(
    ofOne.find(([name]) => name === 'log.retention.ms'),
    ['log.retention.ms', '6000', 'dynamic-broker', 'no'],
  );
  const ofAll = await odradek.rows(['configs', 'describe', '--all-brokers']);
  assert.deepEqual(
    ofAll.find(([name]) => name === 'log.retention.ms'),
    ['log.retention.ms', '5000', 'dynamic-default-broker', 'no'],
  );
});

test('refusals, one line each', async () => {
  const cases: [string[], number, RegExp][] = [
    [['describe'], 2, /whose settings\? Give --topic, --broker or --all-brokers/],
    [['describe', '--topic', 't', '--broker', '0'], 2, /cannot be used with/],
    [['describe', '--topic', 'missing'], 1, /there is no topic "missing"/],
    [['describe', '--broker', '77'], 1, /there is no broker 77; there are: 0/],
    [['describe', '--broker', 'one'], 2, /--broker is "one"; expected is a whole number/],
    [['set', '--topic', 't', 'retention.ms'], 2, /has no value; expected is name=value/],
    [['set', '--topic', 't', 'retention.ms=soon'], 1, /retention\.ms.*INVALID_CONFIG/],
    [['set', '--topic', 't'], 2, /missing required argument/],
    [['set', '--topic', 'missing', 'retention.ms=1'], 1, /there is no topic "missing"/],
  ];
  for (const [args, exitCode, message] of cases) {
    const refused = await odradek.run(['configs', ...args]);
    assert.equal(refused.exitCode, exitCode, args.join(' '));
    assert.match(refused.stderr, message);
    assert.match(refused.stderr, /^odradek: [^\n]+\n$/);
  }
});
