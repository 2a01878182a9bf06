/** Something that will happen. */
export interface ScheduledEvent {
  /** Does nothing once it has happened. */
  cancel(): void;
}

interface Entry {
  readonly timeMs: number;
  /** Among those of one time, the one that was scheduled first comes first. */
  readonly sequence: number;
  run: (() => void) | null;
}

/** Somebody who lets time pass. */
interface Waiter {
  readonly endMs: number;
  readonly isDone: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** So many events share one turn of Node's own loop. */
const EVENTS_PER_TURN = 100;

/**
 * The time of a simulation, and everything that is going to happen in it: one heap by (time, sequence). Nothing in
 * a simulation waits for anything else, so the order of events is decided by the seed and by nothing else.
 *
 * Code under test may use promises. What they continue with runs in the order in which V8 queues it, first in,
 * first out, and all of it before the next event: after each event the queue is drained. Only events complete
 * anything, so there is no order that the machine could change.
 */
export class VirtualTime {
  private current = 0;
  private nextSequence = 0;
  private eventCount = 0;
  private readonly heap: Entry[] = [];
  private readonly waiters: Waiter[] = [];
  /** Node's loop has the next turn of this. */
  private isTurning = false;
  private hasHappened = false;

  /** Milliseconds since the simulation began, with fractions. */
  get nowMs(): number {
    return this.current;
  }

  /** Events that have happened so far. */
  get events(): number {
    return this.eventCount;
  }

  /** @param delayMs 0 or more; the call never comes before this function has returned */
  after(delayMs: number, run: () => void): ScheduledEvent {
    const entry: Entry = {
      timeMs: this.current + Math.max(0, delayMs),
      sequence: this.nextSequence++,
      run,
    };
    this.push(entry);
    return {
      cancel: () => {
        entry.run = null;
      },
    };
  }

  /**
   * Lets happen what is due up to a time, or until `isDone` says so after an event. Several may wait at once.
   *
   * @throws what an event throws: a defect of the code under test, or of the simulator
   */
  runUntil(endMs: number, isDone: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.push({ endMs, isDone, resolve, reject });
      if (this.isTurning) return;
      this.isTurning = true;
      setImmediate(this.turn);
    });
  }

  /** Between two immediates Node runs all that promises and process.nextTick have to run. */
  private readonly turn = (): void => {
    this.isTurning = this.waiters.length > 0;
    if (!this.isTurning) return;
    for (let i = 0; i < EVENTS_PER_TURN; i++) setImmediate(this.step);
    setImmediate(this.turn);
  };

  /** Tells those whose time has come, or lets the next event happen. */
  private readonly step = (): void => {
    if (this.waiters.length === 0 || this.tellDone()) return;
    const endMs = Math.min(...this.waiters.map((waiter) => waiter.endMs));
    const run = this.takeDue(endMs);
    if (run === null) {
      this.current = Math.max(this.current, endMs);
      this.settle((waiter) => waiter.endMs <= endMs);
      return;
    }
    try {
      this.hasHappened = true;
      run();
    } catch (error) {
      for (const { reject } of this.waiters.splice(0)) reject(error as Error);
    }
  };

  /** By now nothing is left of what the last event has set going. @returns whether somebody goes on now */
  private tellDone(): boolean {
    if (!this.hasHappened) return false;
    this.hasHappened = false;
    return this.settle(({ isDone }) => isDone());
  }

  private settle(isSettled: (waiter: Waiter) => boolean): boolean {
    const settled = this.waiters.filter(isSettled);
    for (const waiter of settled) {
      this.waiters.splice(this.waiters.indexOf(waiter), 1);
      waiter.resolve();
    }
    return settled.length > 0;
  }

  /** What the next event does that is due by then; it is its time now. Null: there is none. */
  private takeDue(endMs: number): (() => void) | null {
    for (;;) {
      const next = this.heap[0];
      if (next === undefined || next.timeMs > endMs) return null;
      this.pop();
      if (next.run === null) continue;
      this.current = next.timeMs;
      this.eventCount += 1;
      return next.run;
    }
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence);
}
