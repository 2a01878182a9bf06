import { callApplication } from '../consumer/handler-scope.ts';
import { ClosedError, HandlerError, asError } from '../errors.ts';
import { wholeNumber } from '../options.ts';
import type { AcquiredRecord, ShareRecord } from './acquired-record.ts';

export type FailureVerdict = 'release' | 'reject';

export interface ShareHandlers {
  /**
   * Called for each record, in no promised order. What it has done with is accepted, unless it has acknowledged the
   * record itself, or acknowledgements are explicit.
   */
  readonly eachMessage: (record: ShareRecord) => unknown;
  /** Records that are handled at the same time, 1 to 10 000. Default 1. */
  readonly concurrency?: number;
  /**
   * What becomes of a record whose handler fails, or what says so. Released ones come again, here or elsewhere, until
   * the group gives them up (`group.share.delivery.count.limit`, 5 times in all). Default `release`.
   */
  readonly onFailure?: FailureVerdict | ((error: HandlerError, record: ShareRecord) => FailureVerdict);
}

const CONCURRENCY_MAX = 10_000;

/** Where records come from. */
export interface ShareSource {
  /** One that is there already, or null. */
  readonly takeOne: () => AcquiredRecord | null;
  /** At most one; null now and then. @throws ClosedError when there will be no more, and what ends the reading */
  readonly next: () => Promise<AcquiredRecord | null>;
  /** There is to be nothing more. */
  readonly stop: () => void;
  readonly isStopped: () => boolean;
  readonly accepts: boolean;
}

/** @throws ClientError BAD_OPTION */
export function concurrencyOf({ concurrency = 1 }: ShareHandlers): number {
  return wholeNumber('concurrency', concurrency, 1, CONCURRENCY_MAX);
}

/** Runs handlers over records, several at a time. One that has begun is never interrupted, only told by its signal. */
export class ShareHandlerRunner {
  failures = 0;
  private readonly source: ShareSource;
  private readonly handlers: ShareHandlers;
  private failure: Error | null = null;

  constructor(source: ShareSource, handlers: ShareHandlers) {
    this.source = source;
    this.handlers = handlers;
  }

  /** Ends with the source. @throws what it ended with, and what `onFailure` threw */
  async run(): Promise<void> {
    const workers = Array.from({ length: concurrencyOf(this.handlers) }, () => this.work());
    await Promise.all(workers);
    if (this.failure !== null) throw this.failure;
  }

  private async work(): Promise<void> {
    while (this.failure === null && !this.source.isStopped()) {
      try {
        const record = this.source.takeOne() ?? (await this.source.next());
        if (record !== null) await this.handle(record);
      } catch (error) {
        if (!(error instanceof ClosedError)) this.failure ??= asError(error);
        return this.source.stop();
      }
    }
  }

  private async handle(record: AcquiredRecord): Promise<void> {
    try {
      await callApplication(this.handlers.eachMessage, record);
    } catch (thrown) {
      this.failures++;
      const verdict = this.verdictOn(record, new HandlerError(record, record.offset, asError(thrown)));
      if (!record.isAcknowledged) record.acknowledge(verdict);
      return;
    }
    if (this.source.accepts && !record.isAcknowledged) record.acknowledge('accept');
  }

  private verdictOn(record: AcquiredRecord, error: HandlerError): FailureVerdict {
    const { onFailure = 'release' } = this.handlers;
    return typeof onFailure === 'function' ? callApplication(onFailure, error, record) : onFailure;
  }
}
