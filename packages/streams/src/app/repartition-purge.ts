import { partitionKey, type Cluster, type OffsetToCommit, type TopicPartition } from '@odradek/client';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';

/** As with Kafka Streams. */
const EVERY_MS = 30_000;

/**
 * Deletes from repartition topics what has been processed. They keep records whatever their age, because their times are
 * those of the events: where records of years ago are processed, retention by time would take them unread.
 */
export class RepartitionPurge {
  private readonly cluster: Cluster;
  private readonly topics: ReadonlySet<string>;
  private readonly committed = new Map<string, OffsetToCommit>();
  private lastMs: number;
  private isBusy = false;

  /** @param topics those that belong to the application alone */
  constructor(cluster: Cluster, topics: readonly string[]) {
    this.cluster = cluster;
    this.topics = new Set(topics);
    this.lastMs = cluster.environment.clock.monotonic();
  }

  /** Offsets are committed: nobody reads again what lies before them. From time to time it is deleted, beside the work. */
  note(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) {
      if (this.topics.has(offset.topic)) this.committed.set(partitionKey(offset), offset);
    }
    const nowMs = this.cluster.environment.clock.monotonic();
    if (this.isBusy || this.committed.size === 0 || nowMs - this.lastMs < EVERY_MS) return;
    this.lastMs = nowMs;
    void this.purge();
  }

  /** What fails is done with what comes next: records that stay longer do no harm. Never throws. */
  async purge(): Promise<void> {
    const offsets = [...this.committed.values()];
    this.committed.clear();
    this.isBusy = true;
    try {
      await Promise.all(
        [...new Set(offsets.map(({ topic }) => topic))].map((topic) => this.cluster.topic(topic)),
      );
      const byLeader = Map.groupBy(offsets, (at) => this.cluster.leader(at.topic, at.partition));
      await Promise.all([...byLeader].map(([leader, ofLeader]) => this.deleteFrom(leader, ofLeader)));
    } catch {
      // The next time asks anew.
    } finally {
      this.isBusy = false;
    }
  }

  private async deleteFrom(
    leader: ReturnType<Cluster['leader']>,
    offsets: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<void> {
    await this.cluster.request(leader, deleteRecordsApi, {
      topics: [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
      })),
      timeoutMs: this.cluster.settings.requestTimeoutMs,
    });
  }
}
