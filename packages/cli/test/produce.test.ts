import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';
import { CommandLine } from './support/command-line.ts';

let broker: RunningBroker;
let odradek: CommandLine;
let topicNumber = 0;

before(async () => {
  broker = await startBroker({ port: 0 });
  odradek = new CommandLine(broker.bootstrapServers);
});

after(() => broker.close());

async function newTopic(partitions = 1): Promise<string> {
  const topic = `produced-${++topicNumber}`;
  await odradek.output(['topics', 'create', topic, '-p', String(partitions)]);
  return topic;
}

interface ConsumedRecord {
  partition: number;
  offset: number;
  timestamp: number;
  key: unknown;
  value: unknown;
  headers: { key: string; value: unknown }[];
}

async function recordsIn(topic: string): Promise<ConsumedRecord[]> {
  const lines = await odradek.output(['consume', topic, '--from-beginning', '--to-end', '--json']);
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ConsumedRecord);
}

async function valuesIn(topic: string): Promise<unknown[]> {
  return (await recordsIn(topic)).map(({ value }) => value);
}

test('each line is a record, the last one also without a final newline; empty lines are empty values', async () => {
  const topic = await newTopic();
  const { exitCode, stderr, stdout } = await odradek.run(['produce', topic], { stdin: 'a\n\nb\r\nlast' });
  assert.deepEqual([exitCode, stdout, stderr], [0, '', `Sent 4 records to ${topic}.\n`]);
  const records = await recordsIn(topic);
  assert.deepEqual(
    records.map(({ key, value }) => [key, value]),
    [
      [null, 'a'],
      [null, ''],
      [null, 'b\r'],
      [null, 'last'],
    ],
  );
});

test('no input, no records', async () => {
  const topic = await newTopic();
  const { exitCode, stderr } = await odradek.run(['produce', topic]);
  assert.deepEqual([exitCode, stderr], [0, `Sent 0 records to ${topic}.\n`]);
});

test('key separator, of several characters or escaped; null marker for keys and tombstones', async () => {
  const topic = await newTopic();
  await odradek.output(['produce', topic, '-k', '::'], { stdin: 'k1::v1\nk2::v::2\n::no key\n' });
  await odradek.output(['produce', topic, '-k', '\\t', '--null-marker', 'NULL'], {
    stdin: 'k3\tNULL\nNULL\tv\n\t\n',
  });
  assert.deepEqual(
    (await recordsIn(topic)).map(({ key, value }) => [key, value]),
    [
      ['k1', 'v1'],
      ['k2', 'v::2'],
      ['', 'no key'],
      ['k3', null],
      [null, 'v'],
      ['', ''],
    ],
  );
});

test('headers go with every record, in order, the same name twice too', async () => {
  const topic = await newTopic();
  await odradek.output(['produce', topic, '-H', 'a=1', '--header', 'b=x=y', '-H', 'a=2', '-H', 'empty='], {
    stdin: 'v\n',
  });
  assert.deepEqual((await recordsIn(topic))[0]?.headers, [
    { key: 'a', value: '1' },
    { key: 'b', value: 'x=y' },
    { key: 'a', value: '2' },
    { key: 'empty', value: '' },
  ]);
});

test('all records to one partition', async () => {
  const topic = await newTopic(3);
  await odradek.output(['produce', topic, '-p', '2', '-k', ':'], { stdin: 'a:1\nb:2\nc:3\n' });
  assert.deepEqual(
    (await recordsIn(topic)).map(({ partition }) => partition),
    [2, 2, 2],
  );
});

test('the same key goes to the same partition', async () => {
  const topic = await newTopic(5);
  const stdin = Array.from({ length: 100 }, (_, i) => `key-${i % 10}:${i}\n`).join('');
  await odradek.output(['produce', topic, '-k', ':'], { stdin });
  const partitions = new Map<unknown, Set<number>>();
  for (const { key, partition } of await recordsIn(topic)) {
    partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
  }
  assert.equal(partitions.size, 10);
  assert.ok([...partitions.values()].every(({ size }) => size === 1));
});

test('JSON in: partition, timestamp, key, value, headers and bytes', async () => {
  const topic = await newTopic(2);
  const lines = [
    { partition: 1, timestamp: 1_700_000_000_000, key: 'k', value: 'ü', headers: [{ key: 'h', value: 'x' }] },
    { partition: 1, key: null, value: { base64: '/wA=' }, headers: [{ key: 'n', value: null }] },
    { partition: 1, topic: 'other', offset: 99, value: null },
  ];
  await odradek.output(['produce', topic, '--json', '-H', 'all=1'], {
    stdin: lines.map((line) => JSON.stringify(line)).join('\n'),
  });
  const records = await recordsIn(topic);
  assert.deepEqual(
    records.map(({ key, value, headers }) => ({ key, value, headers })),
    [
      {
        key: 'k',
        value: 'ü',
        headers: [
          { key: 'h', value: 'x' },
          { key: 'all', value: '1' },
        ],
      },
      {
        key: null,
        value: { base64: '/wA=' },
        headers: [
          { key: 'n', value: null },
          { key: 'all', value: '1' },
        ],
      },
      { key: null, value: null, headers: [{ key: 'all', value: '1' }] },
    ],
  );
  assert.equal(records[0]?.timestamp, 1_700_000_000_000);
  assert.ok(records.every(({ partition }) => partition === 1));
});

test('JSON that is none, or not a record, names the line; the lines before it are sent', async () => {
  const topic = await newTopic();
  const cases: [string, RegExp][] = [
    ['{', /line 2 is not JSON/],
    ['[1]', /line 2 is not a JSON object/],
    ['{"value":5}', /line 2, value is neither a string, \{"base64": "\.\.\."\} nor null/],
    ['{"value":"v","partition":"0"}', /line 2, partition is "0"; expected is a whole number/],
    ['{"value":"v","headers":{}}', /line 2, headers is not an array/],
    ['{"value":"v","headers":[{"value":"x"}]}', /line 2, header 0 has no key/],
  ];
  for (const [line, message] of cases) {
    const { exitCode, stderr } = await odradek.run(['produce', topic, '--json'], {
      stdin: `{"value":"good"}\n${line}\n`,
    });
    assert.equal(exitCode, 1);
    assert.match(stderr, message);
    assert.match(stderr, new RegExp(`^odradek: [^\\n]+; 1 record before it went to ${topic}\\n$`));
  }
  assert.deepEqual(await valuesIn(topic), Array(cases.length).fill('good'));
});

test('bytes are sent as they are: not UTF-8, NUL framing, newlines inside', async () => {
  const topic = await newTopic();
  await odradek.output(['produce', topic], { stdin: Buffer.from([0xff, 0xfe, 0x0a, 0x00, 0x0a]) });
  await odradek.output(['produce', topic, '--framing', 'nul'], { stdin: 'two\nlines\0grüße\0' });
  assert.deepEqual(await valuesIn(topic), [{ base64: '//4=' }, '\0', 'two\nlines', 'grüße']);
});

test('very long lines: up to the request size, beyond it an error that names the option', async () => {
  const topic = await newTopic();
  const long = 'x'.repeat(1_000_000);
  await odradek.output(['produce', topic], { stdin: `${long}\nshort\n${long}` });
  assert.deepEqual(
    (await valuesIn(topic)).map((value) => String(value).length),
    [1_000_000, 5, 1_000_000],
  );
  const refused = await odradek.run(['produce', topic], { stdin: `before\n${'x'.repeat(2_000_000)}\n` });
  assert.equal(refused.exitCode, 1);
  assert.equal(
    refused.stderr,
    `odradek: record 2 of the input is larger than 1048576 bytes (--max-request-size); 1 record before it went to ${topic}\n`,
  );
  // The broker has a limit of its own.
  const tooLarge = await odradek.run(['produce', topic, '--max-request-size', '3000000'], {
    stdin: `${'x'.repeat(2_000_000)}\n`,
  });
  assert.equal(tooLarge.exitCode, 1);
  assert.match(tooLarge.stderr, /^odradek: 1 of 1 records were not sent: .*\(MESSAGE_TOO_LARGE\)\n$/);
});

test('every compression and every acks, in batches of any size', async () => {
  const topic = await newTopic();
  const args = [
    ...['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((type) => ['-z', type]),
    ...['all', '1', '0'].map((acks) => ['--acks', acks]),
    ['--no-idempotence'],
    ['--batch-size', '1', '--linger', '0'],
    ['--linger', '50', '--quiet'],
  ];
  for (const [index, given] of args.entries()) {
    const { exitCode, stderr } = await odradek.run(['produce', topic, ...given], {
      stdin: `${index}\n${index}\n`,
    });
    assert.equal(exitCode, 0, given.join(' '));
    assert.equal(stderr, given.includes('--quiet') ? '' : `Sent 2 records to ${topic}.\n`);
  }
  const values = await valuesIn(topic);
  assert.deepEqual(
    values.toSorted((a, b) => Number(a) - Number(b)),
    args.flatMap((_, index) => [String(index), String(index)]),
  );
});

test('a topic that does not exist is created where the broker does that, else it is an error', async () => {
  await odradek.output(['produce', 'made-by-producing'], { stdin: 'v\n' });
  assert.deepEqual(await valuesIn('made-by-producing'), ['v']);
  const strict = await startBroker({ port: 0, overrides: { 'auto.create.topics.enable': 'false' } });
  try {
    const { exitCode, stderr } = await new CommandLine(strict.bootstrapServers).run(
      ['produce', 'missing', '--timeout', '1'],
      { stdin: 'v\n' },
    );
    assert.equal(exitCode, 1);
    assert.equal(stderr, 'odradek: there is no topic "missing" (UNKNOWN_TOPIC_OR_PARTITION)\n');
  } finally {
    await strict.close();
  }
});

test('refusals, one line each', async () => {
  const topic = await newTopic(2);
  const cases: [string[], number, RegExp][] = [
    [['bad/name'], 1, /INVALID_TOPIC_EXCEPTION/],
    [
      [topic, '-p', '2'],
      1,
      /1 of 1 records were not sent: topic "produced-\d+" has partitions 0 to 1, not 2/,
    ],
    [[topic, '-p', '-1'], 2, /--partition is "-1"; expected is a whole number, 0 to 2147483647/],
    [[topic, '-k', ':'], 1, /line 1 has no key separator ":"; 0 records before it/],
    [[topic, '-z', 'rar'], 2, /Allowed choices are none, gzip, snappy, lz4, zstd/],
    [[topic, '--acks', '2'], 2, /Allowed choices are all, 1, 0/],
    [[topic, '-H', 'novalue'], 2, /--header "novalue" has no value; expected is name=value/],
    [[topic, '--max-request-size', '0'], 2, /--max-request-size is "0"; expected is a whole number, 1 to/],
    [[topic, '--linger', '1.5'], 2, /--linger is "1\.5"/],
    [[], 2, /missing required argument 'topic'; see odradek produce --help/],
  ];
  for (const [args, exitCode, message] of cases) {
    const refused = await odradek.run(['produce', ...args], { stdin: 'v\n' });
    assert.equal(refused.exitCode, exitCode, args.join(' '));
    assert.match(refused.stderr, message);
    assert.match(refused.stderr, /^odradek: [^\n]+\n$/);
  }
});
