import type { ProducerOptions, ProducerRecord } from '@odradek/client';
import { badOption, namesWithout, oneOf, wholeNumber, type OptionNames } from '@odradek/client/options.ts';
import { PRODUCER_OPTION_NAMES } from '@odradek/client/producer/producer-options.ts';

/** When what was appended counts as taken: once it is synced; or at once, synced every so many ms; or by the system. */
export type SpoolSync = 'each' | { readonly everyMs: number } | 'never';

/** When the spool has its size: wait for room, refuse, or give up what is oldest. */
export type FullPolicy = 'block' | 'reject' | 'drop-oldest';

/** What the producer is told by the spool. */
const GOVERNED = ['acks', 'idempotent', 'deliveryTimeoutMs', 'maxBlockMs', 'inFlightMax'] as const;

export interface SpoolOptions extends Omit<ProducerOptions, (typeof GOVERNED)[number]> {
  /** A directory of a local file system for this process alone. It is made if it is missing. */
  readonly directory: string;
  /**
   * `each`: an append resolves when it is on the disk; those under way share a sync. `{ everyMs }`: it resolves when the
   * system has it, which a crash of the process survives; a loss of power costs so many milliseconds. `never`: the same,
   * synced when the system pleases. Default `each`.
   */
  readonly sync?: SpoolSync;
  /** Bytes on the disk at most, about. Default 1 GiB. */
  readonly sizeMaxBytes?: number;
  /** Default `block`. */
  readonly onFull?: FullPolicy;
  /** How long `block` waits, milliseconds, before it refuses. Default 60 000. */
  readonly blockMaxMs?: number;
  /** Bytes of a file; sent ones are removed whole. Default a sixteenth of `sizeMaxBytes`, 64 MiB at most. */
  readonly segmentBytes?: number;
  /** Records sent and not acknowledged at most. Default 1 000. */
  readonly unacknowledgedMax?: number;
  /**
   * Takes a record that the cluster will never take, because it is too large or not valid; once it resolves the spool
   * goes on behind it. Default: the spool waits at it and says so with `poison`. What was on its way behind it may arrive before.
   */
  readonly onPoison?: (record: SpooledRecord, error: Error) => Promise<unknown>;
  /** Must not throw. */
  readonly onEvent?: (event: SpoolEvent) => void;
}

/** Those that the producer gets as they are. */
export const SPOOLED_OPTION_NAMES = namesWithout(PRODUCER_OPTION_NAMES, GOVERNED);

export const SPOOL_OPTION_NAMES: OptionNames<SpoolOptions> = {
  ...SPOOLED_OPTION_NAMES,
  directory: true,
  sync: true,
  sizeMaxBytes: true,
  onFull: true,
  blockMaxMs: true,
  segmentBytes: true,
  unacknowledgedMax: true,
  onPoison: true,
  onEvent: true,
};

/** What `append` takes. Where it has no partition, the key decides when it is sent. */
export interface SpoolRecord extends ProducerRecord {
  /** The header `message-id`, by which consumers know a message that came twice. Default: a new one. */
  readonly id?: string;
}

/** A record of the spool, with its place there. */
export interface SpooledRecord extends ProducerRecord {
  readonly sequence: number;
}

export type SpoolEvent =
  /** The cluster refuses a record for good. Told once for each. */
  | { readonly type: 'poison'; readonly record: SpooledRecord; readonly error: Error }
  /** Sending failed and begins anew from the first record that is not acknowledged: some may come twice. */
  | { readonly type: 'sending-failed'; readonly error: Error }
  /** Records were given up because the spool was full; those being sent may have arrived. */
  | { readonly type: 'dropped'; readonly count: number }
  /** Less was found on opening than had been there: `count` records that were taken are gone. */
  | { readonly type: 'damaged'; readonly count: number };

export interface SpoolSettings {
  readonly sync: SpoolSync;
  readonly sizeMaxBytes: number;
  readonly onFull: FullPolicy;
  readonly blockMaxMs: number;
  readonly segmentBytes: number;
  readonly unacknowledgedMax: number;
  readonly onPoison: ((record: SpooledRecord, error: Error) => Promise<unknown>) | null;
  readonly onEvent: (event: SpoolEvent) => void;
}

const FULL_POLICIES: readonly FullPolicy[] = ['block', 'reject', 'drop-oldest'];
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
const SEGMENT_BYTES_MIN = 16 * 1024;

/** @throws ClientError BAD_OPTION */
export function spoolSettings(options: SpoolOptions): SpoolSettings {
  const sizeMaxBytes = wholeNumber('sizeMaxBytes', options.sizeMaxBytes ?? 1024 ** 3, 4 * SEGMENT_BYTES_MIN);
  const onFull = oneOf('onFull', options.onFull ?? 'block', FULL_POLICIES);
  const sync = options.sync ?? 'each';
  if (typeof sync === 'object') wholeNumber('sync.everyMs', sync.everyMs, 1);
  const segmentDefault = Math.max(
    Math.min(Math.floor(sizeMaxBytes / 16), SEGMENT_BYTES_MAX),
    SEGMENT_BYTES_MIN,
  );
  const segmentBytes = wholeNumber('segmentBytes', options.segmentBytes ?? segmentDefault, SEGMENT_BYTES_MIN);
  if (segmentBytes > sizeMaxBytes / 2) {
    throw badOption(`segmentBytes is ${segmentBytes}, allowed is half of sizeMaxBytes, ${sizeMaxBytes / 2}`);
  }
  return {
    sync,
    sizeMaxBytes,
    onFull,
    segmentBytes,
    blockMaxMs: wholeNumber('blockMaxMs', options.blockMaxMs ?? 60_000, 0),
    unacknowledgedMax: wholeNumber('unacknowledgedMax', options.unacknowledgedMax ?? 1_000, 1),
    onPoison: options.onPoison ?? null,
    onEvent: options.onEvent ?? (() => undefined),
  };
}
