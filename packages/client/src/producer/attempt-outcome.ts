import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { backoffMs } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { ConnectionError, UnsupportedApiError, isRetriableError } from '../errors.ts';
import type { Batch } from './batch.ts';
import { WRITTEN_UNSEEN, fail, succeed } from './batch-outcome.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { PartitionQueues } from './partition-queues.ts';
import { recordError, type PartitionResult } from './produce-exchange.ts';
import type { SenderCounts } from './producer-metrics.ts';
import type { IdentitySource } from './producer-identity.ts';
import type { Transactions } from './transactions/transactions.ts';

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

/** A batch in its partition's queue, and where it was sent. */
interface Attempt {
  readonly node: BrokerNode;
  readonly queue: PartitionQueue;
  readonly batch: Batch;
}

/** What the outcomes of batches change besides the batches. */
export interface OutcomeSurroundings {
  readonly cluster: Cluster;
  readonly queues: PartitionQueues;
  readonly identity: IdentitySource;
  /** Null for a producer without. */
  readonly transactions: Transactions | null;
  readonly isIdempotent: boolean;
  readonly counts: SenderCounts;
  /** Asks anew who leads the topic. */
  readonly refresh: (topic: string) => void;
}

/**
 * Decides what becomes of a batch after an attempt: written, to be sent again as it is, in halves or under a fresh
 * identity, or given up. A batch that ends with its fate unknown makes the producer take a fresh id before anything
 * else is sent, so its numbers are never used twice.
 */
export class AttemptOutcome {
  private readonly around: OutcomeSurroundings;

  constructor(around: OutcomeSurroundings) {
    this.around = around;
  }

  /** @param result what the leader said, or why it said nothing */
  conclude(attempt: Attempt, result: PartitionResult | Error): void {
    const { queue, batch } = attempt;
    queue.settle(batch);
    if (result instanceof Error) this.concludeLost(attempt, result);
    else if (result.errorCode === ErrorCode.NONE) this.concludeWritten(attempt, result);
    else if (result.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
      this.concludeWritten(attempt, WRITTEN_UNSEEN);
    else this.concludeRefused(attempt, result);
    this.around.queues.update(queue);
  }

  /** The end of a batch that could not be delivered. */
  giveUp(queue: PartitionQueue, batch: Batch, error: Error | ((index: number) => Error)): void {
    if (batch.identity !== null) {
      if (batch.isSurelyUnwritten) queue.giveBackSequence(batch);
      else this.around.identity.invalidate(batch.identity.producerId);
    }
    this.around.queues.update(queue);
    this.around.transactions?.noteLoss(typeof error === 'function' ? error(0) : error);
    fail(batch, error);
  }

  private concludeWritten({ queue, batch }: Attempt, result: PartitionResult): void {
    // Against all that brokers promise: its numbers are taken, and what should have come before has them, too.
    if (batch.isDisplaced) this.around.identity.invalidate(batch.identity!.producerId);
    else queue.noteWritten(batch, this.nowMs);
    succeed(batch, result);
  }

  private concludeLost(attempt: Attempt, error: Error): void {
    const { queue, batch } = attempt;
    const surelyUnsent =
      (error instanceof ConnectionError && error.unsent) || error instanceof UnsupportedApiError;
    batch.isDoubtful ||= !surelyUnsent;
    if (batch.isDisplaced) this.comeAgain(queue, batch, error);
    else if (isRetriableError(error)) this.tryAgain(attempt, error);
    else this.giveUp(queue, batch, error);
  }

  private concludeRefused(attempt: Attempt, result: PartitionResult): void {
    const { queue, batch } = attempt;
    const { transactions, identity, isIdempotent, counts } = this.around;
    const { errorCode } = result;
    const error = new KafkaError(errorCode, result.errorMessage ?? errorName(errorCode));
    const hasLostState = LOST_STATE_CODES.includes(errorCode);
    const isBehindOthers =
      errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && queue.hasUnsettledBefore(batch);
    if (batch.isDisplaced || isBehindOthers) return this.comeAgain(queue, batch, error);
    // Within a transaction the sequence cannot begin anew: the next one does.
    if (DOUBTFUL_CODES.includes(errorCode) || (hasLostState && transactions !== null))
      batch.isDoubtful = true;
    const mayBeSplit = batch.records.length > 1 && transactions?.isOver !== true;
    if (errorCode === ErrorCode.MESSAGE_TOO_LARGE && mayBeSplit) {
      counts.batchesSplit++;
      queue.giveBackSequence(batch);
      queue.putBack(...batch.halves());
    } else if (isIdempotent && hasLostState && !batch.isDoubtful) {
      identity.invalidate(batch.identity!.producerId);
      batch.thaw();
      this.tryAgain(attempt, error);
    } else if (isRetriableError(error)) {
      this.tryAgain(attempt, error);
    } else {
      this.giveUp(queue, batch, (index) => recordError(batch, result, index));
    }
  }

  /** It only suffered from what went before it: it goes out again behind that. */
  private comeAgain(queue: PartitionQueue, batch: Batch, error: Error): void {
    if (batch.isDisplaced) batch.thaw();
    if (this.around.transactions?.isOver === true) return this.giveUp(queue, batch, error);
    batch.lastError = error;
    queue.putBack(batch);
  }

  private tryAgain({ node, queue, batch }: Attempt, error: Error): void {
    const { transactions, cluster, refresh } = this.around;
    if (transactions?.isOver === true) return this.giveUp(queue, batch, error);
    batch.lastError = error;
    batch.failedLeaderId = node.nodeId;
    const pauseMs = backoffMs(cluster.settings.backoff, batch.attempts, cluster.environment.random);
    batch.notBeforeMs = this.nowMs + pauseMs;
    queue.putBack(batch);
    refresh(batch.topic);
  }

  private get nowMs(): number {
    return this.around.cluster.environment.clock.monotonic();
  }
}
