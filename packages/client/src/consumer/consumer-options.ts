import type { ClusterOptions } from '../cluster/cluster-options.ts';
import { ClientError } from '../errors.ts';
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
  const settings = {
    fetchMinBytes: options.fetchMinBytes ?? 1,
    fetchMaxWaitMs: options.fetchMaxWaitMs ?? 500,
    fetchMaxBytes: options.fetchMaxBytes ?? 50 * 1024 * 1024,
    partitionFetchMaxBytes: options.partitionFetchMaxBytes ?? 1024 * 1024,
    maxPollRecords: options.maxPollRecords ?? 500,
    offsetReset: options.offsetReset ?? 'latest',
    isolationLevel: options.isolationLevel ?? 'read_uncommitted',
    clientRack: options.clientRack ?? '',
    createTopics: options.createTopics ?? false,
  } as const;
  for (const name of ['fetchMinBytes', 'fetchMaxWaitMs'] as const) checkAtLeast(name, settings[name], 0);
  for (const name of ['fetchMaxBytes', 'partitionFetchMaxBytes'] as const) {
    checkAtLeast(name, settings[name], 1);
  }
  if (settings.maxPollRecords !== Infinity) checkAtLeast('maxPollRecords', settings.maxPollRecords, 1);
  return settings;
}

function checkAtLeast(name: string, value: number, min: number): void {
  if (Number.isInteger(value) && value >= min) return;
  throw new ClientError('BAD_OPTION', `${name} is ${value}, allowed are integers from ${min} on`);
}
