import type { Timer, Timers } from '../ports/clock.ts';

/**
 * Files that were taken out of use and stay under their `.deleted` name for a while, for those that still read
 * them. What is left when the broker stops is removed at the next start.
 */
export class DelayedRemovals {
  private readonly timers: Timers;
  private readonly waiting = new Set<Timer>();

  constructor(timers: Timers) {
    this.timers = timers;
  }

  get size(): number {
    return this.waiting.size;
  }

  /** @param remove handles its own errors */
  later(delayMs: number, remove: () => void): void {
    const timer = this.timers.after(delayMs, () => {
      this.waiting.delete(timer);
      remove();
    });
    this.waiting.add(timer);
  }

  /** Leaves everything that waits to the next start. */
  stop(): void {
    for (const timer of this.waiting) timer.cancel();
    this.waiting.clear();
  }
}
