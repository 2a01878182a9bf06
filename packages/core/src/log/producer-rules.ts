import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { NO_PRODUCER_EPOCH, NO_SEQUENCE, decrementSequence } from '@odradek/protocol/records/batch-header.ts';

import type { AppendOrigin } from './validation-settings.ts';

/** Batches remembered per producer; also how many a producer may have in flight (KIP-98). */
export const BATCHES_REMEMBERED = 5;

/** One of a producer's last batches. */
export interface ProducerBatch {
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** Last offset less first offset; sequence numbers span as much. */
  readonly offsetDelta: number;
  readonly timestamp: number;
}

/** What a partition knows of one producer. */
export interface ProducerEntry {
  readonly producerId: number;
  /** -1 when nothing was written under any epoch. */
  readonly epoch: number;
  /** Of the transaction coordinator that wrote the last marker, -1 when none did. */
  readonly coordinatorEpoch: number;
  /** Of the last batch or marker, in ms since 1970. */
  readonly lastTimestamp: number;
  /** Where the open transaction begins, or null. */
  readonly transactionFirstOffset: number | null;
  /** The last batches of the epoch, oldest first. */
  readonly batches: readonly ProducerBatch[];
}

/** A data batch as far as the rules look at it; its offsets are final. */
export interface ProducedBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly isTransactional: boolean;
}

/** The end of a transaction, as its marker says. */
export interface TransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  readonly offset: number;
  readonly timestamp: number;
}

export interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Of the marker. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
}

export function firstSequenceOf(batch: ProducerBatch): number {
  return decrementSequence(batch.lastSequence, batch.offsetDelta);
}

export function firstOffsetOf(batch: ProducerBatch): number {
  return batch.lastOffset - batch.offsetDelta;
}

export function emptyEntry(producerId: number): ProducerEntry {
  return {
    producerId,
    epoch: NO_PRODUCER_EPOCH,
    coordinatorEpoch: -1,
    lastTimestamp: -1,
    transactionFirstOffset: null,
    batches: [],
  };
}

/** The remembered batch that `batch` repeats, or null: same epoch, same first and last sequence. */
export function findDuplicate(entry: ProducerEntry, batch: ProducedBatch): ProducerBatch | null {
  if (entry.epoch !== batch.producerEpoch) return null;
  for (const known of entry.batches) {
    if (known.lastSequence === batch.lastSequence && firstSequenceOf(known) === batch.baseSequence) {
      return known;
    }
  }
  return null;
}

/**
 * The entry after a data batch.
 *
 * @throws KafkaError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_TXN_STATE
 */
export function afterBatch(entry: ProducerEntry, batch: ProducedBatch, origin: AppendOrigin): ProducerEntry {
  if (origin !== 'replication') checkEpoch(entry, batch.producerEpoch);
  if (origin === 'client') checkSequence(entry, batch);
  if (entry.transactionFirstOffset !== null && !batch.isTransactional) {
    throw new KafkaError(
      ErrorCode.INVALID_TXN_STATE,
      `producer ${entry.producerId} wrote outside its transaction, which is open since offset ${entry.transactionFirstOffset}`,
    );
  }
  const kept = entry.epoch === batch.producerEpoch ? entry.batches.slice(1 - BATCHES_REMEMBERED) : [];
  kept.push({
    lastSequence: batch.lastSequence,
    lastOffset: batch.lastOffset,
    offsetDelta: batch.lastOffset - batch.baseOffset,
    timestamp: batch.maxTimestamp,
  });
  return {
    producerId: entry.producerId,
    epoch: batch.producerEpoch,
    coordinatorEpoch: entry.coordinatorEpoch,
    lastTimestamp: batch.maxTimestamp,
    transactionFirstOffset: entry.transactionFirstOffset ?? (batch.isTransactional ? batch.baseOffset : null),
    batches: kept,
  };
}

/**
 * The entry after a transaction marker.
 *
 * @throws KafkaError INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED
 */
export function afterMarker(
  entry: ProducerEntry,
  marker: TransactionMarker,
  origin: AppendOrigin,
): ProducerEntry {
  if (origin !== 'replication') {
    checkEpoch(entry, marker.producerEpoch);
    checkCoordinatorEpoch(entry, marker.coordinatorEpoch);
  }
  return {
    producerId: entry.producerId,
    epoch: marker.producerEpoch,
    coordinatorEpoch: marker.coordinatorEpoch,
    lastTimestamp: marker.timestamp,
    transactionFirstOffset: null,
    batches: entry.epoch === marker.producerEpoch ? entry.batches : [],
  };
}

/** What the marker completes; a marker without an open transaction completes nothing. */
export function completedBy(entry: ProducerEntry, marker: TransactionMarker): CompletedTransaction | null {
  if (entry.transactionFirstOffset === null) return null;
  return {
    producerId: marker.producerId,
    firstOffset: entry.transactionFirstOffset,
    lastOffset: marker.offset,
    isAborted: !marker.isCommit,
  };
}

function checkEpoch(entry: ProducerEntry, epoch: number): void {
  if (epoch >= entry.epoch) return;
  throw new KafkaError(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `producer ${entry.producerId} has epoch ${entry.epoch} by now, ${epoch} is too old`,
  );
}

function checkCoordinatorEpoch(entry: ProducerEntry, epoch: number): void {
  if (epoch >= entry.coordinatorEpoch) return;
  throw new KafkaError(
    ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    `transaction coordinator epoch is ${entry.coordinatorEpoch} by now for producer ${entry.producerId}, ${epoch} is too old`,
  );
}

/**
 * A producer that nothing is known of may begin anywhere: its earlier records may have been deleted, or its
 * state expired. A new epoch begins at 0. Else the sequence goes on, and after 2^31 - 1 comes 0.
 */
function checkSequence(entry: ProducerEntry, batch: ProducedBatch): void {
  if (entry.epoch === NO_PRODUCER_EPOCH) return;
  const last =
    entry.epoch === batch.producerEpoch ? (entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE) : NO_SEQUENCE;
  const expected = last === 0x7fffffff ? 0 : last + 1;
  if (batch.baseSequence === expected) return;
  throw new KafkaError(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `producer ${entry.producerId}, epoch ${batch.producerEpoch}: sequence ${expected} expected, ${batch.baseSequence} came`,
  );
}
