/** How far a follower has got, as its leader knows it from its fetches. */
export interface FollowerProgress {
  /** -1 before its first fetch in this leadership. */
  readonly logStartOffset: number;
  /** Everything before is on the follower; -1 before its first fetch in this leadership. */
  readonly logEndOffset: number;
  /** Monotonic ms: at that time the follower had all that the leader had. */
  readonly caughtUpMs: number;
  /** Monotonic ms of its last fetch, and where the leader's log ended then. */
  readonly fetchedMs: number;
  readonly leaderEndAtFetch: number;
}

const NEVER_MS = -Infinity;
const UNKNOWN_OFFSET = -1;

const UNKNOWN: FollowerProgress = {
  logStartOffset: UNKNOWN_OFFSET,
  logEndOffset: UNKNOWN_OFFSET,
  caughtUpMs: NEVER_MS,
  fetchedMs: NEVER_MS,
  leaderEndAtFetch: UNKNOWN_OFFSET,
};

export interface EpochStart {
  /** The broker led in the epoch before, too: what it knows of its followers still holds. */
  readonly wasLeader: boolean;
  readonly leaderEndOffset: number;
  readonly nowMs: number;
}

/** A new leader epoch: those in sync get a full `replica.lag.time.max.ms` to show up. */
export function progressAtEpochStart(
  known: FollowerProgress | undefined,
  isInSync: boolean,
  { wasLeader, leaderEndOffset, nowMs }: EpochStart,
): FollowerProgress {
  const sinceMs = isInSync ? nowMs : NEVER_MS;
  if (!wasLeader || known === undefined) return { ...UNKNOWN, caughtUpMs: sinceMs };
  return { ...known, leaderEndAtFetch: leaderEndOffset, fetchedMs: sinceMs, caughtUpMs: sinceMs };
}

/** A follower that was assigned in the midst of an epoch. */
export function progressOfNewFollower(isInSync: boolean, nowMs: number): FollowerProgress {
  return { ...UNKNOWN, caughtUpMs: isInSync ? nowMs : NEVER_MS };
}

export interface FollowerFetch {
  readonly fetchOffset: number;
  readonly logStartOffset: number;
  /** Where the leader's log ended when the fetch was read. */
  readonly leaderEndOffset: number;
  readonly nowMs: number;
}

/**
 * A follower that fetches at the leader's end has caught up now; one that fetches at where the leader's end was at
 * its last fetch had caught up by then, however fast the leader goes on.
 */
export function progressAfterFetch(known: FollowerProgress, fetch: FollowerFetch): FollowerProgress {
  const { fetchOffset, leaderEndOffset, nowMs } = fetch;
  let { caughtUpMs } = known;
  if (fetchOffset >= leaderEndOffset) caughtUpMs = Math.max(caughtUpMs, nowMs);
  else if (fetchOffset >= known.leaderEndAtFetch) caughtUpMs = Math.max(caughtUpMs, known.fetchedMs);
  return {
    logStartOffset: fetch.logStartOffset,
    logEndOffset: fetchOffset,
    caughtUpMs,
    fetchedMs: nowMs,
    leaderEndAtFetch: Math.max(known.leaderEndAtFetch, leaderEndOffset),
  };
}

/** Has everything, or had everything less than `lagMaxMs` ago (`replica.lag.time.max.ms`). */
export function isCaughtUp(
  { logEndOffset, caughtUpMs }: FollowerProgress,
  leaderEndOffset: number,
  nowMs: number,
  lagMaxMs: number,
): boolean {
  return logEndOffset === leaderEndOffset || nowMs - caughtUpMs <= lagMaxMs;
}
