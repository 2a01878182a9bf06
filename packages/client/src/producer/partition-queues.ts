import { PartitionQueue } from './partition-queue.ts';

/** The queues of all partitions that anything was ever sent to, and which of them have something to send now. */
export class PartitionQueues {
  private readonly byTopic = new Map<string, PartitionQueue[]>();
  private readonly withBatches = new Set<PartitionQueue>();

  of(topic: string, partition: number): PartitionQueue {
    let ofTopic = this.byTopic.get(topic);
    if (ofTopic === undefined) {
      ofTopic = [];
      this.byTopic.set(topic, ofTopic);
    }
    return (ofTopic[partition] ??= new PartitionQueue(topic, partition));
  }

  all(): PartitionQueue[] {
    // Of partitions that nothing was sent to there is none.
    return [...this.byTopic.values()].flatMap((ofTopic) => ofTopic.filter((queue) => queue !== undefined));
  }

  /** Those with batches to send, the one served longest ago first. It changes with every `update`. */
  get waiting(): ReadonlySet<PartitionQueue> {
    return this.withBatches;
  }

  /** The queue has got its first batch. */
  noteBatch(queue: PartitionQueue): void {
    this.withBatches.add(queue);
  }

  /** Keeps `waiting` true; a queue that was served goes to its end. */
  update(queue: PartitionQueue): void {
    this.withBatches.delete(queue);
    if (!queue.isEmpty) this.withBatches.add(queue);
  }

  /** Nothing will be sent any more. */
  clear(): void {
    this.withBatches.clear();
  }
}
