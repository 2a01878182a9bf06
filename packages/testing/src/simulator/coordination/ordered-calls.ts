import { CoordinationError } from '@odradek/core/ports/coordination.ts';

/** One call of a session. */
export interface Call {
  readonly path: string;
  readonly isWrite: boolean;
  /** Does it, at the ensemble. @returns what the caller is told in its turn @throws CoordinationError */
  perform(): () => void;
  fail(error: CoordinationError): void;
  state: 'unsent' | 'sent' | 'settled';
  /** Tells the caller; set once it is settled. */
  tell: (() => void) | null;
}

/** The calls of a session in their order, each told after all before it, whatever becomes of them. */
export class OrderedCalls {
  private calls: Call[] = [];

  add(call: Call): void {
    this.calls.push(call);
  }

  get unsent(): readonly Call[] {
    return this.calls.filter(({ state }) => state === 'unsent');
  }

  settle(call: Call, tell: () => void): void {
    call.state = 'settled';
    call.tell = tell;
  }

  /** The connection is lost: writes that were sent may have happened or not, reads can be asked again. */
  loseSent(): void {
    for (const call of this.calls) {
      if (call.state !== 'sent') continue;
      if (call.isWrite) this.failOne(call, 'CONNECTIONLOSS');
      else call.state = 'unsent';
    }
  }

  /** The session is over. */
  endAll(): void {
    for (const call of this.calls) {
      if (call.state === 'sent') this.failOne(call, 'CONNECTIONLOSS');
      if (call.state === 'unsent') this.failOne(call, 'SESSIONEXPIRED');
    }
  }

  /** Tells all whose turn has come. What a caller does in it may add to the queue. */
  deliver(): void {
    while (this.calls[0]?.state === 'settled') this.calls.shift()!.tell!();
  }

  private failOne(call: Call, code: 'CONNECTIONLOSS' | 'SESSIONEXPIRED'): void {
    this.settle(call, () => call.fail(new CoordinationError(code, call.path)));
  }
}
