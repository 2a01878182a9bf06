import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import type { Batch } from './batch.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { PartitionQueues } from './partition-queues.ts';
import type { IdentitySource } from './producer-identity.ts';
import type { ProducerSettings } from './producer-options.ts';
import type { Transactions } from './transactions/transactions.ts';
import type { WakeUp } from '../network/wake-up.ts';

/** When a batch goes out although it is neither full nor old. */
export interface Urgency {
  /** Someone waits for memory, or the producer closes: all batches go. */
  readonly all: () => boolean;
  /** Someone waits for the records of this batch. */
  readonly batch: (batch: Batch) => boolean;
}

export interface ReadyQueues {
  /** Those whose first batch may go out now, by the broker that it goes to. */
  readonly byLeader: ReadonlyMap<BrokerNode, PartitionQueue[]>;
  /** Topics with batches that nobody is known to lead. */
  readonly leaderless: ReadonlySet<string>;
}

/** Brokers recognise the last five batches of a producer when they come again. */
const PARTITION_IN_FLIGHT_MAX = 5;

/** Which batches may go out now, and to whom. What may go later wakes whoever asks then. */
export class Readiness {
  private readonly cluster: Cluster;
  private readonly settings: ProducerSettings;
  private readonly urgency: Urgency;
  private readonly identity: IdentitySource;
  private readonly transactions: Transactions | null;
  private readonly wakeUp: WakeUp;
  private readonly partitionInFlightMax: number;

  constructor(
    cluster: Cluster,
    settings: ProducerSettings,
    urgency: Urgency,
    identity: IdentitySource,
    transactions: Transactions | null,
    wakeUp: WakeUp,
  ) {
    this.cluster = cluster;
    this.settings = settings;
    this.urgency = urgency;
    this.identity = identity;
    this.transactions = transactions;
    this.wakeUp = wakeUp;
    this.partitionInFlightMax = settings.idempotent
      ? Math.min(settings.inFlightMax, PARTITION_IN_FLIGHT_MAX)
      : 1;
  }

  /** Has the batch looked at when it may go: it has just got a record. @param isNew it was made for that */
  noteRecord(queue: PartitionQueue, batch: Batch, isNew: boolean): void {
    if (this.hasEnoughInFlight(queue)) return;
    const { batchSizeBytes, lingerMs } = this.settings;
    const isFull = batch.sizeBytes >= batchSizeBytes || (isNew && queue.hasSeveral);
    if (isFull || this.urgency.all() || this.urgency.batch(batch)) this.wakeUp.soon();
    else if (isNew) this.wakeUp.at(batch.createdAtMs + lingerMs);
  }

  ready(queues: PartitionQueues): ReadyQueues {
    const byLeader = new Map<BrokerNode, PartitionQueue[]>();
    const leaderless = new Set<string>();
    for (const queue of queues.waiting) {
      const isAlone = queue.inFlight.length === 0;
      if (this.hasEnoughInFlight(queue)) continue;
      const leader = this.leaderOf(queue);
      if (!isAlone && (leader === null || !this.mayFollow(queue, leader))) continue;
      if (!this.isReady(queue, queue.head!)) continue;
      if (this.transactions !== null && !this.transactions.mayWrite(queue)) continue;
      if (leader === null) leaderless.add(queue.topic);
      else if (byLeader.has(leader)) byLeader.get(leader)!.push(queue);
      else byLeader.set(leader, [queue]);
    }
    return { byLeader, leaderless };
  }

  private hasEnoughInFlight({ inFlight }: PartitionQueue): boolean {
    return inFlight.length >= this.partitionInFlightMax;
  }

  private mayFollow(queue: PartitionQueue, { nodeId }: BrokerNode): boolean {
    const { current } = this.identity;
    return current !== null && queue.mayFollow(nodeId, current.generation, this.nowMs);
  }

  private isReady(queue: PartitionQueue, head: Batch): boolean {
    if (head.attempts > 0) return this.mayRetry(head);
    const lingerEndMs = head.createdAtMs + this.settings.lingerMs;
    const isDue =
      queue.hasSeveral ||
      head.sizeBytes >= this.settings.batchSizeBytes ||
      lingerEndMs <= this.nowMs ||
      this.urgency.all() ||
      this.urgency.batch(head);
    if (!isDue) this.wakeUp.at(lingerEndMs);
    return isDue;
  }

  private mayRetry(batch: Batch): boolean {
    if (batch.notBeforeMs <= this.nowMs) return true;
    const leaderId = this.cluster.metadata.partition(batch.topic, batch.partition)?.leaderId ?? -1;
    const hasNewLeader = batch.failedLeaderId !== null && leaderId >= 0 && leaderId !== batch.failedLeaderId;
    if (!hasNewLeader) this.wakeUp.at(batch.notBeforeMs);
    return hasNewLeader;
  }

  private leaderOf(queue: PartitionQueue): BrokerNode | null {
    const { metadata } = this.cluster;
    return metadata.node(metadata.partition(queue.topic, queue.partition)?.leaderId ?? -1) ?? null;
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }
}
