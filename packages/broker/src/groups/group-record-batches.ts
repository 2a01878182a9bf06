import type { GroupWrite } from '@odradek/core/group/group-commands.ts';
import { encodeGroupRecord } from '@odradek/core/group/group-record-codec.ts';
import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import type { RecordInput } from '@odradek/protocol/records/record.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';

/** Where what may be cut is cut, in bytes of keys and values: far below what a topic takes as one batch. */
const BATCH_SIZE_TARGET = 256 * 1024;

/** The records of a write as they are appended: one batch, or several where it may be cut. */
export function encodeWrite(write: GroupWrite, compression: CompressionType, nowWallMs: number): Buffer {
  const records = write.records.map((record) => ({ ...encodeGroupRecord(record), timestamp: nowWallMs }));
  const pieces = write.divisible ? cut(records) : [records];
  const batches = pieces.map((piece) => encodeRecordBatch({ records: piece, compression }));
  return batches.length === 1 ? batches[0]! : Buffer.concat(batches);
}

function cut(records: readonly RecordInput[]): RecordInput[][] {
  const pieces: RecordInput[][] = [];
  let sizeBytes = Infinity;
  for (const record of records) {
    const recordSize = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (sizeBytes + recordSize > BATCH_SIZE_TARGET) {
      pieces.push([]);
      sizeBytes = 0;
    }
    pieces.at(-1)!.push(record);
    sizeBytes += recordSize;
  }
  return pieces;
}
