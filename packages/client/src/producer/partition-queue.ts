import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { incrementSequence, type CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { BATCH_OVERHEAD_BYTES, type Batch, type BatchRecord } from './batch.ts';
import type { Identity } from './producer-identity.ts';

export interface FreezeOptions {
  readonly compression: CompressionType;
  readonly isTransactional: boolean;
}

/** Within this time after an acknowledgement the leader surely knows what it has of a producer. */
const KNOWN_FOR_MS = 60_000;

/**
 * The batches of one partition in the order in which they must be written. Lives as long as the producer: it holds the
 * sequence number.
 *
 * Several may be in flight, sent to one leader one after the other under one identity, of which that leader has
 * acknowledged a batch not long ago: so it knows which sequence number comes next, and whatever becomes of a batch,
 * it refuses those behind it (OUT_OF_ORDER_SEQUENCE_NUMBER) until that one is there. What came back goes out again one
 * at a time, the first one first.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  private readonly batches: Batch[] = [];
  private readonly sent: Batch[] = [];
  private sentCount = 0;
  private sequenceGeneration = 0;
  private nextSequence = 0;
  private knownGeneration = -1;
  private knownUntilMs = 0;
  /** To which node those in flight were sent. */
  private sentTo = -1;

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

  /** In the order in which they were sent. */
  get inFlight(): readonly Batch[] {
    return this.sent;
  }

  /** The newest batch, if the record may still go into it. */
  openFor(record: BatchRecord, batchSizeBytes: number): Batch | null {
    const batch = this.batches.at(-1);
    if (batch === undefined || !batch.isOpen || batch.attempts > 0) return null;
    return batch.sizeBytes + record.sizeBytes > batchSizeBytes ? null : batch;
  }

  append(batch: Batch): void {
    this.batches.push(batch);
  }

  /** Whether the head may be sent although others are in flight. @param generation of the present identity */
  mayFollow(nodeId: number, generation: number, nowMs: number): boolean {
    if (this.sentTo !== nodeId || this.knownGeneration !== generation || nowMs > this.knownUntilMs)
      return false;
    const isSound = ({ attempts, isDisplaced, identity }: Batch): boolean =>
      attempts === 1 && !isDisplaced && identity?.generation === generation;
    return this.batches[0]?.attempts === 0 && this.sent.every(isSound);
  }

  /** Takes the head out, to be sent. */
  take(nodeId: number): Batch {
    const batch = this.batches.shift()!;
    if (batch.order === Infinity) batch.order = this.sentCount++;
    this.sent.push(batch);
    this.sentTo = nodeId;
    return batch;
  }

  /** The batch is in flight no more. */
  settle(batch: Batch): void {
    const at = this.sent.indexOf(batch);
    if (at >= 0) this.sent.splice(at, 1);
  }

  /** The leader has it, and knows what comes next. */
  noteWritten({ identity }: Batch, nowMs: number): void {
    if (identity === null) return;
    this.knownGeneration = identity.generation;
    this.knownUntilMs = nowMs + KNOWN_FOR_MS;
  }

  /** Takes the head out for good, whatever is in flight. */
  dropHead(): void {
    this.batches.shift();
  }

  /** Puts batches that were sent back in their places, before all that were not. */
  putBack(...batches: Batch[]): void {
    const order = batches[0]!.order;
    const behind = this.batches.findIndex((batch) => batch.order > order);
    this.batches.splice(behind === -1 ? this.batches.length : behind, 0, ...batches);
  }

  /** Whether it is not known yet what becomes of something that was sent before it. */
  hasUnsettledBefore(batch: Batch): boolean {
    const isBefore = ({ order }: Batch): boolean => order < batch.order;
    return this.batches.some(isBefore) || this.sent.some(isBefore);
  }

  /** Takes out every batch that waits, for good. */
  drain(): Batch[] {
    return this.batches.splice(0);
  }

  /** As `drain`, of those in flight. */
  drainInFlight(): Batch[] {
    return this.sent.splice(0);
  }

  /**
   * Gives the batch its bytes, and with an identity its sequence number, unless it has them from an earlier
   * attempt. Those of a former identity change when no broker can have seen them.
   */
  freeze(batch: Batch, identity: Identity | null, given: FreezeOptions): Buffer {
    const isOld = batch.identity !== null && batch.identity.generation !== identity?.generation;
    if (isOld && batch.isSurelyUnwritten) batch.thaw();
    if (batch.encoded !== null) return batch.encoded;
    if (identity !== null) batch.identity = this.sequenceFor(batch, identity);
    batch.encoded = encodeRecordBatch({ records: batch.records, ...given, ...batch.identity });
    return batch.encoded;
  }

  /** The batch was surely not written: its sequence numbers go to whatever comes next. */
  giveBackSequence(batch: Batch): void {
    const { identity } = batch;
    if (identity === null || identity.generation !== this.sequenceGeneration) return;
    this.nextSequence = identity.baseSequence;
    const isBehind = (other: Batch): boolean =>
      other !== batch && other.order > batch.order && other.identity?.generation === identity.generation;
    for (const other of this.sent.filter(isBehind)) other.isDisplaced = true;
    for (const other of this.batches.filter(isBehind)) other.thaw();
  }

  private sequenceFor(batch: Batch, identity: Identity): Batch['identity'] {
    const { producerId, producerEpoch, generation } = identity;
    if (this.sequenceGeneration !== generation) {
      this.sequenceGeneration = generation;
      this.nextSequence = 0;
    }
    const baseSequence = this.nextSequence;
    this.nextSequence = incrementSequence(baseSequence, batch.records.length);
    return { producerId, producerEpoch, baseSequence, generation };
  }
}

/** The largest record that can travel in a request of this size. */
export function recordSizeMaxBytes(requestSizeMaxBytes: number): number {
  return requestSizeMaxBytes - BATCH_OVERHEAD_BYTES;
}
