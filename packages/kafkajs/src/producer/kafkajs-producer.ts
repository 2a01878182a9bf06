import {
  Producer as Client,
  type GroupMetadata,
  type OffsetToCommit,
  type ProducerOptions,
} from '@odradek/client/index.ts';
import { compressionName, type CompressionTypes } from '../compression.ts';
import { clusterOptions, type KafkaConfig } from '../config.ts';
import { connecting } from '../connecting.ts';
import { KafkaJSError, KafkaJSNonRetriableError } from '../errors.ts';
import { Instrumentation, type RemoveInstrumentationEventListener } from '../instrumentation.ts';
import type { Logger } from '../logging.ts';
import { networkEvents } from '../network-events.ts';
import { Partitioners, type Partitioner } from '../partitioners.ts';
import { patienceMs, retryPlan, type RetryPlan } from '../retry-options.ts';
import { ProduceAnswers } from './produce-answers.ts';
import {
  PRODUCER_EVENTS,
  type Producer,
  type ProducerBatch,
  type ProducerConfig,
  type ProducerEvents,
  type ProducerRecord,
  type RecordMetadata,
  type Transaction,
} from './producer-types.ts';
import { checkBatch, sendAll } from './sending.ts';
import { TransactionSeries } from './transaction.ts';

/** One call's messages of a partition travel together up to this size, below what brokers take by default. */
const BATCH_SIZE_BYTES = 1_000_000;
/** KafkaJS knows no limit of its own: brokers say what is too large. Theirs for a request by default. */
const REQUEST_SIZE_MAX_BYTES = 100 * 1024 * 1024;
const BUFFER_MEMORY_BYTES = 256 * 1024 * 1024;

export interface ProducerParts {
  readonly config: KafkaConfig;
  readonly logger: Logger;
  readonly groupMetadata: (groupId: string, offsets: readonly OffsetToCommit[]) => GroupMetadata;
}

type Acks = -1 | 0 | 1;

/** KafkaJS's producer over ours. One of ours has one way to acknowledge and compress, so there is one for each in use. */
export class KafkaJSProducer implements Producer {
  private readonly parts: ProducerParts;
  private readonly options: ProducerConfig;
  private readonly plan: RetryPlan;
  private readonly ownLogger: Logger;
  private readonly instrumentation: Instrumentation<ProducerEvents>;
  private readonly partitioner: Partitioner;
  private readonly answers = new ProduceAnswers();
  private readonly transactions: TransactionSeries | null;
  private clients = new Map<string, Promise<Client>>();
  private status: 'disconnected' | 'connected' | 'disconnecting' = 'disconnected';

  /** @throws KafkaJSNonRetriableError */
  constructor(parts: ProducerParts, options: ProducerConfig) {
    this.parts = parts;
    this.options = options;
    const retries = options.idempotent === true ? Number.MAX_SAFE_INTEGER : 5;
    this.plan = retryPlan({ retries, ...parts.config.retry, ...options.retry });
    if (options.idempotent === true && this.plan.retries < 1) {
      throw new KafkaJSNonRetriableError(
        'Idempotent producer must allow retries to protect against transient errors',
      );
    }
    this.ownLogger = parts.logger.namespace('Producer');
    this.instrumentation = new Instrumentation('producer', PRODUCER_EVENTS, this.ownLogger);
    this.partitioner = (options.createPartitioner ?? Partitioners.DefaultPartitioner)();
    this.transactions =
      options.transactionalId === undefined || options.transactionalId === null
        ? null
        : new TransactionSeries({
            newClient: (compression) => this.newClient(-1, compression, options.transactionalId),
            groupMetadata: parts.groupMetadata,
            partitioner: this.partitioner,
            answers: this.answers,
          });
  }

  get events(): ProducerEvents {
    return this.instrumentation.events;
  }

  on(eventName: string, listener: (event: never) => void): RemoveInstrumentationEventListener {
    return this.instrumentation.on(eventName, listener);
  }

  logger(): Logger {
    return this.ownLogger;
  }

  isIdempotent(): boolean {
    return this.options.idempotent ?? false;
  }

  async connect(): Promise<void> {
    await connecting(this.parts.config, this.plan, async () => {
      const client = await this.client(-1, 0);
      await client.connect();
    });
    this.status = 'connected';
    this.instrumentation.emit(this.events.CONNECT);
  }

  /** Sends what was taken, aborts what is open, and closes the connections. */
  async disconnect(): Promise<void> {
    this.status = 'disconnecting';
    const { clients } = this;
    this.clients = new Map();
    const open = await Promise.allSettled(clients.values());
    await this.transactions?.close();
    await Promise.all(open.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
    this.transactions?.over();
    this.status = 'disconnected';
    this.instrumentation.emit(this.events.DISCONNECT);
  }

  async send({ topic, messages, ...options }: ProducerRecord): Promise<RecordMetadata[]> {
    return this.sendBatch({ ...options, topicMessages: [{ topic, messages }] });
  }

  async sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]> {
    checkBatch(batch, this.isIdempotent());
    this.checkConnected();
    const acks = (batch.acks ?? -1) as Acks;
    const client = await this.client(acks, batch.compression ?? 0);
    const { partitioner, answers } = this;
    const written = await sendAll({ client, partitioner, answers }, batch.topicMessages ?? []);
    return acks === 0 ? [] : written;
  }

  async transaction(): Promise<Transaction> {
    if (this.transactions === null) {
      throw new KafkaJSNonRetriableError('Must provide transactional id for transactional producer');
    }
    return this.transactions.begin();
  }

  private checkConnected(): void {
    if (this.status === 'connected') return;
    if (this.status === 'disconnected') throw new KafkaJSError('The producer is disconnected');
    throw new KafkaJSNonRetriableError(
      "The producer is disconnecting; therefore, it can't safely accept messages anymore",
    );
  }

  private client(acks: Acks, compression: CompressionTypes): Promise<Client> {
    const key = `${acks} ${compression}`;
    let client = this.clients.get(key);
    if (client === undefined) {
      client = this.newClient(acks, compression);
      this.clients.set(key, client);
      client.catch(() => this.clients.delete(key));
    }
    return client;
  }

  private async newClient(
    acks: Acks,
    compression: CompressionTypes,
    transactionalId?: string,
  ): Promise<Client> {
    const { config } = this.parts;
    const tellRequest = networkEvents(this.instrumentation);
    const options = await clusterOptions(config, {
      ...this.options,
      retry: { retries: this.plan.retries, ...this.options.retry },
      onExchange: (exchange) => {
        this.answers.observe(exchange);
        tellRequest(exchange);
      },
    });
    const patience = patienceMs(this.plan);
    const { maxInFlightRequests, transactionTimeout, allowAutoTopicCreation } = this.options;
    const own: Omit<ProducerOptions, 'bootstrapServers'> = {
      acks,
      compression: compressionName(compression),
      lingerMs: 0,
      batchSizeBytes: BATCH_SIZE_BYTES,
      requestSizeMaxBytes: REQUEST_SIZE_MAX_BYTES,
      bufferMemoryBytes: BUFFER_MEMORY_BYTES,
      maxBlockMs: patience,
      deliveryTimeoutMs: patience + (options.requestTimeoutMs ?? 0),
      createTopics: allowAutoTopicCreation ?? true,
      inFlightMax: maxInFlightRequests ?? 5,
    };
    return new Client({
      ...options,
      ...own,
      ...(transactionalId === undefined ? {} : { transactionalId }),
      ...(transactionTimeout === undefined ? {} : { transactionTimeoutMs: transactionTimeout }),
    });
  }
}
