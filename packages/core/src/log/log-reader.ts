import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { LogSlice } from './log-slice.ts';
import type { BatchPlace } from './recent-batches.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';
import { readStored } from './stored-damage.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** How far a reader may see: consumers, consumers with read_committed, followers. */
export type UpTo = 'high-watermark' | 'last-stable' | 'log-end';

export interface ReadOptions {
  /** Most bytes to return, 0 or more. */
  readonly maxBytes: number;
  /** Return the first batch whole even where it is larger than `maxBytes`. */
  readonly minOneBatch: boolean;
  readonly upTo: UpTo;
  /**
   * Return a part of the first batch where all of it is more than `maxBytes` and `minOneBatch` does not help:
   * what consumers before KIP-74 (fetch versions 0 to 2) take as the sign to ask for more. Else nothing.
   */
  readonly partialFirstBatch?: boolean;
}

export interface LogRead {
  /** What there is to send, or null; must be released. The last batch in it may be cut off. */
  readonly slice: LogSlice | null;
  /** Format of the first batch in the slice, -1 when there is none. Later ones may be of another. */
  readonly firstBatchMagic: number;
  /** Bytes of the first batch at or after the offset that was asked for, whether it fits or not; 0 for none. */
  readonly firstBatchSizeBytes: number;
  /** With `last-stable`: the aborted transactions that overlap what is returned, ordered by marker. Else null. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
}

/** What a reader needs to know of its log. */
export interface ReadableLog {
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  boundOf(upTo: UpTo): number;
}

/** @throws KafkaError OFFSET_OUT_OF_RANGE, or CORRUPT_MESSAGE when the stored bytes are damaged; DiskError */
export function readLog(
  log: ReadableLog,
  segments: SegmentList,
  offset: number,
  options: ReadOptions,
): LogRead {
  if (offset < log.logStartOffset || offset > log.logEndOffset) {
    throw new KafkaError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `offset ${offset} is not within ${log.logStartOffset} to ${log.logEndOffset}`,
    );
  }
  const { highWatermark, lastStableOffset, logStartOffset, logEndOffset } = log;
  const bound = log.boundOf(options.upTo);
  const found = offset < bound ? readStored(() => locate(segments, offset)) : null;
  const slice = found === null ? null : readStored(() => cut(segments, found, bound, logEndOffset, options));
  return {
    slice,
    firstBatchMagic: slice === null ? -1 : found!.place.magic,
    firstBatchSizeBytes: found?.place.sizeBytes ?? 0,
    abortedTransactions:
      options.upTo === 'last-stable' ? abortedIn(segments, found, slice, offset, logEndOffset) : null,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    logEndOffset,
  };
}

interface Found {
  readonly index: number;
  readonly segment: Segment;
  readonly place: BatchPlace;
}

/** The first batch at or after `offset`; compaction may have left none in its own segment. */
function locate(segments: SegmentList, offset: number): Found | null {
  for (let index = Math.max(0, segments.floorIndex(offset)); ; index++) {
    const segment = segments.at(index);
    if (segment === undefined) return null;
    const place = segment.find(offset);
    if (place !== null) return { index, segment, place };
  }
}

function cut(
  segments: SegmentList,
  { index, segment, place }: Found,
  bound: number,
  logEndOffset: number,
  options: ReadOptions,
): LogSlice | null {
  const segmentEnd = segments.at(index + 1)?.baseOffset ?? logEndOffset;
  const limit =
    bound >= segmentEnd ? segment.sizeBytes : (segment.find(bound)?.position ?? segment.sizeBytes);
  const available = limit - place.position;
  if (available <= 0) return null;
  const fitsFirst = options.maxBytes >= place.sizeBytes;
  if (!fitsFirst && !options.minOneBatch && options.partialFirstBatch !== true) return null;
  const wanted = options.minOneBatch ? Math.max(options.maxBytes, place.sizeBytes) : options.maxBytes;
  const sizeBytes = Math.min(available, wanted);
  if (sizeBytes <= 0) return null;
  return new LogSlice(segment.log, place.position, sizeBytes);
}

function abortedIn(
  segments: SegmentList,
  found: Found | null,
  slice: LogSlice | null,
  offset: number,
  logEndOffset: number,
): AbortedTransaction[] {
  const aborted: AbortedTransaction[] = [];
  if (found === null || slice === null) return aborted;
  const to =
    found.segment.offsetBoundAfter(slice.position, slice.sizeBytes) ??
    segments.at(found.index + 1)?.baseOffset ??
    logEndOffset;
  for (let index = found.index; index < segments.count; index++) {
    if (segments.at(index)!.collectAborted(offset, to, aborted)) break;
  }
  return aborted;
}
