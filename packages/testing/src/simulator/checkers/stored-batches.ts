import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';

/** A batch as it lies in a replica's log. */
export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  /** Of the contents: two batches of one checksum hold the same. */
  readonly crc: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isControl: boolean;
}

const READ_BYTES = 64 * 1024;

/** The batches of a replica from the one that holds `from` on, up to the one that ends before `to`. */
export function* storedBatches({ log }: Partition, from: number, to: number): Generator<StoredBatch> {
  for (let at = Math.max(from, log.logStartOffset); at < to;) {
    const { slice } = log.read(at, { maxBytes: READ_BYTES, minOneBatch: true, upTo: 'log-end' });
    if (slice === null) return;
    const bytes = slice.toBuffer();
    slice.release();
    const before = at;
    for (const header of batchesOf(bytes)) {
      if (header.lastOffset < at) continue;
      if (header.baseOffset >= to) return;
      at = header.lastOffset + 1;
      yield {
        baseOffset: header.baseOffset,
        lastOffset: header.lastOffset,
        leaderEpoch: header.partitionLeaderEpoch,
        crc: header.crc,
        producerId: header.producerId,
        producerEpoch: header.producerEpoch,
        baseSequence: header.baseSequence,
        isControl: header.isControl,
      };
    }
    if (at === before) return;
  }
}
