import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Consumer, createTopic, deleteTopic, Producer } from '@odradek/client/index.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { commitOffsets, fetchCommitted, TOOL } from '@odradek/client/consumer/committed-offsets.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import { startKafka, type RunningKafka } from '../../scripts/kafka.ts';
import { startZookeeper, type RunningZookeeper } from '../../scripts/zookeeper.ts';
import { startOdradek } from '../targets/odradek.ts';
import type { Target } from '../targets/target.ts';

export const KAFKA = 1;
export const ODRADEKS = [2, 3];
/** How long ZooKeeper holds the place of a broker that has died. */
export const SESSION_MS = 2_000;
const REPLICAS = 1 + ODRADEKS.length;
const TOPIC = 'mixed';
const PARTITIONS = 6;
const PATIENCE_MS = 60_000;
const MESSAGES_PER_STEP = 300;

/** What brokers tell of the topic. */
export interface Told {
  readonly controllerId: number;
  readonly partitions: readonly PartitionTold[];
}

interface PartitionTold {
  readonly leader: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
}

export const byKafka = ({ controllerId }: Told): boolean => controllerId === KAFKA;
export const byOdradek = ({ controllerId }: Told): boolean => ODRADEKS.includes(controllerId);
export const areSpread = (leaders: readonly number[]): boolean => new Set(leaders).size === REPLICAS;
export const leadsNothing =
  (...ids: readonly number[]) =>
  (leaders: readonly number[]): boolean =>
    leaders.every((leader) => leader >= 0 && !ids.includes(leader));
export const areAllInSync = ({ partitions }: Told): boolean =>
  partitions.every(({ isr }) => isr.length === REPLICAS);

/**
 * Two Odradek brokers and an Apache Kafka 3.9 broker with one ZooKeeper, a topic that all three hold, and all that was
 * acknowledged to have been written to it.
 */
export class MixedCluster {
  readonly kafka: RunningKafka;
  readonly odradeks: readonly Odradek[];
  private readonly zookeeper: RunningZookeeper;
  private readonly folder: string;
  private readonly odradekData: readonly string[];
  private readonly bootstrapServers: string;
  private readonly cluster: Cluster;
  private readonly producer: Producer;
  /** By partition, as they were acknowledged: what had to be sent again may be so after what was sent behind it. */
  private readonly acknowledged: string[][] = Array.from({ length: PARTITIONS }, () => []);
  private sentCount = 0;

  private constructor(
    folder: string,
    zookeeper: RunningZookeeper,
    kafka: RunningKafka,
    odradeks: readonly Odradek[],
  ) {
    this.folder = folder;
    this.zookeeper = zookeeper;
    this.kafka = kafka;
    this.odradeks = odradeks;
    this.odradekData = ODRADEKS.map((id) => dataOf(folder, id));
    this.bootstrapServers = [kafka, ...odradeks].map(({ bootstrap }) => bootstrap).join(',');
    this.cluster = new Cluster({ bootstrapServers: this.bootstrapServers });
    this.producer = new Producer({ bootstrapServers: this.bootstrapServers, compression: 'lz4' });
  }

  /** Starts Kafka first: it is the controller. @param kafkaSettings more of its settings */
  static async start(kafkaSettings: Readonly<Record<string, string>> = {}): Promise<MixedCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-mixed-cluster-'));
    const zookeeper = await startZookeeper();
    const shared = {
      'zookeeper.connect': zookeeper.connectString,
      'zookeeper.session.timeout.ms': String(SESSION_MS),
      'default.replication.factor': String(REPLICAS),
      'offsets.topic.replication.factor': String(REPLICAS),
      'replica.lag.time.max.ms': '5000',
      'auto.leader.rebalance.enable': 'false',
      'controlled.shutdown.retry.backoff.ms': '500',
    };
    const kafka = await startKafka({
      version: '3.9',
      quickStart: true,
      overrides: { ...shared, ...kafkaSettings, 'broker.id': String(KAFKA) },
    });
    const odradeks = await Promise.all(
      ODRADEKS.map((id) =>
        startOdradek({ overrides: { ...shared, 'broker.id': String(id), 'log.dirs': dataOf(folder, id) } }),
      ),
    );
    return new MixedCluster(folder, zookeeper, kafka, odradeks);
  }

  async stop(): Promise<void> {
    await this.producer.close().catch(() => {});
    this.cluster.close();
    for (const odradek of this.odradeks) await odradek.stop();
    await this.kafka.stop();
    await this.zookeeper.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  createTopic(): Promise<unknown> {
    return createTopic(this.cluster, { name: TOPIC, partitions: PARTITIONS, replicationFactor: REPLICAS });
  }

  async deleteTopic(): Promise<string> {
    await deleteTopic(this.cluster, TOPIC);
    await eventually('its directories gone', () => {
      const left = [this.kafka.dataDirectory, ...this.odradekData].flatMap((data) =>
        readdirSync(data).filter((name) => /^mixed-\d+$/.test(name)),
      );
      return Promise.resolve(left.length === 0 ? true : null);
    });
    return 'no directory of it is left';
  }

  /** Gives all partitions these replicas, the first of which is preferred, and waits until they have them. */
  async reassign(replicas: readonly number[]): Promise<void> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
      partitionIndex,
      replicas,
    }));
    await this.cluster.requestToController(
      alterPartitionReassignmentsApi,
      { timeoutMs: 10_000, topics: [{ name: TOPIC, partitions }] },
      ({ responses }) => responses.flatMap((topic) => topic.partitions).map(({ errorCode }) => errorCode),
    );
    await this.until('the replicas asked for', (told) =>
      told.partitions.every(
        (partition) =>
          partition.replicas.join() === replicas.join() && partition.isr.length === replicas.length,
      ),
    );
  }

  /** The place of an Odradek broker among `odradeks` that is not the controller. */
  async followerThatIsNotController(): Promise<number> {
    const { controllerId } = await this.until('a controller', ({ controllerId: id }) => id >= 0);
    return ODRADEKS.findIndex((id) => id !== controllerId);
  }

  /** @param forgottenMs how long ZooKeeper holds the dead broker's place, which the target does not wait for */
  async killedUnderLoad(
    target: Pick<Target, 'kill' | 'startAgain'>,
    id: number,
    forgottenMs: number,
  ): Promise<string> {
    await this.electPreferred();
    const load = await this.underLoad(async () => {
      await target.kill();
      await this.until('others leading all', ({ partitions }) => leadsNothing(id)(leadersOf(partitions)));
      await sleep(forgottenMs);
      await target.startAgain();
      await this.until('all in sync', areAllInSync);
      await this.electPreferred();
    });
    return `${load}, then ${await this.copied(areSpread)}`;
  }

  /** Its process goes on without having ended: it has to take a new session and a new life by itself. */
  async sleptUnderLoad(target: Pick<Target, 'pid'>, id: number): Promise<string> {
    await this.electPreferred();
    const load = await this.underLoad(async () => {
      process.kill(target.pid, 'SIGSTOP');
      await this.until('others leading all', ({ partitions }) => leadsNothing(id)(leadersOf(partitions)));
      process.kill(target.pid, 'SIGCONT');
      await this.until('all in sync', areAllInSync);
      await this.electPreferred();
    });
    return `${load}, then ${await this.copied(areSpread)}`;
  }

  /** Produces, and waits until all replicas are in sync and hold the same bytes. */
  async copied(isLedWell: (leaders: readonly number[]) => boolean): Promise<string> {
    const told = await this.until(
      'all in sync and led well',
      (now) => areAllInSync(now) && isLedWell(leadersOf(now.partitions)),
    );
    await this.produce();
    const sizeBytes = await eventually('equal logs', async () => this.equalBytes());
    const led = leadersOf(told.partitions).filter((leader) => leader !== KAFKA).length;
    return `${sizeBytes} bytes equal on all, Odradek leads ${led} of ${PARTITIONS}`;
  }

  /** Produces with some brokers down. */
  async continued(isLedWell: (leaders: readonly number[]) => boolean): Promise<string> {
    await this.until('leaders for all', ({ partitions }) => isLedWell(leadersOf(partitions)));
    await this.produce();
    return `${this.acknowledgedCount()} messages acknowledged`;
  }

  private async produce(): Promise<void> {
    await Promise.all(Array.from({ length: MESSAGES_PER_STEP }, () => this.send()));
  }

  /** Each of its partition after the one before, each until it is acknowledged by all in sync. */
  private async send(): Promise<void> {
    const value = `message ${this.sentCount}, ${randomBytes(this.sentCount % 200).toString('base64')}`;
    const partition = this.sentCount++ % PARTITIONS;
    await this.producer.send({ topic: TOPIC, partition, value: Buffer.from(value) });
    this.acknowledged[partition]!.push(value);
  }

  /** Sends without pause while `act` goes on, and a little longer. */
  private async underLoad(act: () => Promise<unknown>): Promise<string> {
    const before = this.sentCount;
    const load = { isOver: false };
    const failures: Error[] = [];
    const senders = Array.from({ length: PARTITIONS * 4 }, async () => {
      while (!load.isOver) await this.send().catch((error: Error) => failures.push(error));
    });
    await sleep(1_000);
    await act();
    await sleep(1_000);
    load.isOver = true;
    await Promise.all(senders);
    assert.deepEqual(failures, []);
    return `${this.sentCount - before} messages acknowledged meanwhile`;
  }

  private acknowledgedCount(): number {
    return this.acknowledged.reduce((sum, values) => sum + values.length, 0);
  }

  /** Commits with the one coordinator, reads with the other after the first has gone. */
  async groups(): Promise<string> {
    const names = Array.from({ length: 8 }, (_, i) => `group ${i}`);
    for (const [i, name] of names.entries()) {
      await commitOffsets(this.coordinatorOf(name), TOOL, [{ topic: TOPIC, partition: 0, offset: i + 1 }]);
    }
    const readBack = async () => {
      const all = await Promise.all(names.map((name) => fetchCommitted(this.coordinatorOf(name), null)));
      return all.map((found) => [...found.values()][0]?.offset);
    };
    const expected = names.map((_, i) => i + 1);
    assert.deepEqual(await readBack(), expected);
    await this.kafka.shutDown();
    assert.deepEqual(await readBack(), expected, 'from Odradek alone');
    await this.kafka.startAgain();
    await this.until('all in sync', areAllInSync);
    for (const odradek of this.odradeks) await odradek.shutDown();
    assert.deepEqual(await readBack(), expected, 'from Kafka alone');
    for (const odradek of this.odradeks) await odradek.startAgain();
    return `${names.length} groups`;
  }

  private coordinatorOf(group: string): Coordinator {
    return new Coordinator(this.cluster, CoordinatorType.GROUP, group);
  }

  async readAll(): Promise<string> {
    const consumer = new Consumer({ bootstrapServers: this.bootstrapServers });
    const read = new Map<number, string[]>();
    try {
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      await consumer.assign(partitions.map((partition) => ({ topic: TOPIC, partition, from: 0 })));
      let count = 0;
      const deadlineMs = performance.now() + PATIENCE_MS;
      while (count < this.acknowledgedCount() && performance.now() < deadlineMs) {
        for (const { partition, records } of await consumer.poll(1_000)) {
          const values = records.map(({ value }) => String(value));
          read.set(partition, [...(read.get(partition) ?? []), ...values]);
          count += values.length;
        }
      }
      for (const partition of partitions) {
        const expected = this.acknowledged[partition]!.toSorted((a, b) => numberOf(a) - numberOf(b));
        assert.deepEqual(read.get(partition), expected, `partition ${partition}`);
      }
      return `${count} messages`;
    } finally {
      await consumer.close();
    }
  }

  /** @returns the size of all, or null when they differ */
  private equalBytes(): number | null {
    let sizeBytes = 0;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const [one, ...others] = [this.kafka.dataDirectory, ...this.odradekData].map((data) =>
        logBytes(join(data, `${TOPIC}-${partition}`)),
      );
      if (!others.every((other) => one!.equals(other))) return null;
      sizeBytes += one!.length;
    }
    return sizeBytes > 0 ? sizeBytes : null;
  }

  async electPreferred(): Promise<void> {
    await this.cluster.requestToController(
      electLeadersApi,
      { electionType: 0, topicPartitions: null, timeoutMs: 10_000 },
      () => [],
    );
  }

  /** What brokers tell, once it is as wanted. */
  until(what: string, isWanted: (told: Told) => boolean): Promise<Told> {
    return eventually(what, async () => {
      const { controllerId, topics } = await this.cluster.allTopics();
      const topic = topics.find(({ name }) => name === TOPIC);
      const partitions = (topic?.partitions ?? []).map(({ leaderId, isrNodes, replicaNodes }) => ({
        leader: leaderId,
        isr: isrNodes,
        replicas: replicaNodes,
      }));
      const told = { controllerId, partitions };
      return partitions.length === PARTITIONS && isWanted(told) ? told : null;
    });
  }
}

type Odradek = Awaited<ReturnType<typeof startOdradek>>;

function dataOf(folder: string, id: number): string {
  return join(folder, `odradek-${id}`);
}

function leadersOf(partitions: readonly PartitionTold[]): number[] {
  return partitions.map(({ leader }) => leader);
}

function numberOf(message: string): number {
  return Number(/^message (\d+),/.exec(message)![1]);
}

function logBytes(directory: string): Buffer {
  const segments = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return Buffer.concat(segments.toSorted().map((name) => readFileSync(join(directory, name))));
}

async function eventually<Value>(what: string, look: () => Promise<Value | null>): Promise<Value> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    if (performance.now() > deadlineMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await sleep(100);
  }
}
