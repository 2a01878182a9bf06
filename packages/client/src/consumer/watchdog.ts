import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import type { Timer } from '../ports/clock.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { JoinTrouble } from './membership.ts';

/** Records do not get on, although nothing has failed for good. */
export type Stall =
  /** Joining, fetching or committing is tried again and again: brokers, a leader or a coordinator cannot be reached. */
  | { readonly kind: 'trouble'; readonly forMs: number; readonly error: Error }
  /** Whoever has the records of a partition in hand does not get done with any. */
  | ({ readonly kind: 'handler'; readonly forMs: number } & TopicPartition)
  /** Something kept the event loop from doing anything else, heartbeats included. */
  | { readonly kind: 'event-loop'; readonly forMs: number };

export interface WatchdogOptions {
  /** What takes longer is a stall, milliseconds. */
  readonly stallAfterMs: number;
  /** As much of a blocked event loop is one, milliseconds. */
  readonly blockedAfterMs: number;
  readonly trouble: () => JoinTrouble | null;
  /** The partitions whose records are in somebody's hands, with the last sign of life (monotonic). */
  readonly held: () => readonly (TopicPartition & { readonly progressAtMs: number })[];
  readonly report: (stall: Stall) => void;
}

const CHECKS_PER_STALL = 4;
const CHECK_MAX_MS = 1_000;

/** Looks at regular times whether records get on, and tells of each stall once, until it has ended. */
export class Watchdog {
  private readonly environment: ClientEnvironment;
  private readonly options: WatchdogOptions;
  private readonly intervalMs: number;
  private readonly reported = new Set<string>();
  private timer: Timer | null = null;
  private dueMs = 0;
  /** The longest that the event loop was seen blocked, milliseconds. */
  blockedMaxMs = 0;

  constructor(environment: ClientEnvironment, options: WatchdogOptions) {
    this.environment = environment;
    this.options = options;
    this.intervalMs = Math.min(CHECK_MAX_MS, options.stallAfterMs / CHECKS_PER_STALL);
  }

  start(): void {
    if (this.timer !== null) return;
    this.dueMs = this.environment.clock.monotonic() + this.intervalMs;
    this.timer = this.environment.timers.after(this.intervalMs, () => this.look());
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private look(): void {
    const nowMs = this.environment.clock.monotonic();
    this.lookAtLoop(nowMs - this.dueMs);
    const stalls = [...this.stallsAt(nowMs)];
    for (const key of this.reported) if (!stalls.some(([name]) => name === key)) this.reported.delete(key);
    this.timer = null;
    this.start();
    for (const [key, stall] of stalls) {
      if (this.reported.has(key)) continue;
      this.reported.add(key);
      this.options.report(stall);
    }
  }

  private lookAtLoop(lateMs: number): void {
    this.blockedMaxMs = Math.max(this.blockedMaxMs, lateMs);
    if (lateMs >= this.options.blockedAfterMs) this.options.report({ kind: 'event-loop', forMs: lateMs });
  }

  private *stallsAt(nowMs: number): Generator<[string, Stall]> {
    const { stallAfterMs } = this.options;
    const trouble = this.options.trouble();
    if (trouble !== null && nowMs - trouble.sinceMs >= stallAfterMs) {
      yield ['trouble', { kind: 'trouble', forMs: nowMs - trouble.sinceMs, error: trouble.error }];
    }
    for (const { topic, partition, progressAtMs } of this.options.held()) {
      const forMs = nowMs - progressAtMs;
      if (forMs < stallAfterMs) continue;
      yield [partitionKey({ topic, partition }), { kind: 'handler', forMs, topic, partition }];
    }
  }
}
