import type { Timer, Timers } from '@odradek/core/ports/clock.ts';

/** The longest delay that the runtime's timers know, in milliseconds: about 25 days. */
const DELAY_MAX_MS = 0x7fffffff;

/**
 * Timers of the runtime, which keeps those of equal delay in one list. `stop` ends all of them, so that a closed
 * broker never acts again.
 */
export class SystemTimers implements Timers {
  private readonly pending = new Set<SystemTimer>();
  private readonly keepAlive: boolean;
  private stopped = false;

  /** @param keepAlive whether the process lives on for them; a broker's does for its listeners */
  constructor({ keepAlive = false } = {}) {
    this.keepAlive = keepAlive;
  }

  after(delayMs: number, fire: () => void): Timer {
    const timer = new SystemTimer(this.pending, this.keepAlive, fire);
    if (!this.stopped) timer.start(delayMs);
    return timer;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of [...this.pending]) timer.cancel();
  }
}

class SystemTimer implements Timer {
  private readonly pending: Set<SystemTimer>;
  private readonly keepAlive: boolean;
  private readonly fire: () => void;
  private handle: NodeJS.Timeout | null = null;

  constructor(pending: Set<SystemTimer>, keepAlive: boolean, fire: () => void) {
    this.pending = pending;
    this.keepAlive = keepAlive;
    this.fire = fire;
  }

  start(delayMs: number): void {
    this.pending.add(this);
    const step = Math.min(Math.max(delayMs, 0), DELAY_MAX_MS);
    this.handle = setTimeout(() => this.elapsed(delayMs - step), step);
    // What comes at once is the rest of work under way, such as that of a broker that stops: it is not given up.
    if (!this.keepAlive && delayMs > 0) this.handle.unref();
  }

  cancel(): void {
    if (this.handle !== null) clearTimeout(this.handle);
    this.handle = null;
    this.pending.delete(this);
  }

  private elapsed(leftMs: number): void {
    if (leftMs > 0) {
      this.start(leftMs);
      return;
    }
    this.handle = null;
    this.pending.delete(this);
    this.fire();
  }
}
