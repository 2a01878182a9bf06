import type { DiskError } from '../ports/disk.ts';

/** Of the space and of the process's means: no word about what is on the disk. */
const REFUSALS: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM']);

/**
 * Whether the disk only refused: it is full, or the process has too many files open. What was there before is there
 * still, and the same may succeed later. Every other error counts as a failure of the whole data directory, as in
 * Apache Kafka; and so does every error of a sync.
 */
export function isDiskRefusal(error: DiskError): boolean {
  return !error.isSync && REFUSALS.has(error.code);
}
