export interface BreakerLimits {
  /** Records that are moved to try whether it works again, 1 or more. */
  readonly canaries: number;
  /** How long a record has to stay away from the dead letters to count as handled, milliseconds. */
  readonly settleMs: number;
  /** Between probes, milliseconds. */
  readonly probeIntervalMs: number;
  /** Share of the last moved that may die again, 0 to 1. */
  readonly redeathShareMax: number;
}

export type BreakerState = 'open' | 'half-open' | 'closed';

/** How many of the last moved are looked at. */
const WINDOW = 100;
/** With fewer moved than these, a share says nothing. */
const SHARE_COUNT_MIN = 20;

/**
 * Whether records may be put back. Open: nothing is, until a probe succeeds. Half open: a few are, and it is waited
 * whether they die again. Closed: all are, until a probe fails or too many die again.
 *
 * It decides by what it is told, and has no clock: times are monotonic milliseconds.
 */
export class RedriveBreaker {
  private readonly limits: BreakerLimits;
  private current: BreakerState = 'open';
  private moved = 0;
  private died = 0;
  /** When the last canary was moved. */
  private settlingSinceMs: number | null = null;
  private probedAtMs = -Infinity;

  constructor(limits: BreakerLimits) {
    this.limits = limits;
  }

  get state(): BreakerState {
    return this.current;
  }

  /** Whether the probe should be asked. Canaries on their way are waited for first. */
  wantsProbe(nowMs: number): boolean {
    return nowMs - this.probedAtMs >= this.limits.probeIntervalMs;
  }

  probed(isHealthy: boolean, nowMs: number): void {
    this.probedAtMs = nowMs;
    if (!isHealthy) this.become('open');
    else if (this.current === 'open') this.become('half-open');
  }

  /** How long to wait before the next record, milliseconds; 0 for not at all. */
  waitMs(nowMs: number): number {
    const { canaries, settleMs, probeIntervalMs } = this.limits;
    if (this.current === 'open') return Math.max(this.probedAtMs + probeIntervalMs - nowMs, 1);
    if (this.current === 'closed' || this.moved < canaries) return 0;
    const leftMs = (this.settlingSinceMs ?? nowMs) + settleMs - nowMs;
    if (leftMs > 0) return leftMs;
    this.become('closed');
    return 0;
  }

  noteMoved(nowMs: number): void {
    if (this.current === 'closed' && this.moved >= WINDOW) {
      this.moved /= 2;
      this.died /= 2;
    }
    this.moved++;
    if (this.current === 'half-open') this.settlingSinceMs = nowMs;
  }

  /** A record that was moved is among the dead letters again. A probe has its time before it is believed once more. */
  noteDied(nowMs: number): void {
    this.died++;
    const isTooMany = this.died / Math.max(this.moved, 1) > this.limits.redeathShareMax;
    const isWorse = this.current === 'closed' && this.moved >= SHARE_COUNT_MIN && isTooMany;
    if (this.current !== 'half-open' && !isWorse) return;
    this.become('open');
    this.probedAtMs = nowMs;
  }

  private become(state: BreakerState): void {
    if (state === this.current) return;
    this.current = state;
    this.moved = 0;
    this.died = 0;
    this.settlingSinceMs = null;
  }
}
