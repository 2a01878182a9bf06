import { partitionKey, type TopicPartition } from '@odradek/client/index.ts';
import type { Offsets } from '../producer/producer-types.ts';

interface Entry extends TopicPartition {
  /** The next offset to be read. */
  resolved: number;
  committed: number | null;
}

/** When to commit beside the end of each batch. */
export interface CommitRhythm {
  /** Milliseconds. */
  readonly interval: number | null;
  /** Messages. */
  readonly threshold: number | null;
}

/** What is resolved of each partition at hand, and what of it is committed. */
export class OffsetLedger {
  private readonly rhythm: CommitRhythm;
  private readonly entries = new Map<string, Entry>();
  private resolvedSince = 0;
  private committedAtMs = performance.now();

  constructor(rhythm: CommitRhythm) {
    this.rhythm = rhythm;
  }

  /** Everything before the offset is done. @param count messages that this adds */
  resolve({ topic, partition }: TopicPartition, offset: number, count: number): void {
    this.resolvedSince += count;
    const key = partitionKey({ topic, partition });
    const entry = this.entries.get(key);
    if (entry === undefined) this.entries.set(key, { topic, partition, resolved: offset, committed: null });
    else entry.resolved = offset;
  }

  get isDue(): boolean {
    const { interval, threshold } = this.rhythm;
    if (threshold !== null && this.resolvedSince >= threshold) return true;
    return interval !== null && performance.now() >= this.committedAtMs + interval;
  }

  get uncommitted(): (TopicPartition & { readonly offset: number })[] {
    return [...this.entries.values()]
      .filter(({ resolved, committed }) => resolved !== committed)
      .map(({ topic, partition, resolved }) => ({ topic, partition, offset: resolved }));
  }

  noteCommitted(offsets: readonly (TopicPartition & { readonly offset: number })[]): void {
    this.resolvedSince = 0;
    this.committedAtMs = performance.now();
    for (const at of offsets) {
      const entry = this.entries.get(partitionKey(at));
      if (entry !== undefined) entry.committed = at.offset;
    }
  }

  forget(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.entries.delete(partitionKey(at));
  }
}

/** Offsets by topic, as KafkaJS shows them. */
export function byTopic(offsets: readonly (TopicPartition & { readonly offset: number })[]): Offsets {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
  }));
  return { topics };
}
