import { CLUSTER_OPTION_NAMES, type ClusterOptions } from '../cluster/cluster-options.ts';
import type { Stall } from '../consumer/watchdog.ts';
import { badOption, oneOf, wholeNumber, type OptionNames } from '../options.ts';
import type { UnreadableRecordsError } from '../errors.ts';
import type { AcknowledgementOutcome } from './acknowledgement.ts';

/**
 * What counts as said by asking for more. `implicit`: what was handed out and not acknowledged is accepted then;
 * `explicit`: nothing is, and no more is handed out by `poll` until all of it is acknowledged.
 */
export type AcknowledgementMode = 'implicit' | 'explicit';

/** Names and defaults follow Apache Kafka's Java share consumer, but where it is said. */
export interface ShareConsumerOptions extends ClusterOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Default `implicit`. */
  readonly acknowledgementMode?: AcknowledgementMode;
  /**
   * `batch_optimized`: brokers give whole batches as producers wrote them, which may be more records than were asked
   * for; `record_limit`: never more (KIP-1206; Kafka 4.2 and later, before it is the former). Default `batch_optimized`.
   */
  readonly acquireMode?: AcquireMode;
  /** Records that one poll returns and that are asked of one broker at most, 1 to 10 000. Default 500. */
  readonly maxPollRecords?: number;
  /** A broker answers once it has so many bytes. Default 1. */
  readonly fetchMinBytes?: number;
  /** Or once so much time has passed, milliseconds; acknowledgements may wait as long. Default 500. */
  readonly fetchMaxWaitMs?: number;
  /** Largest answer of one broker, bytes. Default 50 MiB. */
  readonly fetchMaxBytes?: number;
  /**
   * Acknowledgements go with the next request for records, or once so much time has passed, milliseconds. Java has no
   * such setting: there they wait for the next poll or commit. Default 100.
   */
  readonly acknowledgeIntervalMs?: number;
  /**
   * Whether locks of records that wait here or are being handled are renewed in time (KIP-1222; Kafka 4.2 and later,
   * before it locks run out). Java leaves that to the application. Default true.
   */
  readonly renewLocks?: boolean;
  /**
   * How long a record may be in somebody's hands with its lock renewed, milliseconds; then the lock runs out, and others
   * get it. Default 300 000.
   */
  readonly maxHandlingMs?: number;
  /** Where this member runs, as brokers name it in `broker.rack`. Default none. */
  readonly clientRack?: string;
  /** Told what the brokers have made of acknowledgements. What it throws ends the reading. */
  readonly onAcknowledged?: (outcomes: readonly AcknowledgementOutcome[]) => void;
  /** Told of records that cannot be decoded. They are released, so they come again until the group gives them up. */
  readonly onUnreadable?: (error: UnreadableRecordsError) => void;
  /** Told when records do not get on although attempts are made, once for each time that happens. */
  readonly onStall?: (stall: Stall) => void;
  /** What takes longer is a stall, milliseconds. Default 30 000. */
  readonly stallAfterMs?: number;
}

export type AcquireMode = 'batch_optimized' | 'record_limit';

export const SHARE_CONSUMER_OPTION_NAMES: OptionNames<ShareConsumerOptions> = {
  ...CLUSTER_OPTION_NAMES,
  groupId: true,
  topics: true,
  acknowledgementMode: true,
  acquireMode: true,
  maxPollRecords: true,
  fetchMinBytes: true,
  fetchMaxWaitMs: true,
  fetchMaxBytes: true,
  acknowledgeIntervalMs: true,
  renewLocks: true,
  maxHandlingMs: true,
  clientRack: true,
  onAcknowledged: true,
  onUnreadable: true,
  onStall: true,
  stallAfterMs: true,
};

const ACKNOWLEDGEMENT_MODES: readonly AcknowledgementMode[] = ['implicit', 'explicit'];
const ACQUIRE_MODES: readonly AcquireMode[] = ['batch_optimized', 'record_limit'];
/** What is held here is bounded by it, for each broker. */
const POLL_RECORDS_MAX = 10_000;

export interface ShareSettings {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly acknowledgementMode: AcknowledgementMode;
  readonly acquireMode: AcquireMode;
  readonly maxPollRecords: number;
  readonly fetchMinBytes: number;
  readonly fetchMaxWaitMs: number;
  readonly fetchMaxBytes: number;
  readonly acknowledgeIntervalMs: number;
  readonly renewLocks: boolean;
  readonly maxHandlingMs: number;
  readonly clientRack: string | null;
  readonly onAcknowledged: ((outcomes: readonly AcknowledgementOutcome[]) => void) | null;
  readonly onUnreadable: ((error: UnreadableRecordsError) => void) | null;
  readonly onStall: ((stall: Stall) => void) | null;
  readonly stallAfterMs: number;
}

/** @throws ClientError BAD_OPTION */
export function shareSettings(options: ShareConsumerOptions): ShareSettings {
  if (options.groupId === '') throw badOption('groupId is empty');
  if (options.topics.length === 0) throw badOption('topics is empty');
  const { clientRack = '' } = options;
  return {
    groupId: options.groupId,
    topics: [...new Set(options.topics)],
    acknowledgementMode: oneOf(
      'acknowledgementMode',
      options.acknowledgementMode ?? 'implicit',
      ACKNOWLEDGEMENT_MODES,
    ),
    acquireMode: oneOf('acquireMode', options.acquireMode ?? 'batch_optimized', ACQUIRE_MODES),
    maxPollRecords: wholeNumber('maxPollRecords', options.maxPollRecords ?? 500, 1, POLL_RECORDS_MAX),
    fetchMinBytes: wholeNumber('fetchMinBytes', options.fetchMinBytes ?? 1, 0),
    fetchMaxWaitMs: wholeNumber('fetchMaxWaitMs', options.fetchMaxWaitMs ?? 500, 0),
    fetchMaxBytes: wholeNumber('fetchMaxBytes', options.fetchMaxBytes ?? 50 * 1024 * 1024, 1),
    acknowledgeIntervalMs: wholeNumber('acknowledgeIntervalMs', options.acknowledgeIntervalMs ?? 100, 0),
    renewLocks: options.renewLocks ?? true,
    maxHandlingMs: wholeNumber('maxHandlingMs', options.maxHandlingMs ?? 300_000, 1),
    clientRack: clientRack === '' ? null : clientRack,
    onAcknowledged: options.onAcknowledged ?? null,
    onUnreadable: options.onUnreadable ?? null,
    onStall: options.onStall ?? null,
    stallAfterMs: wholeNumber('stallAfterMs', options.stallAfterMs ?? 30_000, 1),
  };
}
