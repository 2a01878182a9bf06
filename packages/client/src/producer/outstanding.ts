/**
 * Counts records from being taken to being settled, in generations, so that a flush waits for exactly those
 * that were there when it was called.
 */
export class Outstanding {
  private generation = 0;
  private readonly counts = new Map<number, number>();
  /** Settled without an error, and with one. */
  succeeded = 0;
  failed = 0;
  private waiters: { upTo: number; resolve: () => void }[] = [];

  /** The newest generation that a flush waits for; -1 when none does. */
  get flushedUpTo(): number {
    return this.waiters.reduce((highest, { upTo }) => Math.max(highest, upTo), -1);
  }

  /** A record was taken. @returns its generation, for `finished` */
  started(): number {
    this.counts.set(this.generation, (this.counts.get(this.generation) ?? 0) + 1);
    return this.generation;
  }

  /** Taken and not settled. */
  get waiting(): number {
    let waiting = 0;
    for (const count of this.counts.values()) waiting += count;
    return waiting;
  }

  finished(generation: number, isFailed: boolean): void {
    if (isFailed) this.failed++;
    else this.succeeded++;
    const left = this.counts.get(generation)! - 1;
    if (left > 0) {
      this.counts.set(generation, left);
      return;
    }
    this.counts.delete(generation);
    this.wake();
  }

  /** Resolves when all records taken until now are settled. */
  settled(): Promise<void> {
    if (this.counts.size === 0) return Promise.resolve();
    const upTo = this.generation++;
    return new Promise((resolve) => this.waiters.push({ upTo, resolve }));
  }

  private wake(): void {
    if (this.waiters.length === 0) return;
    const oldest = Math.min(...this.counts.keys());
    const done = this.waiters.filter(({ upTo }) => upTo < oldest);
    if (done.length === 0) return;
    this.waiters = this.waiters.filter(({ upTo }) => upTo >= oldest);
    for (const { resolve } of done) resolve();
  }
}
