import type { Clock } from '../../ports/clock.ts';

/** Longest that one waits before the rate is looked at again: it may have been raised. */
const WAIT_MS_MAX = 1000;

/**
 * What moves may copy: on average no more than a rate that can change at any time. Bytes that are copied are owed, and
 * what is owed goes down by the rate; one may copy while nothing is owed.
 */
export class MoveBudget {
  private readonly clock: Clock;
  private readonly bytesPerSecond: () => number;
  private owedBytes = 0;
  private countedAtMs: number;

  /** @param bytesPerSecond as it is at present, 0 or more: `replica.alter.log.dirs.io.max.bytes.per.second` */
  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.clock = clock;
    this.bytesPerSecond = bytesPerSecond;
    this.countedAtMs = clock.monotonic();
  }

  spend(bytes: number): void {
    this.settle();
    this.owedBytes += bytes;
  }

  /** How long to wait before asking again, in ms; 0 when one may copy. */
  waitMs(): number {
    this.settle();
    if (this.owedBytes <= 0) return 0;
    return Math.min(WAIT_MS_MAX, Math.ceil((this.owedBytes * 1000) / Math.max(this.bytesPerSecond(), 1)));
  }

  /** Most bytes to copy at one time, so that a low rate is not one long pause after the other. */
  sizeMax(sizeBytes: number): number {
    return Math.min(sizeBytes, Math.max(this.bytesPerSecond(), 1));
  }

  private settle(): void {
    const nowMs = this.clock.monotonic();
    // No time at an endless rate is no number.
    if (nowMs > this.countedAtMs) {
      const paid = ((nowMs - this.countedAtMs) * this.bytesPerSecond()) / 1000;
      this.owedBytes = Math.max(0, this.owedBytes - paid);
    }
    this.countedAtMs = nowMs;
  }
}
