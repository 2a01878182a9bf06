import type { FetchedRecords } from '@odradek/client';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import type { FlowRecord, TopicRef } from '../topology/flow.ts';

/** What a task has read of one of its partitions and not processed yet. */
export class InputQueue {
  readonly topic: TopicRef;
  /** As the brokers know it. */
  readonly topicName: string;
  private records: { readonly record: DecodedRecord; readonly sizeBytes: number }[] = [];
  private at = 0;
  private readUpTo = -1;
  /** The head, once somebody has looked at its time. */
  head: FlowRecord<unknown, unknown> | null = null;
  sizeBytes = 0;
  /** The next offset to process; -1 before the first. */
  position = -1;
  isPaused = false;

  constructor(topic: TopicRef, name: string) {
    this.topic = topic;
    this.topicName = name;
  }

  get length(): number {
    return this.records.length - this.at;
  }

  get first(): DecodedRecord | null {
    return this.records[this.at]?.record ?? null;
  }

  add({ records, nextOffset }: FetchedRecords): void {
    if (this.length === 0) this.restart();
    for (const record of records) {
      const sizeBytes = sizeOf(record);
      this.records.push({ record, sizeBytes });
      this.sizeBytes += sizeBytes;
    }
    this.readUpTo = nextOffset;
  }

  /** The first is done. What no record stands behind, such as the end of a transaction, is done with the last. */
  shift(): void {
    const { record, sizeBytes } = this.records[this.at++]!;
    this.sizeBytes -= sizeBytes;
    this.head = null;
    this.position = this.length === 0 ? this.readUpTo : record.offset + 1;
  }

  private restart(): void {
    this.records = [];
    this.at = 0;
  }
}

function sizeOf({ key, value, headers }: DecodedRecord): number {
  const OVERHEAD_BYTES = 64;
  const ofHeaders = headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), 0);
  return OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders;
}
