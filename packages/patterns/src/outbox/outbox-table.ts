import type { ProducerRecord } from '@odradek/client';
import { recordFault } from '@odradek/client/producer/record-fault.ts';
import { MESSAGE_ID_HEADER } from '../idempotent/message-id.ts';

/** A row that is to be sent. */
export interface OutboxRow {
  /** By which rows of one key stand in the order of their commits. */
  readonly id: bigint;
  readonly record: ProducerRecord;
}

/** Where a relay finds what applications added, and takes away what was sent. */
export interface OutboxTable {
  /** @returns lets go; null while another relay leads */
  lead(): Promise<(() => Promise<void>) | null>;
  /** The first rows that are visible, ascending. @throws when the database cannot be asked, or leadership was lost */
  read(limit: number): Promise<readonly OutboxRow[]>;
  remove(ids: readonly bigint[]): Promise<void>;
}

/** What the columns of a row hold. */
export interface OutboxColumns {
  readonly id: bigint;
  readonly messageId: string;
  readonly topic: string;
  readonly partition: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** JSON: pairs of a name and Base64, or null. */
  readonly headers: string;
}

export function rowOf({ id, messageId, topic, partition, key, value, headers }: OutboxColumns): OutboxRow {
  const pairs = JSON.parse(headers) as [string, string | null][];
  const own = pairs.map(([name, text]) => ({
    key: name,
    value: text === null ? null : Buffer.from(text, 'base64'),
  }));
  return {
    id,
    record: {
      topic,
      ...(partition === null ? {} : { partition }),
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [...own, { key: MESSAGE_ID_HEADER, value: Buffer.from(messageId) }],
    },
  };
}

/** What goes into the columns from `topic` on. @throws ClientError BAD_RECORD for what no relay could ever send */
export function columnsOf(
  record: ProducerRecord,
): [topic: string, partition: number | null, key: Buffer | null, value: Buffer | null, headers: string] {
  const fault = recordFault(record, Infinity);
  if (fault !== null) throw fault;
  const { topic, partition = null, key = null, value, headers = [] } = record;
  const pairs = headers.map((header) => [header.key, header.value?.toString('base64') ?? null]);
  return [topic, partition, key, value, JSON.stringify(pairs)];
}
