import type { CoordinationError } from '@odradek/core/ports/coordination.ts';

/** A call of the session's user: from being made to being answered. */
export interface Call {
  readonly path: string;
  /** What is to be sent, with room for its number; null: it fails without being sent. */
  readonly frame: Buffer | null;
  /** Tells the caller. Set as soon as the outcome is known, and run in the order of the calls. */
  settled: (() => void) | null;
  /** Makes an error the outcome. */
  fail(error: CoordinationError): void;
}

const COMPACT_FROM = 1024;

/**
 * The calls of one session, in their order: first those that were sent, then those that wait for it. Each is told
 * its outcome after all that were made before it, whatever became known first.
 */
export class CallQueue {
  private calls: Call[] = [];
  /** The first that was not told its outcome. */
  private head = 0;
  /** The first that was not sent; not before `head`. */
  private unsent = 0;
  private bytes = 0;

  /** Calls without an outcome told, and what their frames take. */
  get count(): number {
    return this.calls.length - this.head;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  add(call: Call): void {
    this.calls.push(call);
    this.bytes += call.frame?.length ?? 0;
  }

  /** The next one to send; it counts as sent from then on. */
  takeUnsent(): Call | null {
    this.passSettled();
    const call = this.calls[this.unsent];
    if (call === undefined) return null;
    this.unsent += 1;
    return call;
  }

  /** Calls that fail without being sent need nobody to send them. */
  private passSettled(): void {
    while (this.unsent < this.calls.length && this.calls[this.unsent]!.settled !== null) this.unsent += 1;
  }

  /** All that were sent and have no outcome get one. */
  failSent(errorFor: (call: Call) => CoordinationError): void {
    this.failRange(this.head, this.unsent, errorFor);
  }

  /** All that wait to be sent get an outcome. */
  failUnsent(errorFor: (call: Call) => CoordinationError): void {
    this.failRange(this.unsent, this.calls.length, errorFor);
  }

  private failRange(from: number, to: number, errorFor: (call: Call) => CoordinationError): void {
    for (const call of this.calls.slice(from, to)) if (call.settled === null) call.fail(errorFor(call));
  }

  /** Tells outcomes, up to the first call that has none. */
  deliver(): void {
    for (;;) {
      this.passSettled();
      const call = this.calls[this.head];
      if (call === undefined || this.head >= this.unsent || call.settled === null) break;
      this.head += 1;
      this.bytes -= call.frame?.length ?? 0;
      call.settled();
    }
    this.compact();
  }

  private compact(): void {
    if (this.head < COMPACT_FROM && this.head < this.calls.length) return;
    if (this.head * 2 < this.calls.length) return;
    this.calls = this.calls.slice(this.head);
    this.unsent -= this.head;
    this.head = 0;
  }
}
