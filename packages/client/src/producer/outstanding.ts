interface Waiter {
  readonly upTo: number;
  readonly resolve: () => void;
}

/**
 * Counts records from being taken to being settled, in generations, so that a flush waits for exactly those
 * that were there when it was called.
 */
export class Outstanding {
  private generation = 0;
  /** Of the newest generation, which nobody waits for. */
  private newest = 0;
  /** Of those before it. */
  private readonly older = new Map<number, number>();
  /** Settled without an error, and with one. */
  succeeded = 0;
  failed = 0;
  /** The one with the highest generation last. */
  private waiters: Waiter[] = [];

  /** The newest generation that a flush waits for; -1 when none does. */
  get flushedUpTo(): number {
    return this.waiters.at(-1)?.upTo ?? -1;
  }

  /** A record was taken. @returns its generation, for `finished` */
  started(): number {
    this.newest++;
    return this.generation;
  }

  /** Taken and not settled. */
  get waiting(): number {
    let { newest: waiting } = this;
    for (const count of this.older.values()) waiting += count;
    return waiting;
  }

  finished(generation: number, isFailed: boolean): void {
    if (isFailed) this.failed++;
    else this.succeeded++;
    if (generation === this.generation) this.newest--;
    else this.finishedOlder(generation);
  }

  /** Resolves when all records taken until now are settled. */
  settled(): Promise<void> {
    if (this.newest > 0) this.older.set(this.generation, this.newest);
    if (this.older.size === 0) return Promise.resolve();
    const upTo = this.generation++;
    this.newest = 0;
    return new Promise((resolve) => this.waiters.push({ upTo, resolve }));
  }

  private finishedOlder(generation: number): void {
    const left = this.older.get(generation)! - 1;
    if (left > 0) {
      this.older.set(generation, left);
      return;
    }
    this.older.delete(generation);
    this.wake();
  }

  private wake(): void {
    const oldest = Math.min(...this.older.keys());
    const done = this.waiters.filter(({ upTo }) => upTo < oldest);
    if (done.length === 0) return;
    this.waiters = this.waiters.filter(({ upTo }) => upTo >= oldest);
    for (const { resolve } of done) resolve();
  }
}
