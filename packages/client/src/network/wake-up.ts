import type { Timer } from '../ports/clock.ts';
import type { ClientEnvironment } from '../ports/environment.ts';

/** Runs one function at the earliest of the times that were asked for, and once for all who ask at once. */
export class WakeUp {
  private readonly environment: ClientEnvironment;
  private readonly run: () => void;
  private timer: Timer | null = null;
  private timerAtMs = Infinity;
  private isQueued = false;

  constructor(environment: ClientEnvironment, run: () => void) {
    this.environment = environment;
    this.run = run;
  }

  /** Runs before anything else of the event loop, but not within this call. */
  soon(): void {
    if (this.isQueued) return;
    this.isQueued = true;
    queueMicrotask(() => {
      this.isQueued = false;
      this.run();
    });
  }

  /** @param atMs monotonic time; a time that has come already means soon */
  at(atMs: number): void {
    if (atMs >= this.timerAtMs) return;
    const delayMs = atMs - this.environment.clock.monotonic();
    if (delayMs <= 0) return this.soon();
    this.timer?.cancel();
    this.timerAtMs = atMs;
    this.timer = this.environment.timers.after(delayMs, () => {
      this.timerAtMs = Infinity;
      this.run();
    });
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = null;
    this.timerAtMs = Infinity;
  }
}
