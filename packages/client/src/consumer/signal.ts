import type { ClientEnvironment } from '../ports/environment.ts';

/**
 * Lets any number of callers wait for a change. A notification reaches those who wait at that moment: look at the
 * state first, then wait, with nothing asynchronous in between, and none is missed.
 */
export class Signal {
  private readonly environment: ClientEnvironment;
  private readonly waiters = new Set<() => void>();

  constructor(environment: ClientEnvironment) {
    this.environment = environment;
  }

  notify(): void {
    const waiting = [...this.waiters];
    this.waiters.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves with the next notification, or when the time is up. @param timeoutMs Infinity for no limit */
  wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === Infinity ? null : this.environment.timers.after(timeoutMs, () => wake());
      const wake = (): void => {
        this.waiters.delete(wake);
        timer?.cancel();
        resolve();
      };
      this.waiters.add(wake);
    });
  }
}
