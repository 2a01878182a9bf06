import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';
import { Producer } from '@odradek/client';
import { deleteRecordsBefore } from './support/delete-records.ts';
import { CommandLine } from './support/command-line.ts';
import { runProgram } from '../src/program.ts';

let broker: RunningBroker;
let odradek: CommandLine;
let topicNumber = 0;

before(async () => {
  broker = await startBroker({ port: 0 });
  odradek = new CommandLine(broker.bootstrapServers);
});

after(() => broker.close());

async function newTopic(partitions = 1): Promise<string> {
  const topic = `consumed-${++topicNumber}`;
  await odradek.output(['topics', 'create', topic, '-p', String(partitions)]);
  return topic;
}

async function produced(topic: string, lines: string, ...args: string[]): Promise<void> {
  await odradek.output(['produce', topic, '-q', ...args], { stdin: lines });
}

function consumed(topic: string, args: string): Promise<string> {
  return odradek.output(['consume', topic, ...args.split(' ')]);
}

test('from the beginning to the end, in order', async () => {
  const topic = await newTopic();
  await produced(topic, 'a\nb\n\nc\n');
  assert.equal(await consumed(topic, '--from-beginning --to-end'), 'a\nb\n\nc\n');
  assert.equal(await consumed(topic, '--from beginning --to-end'), 'a\nb\n\nc\n');
});

test('an empty topic, or from the end to the end: nothing, at once', async () => {
  const topic = await newTopic(2);
  assert.equal(await consumed(topic, '--from-beginning --to-end'), '');
  await produced(topic, 'a\n');
  assert.equal(await consumed(topic, '--to-end'), '');
  assert.equal(await consumed(topic, '--from end --to-end'), '');
});

test('from an offset, from so many before the end, from a time', async () => {
  const topic = await newTopic();
  const lines = [1_700_000_000_000, 1_700_000_001_000, 1_700_000_002_000].map((timestamp, i) =>
    JSON.stringify({ timestamp, value: `v${i}` }),
  );
  await produced(topic, lines.join('\n'), '--json');
  assert.equal(await consumed(topic, '--from 1 --to-end'), 'v1\nv2\n');
  assert.equal(await consumed(topic, '--from 3 --to-end'), '');
  assert.equal(await consumed(topic, '--from -2 --to-end'), 'v1\nv2\n');
  assert.equal(await consumed(topic, '--from -99 --to-end'), 'v0\nv1\nv2\n');
  assert.equal(await consumed(topic, '--from 2023-11-14T22:13:21Z --to-end'), 'v1\nv2\n');
  assert.equal(await consumed(topic, '--from 2023-11-14T22:13:21.001Z --to-end'), 'v2\n');
  assert.equal(await consumed(topic, '--from 2030-01-01 --to-end'), '');
});

test('an offset that is not in the log is an error that says what is', async () => {
  const topic = await newTopic();
  const cases: [string, string][] = [['1', `${topic}-0 is empty; the next offset is 0, not 1`]];
  for (const [from, message] of cases) {
    const refused = await odradek.run(['consume', topic, '--from', from]);
    assert.deepEqual([refused.exitCode, refused.stderr], [1, `odradek: ${message}\n`]);
  }
  await produced(topic, 'a\nb\nc\n');
  await deleteRecordsBefore(broker.bootstrapServers, topic, 0, 2);
  for (const from of ['1', '4']) {
    const refused = await odradek.run(['consume', topic, '--from', from]);
    assert.equal(refused.stderr, `odradek: ${topic}-0 has offsets 2 to 2, not ${from}\n`);
  }
  assert.equal(await consumed(topic, '--from-beginning --to-end'), 'c\n');
});

test('a count, and partitions by number', async () => {
  const topic = await newTopic(3);
  for (const partition of [0, 1, 2]) await produced(topic, 'x\ny\nz\n', '-p', String(partition));
  assert.equal(await consumed(topic, '--from-beginning -n 2 -p 1'), 'x\ny\n');
  const some = await consumed(topic, '--from-beginning --to-end -p 0 -p 2 --print partition,offset');
  assert.deepEqual(some.trimEnd().split('\n').toSorted(), ['0\t0', '0\t1', '0\t2', '2\t0', '2\t1', '2\t2']);
  assert.equal((await consumed(topic, '--from-beginning -n 7')).split('\n').length, 8);
});

test('several topics', async () => {
  const [one, two] = [await newTopic(), await newTopic()];
  await produced(one, '1\n');
  await produced(two, '2\n');
  const output = await odradek.output([
    'consume',
    one,
    two,
    '--from-beginning',
    '--to-end',
    '--print',
    'topic,value',
  ]);
  assert.deepEqual(output.trimEnd().split('\n').toSorted(), [`${one}\t1`, `${two}\t2`]);
});

test('fields, separators, the null marker, NUL framing', async () => {
  const topic = await newTopic();
  await produced(topic, 'k:v\nN:v\nk:N\n', '-k', ':', '--null-marker', 'N', '-H', 'a=1', '-H', 'b=');
  const read = (args: string): Promise<string> => consumed(topic, `--from-beginning --to-end ${args}`);
  assert.equal(await read('-k :'), 'k:v\n:v\nk:\n');
  assert.equal(await read('-k \\t --null-marker NULL'), 'k\tv\nNULL\tv\nk\tNULL\n');
  assert.equal(
    await read('--print partition,offset,headers,key,value --separator |'),
    '0|0|a=1,b=|k|v\n0|1|a=1,b=||v\n0|2|a=1,b=|k|\n',
  );
  assert.equal(await read('--framing nul'), 'v\0v\0\0');
  assert.match(await read('--print timestamp -n 1'), /^1\d{12}\n$/);
});

test('JSON: everything there is, null and empty apart, bytes that are no text in base64', async () => {
  const topic = await newTopic();
  await produced(
    topic,
    [
      '{"timestamp":5,"key":null,"value":"","headers":[{"key":"h","value":null}]}',
      '{"timestamp":6,"key":{"base64":"/w=="},"value":null}',
    ].join('\n'),
    '--json',
  );
  assert.equal(
    await consumed(topic, '--from-beginning --to-end --json'),
    `{"topic":"${topic}","partition":0,"offset":0,"timestamp":5,"key":null,"value":"","headers":[{"key":"h","value":null}]}\n` +
      `{"topic":"${topic}","partition":0,"offset":1,"timestamp":6,"key":{"base64":"/w=="},"value":null,"headers":[]}\n`,
  );
});

test('a topic copied through JSON is the same record by record', async () => {
  const [from, to] = [await newTopic(), await newTopic()];
  await produced(from, 'k1:v1\nk2:N\nN:ü\n', '-k', ':', '--null-marker', 'N', '-H', 'h=1');
  const json = await consumed(from, '--from-beginning --to-end --json');
  await produced(to, json, '--json');
  assert.equal(await consumed(to, '--from-beginning --to-end --json'), json.replaceAll(from, to));
});

test('bytes come out as they went in', async () => {
  const topic = await newTopic();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((byte) => byte !== 0x0a));
  await odradek.output(['produce', topic, '-q'], { stdin: bytes });
  const { stdoutBytes } = await odradek.run(['consume', topic, '--from-beginning', '--to-end']);
  assert.deepEqual(stdoutBytes, Buffer.concat([bytes, Buffer.from('\n')]));
});

test('to the end: all of every partition, and nothing that came after the start, however slow the reader', async () => {
  const topic = await newTopic(8);
  const producer = new Producer({ bootstrapServers: broker.bootstrapServers });
  const value = Buffer.alloc(100_000, 'x');
  const perPartition = 12;
  for (let i = 0; i < perPartition; i++) {
    await Promise.all(
      Array.from({ length: 8 }, (_, partition) => producer.send({ topic, partition, value })),
    );
  }
  const lines: string[] = [];
  // The very first output makes more records come.
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done): void {
      lines.push(
        ...chunk
          .toString()
          .split('\n')
          .filter((line) => line !== ''),
      );
      Promise.all(
        Array.from({ length: 8 }, (_, partition) => producer.send({ topic, partition, value })),
      ).then(() => setTimeout(done, 5), done);
    },
  });
  const exitCode = await runProgram(
    ['consume', topic, '--from-beginning', '--to-end', '--print', 'partition,offset,value'],
    {
      stdin: process.stdin,
      stdout,
      stderr: process.stderr,
      env: { ODRADEK_BOOTSTRAP_SERVER: broker.bootstrapServers },
    },
  );
  await producer.close();
  assert.equal(exitCode, 0);
  const offsets = Array.from({ length: 8 }, (): number[] => []);
  for (const line of lines) {
    const [partition, offset] = line.split('\t');
    offsets[Number(partition)]!.push(Number(offset));
  }
  const expected = Array.from({ length: perPartition }, (_, i) => i);
  assert.deepEqual(offsets, Array(8).fill(expected));
});

test('a group: what was written is committed, and the next run goes on behind it', async () => {
  const topic = await newTopic(2);
  await produced(topic, '1\n2\n3\n4\n5\n', '-p', '0');
  const read = (args: string): Promise<string> =>
    consumed(topic, `-g reader-${topic} --from-beginning ${args}`);
  assert.equal(await read('-n 2'), '1\n2\n');
  assert.equal(await read('-n 3'), '3\n4\n5\n');
  await produced(topic, '6\n', '-p', '1');
  assert.equal(await read('-n 1'), '6\n');
  assert.equal(await read('--idle-timeout 1'), '');
});

test('a group without --from-beginning begins with what comes', async () => {
  const topic = await newTopic();
  await produced(topic, 'old\n');
  assert.equal(await consumed(topic, '-g late --idle-timeout 1'), '');
});

test('read_committed reads what is there when nobody uses transactions', async () => {
  const topic = await newTopic();
  await produced(topic, 'a\nb\n');
  assert.equal(await consumed(topic, '--from-beginning --to-end --isolation read_committed'), 'a\nb\n');
});

test('an idle timeout ends the waiting', async () => {
  const topic = await newTopic();
  await produced(topic, 'a\n');
  const startedMs = performance.now();
  assert.equal(await consumed(topic, '--from-beginning --idle-timeout 1'), 'a\n');
  assert.ok(performance.now() - startedMs < 5_000);
});

test('a topic that does not exist is an error soon, and is not created', async () => {
  const startedMs = performance.now();
  const { exitCode, stderr } = await odradek.run(['consume', 'nowhere', '--from-beginning']);
  assert.deepEqual(
    [exitCode, stderr],
    [1, 'odradek: there is no topic "nowhere" (UNKNOWN_TOPIC_OR_PARTITION)\n'],
  );
  assert.ok(performance.now() - startedMs < 10_000);
  const names = (await odradek.rows(['topics', 'list'])).map(([name]) => name);
  assert.ok(!names.includes('nowhere'));
});

test('refusals, one line each', async () => {
  const topic = await newTopic(2);
  const cases: [string[], number, RegExp][] = [
    [[topic, '-p', '2'], 1, /topic "consumed-\d+" has partitions 0 to 1, not 2$/m],
    [[topic, '-p', 'x'], 2, /--partition is "x"/],
    [[topic, '-n', '0'], 2, /--count is "0"; expected is a whole number, 1 or more/],
    [
      [topic, '--from', 'yesterday'],
      2,
      /--from is "yesterday"; expected is a time such as 2026-01-31T12:00:00Z/,
    ],
    [[topic, '--from', '2026-13-01'], 2, /--from is "2026-13-01"/],
    [[topic, '--print', 'key,colour'], 2, /"colour" is no field; there are topic, partition, offset/],
    [[topic, '-g', 'g', '-p', '1'], 2, /cannot be used with/],
    [[topic, '-g', 'g', '--from', '1'], 2, /cannot be used with/],
    [[topic, '-g', 'g', '--to-end'], 2, /cannot be used with/],
    [[topic, '--from-beginning', '--from', '1'], 2, /cannot be used with/],
    [[topic, '-k', ':', '--print', 'key'], 2, /cannot be used with/],
    [[topic, '--json', '--print', 'key'], 2, /cannot be used with/],
    [[topic, '--idle-timeout', '0'], 2, /--idle-timeout is "0"/],
    [[topic, '--isolation', 'none'], 2, /Allowed choices are read_uncommitted, read_committed/],
    [[topic, '--framing', 'tab'], 2, /Allowed choices are newline, nul/],
    [[], 2, /missing required argument 'topic'/],
  ];
  for (const [args, exitCode, message] of cases) {
    const refused = await odradek.run(['consume', ...args]);
    assert.equal(refused.exitCode, exitCode, args.join(' '));
    assert.match(refused.stderr, message);
    assert.match(refused.stderr, /^odradek: [^\n]+\n$/);
  }
});
