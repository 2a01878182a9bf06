/** Lets one piece of work go on at a time, in the order of asking. */
export class Exclusion {
  private last: Promise<unknown> = Promise.resolve();

  /** @returns what the work returned @throws what it threw */
  run<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }
}
