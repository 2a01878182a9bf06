import type { SessionState } from '@odradek/core/ports/coordination.ts';

/** What a session goes through. The last three are final. */
export type Phase =
  /** No server has given us a session yet. */
  | 'starting'
  | 'connected'
  /** There is a session, as far as we know, and no connection. */
  | 'disconnected'
  /** The last request is under way. */
  | 'closing'
  | 'expired'
  /** A server does not accept who we say we are, or none could be reached in time. */
  | 'refused'
  | 'closed';

export type SessionEvent =
  /** A server has given or taken over the session, and knows who we are. */
  | 'attached'
  | 'connection-lost'
  /** A server says that the session is over, or our own clock does. */
  | 'session-over'
  | 'authentication-failed'
  | 'start-timed-out'
  | 'close-called'
  | 'close-answered';

/** What becomes of the calls that have no answer yet. */
export type CallsFate =
  | 'keep'
  /** Writes that were sent are lost, the other calls wait for the next connection. */
  | 'lose-sent'
  /** Those that were sent are lost, and the others will never be sent. */
  | 'end';

export interface Transition {
  readonly phase: Phase;
  readonly calls: CallsFate;
  /** What the listeners are told. */
  readonly tell: SessionState | null;
}

const FINAL: ReadonlySet<Phase> = new Set(['expired', 'refused', 'closed']);

export function isFinal(phase: Phase): boolean {
  return FINAL.has(phase);
}

/** Whether calls may be sent. */
export function isAttached(phase: Phase): boolean {
  return phase === 'connected' || phase === 'closing';
}

/** The whole life of a session. Null: the event changes nothing. */
export function transition(phase: Phase, event: SessionEvent): Transition | null {
  if (isFinal(phase)) return null;
  switch (event) {
    case 'attached':
      return phase === 'starting' || phase === 'disconnected' ? to('connected', 'keep', 'connected') : null;
    case 'connection-lost':
      // Who was closing is done: the server forgets the session in its own time.
      if (phase === 'closing') return to('closed', 'end', null);
      return phase === 'connected' ? to('disconnected', 'lose-sent', 'disconnected') : null;
    case 'session-over':
      return phase === 'closing' ? to('closed', 'end', null) : to('expired', 'end', 'expired');
    case 'authentication-failed':
      // Final for the caller, too: nothing that it asks will ever be done.
      return to('refused', 'end', phase === 'starting' ? null : 'expired');
    case 'start-timed-out':
      return phase === 'starting' ? to('refused', 'end', null) : null;
    case 'close-called':
      return phase === 'connected' ? to('closing', 'keep', null) : closedAtOnce(phase);
    case 'close-answered':
      return phase === 'closing' ? to('closed', 'end', null) : null;
  }
}

/** Without a connection there is nobody to say it to. */
function closedAtOnce(phase: Phase): Transition | null {
  return phase === 'closing' ? null : to('closed', 'end', null);
}

function to(phase: Phase, calls: CallsFate, tell: SessionState | null): Transition {
  return { phase, calls, tell };
}
