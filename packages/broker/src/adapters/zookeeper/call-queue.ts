import type { CoordinationError } from '@odradek/core/ports/coordination.ts';

/** A call of the session's user: from being made to being answered. */
export interface Call {
  readonly path: string;
  /** What is to be sent, with room for its number; null: it fails without being sent. */
  readonly frame: Buffer | null;
  /** Whether asking again could have another effect than asking once. */
  readonly isWrite: boolean;
  /** How often it was sent. */
  sends: number;
  /** Tells the caller. Set as soon as the outcome is known, and run in the order of the calls. */
  settled: (() => void) | null;
  /** Makes an error the outcome. */
  fail(error: CoordinationError): void;
}

const COMPACT_FROM = 1024;
/** A read that was cut off so often is told. */
const SENDS_MAX = 3;

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
    call.sends += 1;
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

  /**
   * The connection is lost. Nobody knows what became of the writes that were sent; they get that as their outcome,
   * and so do reads that were to be answered before them. The reads after the last of them are sent again, but not
   * for ever: it may be an answer to one of them that ends the connection each time.
   */
  loseSent(errorFor: (call: Call) => CoordinationError): void {
    let end = this.unsent;
    while (end > this.head && !isOpenWrite(this.calls[end - 1]!)) end -= 1;
    this.failRange(this.head, end, errorFor);
    const hopeless = this.calls
      .slice(end, this.unsent)
      .filter(({ settled, sends }) => settled === null && sends >= SENDS_MAX);
    for (const call of hopeless) call.fail(errorFor(call));
    this.unsent = end;
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

function isOpenWrite(call: Call): boolean {
  return call.isWrite && call.settled === null;
}
