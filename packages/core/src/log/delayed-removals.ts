import type { Timer, Timers } from '../ports/clock.ts';

/** Done at a time: a file each, some 0.1 ms, or a log with its few. */
const REMOVALS_PER_TURN = 10;

/**
 * Files that were taken out of use and stay under their `.deleted` name for a while, for those that still read
 * them. What is left when the broker stops is removed at the next start. When thousands are due at one time, as
 * after the deletion of a topic, others run in between.
 */
export class DelayedRemovals {
  private readonly timers: Timers;
  private readonly waiting = new Set<Timer>();
  private due: (() => void)[] = [];

  constructor(timers: Timers) {
    this.timers = timers;
  }

  get size(): number {
    return this.waiting.size + this.due.length;
  }

  /** @param remove handles its own errors */
  later(delayMs: number, remove: () => void): void {
    this.after(delayMs, () => {
      this.due.push(remove);
      if (this.due.length === 1) this.after(0, () => this.removeSome());
    });
  }

  private removeSome(): void {
    for (const remove of this.due.slice(0, REMOVALS_PER_TURN)) remove();
    this.due = this.due.slice(REMOVALS_PER_TURN);
    if (this.due.length > 0) this.after(0, () => this.removeSome());
  }

  private after(delayMs: number, run: () => void): void {
    const timer = this.timers.after(delayMs, () => {
      this.waiting.delete(timer);
      run();
    });
    this.waiting.add(timer);
  }

  /** Leaves everything that waits to the next start. */
  stop(): void {
    for (const timer of this.waiting) timer.cancel();
    this.waiting.clear();
    this.due = [];
  }
}
