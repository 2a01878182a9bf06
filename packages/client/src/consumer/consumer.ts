import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { consumerSettings, type ConsumerOptions, type ConsumerSettings } from './consumer-options.ts';
import { Fetcher, type FetchedRecords, type StartOffset } from './fetcher.ts';

export interface Assignment extends TopicPartition {
  /** An offset, the start, the end, or a time. */
  readonly from: StartOffset;
}

/** Reads partitions that the caller names, from where the caller says; it belongs to no group. */
export class Consumer {
  readonly cluster: Cluster;
  private readonly settings: ConsumerSettings;
  private readonly fetcher: Fetcher;

  /** Connects when first used. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: ConsumerOptions) {
    this.settings = consumerSettings(options);
    this.cluster = new Cluster(options);
    this.fetcher = new Fetcher(this.cluster, this.settings);
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

  /** The next offset of a partition, or null while it is not known. */
  position(at: TopicPartition): number | null {
    return this.fetcher.position(at);
  }

  /**
   * Records that have come, or do within `timeoutMs`; maybe none.
   *
   * @throws KafkaError, BadAnswerError when a partition cannot be read
   */
  poll(timeoutMs: number): Promise<readonly FetchedRecords[]> {
    return this.fetcher.poll(timeoutMs);
  }

  /** Ends a poll that waits. */
  wake(): void {
    this.fetcher.wake();
  }

  close(): void {
    this.cluster.close();
    this.fetcher.wake();
  }
}
