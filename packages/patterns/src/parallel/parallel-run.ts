import { KafkaError } from '@odradek/protocol/errors.ts';
import {
  ClosedError,
  asError,
  isRetriableError,
  partitionKey,
  type ClientEnvironment,
  type CommittedOffset,
  type FetchedRecords,
  type TopicPartition,
} from '@odradek/client';
import { attemptTask, type RecordHandler, type RetryPolicy } from './attempt.ts';
import { KeyScheduler } from './key-scheduler.ts';
import { decodeOffsetMap } from './offset-map.ts';
import type { ParallelSettings } from './parallel-options.ts';
import { PartitionWork } from './partition-work.ts';
import { RecentOutcomes } from './recent-outcomes.ts';
import { ProgressCommitter, type CommitTarget } from './progress-committer.ts';

/** Where records come from: a group consumer, as far as it is needed here. */
export interface ParallelSource extends CommitTarget {
  take(timeoutMs: number): Promise<readonly FetchedRecords[]>;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  committed(partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset>>;
  /** Ends a `take` that waits. */
  wake(): void;
  /** Gives all partitions up and leaves. */
  close(): Promise<void>;
}

/** What is going on at a moment. */
export interface ParallelStatus {
  /** Handlers that run. */
  readonly running: number;
  /** Handlers that ended when their partition was somebody else's. */
  readonly staleCompletions: number;
  /** Records that earlier owners had done beyond their commit, and that were therefore left out. */
  readonly skipped: number;
  readonly partitions: readonly PartitionStatus[];
}

export interface PartitionStatus extends TopicPartition {
  /** Everything before it is done. */
  readonly committable: number;
  /** Offsets between that and the last that was taken. */
  readonly ahead: number;
  /** Bytes that are in work or wait for their turn. */
  readonly sizeBytes: number;
  readonly running: number;
  readonly isPaused: boolean;
}

type StartingPoint = Pick<CommittedOffset, 'offset' | 'metadata'>;

/** Where reading begins then is seen by the first record. */
const NOTHING_COMMITTED: StartingPoint = { offset: 0, metadata: null };

const TAKE_TIMEOUT_MS = 1_000;

/** Takes records, shares them out, and commits how far they got, until it is stopped. */
export class ParallelRun {
  private readonly source: ParallelSource;
  private readonly settings: ParallelSettings;
  private readonly environment: ClientEnvironment;
  private readonly identityOf: (at: TopicPartition) => Promise<string>;
  private readonly scheduler: KeyScheduler;
  private readonly committer: ProgressCommitter;
  private readonly works = new Map<string, PartitionWork>();
  /** Given up, with handlers that have not ended. */
  private readonly leaving = new Map<string, PartitionWork>();
  private commitTimer: ReturnType<ClientEnvironment['timers']['after']> | null = null;
  private readonly outcomes = new RecentOutcomes();
  private isHolding = false;
  private skipped = 0;
  private isStopped = false;
  private failure: Error | null = null;

  /** @param identityOf names a partition across clusters and topics that were made anew */
  constructor(
    source: ParallelSource,
    settings: ParallelSettings,
    environment: ClientEnvironment,
    identityOf: (at: TopicPartition) => Promise<string>,
    handler: RecordHandler,
  ) {
    this.source = source;
    this.settings = settings;
    this.environment = environment;
    this.identityOf = identityOf;
    const { order, workers, attemptsMax, onExhausted, onEvent } = settings;
    const policies = {
      handler,
      attemptsMax,
      onExhausted,
      retry: settings.retry ?? growingDelay(environment),
      notBefore: settings.notBefore,
      now: () => environment.clock.now(),
      succeeded: () => this.outcomes.note(false),
      isHandOverHeld: () => this.isHandOverHeld(),
      stuck: (failed: Parameters<RetryPolicy>[0]) => onEvent({ type: 'key-stuck', ...failed }),
    };
    this.scheduler = new KeyScheduler({
      timers: environment.timers,
      workers,
      ordering: order,
      attempt: (task) => attemptTask(task, policies),
      done: (work) => this.noteDone(work),
      failed: (error) => this.fail(error),
    });
    this.committer = new ProgressCommitter(source, settings.metadataLengthMax, (work, lengthMax) =>
      onEvent({ type: 'map-cut', topic: work.topic, partition: work.partition, lengthMax }),
    );
  }

  get status(): ParallelStatus {
    return {
      running: this.scheduler.runningCount,
      staleCompletions: this.scheduler.staleCompletions,
      skipped: this.skipped,
      partitions: [...this.works.values()].map(
        ({ topic, partition, frontier, sizeBytes, running, isPaused }) => ({
          topic,
          partition,
          committable: frontier.committable,
          ahead: frontier.window,
          sizeBytes,
          running,
          isPaused,
        }),
      ),
    };
  }

  /** @throws what ended it, everything that got done being committed as far as that was possible */
  async run(): Promise<void> {
    try {
      while (!this.isStopped) {
        for (const batch of await this.source.take(TAKE_TIMEOUT_MS)) this.admit(batch);
        this.scheduler.dispatch();
      }
    } catch (error) {
      if (!(error instanceof ClosedError && this.isStopped)) this.fail(asError(error));
    }
    await this.shutDown();
    if (this.failure !== null) throw this.failure;
  }

  /** Takes nothing more; `run` ends once handlers have. */
  stop(): void {
    this.isStopped = true;
    this.source.wake();
  }

  /** Before the first records of these come. */
  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const identities = await Promise.all(partitions.map((at) => this.identityOf(at)));
    const committed = await this.committedQuietly(partitions);
    for (const [index, at] of partitions.entries()) {
      this.begin(at, identities[index]!, committed.get(partitionKey(at)) ?? NOTHING_COMMITTED);
    }
  }

  /** Waits for what is in work, then commits: when this has ended the partitions may go. */
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const works = this.worksOf(partitions);
    await this.drain(works);
    await this.commit(works);
    this.forget(works);
  }

  /** They are others' already. */
  lost(partitions: readonly TopicPartition[]): void {
    const works = this.worksOf(partitions);
    for (const work of works) {
      work.close();
      work.abort(new Error(`${work.topic}-${work.partition} went to another member`));
    }
    this.forget(works);
  }

  private worksOf(partitions: readonly TopicPartition[]): PartitionWork[] {
    return partitions.flatMap((at) => this.works.get(partitionKey(at)) ?? []);
  }

  private begin(at: TopicPartition, identity: string, committed: StartingPoint): void {
    const key = partitionKey(at);
    const { offset: start } = committed;
    const metadata = committed.metadata ?? '';
    const known = metadata === '' ? null : decodeOffsetMap(metadata, identity, start);
    if (known === null && metadata !== '') this.noteIgnored(at, metadata);
    const predecessor = this.leaving.get(key) ?? null;
    const work = new PartitionWork(at, identity, start, known, predecessor);
    this.works.set(key, work);
    void predecessor?.whenIdle().then(() => this.scheduler.release(work));
  }

  /** Without the maps what was done ahead is repeated; that is no reason to stop. */
  private async committedQuietly(
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    try {
      return await this.source.committed(partitions);
    } catch (error) {
      if (!isRetriableError(error)) throw error;
      for (const at of partitions) this.noteIgnored(at, null);
      return new Map();
    }
  }

  private noteIgnored({ topic, partition }: TopicPartition, metadata: string | null): void {
    this.settings.onEvent({ type: 'map-ignored', topic, partition, metadata });
  }

  private admit(batch: FetchedRecords): void {
    const work = this.works.get(partitionKey(batch));
    if (work === undefined || work.isClosing) return;
    const { topic, partition, records, nextOffset, highWatermark } = batch;
    if (!work.trustsKnown(records[0]?.offset ?? nextOffset, highWatermark)) this.noteIgnored(work, null);
    for (const record of records) {
      if (work.isKnownDone(record.offset)) this.skipped++;
      else this.scheduler.add(work, { topic, partition, ...record });
    }
    work.frontier.passTo(nextOffset);
    this.noteChanged(work);
    if (!work.isPaused && work.isFull(this.settings.limits)) this.pause(work);
  }

  private isHandOverHeld(): boolean {
    this.outcomes.note(true);
    const share = this.outcomes.failedShare;
    const isHeld = share > this.settings.exhaustedShareMax;
    if (isHeld && !this.isHolding) this.settings.onEvent({ type: 'hand-over-held', share });
    this.isHolding = isHeld;
    return isHeld;
  }

  private noteDone(work: PartitionWork): void {
    this.noteChanged(work);
    if (work.isPaused && !work.isClosing && work.hasRoom(this.settings.limits)) this.resume(work);
  }

  private pause(work: PartitionWork): void {
    work.isPaused = true;
    this.source.pause([work]);
    this.settings.onEvent({ type: 'paused', topic: work.topic, partition: work.partition });
  }

  private resume(work: PartitionWork): void {
    work.isPaused = false;
    this.source.resume([work]);
    this.settings.onEvent({ type: 'resumed', topic: work.topic, partition: work.partition });
  }

  private noteChanged(work: PartitionWork): void {
    work.isDirty = true;
    this.commitTimer ??= this.environment.timers.after(this.settings.commitIntervalMs, () => {
      void this.commit(this.works.values()).then(() => {
        this.commitTimer = null;
        const dirty = [...this.works.values()].find(({ isDirty }) => isDirty);
        if (dirty !== undefined && !this.isStopped) this.noteChanged(dirty);
      });
    });
  }

  /** What others will repeat, or the next commit makes good, is no failure. */
  private async commit(works: Iterable<PartitionWork>): Promise<void> {
    try {
      await this.committer.commit(works);
    } catch (thrown) {
      const error = asError(thrown);
      if (!(error instanceof KafkaError) && !isRetriableError(error)) this.fail(error);
      else this.settings.onEvent({ type: 'commit-failed', error });
    }
  }

  /** Returns when no handler of these runs, however long that takes; the group's patience is the limit. */
  private async drain(works: readonly PartitionWork[]): Promise<void> {
    for (const work of works) work.close();
    const timer = this.environment.timers.after(this.settings.drainMs, () => {
      const slow = works.filter(({ running }) => running > 0);
      const running = slow.reduce((sum, work) => sum + work.running, 0);
      if (running > 0) this.settings.onEvent({ type: 'drain-slow', running });
      for (const work of slow) {
        work.abort(new Error(`${work.topic}-${work.partition} is to be given up`));
      }
    });
    await Promise.all(works.map((work) => work.whenIdle()));
    timer.cancel();
  }

  private forget(works: readonly PartitionWork[]): void {
    for (const work of works) {
      work.isGone = true;
      const key = partitionKey(work);
      if (this.works.get(key) === work) this.works.delete(key);
      // One that never began because of its predecessor leaves that in its place.
      const busy = work.predecessor ?? work;
      if (busy.running === 0) continue;
      this.leaving.set(key, busy);
      void busy.whenIdle().then(() => {
        if (this.leaving.get(key) === busy) this.leaving.delete(key);
      });
    }
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.stop();
  }

  private async shutDown(): Promise<void> {
    this.isStopped = true;
    const works = [...this.works.values()];
    await this.drain(works);
    this.commitTimer?.cancel();
    await this.commit(works);
    try {
      await this.source.close();
    } catch (error) {
      this.failure ??= asError(error);
    }
  }
}

const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 30_000;
const JITTER = 0.2;

function growingDelay({ random }: ClientEnvironment): RetryPolicy {
  return ({ attempts }) => {
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** (attempts - 1), RETRY_MAX_MS);
    return delayMs * (1 - JITTER + 2 * JITTER * random.fraction());
  };
}
