import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { Cluster } from '../cluster/cluster.ts';
import { CLUSTER_OPTION_NAMES } from '../cluster/cluster-options.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { ClosedError } from '../errors.ts';
import { pickOptions, refuseUnknown } from '../options.ts';
import {
  CONSUMER_OPTION_NAMES,
  consumerSettings,
  type ConsumerOptions,
  type ConsumerSettings,
} from './consumer-options.ts';
import type { PartitionTrouble, StartOffset } from './fetch/fetch-partition.ts';
import type { FetchedRecords } from './fetch/fetched-data.ts';
import { Fetcher } from './fetch/fetcher.ts';
import { Signal } from './signal.ts';

export interface Assignment extends TopicPartition {
  /** An offset, the start, the end, or a time. */
  readonly from: StartOffset;
}

/** Brokers that can be reached hear of the end well before. */
const CLOSE_TIMEOUT_MS = 500;

/** Reads partitions that the caller names, from where the caller says; it belongs to no group. */
export class Consumer {
  readonly cluster: Cluster;
  private readonly settings: ConsumerSettings;
  private readonly changed: Signal;
  private readonly fetcher: Fetcher;
  private isWoken = false;
  private isClosed = false;
  private closing: Promise<void> | null = null;

  /** Connects when first used. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: ConsumerOptions) {
    refuseUnknown('a consumer', options, CONSUMER_OPTION_NAMES);
    this.settings = consumerSettings(options);
    this.cluster = new Cluster(pickOptions(options, CLUSTER_OPTION_NAMES));
    this.changed = new Signal(this.cluster.environment);
    this.fetcher = new Fetcher(this.cluster, this.settings, this.changed);
  }

  /** Finds the cluster now rather than with the first call. @throws ConnectionError when no broker answers */
  async connect(): Promise<void> {
    await this.cluster.nodes();
  }

  /**
   * The partitions of a topic, by index.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION when there is no such topic within `timeoutMs`
   */
  async partitionsOf(topic: string, timeoutMs?: number): Promise<readonly number[]> {
    const create = this.settings.createTopics;
    const known = await this.cluster.topic(
      topic,
      timeoutMs === undefined ? { create } : { create, timeoutMs },
    );
    return known.partitions.map(({ partition }) => partition);
  }

  /**
   * Reads these from now on, beside those assigned before; a partition that is assigned already moves.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION
   */
  async assign(assignments: readonly Assignment[]): Promise<void> {
    for (const { topic, partition } of assignments) {
      const partitions = await this.partitionsOf(topic);
      if (partitions.includes(partition)) continue;
      throw new KafkaError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `topic "${topic}" has partitions 0 to ${partitions.length - 1}, not ${partition}`,
      );
    }
    for (const assignment of assignments) this.fetcher.start(assignment, assignment.from);
  }

  unassign(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.fetcher.stop(partition);
  }

  /** Goes on from somewhere else. Nothing from before is delivered any more. Other partitions are left out. */
  seek(at: TopicPartition, to: StartOffset): void {
    if (this.fetcher.isAssigned(at)) this.fetcher.start(at, to);
  }

  /** Delivers nothing of these until resumed; what has been fetched is kept. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.fetcher.pause(partition);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.fetcher.resume(partition);
  }

  /** The offset of a partition that is delivered next, or null while it is not known. */
  position(at: TopicPartition): number | null {
    return this.fetcher.position(at);
  }

  /** The partition that could not be read for longest, although attempts go on; null when all is well. */
  get trouble(): PartitionTrouble | null {
    return this.fetcher.trouble;
  }

  /**
   * Records that have come, or do within `timeoutMs`; maybe none.
   *
   * @throws KafkaError, UnreadableRecordsError, BadAnswerError when a partition cannot be read; ClosedError
   */
  poll(timeoutMs: number): Promise<readonly FetchedRecords[]> {
    return this.next(timeoutMs, Infinity);
  }

  /** Records as they come, partition by partition, until the consumer is closed. @throws as `poll` */
  async *batches(): AsyncGenerator<FetchedRecords, void, undefined> {
    for (;;) {
      if (this.isClosed) return;
      try {
        yield* await this.next(Infinity, 1);
      } catch (error) {
        if (!(error instanceof ClosedError)) throw error;
      }
    }
  }

  /** Ends a poll that waits, or else the next one before it does. */
  wake(): void {
    this.isWoken = true;
    this.changed.notify();
  }

  /**
   * Takes nothing more at once: a `poll` that waits ends with ClosedError, `batches` ends. Then tells the brokers that
   * nobody reads here any more, so that they give the room to others. Never throws.
   *
   * @param timeoutMs for telling them; whoever has not heard by then finds out by itself
   */
  close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    this.isClosed = true;
    this.changed.notify();
    this.closing ??= this.shutDown(timeoutMs);
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async shutDown(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const deadline = this.cluster.environment.timers.after(timeoutMs, resolve);
      void this.fetcher.close().then(() => {
        deadline.cancel();
        resolve();
      });
    });
    this.cluster.close();
  }

  private async next(timeoutMs: number, stretchesMax: number): Promise<readonly FetchedRecords[]> {
    const { clock } = this.cluster.environment;
    const deadlineMs = clock.monotonic() + timeoutMs;
    for (;;) {
      if (this.isClosed) throw new ClosedError('consumer');
      const taken = this.fetcher.take(this.settings.maxPollRecords, stretchesMax);
      this.fetcher.ask();
      if (taken.length > 0) return taken;
      const remainingMs = deadlineMs - clock.monotonic();
      if (remainingMs <= 0 || this.isWoken) {
        this.isWoken = false;
        return [];
      }
      await this.changed.wait(Math.min(remainingMs, this.fetcher.pauseMs));
    }
  }
}
