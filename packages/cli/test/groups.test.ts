import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';
import { GroupConsumer } from '@odradek/client';
import { CommandLine } from './support/command-line.ts';

let broker: RunningBroker;
let odradek: CommandLine;
let number = 0;

before(async () => {
  broker = await startBroker({ port: 0 });
  odradek = new CommandLine(broker.bootstrapServers);
});

after(() => broker.close());

/** A topic of two partitions with five records each, of which the group has committed two and none. */
async function groupBehind(): Promise<{ topic: string; group: string }> {
  const topic = `t${++number}`;
  const group = `g${number}`;
  await odradek.output(['topics', 'create', topic, '-p', '2']);
  for (const partition of ['0', '1']) {
    const lines = Array.from({ length: 5 }, (_, i) =>
      JSON.stringify({ timestamp: 1_700_000_000_000 + i * 1_000, value: `${i}` }),
    );
    await odradek.output(['produce', topic, '-q', '-p', partition, '--json'], { stdin: lines.join('\n') });
  }
  await odradek.output([
    'groups',
    'reset-offsets',
    group,
    '--topic',
    `${topic}:0`,
    '--to-offset',
    '2',
    '--execute',
  ]);
  return { topic, group };
}

interface DescribedGroup {
  state: string;
  members: { memberId: string }[];
  offsets: {
    topic: string;
    partition: number;
    committedOffset: number | null;
    endOffset: number;
    lag: number | null;
  }[];
}

async function described(group: string): Promise<DescribedGroup> {
  const [found] = JSON.parse(
    await odradek.output(['groups', 'describe', group, '--json']),
  ) as DescribedGroup[];
  return found!;
}

async function committed(group: string): Promise<Record<string, number | null>> {
  const { offsets } = await described(group);
  return Object.fromEntries(
    offsets.map(({ topic, partition, committedOffset }) => [`${topic}:${partition}`, committedOffset]),
  );
}

test('no groups', async () => {
  const empty = await startBroker({ port: 0 });
  try {
    const output = await new CommandLine(empty.bootstrapServers).output(['groups', 'list']);
    assert.equal(output, 'There are no groups.\n');
  } finally {
    await empty.close();
  }
});

test('list and describe: a group without members, its offsets and lag', async () => {
  const { topic, group } = await groupBehind();
  const rows = await odradek.rows(['groups', 'list']);
  assert.deepEqual(
    rows.find(([name]) => name === group),
    [group, 'Empty', '-'],
  );
  const listed = JSON.parse(await odradek.output(['groups', 'list', '--json'])) as {
    groupId: string;
    state: string;
  }[];
  assert.equal(listed.find(({ groupId }) => groupId === group)?.state, 'Empty');
  const text = await odradek.output(['groups', 'describe', group]);
  assert.match(text, new RegExp(`^Group ${group}, state Empty, coordinator 0, members 0\\n`));
  assert.match(text, new RegExp(`\\n${topic} +0 +2 +5 +3 +- +- +-\\n$`));
});

test('describe: members with what they read, and members with nothing to read', async () => {
  const { topic, group } = await groupBehind();
  const consumers = Array.from(
    { length: 3 },
    (_, i) =>
      new GroupConsumer({
        bootstrapServers: broker.bootstrapServers,
        groupId: group,
        topics: [topic],
        clientId: `client-${i}`,
        heartbeatIntervalMs: 50,
      }),
  );
  try {
    const polling = { isOn: true };
    const loops = consumers.map(async (consumer) => {
      while (polling.isOn) await consumer.poll(50);
    });
    let group_ = await described(group);
    while (group_.state !== 'Stable' || group_.members.length < 3) group_ = await described(group);
    const text = await odradek.output(['groups', 'describe', group]);
    assert.match(
      text,
      new RegExp(`^Group ${group}, state Stable, assignor range, coordinator 0, members 3\\n`),
    );
    const rows = text.trimEnd().split('\n').slice(2);
    assert.equal(rows.length, 3);
    assert.match(rows[2]!, /^- +- +- +- +- +client-\d-\S+ +127\.0\.0\.1 +client-\d$/);
    for (const row of rows.slice(0, 2)) assert.match(row, /client-\d-\S+ +127\.0\.0\.1 +client-\d$/);
    const refused = await odradek.run(['groups', 'delete', group]);
    assert.deepEqual(
      [refused.exitCode, refused.stderr],
      [1, `odradek: group "${group}" has members; stop its consumers first (NON_EMPTY_GROUP)\n`],
    );
    const reset = await odradek.run([
      'groups',
      'reset-offsets',
      group,
      '--all-topics',
      '--to-earliest',
      '--execute',
    ]);
    assert.deepEqual(
      [reset.exitCode, reset.stderr],
      [1, `odradek: group "${group}" has 3 members; stop its consumers first\n`],
    );
    polling.isOn = false;
    await Promise.all(loops);
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close()));
  }
});

test('reset: a dry run changes nothing, --execute does', async () => {
  const { topic, group } = await groupBehind();
  for (const dryRun of [[], ['--dry-run']]) {
    const output = await odradek.output([
      'groups',
      'reset-offsets',
      group,
      '--topic',
      topic,
      '--to-latest',
      ...dryRun,
    ]);
    assert.match(
      output,
      new RegExp(`^TOPIC +PARTITION +CURRENT +NEW\\n${topic} +0 +2 +5\\n${topic} +1 +- +5\\n`),
    );
    assert.match(output, /Nothing is changed yet; --execute does it\.\n$/);
    assert.deepEqual(await committed(group), { [`${topic}:0`]: 2 });
  }
  const done = await odradek.output([
    'groups',
    'reset-offsets',
    group,
    '--topic',
    topic,
    '--to-latest',
    '--execute',
  ]);
  assert.match(done, /Done\.\n$/);
  assert.deepEqual(await committed(group), { [`${topic}:0`]: 5, [`${topic}:1`]: 5 });
});

test('reset: every target, within the log', async () => {
  const { topic, group } = await groupBehind();
  const cases: [string[], number][] = [
    [['--to-earliest'], 0],
    [['--to-latest'], 5],
    [['--to-offset', '3'], 3],
    [['--to-offset', '99'], 5],
    [['--shift-by', '-1'], 4],
    [['--shift-by', '-99'], 0],
    [['--shift-by', '2'], 2],
    [['--shift-by', '+99'], 5],
    [['--to-datetime', '2023-11-14T22:13:21.500Z'], 2],
    [['--to-datetime', '2030-01-01T00:00:00Z'], 5],
  ];
  for (const [target, expected] of cases) {
    const output = await odradek.output([
      'groups',
      'reset-offsets',
      group,
      '--topic',
      `${topic}:0`,
      ...target,
      '--execute',
      '--json',
    ]);
    const { changes, executed } = JSON.parse(output) as { executed: boolean; changes: { offset: number }[] };
    assert.deepEqual([executed, changes.map(({ offset }) => offset)], [true, [expected]], target.join(' '));
    assert.deepEqual(await committed(group), { [`${topic}:0`]: expected });
  }
});

test('reset: --all-topics is what the group has committed; a group without commits has nothing', async () => {
  const { topic, group } = await groupBehind();
  await odradek.output(['groups', 'reset-offsets', group, '--all-topics', '--to-latest', '--execute']);
  assert.deepEqual(await committed(group), { [`${topic}:0`]: 5 });
  const fresh = await odradek.run(['groups', 'reset-offsets', 'fresh', '--all-topics', '--to-latest']);
  assert.deepEqual(
    [fresh.exitCode, fresh.stderr],
    [1, 'odradek: group "fresh" has committed nothing that exists\n'],
  );
});

test('delete: groups go with their offsets, each refusal is told', async () => {
  const { group } = await groupBehind();
  const { exitCode, stdout, stderr } = await odradek.run(['groups', 'delete', 'missing', group]);
  assert.equal(exitCode, 1);
  assert.equal(stdout, `Deleted group ${group}.\n`);
  assert.match(
    stderr,
    /^odradek: there is no group "missing" \(GROUP_ID_NOT_FOUND\)\nodradek: 1 of 2 failed\n$/,
  );
  const gone = await odradek.run(['groups', 'describe', group]);
  assert.deepEqual(
    [gone.exitCode, gone.stderr],
    [1, `odradek: there is no group "${group}" (GROUP_ID_NOT_FOUND)\n`],
  );
});

test('refusals, one line each', async () => {
  const { topic, group } = await groupBehind();
  const cases: [string[], number, RegExp][] = [
    [['reset-offsets', group, '--topic', topic], 2, /where to\? Give --to-earliest/],
    [['reset-offsets', group, '--to-latest'], 2, /which offsets\? Give --topic or --all-topics/],
    [['reset-offsets', group, '--topic', topic, '--all-topics', '--to-latest'], 2, /cannot be used with/],
    [['reset-offsets', group, '--topic', topic, '--to-latest', '--to-earliest'], 2, /cannot be used with/],
    [
      ['reset-offsets', group, '--topic', topic, '--to-latest', '--dry-run', '--execute'],
      2,
      /cannot be used with/,
    ],
    [
      ['reset-offsets', group, '--topic', `${topic}:x`, '--to-latest'],
      2,
      /partition in --topic t\d+:x is "x"/,
    ],
    [['reset-offsets', group, '--topic', `${topic}:9`, '--to-latest'], 1, /has partitions 0 to 1, not 9/],
    [['reset-offsets', group, '--topic', 'missing', '--to-latest'], 1, /there is no topic "missing"/],
    [
      ['reset-offsets', group, '--topic', `${topic}:1`, '--shift-by', '1'],
      1,
      /-1 has no committed offset to shift/,
    ],
    [['reset-offsets', group, '--topic', topic, '--to-offset', 'x'], 2, /--to-offset is "x"/],
    [['reset-offsets', group, '--topic', topic, '--to-datetime', 'noon'], 2, /--to-datetime is "noon"/],
    [['describe', 'missing'], 1, /there is no group "missing"/],
    [['describe'], 2, /missing required argument/],
  ];
  for (const [args, exitCode, message] of cases) {
    const refused = await odradek.run(['groups', ...args]);
    assert.equal(refused.exitCode, exitCode, args.join(' '));
    assert.match(refused.stderr, message);
    assert.match(refused.stderr, /^odradek: [^\n]+\n$/);
  }
});
