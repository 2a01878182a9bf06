import type { CompressionTypes } from '../compression.ts';
import type { InstrumentationEvent, RemoveInstrumentationEventListener } from '../instrumentation.ts';
import type { Logger } from '../logging.ts';
import type { Message } from '../messages.ts';
import type { RequestEvent, RequestQueueSizeEvent, RequestTimeoutEvent } from '../network-events.ts';
import type { ICustomPartitioner } from '../partitioners.ts';
import type { RetryOptions } from '../retry-options.ts';

export interface ProducerConfig {
  readonly createPartitioner?: ICustomPartitioner;
  readonly retry?: RetryOptions;
  readonly metadataMaxAge?: number;
  readonly allowAutoTopicCreation?: boolean;
  /** Whether `acks` other than -1 are refused. With -1 retries never double, whatever is said here. */
  readonly idempotent?: boolean;
  readonly transactionalId?: string;
  readonly transactionTimeout?: number;
  /** Requests in flight per broker. Default 5. */
  readonly maxInFlightRequests?: number;
}

interface SendOptions {
  /** -1: all in-sync replicas; 1: the leader; 0: nobody. Default -1. */
  readonly acks?: number;
  /** No effect: `requestTimeout` counts. */
  readonly timeout?: number;
  readonly compression?: CompressionTypes;
}

export interface TopicMessages {
  readonly topic: string;
  readonly messages: readonly Message[];
}

export interface ProducerRecord extends SendOptions, TopicMessages {}

export interface ProducerBatch extends SendOptions {
  readonly topicMessages?: readonly TopicMessages[];
}

export interface RecordMetadata {
  readonly topicName: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset?: string;
  readonly logAppendTime?: string;
  readonly logStartOffset?: string;
}

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
}

export interface TopicOffsets {
  readonly topic: string;
  readonly partitions: readonly PartitionOffset[];
}

export interface Offsets {
  readonly topics: readonly TopicOffsets[];
}

export interface Sender {
  send(record: ProducerRecord): Promise<RecordMetadata[]>;
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>;
}

export interface Transaction extends Sender {
  sendOffsets(offsets: Offsets & { readonly consumerGroupId: string }): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  isActive(): boolean;
}

export const PRODUCER_EVENTS = {
  CONNECT: 'producer.connect',
  DISCONNECT: 'producer.disconnect',
  REQUEST: 'producer.network.request',
  REQUEST_TIMEOUT: 'producer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size',
} as const;
export type ProducerEvents = typeof PRODUCER_EVENTS;

type Remove = RemoveInstrumentationEventListener;

export interface Producer extends Sender {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isIdempotent(): boolean;
  readonly events: ProducerEvents;
  on(
    eventName: ProducerEvents['CONNECT'] | ProducerEvents['DISCONNECT'],
    listener: (event: InstrumentationEvent<null>) => void,
  ): Remove;
  on(eventName: ProducerEvents['REQUEST'], listener: (event: RequestEvent) => void): Remove;
  on(eventName: ProducerEvents['REQUEST_TIMEOUT'], listener: (event: RequestTimeoutEvent) => void): Remove;
  on(
    eventName: ProducerEvents['REQUEST_QUEUE_SIZE'],
    listener: (event: RequestQueueSizeEvent) => void,
  ): Remove;
  transaction(): Promise<Transaction>;
  logger(): Logger;
}
