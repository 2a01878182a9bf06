import assert from 'node:assert/strict';
import { Cluster, Consumer, createTopic, Producer } from '@odradek/client/index.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { commitOffsets, fetchCommitted, TOOL } from '@odradek/client/consumer/committed-offsets.ts';
import { consume } from './kafka-tools.ts';
import type { Line } from './logs-of-ours.ts';

const GROUP = 'readers';
const RECORDS = 150;
const TRANSACTIONS = 12;
const PATIENCE_MS = 60_000;
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export const TRANSACTED = 'transacted';

interface WrittenTopic {
  readonly name: string;
  readonly configs: Readonly<Record<string, string>>;
  readonly compressions: readonly (typeof COMPRESSIONS)[number][];
  /** Formats before v2 have no room for what that needs. */
  readonly isIdempotent: boolean;
}

const TOPICS: readonly WrittenTopic[] = [
  { name: 'varied', configs: { 'segment.bytes': '40000' }, compressions: COMPRESSIONS, isIdempotent: true },
  ...(['0.9.0', '0.10.2'] as const).map((version) => ({
    name: `of-${version}`,
    configs: { 'message.format.version': version, 'segment.bytes': '40000' },
    compressions: COMPRESSIONS.slice(0, -1),
    isIdempotent: false,
  })),
];

/** What brokers that take each other's place have to keep: what was written, where, and how far a group has come. */
export class HandedOver {
  /** What readers of committed records get, by topic, in order. */
  private readonly written = new Map<string, string[]>();
  /** As it was read first. */
  private readonly lines = new Map<string, Line[]>();
  private round = 0;

  async make(bootstrapServers: string): Promise<void> {
    await withCluster(bootstrapServers, async (cluster) => {
      for (const { name, configs } of TOPICS)
        await createTopic(cluster, { name, partitions: 1, replicationFactor: 1, configs });
      await createTopic(cluster, { name: TRANSACTED, partitions: 1, replicationFactor: 1 });
    });
  }

  /**
   * Transactions where the broker coordinates them; to the topics of old formats Kafka writes only at first: once they have
   * records of ours, which are of format v2, it would go back to the old one.
   */
  async write(bootstrapServers: string, by: 'kafka' | 'odradek'): Promise<void> {
    this.round++;
    for (const { name, compressions, isIdempotent } of TOPICS) {
      if (!isIdempotent && by === 'kafka' && this.round > 1) continue;
      for (const compression of compressions) {
        const producer = new Producer({
          bootstrapServers,
          compression,
          idempotent: isIdempotent,
          lingerMs: 5,
        });
        await this.send(producer, name, `${this.round} ${compression}`, RECORDS);
        await producer.close();
      }
    }
    if (by === 'kafka') await this.transact(bootstrapServers);
    await withCluster(bootstrapServers, (cluster) =>
      commitOffsets(coordinatorOf(cluster), TOOL, [{ topic: 'varied', partition: 0, offset: this.round }]),
    );
  }

  private async send(producer: Producer, topic: string, about: string, count: number): Promise<void> {
    const values = Array.from({ length: count }, (_, i) => `${about} ${i} ${'x'.repeat((i * 37) % 200)}`);
    // One after another in the buffer: the order is theirs.
    await Promise.all(
      values.map((value) => producer.send({ topic, partition: 0, value: Buffer.from(value) })),
    );
    this.written.set(topic, [...(this.written.get(topic) ?? []), ...values]);
  }

  /** Every third one is aborted. */
  private async transact(bootstrapServers: string): Promise<void> {
    const producer = new Producer({ bootstrapServers, transactionalId: 'mover', compression: 'lz4' });
    await producer.initTransactions();
    for (let i = 0; i < TRANSACTIONS; i++) {
      const before = this.written.get(TRANSACTED) ?? [];
      producer.beginTransaction();
      await this.send(producer, TRANSACTED, `${this.round} transaction ${i}`, 10);
      if (i % 3 !== 2) await producer.commitTransaction();
      else {
        await producer.abortTransaction();
        this.written.set(TRANSACTED, before);
      }
    }
    await producer.close();
  }

  /**
   * Java's consumer reads the topics of old formats: ours tells brokers the leader epoch of what it read last, and Kafka
   * answers OFFSET_OUT_OF_RANGE to that where a topic is set to a format without epochs and has records with one.
   */
  private linesOf(bootstrapServers: string, topic: string, count: number): Line[] | Promise<Line[]> {
    const isOld = TOPICS.some(({ name, isIdempotent }) => name === topic && !isIdempotent);
    return isOld ? consume(bootstrapServers, topic, count) : readLines(bootstrapServers, topic, count);
  }

  /** What was read of a topic last. */
  known(topic: string): readonly Line[] {
    return this.lines.get(topic) ?? [];
  }

  /** Reads everything, and compares it with what was written, and read before. */
  async read(bootstrapServers: string): Promise<string> {
    for (const [topic, values] of this.written) {
      const lines = await this.linesOf(bootstrapServers, topic, values.length);
      assert.deepEqual(
        lines.map(({ value }) => value),
        values,
        topic,
      );
      assert.deepEqual(lines.slice(0, this.known(topic).length), this.known(topic), topic);
      this.lines.set(topic, lines);
    }
    const committed = await withCluster(bootstrapServers, (cluster) =>
      fetchCommitted(coordinatorOf(cluster), null),
    );
    assert.deepEqual(
      [...committed.values()].map(({ offset }) => offset),
      [this.round],
    );
    return [...this.lines].map(([topic, lines]) => `${topic} ${lines.length}`).join(', ');
  }
}

/** What our consumer reads. */
async function readLines(bootstrapServers: string, topic: string, count: number): Promise<Line[]> {
  const consumer = new Consumer({ bootstrapServers, isolationLevel: 'read_committed' });
  const lines: Line[] = [];
  try {
    await consumer.assign([{ topic, partition: 0, from: 0 }]);
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (lines.length < count && performance.now() < deadlineMs) {
      for (const { records } of await consumer.poll(1000)) {
        for (const { offset, value } of records) lines.push({ offset, value: String(value) });
      }
    }
    return lines;
  } finally {
    await consumer.close();
  }
}

const coordinatorOf = (cluster: Cluster): Coordinator =>
  new Coordinator(cluster, CoordinatorType.GROUP, GROUP);

async function withCluster<Result>(
  bootstrapServers: string,
  use: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const cluster = new Cluster({ bootstrapServers });
  try {
    return await use(cluster);
  } finally {
    cluster.close();
  }
}
