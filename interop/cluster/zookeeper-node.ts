import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { commonJvm, quickStartJvm, writeProperties } from '../../scripts/java-process.ts';
import { kafkaClassPath } from '../../scripts/kafka-jars.ts';
import { HostProcess } from './host-process.ts';
import type { Host } from './network.ts';
import { until } from './until.ts';

const CLIENT_PORT = 2181;
/** Sessions may last from 2 to 20 of them. */
const TICK_MS = 500;

/** One server of the ensemble. */
export class ZookeeperNode {
  readonly host: Host;
  private readonly home: string;
  private process: HostProcess | null = null;

  /** @param ensemble all hosts with a server, in the order of their ids */
  constructor(host: Host, ensemble: readonly Host[], folder: string) {
    this.host = host;
    const id = ensemble.indexOf(host) + 1;
    this.home = join(folder, `zookeeper-${id}`);
    mkdirSync(join(this.home, 'data'), { recursive: true });
    writeFileSync(join(this.home, 'data', 'myid'), `${id}\n`);
    writeProperties(join(this.home, 'zookeeper.properties'), {
      dataDir: join(this.home, 'data'),
      clientPort: String(CLIENT_PORT),
      tickTime: String(TICK_MS),
      initLimit: '20',
      syncLimit: '4',
      'admin.enableServer': 'false',
      maxClientCnxns: '0',
      ...Object.fromEntries(
        ensemble.map(({ address }, i) => [`server.${i + 1}`, `${address}:2888:3888`] as const),
      ),
    });
  }

  get address(): string {
    return `${this.host.address}:${CLIENT_PORT}`;
  }

  get isRunning(): boolean {
    return this.process?.isRunning === true;
  }

  async start(): Promise<void> {
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    const jvm = ['-Xmx128m', ...commonJvm, ...quickStartJvm, '-cp', kafkaClassPath('3.9')];
    const command = ['java', ...jvm, main, join(this.home, 'zookeeper.properties')];
    this.process = new HostProcess(this.host, command, {}, join(this.home, 'log'));
    await until('a ZooKeeper server has a role', 60_000, async () => (await this.role()) !== 'none');
  }

  kill(): Promise<void> {
    return this.process?.end('SIGKILL') ?? Promise.resolve();
  }

  pause(): void {
    this.process?.signal('SIGSTOP');
  }

  resume(): void {
    this.process?.signal('SIGCONT');
  }

  async role(): Promise<string> {
    return /^Mode: (\w+)$/m.exec(await this.ask('srvr'))?.[1] ?? 'none';
  }

  private ask(command: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(CLIENT_PORT, this.host.address, () => socket.write(command));
      socket.setTimeout(1_000, () => socket.destroy());
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    });
  }
}
