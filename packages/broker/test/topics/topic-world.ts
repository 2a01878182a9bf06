import assert from 'node:assert/strict';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import type { ErrorName } from '@odradek/protocol/errors.ts';
import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import { KafkaError } from '@odradek/protocol/errors.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import type { BrokerEndpoint } from '@odradek/core/controller/broker-registration.ts';
import type { BrokerChannels } from '@odradek/core/controller/broker-channels.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LeadershipChange } from '@odradek/core/replication/leadership.ts';
import { EmbeddedTree } from '../../src/adapters/embedded-coordination/embedded-tree.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { systemRandom } from '../../src/adapters/system-random.ts';
import { SystemTimers } from '../../src/adapters/system-timers.ts';
import type { BrokerServices } from '../../src/broker-services.ts';
import { type BrokerConfig } from '../../src/config/broker-config.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import type { ConfigService } from '../../src/config/config-service.ts';
import { openConfigService } from '../../src/config/live-config-service.ts';
import { type Handler, InSteps, type RequestContext } from '../../src/handlers/handler.ts';
import { ClusterMembership } from '../../src/topics/cluster-membership.ts';
import { MetadataView } from '../../src/topics/metadata-view.ts';
import { TopicService } from '../../src/topics/topic-service.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

export interface TopicWorldOptions {
  readonly overrides?: Readonly<Record<string, string>>;
  /** The tree of a world before, which must have been stopped. */
  readonly tree?: EmbeddedTree;
  /** Brokers that are registered beside this one. */
  readonly others?: readonly { readonly nodeId: number; readonly listenerNames?: readonly string[] }[];
}

/** The topic half of a broker on a tree in memory: everything but logs and sockets. */
export class TopicWorld {
  readonly tree: EmbeddedTree;
  readonly session: Coordination;
  readonly state: ClusterState;
  readonly config: BrokerConfig;
  readonly configs: ConfigService;
  readonly metadata: MetadataView;
  readonly topics: TopicService;
  readonly leaderships: LeadershipChange[];
  readonly stopped: string[];

  private constructor(parts: Omit<TopicWorld, 'ask' | 'stop' | 'restart' | 'createTopic'>) {
    this.tree = parts.tree;
    this.session = parts.session;
    this.state = parts.state;
    this.config = parts.config;
    this.configs = parts.configs;
    this.metadata = parts.metadata;
    this.topics = parts.topics;
    this.leaderships = parts.leaderships;
    this.stopped = parts.stopped;
  }

  static async start(options: TopicWorldOptions = {}): Promise<TopicWorld> {
    const tree = options.tree ?? new EmbeddedTree(':memory:', systemClock);
    const session = tree.connect();
    const state = new ClusterState();
    const loaded = loadBrokerConfig(null, options.overrides ?? {});
    const { config } = loaded;
    const shared = { coordination: session, state, clock: systemClock, random: systemRandom, log };
    const membership = new ClusterMembership(shared);
    await membership.join(null);
    const metadata = new MetadataView(state);
    const configs = await openConfigService({
      ...shared,
      loaded,
      topicExists: (topic) => metadata.topic(topic) !== undefined,
    });
    const leaderships: LeadershipChange[] = [];
    const stopped: string[] = [];
    const channels: BrokerChannels = {
      outrank: () => {},
      open: () => {},
      close: () => {},
      closeAll: () => {},
      send: (brokerId, { leadership, stops }, answered) => {
        if (brokerId === config.brokerId) {
          leaderships.push(...leadership);
          stopped.push(...stops.map(({ topic, partition }) => `${topic}-${partition}`));
        }
        queueMicrotask(() => answered({ leadershipErrors: [], stopErrors: [] }));
      },
    };
    const timers = new SystemTimers();
    const topics = new TopicService({
      ...shared,
      config,
      configs,
      channels,
      timers,
      createThroughController: () => assert.fail('this broker is the controller'),
    });
    for (const { nodeId, listenerNames } of options.others ?? [])
      await new ClusterMembership({ ...shared, coordination: tree.connect() }).register({
        nodeId,
        endpoints: (listenerNames ?? ['PLAINTEXT']).map((name) => endpoint(name, 9092 + nodeId)),
        rack: null,
      });
    await membership.register({
      nodeId: config.brokerId,
      endpoints: [endpoint('PLAINTEXT', 9092)],
      rack: null,
    });
    await topics.start();
    return new TopicWorld({ tree, session, state, config, configs, metadata, topics, leaderships, stopped });
  }

  /** The broker's process ends and another starts on the same tree. */
  restart(options: TopicWorldOptions = {}): Promise<TopicWorld> {
    this.tree.expireSession(this.session.sessionId);
    return TopicWorld.start({ ...options, tree: this.tree });
  }

  stop(): void {
    this.tree.close();
  }

  async createTopic(name: string, partitionCount = 1): Promise<string> {
    const settings = new Map<string, string>();
    const creation = { name, partitionCount, replicationFactor: -1, assignments: [], settings };
    const outcome = (await this.topics.createTopics([creation], false)).get(name)!;
    assert.ok('topicId' in outcome, JSON.stringify(outcome));
    return outcome.topicId;
  }

  /** Sends a request through the bytes of a version, both ways, as the dispatcher does. */
  async ask<Request, RequestInput, Response, ResponseInput>(
    api: ApiCodec<Request, RequestInput, Response, ResponseInput>,
    handler: Handler<Request, ResponseInput>,
    apiVersion: number,
    input: RequestInput,
    listenerName = 'PLAINTEXT',
  ): Promise<Response> {
    const request = throughBytes(
      (writer) => api.writeRequest(writer, input, apiVersion),
      (reader) => api.readRequest(reader, apiVersion),
    );
    const context = this.context(apiVersion, listenerName);
    let answer;
    try {
      const handled = await handler.handle(request, context);
      answer = handled instanceof InSteps ? handled.finish() : handled;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      answer = handler.failed(request, error.code, context);
    }
    return throughBytes(
      (writer) => api.writeResponse(writer, answer as ResponseInput, apiVersion),
      (reader) => api.readResponse(reader, apiVersion),
    );
  }

  private context(apiVersion: number, listenerName: string): RequestContext {
    const { config, configs, metadata, topics } = this;
    // These handlers use nothing else of the broker.
    const broker = { config, configs, metadata, topics } as unknown as BrokerServices;
    return {
      apiVersion,
      correlationId: 1,
      clientId: 'test',
      connectionId: '1',
      clientHost: '127.0.0.1',
      listenerName,
      broker,
    } as RequestContext;
  }
}

function endpoint(listenerName: string, port: number): BrokerEndpoint {
  return { listenerName, securityProtocol: 'PLAINTEXT', host: 'localhost', port };
}

function throughBytes<Message>(write: (writer: Writer) => void, read: (reader: Reader) => Message): Message {
  const writer = new Writer();
  write(writer);
  const reader = new Reader(writer.toBuffer());
  return read(reader);
}

/** Compares codes by their names, so that a failure can be read. */
export function assertCode(code: number, expected: ErrorName, what?: string): void {
  assert.equal(errorName(code), errorName(ErrorCode[expected]), what);
}

/** Versions that a handler serves. */
export function versionsOf(handler: { versionMin: number; versionMax: number }): number[] {
  return Array.from(
    { length: handler.versionMax - handler.versionMin + 1 },
    (_, i) => handler.versionMin + i,
  );
}
