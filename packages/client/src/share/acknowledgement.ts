import type { TopicPartition } from '../cluster/topic-partition.ts';

/**
 * What became of a record: `accept`, it is done; `release`, it may be delivered again, here or elsewhere; `reject`, it
 * is to be delivered no more.
 */
export type Verdict = 'accept' | 'release' | 'reject';

/** What the brokers have made of verdicts on records of one partition. */
export interface AcknowledgementOutcome extends TopicPartition {
  readonly verdict: Verdict;
  /** Ascending. */
  readonly offsets: readonly number[];
  /**
   * Null when the verdict stands. Else it may or may not: the records come again, here or elsewhere, unless it does.
   * `AcquisitionLostError` when the records were not this member's any more.
   */
  readonly error: Error | null;
}

/** By Kafka's numbers. A gap is an offset without a record. */
export const AcknowledgeType = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;
export type AcknowledgeType = keyof typeof AcknowledgeType;

/** A range of offsets of one partition with one answer. */
export interface AcknowledgedRange extends TopicPartition {
  readonly topicId: string;
  readonly first: number;
  readonly last: number;
  readonly type: AcknowledgeType;
}

interface AcknowledgementBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly acknowledgeTypes: readonly number[];
}

/** As requests want them: ascending, and neighbours with the same answer as one. All of one partition. */
export function acknowledgementBatches(ranges: readonly AcknowledgedRange[]): AcknowledgementBatch[] {
  const batches: { firstOffset: number; lastOffset: number; acknowledgeTypes: [number] }[] = [];
  for (const { first, last, type } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = batches.at(-1);
    const code = AcknowledgeType[type];
    const isNext = before?.lastOffset === first - 1 && before.acknowledgeTypes[0] === code;
    if (isNext) before.lastOffset = last;
    else batches.push({ firstOffset: first, lastOffset: last, acknowledgeTypes: [code] });
  }
  return batches;
}
