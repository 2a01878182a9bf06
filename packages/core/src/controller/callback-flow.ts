import type { CoordinationError } from '../ports/coordination.ts';

/** The end of something: null when it went well. */
export type Ended = (error: Error | null) => void;

export type Step = (done: Ended) => void;

/** One step after the other, until one fails. */
export function inOrder(steps: readonly Step[], done: Ended): void {
  const next = (at: number): void => {
    const step = steps[at];
    if (step === undefined) return done(null);
    step((error) => (error === null ? next(at + 1) : done(error)));
  };
  next(0);
}

/** Begins all at once and ends when the last has ended, with the first error if there was any. */
export function allOf<Item>(
  items: readonly Item[],
  each: (item: Item, done: Ended) => void,
  done: Ended,
): void {
  let left = items.length;
  let failure: Error | null = null;
  if (left === 0) return done(null);
  for (const item of items) {
    each(item, (error) => {
      failure ??= error;
      left -= 1;
      if (left === 0) done(failure);
    });
  }
}

/** Whether a coordination error is one of those that the caller counts as success. */
export function isOneOf(error: CoordinationError, ...codes: readonly CoordinationError['code'][]): boolean {
  return codes.includes(error.code);
}

/** What a function gives or throws, for where an exception would have nobody to catch it. */
export function attempt<Value>(act: () => Value): [error: Error, value: null] | [error: null, value: Value] {
  try {
    return [null, act()];
  } catch (error) {
    return [error as Error, null];
  }
}

/** One task after the other, in the order they came. Its length is bounded by the requests in flight. */
export class TaskQueue {
  private readonly waiting: ((ended: () => void) => void)[] = [];
  private isBusy = false;
  private isLooping = false;

  run(task: (ended: () => void) => void): void {
    this.waiting.push(task);
    this.loop();
  }

  /** A loop, since tasks that end at once would pile up calls otherwise. */
  private loop(): void {
    if (this.isLooping) return;
    this.isLooping = true;
    while (!this.isBusy && this.waiting.length > 0) {
      this.isBusy = true;
      this.waiting.shift()!(() => {
        this.isBusy = false;
        this.loop();
      });
    }
    this.isLooping = false;
  }
}
