import {
  ClientError,
  type ClusterOptions,
  type GroupConsumerOptions,
  type ProducerOptions,
} from '@odradek/client';
import { atLeast } from '../dsl/windows.ts';
import { checkedName } from '../dsl/graph.ts';
import type { Topology } from '../topology/topology.ts';

/**
 * `exactly-once`: what is read, the state and what is written count together, by transactions; readers see it by
 * `read_committed`. `at-least-once`: after a failure some records count again.
 */
export type Guarantee = 'exactly-once' | 'at-least-once';

type ConsumerPart = Pick<
  GroupConsumerOptions,
  'sessionTimeoutMs' | 'heartbeatIntervalMs' | 'maxPollIntervalMs' | 'instanceId' | 'fetchMaxWaitMs'
>;
type ProducerPart = Pick<
  ProducerOptions,
  | 'compression'
  | 'lingerMs'
  | 'batchSizeBytes'
  | 'bufferMemoryBytes'
  | 'requestSizeMaxBytes'
  | 'deliveryTimeoutMs'
>;

export interface StreamsOptions extends ClusterOptions, ConsumerPart, ProducerPart {
  /** Names the group, the transactions and the application's own topics. The same for all instances. */
  readonly applicationId: string;
  readonly topology: Topology;
  /** Default `exactly-once`. */
  readonly guarantee?: Guarantee;
  /**
   * Where state is kept, on a local file system, for this process alone. Default: in memory, so that all of it is read
   * from the changelogs whenever partitions come.
   */
  readonly directory?: string;
  /** Between commits, milliseconds. Default 100 for exactly once, else 30 000, as with Kafka Streams. */
  readonly commitIntervalMs?: number;
  /** Changes of state kept in memory, bytes; beyond it is committed earlier. Default 16 MiB. */
  readonly changesMaxBytes?: number;
  /** Records of a partition that wait to be processed, at most about; then it is paused. Default 1 000. */
  readonly bufferedRecordsMax?: number;
  /** Of all partitions together, bytes, at most about. Default 64 MiB. */
  readonly bufferedBytesMax?: number;
  /** How long a task waits for an input that has nothing, though all there is was read, milliseconds. Default 0. */
  readonly maxTaskIdleMs?: number;
  /** When nothing could be committed for so long, in spite of attempts, `run` ends, milliseconds. Default 300 000. */
  readonly taskTimeoutMs?: number;
  /** Topics that are missing are waited for so long: brokers that have just begun may not know of them. Default 10 000. */
  readonly topicTimeoutMs?: number;
  /** Of topics that are made. Default: the brokers' `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** A transaction that is left open by a process that died holds up readers for so long, milliseconds. Default 10 000. */
  readonly transactionTimeoutMs?: number;
  /** What happens to a record that cannot be read or has no time: `run` fails, or it is left out. Default: it fails. */
  readonly onInvalidRecord?: (error: Error, record: InvalidRecord) => 'fail' | 'skip';
  /** Must not throw. */
  readonly onEvent?: (event: StreamsEvent) => void;
}

export interface InvalidRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export type StreamsEvent =
  /** These tasks are this instance's now; they begin when their state is complete. */
  | { readonly type: 'assigned'; readonly tasks: readonly string[] }
  /** The state of all of them is complete; `records` were read from changelogs for it. */
  | { readonly type: 'running'; readonly tasks: readonly string[]; readonly records: number }
  /** What was kept of a store is of no use: all of it is read from its changelog. */
  | { readonly type: 'rebuilding'; readonly task: string; readonly store: string; readonly reason: string }
  /** Nothing since the last commit counts; it is done again. */
  | { readonly type: 'aborted'; readonly error: Error };

export interface StreamsSettings {
  readonly applicationId: string;
  readonly topology: Topology;
  readonly guarantee: Guarantee;
  readonly directory: string | null;
  readonly commitIntervalMs: number;
  readonly changesMaxBytes: number;
  readonly bufferedRecordsMax: number;
  readonly bufferedBytesMax: number;
  readonly maxTaskIdleMs: number;
  readonly taskTimeoutMs: number;
  readonly topicTimeoutMs: number;
  readonly replicationFactor: number | null;
  readonly transactionTimeoutMs: number;
  readonly onInvalidRecord: (error: Error, record: InvalidRecord) => 'fail' | 'skip';
  readonly onEvent: (event: StreamsEvent) => void;
}

const MEBIBYTE = 1024 * 1024;

/** @throws ClientError BAD_OPTION */
export function streamsSettings(options: StreamsOptions): StreamsSettings {
  const guarantee = options.guarantee ?? 'exactly-once';
  if (guarantee !== 'exactly-once' && guarantee !== 'at-least-once') {
    throw new ClientError(
      'BAD_OPTION',
      `guarantee is "${String(guarantee)}", allowed are exactly-once, at-least-once`,
    );
  }
  const commitIntervalMs = guarantee === 'exactly-once' ? 100 : 30_000;
  return {
    applicationId: checkedName('applicationId', options.applicationId),
    topology: options.topology,
    guarantee,
    directory: options.directory ?? null,
    commitIntervalMs: atLeast('commitIntervalMs', options.commitIntervalMs ?? commitIntervalMs, 1),
    changesMaxBytes: atLeast('changesMaxBytes', options.changesMaxBytes ?? 16 * MEBIBYTE, 1),
    bufferedRecordsMax: atLeast('bufferedRecordsMax', options.bufferedRecordsMax ?? 1_000, 1),
    bufferedBytesMax: atLeast('bufferedBytesMax', options.bufferedBytesMax ?? 64 * MEBIBYTE, 1),
    maxTaskIdleMs: atLeast('maxTaskIdleMs', options.maxTaskIdleMs ?? 0, 0),
    taskTimeoutMs: atLeast('taskTimeoutMs', options.taskTimeoutMs ?? 300_000, 0),
    topicTimeoutMs: atLeast('topicTimeoutMs', options.topicTimeoutMs ?? 10_000, 0),
    replicationFactor:
      options.replicationFactor === undefined
        ? null
        : atLeast('replicationFactor', options.replicationFactor, 1),
    transactionTimeoutMs: atLeast('transactionTimeoutMs', options.transactionTimeoutMs ?? 10_000, 1),
    onInvalidRecord: options.onInvalidRecord ?? (() => 'fail'),
    onEvent: options.onEvent ?? (() => undefined),
  };
}

/** What the clients underneath are made with. */
export function clusterPart(options: StreamsOptions): ClusterOptions {
  const { bootstrapServers, clientId, requestTimeoutMs, connectionSetupTimeoutMs, apiTimeoutMs } = options;
  const { retryBackoffMs, retryBackoffMaxMs, metadataMaxAgeMs, connectionsMaxIdleMs } = options;
  const { metadataRecoveryStrategy, metadataRecoveryRebootstrapTriggerMs } = options;
  const { receiveMaxBytes, tls, sasl, environment } = options;
  return withoutUndefined({
    bootstrapServers,
    clientId,
    requestTimeoutMs,
    connectionSetupTimeoutMs,
    apiTimeoutMs,
    retryBackoffMs,
    retryBackoffMaxMs,
    metadataMaxAgeMs,
    metadataRecoveryStrategy,
    metadataRecoveryRebootstrapTriggerMs,
    connectionsMaxIdleMs,
    receiveMaxBytes,
    tls,
    sasl,
    environment,
  });
}

export function consumerPart(options: StreamsOptions): ConsumerPart {
  const { sessionTimeoutMs, heartbeatIntervalMs, maxPollIntervalMs, instanceId, fetchMaxWaitMs } = options;
  return withoutUndefined({
    sessionTimeoutMs,
    heartbeatIntervalMs,
    maxPollIntervalMs,
    instanceId,
    fetchMaxWaitMs,
  });
}

export function producerPart(options: StreamsOptions): ProducerPart {
  const { compression, lingerMs, batchSizeBytes, bufferMemoryBytes, requestSizeMaxBytes } = options;
  const { deliveryTimeoutMs } = options;
  return withoutUndefined({
    compression,
    lingerMs,
    batchSizeBytes,
    bufferMemoryBytes,
    requestSizeMaxBytes,
    deliveryTimeoutMs,
  });
}

/** Settings that are not given are left to the defaults of the client. */
function withoutUndefined<T extends object>(given: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}
