import {
  ATTRIBUTE_DELETE_HORIZON,
  BATCH_HEADER_SIZE,
  CompressionType,
  NO_TIMESTAMP,
  encodeEmptyBatch,
  writeBatchHeader,
} from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { checkedRecordCount } from '@odradek/protocol/records/record-batch.ts';
import { RecordScanner } from '@odradek/protocol/records/record-scanner.ts';
import { varlongSize, writeVarint, writeVarlong } from '@odradek/protocol/records/varint.ts';
import type { Codecs } from '../../ports/codecs.ts';
import type { RecordBytes } from './record-visits.ts';
import { RECORDS_PER_TURN, laterCall } from '../work.ts';
import type { Work } from '../work.ts';

/** By how much the varints of one record, its size and its timestamp, can grow. */
const RECORD_GROWTH_MAX = 14;

/** What stays of a batch. */
export interface KeptRecords {
  /** By index of the record. */
  readonly isKept: Uint8Array;
  /** How many are, at least 1. */
  readonly keptCount: number;
  /** To be set; null to leave it as it is. */
  readonly horizonMs: number | null;
}

/**
 * A batch of format v2 with some of its records, and all else as it was: offsets, sequence numbers and epochs.
 * Records are copied byte by byte; only their timestamps are written anew when the batch gets a delete horizon,
 * which stands in place of the timestamp that they are relative to (KIP-534).
 */
export function* rebuildBatch(
  header: BatchHeader,
  records: RecordBytes,
  kept: KeptRecords,
  codecs: Codecs,
): Work<Buffer> {
  const { keptCount, horizonMs } = kept;
  const baseTimestamp = horizonMs ?? header.baseTimestamp;
  const copied = yield* copyRecords(header, records, kept, baseTimestamp);
  const batch = yield* packed(header, copied.batch, codecs);
  writeBatchHeader(batch, 0, {
    ...fieldsOf(header),
    attributes: header.attributes | (horizonMs === null ? 0 : ATTRIBUTE_DELETE_HORIZON),
    sizeBytes: batch.length,
    baseTimestamp,
    maxTimestamp: header.timestampType === 'log-append' ? header.maxTimestamp : copied.maxTimestamp,
    recordCount: keptCount,
  });
  return batch;
}

/** A batch without records that still tells offsets and sequence numbers. */
export function emptiedBatch(header: BatchHeader): Buffer {
  const { attributes, maxTimestamp } = header;
  return encodeEmptyBatch({
    ...fieldsOf(header),
    // Nothing is left to be compressed, and no tombstone that a horizon would be for.
    attributes: attributes & ~ATTRIBUTE_DELETE_HORIZON & ~COMPRESSION_MASK,
    maxTimestamp,
  });
}

const COMPRESSION_MASK = 0x07;

function fieldsOf(header: BatchHeader) {
  const { baseOffset, partitionLeaderEpoch, lastOffsetDelta, producerId, producerEpoch, baseSequence } =
    header;
  return { baseOffset, partitionLeaderEpoch, lastOffsetDelta, producerId, producerEpoch, baseSequence };
}

function* copyRecords(
  header: BatchHeader,
  { bytes, start, end }: RecordBytes,
  { isKept, keptCount }: KeptRecords,
  baseTimestamp: number,
): Work<{ batch: Buffer; maxTimestamp: number }> {
  const shift = baseTimestamp - header.baseTimestamp;
  const growth = shift === 0 ? 0 : keptCount * RECORD_GROWTH_MAX;
  const target = Buffer.allocUnsafe(BATCH_HEADER_SIZE + (end - start) + growth);
  const count = checkedRecordCount(header, end - start);
  const scanner = new RecordScanner();
  scanner.reset(bytes, start, end);
  let maxTimestamp = NO_TIMESTAMP;
  let at = BATCH_HEADER_SIZE;
  for (let i = 0; i < count; i++) {
    if (i % RECORDS_PER_TURN === RECORDS_PER_TURN - 1) yield { ioBytes: 0, records: RECORDS_PER_TURN };
    const recordStart = scanner.position;
    scanner.next();
    if (isKept[i] === 0) continue;
    maxTimestamp = Math.max(maxTimestamp, header.baseTimestamp + scanner.timestampDelta);
    if (shift === 0) at += bytes.copy(target, at, recordStart, scanner.position);
    else at = copyShifted(bytes, scanner, target, at, scanner.timestampDelta - shift);
  }
  return { batch: target.subarray(0, at), maxTimestamp };
}

function copyShifted(
  bytes: Buffer,
  { restStart, position: recordEnd }: RecordScanner,
  target: Buffer,
  start: number,
  timestampDelta: number,
): number {
  const bodySize = 1 + varlongSize(timestampDelta) + (recordEnd - restStart);
  let at = writeVarint(target, start, bodySize);
  target[at++] = 0;
  at = writeVarlong(target, at, timestampDelta);
  return at + bytes.copy(target, at, restStart, recordEnd);
}

function* packed({ compression }: BatchHeader, batch: Buffer, codecs: Codecs): Work<Buffer> {
  if (compression === CompressionType.NONE) return batch;
  const uncompressed = batch.subarray(BATCH_HEADER_SIZE);
  const records = yield* laterCall<Buffer>((done) => codecs.compress(compression, uncompressed, done));
  return Buffer.concat([batch.subarray(0, BATCH_HEADER_SIZE), records]);
}
