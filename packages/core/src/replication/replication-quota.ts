import type { Clock } from '../ports/clock.ts';
import { RateWindow, type RateWindows } from './rate-window.ts';

export interface ReplicationQuotaParts {
  readonly clock: Clock;
  /** `replication.quota.window.num` and `replication.quota.window.size.seconds`. */
  readonly windows: RateWindows;
  /** Bytes per second, 0 or more; asked at each look, since it changes while the broker runs. */
  bytesPerSecondMax(): number;
}

/**
 * What throttled replicas may move on one side, as leaders or as followers (KIP-73). Bytes are counted when they have
 * gone, so one answer may exceed the rate; then nothing goes until the mean over the windows is below it.
 */
export class ReplicationQuota {
  private readonly parts: ReplicationQuotaParts;
  private readonly rate: RateWindow;

  constructor(parts: ReplicationQuotaParts) {
    this.parts = parts;
    this.rate = new RateWindow(parts.windows);
  }

  record(sizeBytes: number): void {
    this.rate.record(sizeBytes, this.parts.clock.monotonic());
  }

  isExceeded(): boolean {
    return this.rate.perSecond(this.parts.clock.monotonic()) > this.parts.bytesPerSecondMax();
  }
}

/** The partitions of a topic whose replica here is throttled. */
export type ThrottledPartitions = 'all' | ReadonlySet<number>;

const NONE: ThrottledPartitions = new Set();

/**
 * Reads `leader.replication.throttled.replicas` or its like for followers.
 * @param entries `*`, or `partition:broker` each; others count as absent
 */
export function throttledPartitions(entries: readonly string[], brokerId: number): ThrottledPartitions {
  if (entries.length === 0) return NONE;
  if (entries[0] === '*') return 'all';
  const own = entries
    .map((entry) => entry.split(':').map(Number))
    .filter(([, broker]) => broker === brokerId);
  return new Set(own.map(([partition]) => partition!));
}

export function isThrottled(throttled: ThrottledPartitions | undefined, partition: number): boolean {
  return throttled !== undefined && (throttled === 'all' || throttled.has(partition));
}
