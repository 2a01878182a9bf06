import type { DataDirectory } from './data-directory.ts';
import type { PartitionLog } from './partition-log.ts';

/** A log with where it lies. */
export interface HeldLog {
  readonly log: PartitionLog;
  readonly directory: DataDirectory;
}

/** Logs by topic and partition, at most one of each partition, and where they lie. */
export class HeldLogs {
  /** By topic, then by partition: a lookup must not build a key. */
  private readonly topics = new Map<string, Map<number, HeldLog>>();

  get(topic: string, partition: number): HeldLog | undefined {
    return this.topics.get(topic)?.get(partition);
  }

  /** The log of a partition, or null when there is none. */
  log(topic: string, partition: number): PartitionLog | null {
    return this.get(topic, partition)?.log ?? null;
  }

  /** @param held of a partition that has none here */
  hold(held: HeldLog): void {
    const { topic, partition } = held.log;
    let partitions = this.topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.topics.set(topic, partitions);
    }
    partitions.set(partition, held);
    held.directory.logCount++;
  }

  release({ log, directory }: HeldLog): void {
    const partitions = this.topics.get(log.topic)!;
    partitions.delete(log.partition);
    if (partitions.size === 0) this.topics.delete(log.topic);
    directory.logCount--;
  }

  /** All logs, in no particular order. */
  *all(): Generator<PartitionLog> {
    for (const partitions of this.topics.values()) {
      for (const { log } of partitions.values()) yield log;
    }
  }

  *ofTopic(topic: string): Generator<PartitionLog> {
    for (const { log } of this.topics.get(topic)?.values() ?? []) yield log;
  }

  *in(directory: DataDirectory): Generator<PartitionLog> {
    for (const partitions of this.topics.values()) {
      for (const held of partitions.values()) if (held.directory === directory) yield held.log;
    }
  }
}
