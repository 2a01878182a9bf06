import { DiskError } from '../ports/disk.ts';
import type { LogContext } from './log-context.ts';
import type { ProducerStates } from './producer-states.ts';
import type { Segment } from './segment.ts';

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
  context.removals.later(delayMs, () => removeNow(context, segment, snapshotPath));
}

function removeNow(context: LogContext, segment: Segment, snapshotPath: string | null): void {
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
