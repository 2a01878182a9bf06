import {
  ClientError,
  Cluster,
  ClosedError,
  GroupConsumer,
  HandlerError,
  asError,
  isRetriableError,
  partitionKey,
  type ClusterOptions,
  type FetchedRecords,
  type TopicPartition,
} from '@odradek/client';
import { CLUSTER_OPTION_NAMES } from '@odradek/client/cluster/cluster-options.ts';
import { pickOptions } from '@odradek/client/options.ts';
import { StreamTask, type TaskCounts } from '../task/stream-task.ts';
import type { OutputRecord } from '../task/task-flow.ts';
import { topicName } from '../topology/flow.ts';
import { Exclusion } from './exclusion.ts';
import { PlainOutlet, TransactionalOutlet, isHopeless, type Outlet } from './outlet.ts';
import { restore } from './restore.ts';
import { RepartitionPurge } from './repartition-purge.ts';
import { openStateDirectory, type StateDirectory } from './state-directory.ts';
import { StreamsAssignor, taskId } from './streams-assignor.ts';
import {
  CONSUMER_PART,
  PRODUCER_PART,
  streamsSettings,
  type StreamsOptions,
  type StreamsSettings,
} from './streams-options.ts';
import { internalTopics, prepareTopics, type TopicPlan } from './topic-plan.ts';

export interface StreamsMetrics {
  /** Records that were processed, those included that were done again after a failure. */
  readonly processed: number;
  /** Records that were too late for a window or a join. */
  readonly late: number;
  /** Records that could not be read and were left out. */
  readonly skipped: number;
  readonly commits: number;
  /** How often what was done since a commit was thrown away and done again. */
  readonly aborts: number;
  /** Records that were read from changelogs. */
  readonly restored: number;
  /** Of this instance. */
  readonly tasks: readonly string[];
}

/** Work is done for so long without asking for more records. */
const TURN_MS = 20;
const WAIT_MAX_MS = 1_000;
/** How often is looked whether an input is known to have nothing. */
const LAG_POLL_MS = 20;
const RETRY_MS = 100;

/**
 * Runs a topology as one of the instances of an application; any number of them share its tasks. What is promised when
 * one of them crashes stands in docs/streams.md.
 */
export class Streams {
  private readonly settings: StreamsSettings;
  private readonly options: StreamsOptions;
  private readonly cluster: Cluster;
  private readonly clusterOptions: ClusterOptions;
  private readonly exclusion = new Exclusion();
  private readonly tasks = new Map<string, StreamTask>();
  private readonly counts: TaskCounts = { processed: 0, late: 0, skipped: 0 };
  private commits = 0;
  private aborts = 0;
  private restored = 0;
  private directory: StateDirectory | null = null;
  private plan: TopicPlan | null = null;
  private consumer: GroupConsumer | null = null;
  private outlet: Outlet | null = null;
  private readonly purge: RepartitionPurge;
  private failure: Error | null = null;
  private lastCommitMs = 0;
  /** Since when nothing could be committed; null when all is well. */
  private failingSinceMs: number | null = null;
  private isClosing = false;
  private running: Promise<void> | null = null;

  /** @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: StreamsOptions) {
    this.settings = streamsSettings(options);
    this.options = options;
    this.clusterOptions = pickOptions(options, CLUSTER_OPTION_NAMES);
    this.cluster = new Cluster(this.clusterOptions);
    const { topology, applicationId } = this.settings;
    const own = internalTopics(topology).map((topic) => topicName(topic, applicationId));
    this.purge = new RepartitionPurge(this.cluster, own);
  }

  /**
   * Works until it is closed.
   *
   * @throws ClientError MISSING_TOPICS, NOT_COPARTITIONED, BAD_INTERNAL_TOPIC, STATE_LOCKED; HandlerError when the
   *   topology fails on a record; what no attempt can cure, or did not within `taskTimeoutMs`. Nothing since the last
   *   commit counts then
   */
  run(): Promise<void> {
    if (this.running !== null) throw new ClientError('ALREADY_RUNNING', 'it runs already, or did');
    this.running = this.live();
    return this.running;
  }

  /** Commits what is done and leaves the group; `run` returns. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.consumer?.wake();
    await this.running?.catch(() => undefined);
    this.cluster.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  metrics(): StreamsMetrics {
    const { commits, aborts, restored } = this;
    return { ...this.counts, commits, aborts, restored, tasks: [...this.tasks.keys()] };
  }

  private async live(): Promise<void> {
    try {
      await this.start();
      while (!this.isClosing) await this.turn();
    } catch (error) {
      this.failure ??= asError(error);
    }
    await this.shutDown();
    if (this.failure !== null) throw this.failure;
  }

  private async start(): Promise<void> {
    const { settings, cluster } = this;
    const { applicationId, topology, replicationFactor, topicTimeoutMs } = settings;
    this.directory = openStateDirectory(settings.directory, applicationId);
    this.plan = await this.persistently(() =>
      prepareTopics(topology, { cluster, applicationId, replicationFactor, topicTimeoutMs }),
    );
    this.outlet = this.newOutlet(this.directory.instance);
    await this.persistently(() => this.outlet!.open());
    this.lastCommitMs = this.nowMs;
    this.consumer = this.newConsumer(this.directory);
  }

  private newConsumer(directory: StateDirectory): GroupConsumer {
    const { applicationId, topology, guarantee } = this.settings;
    const topics = topology.subtopologies.flatMap((subtopology) => subtopology.topics);
    return new GroupConsumer({
      ...this.clusterOptions,
      ...pickOptions(this.options, CONSUMER_PART),
      groupId: applicationId,
      topics: topics.map((topic) => topicName(topic, applicationId)),
      assignors: [new StreamsAssignor(topology.subtopologies, applicationId, () => directory.tasks())],
      autoCommit: false,
      offsetReset: 'earliest',
      isolationLevel: guarantee === 'exactly-once' ? 'read_committed' : 'read_uncommitted',
      onAssigned: (partitions) => this.exclusion.run(() => this.openTasks(partitions)),
      onRevoked: () => this.exclusion.run(() => this.giveUp()),
      onLost: () => this.exclusion.run(() => this.drop()),
    });
  }

  private newOutlet(instance: string): Outlet {
    const { applicationId, guarantee, transactionTimeoutMs } = this.settings;
    const options = {
      ...this.clusterOptions,
      ...pickOptions(this.options, PRODUCER_PART),
      createTopics: false,
    };
    const consumer = (): GroupConsumer => this.consumer!;
    if (guarantee === 'at-least-once') return new PlainOutlet(options, consumer);
    const transactionalId = `${applicationId}-${instance}`;
    return new TransactionalOutlet({ ...options, transactionTimeoutMs }, transactionalId, consumer);
  }

  private async shutDown(): Promise<void> {
    this.isClosing = true;
    try {
      // It gives the partitions up, for which is committed.
      await this.consumer?.close();
    } catch (error) {
      this.failure ??= asError(error);
    }
    this.closeTasks(null);
    await this.outlet?.close();
    this.directory?.close();
    this.cluster.close();
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private get wallClockMs(): number {
    return this.cluster.environment.clock.now();
  }

  /** Takes what has come, and does what can be done in a moment. */
  private async turn(): Promise<void> {
    const batches = await this.consumer!.take(this.waitMs());
    await this.exclusion.run(async () => {
      if (this.failure !== null) throw this.failure;
      try {
        await this.work(batches);
      } catch (error) {
        await this.recover(asError(error));
      }
      this.holdBack();
    });
  }

  private waitMs(): number {
    const restored = [...this.tasks.values()].filter((task) => task.isRestored);
    if (restored.some((task) => task.hasWork)) return this.isStuck ? LAG_POLL_MS : 0;
    const dues = restored.flatMap((task) => {
      const commitMs = task.isDirty ? [this.lastCommitMs + this.settings.commitIntervalMs - this.nowMs] : [];
      const punctuationMs =
        task.nextPunctuationMs === null ? [] : [task.nextPunctuationMs - this.wallClockMs];
      return [...commitMs, ...punctuationMs];
    });
    return Math.max(0, Math.min(WAIT_MAX_MS, ...dues));
  }

  /** There are records, but no task can go on: it waits for what its other inputs have. */
  private isStuck = false;

  private async work(batches: readonly FetchedRecords[]): Promise<void> {
    for (const batch of batches) this.taskOf(batch)?.add(batch);
    const lags = this.lags();
    const untilMs = this.nowMs + TURN_MS;
    let isWorking = true;
    this.isStuck = true;
    while (isWorking && this.nowMs < untilMs && !this.isCommitDue) {
      isWorking = false;
      for (const task of this.tasks.values()) {
        if (!task.step((topic) => lags(topic, task.partition), this.nowMs)) continue;
        isWorking = true;
        if (this.outlet!.room !== null) await this.outlet!.room;
      }
      if (isWorking) this.isStuck = false;
    }
    for (const task of this.tasks.values()) task.punctuate(this.wallClockMs);
    if (this.isCommitDue) await this.commit((at) => this.consumer!.position(at));
  }

  private get isCommitDue(): boolean {
    if (![...this.tasks.values()].some(({ isDirty }) => isDirty)) return false;
    if (this.nowMs - this.lastCommitMs >= this.settings.commitIntervalMs) return true;
    const changedBytes = [...this.tasks.values()].reduce((sum, { state }) => sum + state.changedBytes, 0);
    return changedBytes >= this.settings.changesMaxBytes;
  }

  /** How many records of a partition are not delivered yet. */
  private lags(): (topic: string, partition: number) => number | null {
    const { partitions } = this.consumer!.metrics();
    const lags = new Map(partitions.map((metrics) => [partitionKey(metrics), metrics.lag]));
    return (topic, partition) => lags.get(partitionKey({ topic, partition })) ?? null;
  }

  /** Kafka first, then the state: so it is never ahead of what counts. */
  private async commit(positionOf: (at: TopicPartition) => number | null): Promise<void> {
    const dirty = [...this.tasks.values()].filter(({ isDirty }) => isDirty);
    const offsets = dirty.flatMap((task) => task.offsets(positionOf));
    // Offsets are what the brokers know a zombie by.
    if (offsets.length === 0) return;
    for (const task of dirty) {
      for (const { store, topic, key, value } of task.changes()) {
        const record = { topic, partition: task.partition, key, value, timestamp: this.wallClockMs };
        this.outlet!.send(record, (offset) => task.noteWritten(store, offset));
        if (this.outlet!.room !== null) await this.outlet!.room;
      }
    }
    await this.outlet!.commit(offsets);
    for (const task of dirty) task.committed(this.wallClockMs);
    this.commits++;
    this.lastCommitMs = this.nowMs;
    this.failingSinceMs = null;
    this.purge.note(offsets);
  }

  /** Back to the last commit, whatever became of what was under way. @throws what no attempt can cure */
  private async recover(first: Error): Promise<void> {
    for (let error = first; ;) {
      this.refuseHopeless(error);
      this.aborts++;
      this.settings.onEvent({ type: 'aborted', error });
      try {
        this.closeTasks(null);
        await this.outlet!.reset();
        await this.consumer!.rewind();
        await this.openTasks(this.consumer!.assignment);
        return;
      } catch (thrown) {
        error = asError(thrown);
        await this.pause();
      }
    }
  }

  private refuseHopeless(error: Error): void {
    this.failingSinceMs ??= this.nowMs;
    const isOver = this.nowMs - this.failingSinceMs >= this.settings.taskTimeoutMs;
    if (error instanceof HandlerError || isHopeless(error) || isOver || this.isClosing) throw error;
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.cluster.environment.timers.after(RETRY_MS, resolve);
    });
  }

  private async openTasks(partitions: readonly TopicPartition[]): Promise<void> {
    this.closeTasks(null);
    const { topology, applicationId } = this.settings;
    const streamTimes = await this.persistently(() => this.streamTimes(partitions));
    for (const subtopology of topology.subtopologies) {
      const topics = new Set(subtopology.topics.map((topic) => topicName(topic, applicationId)));
      const ofOne = partitions.filter(({ topic }) => topics.has(topic));
      for (const partition of new Set(ofOne.map((at) => at.partition))) {
        this.refuseMore(subtopology.index, partition);
        const id = taskId(subtopology.index, partition);
        const times = ofOne
          .filter((at) => at.partition === partition)
          .map((at) => streamTimes.get(partitionKey(at)) ?? -1);
        const task = new StreamTask({
          ...this.settings,
          id,
          subtopology,
          partition,
          path: this.directory!.path(id),
          changelogs: this.plan!.changelogs,
          send: (record) => this.send(record),
          streamTimeMs: Math.max(-1, ...times),
          counts: this.counts,
          nowMs: this.wallClockMs,
        });
        this.tasks.set(id, task);
      }
    }
    this.consumer!.pause(partitions);
    this.settings.onEvent({ type: 'assigned', tasks: [...this.tasks.keys()] });
    void this.complete([...this.tasks.values()], partitions);
  }

  /** Beside the work, so that the group does not wait for it. */
  private async complete(tasks: readonly StreamTask[], partitions: readonly TopicPartition[]): Promise<void> {
    try {
      const records = await this.persistently(() => this.restore(tasks));
      this.restored += records;
      if (tasks.some(({ isClosed }) => isClosed)) return;
      for (const task of tasks) task.isRestored = true;
      this.consumer!.resume(partitions);
      this.settings.onEvent({ type: 'running', tasks: tasks.map(({ id }) => id), records });
      this.consumer!.wake();
    } catch (error) {
      if (tasks.every(({ isClosed }) => isClosed) && tasks.length > 0) return;
      this.fail(asError(error));
    }
  }

  private restore(tasks: readonly StreamTask[]): Promise<number> {
    const { guarantee, onEvent } = this.settings;
    return restore(
      tasks.filter(({ isClosed }) => !isClosed),
      {
        cluster: this.clusterOptions,
        isolationLevel: guarantee === 'exactly-once' ? 'read_committed' : 'read_uncommitted',
        now: () => this.wallClockMs,
        rebuilding: ({ id }, store, reason) => onEvent({ type: 'rebuilding', task: id, store, reason }),
      },
    );
  }

  /** Again and again while brokers are away. @throws what another attempt does not cure, or did not in time */
  private async persistently<Result>(work: () => Promise<Result>): Promise<Result> {
    const untilMs = this.nowMs + this.settings.taskTimeoutMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isRetriableError(error) || this.isClosing || this.nowMs >= untilMs) throw error;
        await this.pause();
      }
    }
  }

  /** What a topic has grown by has no changelog. */
  private refuseMore(subtopology: number, partition: number): void {
    const count = this.plan!.taskCounts[subtopology]!;
    if (partition < count) return;
    throw new ClientError(
      'PARTITIONS_CHANGED',
      `there were ${count} partitions when the application began, and now is one of number ${partition}: keys have ` +
        'moved, so the application has to be reset',
    );
  }

  /** The stream time of tasks is committed beside their offsets. */
  private async streamTimes(partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
    if (partitions.length === 0) return new Map();
    const committed = await this.consumer!.committed(partitions);
    return new Map(
      [...committed].map(([key, { metadata }]) => {
        const timeMs = Number(metadata ?? '');
        return [key, metadata !== '' && Number.isSafeInteger(timeMs) ? timeMs : -1];
      }),
    );
  }

  private send({ topic, ...record }: OutputRecord): void {
    this.outlet!.send({ ...record, topic: topicName(topic, this.settings.applicationId) });
  }

  /** The group takes the partitions: what is done of them is committed first. */
  private async giveUp(): Promise<void> {
    let isCommitted = false;
    try {
      if (this.failure === null) {
        // What was delivered may be on its way to its task, so positions tell nothing.
        await this.commit(() => null);
        isCommitted = [...this.tasks.values()].every(({ isDirty }) => !isDirty);
      }
    } catch (error) {
      if (error instanceof HandlerError) this.fail(error);
      this.settings.onEvent({ type: 'aborted', error: asError(error) });
    }
    this.closeTasks(isCommitted ? this.wallClockMs : null);
    if (!isCommitted) await this.resetOutlet();
  }

  /** The group has gone on already. */
  private async drop(): Promise<void> {
    this.closeTasks(null);
    await this.resetOutlet();
  }

  private async resetOutlet(): Promise<void> {
    if (this.failure !== null) return;
    this.aborts++;
    try {
      await this.persistently(() => this.outlet!.reset());
    } catch (error) {
      this.fail(asError(error));
    }
  }

  private closeTasks(nowMs: number | null): void {
    for (const task of this.tasks.values()) task.close(nowMs);
    this.tasks.clear();
  }

  /** Comes out of `run`. */
  private fail(error: Error): void {
    if (error instanceof ClosedError && this.isClosing) return;
    this.failure ??= error;
    this.consumer?.wake();
  }

  private taskOf({ topic, partition }: TopicPartition): StreamTask | undefined {
    const { topology, applicationId } = this.settings;
    const of = topology.subtopologies.find(({ topics }) =>
      topics.some((ref) => topicName(ref, applicationId) === topic),
    );
    return of === undefined ? undefined : this.tasks.get(taskId(of.index, partition));
  }

  /** No more of what waits already; what has nothing goes on, or tasks would wait for it for ever. */
  private holdBack(): void {
    const { bufferedRecordsMax, bufferedBytesMax } = this.settings;
    const restored = [...this.tasks.values()].filter((task) => task.isRestored);
    const queues = restored.flatMap(({ queues: ofOne, partition }) =>
      ofOne.map((queue) => ({ queue, partition })),
    );
    const isFull = queues.reduce((sum, { queue }) => sum + queue.sizeBytes, 0) >= bufferedBytesMax;
    for (const { queue, partition } of queues) {
      const shouldPause = queue.length >= bufferedRecordsMax || (isFull && queue.length > 0);
      if (shouldPause === queue.isPaused) continue;
      queue.isPaused = shouldPause;
      const at = [{ topic: queue.topicName, partition }];
      if (shouldPause) this.consumer!.pause(at);
      else this.consumer!.resume(at);
    }
  }
}
