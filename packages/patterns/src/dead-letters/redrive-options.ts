import type { ClusterOptions } from '@odradek/client';
import { CLUSTER_OPTION_NAMES } from '@odradek/client/cluster/cluster-options.ts';
import { badOption, refuseUnknown, type OptionNames } from '@odradek/client/options.ts';
import type { BreakerLimits, BreakerState } from './redrive-breaker.ts';
import type { DeadLetter } from './dead-letter.ts';

export interface Destination {
  readonly topic: string;
  /** Default: by the key, as producers do. */
  readonly partition?: number;
}

export interface RedriveOptions extends ClusterOptions {
  /** The dead-letter topic. */
  readonly from: string;
  /** Names the run. One that is started again under its name goes on where it stopped. */
  readonly runId: string;
  /** Where letters go. Default: the topic that they came from. */
  readonly to?: (letter: DeadLetter) => Destination;
  /** Hands letters to this instead of putting them back. One that is rejected stays where it is. */
  readonly handle?: (letter: DeadLetter, context: { readonly signal: AbortSignal }) => unknown;
  /** Default: all. */
  readonly filter?: (letter: DeadLetter) => boolean;
  /** Whether what the handler depends on is well; what it throws means no. Default: always. */
  readonly probe?: (signal: AbortSignal) => boolean | Promise<boolean>;
  /** Default 5 000. */
  readonly probeIntervalMs?: number;
  /** Letters moved per second at most. Default 50. */
  readonly ratePerSecond?: number;
  /** Letters that are moved first, and waited for. Default 5. */
  readonly canaries?: number;
  /** How long a moved letter has to stay away from the dead letters to count as handled, milliseconds. Default 10 000. */
  readonly settleMs?: number;
  /** Share of the last moved that may die again before it stops, 0 to 1. Default 0.2. */
  readonly redeathShareMax?: number;
  /** A letter that was put back so often already goes to the parking topic. Default 3. */
  readonly redrivesMax?: number;
  /** Letters moved at most. Default: no limit. */
  readonly limit?: number;
  /** Only count what would be done. Default **true**. */
  readonly dryRun?: boolean;
  /** Stops the run between two letters; the report says how far it came. */
  readonly signal?: AbortSignal;
  /** Must not throw. */
  readonly onEvent?: (event: RedriveEvent) => void;
}

const OPTION_NAMES: OptionNames<RedriveOptions> = {
  ...CLUSTER_OPTION_NAMES,
  from: true,
  runId: true,
  to: true,
  handle: true,
  filter: true,
  probe: true,
  probeIntervalMs: true,
  ratePerSecond: true,
  canaries: true,
  settleMs: true,
  redeathShareMax: true,
  redrivesMax: true,
  limit: true,
  dryRun: true,
  signal: true,
  onEvent: true,
};

export type RedriveEvent =
  | { readonly type: 'breaker'; readonly state: BreakerState }
  | { readonly type: 'moved' | 'parked'; readonly letter: DeadLetter }
  /** The handler rejected it. */
  | { readonly type: 'rejected'; readonly letter: DeadLetter; readonly error: Error };

export interface RedriveReport {
  /** Letters that the filter took, whatever became of them. */
  readonly matched: number;
  /** Put back, or handled; in a dry run what would be. */
  readonly moved: number;
  readonly parked: number;
  /** Put back by this run or an earlier one. */
  readonly movedBefore: number;
  /** Left where they are: the filter did not take them. */
  readonly skipped: number;
  /** Left where they are: the handler rejected them. */
  readonly rejected: number;
  /** Left where they are: nothing says where they came from. */
  readonly unreadable: number;
  /** Whether it came to the end that it saw at its start; else a limit or the signal stopped it. */
  readonly isComplete: boolean;
}

export interface RedriveSettings {
  readonly breaker: BreakerLimits;
  readonly ratePerSecond: number;
  readonly redrivesMax: number;
  readonly limit: number;
  readonly isDryRun: boolean;
}

/** @throws ClientError BAD_OPTION */
export function redriveSettings(options: RedriveOptions): RedriveSettings {
  refuseUnknown('a re-drive', options, OPTION_NAMES);
  if (options.runId === '') throw badOption('runId is empty');
  if (options.to !== undefined && options.handle !== undefined) {
    throw badOption('to and handle are both given, allowed is one of them');
  }
  return {
    breaker: {
      canaries: inRange('canaries', options.canaries ?? 5, 1),
      // What a handler has done is known when it ends.
      settleMs: options.handle === undefined ? inRange('settleMs', options.settleMs ?? 10_000, 0) : 0,
      probeIntervalMs: inRange('probeIntervalMs', options.probeIntervalMs ?? 5_000, 1),
      redeathShareMax: inRange('redeathShareMax', options.redeathShareMax ?? 0.2, 0, 1),
    },
    ratePerSecond: inRange('ratePerSecond', options.ratePerSecond ?? 50, 0.001),
    redrivesMax: inRange('redrivesMax', options.redrivesMax ?? 3, 1),
    limit: inRange('limit', options.limit ?? Infinity, 1),
    isDryRun: options.dryRun ?? true,
  };
}

function inRange(name: string, value: number, min: number, max = Infinity): number {
  if (value >= min && value <= max) return value;
  const upTo = max === Infinity ? 'on' : `to ${max}`;
  throw badOption(`${name} is ${value}, allowed is from ${min} ${upTo}`);
}
