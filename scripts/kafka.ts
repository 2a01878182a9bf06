// A real Apache Kafka of one broker beside us, to compare with: 3.9 in ZooKeeper mode (with a
// ZooKeeper of its own), 4.4 in KRaft mode. As commands:
//   npx node scripts/kafka.ts start 3.9 [--port N] [--override name=value]...
//   npx node scripts/kafka.ts stop PORT          the one on this port, which its start has printed
// and as a module: startKafka({ version }). Data lies in a temporary folder, deleted by stop.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { freePort } from './free-port.ts';
import {
  commonJvm,
  ended,
  host,
  isAlive,
  quickStartJvm,
  ready,
  signalProcess,
  startJava,
  writeProperties,
} from './java-process.ts';
import { kafkaClassPath, parseKafkaVersion, type KafkaVersion } from './kafka-jars.ts';
import { startZookeeper, ZOOKEEPER_TICK_MS } from './zookeeper.ts';

export interface KafkaOptions {
  version: KafkaVersion;
  /** The broker's port; a free one by default. */
  port?: number;
  /** Broker settings that win over ours (see `brokerProperties`). */
  overrides?: Record<string, string>;
  /** Heap of the broker, in MB; 512 by default. */
  heapMb?: number;
  /** Options of the Java machine beside the heap, in place of those of Kafka's start script. */
  jvm?: readonly string[];
  /** The core that the broker is pinned to (Linux taskset). */
  core?: number;
  /** Compile with the first tier only: starts faster, runs slower. Not for benchmarks. */
  quickStart?: boolean;
}

export interface RunningKafka {
  version: KafkaVersion;
  host: string;
  port: number;
  /** host:port, as clients want it. */
  bootstrap: string;
  /** Where the broker's partitions lie. */
  dataDirectory: string;
  /** The process id of the broker; another one after each restart. */
  readonly pid: number;
  /** Milliseconds from the start of the broker's process to its first answer with itself in Metadata. */
  readonly startedInMs: number;
  /** kill -9 of the broker; ZooKeeper and the data stay. */
  kill(): Promise<void>;
  /** SIGTERM, and the end of the process; ZooKeeper and the data stay. */
  shutDown(): Promise<void>;
  /** Starts the broker again after kill or shutDown, on the same port and data; ready when it resolves. */
  startAgain(): Promise<void>;
  /** Ends every process and deletes the folder. */
  stop(): Promise<void>;
}

const zookeeperSessionMs = 2000;
const folderPrefix = 'odradek-kafka-';

/** Starts one broker and resolves when it answers Metadata with itself. Throws with its log when it dies. */
export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const classPath = kafkaClassPath(options.version);
  const home = mkdtempSync(join(tmpdir(), `${folderPrefix}${options.version}-`));
  const port = options.port ?? (await freePort());
  const controlPort = await freePort();
  const propertiesFile = join(home, 'server.properties');
  writeProperties(propertiesFile, brokerProperties(options, home, port, controlPort));

  const brokerJvm = [
    `-Xmx${options.heapMb ?? 512}m`,
    ...(options.quickStart ? quickStartJvm : (options.jvm ?? serverJvm)),
  ];
  const zookeeper =
    options.version === '3.9' && !sharesZookeeper(options)
      ? await startZookeeper({ folder: join(home, 'zookeeper'), ports: [controlPort] })
      : undefined;
  if (options.version === '4.4') formatStorage(classPath, propertiesFile);

  let pid = 0;
  let startedInMs = 0;
  const startBroker = async () => {
    const begin = performance.now();
    pid = startJava({
      home,
      logName: 'broker.log',
      classPath,
      jvm: brokerJvm,
      args: ['kafka.Kafka', propertiesFile],
      core: options.core,
    });
    savePids(home, options.version, port, pid, zookeeper?.servers[0]!.pid);
    await ready(pid, () => brokerAnswers(port), join(home, 'broker.log'));
    startedInMs = performance.now() - begin;
  };
  const end = async (signal: NodeJS.Signals) => {
    signalProcess(pid, signal);
    await ended(pid);
  };
  const stop = async () => {
    await end('SIGKILL');
    await zookeeper?.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await startBroker();
  } catch (error) {
    await stop();
    throw error;
  }
  let killed = false;
  const sessionMs = Number(options.overrides?.['zookeeper.session.timeout.ms'] ?? zookeeperSessionMs);
  return {
    version: options.version,
    host,
    port,
    bootstrap: `${host}:${port}`,
    dataDirectory: join(home, 'data'),
    get pid() {
      return pid;
    },
    get startedInMs() {
      return startedInMs;
    },
    async kill() {
      killed = true;
      await end('SIGKILL');
    },
    shutDown: () => end('SIGTERM'),
    async startAgain() {
      // A killed broker's registration stays until its session expires, and Kafka refuses to start
      // while another session holds its id.
      if (killed && options.version === '3.9') await sleep(sessionMs + 2 * ZOOKEEPER_TICK_MS);
      killed = false;
      await startBroker();
    },
    stop,
  };
}

/** It joins the cluster of a ZooKeeper that is there, by `zookeeper.connect` among the overrides. */
function sharesZookeeper({ overrides }: KafkaOptions): boolean {
  return overrides?.['zookeeper.connect'] !== undefined;
}

function brokerProperties(options: KafkaOptions, home: string, port: number, controlPort: number) {
  const byVersion: Record<string, string> =
    options.version === '3.9'
      ? {
          'broker.id': '0',
          listeners: `PLAINTEXT://${host}:${port}`,
          'zookeeper.connect': `${host}:${controlPort}`,
          'zookeeper.session.timeout.ms': String(zookeeperSessionMs),
        }
      : {
          'node.id': '0',
          'process.roles': 'broker,controller',
          'controller.quorum.voters': `0@${host}:${controlPort}`,
          'controller.listener.names': 'CONTROLLER',
          listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controlPort}`,
          'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
        };
  return {
    ...byVersion,
    'log.dirs': join(home, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '5',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...options.overrides,
  };
}

/** The collector's settings that Apache Kafka's own start script gives. */
const serverJvm = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
];
function formatStorage(classPath: string, propertiesFile: string): void {
  const clusterId = 'AAAAAAAAAAAAAAAAAAAAAQ';
  const args = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', propertiesFile];
  const run = spawnSync('java', [...commonJvm, ...quickStartJvm, '-Xmx128m', '-cp', classPath, ...args], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`Kafka's storage format failed: ${run.stdout}${run.stderr}`);
}

/** Whether Metadata v1 for no topic is answered with at least one broker. */
export function brokerAnswers(port: number): Promise<boolean> {
  // size 14: api key 3, version 1, correlation id 1, client id null, zero topics.
  const request = Buffer.from('0000000e0003000100000001ffff00000000', 'hex');
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const socket = connect(port, host, () => socket.write(request));
    const answer = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(2000, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 12) answer(received.readInt32BE(8) > 0);
    });
  });
}

function savePids(home: string, version: string, port: number, broker: number, zookeeper?: number): void {
  writeFileSync(join(home, 'pids.json'), JSON.stringify({ version, port, broker, zookeeper }));
}

interface SavedPids {
  version: string;
  port: number;
  broker: number;
  zookeeper?: number;
}

/** Stops what `start` as a command has left running, by its port: others may have some running, too. */
async function stopSaved(port: number): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const home = join(tmpdir(), name);
    if (!name.startsWith(folderPrefix) || !existsSync(join(home, 'pids.json'))) continue;
    const saved = JSON.parse(readFileSync(join(home, 'pids.json'), 'utf8')) as SavedPids;
    if (saved.port !== port) continue;
    for (const pid of [saved.broker, saved.zookeeper]) {
      // The id may belong to another program by now: only a JVM that runs on our folder is ours.
      if (pid === undefined || !isAlive(pid)) continue;
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(home)) continue;
      signalProcess(pid, 'SIGKILL');
      await ended(pid);
    }
    rmSync(home, { recursive: true, force: true });
    console.log(`Apache Kafka ${saved.version} on port ${saved.port} stopped`);
    return;
  }
  throw new Error(`no Apache Kafka was started on port ${port}`);
}

async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  if (command === 'stop' && /^\d+$/.test(rest[0] ?? '')) return stopSaved(Number(rest[0]));
  if (command !== 'start')
    throw new Error('use: kafka.ts start 3.9|4.4 [--port N] [--override name=value], or stop PORT');
  const options: KafkaOptions = { version: parseKafkaVersion(rest[0]), overrides: {} };
  for (let at = 1; at < rest.length; at += 2) {
    const [flag, value = ''] = [rest[at], rest[at + 1]];
    const equals = value.indexOf('=');
    if (flag === '--port') options.port = Number(value);
    else if (flag === '--override' && equals > 0)
      options.overrides![value.slice(0, equals)] = value.slice(equals + 1);
    else throw new Error(`${flag} ${value} is not an option: there are --port N and --override name=value`);
  }
  const kafka = await startKafka(options);
  console.log(`Apache Kafka ${kafka.version} answers on ${kafka.bootstrap}, data in ${kafka.dataDirectory}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
