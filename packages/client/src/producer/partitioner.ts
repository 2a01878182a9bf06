import type { PartitionMetadata } from '../cluster/metadata-cache.ts';
import type { ProducerRecord } from './producer-record.ts';

/** A record that names no partition. */
export type UnplacedRecord = Omit<ProducerRecord, 'partition'>;

/**
 * Chooses where a record goes that names no partition itself. It is called once for each such record, in the order in
 * which they were taken, when the topic is known.
 *
 * @param partitions of the topic, by index, at least one; `leaderId` is -1 while one has no leader
 * @returns the index of one of them; another number, and what it throws, rejects that record
 */
export type Partitioner = (record: UnplacedRecord, partitions: readonly PartitionMetadata[]) => number;

/** One partition of a topic after the other, whatever the keys; batches are smaller for it. For one producer. */
export function roundRobinPartitioner(): Partitioner {
  const next = new Map<string, number>();
  return ({ topic }, partitions) => {
    const turn = next.get(topic) ?? 0;
    next.set(topic, turn + 1);
    const available = partitions.filter(({ leaderId }) => leaderId >= 0);
    const candidates = available.length > 0 ? available : partitions;
    return candidates[turn % candidates.length]!.partition;
  };
}
