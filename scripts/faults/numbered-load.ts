import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Consumer, Producer, createTopic } from '@odradek/client/index.ts';
import type { RecordMetadata } from '@odradek/client/index.ts';

/** Records that are on their way at one time. */
const UNSETTLED_MAX = 500;
const READ_DEADLINE_MS = 60_000;

export interface LoadTopic {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
  readonly acks: -1 | 1;
  /** Bytes that each record has beside its number. */
  readonly padding: number;
}

/**
 * One producer that sends numbered records to a topic without pause, and remembers which were acknowledged. With
 * acks -1 it is idempotent.
 */
export class NumberedLoad {
  readonly topic: LoadTopic;
  /** By number: where the record is; the offset is -1 where the broker had it from before. */
  readonly acknowledged = new Map<number, RecordMetadata>();
  readonly failures: string[] = [];
  private readonly producer: Producer;
  private readonly bootstrapServers: string;
  private sent = 0;
  private settled = 0;
  private isStopping = false;
  private running: Promise<void> | null = null;

  private constructor(topic: LoadTopic, bootstrapServers: string) {
    this.topic = topic;
    this.bootstrapServers = bootstrapServers;
    this.producer = new Producer({
      bootstrapServers,
      acks: topic.acks,
      lingerMs: 2,
      requestTimeoutMs: 5000,
      retryBackoffMaxMs: 200,
    });
  }

  static async begin(topic: LoadTopic, bootstrapServers: string): Promise<NumberedLoad> {
    const cluster = new Cluster({ bootstrapServers });
    const { name, partitions, configs } = topic;
    await createTopic(cluster, { name, partitions, configs });
    cluster.close();
    const load = new NumberedLoad(topic, bootstrapServers);
    load.running = load.run();
    return load;
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      if (this.sent - this.settled < UNSETTLED_MAX) this.sendOne();
      else await sleep(1);
      if (this.sent % 100 === 0) await sleep(0);
    }
  }

  private sendOne(): void {
    const number = this.sent++;
    const value = Buffer.from(`${number} `.padEnd(this.topic.padding, '.'));
    const partition = number % this.topic.partitions;
    this.producer.send({ topic: this.topic.name, partition, value }).then(
      (metadata) => {
        this.settled++;
        this.acknowledged.set(number, metadata);
      },
      (error: unknown) => {
        this.settled++;
        this.failures.push(error instanceof Error ? error.message : String(error));
      },
    );
  }

  /** Sends no more, and waits for what is on its way. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.running;
    await this.producer.flush();
    await this.producer.close();
  }

  /** Sends no more, and gives up what is on its way. */
  async halt(): Promise<void> {
    this.isStopping = true;
    await this.running;
    await this.producer.close(5000);
  }

  /** Reads everything back: see the messages of the assertions. @returns how many records there are */
  async check(): Promise<number> {
    let total = 0;
    for (let partition = 0; partition < this.topic.partitions; partition++) {
      total += this.checkPartition(partition, await this.read(partition));
    }
    return total;
  }

  private checkPartition(partition: number, numbers: readonly number[]): number {
    const where = `${this.topic.name}-${partition}`;
    const offsetOf = new Map<number, number>();
    for (const [offset, number] of numbers.entries()) {
      const isNew = !offsetOf.has(number);
      if (this.topic.acks === -1) assert.ok(isNew, `${where}: record ${number} is there twice`);
      if (isNew) offsetOf.set(number, offset);
    }
    for (const [number, metadata] of this.acknowledged) {
      if (metadata.partition !== partition) continue;
      const { offset } = metadata;
      assert.ok(offsetOf.has(number), `${where}: record ${number} was acknowledged and is not there`);
      if (offset >= 0) assert.equal(numbers[offset], number, `${where}: another record at offset ${offset}`);
    }
    return numbers.length;
  }

  /** The numbers by offset, which have to be dense. */
  private async read(partition: number): Promise<number[]> {
    const { name: topic } = this.topic;
    const consumer = new Consumer({ bootstrapServers: this.bootstrapServers, maxPollRecords: Infinity });
    const numbers: number[] = [];
    const deadline = Date.now() + READ_DEADLINE_MS;
    await consumer.assign([{ topic, partition, from: 'earliest' }]);
    for (let end = -1; end < 0 || numbers.length < end;) {
      assert.ok(Date.now() < deadline, `${topic}-${partition}: ${numbers.length} of ${end} records in time`);
      for (const { records, highWatermark } of await consumer.poll(500)) {
        end = Math.max(end, highWatermark);
        for (const { offset, value } of records) {
          assert.equal(offset, numbers.length, `${topic}-${partition}: offsets are not dense`);
          numbers.push(Number(value!.toString().split(' ', 1)[0]));
        }
      }
    }
    await consumer.close();
    return numbers;
  }
}
