// One Odradek broker whose coordination tree is in a real ensemble, looked at with Apache Kafka 3.9's own tools.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker, type RunningBroker } from '@odradek/broker/index.ts';
import { Producer } from '@odradek/client/index.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { RawClient } from '../../packages/broker/test/serving/raw-client.ts';
import { batchOf, produce as appendOne } from '../../packages/broker/test/serving/with-broker.ts';
import { PromisedSession } from '../../packages/core/test/coordination/promised-session.ts';
import { freePort } from '../../scripts/free-port.ts';
import { kafkaClassPath, projectDirectory } from '../../scripts/kafka-jars.ts';
import { startZookeeper, type RunningZookeeper } from '../../scripts/zookeeper.ts';
import { connectTo, newRoot } from './ensemble-world.ts';

const SESSION_MS = 4_000;

let zookeeper: RunningZookeeper;
const folders: string[] = [];
const brokers: RunningBroker[] = [];

before(async () => {
  zookeeper = await startZookeeper({ servers: 3 });
});
after(async () => {
  for (const server of zookeeper.servers) server.resume();
  await Promise.all(brokers.map((broker) => broker.close()));
  await zookeeper.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-zookeeper-broker-'));
  folders.push(folder);
  return folder;
}

function settings(root: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    'zookeeper.connect': root,
    'zookeeper.session.timeout.ms': String(SESSION_MS),
    'zookeeper.connection.timeout.ms': '15000',
    'broker.id': '7',
    'offsets.topic.replication.factor': '1',
    ...more,
  };
}

async function start(root: string, folder = newFolder(), more = {}): Promise<RunningBroker> {
  const broker = await startBroker({ port: 0, dataDirectory: folder, properties: settings(root, more) });
  brokers.push(broker);
  return broker;
}

async function produce(broker: RunningBroker, topic: string, value: string): Promise<void> {
  const producer = new Producer({ bootstrapServers: broker.bootstrapServers });
  await producer.send({ topic, partition: 0, value: Buffer.from(value) });
  await producer.close();
}

/** What a tool of Apache Kafka 3.9 prints; the broker serves it meanwhile, in this process. */
async function kafkaTool(name: string, args: readonly string[], input = ''): Promise<string> {
  const jvm = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', kafkaClassPath('3.9')];
  const child = spawn('java', [...jvm, name, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let [printed, errors] = ['', ''];
  child.stdout.on('data', (chunk) => (printed += String(chunk)));
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, `${name}: ${errors}${printed}`);
  return printed;
}

/** What ZooKeeper's shell, as Kafka brings it, prints for commands. */
async function shell(root: string, ...commands: readonly string[]): Promise<string> {
  const printed = await kafkaTool(
    'org.apache.zookeeper.ZooKeeperMain',
    ['-waitforconnection', '-server', root],
    [...commands, 'quit', ''].join('\n'),
  );
  return printed.slice(printed.indexOf('JLine'));
}

async function consume(broker: RunningBroker, topic: string, count: number): Promise<string[]> {
  const printed = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', broker.bootstrapServers, '--topic', topic, '--partition', '0'],
    ...['--offset', 'earliest', '--max-messages', String(count), '--timeout-ms', '20000'],
  ]);
  return printed.trim().split('\n');
}

describe('a broker in ZooKeeper', () => {
  test("is seen by Apache Kafka's tools, and finds everything again after a restart", async () => {
    const root = await newRoot(zookeeper);
    const folder = newFolder();
    const broker = await start(root, folder);
    const { port } = broker.address;
    const nodes = await shell(
      root,
      'get /brokers/ids/7',
      'get /controller',
      'ls /brokers/ids',
      'get /cluster/id',
    );
    const registration = JSON.parse(/^\{.*"endpoints".*\}$/m.exec(nodes)![0]) as object;
    assert.deepEqual(
      { ...registration, timestamp: '' },
      {
        version: 5,
        host: '127.0.0.1',
        port,
        endpoints: [`PLAINTEXT://127.0.0.1:${port}`],
        jmx_port: -1,
        timestamp: '',
        listener_security_protocol_map: { PLAINTEXT: 'PLAINTEXT' },
        features: {},
      },
    );
    assert.match(nodes, /"brokerid":7/);
    assert.match(nodes, /^\[7\]$/m);
    assert.ok(nodes.includes(broker.clusterId));

    const topics = (...args: string[]) =>
      kafkaTool('org.apache.kafka.tools.TopicCommand', [
        '--bootstrap-server',
        broker.bootstrapServers,
        ...args,
      ]);
    assert.match(await topics('--create', '--topic', 'hand', '--partitions', '2'), /Created topic hand/);
    const described = await topics('--describe', '--topic', 'hand');
    assert.match(described, /Partition: 1\s+Leader: 7\s+Replicas: 7\s+Isr: 7/);
    await produce(broker, 'hand', 'kept');
    await broker.close();

    const left = await shell(root, 'get /brokers/topics/hand/partitions/1/state', 'ls /brokers/ids');
    assert.match(left, /"leader":7.*"isr":\[7\]/);
    assert.match(left, /^\[\]$/m);
    const again = await start(root, folder);
    assert.equal(again.clusterId, broker.clusterId);
    assert.deepEqual(await consume(again, 'hand', 1), ['kept']);
    assert.match(await shell(root, 'get /controller_epoch'), /^2$/m);
    await again.close();
  });

  test('goes on when the leader of the ensemble is killed', async () => {
    const root = await newRoot(zookeeper);
    const broker = await start(root);
    const session = new PromisedSession(await connectTo(root));
    const epoch = (await session.whenThere('/brokers/ids/7')).czxid;
    await produce(broker, 'on', 'before');
    const killed = await leader();
    await killed.kill();
    await produce(broker, 'on', 'meanwhile');
    await untilAnswered(() => produce(broker, 'made-meanwhile', 'x'), 'UNKNOWN_SERVER_ERROR');
    await killed.startAgain();
    assert.equal((await untilAnswered(() => session.stat('/brokers/ids/7')))?.czxid, epoch);
    assert.deepEqual(await consume(broker, 'on', 2), ['before', 'meanwhile']);
    await session.close();
    await broker.close();
  });

  test('leads nothing once its session is over, and comes back when ZooKeeper does', async () => {
    const root = await newRoot(zookeeper);
    const broker = await start(root);
    await produce(broker, 'topic', 'before');
    const session = new PromisedSession(await connectTo(root));
    const { czxid } = await session.whenThere('/brokers/ids/7');
    await session.close();
    const client = await RawClient.connect(broker.address.port);
    const begin = performance.now();
    for (const server of zookeeper.servers) server.pause();
    await untilRefused(client, 'topic');
    const tookMs = performance.now() - begin;
    for (const server of zookeeper.servers) server.resume();
    client.close();
    assert.ok(tookMs <= SESSION_MS + 500, `${tookMs} ms`);
    await produce(broker, 'topic', 'afterwards');
    assert.deepEqual((await consume(broker, 'topic', 1)).at(0), 'before');
    const later = new PromisedSession(await connectTo(root));
    assert.ok((await later.whenThere('/brokers/ids/7')).czxid > czxid, 'a new life');
    await later.close();
    await broker.close();
  });
});

describe('a start that cannot be', () => {
  /** Starts the command, which is expected to give up. */
  async function refusal(properties: Record<string, string>, folder = newFolder()): Promise<string> {
    const all = { 'log.dirs': folder, listeners: `PLAINTEXT://127.0.0.1:${await freePort()}`, ...properties };
    const overrides = Object.entries(all).flatMap(([name, value]) => ['--override', `${name}=${value}`]);
    const main = join(projectDirectory, 'packages/cli/bin/odradek.js');
    const child = spawn(process.execPath, [main, 'start', ...overrides], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += String(chunk)));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 1, errors);
    return errors.trim().split('\n').at(-1)!;
  }

  test('no server is there: told when the time is up', async () => {
    const root = `127.0.0.1:${await freePort()}`;
    const begin = performance.now();
    const words = await refusal(settings(root, { 'zookeeper.connection.timeout.ms': '1500' }));
    assert.ok(performance.now() - begin >= 1_500);
    assert.match(words, /no ZooKeeper server of 127\.0\.0\.1:\d+ gave a session within 1500 ms/);
    assert.match(words, /ECONNREFUSED/);
  });

  test('the root path is not there', async () => {
    const words = await refusal(settings(`${zookeeper.connectString}/none`));
    assert.match(words, /root path \/none of zookeeper\.connect is not there/);
  });

  test('the id is taken', async () => {
    const root = await newRoot(zookeeper);
    const broker = await start(root);
    assert.match(await refusal(settings(root)), /broker\.id 7 is registered already/);
    await broker.close();
  });

  test('the directories belong to another cluster', async () => {
    const folder = newFolder();
    const broker = await start(await newRoot(zookeeper), folder);
    await broker.close();
    const other = await newRoot(zookeeper);
    const resident = await start(other, newFolder(), { 'broker.id': '8' });
    const words = await refusal(settings(other), folder);
    assert.match(words, new RegExp(`belong to cluster ${broker.clusterId}, but .* to ${resident.clusterId}`));
    await resident.close();
  });
});

/** Appends with acks=1 until the broker leads no more. */
async function untilRefused(client: RawClient, topic: string): Promise<void> {
  for (;;) {
    const { errorCode } = await appendOne(client, batchOf(['meanwhile']), { topic, acks: 1 });
    if (errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER) return;
    assert.equal(errorCode, ErrorCode.NONE);
    await sleep(20);
  }
}

async function leader() {
  for (;;) {
    for (const server of zookeeper.servers) if ((await server.role()) === 'leader') return server;
  }
}

/** Asks again while the answer is that nobody knows. */
async function untilAnswered<Value>(
  ask: () => Promise<Value>,
  doubt: 'CONNECTIONLOSS' | 'UNKNOWN_SERVER_ERROR' = 'CONNECTIONLOSS',
): Promise<Value> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error as Error).message.includes(doubt)) throw error;
    }
  }
}
