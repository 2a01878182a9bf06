import type { Clock, Timer, Timers } from '@odradek/core/ports/clock.ts';

interface Closable {
  destroy(): void;
}

/**
 * Closes connections that have been silent for `connections.max.idle.ms`. One timer for all of them: they are
 * kept in the order of their last sign of life, so that only the oldest has to be looked at.
 */
export class IdleConnections<Connection extends Closable> {
  private readonly lastActivity = new Map<Connection, number>();
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly idleMaxMs: number;
  private timer: Timer | null = null;

  /** @param idleMaxMs milliseconds of silence after which a connection is closed; negative means never */
  constructor(clock: Clock, timers: Timers, idleMaxMs: number) {
    this.clock = clock;
    this.timers = timers;
    this.idleMaxMs = idleMaxMs;
  }

  touch(connection: Connection): void {
    if (this.idleMaxMs < 0) return;
    this.lastActivity.delete(connection);
    this.lastActivity.set(connection, this.clock.monotonic());
    if (this.timer === null) this.setTimer(this.idleMaxMs);
  }

  remove(connection: Connection): void {
    this.lastActivity.delete(connection);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.lastActivity.clear();
  }

  private setTimer(delayMs: number): void {
    this.timer = this.timers.after(Math.max(delayMs, 1), () => this.closeSilent());
  }

  private closeSilent(): void {
    this.timer = null;
    const now = this.clock.monotonic();
    for (const [connection, lastMs] of this.lastActivity) {
      const leftMs = lastMs + this.idleMaxMs - now;
      if (leftMs > 0) {
        this.setTimer(leftMs);
        return;
      }
      this.lastActivity.delete(connection);
      connection.destroy();
    }
  }
}
