import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { NO_LEADER_EPOCH, NO_TIMESTAMP } from '@odradek/protocol/records/batch-header.ts';
import type { BatchCursor } from './batch-cursor.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { Segment } from './segment.ts';
import { readStored } from './stored-damage.ts';

/** Largest uncompressed size of a batch that a search by time looks into. */
const DECOMPRESSED_SIZE_MAX = 1024 * 1024 * 1024;

/** The special "timestamps" of ListOffsets. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
/** KIP-734. */
export const MAX_TIMESTAMP = -3;
/** KIP-405: the first offset on this broker's own disk. */
export const EARLIEST_LOCAL_TIMESTAMP = -4;
/** KIP-1005: the last offset in remote storage, of which there is none. */
export const LATEST_TIERED_TIMESTAMP = -5;
/** KIP-1023: the first offset that remote storage still lacks; there is no remote storage. */
export const EARLIEST_PENDING_UPLOAD_TIMESTAMP = -6;

/** An offset found by time; `timestamp` and `leaderEpoch` are -1 where not known. */
export interface FoundOffset {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/**
 * The offset for a time, or for one of the special times above; null when there is none before the end.
 *
 * @param bounds of what the caller may see
 * @throws DiskError, KafkaError CORRUPT_MESSAGE when a batch is damaged
 */
export function findOffset(
  segments: readonly Segment[],
  epochs: LeaderEpochCache,
  timestamp: number,
  { startOffset, endOffset }: { readonly startOffset: number; readonly endOffset: number },
): FoundOffset | null {
  switch (timestamp) {
    case LATEST_TIMESTAMP:
      return { timestamp: -1, offset: endOffset, leaderEpoch: epochs.latestEpoch };
    case EARLIEST_TIMESTAMP:
    case EARLIEST_LOCAL_TIMESTAMP:
      return { timestamp: -1, offset: startOffset, leaderEpoch: epochs.epochFor(startOffset) };
    case LATEST_TIERED_TIMESTAMP:
    case EARLIEST_PENDING_UPLOAD_TIMESTAMP:
      return { timestamp: -1, offset: -1, leaderEpoch: -1 };
    default: {
      const found = readStored(() =>
        timestamp === MAX_TIMESTAMP
          ? findMaxTimestamp(segments)
          : findByTimestamp(segments, timestamp, startOffset),
      );
      return found !== null && found.offset < endOffset ? found : null;
    }
  }
}

/**
 * The first record at or after `startOffset` whose time is `timestamp` or later, with its own time, or null.
 * Looks into the batch, compressed or not; a batch stamped with append time has that time for all records.
 *
 * @throws DiskError, MalformedBytesError when a batch is damaged
 */
function findByTimestamp(
  segments: readonly Segment[],
  timestamp: number,
  startOffset: number,
): FoundOffset | null {
  for (const segment of segments) {
    if (segment.latestTimestamp().timestamp < timestamp) continue;
    const found = findInSegment(segment, timestamp, startOffset);
    if (found !== null) return found;
  }
  return null;
}

function findInSegment(segment: Segment, timestamp: number, startOffset: number): FoundOffset | null {
  const indexed = segment.timeIndex.floor(timestamp).offset;
  const cursor = segment.cursorTo(Math.max(indexed, startOffset));
  while (cursor.next()) {
    const { header } = cursor;
    if (header.maxTimestamp < timestamp || header.lastOffset < startOffset) continue;
    const found = firstRecord(
      cursor,
      (record) => record.offset >= startOffset && record.timestamp >= timestamp,
    );
    if (found !== null) return found;
  }
  return null;
}

/** The first record with the largest time of all, or null when no record has a time. @throws as above */
function findMaxTimestamp(segments: readonly Segment[]): FoundOffset | null {
  let latest: Segment | null = null;
  for (const segment of segments) {
    if (latest === null || segment.latestTimestamp().timestamp > latest.latestTimestamp().timestamp) {
      latest = segment;
    }
  }
  if (latest === null || latest.latestTimestamp().timestamp === NO_TIMESTAMP) return null;
  const { timestamp, offset } = latest.latestTimestamp();
  const cursor = latest.cursorTo(offset);
  while (cursor.next()) {
    if (cursor.header.maxTimestamp < timestamp) continue;
    return firstRecord(cursor, (record) => record.timestamp >= timestamp);
  }
  return null;
}

function firstRecord(cursor: BatchCursor, isWanted: (record: DecodedRecord) => boolean): FoundOffset | null {
  cursor.body();
  const header: BatchHeader = cursor.header;
  const record = decodeBatch(header, DECOMPRESSED_SIZE_MAX).find(isWanted);
  if (record === undefined) return null;
  const { timestamp, offset } = record;
  return { timestamp, offset, leaderEpoch: Math.max(header.partitionLeaderEpoch, NO_LEADER_EPOCH) };
}

/**
 * ListOffsets version 0: where segments begin, and the end of the log, newest first. `timestamp` is compared
 * with the time of a segment's last write; -1 takes all, -2 the oldest.
 */
export function legacyOffsetsBefore(
  segments: readonly Segment[],
  timestamp: number,
  countMax: number,
  log: { readonly logStartOffset: number; readonly logEndOffset: number; readonly nowMs: number },
): number[] {
  const places = segments.map((segment) => ({
    offset: Math.max(segment.baseOffset, log.logStartOffset),
    timeMs: segment.lastModifiedMs,
  }));
  if ((segments.at(-1)?.sizeBytes ?? 0) > 0) places.push({ offset: log.logEndOffset, timeMs: log.nowMs });
  const newest =
    timestamp === LATEST_TIMESTAMP
      ? places.length - 1
      : timestamp === EARLIEST_TIMESTAMP
        ? 0
        : places.findLastIndex(({ timeMs }) => timeMs <= timestamp);
  const chosen = places.slice(0, newest + 1).map(({ offset }) => offset);
  return chosen.sort((a, b) => b - a).slice(0, Math.max(countMax, 0));
}
