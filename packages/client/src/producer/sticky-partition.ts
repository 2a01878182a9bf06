import type { PartitionMetadata } from '../cluster/metadata-cache.ts';
import type { Random } from '../ports/random.ts';

/**
 * Where records without a key go: to one partition until a batch's worth of bytes went there, then to another
 * at random (KIP-794). Few large batches instead of many small ones, and even shares by bytes however slow a
 * broker is.
 */
export class StickyPartition {
  private readonly random: Random;
  private readonly switchAfterBytes: number;
  private current = -1;
  private sentBytes = 0;

  /** @param switchAfterBytes 1 or more; less counts as 1 */
  constructor(random: Random, switchAfterBytes: number) {
    this.random = random;
    this.switchAfterBytes = Math.max(switchAfterBytes, 1);
  }

  /** The partition of the next record. Prefers partitions with a leader. @param partitions at least one */
  choose(partitions: readonly PartitionMetadata[], recordBytes: number): number {
    const isUsable = this.current >= 0 && (partitions[this.current]?.leaderId ?? -1) >= 0;
    if (!isUsable || this.sentBytes >= this.switchAfterBytes) {
      this.current = this.another(partitions);
      this.sentBytes = 0;
    }
    this.sentBytes += recordBytes;
    return this.current;
  }

  private another(partitions: readonly PartitionMetadata[]): number {
    const available = partitions.filter(({ leaderId }) => leaderId >= 0);
    const candidates = available.length > 0 ? available : partitions;
    const others = candidates.filter(({ partition }) => partition !== this.current);
    const from = others.length > 0 ? others : candidates;
    return from[Math.floor(this.random.fraction() * from.length)]!.partition;
  }
}
