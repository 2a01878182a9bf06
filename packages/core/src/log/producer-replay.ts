import { NO_PRODUCER_ID } from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { readTransactionMarker } from './control-marker.ts';
import type { ProducedBatch } from './producer-rules.ts';
import { ProducerUpdate } from './producer-states.ts';
import type { ProducerStates } from './producer-states.ts';
import type { AppendOrigin } from './validation-settings.ts';

/** What the rules look at of a data batch. */
export function producedBatchOf(header: BatchHeader): ProducedBatch {
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastSequence: header.lastSequence,
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    maxTimestamp: header.maxTimestamp,
    isTransactional: header.isTransactional,
  };
}

/**
 * Applies the rules for producers to a batch that is in the log, or is about to be.
 *
 * @param header of a batch with a producer id; of a control batch all bytes are in reach
 * @throws KafkaError when `origin` binds the batch to the rules and it breaks one
 * @throws MalformedBytesError when a control batch is none
 */
export function stageBatch(
  producers: ProducerStates,
  update: ProducerUpdate,
  header: BatchHeader,
  origin: AppendOrigin,
): void {
  if (header.isControl) {
    const marker = readTransactionMarker(header);
    if (marker !== null) producers.stageMarker(update, marker, origin);
  } else {
    producers.stageBatch(update, producedBatchOf(header), origin);
  }
}

/** What a batch that is in the log means for its producer; null when it has none. @throws as `stageBatch` */
export function stageStored(producers: ProducerStates, header: BatchHeader): ProducerUpdate | null {
  if (header.producerId === NO_PRODUCER_ID) return null;
  const update = new ProducerUpdate();
  stageBatch(producers, update, header, 'replication');
  return update;
}
