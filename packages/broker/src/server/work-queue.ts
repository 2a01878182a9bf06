import type { Clock, Timer, Timers } from '@odradek/core/ports/clock.ts';

/** How long one turn of the loop may work before others have theirs. */
const TURN_MS = 3;
/** Steps between two looks at the clock, where a work does not say otherwise. */
const STEPS_PER_LOOK = 16;

/** Something long that is done in short steps, each much shorter than a millisecond. */
export interface LongWork {
  readonly steps: Iterator<void>;
  /** Steps between two looks at the clock, 1 or more. */
  readonly stepsPerLook?: number;
  /** All steps are done. */
  done(): void;
  /** A step threw; no more of them are taken. */
  failed(error: unknown): void;
}

/**
 * Does long works one after the other, a few milliseconds per turn of the loop, so that none of them, nor all of
 * them together, keep it from anything else.
 */
export class WorkQueue {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly works: LongWork[] = [];
  private timer: Timer | null = null;

  constructor(clock: Clock, timers: Timers) {
    this.clock = clock;
    this.timers = timers;
  }

  add(work: LongWork): void {
    this.works.push(work);
    this.timer ??= this.nextTurn();
  }

  /**
   * Begins at once and goes on in later turns, should one turn not be enough.
   *
   * @param mayOvertake whether it begins at once also while others wait: its rest comes after them in any case. Without,
   *   all works are done in the order of the calls
   * @returns what comes of it: at once where it was over within this turn
   * @throws what a step throws within this turn; later on the promise rejects
   */
  run<Result>(steps: Generator<void, Result>, mayOvertake: boolean): Result | Promise<Result> {
    if (mayOvertake || this.works.length === 0) {
      const endMs = this.clock.monotonic() + TURN_MS;
      do {
        const { done, value } = steps.next();
        if (done === true) return value;
      } while (this.clock.monotonic() < endMs);
    }
    return new Promise((resolve, reject) => {
      const handedOver = function* (): Generator<void, void> {
        resolve(yield* steps);
      };
      this.add({ steps: handedOver(), stepsPerLook: 1, done: () => undefined, failed: reject });
    });
  }

  /** Takes no further step of anything. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.works.length = 0;
  }

  private nextTurn(): Timer {
    return this.timers.after(0, () => {
      this.timer = null;
      this.takeTurn();
      if (this.works.length > 0) this.timer ??= this.nextTurn();
    });
  }

  private takeTurn(): void {
    const endMs = this.clock.monotonic() + TURN_MS;
    do {
      const work = this.works[0];
      if (work === undefined) return;
      if (this.takeSteps(work)) this.works.shift();
    } while (this.clock.monotonic() < endMs);
  }

  /** @returns whether the work is over */
  private takeSteps(work: LongWork): boolean {
    const { stepsPerLook = STEPS_PER_LOOK } = work;
    try {
      for (let i = 0; i < stepsPerLook; i++) {
        if (work.steps.next().done !== true) continue;
        work.done();
        return true;
      }
      return false;
    } catch (error) {
      work.failed(error);
      return true;
    }
  }
}
