import type { Clock, Timers } from '../ports/clock.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Peers } from '../ports/peers.ts';
import { NO_LEADER, type Partition } from './partition.ts';
import type { ReplicationQuota } from './replication-quota.ts';
import type { FetcherSettings } from './fetcher-parts.ts';
import { ReplicaFetcher } from './replica-fetcher.ts';

export interface ReplicaFetchersParts {
  readonly nodeId: number;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: LogSink;
  brokerEpoch(): number;
  settings(): FetcherSettings;
  /** `num.replica.fetchers`: fetchers for each leader, 1 or more. */
  fetchersPerLeader(): number;
  progressed(): void;
  /** See FetcherParts. */
  readonly quota?: ReplicationQuota;
}

/** Who is copied from whom: `num.replica.fetchers` fetchers for each broker that leads partitions followed here. */
export class ReplicaFetchers {
  private readonly parts: ReplicaFetchersParts;
  private readonly fetchers = new Map<string, ReplicaFetcher>();
  private readonly fetcherOf = new Map<Partition, string>();
  private isClosed = false;

  constructor(parts: ReplicaFetchersParts) {
    this.parts = parts;
  }

  /** Copies from the partition's leader, whoever it was copied from before. */
  follow(partition: Partition): void {
    const { leaderId } = partition;
    const isOver = this.isClosed || leaderId === NO_LEADER || leaderId === this.parts.nodeId;
    if (isOver) return this.unfollow(partition);
    const key = `${leaderId}-${slotOf(partition, this.parts.fetchersPerLeader())}`;
    if (this.fetcherOf.get(partition) !== key) this.unfollow(partition);
    this.fetcherOf.set(partition, key);
    this.fetcher(key, leaderId).follow(partition);
  }

  unfollow(partition: Partition): void {
    const key = this.fetcherOf.get(partition);
    if (key === undefined) return;
    this.fetcherOf.delete(partition);
    const fetcher = this.fetchers.get(key)!;
    fetcher.unfollow(partition);
    if (fetcher.partitionCount > 0) return;
    fetcher.close();
    this.fetchers.delete(key);
  }

  /** Ends all fetching; nothing is followed from here on. */
  close(): void {
    this.isClosed = true;
    for (const fetcher of this.fetchers.values()) fetcher.close();
    this.fetchers.clear();
    this.fetcherOf.clear();
  }

  private fetcher(key: string, leaderId: number): ReplicaFetcher {
    const known = this.fetchers.get(key);
    if (known !== undefined) return known;
    const { nodeId, peers, clock, timers, log } = this.parts;
    const fetcher = new ReplicaFetcher({
      nodeId,
      leaderId,
      link: peers.link(leaderId, `replica fetcher ${key}`),
      clock,
      timers,
      log,
      brokerEpoch: () => this.parts.brokerEpoch(),
      settings: () => this.parts.settings(),
      progressed: () => this.parts.progressed(),
      ...(this.parts.quota === undefined ? {} : { quota: this.parts.quota }),
    });
    this.fetchers.set(key, fetcher);
    return fetcher;
  }
}

/** Partitions of a topic are spread over the fetchers in turn. */
function slotOf({ topic, index }: Partition, count: number): number {
  let hash = 0;
  for (let i = 0; i < topic.length; i++) hash = (31 * hash + topic.charCodeAt(i)) | 0;
  return ((hash >>> 0) + index) % Math.max(1, count);
}
