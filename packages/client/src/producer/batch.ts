import type { RecordHeader, RecordInput } from '@odradek/protocol/records/record.ts';

/** Where a record ended up. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 when the broker did not tell: with acks 0, or when a retry found the record written already. */
  readonly offset: number;
  /** Milliseconds since 1970: the record's own, or the broker's where the topic says so. */
  readonly timestamp: number;
}

/** Called once for every record: with an error or with where it is. Must not throw. */
export type Settled = (error: Error | null, metadata: RecordMetadata | null) => void;

export interface BatchRecord extends RecordInput {
  readonly sizeBytes: number;
  /** Of `Outstanding`: which flushes wait for it. */
  readonly generation: number;
  readonly settled: Settled;
}

/** Length, attributes, deltas, key and value lengths, header count: the most that they can take together. */
const RECORD_OVERHEAD_MAX_BYTES = 5 + 1 + 10 + 5 + 5 + 5 + 5;
const HEADER_OVERHEAD_MAX_BYTES = 5 + 5;

/** The header of a record batch. */
export const BATCH_OVERHEAD_BYTES = 61;

/** An upper bound for the bytes of a record in a batch. */
export function recordSizeBytes(
  key: Buffer | null,
  value: Buffer | null,
  headers: readonly RecordHeader[],
): number {
  let size = RECORD_OVERHEAD_MAX_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) {
    size += HEADER_OVERHEAD_MAX_BYTES + Buffer.byteLength(header.key) + (header.value?.length ?? 0);
  }
  return size;
}

/** The identity under which a batch was first sent; with its sequence it stays until the batch is settled. */
export interface BatchIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** Of the identity: sequence numbers count anew with each. */
  readonly generation: number;
}

/**
 * Records of one partition that travel together. Open until it is first sent; from then on its bytes are
 * frozen, so that a retry is the same batch for the broker.
 */
export class Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: BatchRecord[] = [];
  /** Monotonic time of the first record. */
  readonly createdAtMs: number;
  sizeBytes = BATCH_OVERHEAD_BYTES;
  encoded: Buffer | null = null;
  identity: BatchIdentity | null = null;
  attempts = 0;
  /** Its place among the batches of the partition that were sent; halves divide that of the whole. */
  order = Infinity;
  private orderWidth = 1;
  /** What went before it in the sequence will never come: no broker can have written it, and its number is to change. */
  isDisplaced = false;
  /** A broker may have written it although no answer said so. */
  isDoubtful = false;
  /** Monotonic time before which no further attempt is made. */
  notBeforeMs = 0;
  /** Who led the partition at the last failed attempt: a new leader is tried without a pause. */
  failedLeaderId: number | null = null;
  lastError: Error | null = null;

  constructor(topic: string, partition: number, createdAtMs: number) {
    this.topic = topic;
    this.partition = partition;
    this.createdAtMs = createdAtMs;
  }

  /** That of its oldest record. */
  get generation(): number {
    return this.records[0]?.generation ?? 0;
  }

  /** A leader that refused it because it leads no more may have passed it on before. */
  get isSurelyUnwritten(): boolean {
    return !this.isDoubtful && this.failedLeaderId === null;
  }

  get isOpen(): boolean {
    return this.encoded === null;
  }

  add(record: BatchRecord): void {
    this.records.push(record);
    this.sizeBytes += record.sizeBytes;
  }

  /** Drops the frozen bytes, so that the batch can go out under another identity. */
  thaw(): void {
    this.encoded = null;
    this.identity = null;
    this.isDisplaced = false;
    this.isDoubtful = false;
  }

  /** Two batches with the same records in order, for a broker that finds this one too large. */
  halves(): [Batch, Batch] {
    const middle = Math.ceil(this.records.length / 2);
    const orderWidth = this.orderWidth / 2;
    return [
      this.part(0, middle, this.order, orderWidth),
      this.part(middle, this.records.length, this.order + orderWidth, orderWidth),
    ];
  }

  private part(start: number, end: number, order: number, orderWidth: number): Batch {
    const part = new Batch(this.topic, this.partition, this.createdAtMs);
    part.order = order;
    part.orderWidth = orderWidth;
    for (const record of this.records.slice(start, end)) part.add(record);
    return part;
  }
}
