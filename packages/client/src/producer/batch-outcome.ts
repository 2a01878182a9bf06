import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Batch, RecordMetadata } from './batch.ts';
import type { PartitionResult } from './produce-exchange.ts';

/** Written, but nobody said where. */
export const WRITTEN_UNSEEN: PartitionResult = {
  errorCode: ErrorCode.NONE,
  errorMessage: null,
  baseOffset: -1,
  logAppendTimeMs: -1,
  recordErrors: new Map(),
};

/** Tells every record where it is. */
export function succeed(batch: Batch, result: PartitionResult): void {
  const { topic, partition } = batch;
  for (let i = 0; i < batch.records.length; i++) {
    const record = batch.records[i]!;
    const offset = result.baseOffset < 0 ? -1 : result.baseOffset + i;
    const timestamp = result.logAppendTimeMs === -1 ? record.timestamp : result.logAppendTimeMs;
    const metadata: RecordMetadata = { topic, partition, offset, timestamp };
    record.settled(null, metadata);
  }
}

/** Tells every record why it is nowhere. */
export function fail(batch: Batch, error: Error | ((index: number) => Error)): void {
  const errorOf = typeof error === 'function' ? error : () => error;
  batch.records.forEach((record, index) => record.settled(errorOf(index), null));
}
