import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { incrementSequence, type CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { BATCH_OVERHEAD_BYTES, Batch, type BatchRecord } from './batch.ts';
import type { Identity } from './producer-identity.ts';

export interface FreezeOptions {
  readonly compression: CompressionType;
  readonly isTransactional: boolean;
}

/**
 * The batches of one partition in the order in which they must be written. At most one is in flight, so no retry
 * can overtake another batch. Lives as long as the producer: it holds the sequence number.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  private readonly batches: Batch[] = [];
  private sequenceGeneration = 0;
  private nextSequence = 0;
  inFlight: Batch | null = null;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get head(): Batch | null {
    return this.batches[0] ?? null;
  }

  /** Whether something is complete behind the head, so that the head cannot grow any more. */
  get hasSeveral(): boolean {
    return this.batches.length > 1;
  }

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  /** Appends to the newest batch, or to a new one when it is full or frozen. @returns the batch */
  add(record: BatchRecord, batchSizeBytes: number, nowMs: number): Batch {
    let batch = this.batches.at(-1);
    const isOpen = batch !== undefined && batch.isOpen && batch.attempts === 0;
    if (batch === undefined || !isOpen || batch.sizeBytes + record.sizeBytes > batchSizeBytes) {
      batch = new Batch(this.topic, this.partition, nowMs);
      this.batches.push(batch);
    }
    batch.add(record);
    return batch;
  }

  /** Takes the head out, to be sent. */
  take(): Batch {
    const batch = this.batches.shift()!;
    this.inFlight = batch;
    return batch;
  }

  /** Takes the head out for good, whatever is in flight. */
  dropHead(): void {
    this.batches.shift();
  }

  /** Puts batches back before all others, first one first. */
  putBack(...batches: Batch[]): void {
    this.batches.unshift(...batches);
  }

  /** Takes out every batch that waits, for good. */
  drain(): Batch[] {
    return this.batches.splice(0);
  }

  /**
   * Gives the batch its bytes, and with an identity its sequence number, unless it has them from an earlier
   * attempt.
   */
  freeze(batch: Batch, identity: Identity | null, given: FreezeOptions): Buffer {
    if (batch.encoded !== null) return batch.encoded;
    if (identity !== null) batch.identity = this.sequenceFor(batch, identity);
    batch.encoded = encodeRecordBatch({ records: batch.records, ...given, ...batch.identity });
    return batch.encoded;
  }

  /** The batch was surely not written: its sequence numbers go to whatever comes next. */
  giveBackSequence(batch: Batch): void {
    if (batch.identity !== null) this.nextSequence = batch.identity.baseSequence;
  }

  private sequenceFor(batch: Batch, identity: Identity): Batch['identity'] {
    if (this.sequenceGeneration !== identity.generation) {
      this.sequenceGeneration = identity.generation;
      this.nextSequence = 0;
    }
    const baseSequence = this.nextSequence;
    this.nextSequence = incrementSequence(baseSequence, batch.records.length);
    return { producerId: identity.producerId, producerEpoch: identity.producerEpoch, baseSequence };
  }
}

/** The largest record that can travel in a request of this size. */
export function recordSizeMaxBytes(requestSizeMaxBytes: number): number {
  return requestSizeMaxBytes - BATCH_OVERHEAD_BYTES;
}
