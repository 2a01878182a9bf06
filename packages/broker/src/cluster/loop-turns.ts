import type { Timers } from '@odradek/core/ports/clock.ts';

/**
 * Long pieces of work, one in each turn of the event loop: heartbeats and requests get theirs in between, however many
 * pieces wait. Bounded by who hands them in: the controller's channels, one piece each.
 */
export class LoopTurns {
  private readonly timers: Timers;
  private readonly waiting: (() => void)[] = [];
  private isDue = false;

  constructor(timers: Timers) {
    this.timers = timers;
  }

  /** Never within the call, and in the order of the calls. */
  run(piece: () => void): void {
    this.waiting.push(piece);
    this.next();
  }

  private next(): void {
    if (this.isDue || this.waiting.length === 0) return;
    this.isDue = true;
    this.timers.after(0, () => {
      this.isDue = false;
      const piece = this.waiting.shift()!;
      // The next turn comes also when this piece fails.
      this.next();
      piece();
    });
  }
}
