import { ClientError, ClosedError, HandlerError, asError } from '../errors.ts';
import type { FetchedRecords } from './fetch/fetched-data.ts';
import type { ConsumedRecord } from './consumed-record.ts';
import { callApplication } from './handler-scope.ts';
import type { Delivery } from './owned-partition.ts';

export interface HandlerContext {
  /** Aborts when the partition is lost: another member may work on it already. */
  readonly signal: AbortSignal;
}

export interface BatchContext extends HandlerContext {
  /** Everything before the offset is done, although the handler is not. Also a sign of life. */
  readonly markProcessed: (offset: number) => void;
  /**
   * Whether the rest is still to be worked on: not once the partition is being given up or is lost, reading goes on
   * elsewhere, or the consumer closes.
   */
  readonly isWanted: () => boolean;
}

interface Concurrency {
  /** Partitions that are handled at the same time, 1 or more. Default 1. */
  readonly concurrency?: number;
}

export type Handlers = Concurrency &
  (
    | {
        readonly eachMessage: (record: ConsumedRecord, context: HandlerContext) => unknown;
        readonly eachBatch?: never;
        readonly finishesBatch?: never;
      }
    | {
        readonly eachBatch: (batch: FetchedRecords, context: BatchContext) => unknown;
        /**
         * Whether all of a batch is processed once the handler is done with it; else only what it has marked, and the
         * rest comes again. Default true.
         */
        readonly finishesBatch?: boolean;
        readonly eachMessage?: never;
      }
  );

/** Where deliveries come from, and what becomes of them. */
export interface DeliverySource {
  /** At most one; empty now and then. @throws ClosedError when there will be no more, and what ends the reading */
  readonly next: () => Promise<readonly Delivery[]>;
  readonly finishUpTo: (delivery: Delivery, offset: number) => void;
  readonly giveBack: (delivery: Delivery) => void;
  /** What is not done of it is delivered again. */
  readonly takeBack: (delivery: Delivery) => void;
  /** There is to be nothing more. */
  readonly stop: () => void;
  readonly isStopped: () => boolean;
}

/**
 * Runs handlers over deliveries, several at a time, each of another partition. Stops between two records when the
 * partition is to be given up or the consumer closed; a handler that has begun is never interrupted, only told by its signal.
 */
export class HandlerRunner {
  private readonly source: DeliverySource;
  private readonly handlers: Handlers;
  private readonly concurrency: number;
  private failure: Error | null = null;

  /** @throws ClientError BAD_OPTION */
  constructor(source: DeliverySource, handlers: Handlers) {
    this.concurrency = handlers.concurrency ?? 1;
    if (!Number.isInteger(this.concurrency) || this.concurrency < 1) {
      const message = `concurrency is ${this.concurrency}, allowed are whole numbers from 1 on`;
      throw new ClientError('BAD_OPTION', message);
    }
    this.source = source;
    this.handlers = handlers;
  }

  /** Ends with the source. @throws HandlerError, and what the source ended with */
  async run(): Promise<void> {
    const workers = Array.from({ length: this.concurrency }, () => this.work());
    await Promise.all(workers);
    if (this.failure !== null) throw this.failure;
  }

  private async work(): Promise<void> {
    while (this.failure === null) {
      let delivered: readonly Delivery[];
      try {
        delivered = await this.source.next();
      } catch (error) {
        if (!(error instanceof ClosedError)) this.endWith(asError(error));
        return;
      }
      for (const delivery of delivered) await this.handle(delivery);
    }
  }

  private async handle(delivery: Delivery): Promise<void> {
    try {
      if (this.handlers.eachBatch !== undefined) await this.handleBatch(delivery, this.handlers.eachBatch);
      else {
        const { eachMessage } = this.handlers;
        // Once for all of them: it costs as much as all else that is done for a record.
        await callApplication(() => this.handleEach(delivery, eachMessage));
      }
    } finally {
      this.source.giveBack(delivery);
    }
  }

  private async handleEach(
    delivery: Delivery,
    eachMessage: (record: ConsumedRecord, context: HandlerContext) => unknown,
  ): Promise<void> {
    const { owner, batch } = delivery;
    const { topic, partition } = batch;
    const context: HandlerContext = { signal: owner.signal };
    for (const record of batch.records) {
      if (!this.mayGoOn(delivery)) return;
      const { offset, timestamp, key, value, headers } = record;
      try {
        const outcome = eachMessage({ topic, partition, offset, timestamp, key, value, headers }, context);
        if (isPromise(outcome)) await outcome;
      } catch (error) {
        this.fail(delivery, offset, error);
        return;
      }
      this.source.finishUpTo(delivery, offset + 1);
    }
    this.source.finishUpTo(delivery, batch.nextOffset);
  }

  private async handleBatch(
    delivery: Delivery,
    eachBatch: (batch: FetchedRecords, context: BatchContext) => unknown,
  ): Promise<void> {
    const { owner, batch } = delivery;
    if (batch.records.length > 0) {
      if (!this.mayGoOn(delivery)) return;
      const context: BatchContext = {
        signal: owner.signal,
        markProcessed: (offset) => this.source.finishUpTo(delivery, offset),
        isWanted: () => this.mayGoOn(delivery),
      };
      try {
        await callApplication(eachBatch, batch, context);
      } catch (error) {
        this.fail(delivery, delivery.doneUpTo ?? batch.records[0]!.offset, error);
        return;
      }
      if (this.handlers.finishesBatch === false) {
        if (delivery.doneUpTo !== batch.nextOffset) this.source.takeBack(delivery);
        return;
      }
    }
    this.source.finishUpTo(delivery, batch.nextOffset);
  }

  private mayGoOn(delivery: Delivery): boolean {
    const { owner } = delivery;
    return !this.source.isStopped() && owner.isCurrent(delivery) && !owner.isRevoking;
  }

  private fail({ batch }: Delivery, offset: number, thrown: unknown): void {
    this.endWith(new HandlerError(batch, offset, asError(thrown)));
  }

  private endWith(failure: Error): void {
    this.failure ??= failure;
    this.source.stop();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
