import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { NO_PRODUCER_ID, batchCrcValid, batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { producedBatchOf, stageBatch } from './producer-replay.ts';
import type { ProducerBatch } from './producer-rules.ts';
import { ProducerUpdate } from './producer-states.ts';
import type { ProducerStates } from './producer-states.ts';
import type { AppendOrigin } from './validation-settings.ts';
import { factsOf } from './segment.ts';
import type { AppendedBatch } from './segment.ts';

/** Batches in their final form, and what will be known once they are written. */
export interface AppendPlan {
  /** The whole batches and nothing else. */
  readonly records: Buffer;
  /** One for each, at least one. */
  readonly batches: readonly AppendedBatch[];
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly producers: ProducerUpdate | null;
  /** Leader epochs that begin in these batches, ascending. */
  readonly leaderEpochs: readonly { readonly epoch: number; readonly startOffset: number }[];
}

/** The batch of a client that was appended before. */
export interface RepeatedBatch {
  readonly duplicateOf: ProducerBatch;
}

/**
 * Walks the headers once and applies the rules for producers.
 *
 * @param records at least one batch, numbered; a partial one at the end is left out
 * @param latestEpoch the latest leader epoch in the log
 * @throws KafkaError when a rule is broken
 */
export function planAppend(
  records: Buffer,
  origin: AppendOrigin,
  producers: ProducerStates,
  latestEpoch: number,
): AppendPlan | RepeatedBatch {
  const batches: AppendedBatch[] = [];
  const leaderEpochs: { epoch: number; startOffset: number }[] = [];
  let update: ProducerUpdate | null = null;
  let maxTimestamp = -1;
  let epoch = latestEpoch;
  let end = 0;
  for (const header of batchesOf(records)) {
    const facts = factsOf(header);
    batches.push(facts);
    end += facts.sizeBytes;
    if (facts.maxTimestamp > maxTimestamp) maxTimestamp = facts.maxTimestamp;
    if (header.partitionLeaderEpoch > epoch) {
      epoch = header.partitionLeaderEpoch;
      leaderEpochs.push({ epoch, startOffset: facts.baseOffset });
    }
    if (header.producerId === NO_PRODUCER_ID) continue;
    const duplicateOf = origin === 'client' ? producers.duplicateOf(producedBatchOf(header)) : null;
    if (duplicateOf !== null) return { duplicateOf };
    update ??= new ProducerUpdate();
    stageBatch(producers, update, header, origin);
  }
  return {
    records: end === records.length ? records : records.subarray(0, end),
    batches,
    firstOffset: batches[0]!.baseOffset,
    lastOffset: batches.at(-1)!.lastOffset,
    maxTimestamp,
    producers: update,
    leaderEpochs,
  };
}

/** The first batch of what a leader sent. */
export interface ReplicatedStart {
  readonly baseOffset: number;
  readonly lastOffset: number;
}

/**
 * Checks what a leader sent: every checksum, and that offsets ascend.
 *
 * @returns the first batch, or null when there is no whole one
 * @throws KafkaError CORRUPT_MESSAGE, OFFSET_OUT_OF_RANGE
 * @throws MalformedBytesError when the bytes are no batches
 */
export function checkReplicated(records: Buffer): ReplicatedStart | null {
  let first: ReplicatedStart | null = null;
  let lastOffset = -1;
  for (const header of batchesOf(records)) {
    if (!batchCrcValid(records, header.position)) {
      throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `batch at offset ${header.baseOffset} is damaged`);
    }
    if (header.baseOffset <= lastOffset) throw notInOrder(header.baseOffset, lastOffset + 1);
    lastOffset = header.lastOffset;
    first ??= { baseOffset: header.baseOffset, lastOffset };
  }
  return first;
}

/** A batch does not begin where it must. */
export function notInOrder(offset: number, expected: number): KafkaError {
  return new KafkaError(
    ErrorCode.OFFSET_OUT_OF_RANGE,
    `a batch begins at offset ${offset} where ${expected} is expected`,
  );
}
