import type { ClusterView, PartitionView } from './cluster-view.ts';

/** From bad to worse; a partition is in the worst that holds. */
export type Trouble = 'under-replicated' | 'under-min-isr' | 'offline';

export interface TroubledPartition extends PartitionView {
  readonly trouble: Trouble;
}

const WORST_FIRST: readonly Trouble[] = ['offline', 'under-min-isr', 'under-replicated'];

/** What is not as it should be, the worst first. */
export function troubles({ partitions }: ClusterView): TroubledPartition[] {
  return worstFirst(partitions.map((partition) => withTrouble(partition, troubleOf(partition))));
}

/**
 * What stopping a broker would put out of use: partitions that nobody could lead then, and those where acks=all
 * would be refused.
 */
export function troublesWithout({ partitions }: ClusterView, brokerId: number): TroubledPartition[] {
  return worstFirst(
    partitions
      .filter(({ isr }) => isr.includes(brokerId))
      .map((partition) => withTrouble(partition, troubleWithout(partition, brokerId))),
  );
}

/** How many partitions each broker leads and holds, and how many it should lead as their first replica. */
export function loadOf({ partitions }: ClusterView, brokerId: number) {
  return {
    leads: partitions.filter(({ leaderId }) => leaderId === brokerId).length,
    preferred: partitions.filter(({ replicas }) => replicas[0] === brokerId).length,
    replicas: partitions.filter(({ replicas }) => replicas.includes(brokerId)).length,
  };
}

/** Partitions that are not led by their first replica, which could. */
export function awayFromPreferred({ partitions }: ClusterView): readonly PartitionView[] {
  return partitions.filter(
    ({ leaderId, replicas, isr }) => leaderId !== replicas[0] && isr.includes(replicas[0] ?? -1),
  );
}

function troubleOf({ leaderId, isr, replicas, minInSync }: PartitionView): Trouble | null {
  if (leaderId < 0) return 'offline';
  if (isr.length < minInSync) return 'under-min-isr';
  return isr.length < replicas.length ? 'under-replicated' : null;
}

function troubleWithout({ isr, minInSync }: PartitionView, brokerId: number): Trouble | null {
  const left = isr.filter((id) => id !== brokerId).length;
  if (left === 0) return 'offline';
  return left < minInSync ? 'under-min-isr' : null;
}

function withTrouble(partition: PartitionView, trouble: Trouble | null): TroubledPartition[] {
  return trouble === null ? [] : [{ ...partition, trouble }];
}

function worstFirst(found: readonly (readonly TroubledPartition[])[]): TroubledPartition[] {
  const rank = ({ trouble }: TroubledPartition) => WORST_FIRST.indexOf(trouble);
  return found.flat().toSorted((a, b) => rank(a) - rank(b));
}
