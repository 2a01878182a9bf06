import { decodeGroupRecord } from '@odradek/core/group/group-record-codec.ts';
import type { GroupShard } from '@odradek/core/group/group-shard.ts';
import { readTransactionMarker } from '@odradek/core/log/control-marker.ts';
import type { PartitionLog } from '@odradek/core/log/partition-log.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';

/** Read at a time, so that loading a large partition never keeps the loop for long. */
const SLICE_SIZE_MAX = 128 * 1024;
/** For one batch, decompressed. */
const BATCH_SIZE_MAX = 100 * 1024 * 1024;

/** Reads a partition of `__consumer_offsets` into its shard, a slice at a time. */
export class GroupPartitionLoader {
  private readonly partitionLog: PartitionLog;
  private readonly shard: GroupShard;
  private readonly log: LogSink;
  private readonly sliceSize: number;
  private readonly end: number;
  private offset: number;

  /** @param bufferSize offsets.load.buffer.size */
  constructor(partitionLog: PartitionLog, shard: GroupShard, log: LogSink, bufferSize: number) {
    this.partitionLog = partitionLog;
    this.shard = shard;
    this.log = log;
    this.sliceSize = Math.min(bufferSize, SLICE_SIZE_MAX);
    this.offset = partitionLog.logStartOffset;
    // Only the coordinator writes here, and it waits for this: the end stays where it is.
    this.end = partitionLog.logEndOffset;
  }

  get isDone(): boolean {
    return this.offset >= this.end;
  }

  /** Applies the next slice. @throws KafkaError, DiskError when the log cannot be read */
  step(): void {
    const { slice } = this.partitionLog.read(this.offset, {
      maxBytes: this.sliceSize,
      minOneBatch: true,
      upTo: 'log-end',
    });
    if (slice === null) {
      this.offset = this.end;
      return;
    }
    try {
      this.applyAll(slice.toBuffer());
    } finally {
      slice.release();
    }
  }

  private applyAll(bytes: Buffer): void {
    const from = this.offset;
    for (const batch of batchesOf(bytes)) {
      if (batch.lastOffset >= this.offset) this.applyBatch(batch);
      this.offset = Math.max(this.offset, batch.lastOffset + 1);
    }
    // Nothing whole is left where something should be: what there is has been read.
    if (this.offset === from) this.offset = this.end;
  }

  private applyBatch(batch: BatchHeader): void {
    if (batch.isControl) {
      const marker = readTransactionMarker(batch);
      if (marker !== null) this.shard.endTransaction(marker.producerId, marker.isCommit);
      return;
    }
    const { baseOffset, isTransactional, producerId } = batch;
    for (const { offset, key, value } of decodeBatch(batch, BATCH_SIZE_MAX)) {
      if (key !== null)
        this.applyRecord(key, value, offset, isTransactional ? { baseOffset, producerId } : null);
    }
  }

  private applyRecord(
    key: Buffer,
    value: Buffer | null,
    offset: number,
    transaction: { readonly baseOffset: number; readonly producerId: number } | null,
  ): void {
    try {
      const record = decodeGroupRecord(key, value);
      if (record === null) this.log.debug('a record that is not of a classic group', { offset });
      else if (transaction === null) this.shard.apply(record, offset);
      else this.shard.applyInTransaction(record, transaction.baseOffset, transaction.producerId);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      this.log.warn('leaving out a record of the consumer offsets that cannot be read', {
        offset,
        reason: error.message,
      });
    }
  }
}
