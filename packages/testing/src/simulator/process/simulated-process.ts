import type { Clock, Timer, Timers } from '@odradek/core/ports/clock.ts';
import type { DriftingClock } from '../time/drifting-clock.ts';
import type { ScheduledEvent, VirtualTime } from '../time/virtual-time.ts';
import type { SeededRandom } from '../../seeded-random.ts';

/**
 * One life of one process. Everything that happens to it goes through `deliver`: nothing happens to one that is
 * dead, and what happens to one that is paused (SIGSTOP) happens when it goes on, in its order.
 *
 * A process that was killed is never told so: it simply gets no turn any more.
 */
export class SimulatedProcess {
  /** Of the machine that it runs on. */
  readonly host: string;
  readonly clock: Clock;
  readonly timers: SimulatedTimers;
  readonly random: SeededRandom;
  private readonly time: VirtualTime;
  private readonly endings = new Set<() => void>();
  private waiting: (() => void)[] | null = null;
  private alive = true;

  constructor(host: string, time: VirtualTime, clock: DriftingClock, random: SeededRandom) {
    this.host = host;
    this.time = time;
    this.clock = clock;
    this.random = random;
    this.timers = new SimulatedTimers(this, time, clock);
  }

  get isAlive(): boolean {
    return this.alive;
  }

  get isPaused(): boolean {
    return this.waiting !== null;
  }

  deliver(happening: () => void): void {
    if (!this.alive) return;
    if (this.waiting !== null) this.waiting.push(happening);
    else happening();
  }

  pause(): void {
    if (this.alive) this.waiting ??= [];
  }

  resume(): void {
    const { waiting } = this;
    this.waiting = null;
    for (const happening of waiting ?? []) this.time.after(0, () => this.deliver(happening));
  }

  /** What the system does when the process ends, by whatever it ends. @returns takes it back */
  onEnd(ending: () => void): () => void {
    this.endings.add(ending);
    return () => this.endings.delete(ending);
  }

  end(): void {
    if (!this.alive) return;
    this.alive = false;
    this.waiting = null;
    for (const ending of [...this.endings]) ending();
    this.endings.clear();
  }
}

/** Timers of one process, on the clock of its machine. */
export class SimulatedTimers implements Timers {
  private readonly process: SimulatedProcess;
  private readonly time: VirtualTime;
  private readonly clock: DriftingClock;
  private isStopped = false;

  constructor(process: SimulatedProcess, time: VirtualTime, clock: DriftingClock) {
    this.process = process;
    this.time = time;
    this.clock = clock;
  }

  after(delayMs: number, fire: () => void): Timer {
    const timer = new SimulatedTimer(fire);
    if (!this.isStopped && Number.isFinite(delayMs)) {
      timer.event = this.time.after(delayMs / this.clock.rate, () =>
        this.process.deliver(() => this.elapsed(timer)),
      );
    }
    return timer;
  }

  stop(): void {
    this.isStopped = true;
  }

  private elapsed(timer: SimulatedTimer): void {
    if (!this.isStopped) timer.elapsed();
  }
}

class SimulatedTimer implements Timer {
  event: ScheduledEvent | null = null;
  private fire: (() => void) | null;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  cancel(): void {
    this.fire = null;
    this.event?.cancel();
  }

  elapsed(): void {
    const { fire } = this;
    this.fire = null;
    fire?.();
  }
}
