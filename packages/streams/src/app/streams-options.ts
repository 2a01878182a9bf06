import type { ClusterOptions, GroupConsumerOptions, ProducerOptions } from '@odradek/client';
import { CLUSTER_OPTION_NAMES } from '@odradek/client/cluster/cluster-options.ts';
import { oneOf, refuseUnknown, type OptionNames } from '@odradek/client/options.ts';
import { atLeast } from '../dsl/windows.ts';
import { checkedName } from '../dsl/graph.ts';
import type { Topology } from '../topology/topology.ts';

/**
 * `exactly-once`: what is read, the state and what is written count together, by transactions; readers see it by
 * `read_committed`. `at-least-once`: after a failure some records count again.
 */
export type Guarantee = 'exactly-once' | 'at-least-once';
const GUARANTEES: readonly Guarantee[] = ['exactly-once', 'at-least-once'];

/** Those that the group consumer gets as they are. */
export const CONSUMER_PART = {
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  maxPollIntervalMs: true,
  instanceId: true,
  fetchMaxWaitMs: true,
} as const;

/** Those that the producer gets as they are. */
export const PRODUCER_PART = {
  compression: true,
  lingerMs: true,
  batchSizeBytes: true,
  bufferMemoryBytes: true,
  requestSizeMaxBytes: true,
  deliveryTimeoutMs: true,
} as const;

type ConsumerPart = Pick<GroupConsumerOptions, keyof typeof CONSUMER_PART>;
type ProducerPart = Pick<ProducerOptions, keyof typeof PRODUCER_PART>;

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

export const STREAMS_OPTION_NAMES: OptionNames<StreamsOptions> = {
  ...CLUSTER_OPTION_NAMES,
  ...CONSUMER_PART,
  ...PRODUCER_PART,
  applicationId: true,
  topology: true,
  guarantee: true,
  directory: true,
  commitIntervalMs: true,
  changesMaxBytes: true,
  bufferedRecordsMax: true,
  bufferedBytesMax: true,
  maxTaskIdleMs: true,
  taskTimeoutMs: true,
  topicTimeoutMs: true,
  replicationFactor: true,
  transactionTimeoutMs: true,
  onInvalidRecord: true,
  onEvent: true,
};

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
  refuseUnknown('a stream application', options, STREAMS_OPTION_NAMES);
  const guarantee = oneOf('guarantee', options.guarantee ?? 'exactly-once', GUARANTEES);
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
