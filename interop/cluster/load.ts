import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Consumer, createTopic, Producer } from '@odradek/client/index.ts';
import { judgeHistory, type Anomaly, type HistoryEvent, type SendEvent } from '@odradek/testing/index.ts';
import { until } from './until.ts';

const PARTITIONS = 3;
const PRODUCERS = 2;
/** One record for each partition so often. */
const SEND_EVERY_MS = 20;
/** Records of one producer that are on their way at one time. */
const UNSETTLED_MAX = 300;
const SETTLE_DEADLINE_MS = 60_000;
const READ_DEADLINE_MS = 60_000;

const CLIENT_OPTIONS = {
  requestTimeoutMs: 3_000,
  connectionSetupTimeoutMs: 2_000,
  retryBackoffMaxMs: 300,
} as const;

export interface LoadReport {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly read: number;
  readonly anomalies: readonly Anomaly[];
  /** The longest time in which nothing was acknowledged in some partition. */
  readonly gapMs: number;
}

/**
 * Idempotent producers with acks=all that write to a topic without pause, and a consumer that reads it meanwhile;
 * everything they were told is the history that is judged at the end.
 */
export class Load {
  readonly topic: string;
  private readonly bootstrapServers: string;
  private readonly history: HistoryEvent[] = [];
  private readonly producers: Producer[] = [];
  private readonly running: Promise<void>[] = [];
  private unsettled = 0;
  private isStopping = false;
  private isReading = true;

  private constructor(topic: string, bootstrapServers: string) {
    this.topic = topic;
    this.bootstrapServers = bootstrapServers;
  }

  /** Makes the topic and resolves when records of all partitions are acknowledged. */
  static async begin(topic: string, bootstrapServers: string): Promise<Load> {
    const cluster = new Cluster({ bootstrapServers, ...CLIENT_OPTIONS });
    await createTopic(cluster, { name: topic, partitions: PARTITIONS });
    cluster.close();
    const load = new Load(topic, bootstrapServers);
    for (let i = 1; i <= PRODUCERS; i++) load.running.push(load.produce(`producer ${i}`));
    load.running.push(load.consume('consumer'));
    await until(
      `${topic} takes records`,
      SETTLE_DEADLINE_MS,
      () => load.acknowledgedPartitions === PARTITIONS,
    );
    return load;
  }

  /** Ends the producers, reads everything once more and judges. */
  async judge(): Promise<LoadReport> {
    this.isStopping = true;
    await until('all that was sent is settled', SETTLE_DEADLINE_MS, () => this.unsettled === 0);
    for (const producer of this.producers) await producer.close();
    const final = await this.readAll('final reader');
    this.isReading = false;
    await Promise.all(this.running);
    const sends = this.sends;
    return {
      acknowledged: sends.filter(({ outcome }) => outcome === 'ok').length,
      unknown: sends.filter(({ outcome }) => outcome !== 'ok').length,
      read: final,
      anomalies: judgeHistory(this.history),
      gapMs: longestGap(sends),
    };
  }

  private get sends(): SendEvent[] {
    return this.history.filter((event) => event.type === 'send');
  }

  private get acknowledgedPartitions(): number {
    return new Set(this.sends.filter(({ outcome }) => outcome === 'ok').map(({ partition }) => partition))
      .size;
  }

  private async produce(process: string): Promise<void> {
    const { bootstrapServers } = this;
    const producer = new Producer({ bootstrapServers, lingerMs: 2, ...CLIENT_OPTIONS });
    this.producers.push(producer);
    for (let sequence = 0; !this.isStopping; await sleep(SEND_EVERY_MS)) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        if (this.unsettled < PRODUCERS * UNSETTLED_MAX)
          this.sendOne(producer, process, sequence++, partition);
      }
    }
  }

  private sendOne(producer: Producer, process: string, sequence: number, partition: number): void {
    const value = `${process} ${sequence}`;
    const startMs = performance.now();
    this.unsettled += 1;
    const settled = (outcome: SendEvent['outcome'], offset: number | null) => {
      this.unsettled -= 1;
      this.history.push({
        type: 'send',
        process,
        sequence,
        partition: `${this.topic}-${partition}`,
        value,
        outcome,
        offset,
        acks: 'all',
        idempotent: true,
        startMs,
        endMs: performance.now(),
      });
    };
    producer.send({ topic: this.topic, partition, value: Buffer.from(value) }).then(
      ({ offset }) => settled('ok', offset < 0 ? null : offset),
      () => settled('unknown', null),
    );
  }

  private async consume(process: string): Promise<void> {
    const consumer = await this.consumer();
    while (this.isReading) await this.pollOnce(consumer, process);
    consumer.close();
  }

  /** @returns how many records there are */
  private async readAll(process: string): Promise<number> {
    const consumer = await this.consumer();
    const ends = new Map<number, { next: number; end: number }>();
    let count = 0;
    await until('everything is read', READ_DEADLINE_MS, async () => {
      for (const { partition, records, nextOffset, highWatermark } of await this.pollOnce(
        consumer,
        process,
      )) {
        count += records.length;
        ends.set(partition, { next: nextOffset, end: highWatermark });
      }
      return ends.size === PARTITIONS && [...ends.values()].every(({ next, end }) => next >= end);
    });
    consumer.close();
    return count;
  }

  private async consumer(): Promise<Consumer> {
    const { topic, bootstrapServers } = this;
    const consumer = new Consumer({ bootstrapServers, fetchMaxWaitMs: 200, ...CLIENT_OPTIONS });
    const from = 'earliest' as const;
    await consumer.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, from })));
    return consumer;
  }

  private async pollOnce(consumer: Consumer, process: string) {
    const fetched = await consumer.poll(200);
    const records = fetched.flatMap(({ topic, partition, records: ofPartition }) =>
      ofPartition.map(({ offset, value }) => ({
        partition: `${topic}-${partition}`,
        offset,
        value: String(value),
      })),
    );
    if (records.length > 0) this.history.push({ type: 'poll', process, records, endMs: performance.now() });
    return fetched;
  }
}

function longestGap(sends: readonly SendEvent[]): number {
  let longest = 0;
  const acknowledged = sends.filter(({ outcome }) => outcome === 'ok');
  for (const ofPartition of Map.groupBy(acknowledged, ({ partition }) => partition).values()) {
    const times = ofPartition.map(({ endMs }) => endMs).sort((a, b) => a - b);
    for (let i = 1; i < times.length; i++) longest = Math.max(longest, times[i]! - times[i - 1]!);
  }
  return longest;
}
