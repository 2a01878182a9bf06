import {
  batchesOf,
  batchCrcValid,
  wholeBatchAt,
  type BatchHeader,
} from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import type { TopicPartition } from '../../cluster/topic-partition.ts';
import { UnreadableRecordsError, asError } from '../../errors.ts';
import { AbortedFilter, type AbortedTransaction } from './aborted-filter.ts';

/** Uncompressed records of one batch beyond this are refused. */
const DECOMPRESSED_MAX_BYTES = 256 * 1024 * 1024;

/** Records of one partition, in order. */
export interface FetchedRecords extends TopicPartition {
  readonly records: readonly DecodedRecord[];
  /** The offset after these, delivered or not. */
  readonly nextOffset: number;
  /** The epoch of the leader under which the last of these was written, where it is known. */
  readonly leaderEpoch?: number;
  /** End of what may be read when the broker answered; -1 when it did not tell. */
  readonly highWatermark: number;
}

export interface FetchedAnswer {
  readonly bytes: Buffer;
  /** What was asked for; batches come whole, so they may begin before it. */
  readonly position: number;
  readonly highWatermark: number;
  /** Aborted transactions in the answer, or null to deliver everything (read_uncommitted). */
  readonly aborted: readonly AbortedTransaction[] | null;
}

/**
 * What one answer brought for one partition. Decoded batch by batch as records are wanted, so that a large answer
 * neither holds up the event loop nor takes its uncompressed size in memory.
 *
 * Left out of what is delivered: what lies before the position, control records, and what belongs to aborted
 * transactions.
 */
export class FetchedData {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: number;
  readonly sizeBytes: number;
  /** Where to go on fetching: beyond every whole batch of the answer. */
  readonly endOffset: number;
  /** The leader epoch of the last whole batch; -1 in old formats. */
  lastEpoch = -1;
  private readonly bytes: Buffer;
  private readonly position: number;
  private readonly filter: AbortedFilter | null;
  /** Where the next batch begins in the bytes. */
  private batchAt = 0;
  /** Next offset that has not been delivered or passed over. */
  private nextOffset: number;
  /** What is left of the batch at hand. */
  private decoded: readonly DecodedRecord[] = [];
  private decodedAt = 0;
  private batchEndOffset: number;
  private batchEpoch = -1;

  /** @throws UnreadableRecordsError when the first batch is none */
  constructor(at: TopicPartition, { bytes, position, highWatermark, aborted }: FetchedAnswer) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.bytes = bytes;
    this.position = position;
    this.nextOffset = position;
    this.batchEndOffset = position;
    this.highWatermark = highWatermark;
    this.sizeBytes = bytes.length;
    this.filter = aborted === null ? null : new AbortedFilter(aborted);
    this.endOffset = this.endOfWholeBatches();
  }

  /** There were bytes, but not one whole batch: more room is needed. */
  get isTooSmall(): boolean {
    return this.endOffset === this.position && this.bytes.length > 0;
  }

  get isDone(): boolean {
    return this.nextOffset >= this.endOffset;
  }

  /**
   * The next records. May be none although there was progress, seen by `nextOffset`.
   *
   * @param countMax 1 or more
   * @throws UnreadableRecordsError on a wrong checksum or bytes that are no batch, with the offset where they are;
   *   what came before has been delivered by then
   */
  take(countMax: number): FetchedRecords {
    const records: DecodedRecord[] = [];
    while (records.length < countMax && !this.isDone) {
      if (this.decodedAt === this.decoded.length && !this.decodeNext(records.length > 0)) break;
      while (records.length < countMax && this.decodedAt < this.decoded.length) {
        records.push(this.decoded[this.decodedAt++]!);
      }
      const isBatchDone = this.decodedAt === this.decoded.length;
      this.nextOffset = isBatchDone ? this.batchEndOffset : records.at(-1)!.offset + 1;
    }
    const { topic, partition, nextOffset, highWatermark } = this;
    const epoch = this.batchEpoch >= 0 ? { leaderEpoch: this.batchEpoch } : {};
    return { topic, partition, records, nextOffset, ...epoch, highWatermark };
  }

  /** @param hasOthers whether an error can wait until what was found before it is delivered */
  private decodeNext(hasOthers: boolean): boolean {
    try {
      const header = wholeBatchAt(this.bytes, this.batchAt);
      if (header === null) return false;
      this.decoded = this.decode(header);
      this.decodedAt = 0;
      this.batchEpoch = header.magic >= 2 ? header.partitionLeaderEpoch : -1;
      this.batchEndOffset = Math.max(header.lastOffset + 1, this.nextOffset);
      this.batchAt = header.end;
      return true;
    } catch (error) {
      if (hasOthers) return false;
      throw this.unreadable(asError(error));
    }
  }

  private decode(header: BatchHeader): DecodedRecord[] {
    if (header.lastOffset < this.position) return [];
    if (!batchCrcValid(this.bytes, header.position)) {
      throw new Error(`the batch at offset ${header.baseOffset} has a wrong checksum`);
    }
    const isWanted = this.filter === null || this.filter.accepts(header);
    if (!isWanted || header.isControl) return [];
    const records = decodeBatch(header, DECOMPRESSED_MAX_BYTES);
    const startsBefore = records.length > 0 && records[0]!.offset < this.position;
    return startsBefore ? records.filter(({ offset }) => offset >= this.position) : records;
  }

  private endOfWholeBatches(): number {
    let end = this.position;
    try {
      for (const { lastOffset, magic, partitionLeaderEpoch } of batchesOf(this.bytes)) {
        end = Math.max(end, lastOffset + 1);
        this.lastEpoch = magic >= 2 ? partitionLeaderEpoch : -1;
      }
    } catch (error) {
      // What is whole is delivered first; the next fetch begins with what is broken.
      if (end === this.position) throw this.unreadable(asError(error));
    }
    return end;
  }

  private unreadable(cause: Error): UnreadableRecordsError {
    return new UnreadableRecordsError(this, this.nextOffset, cause);
  }
}
