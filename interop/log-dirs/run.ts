// A replica is moved to another data directory of its broker by Apache Kafka's own tools, under a throttle, written to
// all the while and killed in the middle. One command, no arguments; needs Java:
//   npm run prove:log-dirs
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, createTopic, Producer } from '@odradek/client/index.ts';
import { Steps } from '../steps.ts';
import { dumpComplaints } from '../log/kafka-tools.ts';
import { kafkaTool, kafkaTools } from '../operations/programs.ts';
import { startOdradek } from '../targets/odradek.ts';

const TOPIC = 'moved';
const COUNT = 6_000;
const VALUE_BYTES = 1_000;
/** The move would take a minute. */
const SLOW_BYTES_PER_SECOND = 100_000;
const PATIENCE_MS = 90_000;

const folder = mkdtempSync(join(tmpdir(), 'odradek-log-dirs-'));
const directories = [join(folder, 'a'), join(folder, 'b')] as const;
const plan = join(folder, 'plan.json');
const broker = await startOdradek({
  overrides: {
    'log.dirs': directories.join(','),
    'log.segment.bytes': '1000000',
    'file.delete.delay.ms': '1000',
    'log.segment.delete.delay.ms': '1000',
  },
});
const admin = new Cluster({ bootstrapServers: broker.bootstrap });
const steps = new Steps();
let produced = 0;

async function produce(count: number): Promise<void> {
  const producer = new Producer({ bootstrapServers: broker.bootstrap });
  try {
    const sends = Array.from({ length: count }, () => {
      const value = Buffer.alloc(VALUE_BYTES, `${produced++},`);
      return producer.send({ topic: TOPIC, partition: 0, value });
    });
    await Promise.all(sends);
  } finally {
    await producer.close();
  }
}

function segmentsIn(directory: string): string[] {
  const log = join(directory, `${TOPIC}-0`);
  if (!existsSync(log)) return [];
  return readdirSync(log)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(log, name));
}

function bytesIn(directory: string): Buffer {
  return Buffer.concat(segmentsIn(directory).map((path) => readFileSync(path)));
}

async function reassign(action: string, target: string, ...more: string[]): Promise<string> {
  const [node] = await admin.nodes();
  const partition = { topic: TOPIC, partition: 0, replicas: [node!.nodeId], log_dirs: [target] };
  writeFileSync(plan, JSON.stringify({ version: 1, partitions: [partition] }));
  const args = ['--bootstrap-server', broker.bootstrap, '--reassignment-json-file', plan, action];
  return kafkaTool(kafkaTools.reassign, ...args, ...more);
}

interface Described {
  readonly logDir: string;
  readonly partitions: readonly {
    partition: string;
    size: number;
    offsetLag: number;
    isFuture: boolean;
  }[];
}

async function describe(): Promise<readonly Described[]> {
  const args = ['--bootstrap-server', broker.bootstrap, '--describe', '--topic-list', TOPIC];
  const printed = await kafkaTool('org.apache.kafka.tools.LogDirsCommand', ...args);
  const json = printed.split('\n').find((line) => line.startsWith('{'));
  assert.ok(json !== undefined, printed);
  return (JSON.parse(json) as { brokers: { logDirs: Described[] }[] }).brokers[0]!.logDirs;
}

function isPrefix(shorter: Buffer, longer: Buffer): boolean {
  return longer.subarray(0, shorter.length).equals(shorter);
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await sleep(200);
  }
}

try {
  let from = '';
  let to = '';
  let before: Buffer = Buffer.alloc(0);
  await steps.take('a topic in one of two data directories', async () => {
    await createTopic(admin, { name: TOPIC, partitions: 1, replicationFactor: 1 });
    await produce(COUNT);
    [from, to] = segmentsIn(directories[0]).length > 0 ? directories : [directories[1], directories[0]];
    before = bytesIn(from);
    return `${COUNT} messages in ${segmentsIn(from).length} segments`;
  });
  await steps.take('kafka-reassign-partitions --execute, kafka-log-dirs --describe', async () => {
    const limit = ['--replica-alter-log-dirs-throttle', String(SLOW_BYTES_PER_SECOND)];
    const printed = await reassign('--execute', to, ...limit);
    assert.match(printed, /Successfully started moving log directory to .* for replica moved-0/);
    const future = (await describe()).find(({ logDir }) => logDir === to)!.partitions[0]!;
    assert.ok(future.isFuture && future.offsetLag > 0, JSON.stringify(future));
    assert.match(await reassign('--verify', to), /still in progress/);
    return `${future.offsetLag} messages to go`;
  });
  await steps.take('the topic is written to, and the broker killed and started', async () => {
    await produce(500);
    await broker.kill();
    await broker.startAgain();
    await produce(500);
    const logs = await describe();
    const future = logs.find(({ logDir }) => logDir === to)!.partitions[0]!;
    assert.ok(future.isFuture && future.size > 0, JSON.stringify(logs));
    return `${future.size} bytes were moved before`;
  });
  await steps.take('the throttle is taken away, and the move completes', async () => {
    const name = 'replica.alter.log.dirs.io.max.bytes.per.second';
    const entity = ['--entity-type', 'brokers', '--entity-name', String((await admin.nodes())[0]!.nodeId)];
    const args = ['--bootstrap-server', broker.bootstrap, '--alter', ...entity, '--delete-config', name];
    await kafkaTool(kafkaTools.configs, ...args);
    await produce(500);
    await until('the move', async () => segmentsIn(to).length > 0);
    const printed = await reassign('--verify', to);
    assert.match(printed, /completed successfully/);
    const logs = await describe();
    assert.deepEqual(logs.find(({ logDir }) => logDir === from)!.partitions, []);
    assert.deepEqual(
      logs
        .find(({ logDir }) => logDir === to)!
        .partitions.map(({ isFuture, offsetLag }) => [isFuture, offsetLag]),
      [[false, 0]],
    );
    return `${segmentsIn(to).length} segments`;
  });
  await steps.take('the log is the same, byte by byte, and goes on', async () => {
    await produce(100);
    const after = bytesIn(to);
    assert.ok(before.length > 0 && isPrefix(before, after), `${before.length} and ${after.length} bytes`);
    await until('the former files to be gone', async () =>
      readdirSync(from).every((name) => !name.startsWith(TOPIC)),
    );
    return `${before.length} of ${after.length} bytes`;
  });
  await steps.take('kafka-dump-log finds nothing wrong, all messages are there', async () => {
    const complaints = dumpComplaints('3.9', segmentsIn(to), ['--deep-iteration']);
    assert.deepEqual(complaints, []);
    const end = ['--bootstrap-server', broker.bootstrap, '--topic', TOPIC, '--time', 'latest'];
    const printed = await kafkaTool('org.apache.kafka.tools.GetOffsetShell', ...end);
    assert.match(printed, new RegExp(`${TOPIC}:0:${produced}`));
    return `${produced} messages`;
  });
} finally {
  admin.close();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
steps.close();
