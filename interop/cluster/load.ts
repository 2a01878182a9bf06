import { setTimeout as sleep } from 'node:timers/promises';
import { Producer } from '@odradek/client/index.ts';
import { judgeHistory, type Anomaly, type HistoryEvent, type SendEvent } from '@odradek/testing/index.ts';
import { CLIENT_OPTIONS, HistoryReader, type TestTopic } from './history-reader.ts';
import { until } from './until.ts';

const PRODUCERS = 2;
/** One record for each partition so often. */
const SEND_EVERY_MS = 20;
/** Records of one producer that are on their way at one time. */
const UNSETTLED_MAX = 300;
const SETTLE_DEADLINE_MS = 60_000;

/** What clients do while a cluster is hurt. */
export interface Load {
  /** Ends the writing, reads everything once more and judges. */
  judge(): Promise<LoadReport>;
}

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
export class OwnClients implements Load {
  private readonly topic: TestTopic;
  private readonly history: HistoryEvent[] = [];
  private readonly reader: HistoryReader;
  private readonly producers: Producer[] = [];
  private readonly running: Promise<void>[] = [];
  private unsettled = 0;
  private isStopping = false;

  private constructor(topic: TestTopic) {
    this.topic = topic;
    this.reader = new HistoryReader(topic, 'consumer', this.history);
  }

  /** Resolves when records of all partitions of the topic are acknowledged. */
  static async begin(topic: TestTopic): Promise<OwnClients> {
    const load = new OwnClients(topic);
    for (let i = 1; i <= PRODUCERS; i++) load.running.push(load.produce(`producer ${i}`));
    load.running.push(load.reader.run());
    await until(
      `${topic.name} takes records`,
      SETTLE_DEADLINE_MS,
      () => load.acknowledgedPartitions === topic.partitions,
    );
    return load;
  }

  async judge(): Promise<LoadReport> {
    this.isStopping = true;
    await until('all that was sent is settled', SETTLE_DEADLINE_MS, () => this.unsettled === 0);
    for (const producer of this.producers) await producer.close();
    const read = await new HistoryReader(this.topic, 'final reader', this.history).readAll();
    this.reader.stop();
    await Promise.all(this.running);
    return reportOf(this.history, read);
  }

  private get sends(): SendEvent[] {
    return this.history.filter((event) => event.type === 'send');
  }

  private get acknowledgedPartitions(): number {
    return new Set(this.sends.filter(({ outcome }) => outcome === 'ok').map(({ partition }) => partition))
      .size;
  }

  private async produce(process: string): Promise<void> {
    const { bootstrapServers, partitions } = this.topic;
    const producer = new Producer({ bootstrapServers, lingerMs: 2, ...CLIENT_OPTIONS });
    this.producers.push(producer);
    for (let sequence = 0; !this.isStopping; await sleep(SEND_EVERY_MS)) {
      for (let partition = 0; partition < partitions; partition++) {
        if (this.unsettled < PRODUCERS * UNSETTLED_MAX)
          this.sendOne(producer, process, sequence++, partition);
      }
    }
  }

  private sendOne(producer: Producer, process: string, sequence: number, partition: number): void {
    const { name: topic } = this.topic;
    const value = `${process} ${sequence}`;
    const startMs = performance.now();
    this.unsettled += 1;
    const settled = (outcome: SendEvent['outcome'], offset: number | null) => {
      this.unsettled -= 1;
      this.history.push({
        type: 'send',
        process,
        sequence,
        partition: `${topic}-${partition}`,
        value,
        outcome,
        offset,
        acks: 'all',
        idempotent: true,
        startMs,
        endMs: performance.now(),
      });
    };
    producer.send({ topic, partition, value: Buffer.from(value) }).then(
      ({ offset }) => settled('ok', offset < 0 ? null : offset),
      () => settled('unknown', null),
    );
  }
}

/** @param read how many records the last reader found */
export function reportOf(history: readonly HistoryEvent[], read: number): LoadReport {
  const sends = history.filter((event) => event.type === 'send');
  return {
    acknowledged: sends.filter(({ outcome }) => outcome === 'ok').length,
    unknown: sends.filter(({ outcome }) => outcome !== 'ok').length,
    read,
    anomalies: judgeHistory(history),
    gapMs: longestGap(sends),
  };
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
