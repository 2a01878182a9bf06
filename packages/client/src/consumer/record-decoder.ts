import { batchesOf, batchCrcValid, type BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import { BadAnswerError, asError } from '../errors.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';

/** Uncompressed records of one batch beyond this are refused. */
const DECOMPRESSED_MAX_BYTES = 256 * 1024 * 1024;

/** A stretch of a producer's aborted work: from this offset to its abort marker. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface DecodedFetch {
  readonly records: readonly DecodedRecord[];
  /** Where to go on, beyond everything that was looked at, delivered or not. */
  readonly nextOffset: number;
  /** There were bytes, but not one whole batch. */
  readonly isTooSmall: boolean;
}

/**
 * The records that a consumer at `position` gets out of a fetch answer. Left out: what lies before the position
 * (batches come whole), control records, and, where aborted transactions are given (read_committed), what
 * belongs to them.
 *
 * @param aborted of the answer, or null to deliver everything
 * @throws BadAnswerError on a wrong checksum or bytes that are no batch, with partition and offset
 */
export function decodeFetched(
  at: TopicPartition,
  bytes: Buffer,
  position: number,
  aborted: readonly AbortedTransaction[] | null,
): DecodedFetch {
  const records: DecodedRecord[] = [];
  const filter = aborted === null ? null : new AbortedFilter(aborted);
  let nextOffset = position;
  try {
    for (const header of batchesOf(bytes)) {
      const last = header.lastOffset;
      if (last < position) continue;
      if (!batchCrcValid(bytes, header.position)) {
        throw new BadAnswerError(`the batch at offset ${header.baseOffset} has a wrong checksum`);
      }
      const isWanted = filter === null || filter.accepts(header);
      if (isWanted && !header.isControl) deliver(header, position, records);
      nextOffset = Math.max(nextOffset, last + 1);
    }
  } catch (error) {
    throw new BadAnswerError(
      `${at.topic}-${at.partition} cannot be read from offset ${nextOffset}: ${asError(error).message}`,
      { cause: error },
    );
  }
  return { records, nextOffset, isTooSmall: nextOffset === position && bytes.length > 0 };
}

function deliver(header: BatchHeader, position: number, records: DecodedRecord[]): void {
  for (const record of decodeBatch(header, DECOMPRESSED_MAX_BYTES)) {
    if (record.offset >= position) records.push(record);
  }
}

/** Walks along with the batches and knows which producers are inside an aborted transaction. */
class AbortedFilter {
  private readonly upcoming: AbortedTransaction[];
  private readonly aborting = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.upcoming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  accepts(header: BatchHeader): boolean {
    while (this.upcoming.length > 0 && this.upcoming[0]!.firstOffset <= header.lastOffset) {
      this.aborting.add(this.upcoming.shift()!.producerId);
    }
    if (!header.isTransactional || !this.aborting.has(header.producerId)) return true;
    // The marker that ends the transaction is the only control batch of the producer within it.
    if (header.isControl) this.aborting.delete(header.producerId);
    return false;
  }
}
