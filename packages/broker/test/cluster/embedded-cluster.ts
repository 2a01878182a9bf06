import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import { EmbeddedTree } from '@odradek/broker/adapters/embedded-coordination/embedded-tree.ts';
import { UNKNOWN_SPACE } from '@odradek/broker/adapters/disk-space.ts';
import { MemoryDisk } from '@odradek/broker/adapters/memory-disk.ts';
import { DiskError } from '@odradek/core/ports/disk.ts';
import { WatchedDisk } from '../../../core/test/log/watched-disk.ts';
import { silentLog } from '@odradek/broker/adapters/silent-log.ts';
import { systemClock } from '@odradek/broker/adapters/system-clock.ts';
import { Broker } from '@odradek/broker/broker.ts';
import { loadBrokerConfig } from '@odradek/broker/config/load-broker-config.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { RawClient } from '../serving/raw-client.ts';
import { batchOf, produce } from '../serving/with-broker.ts';

const PATIENCE_MS = 15_000;
const DATA_DIRECTORIES = ['/memory/a', '/memory/b'];

export interface PartitionView {
  readonly leader: number;
  readonly isr: readonly number[];
}

/** The settings of a broker. */
type PropertiesOf = (id: number) => Readonly<Record<string, string>>;

interface Life {
  readonly broker: Broker;
  readonly client: RawClient;
  /** The latest first. */
  readonly sessions: Coordination[];
  isDead: boolean;
}

/** Brokers in this process on one coordination tree, each with a disk that outlives it. */
export class EmbeddedCluster {
  private readonly tree = new EmbeddedTree(':memory:', systemClock);
  private readonly disks = new Map<number, WatchedDisk>();
  private readonly lives = new Map<number, Life>();
  private readonly properties: PropertiesOf;

  private constructor(properties: PropertiesOf) {
    this.properties = properties;
  }

  static async start(
    t: TestContext,
    ids: readonly number[],
    properties: Readonly<Record<string, string>> | PropertiesOf = {},
  ): Promise<EmbeddedCluster> {
    const cluster = new EmbeddedCluster(typeof properties === 'function' ? properties : () => properties);
    t.after(() => cluster.close());
    for (const id of ids) await cluster.startBroker(id);
    return cluster;
  }

  /** The broker begins, on the disk of its last life if it had one. */
  async startBroker(id: number): Promise<void> {
    const disk = this.disks.get(id) ?? new WatchedDisk(new MemoryDisk());
    this.disks.set(id, disk);
    const sessions: Coordination[] = [];
    const broker = await Broker.start({
      loaded: loadBrokerConfig({
        'broker.id': String(id),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'replica.fetch.backoff.ms': '50',
        'replica.lag.time.max.ms': '1000',
        'controlled.shutdown.retry.backoff.ms': '50',
        ...this.properties(id),
      }),
      disk,
      dataDirectories: DATA_DIRECTORIES,
      coordinationFile: ':memory:',
      sharedTree: () => {
        if (this.lives.get(id)?.isDead) throw new Error('the broker is dead');
        const session = this.tree.connect();
        sessions.unshift(session);
        return { session, close: () => new Promise<void>((resolve) => session.close(resolve)) };
      },
      diskSpace: () => UNKNOWN_SPACE,
      log: silentLog,
    });
    const client = await RawClient.connect(broker.addresses[0]!.port);
    this.lives.set(id, { broker, client, sessions, isDead: false });
  }

  /** The broker's session ends from outside, and with it the broker, who can tell nobody. */
  async kill(id: number): Promise<void> {
    const life = this.life(id);
    life.isDead = true;
    await this.expireSession(id);
    this.lives.delete(id);
    await life.broker.stop();
    life.client.close();
  }

  /** The broker's session ends from outside. Resolves when it has noticed. */
  expireSession(id: number): Promise<void> {
    const [session] = this.life(id).sessions;
    return new Promise((resolve) => {
      session!.onSession((state) => {
        if (state === 'expired') resolve();
      });
      this.tree.expireSession(session!.sessionId);
    });
  }

  /** Everything fails in the one of a broker's two data directories in which a partition lies. */
  breakDirectoryOf(id: number, topic: string, index: number): void {
    const disk = this.disks.get(id)!;
    const broken = DATA_DIRECTORIES.find((directory) =>
      disk.list(directory)!.some(({ name }) => name === `${topic}-${index}`),
    );
    assert.notEqual(broken, undefined);
    disk.before = (operation, path) => {
      if (path.startsWith(`${broken}/`)) throw new DiskError('EIO', path, `${operation} failed`);
    };
  }

  /** From the next life on. */
  mendDirectories(id: number): void {
    this.disks.get(id)!.before = () => undefined;
  }

  async stop(id: number): Promise<void> {
    const { broker, client } = this.life(id);
    this.lives.delete(id);
    await broker.stop();
    client.close();
  }

  async close(): Promise<void> {
    for (const id of [...this.lives.keys()]) await this.kill(id);
    this.tree.close();
  }

  /** Of the brokers that are up. */
  get ids(): readonly number[] {
    return [...this.lives.keys()];
  }

  get bootstrapServers(): string {
    return [...this.lives.values()].map(({ broker }) => `127.0.0.1:${broker.addresses[0]!.port}`).join(',');
  }

  client(id: number): RawClient {
    return this.life(id).client;
  }

  async createTopic(
    name: string,
    assignment: readonly (readonly number[])[],
    settings: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
    const assignments = assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }));
    const { topics } = await this.client(await this.controller()).request(createTopicsApi, 5, {
      topics: [{ name, numPartitions: -1, replicationFactor: -1, assignments, configs }],
      timeoutMs: 5_000,
    });
    assert.equal(topics[0]!.errorCode, ErrorCode.NONE, topics[0]!.errorMessage ?? '');
  }

  async deleteTopic(name: string): Promise<void> {
    const { responses } = await this.client(await this.controller()).request(deleteTopicsApi, 5, {
      topicNames: [name],
      timeoutMs: 5_000,
    });
    assert.equal(responses[0]!.errorCode, ErrorCode.NONE);
  }

  /** Until a broker tells of the topic no more. */
  goneFrom(id: number, topic: string): Promise<boolean> {
    return this.once(`${topic} gone from broker ${id}`, async () => {
      const { topics } = await this.metadata(id);
      return topics.some(({ name }) => name === topic) ? null : true;
    });
  }

  /** Commits an offset with the group's coordinator, whoever that is. */
  commit(groupId: string, name: string, partitionIndex: number, committedOffset: number): Promise<boolean> {
    return this.once(`${groupId} at ${committedOffset}`, async () => {
      const coordinator = await this.coordinator(groupId);
      if (coordinator === null) return null;
      const { topics } = await coordinator.request(offsetCommitApi, 7, {
        groupId,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [{ name, partitions: [{ partitionIndex, committedOffset, committedMetadata: null }] }],
      });
      return topics[0]!.partitions[0]!.errorCode === ErrorCode.NONE ? true : null;
    });
  }

  committed(groupId: string, name: string, partitionIndex: number): Promise<number> {
    return this.once(`the offset of ${groupId}`, async () => {
      const coordinator = await this.coordinator(groupId);
      if (coordinator === null) return null;
      const { topics, errorCode } = await coordinator.request(offsetFetchApi, 5, {
        groupId,
        topics: [{ name, partitionIndexes: [partitionIndex] }],
      });
      return errorCode === ErrorCode.NONE ? topics[0]!.partitions[0]!.committedOffset : null;
    });
  }

  private async coordinator(key: string): Promise<RawClient | null> {
    const [anyone] = this.lives.values();
    const { errorCode, nodeId } = await anyone!.client.request(findCoordinatorApi, 2, { key, keyType: 0 });
    return errorCode === ErrorCode.NONE ? (this.lives.get(nodeId)?.client ?? null) : null;
  }

  /** The controller, once all brokers agree who it is. */
  controller(): Promise<number> {
    return this.once('a controller that all know', async () => {
      const told = await Promise.all([...this.lives.keys()].map((id) => this.metadata(id)));
      const [first] = told;
      const isAgreed = told.every(({ controllerId }) => controllerId === first!.controllerId);
      return isAgreed && this.lives.has(first!.controllerId) ? first!.controllerId : null;
    });
  }

  /** What a broker tells of a partition, once that is as wanted. */
  partition(
    id: number,
    topic: string,
    index: number,
    isWanted: (view: PartitionView) => boolean = ({ leader }) => leader >= 0,
  ): Promise<PartitionView> {
    return this.once(`${topic}-${index} as wanted, on broker ${id}`, async () => {
      const { topics } = await this.metadata(id);
      const found = topics
        .find(({ name }) => name === topic)
        ?.partitions.find(({ partitionIndex }) => partitionIndex === index);
      if (found === undefined) return null;
      const view = { leader: found.leaderId, isr: found.isrNodes.toSorted((a, b) => a - b) };
      return isWanted(view) ? view : null;
    });
  }

  async electPreferred(topic: string, index: number): Promise<void> {
    await this.client(await this.controller()).request(electLeadersApi, 2, {
      electionType: 0,
      topicPartitions: [{ topic, partitions: [index] }],
      timeoutMs: 5_000,
    });
  }

  /** Appends with acks=all wherever the leader is. @returns offset */
  async produce(topic: string, index: number, value: string): Promise<number> {
    return this.once(`${value} acknowledged`, async () => {
      const [anyone] = this.lives.keys();
      const { leader } = await this.partition(anyone!, topic, index);
      if (!this.lives.has(leader)) return null;
      const change = { topic, partition: index, acks: -1 };
      const answer = await produce(this.client(leader), batchOf([value]), change);
      return answer.errorCode === ErrorCode.NONE ? answer.baseOffset : null;
    });
  }

  /** All committed values, read from the leader. */
  async values(topic: string, index: number): Promise<string[]> {
    const [anyone] = this.lives.keys();
    const { leader } = await this.partition(anyone!, topic, index);
    const values: string[] = [];
    for (let offset = 0; ;) {
      const answer = await this.client(leader).request(fetchApi, 12, {
        maxWaitMs: 0,
        minBytes: 0,
        sessionEpoch: -1,
        topics: [{ topic, partitions: [{ partition: index, fetchOffset: offset, partitionMaxBytes: 1e6 }] }],
        forgottenTopicsData: [],
      });
      const { records, errorCode } = answer.responses[0]!.partitions[0]!;
      assert.equal(errorCode, ErrorCode.NONE);
      if (records === null || records.length === 0) return values;
      for (const header of batchesOf(records)) {
        for (const record of decodeBatch(header, 1e6)) values.push(String(record.value));
        offset = header.lastOffset + 1;
      }
    }
  }

  private metadata(id: number) {
    return this.client(id).request(metadataApi, 9, { topics: null, allowAutoTopicCreation: false });
  }

  private life(id: number): Life {
    const life = this.lives.get(id);
    if (life === undefined) throw new Error(`broker ${id} is not up`);
    return life;
  }

  private async once<Value>(what: string, look: () => Promise<Value | null>): Promise<Value> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const value = await look();
      if (value !== null) return value;
      if (performance.now() > deadlineMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
      await sleep(10);
    }
  }
}
