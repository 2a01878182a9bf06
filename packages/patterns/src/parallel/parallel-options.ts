import type { ConsumedRecord, GroupConsumerOptions } from '@odradek/client';
import { GROUP_CONSUMER_OPTION_NAMES } from '@odradek/client/consumer/group-options.ts';
import { badOption, namesWithout, oneOf, wholeNumber, type OptionNames } from '@odradek/client/options.ts';
import type { ExhaustedPolicy, FailedRecord, RetryPolicy } from './attempt.ts';
import type { Ordering } from './key-scheduler.ts';
import type { WorkLimits } from './partition-work.ts';
import { METADATA_LENGTH_MAX } from './progress-committer.ts';

/** What the group consumer is told by this one. */
const GOVERNED = ['autoCommitIntervalMs', 'onAssigned', 'onRevoked', 'onLost'] as const;

export interface ParallelOptions extends Omit<GroupConsumerOptions, (typeof GOVERNED)[number]> {
  /** What must not overtake one another; records without a key have no order by key. Default `key`. */
  readonly order?: Ordering;
  /** Handlers at a time, over all partitions, 1 or more. Default 16. */
  readonly workers?: number;
  /** Attempts at one record before `onExhausted`, 1 or more. Default 10. */
  readonly attemptsMax?: number;
  /** Default: from 100 ms on, doubled with each failure, at most 30 s, with a fifth of jitter. */
  readonly retry?: RetryPolicy;
  /**
   * What becomes of a record that keeps failing. `block-key`: it is tried for ever, and what has the same key waits;
   * all else goes on until `aheadMax` is reached. A function takes the record over, such as `DeadLetters`; once it
   * resolves the record counts as done, and later ones of its key go on without it. Default `block-key`.
   */
  readonly onExhausted?: ExhaustedPolicy;
  /**
   * Records are handed over only while no more than this share of the last 200 came to that, 0 to 1: when a dependency
   * is down it is better to wait than to give everything up. Default 1, which is always.
   */
  readonly exhaustedShareMax?: number;
  /** Until when a record has to wait, milliseconds since 1970; null for not at all. It waits without a worker. */
  readonly notBefore?: (record: ConsumedRecord) => number | null;
  /** Offsets of one partition from the first that is not done to the last that was taken. Default 20 000. */
  readonly aheadMax?: number;
  /** Bytes of one partition that are in work or wait for their turn. Default 32 MiB. */
  readonly bytesPerPartitionMax?: number;
  /** How often progress is committed, milliseconds. Default 1 000. */
  readonly commitIntervalMs?: number;
  /** Longest metadata of a commit, characters; 0 for none. Default 4 096, as `offset.metadata.max.bytes`. */
  readonly metadataLengthMax?: number;
  /** How long handlers may go on when their partition is to be given up, before their signal aborts. Default 30 000. */
  readonly drainMs?: number;
  /** Told of what an operator should know. Must not throw. */
  readonly onEvent?: (event: ParallelEvent) => void;
}

/** Those that the group consumer gets as they are. */
export const MEMBER_OPTION_NAMES = namesWithout(GROUP_CONSUMER_OPTION_NAMES, GOVERNED);

export const PARALLEL_OPTION_NAMES: OptionNames<ParallelOptions> = {
  ...MEMBER_OPTION_NAMES,
  order: true,
  workers: true,
  attemptsMax: true,
  retry: true,
  onExhausted: true,
  exhaustedShareMax: true,
  notBefore: true,
  aheadMax: true,
  bytesPerPartitionMax: true,
  commitIntervalMs: true,
  metadataLengthMax: true,
  drainMs: true,
  onEvent: true,
};

interface PartitionEvent {
  readonly topic: string;
  readonly partition: number;
}

export type ParallelEvent =
  /** A record is tried for ever, or cannot be handed over. */
  | ({ readonly type: 'key-stuck' } & FailedRecord)
  /** So many records fail that none is handed over: they are tried on until enough succeed. */
  | { readonly type: 'hand-over-held'; readonly share: number }
  /** A partition waits because too much of it is in work. */
  | ({ readonly type: 'paused' | 'resumed' } & PartitionEvent)
  /** What is in the metadata of the commit says nothing about this partition: what was done ahead is repeated. */
  | ({ readonly type: 'map-ignored'; readonly metadata: string | null } & PartitionEvent)
  /** Not all that is done ahead fits the metadata: a restart would repeat the rest. */
  | ({ readonly type: 'map-cut'; readonly lengthMax: number } & PartitionEvent)
  /** Handlers go on although their partitions are to be given up; their signals abort now. */
  | { readonly type: 'drain-slow'; readonly running: number }
  /** The group went on without this member, or a broker cannot be reached: it is tried again, or others repeat. */
  | { readonly type: 'commit-failed'; readonly error: Error };

export interface ParallelSettings {
  readonly order: Ordering;
  readonly workers: number;
  readonly attemptsMax: number;
  readonly retry: RetryPolicy | null;
  readonly onExhausted: ExhaustedPolicy;
  readonly exhaustedShareMax: number;
  readonly notBefore: (record: ConsumedRecord) => number | null;
  readonly limits: WorkLimits;
  readonly commitIntervalMs: number;
  readonly metadataLengthMax: number;
  readonly drainMs: number;
  readonly onEvent: (event: ParallelEvent) => void;
}

const ORDERS: readonly Ordering[] = ['key', 'partition', 'none'];

/** @throws ClientError BAD_OPTION */
export function parallelSettings(
  options: Omit<ParallelOptions, keyof GroupConsumerOptions>,
): ParallelSettings {
  return {
    order: oneOf('order', options.order ?? 'key', ORDERS),
    workers: wholeNumber('workers', options.workers ?? 16, 1),
    attemptsMax: wholeNumber('attemptsMax', options.attemptsMax ?? 10, 1),
    retry: options.retry ?? null,
    onExhausted: options.onExhausted ?? 'block-key',
    exhaustedShareMax: share('exhaustedShareMax', options.exhaustedShareMax ?? 1),
    notBefore: options.notBefore ?? (() => null),
    limits: {
      aheadMax: wholeNumber('aheadMax', options.aheadMax ?? 20_000, 1),
      bytesMax: wholeNumber('bytesPerPartitionMax', options.bytesPerPartitionMax ?? 32 * 1024 * 1024, 1),
    },
    commitIntervalMs: wholeNumber('commitIntervalMs', options.commitIntervalMs ?? 1_000, 1),
    metadataLengthMax: wholeNumber('metadataLengthMax', options.metadataLengthMax ?? METADATA_LENGTH_MAX, 0),
    drainMs: wholeNumber('drainMs', options.drainMs ?? 30_000, 0),
    onEvent: options.onEvent ?? (() => undefined),
  };
}

function share(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw badOption(`${name} is ${value}, allowed is 0 to 1`);
}
