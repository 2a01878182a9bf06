import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { LogContext } from './log-context.ts';
import { removeSegmentFiles } from './log-directory-files.ts';
import { CLEANED_SUFFIX, LOG_SUFFIX, SWAP_SUFFIX, offsetName } from './log-files.ts';
import { BatchCursor } from './batch-cursor.ts';
import type { PooledFile } from './open-files.ts';

/** Indexes tell offsets relative to the segment's first one, in 31 bits. */
export const OFFSETS_PER_SEGMENT_MAX = 2 ** 31;

const CHUNK_SIZE = 1024 * 1024;

/** Thrown where a segment has an offset that its indexes cannot tell: older versions of Kafka wrote such (KAFKA-6264). */
export class OffsetOverflow extends Error {
  override readonly name = 'OffsetOverflow';
  /** Of the segment. */
  readonly baseOffset: number;

  constructor(baseOffset: number) {
    super(`the segment that begins at ${baseOffset} has an offset ${OFFSETS_PER_SEGMENT_MAX} or more beyond`);
    this.baseOffset = baseOffset;
  }
}

/** A segment that is being written: its log alone, from which recovery makes the indexes. */
interface Part {
  readonly baseOffset: number;
  readonly file: PooledFile;
}

/**
 * Divides a segment into such as can tell all of their offsets, with the same batches. Ends before what is no batch, as
 * recovery would. A crash at any point leaves the old one or all of the new ones to the next start:
 *
 * 1. `.cleaned` files of all parts are written and synced; a start removes them.
 * 2. They are renamed to `.swap`, the last first: while a `.cleaned` one is left, those after it are removed, too.
 * 3. That is synced, the old files are removed, and the parts take their names.
 *
 * @throws DiskError
 */
export function splitSegment(context: LogContext, directory: string, baseOffset: number): void {
  const { disk } = context;
  const parts = writeParts(context, directory, baseOffset);
  for (const { file } of parts) file.use().sync();
  disk.syncDirectory(directory);
  const pathOf = (part: Part): string => `${directory}/${offsetName(part.baseOffset)}${LOG_SUFFIX}`;
  for (const part of parts.toReversed()) part.file.rename(pathOf(part) + SWAP_SUFFIX);
  disk.syncDirectory(directory);
  removeSegmentFiles(context, directory, baseOffset);
  disk.syncDirectory(directory);
  for (const part of parts) part.file.rename(pathOf(part));
  disk.syncDirectory(directory);
  for (const { file } of parts) file.close();
  context.log.warn('A segment with offsets too far apart for its indexes was divided', {
    directory,
    baseOffset,
    into: parts.map((part) => part.baseOffset),
  });
}

function writeParts(context: LogContext, directory: string, baseOffset: number): Part[] {
  const source = context.files.file(`${directory}/${offsetName(baseOffset)}${LOG_SUFFIX}`);
  const parts: Part[] = [];
  const cursor = new BatchCursor(source, 0, source.use().sizeBytes(), CHUNK_SIZE);
  let nextOffset = baseOffset;
  while (next(cursor)) {
    const records = cursor.body();
    const { baseOffset: firstOffset, lastOffset } = cursor.header;
    if (parts.length === 0 || !canHold(parts.at(-1)!.baseOffset, lastOffset)) {
      parts.push(makePart(context, directory, canHold(nextOffset, lastOffset) ? nextOffset : firstOffset));
    }
    parts.at(-1)!.file.use().append([records]);
    nextOffset = lastOffset + 1;
  }
  source.close();
  return parts;
}

function canHold(baseOffset: number, lastOffset: number): boolean {
  return lastOffset - baseOffset < OFFSETS_PER_SEGMENT_MAX;
}

function makePart(context: LogContext, directory: string, baseOffset: number): Part {
  const file = context.files.file(`${directory}/${offsetName(baseOffset)}${LOG_SUFFIX}${CLEANED_SUFFIX}`);
  const made = file.create();
  // Of an attempt that failed.
  if (made.sizeBytes() > 0) made.truncate(0);
  return { baseOffset, file };
}

/** @returns false also where there is no batch any more, though there are bytes */
function next(cursor: BatchCursor): boolean {
  try {
    return cursor.next();
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    return false;
  }
}
