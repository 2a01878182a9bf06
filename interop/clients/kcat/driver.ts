// The scenarios through kcat: what a person does at a shell.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { check, checkEqual, cycleBroker, runDriver, text, timeBase, waitUntil } from '../driver.ts';
import { Member } from './member.ts';

const noAdmin = 'kcat has no administration';

await runDriver((bootstrap) => {
  const kcat = (args: string[], input = '') => runKcat(['-b', bootstrap, ...args], input);
  const consume = async (topic: string, offset: string, args: string[] = []) => {
    const { output } = await kcat(['-C', '-t', topic, '-p', '0', '-o', offset, '-e', '-q', ...args]);
    return output;
  };
  const produceLines = async (topic: string, lines: readonly string[], args: string[] = []) =>
    kcat(['-P', '-t', topic, '-p', '0', ...args], lines.map((line) => `${line}\n`).join(''));
  const produceMany = async (topic: string, count: number) => {
    const lines = Array.from({ length: count }, (_, i) => `message ${i}`);
    await produceLines(topic, lines);
    return lines;
  };

  /** Asking for a topic creates it; a first answer may say that it has no leader yet. */
  const autoCreate = async (topic: string) => {
    await waitUntil('a leader of the new topic', 20, async () => {
      const { output } = await kcat(['-L', '-t', topic, '-J']);
      const { topics } = JSON.parse(output) as {
        topics: { topic: string; partitions: { leader: number }[] }[];
      };
      const partitions = topics.find((each) => each.topic === topic)?.partitions ?? [];
      return partitions.length === 1 && partitions[0]!.leader >= 0;
    });
  };

  const produceWith = (codec: string) => async (topic: string) => {
    const sent: string[] = [];
    for (const acks of ['1', '-1', '0']) {
      const lines = Array.from({ length: 200 }, (_, i) => text(sent.length + i, 1000));
      sent.push(...lines);
      await produceLines(topic, lines, ['-z', codec, '-X', `acks=${acks}`, '-X', 'linger.ms=5']);
    }
    let got: string[] = [];
    await waitUntil(`${sent.length} messages`, 20, async () => {
      got = unlines(await consume(topic, 'beginning'));
      return got.length >= sent.length;
    });
    checkEqual(got, sent, 'the messages');
  };

  const idempotentAcross = (how: string) => async (topic: string) => {
    const sent = Array.from({ length: 3000 }, (_, i) => `message ${i}`);
    await autoCreate(topic);
    const settings = ['-X', 'enable.idempotence=true', '-X', 'message.timeout.ms=60000', '-E'];
    const producer = spawn('kcat', ['-b', bootstrap, '-P', '-t', topic, '-p', '0', ...settings], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const exit = once(producer, 'exit');
    const write = (from: number, to: number) => producer.stdin.write(`${sent.slice(from, to).join('\n')}\n`);
    write(0, 1000);
    await waitUntil(
      'some acknowledged',
      20,
      async () => unlines(await consume(topic, 'beginning')).length > 500,
    );
    const back = cycleBroker(how);
    write(1000, 2000);
    await back;
    write(2000, 3000);
    producer.stdin.end();
    const [code] = (await exit) as [number | null];
    checkEqual(code, 0, 'exit code of kcat');
    checkEqual(unlines(await consume(topic, 'beginning')), sent, 'each message once, in order');
  };

  return {
    'create-topic': autoCreate,
    'produce-none': produceWith('none'),
    'produce-gzip': produceWith('gzip'),
    'produce-snappy': produceWith('snappy'),
    'produce-lz4': produceWith('lz4'),
    'produce-zstd': produceWith('zstd'),
    'consume-start': async (topic) => {
      const sent = await produceMany(topic, 100);
      checkEqual(unlines(await consume(topic, 'beginning')), sent, 'messages');
    },
    'consume-offset': async (topic) => {
      const sent = await produceMany(topic, 100);
      checkEqual(unlines(await consume(topic, '42')), sent.slice(42), 'messages');
      checkEqual(unlines(await consume(topic, '-10')), sent.slice(90), 'the last ten');
    },
    'consume-time': async (topic) => {
      await produceMany(topic, 10);
      const between = Date.now();
      await waitUntil('another millisecond', 1, () => Date.now() > between + 1);
      await produceMany(topic, 5);
      const { output } = await kcat(['-Q', '-t', `${topic}:0:${between + 1}`]);
      check(output.includes('offset 10'), `offset 10, got ${output}`);
      checkEqual(unlines(await consume(topic, `s@${between + 1}`)).length, 5, 'messages since then');
      checkEqual(unlines(await consume(topic, `s@${timeBase}`)).length, 15, 'messages of the last hour');
    },
    'group-of-three': async (topic) => {
      // Auto-created topics have one partition: three topics, dealt out in turn, take their place.
      const topics = [0, 1, 2].map((i) => `${topic}-${i}`);
      for (const each of topics) await produceMany(each, 1);
      const members = topics.map(() => new Member(bootstrap, `${topic}-group`, topics));
      try {
        await waitUntil('a partition each', 40, () => members.every((member) => member.assigned === 1));
        await members[2]!.kill();
        await waitUntil('all with the two left', 40, () => members[0]!.assigned + members[1]!.assigned === 3);
        for (const each of topics) await produceLines(each, [`later ${each}`]);
        const got = () =>
          members.flatMap((member) => member.lines.filter((line) => line.startsWith('later'))).toSorted();
        await waitUntil('three messages', 20, () => got().length >= 3);
        checkEqual(
          got(),
          topics.map((each) => `later ${each}`),
          'each message once',
        );
      } finally {
        for (const member of members) await member.kill();
      }
    },
    'group-kill': 'it commits from time to time, unseen from outside',
    'commit-resume': async (topic) => {
      const sent = await produceMany(topic, 100);
      const group = ['-G', `${topic}-group`, '-X', 'auto.offset.reset=earliest', '-q'];
      const first = await kcat([...group, '-c', '30', topic]);
      checkEqual(unlines(first.output), sent.slice(0, 30), 'the first thirty');
      const second = await kcat([...group, '-e', topic]);
      checkEqual(unlines(second.output), sent.slice(30), 'the rest');
    },
    headers: async (topic) => {
      await kcat(
        ['-P', '-t', topic, '-p', '0', '-H', 'a=1', '-H', 'a=2', '-H', 'empty=', '-H', 'null'],
        'v\n',
      );
      checkEqual(
        await consume(topic, 'beginning', ['-f', '%h;%s\n']),
        'a=1,a=2,empty=,null=NULL;v\n',
        'headers',
      );
    },
    'nulls-and-tombstones': async (topic) => {
      await kcat(['-P', '-t', topic, '-p', '0', '-Z', '-K', ':'], ':x\nk:\n');
      await kcat(['-P', '-t', topic, '-p', '0', '-K', ':'], ':\n');
      checkEqual(
        await consume(topic, 'beginning', ['-f', '%K=%S\n']),
        '-1=1\n1=-1\n0=0\n',
        'sizes of keys and values',
      );
    },
    'message-1mb': async (topic) => {
      const value = text(1, 1_000_000);
      await produceLines(topic, [value], ['-X', 'message.max.bytes=4000000']);
      check((await consume(topic, 'beginning')) === `${value}\n`, 'the message as sent');
    },
    'message-too-large': async (topic) => {
      const { errors } = await runKcat(
        ['-b', bootstrap, '-P', '-t', topic, '-p', '0', '-X', 'message.max.bytes=4000000'],
        text(1, 1_100_000),
        true,
      );
      check(errors.includes('Message size too large'), `Message size too large, got ${errors.slice(0, 200)}`);
      await produceLines(topic, ['after']);
      checkEqual(await consume(topic, 'beginning', ['-f', '%o %s\n']), '0 after\n', 'offset and message');
    },
    'idempotent-kill': idempotentAcross('kill'),
    'idempotent-restart': idempotentAcross('restart'),
    'delete-records': noAdmin,
    'admin-configs': noAdmin,
    'admin-partitions': noAdmin,
    'admin-groups': noAdmin,
    'admin-cluster': async () => {
      const { output } = await kcat(['-L', '-J']);
      const metadata = JSON.parse(output) as { brokers: { name: string }[]; controllerid: number };
      checkEqual(
        metadata.brokers.map((broker) => broker.name),
        [bootstrap],
        'brokers',
      );
      check(metadata.controllerid >= 0, 'a controller');
    },
    'admin-offsets': async (topic) => {
      await produceMany(topic, 20);
      const { output } = await kcat(['-Q', '-t', `${topic}:0:-1`]);
      check(output.includes('offset 20'), `offset 20, got ${output}`);
      const earliest = await kcat(['-Q', '-t', `${topic}:0:-2`]);
      check(earliest.output.includes('offset 0'), `offset 0, got ${earliest.output}`);
    },
    'delete-topic': noAdmin,
  };
});

function unlines(output: string): string[] {
  return output.split('\n').slice(0, -1);
}

async function runKcat(
  args: string[],
  input: string,
  mayFail = false,
): Promise<{ output: string; errors: string }> {
  const child = spawn('kcat', args);
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const killer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(killer);
  if (code !== 0 && !mayFail)
    throw new Error(`kcat ${args.slice(2).join(' ')}: exit code ${code}: ${errors.slice(0, 300)}`);
  return { output, errors };
}
