import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';
import { CommandLine } from './support/command-line.ts';
import { OdradekProcess } from './support/odradek-process.ts';

let broker: RunningBroker;
let odradek: CommandLine;
let processes: OdradekProcess[] = [];

before(async () => {
  broker = await startBroker({ port: 0 });
  odradek = new CommandLine(broker.bootstrapServers);
});

after(() => broker.close());

afterEach(() => {
  for (const each of processes) each.kill('SIGKILL');
  processes = [];
});

function odradekProcess(line: string, bootstrap = broker.bootstrapServers): OdradekProcess {
  const started = new OdradekProcess(line.split(' '), { ODRADEK_BOOTSTRAP_SERVER: bootstrap });
  processes.push(started);
  return started;
}

interface DescribedGroup {
  state: string;
  members: unknown[];
  offsets: { partition: number; committedOffset: number }[];
}

async function describedGroup(group: string): Promise<DescribedGroup> {
  const [found] = JSON.parse(
    await odradek.output(['groups', 'describe', group, '--json']),
  ) as DescribedGroup[];
  return found!;
}

test('a reader that is gone, as behind "| head -1": no error, and the end', async () => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i} ${'x'.repeat(50)}`);
  await odradek.output(['produce', 'piped', '-q'], { stdin: lines.join('\n') });
  const consuming = odradekProcess('consume piped --from-beginning');
  await consuming.until(/line 0 /);
  consuming.child.stdout.destroy();
  const { exitCode, stderr } = await consuming.ended;
  assert.deepEqual([exitCode, stderr], [0, '']);
});

test('a reader that is gone before anything is written: also for commands that print tables', async () => {
  await odradek.output(['topics', 'create', 'listed', '--if-not-exists']);
  for (const line of [
    'topics list',
    'topics describe listed',
    'configs describe --topic listed --all',
    '--help',
  ]) {
    const printing = odradekProcess(line);
    printing.child.stdout.destroy();
    const { exitCode, stderr } = await printing.ended;
    assert.deepEqual([exitCode, stderr], [0, ''], line);
  }
});

test('Ctrl+C ends a consumer of a group at once, committed and gone from the group', async () => {
  await odradek.output(['topics', 'create', 'stopped']);
  await odradek.output(['produce', 'stopped', '-q'], { stdin: 'a\nb\nc\n' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const consuming = odradekProcess(`consume stopped --group ${signal} --from-beginning`);
    await consuming.until(/a\nb\nc\n/);
    const askedMs = performance.now();
    consuming.kill(signal);
    const { exitCode, stdout, stderr } = await consuming.ended;
    assert.deepEqual([exitCode, stdout, stderr], [0, 'a\nb\nc\n', '']);
    assert.ok(performance.now() - askedMs < 2_000);
    const { state, members, offsets } = await describedGroup(signal);
    assert.deepEqual([state, members.length], ['Empty', 0]);
    assert.deepEqual(
      offsets.map(({ partition, committedOffset }) => [partition, committedOffset]),
      [[0, 3]],
    );
  }
});

test('Ctrl+C while a group forms does not wait for it', async () => {
  const slow = await startBroker({ port: 0, overrides: { 'group.initial.rebalance.delay.ms': '60000' } });
  try {
    await new CommandLine(slow.bootstrapServers).output(['topics', 'create', 't']);
    const consuming = odradekProcess('consume t --group forming', slow.bootstrapServers);
    const groups = new CommandLine(slow.bootstrapServers);
    for (let isThere = false; !isThere;) {
      isThere = (await groups.run(['groups', 'describe', 'forming'])).stdout.includes('PreparingRebalance');
    }
    consuming.kill('SIGINT');
    const { exitCode, stderr } = await consuming.ended;
    assert.deepEqual([exitCode, stderr], [0, '']);
    const { stdout } = await groups.run(['groups', 'describe', 'forming']);
    assert.doesNotMatch(stdout, /members 1/);
  } finally {
    await slow.close();
  }
});

test('Ctrl+C ends producing in good order: what was read is sent, and counted', async () => {
  await odradek.output(['topics', 'create', 'typed']);
  const producing = odradekProcess('produce typed');
  producing.child.stdin.write('one\ntwo\n');
  const consuming = odradekProcess('consume typed --from-beginning');
  await consuming.until(/one\ntwo\n/);
  producing.kill('SIGINT');
  const { exitCode, stderr } = await producing.ended;
  assert.deepEqual([exitCode, stderr], [0, 'Sent 2 records to typed.\n']);
});

test('a broker that goes away: told after a while, given up in time', async () => {
  const doomed = await startBroker({ port: 0 });
  const line = new CommandLine(doomed.bootstrapServers);
  await line.output(['produce', 't', '-q'], { stdin: 'a\n' });
  const consuming = odradekProcess('consume t --from-beginning --timeout 3', doomed.bootstrapServers);
  const joined = odradekProcess('consume t --group g --from-beginning --timeout 3', doomed.bootstrapServers);
  const producing = odradekProcess('produce t --timeout 1', doomed.bootstrapServers);
  await consuming.until(/a\n/);
  await joined.until(/a\n/);
  producing.child.stdin.write('b\n');
  await consuming.until(/b\n/);
  await doomed.close();
  producing.child.stdin.write('c\n');
  for (const each of [consuming, joined]) {
    const { exitCode, stdout, stderr } = await each.ended;
    assert.equal(exitCode, 1);
    assert.match(stdout, /^a\nb\n$/);
    assert.match(
      stderr,
      /^odradek: 127\.0\.0\.1:\d+: [^\n]+; trying for 3 s\nodradek: no records for 3 s: [^\n]+\n$/,
    );
  }
  // The input stays open: the failure alone ends it.
  const { exitCode, stderr } = await producing.ended;
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /^odradek: 1 of 2 records were not sent: not delivered to t-0 within 1000 ms: [^\n]+\n$/,
  );
});

test('a broker that comes back: consuming goes on where it was', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-cli-'));
  try {
    const first = await startBroker({ port: 0, dataDirectory: directory });
    const { port } = first.address;
    const line = new CommandLine(first.bootstrapServers);
    await line.output(['produce', 't', '-q'], { stdin: 'before\n' });
    const consuming = odradekProcess('consume t --from-beginning -n 2', first.bootstrapServers);
    await consuming.until(/before\n/);
    await first.close();
    const second = await startBroker({ port, dataDirectory: directory });
    try {
      await line.output(['produce', 't', '-q'], { stdin: 'after\n' });
      const { exitCode, stdout } = await consuming.ended;
      assert.deepEqual([exitCode, stdout], [0, 'before\nafter\n']);
    } finally {
      await second.close();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('something else than a broker listens there', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { exitCode, stderr } = await odradek.run(['topics', 'list', '-b', `127.0.0.1:${port}`]);
  server.close();
  assert.equal(exitCode, 1);
  assert.match(stderr, /^odradek: [^\n]*is this a Kafka broker\?[^\n]*\n$/);
});

test('a server that never answers: the timeout says so', async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { exitCode, stderr } = await odradek.run([
    'topics',
    'list',
    '-b',
    `127.0.0.1:${port}`,
    '--timeout',
    '1',
  ]);
  server.close();
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    new RegExp(
      `^odradek: no broker can be reached: 127\\.0\\.0\\.1:${port} did not answer within \\d+ ms\\n$`,
    ),
  );
});
