import assert from 'node:assert/strict';
import { GROUP_OFFSETS_TOPIC } from '@odradek/core/controller/topic-name.ts';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '@odradek/core/log/log-manager.ts';
import type { Disk } from '@odradek/core/ports/disk.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { ManualTime, countingRandom } from '../../../core/test/log/log-world.ts';
import { MemoryDisk } from '../../src/adapters/memory-disk.ts';
import type { BrokerServices } from '../../src/broker-services.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import type { BrokerConfig } from '../../src/config/broker-config.ts';
import { GroupRuntime } from '../../src/groups/group-runtime.ts';
import { CLOSE_CONNECTION, InSteps } from '../../src/handlers/handler.ts';
import type { Handler, RequestContext } from '../../src/handlers/handler.ts';
import { FakeLegacyOffsets } from './fake-legacy-offsets.ts';

const NODE = 1;

/** Uuid of the n-th topic. */
export function topicIdOf(n: number): string {
  const bytes = Buffer.alloc(16, 0);
  bytes.writeUInt32BE(n + 100, 12);
  return bytes.toString('base64url');
}

interface TopicEntry {
  readonly topicId: string;
  readonly partitions: { readonly leader: number }[];
}

/**
 * As much of a broker as its group APIs need, on real logs in memory: requests go through the codecs of their
 * version both ways. Topics are made by hand; the offsets topic by the first who looks for a coordinator.
 */
export class GroupBroker {
  readonly time: ManualTime;
  readonly disk: Disk;
  readonly config: BrokerConfig;
  readonly topics = new Map<string, TopicEntry>();
  readonly legacyOffsets = new FakeLegacyOffsets();
  readonly warnings: string[] = [];
  /** Errors that were logged; a test that expects none fails at the first. */
  readonly errors: string[] = [];
  expectsErrors = false;
  replicas!: ReplicaManager;
  groups!: GroupRuntime;
  /** ensureInternalTopic fails with this. */
  topicError: Error | null = null;
  private logs!: LogManager;
  private topicsDeleted: (topics: readonly string[]) => void = () => {};
  private leaderEpoch = 0;

  constructor(overrides: Record<string, string> = {}) {
    this.time = new ManualTime();
    this.disk = new MemoryDisk(() => this.time.now());
    this.config = loadBrokerConfig(null, {
      'offsets.topic.num.partitions': '5',
      'group.initial.rebalance.delay.ms': '0',
      ...overrides,
    }).config;
    this.start();
  }

  createTopic(name: string, partitionCount = 2): void {
    const topicId = topicIdOf(this.topics.size);
    this.topics.set(name, {
      topicId,
      partitions: Array.from({ length: partitionCount }, () => ({ leader: NODE })),
    });
  }

  deleteTopic(name: string): void {
    this.topics.delete(name);
    this.topicsDeleted([name]);
  }

  async createOffsetsTopic(): Promise<void> {
    assert.equal(await this.groups.coordinatorFor('any'), NODE);
  }

  /** Stops and starts again on the same disk. */
  restart(): void {
    this.groups.stop();
    this.logs.close();
    this.start();
    this.lead();
  }

  resign(): void {
    this.replicas.applyLeadership(this.leadership(NODE + 1));
  }

  lead(): void {
    this.replicas.applyLeadership(this.leadership(NODE));
  }

  async request<Request, ResponseInput, Response, RequestInput>(
    handler: Handler<Request, ResponseInput> & {
      readonly api: {
        writeRequest(writer: Writer, message: RequestInput, version: number): void;
        readResponse(reader: Reader, version: number): Response;
      };
    },
    apiVersion: number,
    message: RequestInput,
  ): Promise<Response> {
    return (await this.parked(handler, apiVersion, message)) as Response;
  }

  /** As `request`, without waiting: undefined while it is parked. */
  send<Request, ResponseInput>(
    handler: Handler<Request, ResponseInput>,
    apiVersion: number,
    message: unknown,
  ): Promise<unknown> {
    return this.parked(handler, apiVersion, message);
  }

  private async parked<Request, ResponseInput>(
    handler: Handler<Request, ResponseInput>,
    apiVersion: number,
    message: unknown,
  ): Promise<unknown> {
    const writer = new Writer();
    handler.api.writeRequest(writer, message as never, apiVersion);
    const reader = new Reader(writer.toBuffer());
    const request = handler.api.readRequest(reader, apiVersion);
    assert.equal(reader.remaining, 0);
    const response = await handler.handle(request, this.context(apiVersion));
    // The buffer of a request is used again for the next one.
    reader.buffer.fill(0xee);
    assert.ok(response !== null && response !== CLOSE_CONNECTION && !(response instanceof InSteps));
    const answer = new Writer();
    handler.api.writeResponse(answer, response, apiVersion);
    return handler.api.readResponse(new Reader(answer.toBuffer()), apiVersion);
  }

  private start(): void {
    const { time, disk, config } = this;
    const random = countingRandom();
    const log: LogSink = {
      debug: () => {},
      info: () => {},
      warn: (message) => this.warnings.push(message),
      error: (message, values) => {
        if (!this.expectsErrors) throw new Error(message, { cause: values?.['error'] });
        this.errors.push(message);
      },
    };
    this.logs = new LogManager(
      { disk, clock: time, timers: time, random, log },
      { ...DEFAULT_LOG_INTERVALS, directories: ['/data'], configOf: () => DEFAULT_LOG_CONFIG },
    );
    this.logs.open();
    this.replicas = new ReplicaManager({
      nodeId: NODE,
      logs: this.logs,
      clock: time,
      timers: time,
      log,
      peers: { isLive: () => true, proposeInSync: () => {}, follow: () => {}, unfollow: () => {} },
      lagMaxMs: () => 30_000,
      settingsOf: () => ({ minInsyncReplicas: 1, log: DEFAULT_LOG_CONFIG }),
    });
    this.groups = new GroupRuntime({
      clock: time,
      timers: time,
      random,
      log,
      config,
      replicas: this.replicas,
      topics: {
        ensureInternalTopic: async () => this.ensureOffsetsTopic(),
        onTopicsDeleted: (listener) => (this.topicsDeleted = listener),
      },
      metadata: this.metadata as unknown as BrokerServices['metadata'],
      legacyOffsets: this.legacyOffsets.asPort(),
    });
    this.groups.start();
  }

  private ensureOffsetsTopic(): void {
    if (this.topicError !== null) throw this.topicError;
    this.createTopic(GROUP_OFFSETS_TOPIC, this.config.offsetsTopicNumPartitions);
    this.lead();
  }

  private leadership(leader: number) {
    const topic = this.topics.get(GROUP_OFFSETS_TOPIC);
    if (topic === undefined) return [];
    this.leaderEpoch += 1;
    return topic.partitions.map((_, partition) => ({
      topic: GROUP_OFFSETS_TOPIC,
      topicId: topic.topicId,
      partition,
      leader,
      leaderEpoch: this.leaderEpoch,
      partitionEpoch: this.leaderEpoch,
      isr: [leader],
      replicas: [leader],
      isNew: false,
    }));
  }

  private readonly metadata = {
    topic: (name: string) => this.topics.get(name),
    topicName: (topicId: string) => [...this.topics].find(([, topic]) => topic.topicId === topicId)?.[0],
    partition: (name: string, index: number) => this.topics.get(name)?.partitions[index],
  };

  private context(apiVersion: number): RequestContext {
    const { config, groups, metadata } = this;
    return {
      apiVersion,
      correlationId: 1,
      clientId: 'client',
      connectionId: 'connection',
      clientHost: '127.0.0.1',
      listenerName: 'PLAINTEXT',
      broker: { config, groups, metadata } as unknown as BrokerServices,
    } as unknown as RequestContext;
  }
}
