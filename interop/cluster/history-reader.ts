import { Cluster, Consumer, listOffsets, partitionKey, type TopicPartition } from '@odradek/client/index.ts';
import type { HistoryEvent } from '@odradek/testing/index.ts';
import { until } from './until.ts';

const READ_DEADLINE_MS = 60_000;

/** How all clients of ours deal with a cluster in trouble. */
export const CLIENT_OPTIONS = {
  requestTimeoutMs: 3_000,
  connectionSetupTimeoutMs: 2_000,
  retryBackoffMaxMs: 300,
} as const;

export interface TestTopic {
  readonly name: string;
  readonly partitions: number;
  readonly bootstrapServers: string;
}

/** Reads a topic from its beginning and notes what it gets. */
export class HistoryReader {
  private readonly topic: TestTopic;
  private readonly process: string;
  private readonly history: HistoryEvent[];
  private isReading = true;

  constructor(topic: TestTopic, process: string, history: HistoryEvent[]) {
    this.topic = topic;
    this.process = process;
    this.history = history;
  }

  /** Reads until `stop`. */
  async run(): Promise<void> {
    const consumer = await this.consumer();
    while (this.isReading) await this.pollOnce(consumer);
    await consumer.close();
  }

  stop(): void {
    this.isReading = false;
  }

  /** Reads everything that there is. @returns how many records */
  async readAll(): Promise<number> {
    const ends = await this.ends();
    const consumer = await this.consumer();
    let count = 0;
    await until('everything is read', READ_DEADLINE_MS, async () => {
      for (const { records } of await this.pollOnce(consumer)) count += records.length;
      return ends.every(({ at, end }) => (consumer.position(at) ?? 0) >= end);
    });
    await consumer.close();
    return count;
  }

  /** Some partitions may be empty: a producer without keys may stay on one. */
  private async ends(): Promise<{ at: TopicPartition; end: number }[]> {
    const { name: topic, partitions, bootstrapServers } = this.topic;
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const cluster = new Cluster({ bootstrapServers, ...CLIENT_OPTIONS });
    try {
      const found = await listOffsets(
        cluster,
        all.map((at) => ({ ...at, at: 'latest' })),
      );
      return all.map((at) => ({ at, end: found.get(partitionKey(at))!.offset }));
    } finally {
      cluster.close();
    }
  }

  private async consumer(): Promise<Consumer> {
    const { name: topic, partitions, bootstrapServers } = this.topic;
    const consumer = new Consumer({ bootstrapServers, fetchMaxWaitMs: 200, ...CLIENT_OPTIONS });
    const from = 'earliest' as const;
    await consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, from })));
    return consumer;
  }

  private async pollOnce(consumer: Consumer) {
    const fetched = await consumer.poll(200);
    const records = fetched.flatMap(({ topic, partition, records: ofPartition }) =>
      ofPartition.map(({ offset, value }) => ({
        partition: `${topic}-${partition}`,
        offset,
        value: String(value),
      })),
    );
    const { process } = this;
    if (records.length > 0) this.history.push({ type: 'poll', process, records, endMs: performance.now() });
    return fetched;
  }
}
