import type { FetchedRecords } from '@odradek/client/index.ts';
import { kafkaMessage, type KafkaMessage } from '../messages.ts';

/** Messages of one partition, in order, as KafkaJS's handlers get them. */
export class Batch {
  readonly topic: string;
  readonly partition: number;
  /** End of what may be read when the broker answered. */
  readonly highWatermark: string;
  readonly messages: KafkaMessage[];
  private readonly nextOffset: number;
  private readonly end: number;

  constructor(fetched: FetchedRecords) {
    this.topic = fetched.topic;
    this.partition = fetched.partition;
    this.end = fetched.highWatermark < 0 ? fetched.nextOffset : fetched.highWatermark;
    this.highWatermark = String(this.end);
    this.messages = fetched.records.map(kafkaMessage);
    this.nextOffset = fetched.nextOffset;
  }

  isEmpty(): boolean {
    return this.messages.length === 0;
  }

  firstOffset(): string | null {
    return this.messages[0]?.offset ?? null;
  }

  /** With what is not delivered behind the last message: control records, aborted and compacted ones. */
  lastOffset(): string {
    return String(this.nextOffset - 1);
  }

  /** How many offsets follow the last one. */
  offsetLag(): string {
    return String(Math.max(this.end - this.nextOffset, 0));
  }

  /** How many offsets follow the first one. */
  offsetLagLow(): string {
    const first = this.firstOffset();
    return first === null ? '0' : String(Math.max(this.end - 1 - Number(first), 0));
  }
}
