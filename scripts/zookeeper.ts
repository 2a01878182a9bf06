// Real ZooKeeper servers beside us: one, or an ensemble of three. They come with the jars of Apache Kafka 3.9.
// As commands:
//   npx node scripts/zookeeper.ts start [1|3]
//   npx node scripts/zookeeper.ts stop FOLDER
// and as a module: startZookeeper({ servers: 3 }). Data lies in a temporary folder, deleted by stop.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from './free-port.ts';
import {
  ended,
  host,
  isAlive,
  quickStartJvm,
  ready,
  signalProcess,
  startJava,
  writeProperties,
} from './java-process.ts';
import { kafkaClassPath } from './kafka-jars.ts';

/** The unit of time of the servers: sessions last from 2 to 20 of them. */
export const ZOOKEEPER_TICK_MS = 500;

export interface ZookeeperOptions {
  /** Servers of the ensemble, 1 by default; not needed where `ports` are given. */
  servers?: 1 | 3;
  /** Client ports, one for each server; free ones by default. */
  ports?: readonly number[];
  /** Where to keep everything; a temporary folder by default. */
  folder?: string;
  /** Settings of all servers that win over ours. */
  properties?: Readonly<Record<string, string>>;
  /** Options of the Java machine, for what ZooKeeper takes from system properties. */
  jvm?: readonly string[];
}

export type ZookeeperRole = 'leader' | 'follower' | 'standalone' | 'none';

export interface ZookeeperServer {
  readonly id: number;
  readonly port: number;
  /** host:port, for clients. */
  readonly address: string;
  /** The process id; another one after each restart. */
  readonly pid: number;
  /** What the server says it is; `none` where it does not answer as a member. */
  role(): Promise<ZookeeperRole>;
  /** SIGSTOP: it keeps its connections and says nothing. */
  pause(): void;
  resume(): void;
  /** kill -9; the data stays. */
  kill(): Promise<void>;
  /** After kill, on the same port and data. Resolves when it has a role. */
  startAgain(): Promise<void>;
}

export interface RunningZookeeper {
  /** Where everything of it lies. */
  readonly folder: string;
  readonly servers: readonly ZookeeperServer[];
  /** For `zookeeper.connect`: all servers. */
  readonly connectString: string;
  /** Ends every process and deletes the folder. */
  stop(): Promise<void>;
}

const folderPrefix = 'odradek-zookeeper-';
const pidsFile = 'zookeeper-pids.json';

/** Starts the servers and resolves when all of them serve. Throws with the log of one that dies. */
export async function startZookeeper(options: ZookeeperOptions = {}): Promise<RunningZookeeper> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), folderPrefix));
  const ports = options.ports ?? (await freePorts(options.servers ?? 1));
  const members = ports.length > 1 ? await memberProperties(ports.length) : {};
  const servers = ports.map((port, i) => new Server(folder, i + 1, port, members, options));
  const stop = async () => {
    await Promise.all(servers.map((server) => server.kill()));
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    // All at once: one alone has no quorum and never gets a role.
    await Promise.all(servers.map((server) => server.startAgain()));
    savePids(folder, servers);
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, servers, connectString: servers.map(({ address }) => address).join(','), stop };
}

class Server implements ZookeeperServer {
  readonly id: number;
  readonly port: number;
  private readonly home: string;
  private readonly jvm: readonly string[];
  private processId = 0;

  constructor(
    folder: string,
    id: number,
    port: number,
    members: Readonly<Record<string, string>>,
    { properties, jvm }: ZookeeperOptions,
  ) {
    this.id = id;
    this.port = port;
    this.home = join(folder, `server-${id}`);
    this.jvm = jvm ?? [];
    mkdirSync(join(this.home, 'data'), { recursive: true });
    writeFileSync(join(this.home, 'data', 'myid'), `${id}\n`);
    writeProperties(join(this.home, 'zookeeper.properties'), {
      dataDir: join(this.home, 'data'),
      clientPort: String(port),
      clientPortAddress: host,
      tickTime: String(ZOOKEEPER_TICK_MS),
      'admin.enableServer': 'false',
      maxClientCnxns: '0',
      ...members,
      ...properties,
    });
  }

  get address(): string {
    return `${host}:${this.port}`;
  }

  get pid(): number {
    return this.processId;
  }

  async role(): Promise<ZookeeperRole> {
    const mode = /^Mode: (\w+)$/m.exec(await ask(this.port, 'srvr'))?.[1];
    return mode === 'leader' || mode === 'follower' || mode === 'standalone' ? mode : 'none';
  }

  pause(): void {
    signalProcess(this.processId, 'SIGSTOP');
  }

  resume(): void {
    signalProcess(this.processId, 'SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.processId === 0) return;
    signalProcess(this.processId, 'SIGKILL');
    await ended(this.processId);
  }

  async startAgain(): Promise<void> {
    const properties = join(this.home, 'zookeeper.properties');
    this.processId = startJava({
      home: this.home,
      logName: 'zookeeper.log',
      classPath: kafkaClassPath('3.9'),
      jvm: ['-Xmx128m', ...quickStartJvm, ...this.jvm],
      args: ['org.apache.zookeeper.server.quorum.QuorumPeerMain', properties],
    });
    await ready(this.processId, async () => (await this.role()) !== 'none', join(this.home, 'zookeeper.log'));
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** Each server knows where the others take followers and votes. */
async function memberProperties(count: number): Promise<Record<string, string>> {
  const ports = await freePorts(2 * count);
  const addresses = Array.from({ length: count }, (_, i) => [
    `server.${i + 1}`,
    `${host}:${ports[2 * i]}:${ports[2 * i + 1]}`,
  ]);
  return { initLimit: '20', syncLimit: '4', ...Object.fromEntries(addresses) };
}

/** The answer to one of ZooKeeper's commands of four letters; empty where there is none. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, host, () => socket.write(command));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

function savePids(folder: string, servers: readonly Server[]): void {
  const pids = servers.map(({ pid }) => pid);
  writeFileSync(join(folder, pidsFile), JSON.stringify(pids));
}

/** Stops what `start` as a command left running in that folder, and nothing else: others may have theirs. */
async function stopSaved(folder: string): Promise<void> {
  const file = join(folder, pidsFile);
  if (!basename(folder).startsWith(folderPrefix) || !existsSync(file)) {
    throw new Error(`${folder} is no folder of a ZooKeeper that was started here`);
  }
  for (const pid of JSON.parse(readFileSync(file, 'utf8')) as number[]) {
    // The id may belong to another program by now: only a JVM that runs on this folder is meant.
    if (!isAlive(pid) || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) continue;
    signalProcess(pid, 'SIGKILL');
    await ended(pid);
  }
  rmSync(folder, { recursive: true, force: true });
}

async function main([command, argument]: string[]): Promise<void> {
  if (command === 'stop' && argument !== undefined) return stopSaved(resolve(argument));
  const count = argument ?? '1';
  if (command !== 'start' || (count !== '1' && count !== '3')) {
    throw new Error('use: zookeeper.ts start [1|3], or stop FOLDER');
  }
  const running = await startZookeeper({ servers: count === '1' ? 1 : 3 });
  for (const server of running.servers) console.log(`${server.address} is ${await server.role()}`);
  console.log(`zookeeper.connect=${running.connectString}`);
  console.log(`to end it: zookeeper.ts stop ${running.folder}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
