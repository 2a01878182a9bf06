// Every command of the command line, as an operator uses it, in a process of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectDirectory } from '../../scripts/kafka-jars.ts';
import type { Target } from '../targets/target.ts';
import type { Case } from './case.ts';

const MAIN = join(projectDirectory, 'packages/cli/bin/odradek.js');

/** Longer than any command's own limit. */
const COMMAND_TIMEOUT_MS = 60_000;

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function odradek(target: Target, args: readonly string[], stdin = ''): Promise<Outcome> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: { ...process.env, ODRADEK_BOOTSTRAP_SERVER: target.bootstrap },
    timeout: COMMAND_TIMEOUT_MS,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(stdin);
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stdout, stderr };
}

async function output(target: Target, args: readonly string[], stdin = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await odradek(target, args, stdin);
  assert.equal(exitCode, 0, `odradek ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function refusal(target: Target, args: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await odradek(target, args);
  assert.equal(exitCode, 1, `odradek ${args.join(' ')}`);
  assert.match(stderr, /^odradek: [^\n]+\n$/);
  return stderr;
}

function consume(target: Target, topic: string, args: string): Promise<string> {
  return output(target, ['consume', topic, ...args.split(' ')]);
}

interface GroupOffset {
  readonly partition: number;
  readonly committedOffset: number | null;
  readonly lag: number | null;
}

async function offsetsOf(target: Target, group: string): Promise<[number, number | null, number | null][]> {
  const described = JSON.parse(await output(target, ['groups', 'describe', group, '--json'])) as {
    offsets: GroupOffset[];
  }[];
  return described[0]!.offsets.map(({ partition, committedOffset, lag }) => [
    partition,
    committedOffset,
    lag,
  ]);
}

export const commandLineCases: readonly Case[] = [
  {
    name: 'topics: create, list, describe, alter, delete',
    run: async (target) => {
      await output(target, 'topics create cli-life -p 2 -r 1 -c retention.ms=1000000'.split(' '));
      assert.match(await output(target, ['topics', 'list']), /^cli-life +2 +1$/m);
      const described = await output(target, ['topics', 'describe', 'cli-life']);
      assert.match(
        described,
        /^Topic cli-life, id \S{22}, partitions 2, replication 1, settings retention\.ms=1000000\n/,
      );
      await output(target, 'topics alter cli-life -p 3 -c max.message.bytes=9999 -d retention.ms'.split(' '));
      const altered = await output(target, ['topics', 'describe', 'cli-life']);
      assert.match(altered, /partitions 3, replication 1, settings max\.message\.bytes=9999\n/);
      assert.equal(await output(target, ['topics', 'delete', 'cli-life']), 'Deleted topic cli-life.\n');
      assert.doesNotMatch(await output(target, ['topics', 'list']), /cli-life/);
    },
  },
  {
    name: 'produce and consume: keys, headers, tombstones, every compression and acks',
    run: async (target) => {
      await output(target, ['topics', 'create', 'cli-records']);
      const ways = [
        '-z none',
        '-z gzip',
        '-z snappy',
        '-z lz4',
        '-z zstd',
        '--acks 1',
        '--acks 0',
        '--no-idempotence',
      ];
      for (const [i, way] of ways.entries()) {
        const args = [
          'produce',
          'cli-records',
          '-k',
          ':',
          '--null-marker',
          'N',
          '-H',
          `way=${i}`,
          ...way.split(' '),
        ];
        const { stderr } = await odradek(target, args, `k${i}:v${i}\nN:N\n`);
        assert.equal(stderr, 'Sent 2 records to cli-records.\n');
      }
      const lines = await consume(
        target,
        'cli-records',
        '--from-beginning --to-end --print headers,key,value --null-marker N',
      );
      const expected = ways.flatMap((_, i) => [`way=${i}\tk${i}\tv${i}`, `way=${i}\tN\tN`]);
      assert.deepEqual(lines.trimEnd().split('\n').toSorted(), expected.toSorted());
    },
  },
  {
    name: 'consume: from an offset, before the end, from a time, a count, JSON and back',
    run: async (target) => {
      await output(target, ['topics', 'create', 'cli-where']);
      // Records of long ago would be deleted at once.
      const firstMs = Math.floor(Date.now() / 1_000 - 10) * 1_000;
      const lines = [0, 1, 2, 3].map((i) =>
        JSON.stringify({ timestamp: firstMs + i * 1_000, value: `v${i}` }),
      );
      const second = new Date(firstMs + 1_000).toISOString();
      await output(target, ['produce', 'cli-where', '--json'], lines.join('\n'));
      assert.equal(await consume(target, 'cli-where', '--from 2 --to-end'), 'v2\nv3\n');
      assert.equal(await consume(target, 'cli-where', '--from -1 --to-end'), 'v3\n');
      assert.equal(await consume(target, 'cli-where', `--from ${second} -n 1`), 'v1\n');
      assert.equal(
        await consume(target, 'cli-where', '--from-beginning -n 2 --isolation read_committed'),
        'v0\nv1\n',
      );
      const json = await consume(target, 'cli-where', '--from-beginning --to-end --json');
      await output(target, ['produce', 'cli-where-copy', '--json'], json);
      const copied = await consume(target, 'cli-where-copy', '--from-beginning --to-end --json');
      assert.equal(copied, json.replaceAll('cli-where', 'cli-where-copy'));
    },
  },
  {
    name: 'a group: consume, describe with lag, reset, delete',
    run: async (target) => {
      await output(target, ['topics', 'create', 'cli-group']);
      await output(target, ['produce', 'cli-group', '-q'], 'a\nb\nc\nd\n');
      const read = 'consume cli-group -g cli-readers --from-beginning -n 3'.split(' ');
      assert.equal(await output(target, read), 'a\nb\nc\n');
      assert.deepEqual(await offsetsOf(target, 'cli-readers'), [[0, 3, 1]]);
      assert.match(await output(target, ['groups', 'list']), /^cli-readers +Empty/m);
      const reset = ['groups', 'reset-offsets', 'cli-readers', '--topic', 'cli-group', '--to-offset', '1'];
      assert.match(await output(target, reset), /^cli-group +0 +3 +1$/m);
      assert.deepEqual(await offsetsOf(target, 'cli-readers'), [[0, 3, 1]]);
      await output(target, [...reset, '--execute']);
      assert.deepEqual(await offsetsOf(target, 'cli-readers'), [[0, 1, 3]]);
      assert.equal(await output(target, 'consume cli-group -g cli-readers -n 3'.split(' ')), 'b\nc\nd\n');
      assert.equal(await output(target, ['groups', 'delete', 'cli-readers']), 'Deleted group cli-readers.\n');
      assert.match(
        await refusal(target, ['groups', 'describe', 'cli-readers']),
        /there is no group "cli-readers"/,
      );
    },
  },
  {
    name: 'configs: of a topic, of a broker, of all brokers',
    run: async (target) => {
      await output(target, ['topics', 'create', 'cli-configs']);
      await output(target, ['configs', 'set', '--topic', 'cli-configs', 'retention.ms=5000']);
      const ofTopic = await output(target, ['configs', 'describe', '--topic', 'cli-configs']);
      assert.match(ofTopic, /^retention\.ms +5000 +topic +no$/m);
      await output(target, ['configs', 'delete', '--topic', 'cli-configs', 'retention.ms']);
      const deleted = await output(target, ['configs', 'describe', '--topic', 'cli-configs']);
      assert.doesNotMatch(deleted, /^retention\.ms/m);
      const nodeId = /^ +0 +(\d+)/m.exec(await output(target, ['topics', 'describe', 'cli-configs']))![1]!;
      await output(target, ['configs', 'set', '--all-brokers', 'log.retention.ms=7777777']);
      const ofBroker = await output(target, ['configs', 'describe', '--broker', nodeId]);
      assert.match(ofBroker, /^log\.retention\.ms +7777777 +dynamic-default-broker +no$/m);
      await output(target, ['configs', 'delete', '--all-brokers', 'log.retention.ms']);
    },
  },
  {
    name: 'refusals are one line with the reason',
    run: async (target) => {
      await output(target, ['topics', 'create', 'cli-there']);
      assert.match(await refusal(target, ['topics', 'create', 'cli-there']), /TOPIC_ALREADY_EXISTS/);
      assert.match(
        await refusal(target, ['topics', 'create', 'cli-wide', '-r', '9']),
        /INVALID_REPLICATION_FACTOR/,
      );
      assert.match(
        await refusal(target, ['topics', 'create', 'cli-odd', '-c', 'no.such=1']),
        /INVALID_CONFIG/,
      );
      assert.match(
        await refusal(target, ['topics', 'describe', 'cli-missing']),
        /there is no topic "cli-missing"/,
      );
      assert.match(await refusal(target, ['topics', 'alter', 'cli-there', '-p', '1']), /INVALID_PARTITIONS/);
      assert.match(await refusal(target, ['consume', 'cli-missing']), /there is no topic "cli-missing"/);
      assert.match(
        await refusal(target, ['consume', 'cli-there', '--from', '7']),
        /cli-there-0 is empty; the next offset is 0, not 7/,
      );
      assert.match(
        await refusal(target, ['groups', 'describe', 'cli-nobody']),
        /there is no group "cli-nobody"/,
      );
      assert.match(
        await refusal(target, ['groups', 'delete', 'cli-nobody']),
        /there is no group "cli-nobody"/,
      );
      const large = await odradek(
        target,
        ['produce', 'cli-there', '--max-request-size', '3000000'],
        'x'.repeat(2_000_000),
      );
      assert.match(large.stderr, /1 of 1 records were not sent: .*\(MESSAGE_TOO_LARGE\)\n$/);
      assert.equal(large.exitCode, 1);
    },
  },
];
