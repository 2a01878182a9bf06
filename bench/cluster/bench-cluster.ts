import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectZookeeper } from '@odradek/broker/adapters/zookeeper/connect-zookeeper.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import { startOdradek } from '../../interop/targets/odradek.ts';
import type { Target } from '../../interop/targets/target.ts';
import { startKafka } from '../../scripts/kafka.ts';
import type { RunningZookeeper } from '../../scripts/zookeeper.ts';
import { DOCUMENTED_JVM, HEAP_MB, JVM_SET_UP } from '../broker/peers.ts';

export const BROKER_IDS: readonly number[] = [1, 2, 3];
/** Of all brokers of both: what a broker's death costs begins with it. */
export const SESSION_MS = 6000;

/** What is measured beside each other: three brokers each. */
export const clusterPeers: Readonly<Record<string, string>> = {
  odradek: 'three brokers as npm start starts them, with ZooKeeper',
  'kafka-3.9': `three brokers of Apache Kafka 3.9.2 in ZooKeeper mode; ${JVM_SET_UP}`,
};

const SHARED: Readonly<Record<string, string>> = {
  'zookeeper.session.timeout.ms': String(SESSION_MS),
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'auto.leader.rebalance.enable': 'false',
  'controlled.shutdown.retry.backoff.ms': '500',
  'log.retention.hours': '24',
  'message.max.bytes': '8388608',
};

const silent = { debug() {}, info() {}, warn() {}, error: console.error };

/** Three brokers of one maker, below a root of their own in the ZooKeeper that all share. */
export class BenchCluster {
  readonly name: string;
  readonly brokers: ReadonlyMap<number, Target>;
  /** A session of ours in their part of the tree. */
  readonly tree: Coordination;
  private readonly folder: string;

  private constructor(
    name: string,
    brokers: ReadonlyMap<number, Target>,
    tree: Coordination,
    folder: string,
  ) {
    this.name = name;
    this.brokers = brokers;
    this.tree = tree;
    this.folder = folder;
  }

  static async start(
    name: string,
    zookeeper: RunningZookeeper,
    core: number | undefined,
  ): Promise<BenchCluster> {
    const root = `/${name}`;
    await createNode(zookeeper, root);
    const tree = await sessionAt(`${zookeeper.connectString}${root}`);
    const folder = mkdtempSync(join(tmpdir(), 'odradek-bench-data-'));
    const overrides = { ...SHARED, 'zookeeper.connect': `${zookeeper.connectString}${root}` };
    const brokers = new Map<number, Target>();
    const cluster = new BenchCluster(name, brokers, tree, folder);
    try {
      for (const id of BROKER_IDS) {
        const own = { ...overrides, 'broker.id': String(id), 'log.dirs': join(folder, `broker-${id}`) };
        brokers.set(id, await startBroker(name, own, core));
      }
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  broker(id: number): Target {
    const broker = this.brokers.get(id);
    if (broker === undefined) throw new Error(`${this.name} has no broker ${id}`);
    return broker;
  }

  get pids(): number[] {
    return [...this.brokers.values()].map(({ pid }) => pid);
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.tree.close(resolve));
    for (const broker of this.brokers.values()) await broker.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function startBroker(
  name: string,
  overrides: Record<string, string>,
  core: number | undefined,
): Promise<Target> {
  const pinned = core === undefined ? {} : { core };
  if (name === 'odradek') return startOdradek({ overrides, ...pinned });
  const kafka = await startKafka({
    version: '3.9',
    overrides,
    heapMb: HEAP_MB,
    jvm: DOCUMENTED_JVM,
    ...pinned,
  });
  return Object.defineProperty(kafka as typeof kafka & { name: string }, 'name', { value: name });
}

function sessionAt(connect: string): Promise<Coordination> {
  return connectZookeeper(
    {
      connect,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
      maxInFlightRequests: 10,
      setAcl: false,
      identity: {},
      tls: null,
    },
    silent,
  );
}

async function createNode(zookeeper: RunningZookeeper, path: string): Promise<void> {
  const session = await sessionAt(zookeeper.connectString);
  await new Promise<void>((resolve, reject) =>
    session.write([{ type: 'create', path, data: null, mode: 'persistent' }], (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
  await new Promise<void>((resolve) => session.close(resolve));
}
