import type { Properties } from '@odradek/broker/config/server-properties.ts';
import { Administrator } from '../operations/administrator.ts';
import { SimulatedBroker } from './simulated-broker.ts';
import type { World } from './world.ts';

/** Small and quick, so that everything that takes minutes in production happens within seconds. */
const PROPERTIES: Properties = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '3',
  'group.initial.rebalance.delay.ms': '200',
  'zookeeper.session.timeout.ms': '3000',
  'replica.lag.time.max.ms': '3000',
  'replica.fetch.wait.max.ms': '300',
  'replica.socket.timeout.ms': '3000',
  'controller.socket.timeout.ms': '3000',
  'socket.connection.setup.timeout.ms': '1000',
  'replica.high.watermark.checkpoint.interval.ms': '1000',
  'log.flush.offset.checkpoint.interval.ms': '2000',
  'leader.imbalance.check.interval.seconds': '5',
  'controlled.shutdown.retry.backoff.ms': '500',
  'log.segment.bytes': '16384',
  'log.index.interval.bytes': '512',
  'log.index.size.max.bytes': '4096',
  'log.cleaner.enable': 'false',
};

/** Brokers on machines of their own, one ensemble, and somebody who tells them what to do. */
export class SimulatedCluster {
  readonly brokers: readonly SimulatedBroker[];
  readonly administrator: Administrator;

  /** @param count brokers, with the ids 1 to `count` */
  constructor(world: World, count: number, properties: Properties = {}) {
    this.brokers = Array.from(
      { length: count },
      (_, i) => new SimulatedBroker(world, i + 1, { ...PROPERTIES, ...properties }),
    );
    this.administrator = new Administrator(world, this.bootstrapServers);
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ address }) => address).join(',');
  }

  broker(nodeId: number): SimulatedBroker {
    return this.brokers[nodeId - 1]!;
  }

  startAll(): void {
    for (const broker of this.brokers) broker.start();
  }
}
