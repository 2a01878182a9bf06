import { decodeGroupRecord } from '@odradek/core/group/group-record-codec.ts';
import type { GroupShard } from '@odradek/core/group/group-shard.ts';
import { readTransactionMarker } from '@odradek/core/log/control-marker.ts';
import type { LogSlice } from '@odradek/core/log/log-slice.ts';
import type { PartitionLog } from '@odradek/core/log/partition-log.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';

/** Read at a time, so that a slow disk never keeps the loop for long. */
const SLICE_SIZE_MAX = 128 * 1024;
/** For one batch, decompressed. */
const BATCH_SIZE_MAX = 100 * 1024 * 1024;

/** Reads a partition of `__consumer_offsets` into its shard. */
export class GroupPartitionLoader {
  private readonly partitionLog: PartitionLog;
  private readonly shard: GroupShard;
  private readonly log: LogSink;
  private readonly end: number;
  private offset: number;
  /** One for all slices: what is decoded is copied. */
  private buffer: Buffer;

  /** @param bufferSize offsets.load.buffer.size */
  constructor(partitionLog: PartitionLog, shard: GroupShard, log: LogSink, bufferSize: number) {
    this.partitionLog = partitionLog;
    this.shard = shard;
    this.log = log;
    this.buffer = Buffer.allocUnsafe(Math.min(bufferSize, SLICE_SIZE_MAX));
    this.offset = partitionLog.logStartOffset;
    // Only the coordinator writes here, and it waits for this: the end stays where it is.
    this.end = partitionLog.logEndOffset;
  }

  /**
   * Applies all records. A step is one record, or reading one slice, or decompressing one batch, which the topic's
   * `max.message.bytes` bounds.
   *
   * @throws KafkaError, DiskError, MalformedBytesError when the log cannot be read
   */
  *steps(): Generator<void> {
    const sizeMax = this.buffer.length;
    while (this.offset < this.end) {
      const bytes = this.readSlice(sizeMax);
      yield;
      yield* this.applyAll(bytes);
    }
  }

  private readSlice(sizeMax: number): Buffer {
    const { slice } = this.partitionLog.read(this.offset, {
      maxBytes: sizeMax,
      minOneBatch: true,
      upTo: 'log-end',
    });
    if (slice === null) return this.buffer.subarray(0, 0);
    try {
      return this.fillFrom(slice);
    } finally {
      slice.release();
    }
  }

  private fillFrom(slice: LogSlice): Buffer {
    if (this.buffer.length < slice.sizeBytes) this.buffer = Buffer.allocUnsafe(slice.sizeBytes);
    return this.buffer.subarray(0, slice.read(this.buffer, 0, slice.sizeBytes));
  }

  private *applyAll(bytes: Buffer): Generator<void> {
    const from = this.offset;
    for (const batch of batchesOf(bytes)) {
      if (batch.lastOffset >= this.offset) yield* this.applyBatch(batch);
      this.offset = Math.max(this.offset, batch.lastOffset + 1);
    }
    // Nothing whole is left where something should be: what there is has been read.
    if (this.offset === from) this.offset = this.end;
  }

  private *applyBatch(batch: BatchHeader): Generator<void> {
    if (batch.isControl) {
      const marker = readTransactionMarker(batch);
      if (marker !== null) this.shard.endTransaction(marker.producerId, marker.isCommit);
      yield;
      return;
    }
    const { baseOffset, isTransactional, producerId } = batch;
    const transaction = isTransactional ? { baseOffset, producerId } : null;
    for (const { offset, key, value } of decodeBatch(batch, BATCH_SIZE_MAX)) {
      if (key !== null) this.applyRecord(key, value, offset, transaction);
      yield;
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
