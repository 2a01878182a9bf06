import { BATCH_HEADER_SIZE, CompressionType } from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { messagesOf } from '@odradek/protocol/records/message-set.ts';
import { checkedRecordCount } from '@odradek/protocol/records/record-batch.ts';
import { RecordScanner } from '@odradek/protocol/records/record-scanner.ts';
import type { Codecs } from '../../ports/codecs.ts';
import { RECORDS_PER_TURN, laterCall } from '../work.ts';
import type { Work } from '../work.ts';

/** Largest uncompressed size of a batch that compaction looks into; one that is larger cannot be compacted. */
export const DECOMPRESSED_SIZE_MAX = 1024 * 1024 * 1024;

/** The uncompressed records of a batch of format v2. */
export interface RecordBytes {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Is shown one record: its key is `bytes[keyStart, keyStart + keySize)`; a size of -1 stands for null.
 *
 * @returns false to see no more
 */
export type RecordVisitor = (
  bytes: Buffer,
  keyStart: number,
  keySize: number,
  valueSize: number,
  offset: number,
) => boolean;

/** @returns false when the visitor had seen enough @throws MalformedBytesError */
export function* visitBatch(header: BatchHeader, codecs: Codecs, visit: RecordVisitor): Work<boolean> {
  if (header.magic < 2) return visitMessages(header, visit);
  const records = yield* uncompressedRecords(header, codecs);
  return yield* visitRecords(header, records, visit);
}

/** The uncompressed records of a batch of format v2: its own bytes where it is not compressed. @throws MalformedBytesError */
export function* uncompressedRecords(header: BatchHeader, codecs: Codecs): Work<RecordBytes> {
  const start = header.position + BATCH_HEADER_SIZE;
  const { buffer, end, compression } = header;
  if (compression === CompressionType.NONE) return { bytes: buffer, start, end };
  const packed = buffer.subarray(start, end);
  const bytes = yield* laterCall<Buffer>((done) =>
    codecs.decompress(compression, packed, DECOMPRESSED_SIZE_MAX, done),
  );
  return { bytes, start: 0, end: bytes.length };
}

/** As `visitBatch`, for a batch of format v2 that was decompressed. */
export function* visitRecords(
  header: BatchHeader,
  { bytes, start, end }: RecordBytes,
  visit: RecordVisitor,
): Work<boolean> {
  const count = checkedRecordCount(header, end - start);
  const { baseOffset } = header;
  const scanner = new RecordScanner();
  scanner.reset(bytes, start, end);
  for (let i = 0; i < count; i++) {
    scanner.next();
    const { keyStart, keySize, valueSize, offsetDelta } = scanner;
    if (!visit(bytes, keyStart, keySize, valueSize, baseOffset + offsetDelta)) return false;
    if (i % RECORDS_PER_TURN === RECORDS_PER_TURN - 1) yield { ioBytes: 0, records: RECORDS_PER_TURN };
  }
  yield { ioBytes: 0, records: count % RECORDS_PER_TURN };
  return true;
}

/** Old formats in one go: a set of them holds no more than one batch. */
function visitMessages(header: BatchHeader, visit: RecordVisitor): boolean {
  for (const { key, value, offset } of messagesOf(header, DECOMPRESSED_SIZE_MAX)) {
    const size = key?.length ?? -1;
    if (!visit(key ?? EMPTY, 0, size, value?.length ?? -1, offset)) return false;
  }
  return true;
}

const EMPTY = Buffer.alloc(0);
