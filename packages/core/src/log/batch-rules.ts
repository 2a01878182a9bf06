import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import {
  batchesOf,
  CompressionType,
  computeBatchCrc,
  NO_PRODUCER_ID,
  type BatchHeader,
} from '@odradek/protocol/records/batch-header.ts';
import type { ValidationSettings } from './validation-settings.ts';

/** The whole batches, each with a size that is allowed and a right checksum. */
export function analyzeBatches(records: Buffer, settings: ValidationSettings): BatchHeader[] {
  let batches: BatchHeader[];
  try {
    batches = [...batchesOf(records)];
  } catch (error) {
    if (error instanceof MalformedBytesError) throw corrupt(error.message);
    throw error;
  }
  checkAgainstRequest(batches, settings);
  for (const batch of batches) {
    if (settings.origin === 'client' && batch.magic === 2 && batch.baseOffset !== 0) {
      throw invalidRecord(`a producer's batch begins at offset 0, not at ${batch.baseOffset}`);
    }
    checkSize(batch.sizeBytes, settings);
    const crc = computeBatchCrc(batch);
    if (batch.crc !== crc) throw corrupt(`checksum is ${crc}, the batch says ${batch.crc}`);
    if (batch.compression > CompressionType.ZSTD) {
      throw new KafkaError(
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        `compression type ${batch.compression} is none of 0 to 4`,
      );
    }
  }
  return batches;
}

/** Since version 3 a produce request brings one batch of format v2; older ones may bring anything. */
function checkAgainstRequest(batches: readonly BatchHeader[], settings: ValidationSettings): void {
  const version = settings.requestVersion;
  if (version === null || version < 3) return;
  const first = batches[0];
  if (first === undefined) throw invalidRecord('no whole record batch in the request');
  if (first.magic !== 2) {
    throw invalidRecord(`records of format v${first.magic} in a produce request of version ${version}`);
  }
  if (version < 7 && first.compression === CompressionType.ZSTD) {
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `zstd is not allowed in a produce request of version ${version}`,
    );
  }
  if (batches.length > 1) throw invalidRecord(`${batches.length} batches where only one is allowed`);
}

export function checkSize(sizeBytes: number, settings: ValidationSettings): void {
  if (sizeBytes <= settings.maxMessageBytes) return;
  throw new KafkaError(
    ErrorCode.MESSAGE_TOO_LARGE,
    `batch of ${sizeBytes} bytes, max.message.bytes is ${settings.maxMessageBytes}`,
  );
}

export function checkBatch(batch: BatchHeader, first: BatchHeader, settings: ValidationSettings): void {
  if (batch.magic !== first.magic) {
    throw invalidRecord(`batch of format v${batch.magic} after one of format v${first.magic}`);
  }
  if (settings.origin !== 'client' || batch.magic < 2) return;
  const count = batch.recordCount!;
  if (count <= 0 || batch.lastOffsetDelta + 1 !== count) {
    throw invalidRecord(`batch of ${count} records whose last offset delta is ${batch.lastOffsetDelta}`);
  }
  if (batch.isControl) throw invalidRecord('control records come from brokers only');
  if (batch.producerId !== NO_PRODUCER_ID && batch.baseSequence < 0) {
    throw invalidRecord(`sequence ${batch.baseSequence} from producer ${batch.producerId}`);
  }
}

export function invalidRecord(message: string, cause?: Error): KafkaError {
  return new KafkaError(ErrorCode.INVALID_RECORD, message, { cause });
}

export function corrupt(message: string): KafkaError {
  return new KafkaError(ErrorCode.CORRUPT_MESSAGE, message);
}
