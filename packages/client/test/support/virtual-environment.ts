import type { ClientEnvironment } from '../../src/ports/environment.ts';

interface Waiting {
  readonly atMs: number;
  readonly sequence: number;
  readonly fire: () => void;
}

const NO_SOCKETS: ClientEnvironment['sockets'] = {
  connect: () => {
    throw new Error('there is no network here');
  },
};

/** Time that passes only when told to, and chance by seed. */
export class VirtualEnvironment implements ClientEnvironment {
  nowMs = 0;
  private waiting: Waiting[] = [];
  private sequence = 0;
  private state: number;

  readonly sockets: ClientEnvironment['sockets'];

  /** @param sockets real ones, where time alone is to be virtual: then what the network does takes no time */
  constructor(seed = 1, sockets: ClientEnvironment['sockets'] = NO_SOCKETS) {
    this.state = seed >>> 0;
    this.sockets = sockets;
  }

  readonly clock = { now: (): number => this.nowMs, monotonic: (): number => this.nowMs };

  readonly timers = {
    after: (delayMs: number, fire: () => void): { cancel: () => void } => {
      const entry = { atMs: this.nowMs + delayMs, sequence: this.sequence++, fire };
      this.waiting.push(entry);
      return { cancel: () => void (this.waiting = this.waiting.filter((other) => other !== entry)) };
    },
  };

  /** Mulberry32. */
  readonly random = {
    fraction: (): number => {
      this.state = (this.state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };

  get timerCount(): number {
    return this.waiting.length;
  }

  /** Lets everything happen that is due within so many milliseconds, in order. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.nowMs + durationMs;
    await settled();
    for (;;) {
      const next = this.waiting
        .filter(({ atMs }) => atMs <= untilMs)
        .toSorted((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)[0];
      if (next === undefined) break;
      this.waiting = this.waiting.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.fire();
      await settled();
    }
    this.nowMs = untilMs;
  }
}

/** Everything has happened that needs no time. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
