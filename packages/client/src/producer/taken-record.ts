import type { RecordHeader } from '@odradek/protocol/records/record.ts';
import type { TopicMetadata } from '../cluster/metadata-cache.ts';
import { recordSizeBytes, type BatchRecord, type RecordMetadata, type Settled } from './batch.ts';
import type { MemoryGate } from './memory-gate.ts';
import type { Outstanding } from './outstanding.ts';
import type { ProducerRecord } from './producer-record.ts';
import type { TransactionScope } from './transactions/transactions.ts';

/** Chooses a partition of a topic, once that is known. @throws anything: the record is not sent then */
export type PartitionChooser = (topic: TopicMetadata) => number;

const NO_HEADERS: readonly RecordHeader[] = [];

/** A record in the hands of the producer, from being taken to being settled, once. */
export class TakenRecord implements BatchRecord {
  readonly topic: string;
  /** As the caller wants it, or how it is chosen, or null. */
  readonly partition: number | PartitionChooser | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  readonly timestamp: number;
  readonly sizeBytes: number;
  readonly generation: number;
  /** The transaction that it was taken in, or null. */
  readonly scope: TransactionScope | null;
  private readonly memory: MemoryGate;
  private readonly outstanding: Outstanding;
  private readonly tell: Settled;
  private holdsMemory = false;
  private wakeCaller: (() => void) | null = null;
  /** Whether the caller may go on: the record has its memory, or is settled. */
  isAdmitted = false;

  constructor(
    record: ProducerRecord,
    nowMs: number,
    memory: MemoryGate,
    outstanding: Outstanding,
    scope: TransactionScope | null,
    tell: Settled,
    choose: PartitionChooser | null = null,
  ) {
    this.topic = record.topic;
    this.partition = record.partition ?? choose;
    this.key = record.key ?? null;
    this.value = record.value;
    this.headers = record.headers ?? NO_HEADERS;
    this.timestamp = record.timestamp ?? nowMs;
    this.sizeBytes = recordSizeBytes(this.key, this.value, this.headers);
    this.generation = outstanding.started();
    this.scope = scope;
    this.memory = memory;
    this.outstanding = outstanding;
    this.tell = tell;
  }

  /** The gate has given the record its memory. */
  noteMemory(): void {
    this.holdsMemory = true;
    this.admit();
  }

  /** Lets the caller go on. */
  admit(): void {
    this.isAdmitted = true;
    this.wakeCaller?.();
  }

  whenAdmitted(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeCaller = resolve;
    });
  }

  settled(error: Error | null, metadata: RecordMetadata | null): void {
    if (this.holdsMemory) this.memory.release(this.sizeBytes);
    this.outstanding.finished(this.generation, error !== null);
    this.tell(error, metadata);
  }
}
