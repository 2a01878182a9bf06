import type { Codecs } from '../../ports/codecs.ts';
import type { Segment } from '../segment.ts';
import type { AbortedTransaction } from '../transaction-index.ts';
import type { BatchReader } from './batch-reader.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import type { OffsetMap } from './offset-map.ts';
import { visitBatch } from './record-visits.ts';
import type { Work } from '../work.ts';

export interface KeyPass {
  /** Oldest first: those that hold the dirty records. */
  readonly segments: readonly Segment[];
  /** The dirty records are those from here on, to before `endOffset`. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** Those that overlap the dirty records. */
  readonly aborted: readonly AbortedTransaction[];
  readonly codecs: Codecs;
}

/**
 * Fills the map with the latest offset of each key of the dirty records that were not aborted, until it is full.
 *
 * @returns up to which offset the map knows the keys: `endOffset` when all of them fit, else a later round goes on
 *   from there
 * @throws DiskError, MalformedBytesError
 */
export function* mapKeys(pass: KeyPass, map: OffsetMap, reader: BatchReader): Work<number> {
  const transactions = new CleanedTransactions();
  transactions.expect(pass.aborted);
  let mapped = pass.startOffset;
  for (const segment of pass.segments) {
    reader.begin(segment.log, segment.offsetIndex.floor(pass.startOffset).position, segment.sizeBytes);
    while ((yield* reader.next()) > 0) {
      for (const header of reader.batches()) {
        const { lastOffset } = header;
        if (header.isControl) transactions.onControlBatch(header);
        else if (!transactions.onBatch(header) && lastOffset >= pass.startOffset) {
          const took = yield* visitBatch(header, pass.codecs, (bytes, keyStart, keySize, _, offset) => {
            if (offset < pass.startOffset) return true;
            if (keySize >= 0 && !map.put(bytes, keyStart, keyStart + keySize, offset)) return false;
            mapped = offset + 1;
            return true;
          });
          if (!took) return mapped;
        }
        mapped = Math.max(mapped, lastOffset + 1);
      }
    }
  }
  return pass.endOffset;
}
