/** Work of a codec that stops after each block, so that other things may be done in between. */
export type Steps<Result> = Generator<void, Result, void>;

export function allAtOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
