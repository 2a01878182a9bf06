import type { Clock } from '../ports/clock.ts';
import type { Partition } from './partition.ts';

/**
 * Followed partitions with records that are being synced because `flush.messages` wants it: the next fetch would tell the
 * leader that they are held here. The fetcher waits for the syncs, which go on off the loop, so that none of the
 * partitions has to wait for a fetch that is parked at the leader; but not for long, since a disk may hang.
 */
export class UnsyncedReplicas {
  private readonly clock: Clock;
  private readonly goOn: () => void;
  private awaited: readonly Partition[] = [];
  /** Monotonic time since when there is one at least. */
  private sinceMs: number | null = null;

  /** @param goOn is called when one of them may be synced; may ask again */
  constructor(clock: Clock, goOn: () => void) {
    this.clock = clock;
    this.goOn = goOn;
  }

  /**
   * Waits for these, and for no others any more.
   *
   * @param waitMaxMs longest that the fetcher waits for such, from the first on until there is none
   * @returns how long it should, in ms; 0 when it is to go on without them
   */
  waitFor(partitions: readonly Partition[], waitMaxMs: number): number {
    this.forgetAll();
    if (partitions.length === 0) {
      this.sinceMs = null;
      return 0;
    }
    this.awaited = partitions;
    for (const { watchers } of partitions) watchers.add(this.goOn);
    const nowMs = this.clock.monotonic();
    this.sinceMs ??= nowMs;
    return Math.max(0, this.sinceMs + waitMaxMs - nowMs);
  }

  /** Nobody is to be told any more. */
  forgetAll(): void {
    for (const { watchers } of this.awaited) watchers.remove(this.goOn);
    this.awaited = [];
  }
}
