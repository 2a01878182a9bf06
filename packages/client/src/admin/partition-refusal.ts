import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';

/** Why something was not done for one partition of several. */
export interface PartitionRefusal extends TopicPartition {
  readonly error: KafkaError;
}

/** Those with an error code, with words for it. */
export function refusalsOf(
  told: readonly (TopicPartition & { readonly errorCode: number; readonly errorMessage: string | null })[],
): PartitionRefusal[] {
  return told
    .filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
    .map(({ topic, partition, errorCode, errorMessage }) => ({
      topic,
      partition,
      error: new KafkaError(errorCode, `${topic}-${partition}: ${errorMessage ?? errorName(errorCode)}`),
    }));
}
