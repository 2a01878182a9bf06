import { Producer as Client, type GroupMetadata, type OffsetToCommit } from '@odradek/client/index.ts';
import { compressionName, type CompressionTypes } from '../compression.ts';
import { translated } from '../error-translation.ts';
import { KafkaJSNonRetriableError, KafkaJSNotImplemented } from '../errors.ts';
import type { Partitioner } from '../partitioners.ts';
import type { ProduceAnswers } from './produce-answers.ts';
import type {
  Offsets,
  ProducerBatch,
  ProducerRecord,
  RecordMetadata,
  Transaction,
} from './producer-types.ts';
import { checkBatch, sendAll } from './sending.ts';

export interface TransactionParts {
  readonly newClient: (compression: CompressionTypes) => Promise<Client>;
  /** Who commits offsets of this group: a consumer at hand, or nobody in particular. */
  readonly groupMetadata: (groupId: string, offsets: readonly OffsetToCommit[]) => GroupMetadata;
  readonly partitioner: Partitioner;
  readonly answers: ProduceAnswers;
}

/** The transactions of one transactional id, one after the other, over a producer of their own. */
export class TransactionSeries {
  private readonly parts: TransactionParts;
  private client: Client | null = null;
  private compression: CompressionTypes = 0;
  private present: OpenTransaction | null = null;

  constructor(parts: TransactionParts) {
    this.parts = parts;
  }

  /** @throws KafkaJSNonRetriableError while one is open; KafkaJSProtocolError */
  async begin(): Promise<Transaction> {
    if (this.present !== null) {
      throw new KafkaJSNonRetriableError(
        'There is already an ongoing transaction for this producer. Please end the transaction before beginning another.',
      );
    }
    const transaction = new OpenTransaction(this, this.parts);
    this.present = transaction;
    try {
      const client = await this.initialised(this.compression);
      await translated(() => client.beginTransaction());
    } catch (error) {
      this.present = null;
      throw error;
    }
    return transaction;
  }

  isPresent(transaction: OpenTransaction): boolean {
    return this.present === transaction;
  }

  over(): void {
    this.present = null;
  }

  /** The producer of the open transaction. */
  get current(): Client {
    if (this.client !== null) return this.client;
    throw new KafkaJSNonRetriableError('The producer is disconnected');
  }

  /**
   * One producer compresses one way: what is begun goes over to another one while nothing has been sent.
   *
   * @throws KafkaJSNotImplemented afterwards
   */
  async compressBy(compression: CompressionTypes, hasSent: boolean): Promise<Client> {
    if (compression === this.compression) return this.current;
    if (hasSent) {
      const names = `${compressionName(this.compression)} and ${compressionName(compression)}`;
      throw new KafkaJSNotImplemented(`One transaction cannot be compressed in two ways: ${names}`);
    }
    await translated(async () => this.current.abortTransaction());
    await this.close();
    const client = await this.initialised(compression);
    await translated(() => client.beginTransaction());
    return client;
  }

  /** What is open is aborted. */
  async close(timeoutMs?: number): Promise<void> {
    const { client } = this;
    this.client = null;
    await client?.close(timeoutMs);
  }

  private async initialised(compression: CompressionTypes): Promise<Client> {
    if (this.client !== null) return this.client;
    const client = await this.parts.newClient(compression);
    try {
      await translated(() => client.initTransactions());
    } catch (error) {
      await client.close(0);
      throw error;
    }
    this.client = client;
    this.compression = compression;
    return client;
  }
}

class OpenTransaction implements Transaction {
  private readonly series: TransactionSeries;
  private readonly parts: TransactionParts;
  private hasSent = false;
  private hasEnded = false;

  constructor(series: TransactionSeries, parts: TransactionParts) {
    this.series = series;
    this.parts = parts;
  }

  isActive(): boolean {
    return !this.hasEnded && this.series.isPresent(this);
  }

  async send(record: ProducerRecord): Promise<RecordMetadata[]> {
    this.check();
    const { topic, messages, ...options } = record;
    return this.sendBatch({ ...options, topicMessages: [{ topic, messages }] });
  }

  async sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]> {
    this.check();
    checkBatch(batch, true);
    const client = await this.series.compressBy(batch.compression ?? 0, this.hasSent);
    this.hasSent = true;
    const { partitioner, answers } = this.parts;
    return sendAll({ client, partitioner, answers }, batch.topicMessages ?? []);
  }

  async sendOffsets({
    consumerGroupId,
    topics,
  }: Offsets & { readonly consumerGroupId: string }): Promise<void> {
    this.check();
    this.hasSent = true;
    const offsets = topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
    );
    const group = this.parts.groupMetadata(consumerGroupId, offsets);
    await translated(() => this.series.current.sendOffsets(group, offsets));
  }

  async commit(): Promise<void> {
    this.check();
    await translated(() => this.series.current.commitTransaction());
    this.end();
  }

  async abort(): Promise<void> {
    this.check();
    await translated(() => this.series.current.abortTransaction());
    this.end();
  }

  private end(): void {
    this.hasEnded = true;
    this.series.over();
  }

  private check(): void {
    if (this.isActive()) return;
    throw new KafkaJSNonRetriableError('Cannot continue to use transaction once ended');
  }
}
