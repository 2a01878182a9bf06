import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { backoffMs } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { ClientError, ConnectionError, UnsupportedApiError, asError, isRetriableError } from '../errors.ts';
import { Batch, type BatchRecord } from './batch.ts';
import { WRITTEN_UNSEEN, fail, succeed } from './batch-outcome.ts';
import { PartitionQueue } from './partition-queue.ts';
import {
  produceRequest,
  produceResults,
  produceVersionMax,
  recordError,
  type PartitionResult,
} from './produce-exchange.ts';
import { SenderCounts } from './producer-metrics.ts';
import { ProducerIdentity, type IdentitySource } from './producer-identity.ts';
import type { ProducerSettings } from './producer-options.ts';
import type { Transactions } from './transactions/transactions.ts';
import { WakeUp } from './wake-up.ts';

/** When a batch goes out although it is neither full nor old. */
export interface Urgency {
  /** Someone waits for memory, or the producer closes: all batches go. */
  readonly all: () => boolean;
  /** Someone waits for the records of this batch. */
  readonly batch: (batch: Batch) => boolean;
}

/** The log may or may not hold the batch after these. */
const DOUBTFUL_CODES: readonly number[] = [
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
];

/** The broker does not know the producer's past: a fresh producer id starts without one. */
const LOST_STATE_CODES: readonly number[] = [
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
];

/** Brokers recognise the last five batches of a producer when they come again. */
const PARTITION_IN_FLIGHT_MAX = 5;

/**
 * Brings batches to the leaders of their partitions: gathers what is ready per broker into requests, sorts the
 * results, and tries again until the delivery timeout.
 *
 * Order and uniqueness: without idempotence one batch per partition is in flight; with it several may be, and brokers
 * take them in the order of their sequence numbers only (see `PartitionQueue`). A failed one goes back to its place,
 * its bytes and sequence number the same. A batch that ends with its fate unknown makes the
 * producer take a fresh id before anything else is sent, so its numbers are never used twice.
 */
export class Sender {
  readonly counts = new SenderCounts();
  private readonly cluster: Cluster;
  private readonly settings: ProducerSettings;
  private readonly urgency: Urgency;
  private readonly identity: IdentitySource;
  /** Null for a producer without. */
  private readonly transactions: Transactions | null;
  private readonly wakeUp: WakeUp;
  private readonly queues = new Map<string, PartitionQueue[]>();
  private readonly partitionInFlightMax: number;
  /** Queues with batches to send, the one served longest ago first. */
  private readonly waiting = new Set<PartitionQueue>();
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
    this.urgency = urgency;
    this.partitionInFlightMax = settings.idempotent
      ? Math.min(settings.inFlightMax, PARTITION_IN_FLIGHT_MAX)
      : 1;
    this.wakeUp = new WakeUp(cluster.environment, () => this.pump());
    this.transactions = transactions;
    this.identity =
      transactions ?? new ProducerIdentity(cluster, this.wakeUp, (error) => this.identityFailed(error));
  }

  /** Takes a record for a partition that exists. */
  add(topic: string, partition: number, record: BatchRecord): void {
    const queue = this.queue(topic, partition);
    const { batchSizeBytes, lingerMs } = this.settings;
    let batch = queue.openFor(record, batchSizeBytes);
    const isNew = batch === null;
    if (batch === null) {
      batch = new Batch(topic, partition, this.nowMs);
      queue.append(batch);
    }
    batch.add(record);
    if (isNew) this.waiting.add(queue);
    if (queue.inFlight.length >= this.partitionInFlightMax) return;
    const isFull = batch.sizeBytes >= batchSizeBytes || (isNew && queue.hasSeveral);
    if (isFull || this.urgency.all() || this.urgency.batch(batch)) this.wakeUp.soon();
    else if (isNew) this.wakeUp.at(batch.createdAtMs + lingerMs);
  }

  /** Something became urgent. */
  hurry(): void {
    this.wakeUp.soon();
  }

  /** Fails everything that is not settled. What is in flight is failed too, its fate unknown. */
  stop(reason: Error): void {
    this.isStopped = true;
    this.wakeUp.cancel();
    for (const queue of this.allQueues()) {
      for (const batch of queue.drainInFlight()) fail(batch, reason);
      for (const batch of queue.drain()) fail(batch, reason);
    }
    this.waiting.clear();
  }

  /** Fails every batch that is not in flight, and those that are once they would have to be sent again. */
  dropUnsent(reason: Error): void {
    for (const queue of [...this.waiting]) {
      for (let head = queue.head; head !== null; head = queue.head) {
        queue.dropHead();
        this.giveUp(queue, head, reason);
      }
    }
  }

  /** Resolves when no request is under way. */
  async inFlightSettled(): Promise<void> {
    while (this.allQueues().some(({ inFlight }) => inFlight.length > 0)) {
      await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    }
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private queue(topic: string, partition: number): PartitionQueue {
    let ofTopic = this.queues.get(topic);
    if (ofTopic === undefined) {
      ofTopic = [];
      this.queues.set(topic, ofTopic);
    }
    return (ofTopic[partition] ??= new PartitionQueue(topic, partition));
  }

  private allQueues(): PartitionQueue[] {
    // Of partitions that nothing was sent to there is none.
    return [...this.queues.values()].flatMap((ofTopic) => ofTopic.filter((queue) => queue !== undefined));
  }

  private pump(): void {
    if (this.isStopped) return;
    this.expire();
    // One batch of each partition in each request: as many requests as there may be.
    while (this.waiting.size > 0 && this.hasIdentity() && this.sendReady());
  }

  /** @returns whether anything was sent */
  private sendReady(): boolean {
    let hasSent = false;
    for (const [node, queues] of this.readyByLeader()) hasSent = this.sendTo(node, queues) || hasSent;
    return hasSent;
  }

  /** Fails the batches whose time is up; those in flight are left to their request's own deadline. */
  private expire(): void {
    const { deliveryTimeoutMs } = this.settings;
    for (const queue of [...this.waiting]) {
      for (let head = queue.head; head !== null; head = queue.head) {
        const deadlineMs = head.createdAtMs + deliveryTimeoutMs;
        if (deadlineMs > this.nowMs) {
          this.wakeUp.at(deadlineMs);
          break;
        }
        queue.dropHead();
        this.giveUp(queue, head, this.expired(head));
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
    for (const queue of [...this.waiting]) {
      if (!isRetriableError(error)) for (const batch of queue.drain()) fail(batch, error);
      else if (queue.head !== null) queue.head.lastError = error;
      this.updateWaiting(queue);
    }
  }

  private readyByLeader(): Map<BrokerNode, PartitionQueue[]> {
    const ready = new Map<BrokerNode, PartitionQueue[]>();
    const leaderless = new Set<string>();
    for (const queue of this.waiting) {
      const isAlone = queue.inFlight.length === 0;
      if (queue.inFlight.length >= this.partitionInFlightMax) continue;
      const leader = this.leaderOf(queue);
      if (!isAlone && (leader === null || !this.mayFollow(queue, leader))) continue;
      if (!this.isReady(queue, queue.head!)) continue;
      if (this.transactions !== null && !this.transactions.mayWrite(queue)) continue;
      if (leader === null) leaderless.add(queue.topic);
      else if (ready.has(leader)) ready.get(leader)!.push(queue);
      else ready.set(leader, [queue]);
    }
    if (leaderless.size > 0) this.refresh(leaderless);
    return ready;
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

  private async exchange(node: BrokerNode, queues: readonly PartitionQueue[]): Promise<void> {
    const sent = new Map(queues.map((queue) => [queue.take(node.nodeId), queue]));
    for (const [batch, queue] of sent) {
      this.updateWaiting(queue);
      this.cluster.touch(batch.topic);
      batch.attempts++;
    }
    this.inFlight.set(node.nodeId, (this.inFlight.get(node.nodeId) ?? 0) + 1);
    try {
      const results = await this.deliverCounted(node, sent);
      for (const [batch, queue] of sent) this.conclude(node, queue, batch, results.get(batch)!);
    } catch (thrown) {
      for (const [batch, queue] of sent) this.conclude(node, queue, batch, asError(thrown));
    } finally {
      this.inFlight.set(node.nodeId, this.inFlight.get(node.nodeId)! - 1);
      this.wakeUp.soon();
      for (const wake of this.idleWaiters.splice(0)) wake();
    }
  }

  private async deliverCounted(
    node: BrokerNode,
    sent: ReadonlyMap<Batch, PartitionQueue>,
  ): Promise<Map<Batch, PartitionResult | Error>> {
    this.counts.begin(sent.keys());
    const sentAtMs = this.nowMs;
    try {
      const results = await this.deliver(node, sent);
      this.counts.end(this.settings.acks === 0 ? null : this.nowMs - sentAtMs, false);
      return results;
    } catch (error) {
      this.counts.end(null, true);
      throw error;
    }
  }

  private async deliver(
    node: BrokerNode,
    sent: ReadonlyMap<Batch, PartitionQueue>,
  ): Promise<Map<Batch, PartitionResult | Error>> {
    const { metadata, settings } = this.cluster;
    const { acks, compression, deliveryTimeoutMs } = this.settings;
    const isTransactional = this.transactions !== null;
    for (const [batch, queue] of sent) {
      this.counts.batchBytes += queue.freeze(batch, this.identity.current, {
        compression,
        isTransactional,
      }).length;
    }
    const batches = [...sent.keys()];
    const versionMax = produceVersionMax(batches, metadata, this.transactions);
    const transactionalId = this.transactions?.transactionalId ?? null;
    const timing = { acks, timeoutMs: settings.requestTimeoutMs, transactionalId };
    const body = (version: number): ReturnType<typeof produceRequest> =>
      produceRequest(version, batches, metadata, timing);
    if (acks === 0) {
      (await this.cluster.connection(node, 'main')).send(produceApi, body, versionMax);
      return new Map(batches.map((batch) => [batch, WRITTEN_UNSEEN]));
    }
    const oldestMs = Math.min(...batches.map(({ createdAtMs }) => createdAtMs));
    const remainingMs = Math.max(oldestMs + deliveryTimeoutMs - this.nowMs, 1);
    const timeoutMs = Math.min(settings.requestTimeoutMs, remainingMs);
    const answer = await this.cluster.request(node, produceApi, body, { timeoutMs, versionMax });
    return produceResults(answer, batches, metadata);
  }

  /** Decides what becomes of a batch after an attempt. */
  private conclude(
    node: BrokerNode,
    queue: PartitionQueue,
    batch: Batch,
    result: PartitionResult | Error,
  ): void {
    if (this.isStopped) return;
    queue.settle(batch);
    if (result instanceof Error) this.concludeLost(node, queue, batch, result);
    else if (result.errorCode === ErrorCode.NONE) this.concludeWritten(queue, batch, result);
    else if (result.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
      this.concludeWritten(queue, batch, WRITTEN_UNSEEN);
    else this.concludeRefused(node, queue, batch, result);
    this.updateWaiting(queue);
  }

  private concludeWritten(queue: PartitionQueue, batch: Batch, result: PartitionResult): void {
    // Against all that brokers promise: its numbers are taken, and what should have come before has them, too.
    if (batch.isDisplaced) this.identity.invalidate(batch.identity!.producerId);
    else queue.noteWritten(batch, this.nowMs);
    succeed(batch, result);
  }

  private concludeLost(node: BrokerNode, queue: PartitionQueue, batch: Batch, error: Error): void {
    const surelyUnsent =
      (error instanceof ConnectionError && error.unsent) || error instanceof UnsupportedApiError;
    batch.isDoubtful ||= !surelyUnsent;
    if (batch.isDisplaced) this.comeAgain(queue, batch, error);
    else if (isRetriableError(error)) this.tryAgain(node, queue, batch, error);
    else this.giveUp(queue, batch, error);
  }

  private concludeRefused(
    node: BrokerNode,
    queue: PartitionQueue,
    batch: Batch,
    result: PartitionResult,
  ): void {
    const { errorCode } = result;
    const error = new KafkaError(errorCode, result.errorMessage ?? errorName(errorCode));
    const hasLostState = LOST_STATE_CODES.includes(errorCode);
    const isBehindOthers =
      errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && queue.hasUnsettledBefore(batch);
    if (batch.isDisplaced || isBehindOthers) return this.comeAgain(queue, batch, error);
    // Within a transaction the sequence cannot begin anew: the next one does.
    if (DOUBTFUL_CODES.includes(errorCode) || (hasLostState && this.transactions !== null))
      batch.isDoubtful = true;
    const mayBeSplit = batch.records.length > 1 && this.transactions?.isOver !== true;
    if (errorCode === ErrorCode.MESSAGE_TOO_LARGE && mayBeSplit) {
      this.counts.batchesSplit++;
      queue.giveBackSequence(batch);
      queue.putBack(...batch.halves());
    } else if (this.settings.idempotent && hasLostState && !batch.isDoubtful) {
      this.identity.invalidate(batch.identity!.producerId);
      batch.thaw();
      this.tryAgain(node, queue, batch, error);
    } else if (isRetriableError(error)) {
      this.tryAgain(node, queue, batch, error);
    } else {
      this.giveUp(queue, batch, (index) => recordError(batch, result, index));
    }
  }

  /** It only suffered from what went before it: it goes out again behind that. */
  private comeAgain(queue: PartitionQueue, batch: Batch, error: Error): void {
    if (batch.isDisplaced) batch.thaw();
    if (this.transactions?.isOver === true) return this.giveUp(queue, batch, error);
    batch.lastError = error;
    queue.putBack(batch);
  }

  private tryAgain(node: BrokerNode, queue: PartitionQueue, batch: Batch, error: Error): void {
    if (this.transactions?.isOver === true) return this.giveUp(queue, batch, error);
    batch.lastError = error;
    batch.failedLeaderId = node.nodeId;
    const { backoff } = this.cluster.settings;
    batch.notBeforeMs = this.nowMs + backoffMs(backoff, batch.attempts, this.cluster.environment.random);
    queue.putBack(batch);
    this.refresh([batch.topic]);
  }

  /** The end of a batch that could not be delivered. */
  private giveUp(queue: PartitionQueue, batch: Batch, error: Error | ((index: number) => Error)): void {
    if (batch.identity !== null) {
      if (batch.isSurelyUnwritten) queue.giveBackSequence(batch);
      else this.identity.invalidate(batch.identity.producerId);
    }
    this.updateWaiting(queue);
    this.transactions?.noteLoss(typeof error === 'function' ? error(0) : error);
    fail(batch, error);
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
    for (const { head } of this.waiting) if (head !== null && head.attempts > 0) return this.wakeUp.soon();
  }

  /** Keeps `waiting` true; a queue that was served goes to its end. */
  private updateWaiting(queue: PartitionQueue): void {
    this.waiting.delete(queue);
    if (!queue.isEmpty) this.waiting.add(queue);
  }
}
