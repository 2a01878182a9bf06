import { startBroker, type RunningBroker } from '@odradek/broker';
import { createTopic } from '../../src/admin/topics.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../../src/cluster/coordinators.ts';
import { partitionKey } from '../../src/cluster/topic-partition.ts';
import { describeGroup, type GroupDescription } from '../../src/admin/groups.ts';
import { fetchCommitted } from '../../src/consumer/committed-offsets.ts';
import type { GroupConsumerOptions } from '../../src/consumer/group-options.ts';
import { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import { Producer } from '../../src/producer/producer.ts';

/** A broker in this process, and what tests of consumers need around it. */
export class LiveCluster {
  readonly broker: RunningBroker;
  readonly cluster: Cluster;
  private readonly producer: Producer;
  private readonly consumers: GroupConsumer[] = [];
  private names = 0;

  private constructor(broker: RunningBroker) {
    this.broker = broker;
    this.cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
    this.producer = new Producer({ bootstrapServers: broker.bootstrapServers, lingerMs: 0 });
  }

  static async start(): Promise<LiveCluster> {
    return new LiveCluster(
      await startBroker({
        port: 0,
        overrides: { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' },
      }),
    );
  }

  get bootstrapServers(): string {
    return this.broker.bootstrapServers;
  }

  newName(what: string): string {
    return `${what}-${++this.names}`;
  }

  /** A topic with so many records `p<partition>-<number>` in each partition. */
  async topic(partitions: number, recordsEach = 0): Promise<string> {
    const topic = this.newName('topic');
    await createTopic(this.cluster, { name: topic, partitions });
    await this.fill(topic, partitions, 0, recordsEach);
    return topic;
  }

  async fill(topic: string, partitions: number, start: number, end: number): Promise<void> {
    const sends: Promise<unknown>[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      for (let i = start; i < end; i++) {
        sends.push(this.producer.send({ topic, partition, value: Buffer.from(`p${partition}-${i}`) }));
      }
    }
    await Promise.all(sends);
  }

  consumer(
    options: Partial<GroupConsumerOptions> & Pick<GroupConsumerOptions, 'groupId' | 'topics'>,
  ): GroupConsumer {
    const consumer = new GroupConsumer({
      bootstrapServers: this.bootstrapServers,
      heartbeatIntervalMs: 20,
      offsetReset: 'earliest',
      fetchMaxWaitMs: 100,
      retryBackoffMs: 10,
      ...options,
    });
    this.consumers.push(consumer);
    return consumer;
  }

  /** By partition; partitions without a commit are left out. */
  async committed(groupId: string, topic: string, partitions: number): Promise<Record<number, number>> {
    const coordinator = new Coordinator(this.cluster, CoordinatorType.GROUP, groupId);
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const found = await fetchCommitted(coordinator, all);
    return Object.fromEntries(
      all.flatMap((at) => {
        const offset = found.get(partitionKey(at))?.offset;
        return offset === undefined ? [] : [[at.partition, offset]];
      }),
    );
  }

  describe(groupId: string): Promise<GroupDescription> {
    return describeGroup(this.cluster, groupId);
  }

  /** Between tests. */
  async closeConsumers(): Promise<void> {
    await Promise.allSettled(this.consumers.splice(0).map((consumer) => consumer.close(1_000)));
  }

  async stop(): Promise<void> {
    await this.closeConsumers();
    await this.producer.close(0);
    this.cluster.close();
    await this.broker.close();
  }
}

/** Waits for something to become true; the test's own time limit ends it otherwise. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}
