import type { DiskEntry } from '../ports/disk.ts';
import type { LogContext } from './log-context.ts';
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
  offsetName,
  offsetOfName,
} from './log-files.ts';
import { Segment } from './segment.ts';
import type { SegmentSizes } from './segment.ts';

const OFFSET_ENTRY_SIZE = 8;
const TIME_ENTRY_SIZE = 12;
const TRANSACTION_ENTRY_SIZE = 34;

/** A segment as the directory shows it. */
export interface FoundSegment {
  readonly baseOffset: number;
  readonly sizes: SegmentSizes;
  /** Both indexes are there and all have possible sizes. */
  readonly indexesUsable: boolean;
}

/**
 * Completes what was half done in a log directory when the broker stopped: removes what waits for removal and
 * what compaction had not finished, puts what it had finished in the place of the originals, and removes
 * indexes without a log.
 *
 * @throws DiskError
 */
export function tidyDirectory(context: LogContext, directory: string): void {
  const entries = (context.disk.list(directory) ?? []).filter(({ isDirectory }) => !isDirectory);
  const unfinished = removeUnfinished(context, directory, entries);
  completeSwaps(context, directory, unfinished);
  removeOrphanedIndexes(context, directory);
}

/** @returns the entries that are left */
function removeUnfinished(context: LogContext, directory: string, entries: DiskEntry[]): DiskEntry[] {
  const cleanedFrom = Math.min(
    ...entries.map(({ name }) => baseOffsetOf(name, CLEANED_SUFFIX)).filter((offset) => offset !== null),
  );
  return entries.filter(({ name }) => {
    const swapOffset = baseOffsetOf(name, SWAP_SUFFIX);
    const isGone =
      name.endsWith(DELETED_SUFFIX) ||
      name.endsWith(CLEANED_SUFFIX) ||
      // Part of a split that did not get all its parts ready.
      (swapOffset !== null && swapOffset >= cleanedFrom);
    if (isGone) context.disk.remove(`${directory}/${name}`);
    return !isGone;
  });
}

/** A swap file holds what compaction made of the segments that lie within its offsets: it replaces them. */
function completeSwaps(context: LogContext, directory: string, entries: readonly DiskEntry[]): void {
  const swaps = entries.filter(({ name }) => name.endsWith(LOG_SUFFIX + SWAP_SUFFIX));
  for (const { name, sizeBytes, modifiedMs } of swaps) {
    const from = baseOffsetOf(name, SWAP_SUFFIX)!;
    const to = endOfSwap(context, directory, from, sizeBytes, modifiedMs);
    for (const original of entries) {
      const offset = offsetOfName(original.name, LOG_SUFFIX);
      if (offset !== null && offset >= from && offset < to) removeSegmentFiles(context, directory, offset);
    }
  }
  for (const { name } of entries) {
    if (!name.endsWith(SWAP_SUFFIX)) continue;
    context.disk.rename(`${directory}/${name}`, `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`);
  }
  if (swaps.length > 0) context.disk.syncDirectory(directory);
}

function endOfSwap(
  context: LogContext,
  directory: string,
  baseOffset: number,
  sizeBytes: number,
  modifiedMs: number,
): number {
  const sizes = { log: sizeBytes, offsetIndex: 0, timeIndex: 0, transactionIndex: 0, modifiedMs };
  const segment = new Segment(context, directory, baseOffset, sizes, 0);
  segment.log.moved(`${segment.log.path}${SWAP_SUFFIX}`);
  const end = segment.nextOffset();
  segment.log.close();
  return end;
}

function removeSegmentFiles(context: LogContext, directory: string, baseOffset: number): void {
  for (const suffix of [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]) {
    context.disk.remove(`${directory}/${offsetName(baseOffset)}${suffix}`);
  }
}

function removeOrphanedIndexes(context: LogContext, directory: string): void {
  const names = new Set((context.disk.list(directory) ?? []).map(({ name }) => name));
  for (const name of names) {
    for (const suffix of [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]) {
      const offset = offsetOfName(name, suffix);
      if (offset === null || names.has(offsetName(offset) + LOG_SUFFIX)) continue;
      context.log.warn('Removed an index without a log', { path: `${directory}/${name}` });
      context.disk.remove(`${directory}/${name}`);
    }
  }
}

/** The segments of a directory that was tidied, in order. @throws DiskError */
export function findSegmentFiles(context: LogContext, directory: string): FoundSegment[] {
  const entries = new Map((context.disk.list(directory) ?? []).map((entry) => [entry.name, entry]));
  const found: FoundSegment[] = [];
  for (const entry of entries.values()) {
    const baseOffset = offsetOfName(entry.name, LOG_SUFFIX);
    if (baseOffset !== null) found.push(describe(entries, entry, baseOffset));
  }
  return found.sort((a, b) => a.baseOffset - b.baseOffset);
}

function describe(entries: ReadonlyMap<string, DiskEntry>, log: DiskEntry, baseOffset: number): FoundSegment {
  const sizeOf = (suffix: string): number | null =>
    entries.get(offsetName(baseOffset) + suffix)?.sizeBytes ?? null;
  const offsetIndex = sizeOf(OFFSET_INDEX_SUFFIX);
  const timeIndex = sizeOf(TIME_INDEX_SUFFIX);
  const transactionIndex = sizeOf(TRANSACTION_INDEX_SUFFIX) ?? 0;
  return {
    baseOffset,
    sizes: {
      log: log.sizeBytes,
      offsetIndex: offsetIndex ?? 0,
      timeIndex: timeIndex ?? 0,
      transactionIndex,
      modifiedMs: log.modifiedMs,
    },
    indexesUsable:
      offsetIndex !== null &&
      timeIndex !== null &&
      offsetIndex % OFFSET_ENTRY_SIZE === 0 &&
      timeIndex % TIME_ENTRY_SIZE === 0 &&
      transactionIndex % TRANSACTION_ENTRY_SIZE === 0,
  };
}

/** Base offset in a name like `00000000000000000042.index.swap`, or null. */
function baseOffsetOf(name: string, suffix: string): number | null {
  if (!name.endsWith(suffix)) return null;
  const digits = name.slice(0, name.indexOf('.'));
  return /^\d{20}$/.test(digits) ? Number(digits) : null;
}
