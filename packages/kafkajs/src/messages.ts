import type { ProducerRecord } from '@odradek/client/index.ts';
import type { DecodedRecord, RecordHeader } from '@odradek/protocol/records/record.ts';

export interface IHeaders {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined;
}

export interface Message {
  readonly key?: Buffer | string | null;
  /** Null is a tombstone. */
  readonly value: Buffer | string | null;
  readonly partition?: number | null;
  readonly headers?: IHeaders;
  /** Milliseconds since 1970. */
  readonly timestamp?: string;
}

export interface KafkaMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since 1970. */
  readonly timestamp: string;
  readonly attributes: number;
  readonly offset: string;
  readonly headers: IHeaders;
}

type RecordContent = Omit<ProducerRecord, 'topic' | 'partition'>;

/** What a message holds, as our producer takes it. */
export function recordContent({ key, value, headers, timestamp }: Message): RecordContent {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    ...(headers === undefined || headers === null ? {} : { headers: headerList(headers) }),
    ...(timestamp === undefined || timestamp === null ? {} : { timestamp: Number(timestamp) }),
  };
}

function bytesOf(content: Buffer | string | null | undefined): Buffer | null {
  if (content === undefined || content === null) return null;
  return Buffer.isBuffer(content) ? content : Buffer.from(String(content));
}

/** A list under one name stands for several headers of that name. */
function headerList(headers: IHeaders): RecordHeader[] {
  return Object.entries(headers).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const values = Array.isArray(value)
      ? (value as readonly (Buffer | string)[])
      : [value as Buffer | string];
    return values.map((one) => ({ key, value: bytesOf(one) }));
  });
}

/** A record as KafkaJS's handlers get it. */
export function kafkaMessage({ key, value, timestamp, offset, headers }: DecodedRecord): KafkaMessage {
  return {
    key,
    value,
    timestamp: String(timestamp),
    attributes: 0,
    offset: String(offset),
    headers: headerObject(headers),
  };
}

function headerObject(headers: readonly RecordHeader[]): IHeaders {
  const object: Record<string, Buffer | Buffer[]> = {};
  for (const { key, value } of headers) {
    // KafkaJS's types leave out that a header may have no value; its programs get null all the same.
    const given = value as Buffer;
    const before = Object.hasOwn(object, key) ? object[key] : undefined;
    // A header may be called __proto__: an assignment would lose it.
    Object.defineProperty(object, key, {
      value: before === undefined ? given : [...(Array.isArray(before) ? before : [before]), given],
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}
