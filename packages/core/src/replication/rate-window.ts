/** Over how long a rate is measured. */
export interface RateWindows {
  /** 1 or more. */
  readonly count: number;
  /** Milliseconds of each, more than 0. */
  readonly lengthMs: number;
}

interface Window {
  startMs: number;
  lastMs: number;
  sum: number;
}

/**
 * A mean per second over the last windows, as Kafka measures replication: from the begin of the oldest window that
 * still counts until now, and never over less than one window. One window more than `count` is kept, since the oldest
 * reaches into the time that is looked at.
 */
export class RateWindow {
  private readonly count: number;
  private readonly lengthMs: number;
  private readonly windows: Window[] = [];
  private current = 0;

  constructor({ count, lengthMs }: RateWindows) {
    this.count = count;
    this.lengthMs = lengthMs;
  }

  record(value: number, nowMs: number): void {
    const window = this.windowAt(nowMs);
    window.sum += value;
    window.lastMs = nowMs;
  }

  perSecond(nowMs: number): number {
    this.clearOutdated(nowMs);
    const starts = this.windows.map(({ startMs }) => startMs);
    const elapsedMs = Math.max(nowMs - Math.min(nowMs, ...starts), this.lengthMs);
    const sum = this.windows.reduce((total, window) => total + window.sum, 0);
    return (sum * 1_000) / elapsedMs;
  }

  private windowAt(nowMs: number): Window {
    const known = this.windows[this.current];
    if (known !== undefined && nowMs - known.startMs < this.lengthMs) return known;
    if (known !== undefined) this.current = (this.current + 1) % (this.count + 1);
    const begun = { startMs: nowMs, lastMs: nowMs, sum: 0 };
    this.windows[this.current] = begun;
    return begun;
  }

  /** A window without events for as long as all windows last is begun anew. */
  private clearOutdated(nowMs: number): void {
    const lifeMs = this.count * this.lengthMs;
    for (const window of this.windows) {
      if (nowMs - window.lastMs < lifeMs) continue;
      window.startMs = nowMs;
      window.lastMs = nowMs;
      window.sum = 0;
    }
  }
}
