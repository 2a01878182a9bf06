import { freePort } from '../../scripts/free-port.ts';
import { startZookeeper, type RunningZookeeper } from '../../scripts/zookeeper.ts';
import { LossyProxy } from '../kill-idempotent/lossy-proxy.ts';
import { startOdradek } from '../targets/odradek.ts';
import type { Target } from '../targets/target.ts';

export const BROKERS = [1, 2, 3] as const;
export type BrokerId = (typeof BROKERS)[number];

export const rackOf = (id: BrokerId): string => `rack-${id}`;

/**
 * Three Odradek brokers, each a process and in a rack of its own, with a ZooKeeper. Clients reach each of them through
 * a proxy that counts what they get; brokers reach each other directly.
 */
export class RackedCluster {
  readonly zookeeper: RunningZookeeper;
  private readonly proxies: ReadonlyMap<BrokerId, LossyProxy>;
  private readonly targets: ReadonlyMap<BrokerId, Target>;

  private constructor(
    zookeeper: RunningZookeeper,
    proxies: ReadonlyMap<BrokerId, LossyProxy>,
    targets: ReadonlyMap<BrokerId, Target>,
  ) {
    this.zookeeper = zookeeper;
    this.proxies = proxies;
    this.targets = targets;
  }

  static async start(): Promise<RackedCluster> {
    const zookeeper = await startZookeeper();
    const proxies = new Map<BrokerId, LossyProxy>();
    const targets = new Map<BrokerId, Target>();
    const cluster = new RackedCluster(zookeeper, proxies, targets);
    try {
      for (const id of BROKERS) {
        const proxy = await LossyProxy.open();
        proxies.set(id, proxy);
        proxy.brokerPort = await freePort();
        targets.set(id, await startBroker(id, proxy, zookeeper.connectString));
      }
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get bootstrap(): string {
    return [...this.proxies.values()].map((proxy) => proxy.bootstrap).join(',');
  }

  broker(id: BrokerId): Target {
    return this.targets.get(id)!;
  }

  /** Bytes that each broker has answered clients since `reset`, in the order of the brokers. */
  get answeredBytes(): readonly number[] {
    return [...this.proxies.values()].map((proxy) => proxy.answeredBytes);
  }

  resetCounts(): void {
    for (const proxy of this.proxies.values()) proxy.answeredBytes = 0;
  }

  async stop(): Promise<void> {
    for (const target of this.targets.values()) await target.stop();
    for (const proxy of this.proxies.values()) proxy.close();
    await this.zookeeper.stop();
  }
}

async function startBroker(id: BrokerId, proxy: LossyProxy, connectString: string): Promise<Target> {
  const port = proxy.brokerPort!;
  const inner = `BROKERS://127.0.0.1:${await freePort()}`;
  return startOdradek({
    port,
    overrides: {
      'broker.id': String(id),
      'broker.rack': rackOf(id),
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'zookeeper.connect': connectString,
      'zookeeper.session.timeout.ms': '4000',
      listeners: `CLIENTS://127.0.0.1:${port},${inner}`,
      'advertised.listeners': `CLIENTS://${proxy.bootstrap},${inner}`,
      'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,BROKERS:PLAINTEXT',
      'inter.broker.listener.name': 'BROKERS',
      'auto.leader.rebalance.enable': 'false',
      // A throttle counts what has gone: with large fetches a slow one is not seen in a small topic.
      'replica.fetch.max.bytes': '50000',
      'replica.fetch.response.max.bytes': '100000',
      'offsets.topic.replication.factor': '3',
      'controlled.shutdown.retry.backoff.ms': '500',
    },
  });
}
