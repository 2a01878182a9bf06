import type { LogConfig } from './log-config.ts';
import type { SegmentList } from './segment-list.ts';

/** What retention looks at of a segment. */
export interface SegmentSummary {
  readonly sizeBytes: number;
  /** One above the last offset that the segment can hold: where the next one begins, or the log ends. */
  readonly endOffset: number;
  /** Time of the latest record, or of the last write. */
  readonly largestTimestampMs: number;
}

/** What retention looks at of a log that ends at `logEndOffset`. @throws DiskError */
export function summariesOf(segments: SegmentList, logEndOffset: number): SegmentSummary[] {
  return segments.all.map((segment, index) => ({
    sizeBytes: segment.sizeBytes,
    endOffset: segments.at(index + 1)?.baseOffset ?? logEndOffset,
    largestTimestampMs: segment.largestTimestampMs(),
  }));
}

export interface RetentionLimits {
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly nowMs: number;
}

/** Why segments go. */
export type RetentionReason = 'log-start-offset' | 'size' | 'time';

export interface RetentionDecision {
  /** How many segments go, counted from the oldest. */
  readonly count: number;
  readonly reason: RetentionReason | null;
}

/**
 * How many segments of a log may go: those that lie before the log start offset always; with the `delete`
 * policy also the oldest beyond `retention.bytes`, as long as what remains is not below it, and those whose
 * records are all older than `retention.ms`. Nothing at or above the high watermark goes. All segments may
 * go: the caller then begins a new one first.
 *
 * @param segments oldest first; an empty active one never goes
 */
export function decideRetention(
  segments: readonly SegmentSummary[],
  config: LogConfig,
  limits: RetentionLimits,
): RetentionDecision {
  const deletable = countDeletable(segments, limits.highWatermark);
  const decisions: RetentionDecision[] = [
    { count: beforeLogStart(segments, deletable, limits), reason: 'log-start-offset' },
  ];
  if (config.cleanupDelete) {
    decisions.push({ count: beyondSize(segments, deletable, config.retentionBytes), reason: 'size' });
    decisions.push({
      count: beyondTime(segments, deletable, config.retentionMs, limits.nowMs),
      reason: 'time',
    });
  }
  return decisions.reduce((most, decision) => (decision.count > most.count ? decision : most), {
    count: 0,
    reason: null,
  });
}

function countDeletable(segments: readonly SegmentSummary[], highWatermark: number): number {
  const isDeletable = (segment: SegmentSummary, index: number): boolean =>
    segment.endOffset <= highWatermark && !(index === segments.length - 1 && segment.sizeBytes === 0);
  return countWhile(segments, segments.length, isDeletable);
}

/** The active segment stays: nothing tells that its successor would begin at or before the log start. */
function beforeLogStart(
  segments: readonly SegmentSummary[],
  deletable: number,
  { logStartOffset }: RetentionLimits,
): number {
  const limit = Math.min(deletable, segments.length - 1);
  return countWhile(segments, limit, ({ endOffset }) => endOffset <= logStartOffset);
}

function beyondSize(segments: readonly SegmentSummary[], deletable: number, retentionBytes: number): number {
  if (retentionBytes < 0) return 0;
  let excess = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - retentionBytes;
  return countWhile(segments, deletable, ({ sizeBytes }) => {
    excess -= sizeBytes;
    return excess >= 0;
  });
}

function beyondTime(
  segments: readonly SegmentSummary[],
  deletable: number,
  retentionMs: number,
  nowMs: number,
): number {
  if (retentionMs < 0) return 0;
  return countWhile(
    segments,
    deletable,
    ({ largestTimestampMs }) => nowMs - largestTimestampMs > retentionMs,
  );
}

function countWhile(
  segments: readonly SegmentSummary[],
  limit: number,
  isGone: (segment: SegmentSummary, index: number) => boolean,
): number {
  let count = 0;
  while (count < limit && isGone(segments[count]!, count)) count++;
  return count;
}
