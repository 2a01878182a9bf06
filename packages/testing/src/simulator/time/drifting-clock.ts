import type { Clock } from '@odradek/core/ports/clock.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Wall-clock time at which simulations begin: 2026-01-01. */
const EPOCH_MS = 1_767_225_600_000;

/** The clocks of one machine: both run a little too fast or too slow, and the wall clock may step. */
export class DriftingClock implements Clock {
  private readonly time: VirtualTime;
  /** Milliseconds of this clock per millisecond of true time. */
  readonly rate: number;
  private stepsMs = 0;

  constructor(time: VirtualTime, rate = 1) {
    this.time = time;
    this.rate = rate;
  }

  now(): number {
    return Math.floor(EPOCH_MS + this.stepsMs + this.monotonic());
  }

  monotonic(): number {
    return this.time.nowMs * this.rate;
  }

  /** Moves the wall clock, back when negative. */
  step(byMs: number): void {
    this.stepsMs += byMs;
  }
}
