import type { ProducerRecord } from '@odradek/client';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { DecodedRecord, RecordHeader } from '@odradek/protocol/records/record.ts';
import type { SpooledRecord } from './spool-options.ts';

/** Where a record is to go, as a header in front of its own. */
const TARGET_HEADER = 'spool.target';

const BATCH_MAX_BYTES = 256 * 1024 * 1024;

/** One batch of the log for records that were appended at the same time. */
export function batchOf(records: readonly ProducerRecord[], nowMs: number): Buffer {
  return encodeRecordBatch({
    records: records.map((record) => ({
      key: record.key ?? null,
      value: record.value,
      headers: [targetHeader(record), ...(record.headers ?? [])],
      timestamp: record.timestamp ?? nowMs,
    })),
  });
}

/** The records of whole batches from a sequence number on. What is left of the bytes is the begin of a batch. */
export function recordsIn(bytes: Buffer, from: number): SpooledRecord[] {
  const records: SpooledRecord[] = [];
  for (const header of batchesOf(bytes)) {
    for (const record of decodeBatch(header, BATCH_MAX_BYTES)) {
      if (record.offset >= from) records.push(spooled(record));
    }
  }
  return records;
}

function targetHeader({ topic, partition }: ProducerRecord): RecordHeader {
  const target = partition === undefined ? topic : `${topic} ${partition}`;
  return { key: TARGET_HEADER, value: Buffer.from(target) };
}

function spooled({ offset, key, value, headers, timestamp }: DecodedRecord): SpooledRecord {
  const [target, ...own] = headers;
  const [topic, partition] = String(target!.value).split(' ');
  const at = partition === undefined ? {} : { partition: Number(partition) };
  return { sequence: offset, topic: topic!, ...at, key, value, headers: own, timestamp };
}
