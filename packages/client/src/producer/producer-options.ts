import { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { CLUSTER_OPTION_NAMES, type ClusterOptions } from '../cluster/cluster-options.ts';
import { badOption, oneOf, wholeNumber, type OptionNames } from '../options.ts';
import type { Partitioner } from './partitioner.ts';

export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type CompressionName = (typeof COMPRESSION_NAMES)[number];
const ACKS = [-1, 0, 1] as const;

/** Names and defaults follow Apache Kafka's Java producer of version 4. */
export interface ProducerOptions extends ClusterOptions {
  /** -1: all in-sync replicas have it; 1: the leader has it; 0: it was sent. Default -1. */
  readonly acks?: -1 | 0 | 1;
  /** Retries never double and never reorder. Needs acks -1. Default: on when acks is -1. */
  readonly idempotent?: boolean;
  /** Default `none`. */
  readonly compression?: CompressionName;
  /** Where records go that name no partition. Default: by the hash of the key, without a key sticky (KIP-794). */
  readonly partitioner?: Partitioner;
  /** How long a record waits for company, milliseconds. Default 5. */
  readonly lingerMs?: number;
  /** A batch of one partition is sent when it has so many uncompressed bytes. Default 16 384. */
  readonly batchSizeBytes?: number;
  /** Records that are not settled yet, bytes; beyond it senders wait. Default 32 MiB. */
  readonly bufferMemoryBytes?: number;
  /** Largest request, and so the largest record, uncompressed. Default 1 MiB. */
  readonly requestSizeMaxBytes?: number;
  /**
   * Requests in flight per broker, 1 or more. Of one partition up to five batches are, in order whatever becomes of them;
   * without idempotence one. Default 5.
   */
  readonly inFlightMax?: number;
  /** From taking a record to its final outcome, milliseconds, all retries included. Default 120 000. */
  readonly deliveryTimeoutMs?: number;
  /** How long a record may wait for metadata or memory, milliseconds. Default 60 000. */
  readonly maxBlockMs?: number;
  /**
   * Makes the producer transactional: it writes in transactions only, and any other producer with this id before it is
   * fenced. The same over restarts, another for each that runs at the same time. Needs idempotence.
   */
  readonly transactionalId?: string;
  /** A transaction open for longer is aborted by the brokers, milliseconds. Default 60 000. */
  readonly transactionTimeoutMs?: number;
  /** Let the broker create topics that do not exist, if it is set up to. Default true. */
  readonly createTopics?: boolean;
}

export const PRODUCER_OPTION_NAMES: OptionNames<ProducerOptions> = {
  ...CLUSTER_OPTION_NAMES,
  acks: true,
  idempotent: true,
  compression: true,
  partitioner: true,
  lingerMs: true,
  batchSizeBytes: true,
  bufferMemoryBytes: true,
  requestSizeMaxBytes: true,
  inFlightMax: true,
  deliveryTimeoutMs: true,
  maxBlockMs: true,
  transactionalId: true,
  transactionTimeoutMs: true,
  createTopics: true,
};

export interface ProducerSettings {
  readonly acks: -1 | 0 | 1;
  readonly idempotent: boolean;
  readonly compression: CompressionType;
  /** Null for the default. */
  readonly partitioner: Partitioner | null;
  readonly lingerMs: number;
  readonly batchSizeBytes: number;
  readonly bufferMemoryBytes: number;
  readonly requestSizeMaxBytes: number;
  readonly inFlightMax: number;
  readonly deliveryTimeoutMs: number;
  readonly maxBlockMs: number;
  /** Null for a producer without transactions. */
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  readonly createTopics: boolean;
}

/** @throws ClientError BAD_OPTION */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  const acks = oneOf('acks', options.acks ?? -1, ACKS);
  if (options.idempotent === true && acks !== -1) {
    throw badOption(`idempotent needs acks -1 (all), but acks is ${acks}`);
  }
  const { transactionalId } = options;
  if (
    transactionalId !== undefined &&
    (transactionalId === '' || options.idempotent === false || acks !== -1)
  ) {
    throw badOption(
      `transactionalId is "${transactionalId}": it must not be empty, and needs acks -1 (all) and idempotence`,
    );
  }
  return {
    acks,
    idempotent: options.idempotent ?? acks === -1,
    compression: compressionOf(options.compression ?? 'none'),
    partitioner: options.partitioner ?? null,
    lingerMs: wholeNumber('lingerMs', options.lingerMs ?? 5, 0),
    batchSizeBytes: wholeNumber('batchSizeBytes', options.batchSizeBytes ?? 16_384, 0),
    bufferMemoryBytes: wholeNumber('bufferMemoryBytes', options.bufferMemoryBytes ?? 32 * 1024 * 1024, 1),
    requestSizeMaxBytes: wholeNumber('requestSizeMaxBytes', options.requestSizeMaxBytes ?? 1024 * 1024, 1),
    inFlightMax: wholeNumber('inFlightMax', options.inFlightMax ?? 5, 1),
    deliveryTimeoutMs: wholeNumber('deliveryTimeoutMs', options.deliveryTimeoutMs ?? 120_000, 1),
    maxBlockMs: wholeNumber('maxBlockMs', options.maxBlockMs ?? 60_000, 0),
    transactionalId: options.transactionalId ?? null,
    transactionTimeoutMs: wholeNumber('transactionTimeoutMs', options.transactionTimeoutMs ?? 60_000, 1),
    createTopics: options.createTopics ?? true,
  };
}

function compressionOf(name: CompressionName): CompressionType {
  return COMPRESSION_NAMES.indexOf(oneOf('compression', name, COMPRESSION_NAMES)) as CompressionType;
}
