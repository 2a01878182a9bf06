import { partitionKey, type TopicPartition } from '@odradek/client/index.ts';
import type { TopicPartitions } from '../topic-partitions.ts';
import type { TopicSelection } from './consumer-types.ts';

/** What the application has paused. It lasts over rebalances and restarts, as with KafkaJS. */
export class Pauses {
  private readonly topics = new Set<string>();
  private readonly partitions = new Set<string>();
  /** Single partitions of paused topics that are resumed. */
  private readonly exceptions = new Set<string>();

  has(at: TopicPartition): boolean {
    const key = partitionKey(at);
    return this.partitions.has(key) || (this.topics.has(at.topic) && !this.exceptions.has(key));
  }

  pause(selections: readonly TopicSelection[]): void {
    for (const { topic, partitions } of selections) {
      if (partitions === undefined) {
        this.topics.add(topic);
        drop(this.exceptions, topic);
      }
      for (const partition of partitions ?? []) {
        this.partitions.add(partitionKey({ topic, partition }));
        this.exceptions.delete(partitionKey({ topic, partition }));
      }
    }
  }

  resume(selections: readonly TopicSelection[]): void {
    for (const { topic, partitions } of selections) {
      if (partitions === undefined) {
        this.topics.delete(topic);
        drop(this.exceptions, topic);
        drop(this.partitions, topic);
      }
      for (const partition of partitions ?? []) {
        const key = partitionKey({ topic, partition });
        this.partitions.delete(key);
        if (this.topics.has(topic)) this.exceptions.add(key);
      }
    }
  }

  /** Those at hand, by topic. */
  among(owned: readonly TopicPartition[]): TopicPartitions[] {
    const paused = owned.filter((at) => this.has(at));
    return [...Map.groupBy(paused, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
      topic,
      partitions: ofTopic.map(({ partition }) => partition).toSorted((a, b) => a - b),
    }));
  }
}

function drop(keys: Set<string>, topic: string): void {
  for (const key of keys)
    if (key.startsWith(partitionKey({ topic, partition: 0 }).slice(0, -1))) keys.delete(key);
}
