import type { Clock } from '../ports/clock.ts';

/** Spreads disk traffic over time, so that on average it stays below a rate. */
export class IoThrottle {
  private readonly clock: Clock;
  private readonly bytesPerSecond: () => number;
  private freeAtMs = 0;

  /** @param bytesPerSecond as it is at present, above 0; Infinity for no limit */
  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.clock = clock;
    this.bytesPerSecond = bytesPerSecond;
  }

  /** @returns how long to pause after so many bytes, in ms */
  delayAfter(bytes: number): number {
    const nowMs = this.clock.monotonic();
    this.freeAtMs = Math.max(this.freeAtMs, nowMs) + (bytes * 1000) / this.bytesPerSecond();
    return this.freeAtMs - nowMs;
  }
}
