import type { RecordHeader } from '@odradek/protocol/records/record.ts';

/** A record to be sent. */
export interface ProducerRecord {
  readonly topic: string;
  /** Else chosen by the key, as all Kafka clients do; without a key some partition. */
  readonly partition?: number;
  readonly key?: Buffer | null;
  /** Null is a tombstone: the key's end in a compacted topic. */
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970. Default now. */
  readonly timestamp?: number;
}
