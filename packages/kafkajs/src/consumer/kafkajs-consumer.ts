import { setTimeout as sleep } from 'node:timers/promises';
import {
  Cluster,
  asError,
  listTopics,
  partitionKey,
  type ClusterOptions,
  type GroupMetadata,
  type TopicPartition,
} from '@odradek/client/index.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { commitOffsets } from '@odradek/client/consumer/committed-offsets.ts';
import { describeGroups, type GroupDescription } from '../admin/groups.ts';
import { clusterOptions, type KafkaConfig } from '../config.ts';
import { connecting } from '../connecting.ts';
import { toKafkaJSError, translated } from '../error-translation.ts';
import { KafkaJSError, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from '../errors.ts';
import {
  Instrumentation,
  type InstrumentationEvent,
  type RemoveInstrumentationEventListener,
} from '../instrumentation.ts';
import type { Logger } from '../logging.ts';
import { networkEvents } from '../network-events.ts';
import { partitionMetadata } from '../partitioners.ts';
import type { Offsets } from '../producer/producer-types.ts';
import { retryPlan, type RetryPlan } from '../retry-options.ts';
import type { TopicPartitions } from '../topic-partitions.ts';
import { PartitionAssigners, asAssignor, type Assigner } from './assigners.ts';
import { Consuming, type SeekTarget } from './consuming.ts';
import {
  CONSUMER_EVENTS,
  type Consumer,
  type ConsumerConfig,
  type ConsumerEventName,
  type ConsumerEventPayload,
  type ConsumerEventPayloads,
  type ConsumerEvents,
  type ConsumerRunConfig,
  type ConsumerSubscribeTopic,
  type ConsumerSubscribeTopics,
  type TopicPartitionOffset,
  type TopicPartitionOffsetAndMetadata,
  type TopicSelection,
} from './consumer-types.ts';
import { GroupEvents } from './group-events.ts';
import {
  checkOffsetsToCommit,
  checkSelections,
  isRegExp,
  seekTarget,
  subscribedTopics,
} from './input-checks.ts';
import { Pauses } from './pauses.ts';

/** What KafkaJS's own default would add to each resumed partition is not worth an idle fetch less. */
const MAX_WAIT_MS = 500;

export interface ConsumerParts {
  readonly config: KafkaConfig;
  readonly logger: Logger;
  /** Where the consumers of one program that run are to be found. */
  readonly running: Set<KafkaJSConsumer>;
}

/** KafkaJS's consumer over ours. */
export class KafkaJSConsumer implements Consumer {
  private readonly config: KafkaConfig;
  private readonly siblings: Set<KafkaJSConsumer>;
  private readonly options: ConsumerConfig;
  private readonly plan: RetryPlan;
  private readonly rootLogger: Logger;
  private readonly ownLogger: Logger;
  private readonly instrumentation: Instrumentation<ConsumerEvents>;
  private readonly assigners: readonly Assigner[];
  private readonly topics = new Map<string, boolean>();
  private readonly pauses = new Pauses();
  /** Made before the group is joined. */
  private readonly awaitedSeeks = new Map<string, { readonly at: TopicPartition; readonly to: SeekTarget }>();
  private cluster: Cluster | null = null;
  private consuming: Consuming | null = null;
  private isRunning = false;
  private stopping: Promise<void> | null = null;
  private restart: AbortController | null = null;

  /** @throws KafkaJSNonRetriableError */
  constructor({ config, logger, running }: ConsumerParts, options: ConsumerConfig) {
    if (!options.groupId) throw new KafkaJSNonRetriableError('Consumer groupId must be a non-empty string.');
    this.config = config;
    this.siblings = running;
    this.options = options;
    this.plan = retryPlan({ retries: 5, ...config.retry, ...options.retry });
    this.rootLogger = logger;
    this.ownLogger = logger.namespace('Consumer');
    this.instrumentation = new Instrumentation('consumer', CONSUMER_EVENTS, this.ownLogger);
    const view = {
      findTopicPartitionMetadata: (topic: string) =>
        partitionMetadata(this.cluster?.metadata.topic(topic)?.partitions ?? []),
    };
    const { groupId, partitionAssigners = [PartitionAssigners.roundRobin] } = options;
    this.assigners = partitionAssigners.map((create) =>
      create({ cluster: view, groupId, logger: this.ownLogger }),
    );
    const { heartbeatInterval = 3_000, sessionTimeout = 30_000 } = options;
    if (heartbeatInterval >= sessionTimeout) {
      throw new KafkaJSNonRetriableError(
        `Consumer heartbeatInterval (${heartbeatInterval}) must be lower than sessionTimeout (${sessionTimeout}). It is recommended to set heartbeatInterval to approximately a third of the sessionTimeout.`,
      );
    }
  }

  get events(): ConsumerEvents {
    return this.instrumentation.events;
  }

  on<EventName extends ConsumerEventName>(
    eventName: EventName,
    listener: (event: InstrumentationEvent<ConsumerEventPayload<EventName>>) => void,
  ): RemoveInstrumentationEventListener {
    return this.instrumentation.on(eventName, listener);
  }

  logger(): Logger {
    return this.ownLogger;
  }

  /** Who this member is, where it reads all of these partitions; for transactions of the same program. */
  memberOf(groupId: string, partitions: readonly TopicPartition[]): GroupMetadata | null {
    if (groupId !== this.options.groupId || this.consuming === null) return null;
    const own = new Set(this.consuming.assignment.map(({ topic, partition }) => `${topic} ${partition}`));
    if (!partitions.every(({ topic, partition }) => own.has(`${topic} ${partition}`))) return null;
    try {
      return this.consuming.groupMetadata;
    } catch {
      return null;
    }
  }

  async connect(): Promise<void> {
    await connecting(this.config, this.plan, async () => (await this.openCluster()).nodes());
    this.emit('CONNECT', null);
  }

  async disconnect(): Promise<void> {
    await this.stop();
    this.cluster?.close();
    this.cluster = null;
    this.emit('DISCONNECT', null);
  }

  async subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void> {
    if (this.isRunning)
      throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running');
    const wanted = subscribedTopics(subscription);
    const fromBeginning = subscription.fromBeginning ?? false;
    const names = wanted.filter((topic) => typeof topic === 'string');
    // Now: many a program runs without waiting for this.
    for (const name of names) this.topics.set(name, fromBeginning);
    const cluster = await this.openCluster();
    for (const pattern of wanted.filter(isRegExp)) {
      const found = await matching(cluster, pattern);
      for (const name of found) this.topics.set(name, fromBeginning);
      names.push(...found);
    }
    const create = this.options.allowAutoTopicCreation ?? true;
    await Promise.all(names.map((name) => translated(() => cluster.topic(name, { create }))));
  }

  async run(config: ConsumerRunConfig = {}): Promise<void> {
    if (this.isRunning) {
      const { groupId } = this.options;
      this.ownLogger.warn('consumer#run was called, but the consumer is already running', { groupId });
      return;
    }
    this.isRunning = true;
    await this.begin(config);
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopNow().finally(() => {
      this.stopping = null;
    });
    return this.stopping;
  }

  async commitOffsets(offsets: readonly TopicPartitionOffsetAndMetadata[] = []): Promise<void> {
    checkOffsetsToCommit(offsets);
    await this.commitAs(this.running.groupMetadata, offsets);
  }

  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    const target = seekTarget(topic, partition, offset);
    const at = { topic, partition: Number(partition) };
    if (this.isStarting) this.awaitedSeeks.set(partitionKey(at), { at, to: target });
    else this.running.seek(at, target);
  }

  pause(selections: readonly TopicSelection[] = []): void {
    checkSelections('pause', selections);
    if (this.isStarting) this.pauses.pause(selections);
    else this.running.pause(selections);
  }

  resume(selections: readonly TopicSelection[] = []): void {
    checkSelections('resume', selections);
    if (this.isStarting) this.pauses.resume(selections);
    else this.running.resume(selections);
  }

  paused(): TopicPartitions[] {
    return this.consuming === null ? [] : this.pauses.among(this.consuming.assignment);
  }

  async describeGroup(): Promise<GroupDescription> {
    const { groups } = await translated(async () =>
      describeGroups(await this.openCluster(), [this.options.groupId]),
    );
    return groups[0]!;
  }

  private emit<Name extends keyof ConsumerEvents>(name: Name, payload: ConsumerEventPayloads[Name]): void {
    this.instrumentation.emit(this.events[name], payload);
  }

  /** `run` was called, or a restart is due: what is asked for counts once the group is joined. */
  private get isStarting(): boolean {
    return this.isRunning && this.consuming === null;
  }

  private get running(): Consuming {
    if (this.consuming !== null) return this.consuming;
    throw new KafkaJSNonRetriableError(
      'Consumer group was not initialized, consumer#run must be called first',
    );
  }

  private connection(observe?: GroupEvents['observe']): Promise<ClusterOptions> {
    const tellRequest = networkEvents(this.instrumentation);
    return clusterOptions(this.config, {
      ...this.options,
      retry: { retries: this.plan.retries, ...this.options.retry },
      onExchange: (exchange) => {
        observe?.(exchange);
        tellRequest(exchange);
      },
    });
  }

  private async openCluster(): Promise<Cluster> {
    if (this.cluster !== null) return this.cluster;
    const options = await this.connection();
    this.cluster ??= new Cluster(options);
    return this.cluster;
  }

  private async begin(config: ConsumerRunConfig): Promise<void> {
    const { groupId } = this.options;
    this.ownLogger.info('Starting', { groupId });
    if (this.topics.size === 0) {
      this.ownLogger.warn('The consumer is subscribed to no topic', { groupId });
      return;
    }
    let consuming: Consuming;
    try {
      consuming = await this.newConsuming(config);
    } catch (error) {
      this.isRunning = false;
      throw toKafkaJSError(error);
    }
    this.consuming = consuming;
    this.siblings.add(this);
    for (const { at, to } of this.awaitedSeeks.values()) consuming.seek(at, to);
    this.awaitedSeeks.clear();
    const ended = consuming.ended.catch((error: unknown) => this.crashed(consuming, config, error));
    await Promise.race([consuming.joined, ended]);
  }

  private async newConsuming(config: ConsumerRunConfig): Promise<Consuming> {
    const { options } = this;
    const topics = new Map(this.topics);
    const cluster = await this.openCluster();
    let consuming: Consuming | null = null;
    const events = new GroupEvents({
      groupId: options.groupId,
      topics: [...topics.keys()],
      instrumentation: this.instrumentation,
      nodeIdOf: ({ host, port }) => {
        const node = cluster.metadata.nodes.find((one) => one.host === host && one.port === port);
        return String(node?.nodeId ?? -1);
      },
      joined: (isEmpty) => consuming?.noteJoin(isEmpty),
    });
    const learn = async (wanted: readonly string[]): Promise<void> => {
      await (await this.openCluster()).refresh(wanted);
    };
    const heartbeatIntervalMs = Math.max(options.heartbeatInterval ?? 3_000, 1);
    consuming = new Consuming({
      cluster: await this.connection(events.observe),
      options: {
        groupId: options.groupId,
        assignors: this.assigners.map((assigner) => asAssignor(assigner, [...topics.keys()], learn)),
        sessionTimeoutMs: options.sessionTimeout ?? 30_000,
        heartbeatIntervalMs,
        maxPollIntervalMs: options.rebalanceTimeout ?? 60_000,
        fetchMinBytes: options.minBytes ?? 1,
        fetchMaxBytes: options.maxBytes ?? 10 * 1024 * 1024,
        fetchMaxWaitMs: options.maxWaitTimeInMs ?? MAX_WAIT_MS,
        partitionFetchMaxBytes: options.maxBytesPerPartition ?? 1024 * 1024,
        isolationLevel: options.readUncommitted === true ? 'read_uncommitted' : 'read_committed',
        clientRack: options.rackId ?? '',
        createTopics: options.allowAutoTopicCreation ?? true,
      },
      topics,
      config,
      plan: this.plan,
      logger: this.rootLogger.namespace('Runner'),
      instrumentation: this.instrumentation,
      events,
      pauses: this.pauses,
      commitThese: (offsets) => this.commitListed(offsets),
    });
    return consuming;
  }

  private async commitListed({ topics }: Offsets): Promise<void> {
    const offsets = topics.flatMap(({ topic, partitions }) =>
      partitions.map((one) => ({ topic, ...one, partition: Number(one.partition) })),
    );
    await this.commitAs(this.running.groupMetadata, offsets);
  }

  private async commitAs(
    group: GroupMetadata,
    offsets: readonly TopicPartitionOffsetAndMetadata[],
  ): Promise<void> {
    const coordinator = new Coordinator(await this.openCluster(), CoordinatorType.GROUP, group.groupId);
    const marks = offsets.map(({ topic, partition, offset, metadata }) => {
      const mark = { topic, partition: Number(partition), offset: Number(offset) };
      return metadata === undefined || metadata === null ? mark : { ...mark, metadata };
    });
    await translated(() => commitOffsets(coordinator, group, marks));
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }));
    const { groupId, memberId, generationId: groupGenerationId } = group;
    this.emit('COMMIT_OFFSETS', { groupId, memberId, groupGenerationId, topics });
  }

  private async stopNow(): Promise<void> {
    const { groupId } = this.options;
    this.restart?.abort();
    this.restart = null;
    const wasRunning = this.isRunning;
    const { consuming } = this;
    try {
      await consuming?.stop();
    } catch (error) {
      this.ownLogger.warn(`The last offsets were not committed: ${asError(error).message}`, { groupId });
    }
    this.consuming = null;
    this.siblings.delete(this);
    this.isRunning = false;
    if (wasRunning) this.emit('STOP', null);
    this.ownLogger.info('Stopped', { groupId });
  }

  /** Logs, tells, and begins anew unless that is of no use. Never throws. */
  private async crashed(consuming: Consuming, config: ConsumerRunConfig, thrown: unknown): Promise<void> {
    if (this.consuming !== consuming || this.stopping !== null) return;
    const { groupId } = this.options;
    const error = toKafkaJSError(thrown);
    this.ownLogger.error(`Crash: ${error.name}: ${error.message}`, { groupId, stack: error.stack });
    await this.disconnect();
    const restart = await this.isToRestart(error);
    this.emit('CRASH', { error, groupId, restart });
    if (!restart) return;
    const retryTime = error instanceof KafkaJSNumberOfRetriesExceeded ? error.retryTime : this.plan.initialMs;
    this.isRunning = true;
    this.restartLater(config, retryTime);
  }

  /** Until it succeeds or the consumer is stopped. */
  private restartLater(config: ConsumerRunConfig, retryTime: number): void {
    const { groupId } = this.options;
    this.ownLogger.error(`Restarting the consumer in ${retryTime}ms`, { groupId, retryTime });
    const pause = new AbortController();
    this.restart = pause;
    void sleep(retryTime, undefined, { signal: pause.signal })
      .then(() => this.begin(config))
      .catch((failure: unknown) => {
        if (pause.signal.aborted) return;
        this.ownLogger.error(`The consumer could not be restarted: ${asError(failure).message}`, { groupId });
        this.isRunning = true;
        this.restartLater(config, retryTime);
      });
  }

  /** Handlers may fail with anything; what brokers said for good stays so. */
  private async isToRestart(error: Error): Promise<boolean> {
    const isFinal = error instanceof KafkaJSError && !error.retriable;
    if (isFinal && !(error instanceof KafkaJSNumberOfRetriesExceeded)) return false;
    const decide = this.options.retry?.restartOnFailure ?? this.config.retry?.restartOnFailure;
    if (decide === undefined) return true;
    try {
      return await decide(error);
    } catch (failure) {
      const cause = error.message;
      this.ownLogger.error(
        'Caught error when invoking user-provided "restartOnFailure" callback. Defaulting to restarting.',
        { error: asError(failure).message, cause, groupId: this.options.groupId },
      );
      return true;
    }
  }
}

async function matching(cluster: Cluster, pattern: RegExp): Promise<string[]> {
  const topics = await translated(() => listTopics(cluster));
  return topics.map(({ name }) => name).filter((name) => name.search(pattern) >= 0);
}
