import type { DiskEntry } from '../ports/disk.ts';
import type { LogContext } from './log-context.ts';
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LATER_SUFFIX,
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

const INDEX_SUFFIXES = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX];

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
 * @param entries of the directory: looking again takes long when there are thousands of them
 * @returns the entries afterwards
 * @throws DiskError
 */
export function tidyDirectory(
  context: LogContext,
  directory: string,
  entries: readonly DiskEntry[],
): readonly DiskEntry[] {
  const files = entries.filter(({ isDirectory }) => !isDirectory);
  const finished = removeUnfinished(context, directory, files);
  const hasSwapped = completeSwaps(context, directory, finished);
  const left = hasSwapped ? (context.disk.list(directory) ?? []) : finished;
  return removeOrphanedIndexes(context, directory, left);
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
      name.endsWith(LATER_SUFFIX) ||
      // Part of a split that did not get all its parts ready.
      (swapOffset !== null && swapOffset >= cleanedFrom);
    if (isGone) context.disk.remove(`${directory}/${name}`);
    return !isGone;
  });
}

/**
 * A swap file holds what compaction made of the segments that lie within its offsets: it replaces them.
 *
 * @returns whether there was any
 */
function completeSwaps(context: LogContext, directory: string, entries: readonly DiskEntry[]): boolean {
  if (!entries.some(({ name }) => name.endsWith(SWAP_SUFFIX))) return false;
  const swaps = entries.filter(({ name }) => name.endsWith(LOG_SUFFIX + SWAP_SUFFIX));
  for (const { name, sizeBytes, modifiedMs } of swaps) {
    const from = baseOffsetOf(name, SWAP_SUFFIX)!;
    const to = endOfSwap(context, directory, from, sizeBytes, modifiedMs);
    for (const original of entries) {
      const offset = offsetOfName(original.name, LOG_SUFFIX);
      if (offset !== null && offset >= from && offset < to) removeSegmentFiles(context, directory, offset);
    }
  }
  // A loss of power must not keep the new name and bring back what it stands for.
  context.disk.syncDirectory(directory);
  for (const { name } of entries) {
    if (!name.endsWith(SWAP_SUFFIX)) continue;
    context.disk.rename(`${directory}/${name}`, `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`);
  }
  context.disk.syncDirectory(directory);
  return true;
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

/** Removes all files of the segment that begins at `baseOffset`. @throws DiskError */
export function removeSegmentFiles(context: LogContext, directory: string, baseOffset: number): void {
  for (const suffix of [LOG_SUFFIX, ...INDEX_SUFFIXES]) {
    context.disk.remove(`${directory}/${offsetName(baseOffset)}${suffix}`);
  }
}

/** @returns the entries that are left */
function removeOrphanedIndexes(
  context: LogContext,
  directory: string,
  entries: readonly DiskEntry[],
): DiskEntry[] {
  const names = new Set(entries.map(({ name }) => name));
  return entries.filter(({ name }) => {
    const offset = INDEX_SUFFIXES.map((suffix) => offsetOfName(name, suffix)).find((one) => one !== null);
    if (offset === undefined || offset === null || names.has(offsetName(offset) + LOG_SUFFIX)) return true;
    context.log.warn('Removed an index without a log', { path: `${directory}/${name}` });
    context.disk.remove(`${directory}/${name}`);
    return false;
  });
}

/** The segments of a directory that was tidied, in order. */
export function findSegmentFiles(files: readonly DiskEntry[]): FoundSegment[] {
  const entries = new Map(files.map((entry) => [entry.name, entry]));
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
