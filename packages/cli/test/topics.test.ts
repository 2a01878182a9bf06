import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';
import { CommandLine } from './support/command-line.ts';

let broker: RunningBroker;
let odradek: CommandLine;

before(async () => {
  broker = await startBroker({ port: 0 });
  odradek = new CommandLine(broker.bootstrapServers);
});

after(() => broker.close());

interface DescribedTopic {
  name: string;
  partitions: { partition: number; leaderId: number; replicas: number[]; isr: number[] }[];
  configs: Record<string, string>;
}

async function described(name: string): Promise<DescribedTopic> {
  const [topic] = JSON.parse(
    await odradek.output(['topics', 'describe', name, '--json']),
  ) as DescribedTopic[];
  return topic!;
}

test('create: partitions, replication factor and settings as given', async () => {
  const args = '-p 3 -r 1 -c retention.ms=1000 --config cleanup.policy=compact'.split(' ');
  assert.equal(await odradek.output(['topics', 'create', 'orders', ...args]), 'Created topic orders.\n');
  const { partitions, configs } = await described('orders');
  assert.deepEqual(
    partitions.map(({ partition, leaderId, replicas, isr }) => [partition, leaderId, replicas, isr]),
    [0, 1, 2].map((partition) => [partition, broker.nodeId, [broker.nodeId], [broker.nodeId]]),
  );
  assert.deepEqual(configs, { 'cleanup.policy': 'compact', 'retention.ms': '1000' });
});

test('create: partitions are the broker default when not given', async () => {
  await odradek.output(['topics', 'create', 'plain']);
  assert.equal((await described('plain')).partitions.length, 1);
});

test('create: a topic that exists is an error, unless told otherwise', async () => {
  await odradek.output(['topics', 'create', 'twice']);
  const refused = await odradek.run(['topics', 'create', 'twice']);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /^odradek: topic "twice": .*already exists.*\(TOPIC_ALREADY_EXISTS\)\n$/);
  assert.equal(
    await odradek.output(['topics', 'create', 'twice', '--if-not-exists']),
    'Topic twice exists already.\n',
  );
});

test('create: what the broker refuses is told with its reason', async () => {
  const cases: [string[], RegExp][] = [
    [['bad/name'], /INVALID_TOPIC_EXCEPTION/],
    [['t', '-r', '3'], /INVALID_REPLICATION_FACTOR/],
    [['t', '-c', 'retention.ms=soon'], /retention\.ms.*INVALID_CONFIG/],
    [['t', '-c', 'no.such=1'], /no\.such.*INVALID_CONFIG/],
  ];
  for (const [args, expected] of cases) {
    const { exitCode, stderr, stdout } = await odradek.run(['topics', 'create', ...args]);
    assert.equal(exitCode, 1, args.join(' '));
    assert.match(stderr, /^odradek: topic "[^"]+": [^\n]+\n$/);
    assert.match(stderr, expected);
    assert.equal(stdout, '');
  }
});

test('list: every topic with its numbers, in order; Kafka’s own may be left out', async () => {
  await odradek.output(['topics', 'create', 'list-b', '-p', '2']);
  await odradek.output(['topics', 'create', 'list-a']);
  // Committing makes the broker create __consumer_offsets.
  await odradek.output(['produce', 'list-a', '-q'], { stdin: 'x\n' });
  await odradek.output(['consume', 'list-a', '--group', 'g', '--from-beginning', '--count', '1']);
  const rows = await odradek.rows(['topics', 'list']);
  const names = rows.map(([name]) => name);
  assert.deepEqual(names, names.toSorted());
  assert.ok(names.includes('__consumer_offsets'));
  assert.deepEqual(
    rows.find(([name]) => name === 'list-b'),
    ['list-b', '2', '1'],
  );
  const own = await odradek.rows(['topics', 'list', '--exclude-internal']);
  assert.ok(!own.some(([name]) => name === '__consumer_offsets'));
  const json = JSON.parse(await odradek.output(['topics', 'list', '--json'])) as Record<string, unknown>[];
  const listed = json.find(({ name }) => name === 'list-b')!;
  assert.deepEqual(
    { ...listed, topicId: typeof listed['topicId'] },
    {
      name: 'list-b',
      topicId: 'string',
      partitions: 2,
      replicationFactor: 1,
      isInternal: false,
    },
  );
});

test('list: a cluster without topics says so', async () => {
  const empty = await startBroker({ port: 0 });
  try {
    const output = await new CommandLine(empty.bootstrapServers).output(['topics', 'list']);
    assert.equal(output, 'There are no topics.\n');
  } finally {
    await empty.close();
  }
});

test('describe: a table per topic, and what there is although one is missing', async () => {
  await odradek.output(['topics', 'create', 'shown', '-p', '2', '-c', 'retention.bytes=5']);
  const { exitCode, stdout, stderr } = await odradek.run(['topics', 'describe', 'shown', 'missing']);
  assert.equal(exitCode, 1);
  assert.match(stdout, /^Topic shown, id \S{22}, partitions 2, replication 1, settings retention\.bytes=5\n/);
  assert.match(stdout, /\nPARTITION +LEADER +EPOCH +REPLICAS +IN SYNC +OFFLINE\n +0 +0 +\d+ +0 +0 +-\n +1 /);
  assert.equal(
    stderr,
    'odradek: there is no topic "missing" (UNKNOWN_TOPIC_OR_PARTITION)\nodradek: 1 of 2 failed\n',
  );
});

test('describe: does not create what it asks for', async () => {
  for (let i = 0; i < 2; i++) {
    const { exitCode, stderr } = await odradek.run(['topics', 'describe', 'never-made']);
    assert.equal(exitCode, 1);
    assert.equal(stderr, 'odradek: there is no topic "never-made" (UNKNOWN_TOPIC_OR_PARTITION)\n');
  }
});

test('alter: more partitions, settings set and taken back', async () => {
  await odradek.output(['topics', 'create', 'grown', '-c', 'retention.ms=1']);
  const output = await odradek.output(
    'topics alter grown -p 4 -c retention.bytes=9 -d retention.ms'.split(' '),
  );
  assert.equal(output, 'Changed settings of topic grown.\nTopic grown has 4 partitions now.\n');
  const { partitions, configs } = await described('grown');
  assert.equal(partitions.length, 4);
  assert.deepEqual(configs, { 'retention.bytes': '9' });
});

test('alter: refusals', async () => {
  await odradek.output(['topics', 'create', 'fixed', '-p', '3']);
  const cases: [string[], number, RegExp][] = [
    [['fixed'], 2, /nothing to alter; give --partitions, --config or --delete-config/],
    [['fixed', '-p', '2'], 1, /has 3 partition.*INVALID_PARTITIONS/],
    [['missing', '-p', '2'], 1, /there is no topic "missing"/],
    [['missing', '-c', 'retention.ms=1'], 1, /there is no topic "missing"/],
  ];
  for (const [args, exitCode, message] of cases) {
    const refused = await odradek.run(['topics', 'alter', ...args]);
    assert.equal(refused.exitCode, exitCode, args.join(' '));
    assert.match(refused.stderr, message);
    assert.equal(refused.stderr.trimEnd().split('\n').length, 1);
  }
});

test('delete: all that can be, and each refusal is told', async () => {
  await odradek.output(['topics', 'create', 'gone-1']);
  await odradek.output(['topics', 'create', 'gone-2']);
  const { exitCode, stdout, stderr } = await odradek.run(['topics', 'delete', 'gone-1', 'missing', 'gone-2']);
  assert.equal(exitCode, 1);
  assert.equal(stdout, 'Deleted topic gone-1.\nDeleted topic gone-2.\n');
  assert.match(stderr, /^odradek: there is no topic "missing" .*\nodradek: 1 of 3 failed\n$/);
  assert.equal(
    await odradek.output(['topics', 'delete', 'gone-1', '--if-exists']),
    'There is no topic gone-1.\n',
  );
  const names = (await odradek.rows(['topics', 'list'])).map(([name]) => name);
  assert.ok(!names.some((name) => name?.startsWith('gone-')));
});
