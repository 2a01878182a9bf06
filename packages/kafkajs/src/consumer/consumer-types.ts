import type { InstrumentationEvent, RemoveInstrumentationEventListener } from '../instrumentation.ts';
import type { GroupDescription } from '../admin/groups.ts';
import type { Logger } from '../logging.ts';
import type { KafkaMessage } from '../messages.ts';
import type { RequestEvent, RequestQueueSizeEvent, RequestTimeoutEvent } from '../network-events.ts';
import type { Offsets, TopicOffsets } from '../producer/producer-types.ts';
import type { RetryOptions } from '../retry-options.ts';
import type { TopicPartitions } from '../topic-partitions.ts';
import type { PartitionAssigner } from './assigners.ts';
import type { Batch } from './batch.ts';

export interface ConsumerConfig {
  readonly groupId: string;
  readonly partitionAssigners?: readonly PartitionAssigner[];
  readonly metadataMaxAge?: number;
  /** Without a heartbeat for so long the group goes on without this member, milliseconds. Default 30 000. */
  readonly sessionTimeout?: number;
  /**
   * How long the group waits for this member, and how long a handler may take between two signs of life: a message done,
   * `heartbeat`, `resolveOffset`. Milliseconds. Default 60 000.
   */
  readonly rebalanceTimeout?: number;
  /** Default 3 000. Heartbeats do not depend on handlers. */
  readonly heartbeatInterval?: number;
  readonly maxBytesPerPartition?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  /** Default 500: a partition that is resumed waits so long at most. */
  readonly maxWaitTimeInMs?: number;
  readonly retry?: RetryOptions;
  readonly allowAutoTopicCreation?: boolean;
  /** No effect: each broker is asked by one fetch at a time. */
  readonly maxInFlightRequests?: number;
  readonly readUncommitted?: boolean;
  readonly rackId?: string;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}
export type TopicPartitionOffset = TopicPartition & { readonly offset: string };
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & { readonly metadata?: string | null };

/** Partitions of a topic, or all of them. */
export interface TopicSelection {
  readonly topic: string;
  readonly partitions?: readonly number[];
}

export interface ConsumerSubscribeTopics {
  readonly topics: readonly (string | RegExp)[];
  readonly fromBeginning?: boolean;
}
export interface ConsumerSubscribeTopic {
  readonly topic: string | RegExp;
  readonly fromBeginning?: boolean;
}

export interface EachMessagePayload {
  readonly topic: string;
  readonly partition: number;
  readonly message: KafkaMessage;
  /** A sign of life. @throws KafkaJSError once the partition went to others */
  heartbeat(): Promise<void>;
  /** @returns what resumes it */
  pause(): () => void;
}

export interface EachBatchPayload {
  readonly batch: Batch;
  /** Everything up to this offset is done. */
  resolveOffset(offset: string): void;
  /** A sign of life. @throws KafkaJSError once the partition went to others */
  heartbeat(): Promise<void>;
  /** @returns what resumes it */
  pause(): () => void;
  /** Commits these, or what is resolved where `autoCommitInterval` or `autoCommitThreshold` say it is time. */
  commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>;
  uncommittedOffsets(): Offsets;
  /** False once the consumer stops, or the partition is to be given up: leave the rest. */
  isRunning(): boolean;
  /** Whether reading goes on elsewhere after a `seek`: leave the rest. */
  isStale(): boolean;
}

export type EachBatchHandler = (payload: EachBatchPayload) => Promise<void>;
export type EachMessageHandler = (payload: EachMessagePayload) => Promise<void>;
export type ConsumerEachMessagePayload = EachMessagePayload;
export type ConsumerEachBatchPayload = EachBatchPayload;

export interface ConsumerRunConfig {
  readonly autoCommit?: boolean;
  /** Milliseconds. */
  readonly autoCommitInterval?: number | null;
  /** Messages. */
  readonly autoCommitThreshold?: number | null;
  readonly eachBatchAutoResolve?: boolean;
  /** Partitions that are handled at the same time. Default 1. */
  readonly partitionsConsumedConcurrently?: number;
  readonly eachBatch?: EachBatchHandler | null;
  readonly eachMessage?: EachMessageHandler | null;
}

export const CONSUMER_EVENTS = {
  HEARTBEAT: 'consumer.heartbeat',
  COMMIT_OFFSETS: 'consumer.commit_offsets',
  GROUP_JOIN: 'consumer.group_join',
  FETCH_START: 'consumer.fetch_start',
  FETCH: 'consumer.fetch',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CONNECT: 'consumer.connect',
  DISCONNECT: 'consumer.disconnect',
  STOP: 'consumer.stop',
  CRASH: 'consumer.crash',
  REBALANCING: 'consumer.rebalancing',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics',
  REQUEST: 'consumer.network.request',
  REQUEST_TIMEOUT: 'consumer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size',
} as const;
export type ConsumerEvents = typeof CONSUMER_EVENTS;

interface Member {
  readonly groupId: string;
  readonly memberId: string;
}

interface BatchProcess {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  readonly offsetLag: string;
  readonly offsetLagLow: string;
  readonly batchSize: number;
  readonly firstOffset: string | null;
  readonly lastOffset: string;
}

/** What comes with each event. */
export interface ConsumerEventPayloads {
  readonly HEARTBEAT: Member & { readonly groupGenerationId: number };
  readonly COMMIT_OFFSETS: Member & {
    readonly groupGenerationId: number;
    readonly topics: readonly TopicOffsets[];
  };
  readonly GROUP_JOIN: Member & {
    readonly duration: number;
    readonly isLeader: boolean;
    readonly leaderId: string;
    readonly groupProtocol: string;
    readonly memberAssignment: { readonly [topic: string]: number[] };
  };
  readonly FETCH_START: { readonly nodeId: string };
  readonly FETCH: { readonly numberOfBatches: number; readonly duration: number; readonly nodeId: string };
  readonly START_BATCH_PROCESS: BatchProcess;
  readonly END_BATCH_PROCESS: BatchProcess & { readonly duration: number };
  readonly CONNECT: null;
  readonly DISCONNECT: null;
  readonly STOP: null;
  readonly CRASH: { readonly error: Error; readonly groupId: string; readonly restart: boolean };
  readonly REBALANCING: Member;
  readonly RECEIVED_UNSUBSCRIBED_TOPICS: Member & {
    readonly generationId: number;
    readonly assignedTopics: string[];
    readonly topicsSubscribed: string[];
    readonly topicsNotSubscribed: string[];
  };
  readonly REQUEST: RequestEvent['payload'];
  readonly REQUEST_TIMEOUT: RequestTimeoutEvent['payload'];
  readonly REQUEST_QUEUE_SIZE: RequestQueueSizeEvent['payload'];
}

export type ConsumerEventName = ConsumerEvents[keyof ConsumerEvents];

/** What comes with the event of a name. */
export type ConsumerEventPayload<EventName extends ConsumerEventName> = {
  [Key in keyof ConsumerEvents]: ConsumerEvents[Key] extends EventName ? ConsumerEventPayloads[Key] : never;
}[keyof ConsumerEvents];

export interface Consumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void>;
  stop(): Promise<void>;
  /** @returns once the consumer is a member of its group */
  run(config?: ConsumerRunConfig): Promise<void>;
  commitOffsets(offsets: readonly TopicPartitionOffsetAndMetadata[]): Promise<void>;
  seek(to: TopicPartitionOffset): void;
  describeGroup(): Promise<GroupDescription>;
  pause(topics: readonly TopicSelection[]): void;
  paused(): TopicPartitions[];
  resume(topics: readonly TopicSelection[]): void;
  on<EventName extends ConsumerEventName>(
    eventName: EventName,
    listener: (event: InstrumentationEvent<ConsumerEventPayload<EventName>>) => void,
  ): RemoveInstrumentationEventListener;
  logger(): Logger;
  readonly events: ConsumerEvents;
}
