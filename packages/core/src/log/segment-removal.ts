import { DiskError } from '../ports/disk.ts';
import type { LogContext } from './log-context.ts';
import type { ProducerStates } from './producer-states.ts';
import type { Segment } from './segment.ts';

/** A segment that is out of use, under its `.deleted` name. */
export interface RetiredSegment {
  readonly segment: Segment;
  readonly snapshotPath: string | null;
}

/**
 * Takes a segment and its producer snapshot out of use: renamed now, gone from the disk after the delay. Who
 * still reads it can go on.
 *
 * @throws DiskError
 */
export function retireSegment(
  context: LogContext,
  segment: Segment,
  producers: ProducerStates,
  delayMs: number,
): void {
  const snapshotPath = producers.markSnapshotDeleted(segment.baseOffset);
  segment.markDeleted();
  removeLater(context, { segment, snapshotPath }, delayMs);
}

/** Removes from the disk what was taken out of use, after the delay. */
export function removeLater(context: LogContext, retired: RetiredSegment, delayMs: number): void {
  context.removals.later(delayMs, () => removeNow(context, retired));
}

function removeNow(context: LogContext, { segment, snapshotPath }: RetiredSegment): void {
  try {
    segment.remove();
    if (snapshotPath !== null) context.disk.remove(snapshotPath);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    context.log.warn('A deleted segment could not be removed; the next start tries again', {
      path: segment.log.path,
      reason: error.message,
    });
  }
}
