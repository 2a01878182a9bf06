import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';

/**
 * Whether the active segment has to be closed before an append: it would grow past `segment.bytes`, it has been
 * open for `segment.ms` (by record times, where there are any), an index is full, or the last offset is too far
 * from the first for the 31 bits that the indexes have. Of a compacted log no segment is open for longer than
 * `max.compaction.lag.ms`, since only closed ones are compacted.
 */
export function isRollDue(
  active: Segment,
  config: LogConfig,
  append: { readonly sizeBytes: number; readonly lastOffset: number; readonly maxTimestamp: number },
  nowMs: number,
): boolean {
  const { segmentBytes, segmentIndexBytes } = config;
  return (
    active.sizeBytes > segmentBytes - append.sizeBytes ||
    (active.sizeBytes > 0 &&
      active.waitedForRollMs(nowMs, append.maxTimestamp) > segmentMsOf(config) - active.rollJitterMs) ||
    active.offsetIndex.isFull(segmentIndexBytes) ||
    active.timeIndex.isFull(segmentIndexBytes) ||
    !active.offsetIndex.canHold(append.lastOffset)
  );
}

function segmentMsOf({ segmentMs, cleanupCompact, maxCompactionLagMs }: LogConfig): number {
  return cleanupCompact ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs;
}
