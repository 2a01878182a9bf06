import { DiskError } from '../../ports/disk.ts';
import type { LogContext } from '../log-context.ts';
import {
  CLEANED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
  offsetName,
} from '../log-files.ts';
import type { PooledFile } from '../open-files.ts';
import type { PartitionLog } from '../partition-log.ts';
import { Segment } from '../segment.ts';
import { diskCall } from '../work.ts';
import type { Work } from '../work.ts';

/*
 * A new segment in the place of old ones, without a moment in which a crash or a loss of power would lose a
 * record or show it twice:
 *
 * 1. `.cleaned` files are written and synced. Whatever stops here, the next start removes them.
 * 2. They are renamed to `.swap`, the log last, and the directory synced. From here on the next start puts them
 *    in the place of the segments within their offsets.
 * 3. The old segments are renamed to `.deleted`, the directory is synced; memory has the new segment now.
 * 4. The `.swap` files take their final names. What is `.deleted` is removed after the usual delay.
 */

/** Makes the empty files of a cleaned segment. @throws DiskError */
export function makeCleanedSegment(context: LogContext, directory: string, baseOffset: number): Segment {
  removeCleanedFiles(context, directory, baseOffset);
  const segment = new Segment(context, directory, baseOffset, null, 0);
  segment.suffixed(CLEANED_SUFFIX);
  segment.create();
  return segment;
}

/** Removes a segment that was not finished. What cannot be removed now goes at the next start. */
export function discardCleanedSegment(context: LogContext, segment: Segment): void {
  const { path } = segment.log;
  segment.closeFiles();
  try {
    removeCleanedFiles(context, path.slice(0, path.lastIndexOf('/')), segment.baseOffset);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    context.log.warn('A half compacted segment could not be removed', { path, reason: error.message });
  }
}

function removeCleanedFiles(context: LogContext, directory: string, baseOffset: number): void {
  for (const suffix of [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]) {
    context.disk.remove(`${directory}/${offsetName(baseOffset)}${suffix}${CLEANED_SUFFIX}`);
  }
}

/**
 * Completes the files of a cleaned segment and brings them to the disk.
 *
 * @param modifiedMs when the records in it were written, for rules that go by the age of a file
 * @throws DiskError
 */
export function* finishCleanedSegment(segment: Segment, modifiedMs: number): Work<void> {
  segment.seal();
  segment.setModified(modifiedMs);
  for (const file of segment.syncTargets()) yield* synced(file);
}

/** What `swapIn` needs of its surroundings. */
export interface SwapScene {
  readonly context: LogContext;
  readonly log: PartitionLog;
  /** Whether the old segments are still those of the log; asked after every wait. */
  readonly isIntact: () => boolean;
}

/**
 * Replaces neighbouring segments by one that was finished. Whatever interrupts this, the files are such that the
 * next start completes it or takes it back.
 *
 * @param old at least one, the first with the same base offset as `cleaned`
 * @returns false when the log is not what it was any more, and nothing was replaced
 * @throws DiskError the log cannot be used any more
 */
export function* swapIn(scene: SwapScene, cleaned: Segment, old: readonly Segment[]): Work<boolean> {
  const { context, log, isIntact } = scene;
  const { storage } = log;
  cleaned.renameSuffix(CLEANED_SUFFIX, SWAP_SUFFIX);
  storage.beforeRestructuring = () => takeBack(context, cleaned);
  try {
    yield* directorySynced(context, storage.directory);
  } finally {
    storage.beforeRestructuring = null;
  }
  if (!isIntact()) return false;
  const retired = storage.replaceSegments(cleaned, old);
  yield* directorySynced(context, storage.directory);
  // A log that was closed meanwhile is left to the next start, one that was deleted needs no names.
  if (!log.isOpen) return true;
  // A truncation may have taken the segment, with the rest.
  if (storage.segments.all.includes(cleaned)) cleaned.renameSuffix(SWAP_SUFFIX, '');
  yield* directorySynced(context, storage.directory);
  storage.removeReplaced(retired);
  return true;
}

/** So that the next start does not bring back what the old segments are about to lose. @throws DiskError */
function takeBack(context: LogContext, cleaned: Segment): void {
  const directory = cleaned.log.path.slice(0, cleaned.log.path.lastIndexOf('/'));
  cleaned.remove();
  context.disk.syncDirectory(directory);
}

function* synced(file: PooledFile): Work<void> {
  yield* diskCall((done) => file.syncLater(done));
}

function* directorySynced(context: LogContext, directory: string): Work<void> {
  yield* diskCall((done) => context.disk.syncDirectoryLater(directory, done));
}
