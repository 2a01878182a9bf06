/** A request for memory that waits its turn. */
interface Waiter {
  readonly sizeBytes: number;
  readonly admit: () => void;
}

/**
 * Bounds the bytes of records that are not settled. Who does not fit waits in order of arrival; one that is
 * larger than the whole bound is let in alone.
 */
export class MemoryGate {
  private readonly limitBytes: number;
  private readonly waiters = new Set<Waiter>();
  private heldBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.heldBytes;
  }

  get hasWaiters(): boolean {
    return this.waiters.size > 0;
  }

  get waiterCount(): number {
    return this.waiters.size;
  }

  /** Takes the bytes at once if nobody waits and they fit. */
  tryTake(sizeBytes: number): boolean {
    if (this.waiters.size > 0 || !this.fits(sizeBytes)) return false;
    this.heldBytes += sizeBytes;
    return true;
  }

  /**
   * Queues for the bytes; `admit` is called once they are taken.
   *
   * @returns gives the place up; does nothing once `admit` was called
   */
  wait(sizeBytes: number, admit: () => void): () => void {
    const waiter: Waiter = { sizeBytes, admit };
    this.waiters.add(waiter);
    return () => void (this.waiters.delete(waiter) && this.admitWaiters());
  }

  release(sizeBytes: number): void {
    this.heldBytes -= sizeBytes;
    if (this.waiters.size > 0) this.admitWaiters();
  }

  private admitWaiters(): void {
    for (const waiter of this.waiters) {
      if (!this.fits(waiter.sizeBytes)) return;
      this.waiters.delete(waiter);
      this.heldBytes += waiter.sizeBytes;
      waiter.admit();
    }
  }

  private fits(sizeBytes: number): boolean {
    return this.heldBytes === 0 || this.heldBytes + sizeBytes <= this.limitBytes;
  }
}
