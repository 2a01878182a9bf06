import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { decodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { TransactionMarker } from './producer-rules.ts';

const ABORT = 0;
const COMMIT = 1;

/** A control batch holds one record of a few bytes. */
const CONTROL_SIZE_MAX = 64 * 1024;

/**
 * The transaction marker in a control batch: the key holds a version and the type, the value a version and
 * the coordinator's epoch.
 *
 * @param header of a control batch that is in its buffer whole
 * @returns null when compaction has emptied the batch, or when it holds another kind of control record
 * @throws MalformedBytesError
 */
export function readTransactionMarker(header: BatchHeader): TransactionMarker | null {
  const [record] = decodeRecordBatch(header.buffer, header.position, { sizeMaxBytes: CONTROL_SIZE_MAX });
  if (record === undefined) return null;
  const { key, value } = record;
  if (key === null || key.length < 4) throw new MalformedBytesError('control record without a type');
  const type = key.readInt16BE(2);
  if (type !== ABORT && type !== COMMIT) return null;
  if (value === null || value.length < 6) {
    throw new MalformedBytesError('transaction marker without a coordinator epoch');
  }
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    coordinatorEpoch: value.readInt32BE(2),
    isCommit: type === COMMIT,
    offset: record.offset,
    timestamp: record.timestamp,
  };
}
