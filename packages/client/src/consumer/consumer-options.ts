import { CLUSTER_OPTION_NAMES, type ClusterOptions } from '../cluster/cluster-options.ts';
import { oneOf, wholeNumber, type OptionNames } from '../options.ts';
import type { IsolationLevel } from './list-offsets.ts';

/** Where to begin when there is no position, or the one there is lies outside the log. */
export type OffsetReset = 'earliest' | 'latest' | 'none';

/** Names and defaults follow Apache Kafka's Java consumer. */
export interface ConsumerOptions extends ClusterOptions {
  /** A broker answers a fetch once it has so many bytes. Default 1. */
  readonly fetchMinBytes?: number;
  /** Or once so much time has passed, milliseconds. Default 500. */
  readonly fetchMaxWaitMs?: number;
  /** Largest answer of one broker, and bound of what is buffered besides, bytes. Default 50 MiB. */
  readonly fetchMaxBytes?: number;
  /** Largest share of one partition in an answer, bytes. Default 1 MiB. */
  readonly partitionFetchMaxBytes?: number;
  /** Records that one poll returns at most, 1 or more; the rest waits for the next. Default 500. */
  readonly maxPollRecords?: number;
  /** Default `latest`. */
  readonly offsetReset?: OffsetReset;
  /** Default `read_uncommitted`. */
  readonly isolationLevel?: IsolationLevel;
  /**
   * Where this consumer runs, as the brokers name it in `broker.rack`: the leader may send it to a follower nearby, if
   * the cluster is set up for that (KIP-392). Default empty: reads from leaders.
   */
  readonly clientRack?: string;
  /** Let the broker create topics that do not exist, if it is set up to. Default false. */
  readonly createTopics?: boolean;
}

export const CONSUMER_OPTION_NAMES: OptionNames<ConsumerOptions> = {
  ...CLUSTER_OPTION_NAMES,
  fetchMinBytes: true,
  fetchMaxWaitMs: true,
  fetchMaxBytes: true,
  partitionFetchMaxBytes: true,
  maxPollRecords: true,
  offsetReset: true,
  isolationLevel: true,
  clientRack: true,
  createTopics: true,
};

const OFFSET_RESETS: readonly OffsetReset[] = ['earliest', 'latest', 'none'];
const ISOLATION_LEVELS: readonly IsolationLevel[] = ['read_uncommitted', 'read_committed'];

export interface ConsumerSettings {
  readonly fetchMinBytes: number;
  readonly fetchMaxWaitMs: number;
  readonly fetchMaxBytes: number;
  readonly partitionFetchMaxBytes: number;
  readonly maxPollRecords: number;
  readonly offsetReset: OffsetReset;
  readonly isolationLevel: IsolationLevel;
  readonly clientRack: string;
  readonly createTopics: boolean;
}

/** @throws ClientError BAD_OPTION */
export function consumerSettings(options: ConsumerOptions): ConsumerSettings {
  const { maxPollRecords = 500 } = options;
  return {
    fetchMinBytes: wholeNumber('fetchMinBytes', options.fetchMinBytes ?? 1, 0),
    fetchMaxWaitMs: wholeNumber('fetchMaxWaitMs', options.fetchMaxWaitMs ?? 500, 0),
    fetchMaxBytes: wholeNumber('fetchMaxBytes', options.fetchMaxBytes ?? 50 * 1024 * 1024, 1),
    partitionFetchMaxBytes: wholeNumber(
      'partitionFetchMaxBytes',
      options.partitionFetchMaxBytes ?? 1024 * 1024,
      1,
    ),
    maxPollRecords: maxPollRecords === Infinity ? Infinity : wholeNumber('maxPollRecords', maxPollRecords, 1),
    offsetReset: oneOf('offsetReset', options.offsetReset ?? 'latest', OFFSET_RESETS),
    isolationLevel: oneOf('isolationLevel', options.isolationLevel ?? 'read_uncommitted', ISOLATION_LEVELS),
    clientRack: options.clientRack ?? '',
    createTopics: options.createTopics ?? false,
  };
}
