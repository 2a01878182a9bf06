import { readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { factsOf } from '../segment.ts';
import type { AppendedBatch, Segment } from '../segment.ts';
import type { AbortedTransaction } from '../transaction-index.ts';
import { BatchCleaner } from './batch-cleaner.ts';
import type { CleaningRules } from './batch-cleaner.ts';
import type { BatchReader } from './batch-reader.ts';
import type { Work } from '../work.ts';

/** Kept batches are written when they come to so much. */
const WRITE_SIZE = 256 * 1024;

/** What one segment needs on its way into a new one. */
export interface SegmentToCopy {
  readonly segment: Segment;
  /** Those that overlap it. */
  readonly aborted: readonly AbortedTransaction[];
  readonly keepsLegacyTombstones: boolean;
}

export interface CopyTarget {
  readonly segment: Segment;
  readonly indexIntervalBytes: number;
  readonly nowMs: number;
}

/** Copies what stays of a segment to the end of another. @throws DiskError, MalformedBytesError */
export function* copySegment(
  source: SegmentToCopy,
  target: CopyTarget,
  rules: CleaningRules,
  reader: BatchReader,
): Work<void> {
  const { segment } = source;
  rules.transactions.expect(source.aborted);
  const cleaner = new BatchCleaner(rules, source.keepsLegacyTombstones);
  reader.begin(segment.log, 0, segment.sizeBytes);
  while ((yield* reader.next()) > 0) {
    let kept: Buffer[] = [];
    let keptBytes = 0;
    for (const header of reader.batches()) {
      const batch = yield* cleaner.clean(header);
      if (batch === null) continue;
      kept.push(batch);
      keptBytes += batch.length;
      if (keptBytes < WRITE_SIZE) continue;
      yield* write(kept, keptBytes, target);
      kept = [];
      keptBytes = 0;
    }
    if (keptBytes > 0) yield* write(kept, keptBytes, target);
  }
}

function* write(batches: readonly Buffer[], sizeBytes: number, target: CopyTarget): Work<void> {
  const facts: AppendedBatch[] = batches.map((batch) => factsOf(readBatchHeader(batch, 0)));
  const bytes = batches.length === 1 ? batches[0]! : Buffer.concat(batches, sizeBytes);
  target.segment.append(bytes, facts, target.indexIntervalBytes, target.nowMs);
  yield { ioBytes: sizeBytes, records: batches.length };
}
