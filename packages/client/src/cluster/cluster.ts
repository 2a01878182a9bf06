import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { MetadataRequestInput } from '@odradek/protocol/generated/metadata-request.ts';
import type { MetadataResponse } from '@odradek/protocol/generated/metadata-response.ts';
import {
  ClosedError,
  ConnectionError,
  RequestTimeoutError,
  UnsupportedApiError,
  asError,
  isRetriableError,
} from '../errors.ts';
import type { Connection, RequestBody } from '../network/connection.ts';
import type { Timer } from '../ports/clock.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address } from '../ports/sockets.ts';
import { delay } from './backoff.ts';
import { refuseUnknown } from '../options.ts';
import {
  CLUSTER_OPTION_NAMES,
  clusterSettings,
  type ClusterOptions,
  type ClusterSettings,
} from './cluster-options.ts';
import { ConnectionPool, type Channel } from './connection-pool.ts';
import { MetadataCache, type BrokerNode, type TopicMetadata } from './metadata-cache.ts';
import { MetadataSources } from './metadata-sources.ts';
import { retrying } from './retrying.ts';

/** The answer of the broker may take so much longer than the broker was asked to wait, unless less is allowed. */
const LONG_POLL_SLACK_MS = 5_000;

/** However short metadata lives: consumers name what they use now and then, and take what is forgotten for gone. */
const TOPIC_IDLE_MIN_MS = 60_000;
/** From which on topics can be asked for by id. */
const TOPIC_ID_VERSION = 12;

export interface ClusterRequestOptions {
  readonly channel?: Channel;
  /** Default: the request timeout of the settings. */
  readonly timeoutMs?: number;
  /** The broker was asked to hold the answer for so long, milliseconds: added to the timeout. */
  readonly brokerWaitMs?: number;
  readonly versionMax?: number;
}

/**
 * One cluster as a client sees it: where its brokers are, which of them leads what, and requests to the right
 * one. Topics that were asked for stay known and are renewed in the background until they are unused for as long
 * as metadata may live.
 */
export class Cluster {
  readonly settings: ClusterSettings;
  readonly environment: ClientEnvironment;
  readonly metadata = new MetadataCache();
  private readonly pool: ConnectionPool;
  private readonly sources: MetadataSources;
  /** Topics in use, with the monotonic time of their last use. */
  private readonly usedTopics = new Map<string, number>();
  private readonly mutedUntilMs = new Map<number, number>();
  private queuedTopics = new Map<string, { create: boolean }>();
  private queuedRefresh: Promise<Map<string, number>> | null = null;
  private runningRefresh: Promise<unknown> = Promise.resolve();
  private renewal: Timer | null = null;
  private isClosed = false;

  /** Connects when first used. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: ClusterOptions) {
    refuseUnknown('a cluster', options, CLUSTER_OPTION_NAMES);
    this.settings = clusterSettings(options);
    this.environment = this.settings.environment;
    this.sources = new MetadataSources(this.settings, this.metadata);
    this.pool = new ConnectionPool(this.environment, {
      clientId: this.settings.clientId,
      setupTimeoutMs: this.settings.connectionSetupTimeoutMs,
      frameSizeMaxBytes: this.settings.receiveMaxBytes,
      tls: this.settings.tls,
      sasl: this.settings.sasl,
      onExchange: this.settings.onExchange,
      reconnectBackoff: this.settings.backoff,
      idleMaxMs: this.settings.connectionsMaxIdleMs,
    });
  }

  /**
   * What is known of a topic; asks when nothing is, and waits as long as the brokers say "not yet".
   *
   * @throws KafkaError when the topic cannot exist or is unknown when the time is up; RequestTimeoutError
   */
  async topic(
    name: string,
    options: { readonly create?: boolean; readonly timeoutMs?: number } = {},
  ): Promise<TopicMetadata> {
    this.usedTopics.set(name, this.environment.clock.monotonic());
    const known = this.metadata.topic(name);
    if (known !== undefined) return known;
    const timeoutMs = options.timeoutMs ?? this.settings.apiTimeoutMs;
    try {
      return await retrying(this.environment, { timeoutMs, backoff: this.settings.backoff }, () =>
        this.askForTopic(name, options.create ?? false),
      );
    } catch (error) {
      this.usedTopics.delete(name);
      if (error instanceof RequestTimeoutError && error.cause instanceof KafkaError) throw error.cause;
      throw error;
    }
  }

  /** Notes that a topic is in use, so that it stays known, or becomes so once it exists. */
  touch(name: string): void {
    this.usedTopics.set(name, this.environment.clock.monotonic());
    if (this.renewal === null) this.renewLater();
  }

  /** Stops renewing what is known of a topic, and forgets it. */
  forgetTopic(name: string): void {
    this.usedTopics.delete(name);
    this.metadata.forget(name);
  }

  /** The broker that leads a partition. @throws KafkaError LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC_OR_PARTITION */
  leader(topic: string, partition: number): BrokerNode {
    const known = this.metadata.partition(topic, partition);
    if (known === undefined) {
      throw new KafkaError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `topic "${topic}" has no partition ${partition}`,
      );
    }
    const node = this.metadata.node(known.leaderId);
    if (node !== undefined) return node;
    throw new KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, `${topic}-${partition} has no leader at present`);
  }

  /**
   * Asks anew about topics. At most one such request runs at a time and one more waits, however many callers.
   *
   * @returns the error codes of those topics that have one
   * @throws ConnectionError when no broker can be reached
   */
  refresh(
    topics: Iterable<string>,
    options: { readonly create?: boolean } = {},
  ): Promise<Map<string, number>> {
    for (const topic of topics) {
      const create = (options.create ?? false) || (this.queuedTopics.get(topic)?.create ?? false);
      this.queuedTopics.set(topic, { create });
    }
    this.queuedRefresh ??= this.startRefresh();
    return this.queuedRefresh;
  }

  /** Everything about all topics; not kept, except for what is known of the brokers. */
  async allTopics(): Promise<MetadataResponse> {
    const answer = await this.askForMetadata((version) => metadataRequest(version, null, false));
    this.noteNodes(answer);
    return answer;
  }

  /** Asks what is to be known of topics of which only the ids are; ids without a topic are left out. @throws as `refresh` */
  async learnNames(topicIds: readonly string[]): Promise<void> {
    const answer = await this.askForMetadata((version) => {
      if (version < TOPIC_ID_VERSION) throw new UnsupportedApiError('the broker knows no topic ids');
      return { topics: topicIds.map((topicId) => ({ topicId, name: null })), allowAutoTopicCreation: false };
    });
    this.metadata.apply(answer);
    for (const { name } of answer.topics) if (name !== null && this.metadata.topic(name)) this.touch(name);
  }

  /** The brokers of the cluster, asking for them when none is known. */
  async nodes(): Promise<readonly BrokerNode[]> {
    if (this.metadata.nodes.length === 0) await this.refresh([]);
    return this.metadata.nodes;
  }

  /**
   * One request to one broker; no retries. Where there is a connection it leaves before this returns.
   *
   * @throws ConnectionError, RequestTimeoutError, UnsupportedApiError
   */
  async request<RequestInput, Response extends object>(
    node: BrokerNode,
    api: ApiCodec<unknown, RequestInput, Response, never>,
    body: RequestBody<RequestInput>,
    options: ClusterRequestOptions = {},
  ): Promise<Response> {
    if (this.mutedUntilMs.has(node.nodeId)) await this.untilUnmuted(node.nodeId);
    const channel = options.channel ?? 'main';
    const connection = this.pool.ready(node, channel) ?? (await this.connection(node, channel));
    const timeoutMs = this.timeoutMs(options);
    const { versionMax } = options;
    const answer = await connection.request(
      api,
      body,
      versionMax === undefined ? { timeoutMs } : { timeoutMs, versionMax },
    );
    this.noteThrottle(node.nodeId, answer.body);
    return answer.body;
  }

  /** One request that nobody answers. @throws ConnectionError, RequestTimeoutError, UnsupportedApiError */
  async send<RequestInput>(
    node: BrokerNode,
    api: ApiCodec<unknown, RequestInput, unknown, never>,
    body: RequestBody<RequestInput>,
    versionMax: number,
  ): Promise<void> {
    const connection = this.pool.ready(node, 'main') ?? (await this.connection(node, 'main'));
    connection.send(api, body, versionMax);
  }

  /** A request to whichever broker answers; brokers that cannot be reached are passed over. */
  async requestToAny<RequestInput, Response extends object>(
    api: ApiCodec<unknown, RequestInput, Response, never>,
    body: RequestBody<RequestInput>,
  ): Promise<Response> {
    const failures: Error[] = [];
    for (const address of this.sources.inTurn()) {
      try {
        const connection = await this.connection(address, 'main');
        const answer = await connection.request(api, body, { timeoutMs: this.settings.requestTimeoutMs });
        this.sources.answered();
        return answer.body;
      } catch (error) {
        if (!isRetriableError(error)) {
          this.sources.answered();
          throw error;
        }
        failures.push(asError(error));
      }
    }
    throw unreachable(failures);
  }

  /**
   * A request that only the controller can serve. Repeated while the controller moves or cannot be reached.
   *
   * @param errorsOf every error code of an answer
   */
  requestToController<RequestInput, Response extends object>(
    api: ApiCodec<unknown, RequestInput, Response, never>,
    body: RequestBody<RequestInput>,
    errorsOf: (answer: Response) => readonly number[],
    timeoutMs = this.settings.apiTimeoutMs,
  ): Promise<Response> {
    return retrying(this.environment, { timeoutMs, backoff: this.settings.backoff }, async () => {
      await this.refresh([]);
      const controller = this.metadata.node(this.metadata.controllerId);
      if (controller === undefined) {
        throw new KafkaError(ErrorCode.NOT_CONTROLLER, 'the cluster has no controller at present');
      }
      const answer = await this.request(controller, api, body, { brokerWaitMs: timeoutMs });
      if (errorsOf(answer).includes(ErrorCode.NOT_CONTROLLER)) {
        throw new KafkaError(ErrorCode.NOT_CONTROLLER, `broker ${controller.nodeId} is not the controller`);
      }
      return answer;
    });
  }

  /** The level of a feature that the cluster agreed on (KIP-584), as last heard; 0 when it has none. */
  featureLevel(name: string): number {
    return this.pool.features.levels.get(name) ?? 0;
  }

  /** An open connection, for requests without an answer and for questions about versions. */
  connection(address: Address, channel: Channel): Promise<Connection> {
    return this.isClosed ? Promise.reject(new ClosedError('client')) : this.pool.connection(address, channel);
  }

  /** Drops all connections at once; whatever waits fails with ClosedError. */
  close(): void {
    this.isClosed = true;
    this.renewal?.cancel();
    this.pool.close();
  }

  private async askForTopic(name: string, create: boolean): Promise<TopicMetadata> {
    const errors = await this.refresh([name], { create });
    const found = this.metadata.topic(name);
    if (found !== undefined) return found;
    const code = errors.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    throw new KafkaError(
      code,
      code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        ? `there is no topic "${name}"`
        : `topic "${name}": ${errorName(code)}`,
    );
  }

  private startRefresh(): Promise<Map<string, number>> {
    const run = this.runningRefresh.then(async () => {
      const topics = this.queuedTopics;
      this.queuedTopics = new Map();
      this.queuedRefresh = null;
      return this.refreshNow(topics);
    });
    this.runningRefresh = run.catch(() => undefined);
    return run;
  }

  private async refreshNow(topics: Map<string, { create: boolean }>): Promise<Map<string, number>> {
    const names = [...topics.keys()];
    const create = [...topics.values()].some((topic) => topic.create);
    const answer = await this.askForMetadata((version) => metadataRequest(version, names, create));
    const errors = this.metadata.apply(answer);
    for (const [name, code] of errors) if (!isRetriable(code)) this.metadata.forget(name);
    this.dropGoneConnections();
    this.renewLater();
    return errors;
  }

  /** @throws ConnectionError; KafkaError when the broker does not describe its cluster */
  private async askForMetadata(body: RequestBody<MetadataRequestInput>): Promise<MetadataResponse> {
    let answer = await this.requestToAny(metadataApi, body);
    if (this.isToStartOver(answer)) {
      this.startOver();
      answer = await this.requestToAny(metadataApi, body);
      // Told again at the addresses to start from: another attempt, after a pause, may find a cluster there.
      if (this.isToStartOver(answer)) throw new ConnectionError('every broker says to ask elsewhere');
    }
    if (answer.errorCode === ErrorCode.NONE) return answer;
    throw new KafkaError(answer.errorCode, 'the broker refused to describe its cluster');
  }

  private isToStartOver({ errorCode }: MetadataResponse): boolean {
    const { metadataRecoveryStrategy } = this.settings;
    return errorCode === ErrorCode.REBOOTSTRAP_REQUIRED && metadataRecoveryStrategy === 'rebootstrap';
  }

  /** A broker knows that this client is at the wrong place (KIP-1102): names may lead elsewhere by now. */
  private startOver(): void {
    this.metadata.forgetNodes();
    this.pool.retain([]);
  }

  private noteNodes(answer: MetadataResponse): void {
    this.metadata.apply({ ...answer, topics: [] });
    this.dropGoneConnections();
  }

  private dropGoneConnections(): void {
    this.pool.retain([...this.metadata.nodes, ...this.settings.bootstrap]);
  }

  private renewLater(): void {
    this.renewal?.cancel();
    this.renewal = null;
    if (this.isClosed || this.usedTopics.size === 0) return;
    this.renewal = this.environment.timers.after(this.settings.metadataMaxAgeMs, () => {
      this.renewal = null;
      this.forgetUnused();
      if (this.usedTopics.size > 0) void this.refresh(this.usedTopics.keys()).catch(() => this.renewLater());
    });
  }

  private forgetUnused(): void {
    const idleMs = Math.max(2 * this.settings.metadataMaxAgeMs, TOPIC_IDLE_MIN_MS);
    const limitMs = this.environment.clock.monotonic() - idleMs;
    for (const [topic, usedMs] of this.usedTopics) if (usedMs < limitMs) this.forgetTopic(topic);
  }

  private timeoutMs(options: ClusterRequestOptions): number {
    const timeoutMs = options.timeoutMs ?? this.settings.requestTimeoutMs;
    return options.brokerWaitMs === undefined
      ? timeoutMs
      : Math.max(timeoutMs, options.brokerWaitMs + Math.min(LONG_POLL_SLACK_MS, timeoutMs));
  }

  /** A broker that asks for a pause gets no further request until it is over (KIP-219). */
  private noteThrottle(nodeId: number, answer: { throttleTimeMs?: unknown }): void {
    const { throttleTimeMs } = answer;
    if (typeof throttleTimeMs !== 'number' || throttleTimeMs <= 0) return;
    this.mutedUntilMs.set(nodeId, this.environment.clock.monotonic() + throttleTimeMs);
  }

  private async untilUnmuted(nodeId: number): Promise<void> {
    const untilMs = this.mutedUntilMs.get(nodeId)!;
    const waitMs = untilMs - this.environment.clock.monotonic();
    if (waitMs > 0) await delay(this.environment, waitMs);
    this.mutedUntilMs.delete(nodeId);
  }
}

/** @param names null for all topics, which version 0 spells as an empty list */
function metadataRequest(
  version: number,
  names: readonly string[] | null,
  create: boolean,
): MetadataRequestInput {
  const topics = names?.map((name) => (version >= 10 ? { name, topicId: ZERO_UUID } : { name })) ?? null;
  const forVersion = { topics: version === 0 && topics === null ? [] : topics };
  return version >= 4 ? { ...forVersion, allowAutoTopicCreation: create } : forVersion;
}

function unreachable(failures: readonly Error[]): ConnectionError {
  const reasons = [...new Set(failures.map((failure) => failure.message))].join('; ');
  return new ConnectionError(`no broker can be reached: ${reasons}`, {
    cause: failures.at(-1),
    unsent: true,
  });
}
