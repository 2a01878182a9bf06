/**
 * When a client must say something, when it must give up its server, and when its session may be gone. All in
 * milliseconds of one monotonic clock, all decided here.
 *
 * A server forgets a session that it has heard nothing of for the session timeout. So the client speaks at least
 * every third of it, gives up a server that says nothing for two thirds, and has the last third to find another.
 */
export interface Traffic {
  /** As the server has granted it. */
  readonly sessionTimeoutMs: number;
  /** When something was last sent, and when bytes last came. */
  readonly sentMs: number;
  readonly receivedMs: number;
  /** When the oldest request without an answer was sent; null: all have theirs. */
  readonly unansweredSinceMs: number | null;
}

export type Duty =
  | { readonly type: 'ping' }
  | { readonly type: 'give-up'; readonly reason: string }
  | { readonly type: 'wait'; readonly delayMs: number };

/** What is to be done on a connection now, or how long nothing is. */
export function dutyAt(nowMs: number, traffic: Traffic): Duty {
  const { sessionTimeoutMs, sentMs, receivedMs, unansweredSinceMs } = traffic;
  const silentAtMs = receivedMs + (sessionTimeoutMs * 2) / 3;
  const overdueAtMs = (unansweredSinceMs ?? Infinity) + sessionTimeoutMs;
  const pingAtMs = sentMs + sessionTimeoutMs / 3;
  if (nowMs >= silentAtMs) {
    return { type: 'give-up', reason: `the server said nothing for ${Math.round(nowMs - receivedMs)} ms` };
  }
  if (nowMs >= overdueAtMs) {
    return { type: 'give-up', reason: `the server left a request without answer for ${sessionTimeoutMs} ms` };
  }
  if (nowMs >= pingAtMs) return { type: 'ping' };
  return { type: 'wait', delayMs: Math.min(silentAtMs, overdueAtMs, pingAtMs) - nowMs };
}

/**
 * From when on the session may belong to the past: the server heard of it no earlier than a request was sent that
 * it has answered, and keeps it for the timeout from then.
 *
 * One gap no client can close: a follower that its leader cannot reach still answers pings until it notices
 * (`syncLimit` ticks), while the leader counts from what the follower last told it. So whoever must not act twice
 * also has its writes checked against a version (the controller epoch), as the controller does.
 * @param provenMs when the newest request was sent that has been answered
 */
export function expiryOf(provenMs: number, sessionTimeoutMs: number): number {
  return provenMs + sessionTimeoutMs;
}

const ATTEMPT_MIN_MS = 100;
const FIRST_ATTEMPT_MIN_MS = 1_000;

/**
 * How long one server gets to take the session. All of them together get a third of the session timeout, what is
 * left after the longest silence; each further round they get twice as long.
 * @param round 0 for the first try of each server
 * @param hasSession with a session at stake there is no time to lose
 */
export function attemptTimeoutMs(
  sessionTimeoutMs: number,
  serverCount: number,
  round: number,
  hasSession: boolean,
): number {
  const share = (sessionTimeoutMs / (3 * serverCount)) * 2 ** Math.min(round, 4);
  return Math.min(sessionTimeoutMs, Math.max(share, hasSession ? ATTEMPT_MIN_MS : FIRST_ATTEMPT_MIN_MS));
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;

/**
 * The pause before the next try: once all servers were tried in vain, twice as long each time, and never the same for
 * all clients that lost the same server at once.
 * @param fraction by chance, in [0, 1)
 */
export function retryDelayMs(round: number, isFirstOfRound: boolean, fraction: number): number {
  if (round === 0 || !isFirstOfRound) return RETRY_FIRST_MS * fraction;
  return Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(round, 10)) * (0.5 + fraction / 2);
}
