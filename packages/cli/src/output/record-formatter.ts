import type { TopicPartition } from '@odradek/client/cluster/topic-partition.ts';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import { endByte, type Framing } from '../framing.ts';
import { jsonBytes, jsonHeaders } from '../record-json.ts';

export const PRINTABLE_FIELDS = [
  'topic',
  'partition',
  'offset',
  'timestamp',
  'headers',
  'key',
  'value',
] as const;
export type PrintableField = (typeof PRINTABLE_FIELDS)[number];

export interface RecordFormat {
  /** One JSON object per record instead of the fields. */
  readonly json: boolean;
  readonly fields: readonly PrintableField[];
  readonly separator: string;
  /** In place of a null key, value or header value. */
  readonly nullMarker: string;
  readonly framing: Framing;
}

/** Appends the bytes of one record to a list of buffers. */
export type RecordFormatter = (at: TopicPartition, record: DecodedRecord, into: Buffer[]) => void;

/** Keys and values are written as they are, byte by byte, except in JSON. */
export function recordFormatter(format: RecordFormat): RecordFormatter {
  const end = Buffer.from([endByte(format.framing)]);
  if (format.json) {
    return (at, record, into) => void into.push(Buffer.from(recordJson(at, record)), end);
  }
  const separator = Buffer.from(format.separator);
  const nothing = Buffer.from(format.nullMarker);
  return (at, record, into) => {
    for (const [index, field] of format.fields.entries()) {
      if (index > 0) into.push(separator);
      into.push(fieldBytes(field, at, record, nothing));
    }
    into.push(end);
  };
}

function recordJson({ topic, partition }: TopicPartition, record: DecodedRecord): string {
  const { offset, timestamp, key, value, headers } = record;
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    key: jsonBytes(key),
    value: jsonBytes(value),
    headers: jsonHeaders(headers),
  });
}

function fieldBytes(
  field: PrintableField,
  at: TopicPartition,
  record: DecodedRecord,
  nothing: Buffer,
): Buffer {
  switch (field) {
    case 'key':
    case 'value':
      return record[field] ?? nothing;
    case 'headers':
      return headerBytes(record, nothing);
    case 'topic':
    case 'partition':
      return Buffer.from(String(at[field]));
    case 'offset':
    case 'timestamp':
      return Buffer.from(String(record[field]));
  }
}

/** `name=value` for each, with commas between. */
function headerBytes({ headers }: DecodedRecord, nothing: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (const [index, { key, value }] of headers.entries()) {
    parts.push(Buffer.from(`${index > 0 ? ',' : ''}${key}=`), value ?? nothing);
  }
  return Buffer.concat(parts);
}
