import {
  GroupConsumer,
  isRetriableError,
  partitionKey,
  type BatchContext,
  type ClusterOptions,
  type FetchedRecords,
  type GroupConsumerOptions,
  type GroupMetadata,
  type OffsetToCommit,
  type TopicPartition,
} from '@odradek/client/index.ts';
import { KafkaError } from '@odradek/protocol/errors.ts';
import type { Instrumentation } from '../instrumentation.ts';
import type { Logger } from '../logging.ts';
import type { Offsets } from '../producer/producer-types.ts';
import type { RetryPlan } from '../retry-options.ts';
import { Batch } from './batch.ts';
import { BatchHandling } from './batch-handling.ts';
import type { ConsumerEvents, ConsumerRunConfig, TopicSelection } from './consumer-types.ts';
import type { GroupEvents } from './group-events.ts';
import { OffsetLedger, byTopic } from './offset-ledger.ts';
import type { Pauses } from './pauses.ts';

export type SeekTarget = number | 'earliest' | 'latest';

export interface ConsumingParts {
  readonly cluster: ClusterOptions;
  readonly options: Omit<GroupConsumerOptions, keyof ClusterOptions | 'topics'>;
  /** What is read, and whether from the beginning where nothing is committed. */
  readonly topics: ReadonlyMap<string, boolean>;
  readonly config: ConsumerRunConfig;
  readonly plan: RetryPlan;
  readonly logger: Logger;
  readonly instrumentation: Instrumentation<ConsumerEvents>;
  readonly events: GroupEvents;
  readonly pauses: Pauses;
  readonly commitThese: (offsets: Offsets) => Promise<void>;
}

/** One life of a consumer: from joining the group to leaving it, or to a crash. */
export class Consuming {
  private readonly parts: ConsumingParts;
  private readonly client: GroupConsumer;
  private readonly ledger: OffsetLedger;
  private readonly seeks = new Map<string, number>();
  /** For partitions that are not there yet. */
  private readonly awaitedSeeks = new Map<string, SeekTarget>();
  private readonly resting = new Map<string, NodeJS.Timeout>();
  private isStopping = false;
  private resolveJoined: () => void = () => undefined;
  /** Once the group has said what is read here. */
  readonly joined: Promise<void>;
  /** Ends when the consumer is stopped. @throws what it crashed with */
  readonly ended: Promise<void>;

  constructor(parts: ConsumingParts) {
    this.parts = parts;
    const { config, topics } = parts;
    this.ledger = new OffsetLedger({
      interval: config.autoCommitInterval ?? null,
      threshold: config.autoCommitThreshold ?? null,
    });
    this.joined = new Promise((resolve) => {
      this.resolveJoined = resolve;
    });
    this.client = new GroupConsumer({
      ...parts.cluster,
      ...parts.options,
      topics: [...topics.keys()],
      offsetReset: [...topics.values()].every((fromBeginning) => fromBeginning) ? 'earliest' : 'latest',
      maxPollRecords: config.eachBatch ? Infinity : (parts.options.maxPollRecords ?? 500),
      autoCommit: config.autoCommit ?? true,
      autoCommitIntervalMs: 0,
      onAssigned: (partitions) => this.assigned(partitions),
      onRevoked: (partitions) => this.revoked(partitions),
      onLost: (partitions) => this.ledger.forget(partitions),
      onStall: (stall) => parts.logger.warn(`No progress: ${stall.kind}`, { ...stall }),
    });
    const handling = new BatchHandling({
      config,
      plan: parts.plan,
      logger: parts.logger,
      ledger: this.ledger,
      isStopping: () => this.isStopping,
      isPaused: (at) => parts.pauses.has(at),
      seeksOf: (at) => this.seeks.get(partitionKey(at)) ?? 0,
      pause: ({ topic, partition }) => this.pauseOne({ topic, partitions: [partition] }),
      restPartition: (at, forMs) => this.rest(at, forMs),
      commitResolved: () => this.commitResolved(),
      commitThese: parts.commitThese,
    });
    this.ended = this.client
      .run({
        concurrency: config.partitionsConsumedConcurrently ?? 1,
        finishesBatch: false,
        eachBatch: (fetched, context) => this.instrumented(handling, fetched, context),
      })
      .finally(() => this.cancelRests());
    // Whoever waits for it is told; nobody may.
    this.ended.catch(() => undefined);
  }

  get assignment(): readonly TopicPartition[] {
    return this.client.assignment;
  }

  /** @throws ClientError NOT_A_MEMBER */
  get groupMetadata(): GroupMetadata {
    return this.client.groupMetadata;
  }

  /** An assignment came; when it is empty nobody else tells. */
  noteJoin(isEmpty: boolean): void {
    if (!isEmpty) return;
    this.parts.events.tellJoin();
    this.resolveJoined();
  }

  /** Waits for handlers, commits and leaves. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.resolveJoined();
    await this.client.close();
  }

  pause(selections: readonly TopicSelection[]): void {
    this.parts.pauses.pause(selections);
    this.applyPauses();
  }

  resume(selections: readonly TopicSelection[]): void {
    this.parts.pauses.resume(selections);
    this.applyPauses();
  }

  seek(at: TopicPartition, to: SeekTarget): void {
    const key = partitionKey(at);
    if (this.client.assignment.some((own) => partitionKey(own) === key)) this.seekNow(at, to);
    else this.awaitedSeeks.set(key, to);
  }

  /** Commits what is resolved. What others will repeat is logged, and no error. @throws what no attempt can cure */
  async commitResolved(): Promise<void> {
    const offsets = this.ledger.uncommitted;
    if (offsets.length === 0) return this.ledger.noteCommitted([]);
    const owned = new Set(this.client.assignment.map(partitionKey));
    const own = offsets.filter((at) => owned.has(partitionKey(at)));
    try {
      await this.client.commit(own);
      this.ledger.noteCommitted(own);
      this.tellCommit(own);
    } catch (error) {
      if (!isRetriableError(error) && !(error instanceof KafkaError)) throw error;
      const { message } = error as Error;
      this.parts.logger.warn(`Offsets could not be committed: ${message}`, { topics: byTopic(own).topics });
    }
  }

  private tellCommit(offsets: readonly OffsetToCommit[]): void {
    const { instrumentation } = this.parts;
    if (!instrumentation.hasListeners(instrumentation.events.COMMIT_OFFSETS)) return;
    let group: GroupMetadata;
    try {
      group = this.client.groupMetadata;
    } catch {
      // It went on without this member in the meantime.
      return;
    }
    const { groupId, memberId, generationId: groupGenerationId } = group;
    const payload = { groupId, memberId, groupGenerationId, ...byTopic(offsets) };
    instrumentation.emit(instrumentation.events.COMMIT_OFFSETS, payload);
  }

  private async instrumented(
    handling: BatchHandling,
    fetched: FetchedRecords,
    context: BatchContext,
  ): Promise<void> {
    const { instrumentation } = this.parts;
    const { START_BATCH_PROCESS, END_BATCH_PROCESS } = instrumentation.events;
    const isWatched = [START_BATCH_PROCESS, END_BATCH_PROCESS].some((name) =>
      instrumentation.hasListeners(name),
    );
    if (!isWatched) return handling.handle(fetched, context);
    const batch = new Batch(fetched);
    const { topic, partition, highWatermark } = batch;
    const payload = {
      topic,
      partition,
      highWatermark,
      offsetLag: batch.offsetLag(),
      offsetLagLow: batch.offsetLagLow(),
      batchSize: batch.messages.length,
      firstOffset: batch.firstOffset(),
      lastOffset: batch.lastOffset(),
    };
    const beginMs = performance.now();
    instrumentation.emit(START_BATCH_PROCESS, payload);
    await handling.handle(fetched, context);
    const duration = Math.round(performance.now() - beginMs);
    instrumentation.emit(END_BATCH_PROCESS, { ...payload, duration });
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    await this.applyBeginnings(partitions);
    for (const at of partitions) {
      const target = this.awaitedSeeks.get(partitionKey(at));
      if (target !== undefined) this.seekNow(at, target);
    }
    this.awaitedSeeks.clear();
    this.applyPauses();
    this.parts.events.tellJoin();
    this.resolveJoined();
  }

  /** Where some topics are read from the beginning and others are not, one default does not do. */
  private async applyBeginnings(partitions: readonly TopicPartition[]): Promise<void> {
    const { topics } = this.parts;
    if (new Set(topics.values()).size < 2) return;
    const fromBeginning = partitions.filter(({ topic }) => topics.get(topic) === true);
    if (fromBeginning.length === 0) return;
    const committed = await this.client.committed(fromBeginning);
    for (const at of fromBeginning) {
      if (!committed.has(partitionKey(at))) this.client.seek(at, 'earliest');
    }
  }

  private async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.parts.config.autoCommit ?? true) await this.commitResolved();
    this.ledger.forget(partitions);
  }

  private seekNow(at: TopicPartition, to: SeekTarget): void {
    const key = partitionKey(at);
    this.seeks.set(key, (this.seeks.get(key) ?? 0) + 1);
    this.ledger.forget([at]);
    this.client.seek(at, to);
    if (typeof to === 'number') this.ledger.resolve(at, to, 0);
  }

  private pauseOne(selection: TopicSelection): () => void {
    this.pause([selection]);
    return () => this.resume([selection]);
  }

  private applyPauses(): void {
    const { topics, pauses, config } = this.parts;
    const hasHandler = Boolean(config.eachBatch) || Boolean(config.eachMessage);
    for (const at of this.client.assignment) {
      const isPaused = pauses.has(at) || this.resting.has(partitionKey(at));
      // A leader of KafkaJS hands out topics to members that do not read them.
      if (isPaused || !topics.has(at.topic) || !hasHandler) this.client.pause([at]);
      else this.client.resume([at]);
    }
  }

  private rest(at: TopicPartition, forMs: number): void {
    const key = partitionKey(at);
    this.resting.set(
      key,
      setTimeout(() => {
        this.resting.delete(key);
        this.applyPauses();
      }, forMs),
    );
    this.applyPauses();
  }

  private cancelRests(): void {
    for (const timer of this.resting.values()) clearTimeout(timer);
    this.resting.clear();
  }
}
