import type { EpochEnd } from './leader-epoch-cache.ts';

const UNKNOWN = -1;

/** The follower's log, as far as the decision needs it. */
export interface FollowerLog {
  readonly logEndOffset: number;
  readonly highWatermark: number;
  endOffsetForEpoch(epoch: number): EpochEnd;
}

/**
 * Where a follower cuts its log after its leader said that the histories part (KIP-101, KIP-279, KIP-595): no
 * further than either has records of the leader's epoch or of an earlier one. When the follower never had that
 * epoch, more may have to go; the leader judges that at the next fetch, by the epoch at the new end.
 *
 * @param leaderEnd the latest epoch of the leader that is no later than the follower's last, and its end there
 * @returns the log's new end, never beyond the old one
 */
export function truncationOffset(log: FollowerLog, leaderEnd: EpochEnd): number {
  if (leaderEnd.endOffset === UNKNOWN) return Math.min(log.highWatermark, log.logEndOffset);
  const own = leaderEnd.epoch === UNKNOWN ? UNKNOWN : log.endOffsetForEpoch(leaderEnd.epoch).endOffset;
  const agreed = own === UNKNOWN ? leaderEnd.endOffset : Math.min(own, leaderEnd.endOffset);
  return Math.min(agreed, log.logEndOffset);
}
