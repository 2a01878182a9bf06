import type { EpochEnd } from './leader-epoch-cache.ts';

const UNKNOWN = -1;
const NOTHING_KNOWN: EpochEnd = { epoch: UNKNOWN, endOffset: UNKNOWN };

/** The follower's log, as far as the decision needs it. */
export interface FollowerLog {
  readonly logEndOffset: number;
  readonly highWatermark: number;
  endOffsetForEpoch(epoch: number): EpochEnd;
}

/** Where a log ends from now on, and whether it agrees with its leader's then. */
export interface Cut {
  /** Never beyond the old end. */
  readonly offset: number;
  /**
   * False when the follower never had the epoch that the leader named: more may have to go, and the leader has to
   * judge again, by the epoch at the new end. That is an earlier one than before, so the asking comes to an end.
   */
  readonly isFinal: boolean;
}

/**
 * Where a follower cuts its log after its leader said where the histories part (KIP-101, KIP-279, KIP-595): no
 * further than either has records of the leader's epoch or of an earlier one.
 *
 * @param leaderEnd the latest epoch of the leader that is no later than the follower's last, and its end there; epoch
 *   -1 from leaders that only tell the offset (OffsetForLeaderEpoch v0), both -1 from one that knows nothing of it
 */
export function cutFor(log: FollowerLog, leaderEnd: EpochEnd): Cut {
  const { logEndOffset, highWatermark } = log;
  if (leaderEnd.endOffset === UNKNOWN)
    return { offset: Math.min(highWatermark, logEndOffset), isFinal: true };
  const own = leaderEnd.epoch === UNKNOWN ? NOTHING_KNOWN : log.endOffsetForEpoch(leaderEnd.epoch);
  const isOwnKnown = own.endOffset !== UNKNOWN;
  const agreed = isOwnKnown ? Math.min(own.endOffset, leaderEnd.endOffset) : leaderEnd.endOffset;
  return {
    offset: Math.min(agreed, logEndOffset),
    isFinal: !isOwnKnown || own.epoch === leaderEnd.epoch,
  };
}

/** The offset of `cutFor`, for those whose leader judges again at each fetch. */
export function truncationOffset(log: FollowerLog, leaderEnd: EpochEnd): number {
  return cutFor(log, leaderEnd).offset;
}
