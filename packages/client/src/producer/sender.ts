import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { ClientError, asError, isRetriableError } from '../errors.ts';
import { AttemptOutcome } from './attempt-outcome.ts';
import { Batch, type BatchRecord } from './batch.ts';
import { WRITTEN_UNSEEN, fail } from './batch-outcome.ts';
import type { PartitionQueue } from './partition-queue.ts';
import { PartitionQueues } from './partition-queues.ts';
import {
  produceRequest,
  produceResults,
  produceVersionMax,
  type PartitionResult,
} from './produce-exchange.ts';
import { SenderCounts } from './producer-metrics.ts';
import { ProducerIdentity, type IdentitySource } from './producer-identity.ts';
import type { ProducerSettings } from './producer-options.ts';
import { Readiness, type Urgency } from './readiness.ts';
import type { Transactions } from './transactions/transactions.ts';
import { WakeUp } from '../network/wake-up.ts';

/**
 * Brings batches to the leaders of their partitions: gathers what is ready per broker into requests, sorts the
 * results, and tries again until the delivery timeout.
 *
 * Order and uniqueness: without idempotence one batch per partition is in flight; with it several may be, and brokers
 * take them in the order of their sequence numbers only (see `PartitionQueue`). A failed one goes back to its place,
 * its bytes and sequence number the same (see `AttemptOutcome`).
 */
export class Sender {
  readonly counts = new SenderCounts();
  private readonly cluster: Cluster;
  private readonly settings: ProducerSettings;
  private readonly identity: IdentitySource;
  /** Null for a producer without. */
  private readonly transactions: Transactions | null;
  private readonly wakeUp: WakeUp;
  private readonly queues = new PartitionQueues();
  private readonly readiness: Readiness;
  private readonly outcome: AttemptOutcome;
  private readonly inFlight = new Map<number, number>();
  /** Told after every request. */
  private idleWaiters: (() => void)[] = [];
  private refreshing = false;
  private isStopped = false;

  constructor(
    cluster: Cluster,
    settings: ProducerSettings,
    urgency: Urgency,
    transactions: Transactions | null,
  ) {
    this.cluster = cluster;
    this.settings = settings;
    this.wakeUp = new WakeUp(cluster.environment, () => this.pump());
    this.transactions = transactions;
    this.identity =
      transactions ?? new ProducerIdentity(cluster, this.wakeUp, (error) => this.identityFailed(error));
    const { queues, identity, counts } = this;
    this.readiness = new Readiness(cluster, settings, urgency, identity, transactions, this.wakeUp);
    this.outcome = new AttemptOutcome({
      cluster,
      queues,
      identity,
      transactions,
      isIdempotent: settings.idempotent,
      counts,
      refresh: (topic) => this.refresh([topic]),
    });
  }

  /** Takes a record for a partition that exists. */
  add(topic: string, partition: number, record: BatchRecord): void {
    const queue = this.queues.of(topic, partition);
    let batch = queue.openFor(record, this.settings.batchSizeBytes);
    const isNew = batch === null;
    if (batch === null) {
      batch = new Batch(topic, partition, this.nowMs);
      queue.append(batch);
    }
    batch.add(record);
    if (isNew) this.queues.noteBatch(queue);
    this.readiness.noteRecord(queue, batch, isNew);
  }

  /** Something became urgent. */
  hurry(): void {
    this.wakeUp.soon();
  }

  /** Fails everything that is not settled. What is in flight is failed too, its fate unknown. */
  stop(reason: Error): void {
    this.isStopped = true;
    this.wakeUp.cancel();
    for (const queue of this.queues.all()) {
      for (const batch of queue.drainInFlight()) fail(batch, reason);
      for (const batch of queue.drain()) fail(batch, reason);
    }
    this.queues.clear();
  }

  /** Fails every batch that is not in flight, and those that are once they would have to be sent again. */
  dropUnsent(reason: Error): void {
    for (const queue of [...this.queues.waiting]) {
      for (let head = queue.head; head !== null; head = queue.head) {
        queue.dropHead();
        this.outcome.giveUp(queue, head, reason);
      }
    }
  }

  /** Resolves when no request is under way. */
  async inFlightSettled(): Promise<void> {
    while (this.queues.all().some(({ inFlight }) => inFlight.length > 0)) {
      await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    }
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private pump(): void {
    if (this.isStopped) return;
    this.expire();
    // One batch of each partition in each request: as many requests as there may be.
    while (this.queues.waiting.size > 0 && this.hasIdentity() && this.sendReady());
  }

  /** @returns whether anything was sent */
  private sendReady(): boolean {
    const { byLeader, leaderless } = this.readiness.ready(this.queues);
    if (leaderless.size > 0) this.refresh(leaderless);
    let hasSent = false;
    for (const [node, queues] of byLeader) hasSent = this.sendTo(node, queues) || hasSent;
    return hasSent;
  }

  /** Fails the batches whose time is up; those in flight are left to their request's own deadline. */
  private expire(): void {
    const { deliveryTimeoutMs } = this.settings;
    for (const queue of [...this.queues.waiting]) {
      for (let head = queue.head; head !== null; head = queue.head) {
        const deadlineMs = head.createdAtMs + deliveryTimeoutMs;
        if (deadlineMs > this.nowMs) {
          this.wakeUp.at(deadlineMs);
          break;
        }
        queue.dropHead();
        this.outcome.giveUp(queue, head, this.expired(head));
      }
    }
  }

  private expired(batch: Batch): Error {
    const where = `${batch.topic}-${batch.partition}`;
    const because = batch.lastError === null ? '' : `: ${batch.lastError.message}`;
    return new ClientError(
      'DELIVERY_TIMEOUT',
      `not delivered to ${where} within ${this.settings.deliveryTimeoutMs} ms${because}`,
      { cause: batch.lastError },
    );
  }

  private hasIdentity(): boolean {
    return !this.settings.idempotent || this.identity.isReady();
  }

  /** Without a producer id nothing can be sent: the records learn why, or fail if nothing will help. */
  private identityFailed(error: Error): void {
    // A copy: queues change their place among those that wait.
    for (const queue of [...this.queues.waiting]) {
      if (!isRetriableError(error)) for (const batch of queue.drain()) fail(batch, error);
      else if (queue.head !== null) queue.head.lastError = error;
      this.queues.update(queue);
    }
  }

  /** @returns whether anything was sent */
  private sendTo(node: BrokerNode, queues: PartitionQueue[]): boolean {
    let rest = queues;
    while (rest.length > 0 && (this.inFlight.get(node.nodeId) ?? 0) < this.settings.inFlightMax) {
      const chosen = this.fitting(rest);
      rest = rest.slice(chosen.length);
      void this.exchange(node, chosen);
    }
    return rest.length < queues.length;
  }

  /** As many heads as one request may hold, at least one. */
  private fitting(queues: readonly PartitionQueue[]): PartitionQueue[] {
    let sizeBytes = 0;
    const end = queues.findIndex((queue, index) => {
      sizeBytes += queue.head!.sizeBytes;
      return index > 0 && sizeBytes > this.settings.requestSizeMaxBytes;
    });
    return queues.slice(0, end === -1 ? queues.length : end);
  }

  /** Takes the head of each queue to the broker; the request leaves at once where there is a connection. */
  private async exchange(node: BrokerNode, queues: readonly PartitionQueue[]): Promise<void> {
    const batches = queues.map((queue) => this.take(queue, node));
    this.inFlight.set(node.nodeId, (this.inFlight.get(node.nodeId) ?? 0) + 1);
    this.counts.begin(batches);
    const sentAtMs = this.nowMs;
    let results: readonly (PartitionResult | Error)[];
    try {
      results = await this.deliver(node, queues, batches);
      this.counts.end(this.settings.acks === 0 ? null : this.nowMs - sentAtMs, false);
    } catch (thrown) {
      this.counts.end(null, true);
      results = batches.map(() => asError(thrown));
    }
    for (let i = 0; i < batches.length && !this.isStopped; i++) {
      this.outcome.conclude({ node, queue: queues[i]!, batch: batches[i]! }, results[i]!);
    }
    this.inFlight.set(node.nodeId, this.inFlight.get(node.nodeId)! - 1);
    if (this.queues.waiting.size > 0) this.wakeUp.soon();
    for (const wake of this.idleWaiters.splice(0)) wake();
  }

  private take(queue: PartitionQueue, node: BrokerNode): Batch {
    const batch = queue.take(node.nodeId);
    this.queues.update(queue);
    this.cluster.touch(batch.topic);
    batch.attempts++;
    return batch;
  }

  /** @returns what the leader says of each batch @throws what kept the request from being answered */
  private async deliver(
    node: BrokerNode,
    queues: readonly PartitionQueue[],
    batches: readonly Batch[],
  ): Promise<readonly (PartitionResult | Error)[]> {
    const { metadata, settings } = this.cluster;
    const { acks, compression } = this.settings;
    const how = { compression, isTransactional: this.transactions !== null };
    let oldestMs = Infinity;
    for (let i = 0; i < batches.length; i++) {
      const batch = batches[i]!;
      this.counts.batchBytes += queues[i]!.freeze(batch, this.identity.current, how).length;
      oldestMs = Math.min(oldestMs, batch.createdAtMs);
    }
    const versionMax = produceVersionMax(batches, metadata, this.transactions);
    const transactionalId = this.transactions?.transactionalId ?? null;
    const terms = { acks, timeoutMs: settings.requestTimeoutMs, transactionalId };
    const body = (version: number): ReturnType<typeof produceRequest> =>
      produceRequest(version, batches, metadata, terms);
    if (acks === 0) {
      await this.cluster.send(node, produceApi, body, versionMax);
      return batches.map(() => WRITTEN_UNSEEN);
    }
    const remainingMs = Math.max(oldestMs + this.settings.deliveryTimeoutMs - this.nowMs, 1);
    const timeoutMs = Math.min(settings.requestTimeoutMs, remainingMs);
    const answer = await this.cluster.request(node, produceApi, body, { timeoutMs, versionMax });
    return produceResults(answer, batches, metadata);
  }

  /** Asks anew who leads what, once at a time; batches wait for the answer as long as their own pauses last. */
  private refresh(topics: Iterable<string>): void {
    if (this.refreshing) return;
    this.refreshing = true;
    const { backoff } = this.cluster.settings;
    const done = (): void => {
      this.refreshing = false;
      this.wakeUp.at(this.nowMs + backoff.initialMs);
      this.wakeForNewLeaders();
    };
    this.cluster.refresh(topics).then(done, done);
  }

  private wakeForNewLeaders(): void {
    for (const { head } of this.queues.waiting) {
      if (head !== null && head.attempts > 0) return this.wakeUp.soon();
    }
  }
}
