import type { LogConfig } from '../log-config.ts';
import type { Segment } from '../segment.ts';

/** What the decision looks at of a log. */
export interface CleanableLog {
  readonly config: LogConfig;
  /** Oldest first; the last one is active. */
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  /** Everything before is synced; recovery counts on what lies behind being as it was appended. */
  readonly recoveryPoint: number;
  /** Up to where the log was compacted, null when it never was. */
  readonly cleanedOffset: number | null;
}

/** The stretch of a log that compaction would work on. */
export interface CleanableRange {
  /** Where the records begin that were never compacted. */
  readonly firstDirtyOffset: number;
  /** Where a segment begins that may not be compacted: compaction stops before. */
  readonly firstUncleanableOffset: number;
  /** Bytes that may be compacted and were not yet. */
  readonly dirtyBytes: number;
  /** `dirtyBytes` by all bytes before `firstUncleanableOffset`; 0 when there are none. */
  readonly dirtyRatio: number;
  /** Whether compaction is due: by the ratio, or because a record is older than `max.compaction.lag.ms`. */
  readonly isDue: boolean;
  /** By how much the oldest dirty record has passed `max.compaction.lag.ms`. */
  readonly overdueMs: number;
  /** The cleaned offset lies outside of the log, which was truncated or damaged, and was not believed. */
  readonly wasReset: boolean;
}

/**
 * What of a log may be compacted, and whether it should be: nothing of the active segment, nothing that is not
 * decided (the last stable offset, and with it the high watermark) or not synced, and nothing within
 * `min.compaction.lag.ms`.
 *
 * @throws DiskError when the time of a segment has to be read and cannot
 */
export function cleanableRange(log: CleanableLog, nowMs: number): CleanableRange {
  const { firstDirtyOffset, wasReset } = firstDirty(log);
  const firstUncleanableOffset = Math.max(firstDirtyOffset, uncleanableFrom(log, firstDirtyOffset, nowMs));
  const before = segmentBaseAt(log.segments, firstUncleanableOffset);
  const dirtyBytes = sizeOf(log.segments, Math.min(firstDirtyOffset, before), before);
  const cleanBytes = sizeOf(log.segments, 0, Math.min(firstDirtyOffset, before));
  const totalBytes = dirtyBytes + cleanBytes;
  const dirtyRatio = totalBytes === 0 ? 0 : dirtyBytes / totalBytes;
  const overdueMs = overdue(log, firstDirtyOffset, nowMs);
  return {
    firstDirtyOffset,
    firstUncleanableOffset: before,
    dirtyBytes,
    dirtyRatio,
    isDue: dirtyBytes > 0 && (overdueMs > 0 || dirtyRatio > log.config.minCleanableDirtyRatio),
    overdueMs,
    wasReset,
  };
}

function firstDirty(log: CleanableLog): { firstDirtyOffset: number; wasReset: boolean } {
  const { cleanedOffset, logStartOffset, logEndOffset } = log;
  if (cleanedOffset === null) return { firstDirtyOffset: logStartOffset, wasReset: false };
  if (cleanedOffset < logStartOffset) return { firstDirtyOffset: logStartOffset, wasReset: false };
  if (cleanedOffset > logEndOffset) return { firstDirtyOffset: logStartOffset, wasReset: true };
  return { firstDirtyOffset: cleanedOffset, wasReset: false };
}

function uncleanableFrom(log: CleanableLog, firstDirtyOffset: number, nowMs: number): number {
  const active = log.segments.at(-1)!;
  const bound = Math.min(log.lastStableOffset, log.recoveryPoint, active.baseOffset);
  const { minCompactionLagMs } = log.config;
  if (minCompactionLagMs <= 0) return bound;
  const young = dirtySegments(log, firstDirtyOffset).find(
    (segment) => segment.largestTimestampMs() > nowMs - minCompactionLagMs,
  );
  return young === undefined ? bound : Math.min(bound, young.baseOffset);
}

function overdue(log: CleanableLog, firstDirtyOffset: number, nowMs: number): number {
  const { maxCompactionLagMs } = log.config;
  if (!Number.isFinite(maxCompactionLagMs)) return 0;
  const times = dirtySegments(log, firstDirtyOffset)
    .map((segment) => segment.firstBatchTimestamp())
    .filter((timestamp) => timestamp > 0);
  if (times.length === 0) return 0;
  return Math.max(0, nowMs - maxCompactionLagMs - Math.min(...times));
}

/** The segments from the one that holds `offset` on, without the active one. */
function dirtySegments({ segments }: CleanableLog, offset: number): readonly Segment[] {
  const first = segments.findLastIndex(({ baseOffset }) => baseOffset <= offset);
  return segments.slice(Math.max(first, 0), -1);
}

/** Where the segment begins that `offset` lies in. */
function segmentBaseAt(segments: readonly Segment[], offset: number): number {
  return (segments.findLast(({ baseOffset }) => baseOffset <= offset) ?? segments[0]!).baseOffset;
}

/** Bytes of the segments from the one that holds `from` on, that begin before `to`. */
function sizeOf(segments: readonly Segment[], from: number, to: number): number {
  if (from >= to) return 0;
  const first = segmentBaseAt(segments, from);
  return segments
    .filter(({ baseOffset }) => baseOffset >= first && baseOffset < to)
    .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
