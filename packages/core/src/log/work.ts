import type { DiskError } from '../ports/disk.ts';
import type { Clock, Timer, Timers } from '../ports/clock.ts';

/** What work did since it last said so. */
export interface Spent {
  /** Read from and written to the disk. */
  readonly ioBytes: number;
  /** Looked into. */
  readonly records: number;
}

/** Work cannot go on before `begin` called back. */
export interface Wait {
  /** @param resume to be called once, not before `begin` has returned */
  readonly begin: (resume: () => void) => void;
}

/** Long work that says often what it did, so that it can be interrupted there, and that may wait for the disk. */
export type Work<Result> = Generator<Spent | Wait, Result, void>;

/**
 * Waits for a call of the disk that runs off the loop, unless it has failed at once.
 *
 * @param call begins it, and may throw DiskError
 * @throws DiskError
 */
export function* diskCall(call: (done: (error: DiskError | null) => void) => void): Work<void> {
  yield* laterCall<void>((done) => call((error) => done(error, undefined)));
}

/**
 * Waits for what runs off the loop, unless it is done at once.
 *
 * @param call begins it, and may throw
 * @throws the error that it ends with
 */
export function* laterCall<Value>(
  call: (done: (error: Error | null, value: Value) => void) => void,
): Work<Value> {
  const outcome = { isDone: false, error: null as Error | null, value: null as Value | null };
  let resume: (() => void) | null = null;
  call((error, value) => {
    outcome.error = error;
    outcome.value = value;
    outcome.isDone = true;
    resume?.();
  });
  if (!outcome.isDone) {
    yield {
      begin: (goOn) => {
        resume = goOn;
      },
    };
  }
  if (outcome.error !== null) throw outcome.error;
  return outcome.value as Value;
}

/** Where a slice ends: after so many bytes, records or milliseconds, whichever comes first. */
const SLICE_BYTES_MAX = 256 * 1024;
const SLICE_RECORDS_MAX = 1000;
const SLICE_MS_MAX = 2;
/** Most of the loop's time that may go into such work while it lasts: a slice is followed by a longer pause. */
const LOOP_SHARE_MAX = 0.25;

/** How often work should say what it did while it looks into records. */
export const RECORDS_PER_TURN = 100;

/**
 * Runs one piece of work in slices between other things that happen on the loop. A slice goes beyond its bounds
 * by what lies between two points at which work can be interrupted: at most a write of a buffer, the renames of a
 * group of segments, or one batch of formats v0 and v1. `slices.test.ts` in `test/log/cleaner` holds compaction to 5 ms.
 */
export class WorkRunner {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly delayAfter: (ioBytes: number) => number;
  private timer: Timer | null = null;
  private current: Work<void> | null = null;
  private ioBytes = 0;

  /** @param delayAfter how long to pause at least after a slice that moved so many bytes, in ms */
  constructor(clock: Clock, timers: Timers, delayAfter: (ioBytes: number) => number) {
    this.clock = clock;
    this.timers = timers;
    this.delayAfter = delayAfter;
  }

  /** Begins in a later turn. @param work handles its own errors */
  run(work: Work<void>): void {
    this.current = work;
    this.after(0, work);
  }

  get isIdle(): boolean {
    return this.current === null;
  }

  /** Ends the work where it is: its `finally` blocks run now. */
  stop(): void {
    const { current } = this;
    this.current = null;
    this.timer?.cancel();
    current?.return();
  }

  private after(delayMs: number, work: Work<void>): void {
    if (this.current === work) this.timer = this.timers.after(delayMs, () => this.slice(work));
  }

  private slice(work: Work<void>): void {
    // Something that was waited for came back after all was stopped.
    if (this.current !== work) return;
    const startedMs = this.clock.monotonic();
    const wait = this.workUntilBound(work, startedMs + SLICE_MS_MAX);
    if (this.current === null) return;
    const endedMs = this.clock.monotonic();
    const shareMs = (endedMs - startedMs) * (1 / LOOP_SHARE_MAX - 1);
    const goOnMs = endedMs + Math.max(shareMs, this.delayAfter(this.ioBytes));
    this.ioBytes = 0;
    if (wait === null) this.after(goOnMs - endedMs, work);
    else wait.begin(() => this.goOnAt(goOnMs, work));
  }

  private goOnAt(goOnMs: number, work: Work<void>): void {
    const leftMs = goOnMs - this.clock.monotonic();
    if (leftMs > 0) this.after(leftMs, work);
    else this.slice(work);
  }

  /** @returns what the work waits for, or null when the slice is over, or all is done */
  private workUntilBound(work: Work<void>, untilMs: number): Wait | null {
    let records = 0;
    let ioBytes = 0;
    do {
      const turn = work.next();
      if (turn.done === true) {
        this.current = null;
        return null;
      }
      if ('begin' in turn.value) return turn.value;
      ioBytes += turn.value.ioBytes;
      records += turn.value.records;
      this.ioBytes += turn.value.ioBytes;
    } while (ioBytes < SLICE_BYTES_MAX && records < SLICE_RECORDS_MAX && this.clock.monotonic() < untilMs);
    return null;
  }
}
