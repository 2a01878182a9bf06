/**
 * Those who wait for something to change on one partition. Each parked request counts once per partition, so
 * the number is bounded by the requests in flight times the partitions that one of them names.
 */
export class Watchers {
  private readonly waiting = new Set<() => void>();

  get size(): number {
    return this.waiting.size;
  }

  add(wake: () => void): void {
    this.waiting.add(wake);
  }

  remove(wake: () => void): void {
    this.waiting.delete(wake);
  }

  /** Wakes all that wait now; one that waits again while this runs is left for the next time. */
  wakeAll(): void {
    if (this.waiting.size === 0) return;
    for (const wake of [...this.waiting]) wake();
  }
}
