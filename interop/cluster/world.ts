import { rmSync } from 'node:fs';
import {
  alterConfigs,
  Cluster,
  createTopic,
  deleteTopic,
  describeConfigs,
  describeTopic,
} from '@odradek/client/index.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { listPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/list-partition-reassignments.ts';
import { BrokerNode } from './broker-node.ts';
import type { TestTopic } from './history-reader.ts';
import { Network } from './network.ts';
import { until } from './until.ts';
import { makeWorldFolder } from './world-folder.ts';
import { ZookeeperNode } from './zookeeper-node.ts';

/** zookeeper.session.timeout.ms of all brokers. */
export const SESSION_MS = 6_000;
const THROTTLED_RATE = 'follower.replication.throttled.rate';
const SYNC_DEADLINE_MS = 90_000;
const ZOOKEEPERS = 3;

const SETTINGS = {
  'zookeeper.session.timeout.ms': String(SESSION_MS),
  'zookeeper.connection.timeout.ms': '15000',
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'replica.lag.time.max.ms': '4000',
  'replica.socket.timeout.ms': '4000',
  'controller.socket.timeout.ms': '4000',
  'socket.connection.setup.timeout.ms': '2000',
  'controlled.shutdown.retry.backoff.ms': '500',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '5',
  'log.index.size.max.bytes': '131072',
} as const;

/** Three ZooKeeper servers and several brokers, each on a host of its own. */
export class World {
  readonly network: Network;
  readonly zookeepers: readonly ZookeeperNode[];
  readonly brokers: readonly BrokerNode[];
  readonly folder: string;
  private readonly cluster: Cluster;

  /** Makes hosts and disks, which `removeNow` takes away again. Nothing runs yet. */
  constructor(brokerCount: number) {
    this.network = new Network();
    this.folder = makeWorldFolder();
    const hosts = Array.from({ length: ZOOKEEPERS }, (_, i) => this.network.addHost(`zk${i + 1}`));
    this.zookeepers = hosts.map((host) => new ZookeeperNode(host, hosts, this.folder));
    const connect = this.zookeepers.map(({ address }) => address).join(',');
    const settings = { ...SETTINGS, 'zookeeper.connect': connect };
    this.brokers = Array.from(
      { length: brokerCount },
      (_, i) => new BrokerNode(i + 1, this.network.addHost(`b${i + 1}`), this.folder, settings),
    );
    this.cluster = new Cluster({
      bootstrapServers: this.bootstrapServers,
      apiTimeoutMs: 10_000,
      requestTimeoutMs: 3_000,
      connectionSetupTimeoutMs: 2_000,
    });
  }

  /** @throws Error when something does not start */
  async start(): Promise<void> {
    await Promise.all(this.zookeepers.map((server) => server.start()));
    await Promise.all(this.brokers.map((broker) => broker.start()));
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ address }) => address).join(',');
  }

  broker(id: number): BrokerNode {
    return this.brokers[id - 1]!;
  }

  others(broker: BrokerNode): BrokerNode[] {
    return this.brokers.filter((other) => other !== broker);
  }

  /** The leader of a partition, once there is one. */
  async leader(topic: string, partition: number): Promise<BrokerNode> {
    let id = -1;
    await until(`${topic}-${partition} has a leader`, SYNC_DEADLINE_MS, async () => {
      // A broker that has just started is asked before the controller has told it of the topic.
      const told = await describeTopic(this.cluster, topic).catch(() => null);
      id = told?.partitions[partition]?.leaderId ?? -1;
      return id > 0;
    });
    return this.broker(id);
  }

  /** The broker that coordinates a group, once there is one. */
  async coordinator(group: string): Promise<BrokerNode> {
    let id = -1;
    await until(`group ${group} has a coordinator`, SYNC_DEADLINE_MS, async () => {
      const found = new Coordinator(this.cluster, CoordinatorType.GROUP, group).find();
      id = await found.then(
        ({ nodeId }) => nodeId,
        () => -1,
      );
      return id > 0;
    });
    return this.broker(id);
  }

  /** A topic with three replicas of each partition. */
  async createTopic(name: string): Promise<TestTopic> {
    const partitions = 3;
    await createTopic(this.cluster, { name, partitions });
    return { name, partitions, bootstrapServers: this.bootstrapServers };
  }

  deleteTopic(name: string): Promise<void> {
    return deleteTopic(this.cluster, name);
  }

  /** What each broker may send and take of a topic's replicas that are not in sync; null: as much as it can. */
  async throttle(topic: string, bytesPerSecond: number | null): Promise<void> {
    const change = (what: string, value: string | null) => ({
      [`leader.replication.throttled.${what}`]: value,
      [`follower.replication.throttled.${what}`]: value,
    });
    const [rate, replicas] = bytesPerSecond === null ? [null, null] : [String(bytesPerSecond), '*'];
    await alterConfigs(this.cluster, { type: 'topic', name: topic }, change('replicas', replicas));
    const nodeIds = this.brokers.map((_, i) => i + 1);
    for (const nodeId of nodeIds)
      await alterConfigs(this.cluster, { type: 'broker', nodeId }, change('rate', rate));
    if (rate === null) return;
    // Brokers hear of it one after the other, and of the topic before: what is moved meanwhile goes as fast as it can.
    for (const nodeId of nodeIds) {
      await until(`broker ${nodeId} throttles`, SYNC_DEADLINE_MS, async () => {
        const settings = await describeConfigs(this.cluster, { type: 'broker', nodeId });
        return settings.some(({ name, value }) => name === THROTTLED_RATE && value === rate);
      });
    }
  }

  /** Begins to move every partition of a topic to the brokers that are next to its own. */
  async moveOn(topic: string): Promise<void> {
    const { partitions } = await describeTopic(this.cluster, topic);
    const next = (id: number) => (id % this.brokers.length) + 1;
    const wanted = partitions.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      replicas: replicas.map(next),
    }));
    await this.cluster.requestToController(
      alterPartitionReassignmentsApi,
      () => ({ topics: [{ name: topic, partitions: wanted }], timeoutMs: 10_000 }),
      ({ errorCode, responses }) => [
        errorCode,
        ...responses.flatMap((ofTopic) => ofTopic.partitions.map((one) => one.errorCode)),
      ],
    );
  }

  /** Resolves when no partition is on its way to other brokers. */
  async allMoved(): Promise<void> {
    await until('all reassignments are done', SYNC_DEADLINE_MS, async () => {
      const { topics } = await this.cluster.requestToController(
        listPartitionReassignmentsApi,
        () => ({ topics: null, timeoutMs: 10_000 }),
        ({ errorCode }) => [errorCode],
      );
      return topics.length === 0;
    });
  }

  /** The broker that is the controller, once there is one. */
  async controller(): Promise<BrokerNode> {
    let id = -1;
    await until('there is a controller', SYNC_DEADLINE_MS, async () => {
      id = (await this.cluster.allTopics()).controllerId;
      return id > 0;
    });
    return this.broker(id);
  }

  async zookeeperLeader(): Promise<ZookeeperNode> {
    for (;;) {
      for (const server of this.zookeepers) if ((await server.role()) === 'leader') return server;
    }
  }

  /** Resolves when all brokers are there and all partitions have a leader and all of their replicas in sync. */
  async allInSync(): Promise<void> {
    await until('all brokers are there and all replicas in sync', SYNC_DEADLINE_MS, async () => {
      const told = await this.cluster.allTopics().catch(() => null);
      if (told === null || told.brokers.length < this.brokers.length) return false;
      const partitions = told.topics.flatMap((topic) => topic.partitions);
      return partitions.every(
        ({ leaderId, isrNodes, replicaNodes }) => leaderId > 0 && isrNodes.length === replicaNodes.length,
      );
    });
  }

  /** Ends all faults: links, clocks and disks are well, and every process runs. */
  async heal(): Promise<void> {
    this.network.heal();
    for (const server of this.zookeepers) server.resume();
    for (const broker of this.brokers) {
      broker.resume();
      broker.disk.free();
      broker.setClock('+0');
    }
    await Promise.all(this.zookeepers.filter(({ isRunning }) => !isRunning).map((server) => server.start()));
    await Promise.all(this.brokers.filter(({ isRunning }) => !isRunning).map((broker) => broker.start()));
  }

  async remove(): Promise<void> {
    this.cluster.close();
    await Promise.allSettled([...this.brokers, ...this.zookeepers].map((node) => node.kill()));
    this.removeNow();
  }

  /** For the end of the process, when there is no time to wait. Does no harm the second time. */
  removeNow(): void {
    this.network.remove();
    for (const broker of this.brokers) broker.remove();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
