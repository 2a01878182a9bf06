import type { DiskError } from '../ports/disk.ts';

/** One read off the loop: begins, and calls back later. May throw DiskError. */
type Read = (done: (error: DiskError | null, bytesRead: number) => void) => void;
type ReadDone = (error: DiskError | null, bytesRead: number) => void;

interface Waiting {
  readonly read: Read;
  readonly done: ReadDone;
}

export interface LaterReadLimits {
  /** Reads under way at one time: syncs need threads of the pool, too, and are waited for by producers. */
  readonly concurrencyMax: number;
  /** Bytes that are being read, or wait to be, before anybody asked for them. */
  readonly aheadBytesMax: number;
}

/**
 * Reads off the loop, so many at a time; those that somebody waits for go first. How many wait is bounded by who asks:
 * one for each connection that is being answered.
 */
export class LaterReads {
  private readonly limits: LaterReadLimits;
  private readonly waited: Waiting[] = [];
  private readonly ahead: Waiting[] = [];
  private running = 0;
  private aheadBytes = 0;

  constructor(limits: LaterReadLimits) {
    this.limits = limits;
  }

  /** @param done called once, later */
  read(read: Read, done: ReadDone): void {
    this.waited.push({ read, done });
    this.startSome();
  }

  /** Whether so much more may be read that nobody waits for yet. */
  mayReadAhead(sizeBytes: number): boolean {
    return this.aheadBytes + sizeBytes <= this.limits.aheadBytesMax;
  }

  /** Reads when nobody waits for anything else. */
  readAhead(sizeBytes: number, read: Read, done: ReadDone): void {
    this.aheadBytes += sizeBytes;
    this.ahead.push({
      read,
      done: (error, bytesRead) => {
        this.aheadBytes -= sizeBytes;
        done(error, bytesRead);
      },
    });
    this.startSome();
  }

  private startSome(): void {
    while (this.running < this.limits.concurrencyMax) {
      const next = this.waited.shift() ?? this.ahead.shift();
      if (next === undefined) return;
      this.running++;
      next.read((error, bytesRead) => {
        this.running--;
        this.startSome();
        next.done(error, bytesRead);
      });
    }
  }
}
