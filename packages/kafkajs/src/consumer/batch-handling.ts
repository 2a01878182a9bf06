import { asError, partitionKey, type BatchContext, type FetchedRecords } from '@odradek/client/index.ts';
import { toKafkaJSError } from '../error-translation.ts';
import { KafkaJSError, KafkaJSNumberOfRetriesExceeded } from '../errors.ts';
import type { Logger } from '../logging.ts';
import { kafkaMessage } from '../messages.ts';
import type { Offsets } from '../producer/producer-types.ts';
import { pauseBefore, type RetryPlan } from '../retry-options.ts';
import { Batch } from './batch.ts';
import type { ConsumerRunConfig, EachBatchHandler, EachMessageHandler } from './consumer-types.ts';
import { byTopic, type OffsetLedger } from './offset-ledger.ts';

/** What handling a batch needs of the consumer around it. */
export interface HandlingParts {
  readonly config: ConsumerRunConfig;
  readonly plan: RetryPlan;
  readonly logger: Logger;
  readonly ledger: OffsetLedger;
  readonly isStopping: () => boolean;
  readonly isPaused: (at: FetchedRecords) => boolean;
  /** Counts the seeks of a partition. */
  readonly seeksOf: (at: FetchedRecords) => number;
  readonly pause: (at: FetchedRecords) => () => void;
  /** Delivers nothing of the partition for a while; others go on. */
  readonly restPartition: (at: FetchedRecords, forMs: number) => void;
  readonly commitResolved: () => Promise<void>;
  readonly commitThese: (offsets: Offsets) => Promise<void>;
}

/**
 * Gives the records of one partition to the application's handler, and keeps the ledger of what is done.
 *
 * What a handler fails at comes again after a pause, in which only that partition rests; when that has not helped as often
 * as the plan says, the consumer crashes.
 */
export class BatchHandling {
  private readonly parts: HandlingParts;
  /** Failures in a row at the same place, by partition. */
  private readonly failures = new Map<string, { readonly offset: number; readonly count: number }>();

  constructor(parts: HandlingParts) {
    this.parts = parts;
  }

  /** @throws KafkaJSNumberOfRetriesExceeded, when the handler failed for the last time */
  async handle(fetched: FetchedRecords, context: BatchContext): Promise<void> {
    const { config } = this.parts;
    const work = new Work(fetched, context, this.parts);
    try {
      if (config.eachMessage) await eachMessageOf(work, config.eachMessage);
      else if (config.eachBatch) await eachBatchOf(work, config.eachBatch);
    } catch (thrown) {
      await this.failed(work, asError(thrown));
      return;
    }
    this.failures.delete(partitionKey(fetched));
    await work.commitAtEnd();
  }

  private async failed(work: Work, error: Error): Promise<void> {
    const { logger, plan, restPartition } = this.parts;
    const { fetched } = work;
    const { topic, partition } = fetched;
    const offset = work.position;
    if (!(error instanceof KafkaJSError)) {
      const place = { topic, partition, offset: String(offset), stack: error.stack, error: error.message };
      logger.error(
        `Error when calling ${this.parts.config.eachMessage ? 'eachMessage' : 'eachBatch'}`,
        place,
      );
    }
    await work.commitAtEnd();
    // Handlers fail for no other reason once their partition went to others.
    if (!work.isRunning) return;
    const key = partitionKey(fetched);
    const before = this.failures.get(key);
    const count = before !== undefined && before.offset === offset ? before.count + 1 : 1;
    const retryTime = pauseBefore(plan, count);
    if (count > plan.retries) {
      throw new KafkaJSNumberOfRetriesExceeded(error, { retryCount: plan.retries, retryTime });
    }
    this.failures.set(key, { offset, count });
    restPartition(fetched, retryTime);
  }
}

/** One batch in the hands of a handler. */
class Work {
  readonly fetched: FetchedRecords;
  private readonly context: BatchContext;
  private readonly parts: HandlingParts;
  private readonly seeksBefore: number;
  /** Everything before it is done. */
  position: number;
  private doneCount = 0;
  /** The handler was told to leave the rest. */
  wasToldToStop = false;

  constructor(fetched: FetchedRecords, context: BatchContext, parts: HandlingParts) {
    this.fetched = fetched;
    this.context = context;
    this.parts = parts;
    this.seeksBefore = parts.seeksOf(fetched);
    this.position = fetched.records[0]?.offset ?? fetched.nextOffset;
  }

  get autoResolves(): boolean {
    return this.parts.config.eachBatchAutoResolve ?? true;
  }

  get isStale(): boolean {
    return this.parts.seeksOf(this.fetched) !== this.seeksBefore;
  }

  /** Not while another owner may be at work. */
  get isRunning(): boolean {
    return !this.parts.isStopping() && (this.context.isWanted() || this.isStale);
  }

  get mayGoOn(): boolean {
    return this.isRunning && !this.isStale;
  }

  get isPaused(): boolean {
    return this.parts.isPaused(this.fetched);
  }

  resolveUpTo(offset: number): void {
    if (this.isStale || this.context.signal.aborted || offset <= this.position) return;
    const count = this.countBefore(offset) - this.doneCount;
    this.doneCount += count;
    this.position = offset;
    this.context.markProcessed(offset);
    this.parts.ledger.resolve(this.fetched, offset, count);
  }

  resolveAll(): void {
    this.resolveUpTo(this.fetched.nextOffset);
  }

  /** @param offset of a message; with the last, what is not delivered behind it is done, too */
  resolve(offset: number): void {
    const { records, nextOffset } = this.fetched;
    this.resolveUpTo(offset >= (records.at(-1)?.offset ?? -1) ? nextOffset : offset + 1);
  }

  heartbeat = async (): Promise<void> => {
    if (this.context.signal.aborted) {
      throw new KafkaJSError('The group went on without this member', {
        cause: asError(this.context.signal.reason),
      });
    }
    this.context.markProcessed(this.position);
    await Promise.resolve();
  };

  pause = (): (() => void) => this.parts.pause(this.fetched);

  async commitIfDue(): Promise<void> {
    if (this.parts.ledger.isDue) await this.parts.commitResolved();
  }

  async commitThese(offsets: Offsets | undefined): Promise<void> {
    if (offsets === undefined) await this.commitIfDue();
    else await this.parts.commitThese(offsets);
  }

  uncommitted(): Offsets {
    return byTopic(this.parts.ledger.uncommitted);
  }

  async commitAtEnd(): Promise<void> {
    if (this.parts.config.autoCommit ?? true) await this.parts.commitResolved();
  }

  async commitBetween(): Promise<void> {
    if (this.parts.config.autoCommit ?? true) await this.commitIfDue();
  }

  private countBefore(offset: number): number {
    const { records } = this.fetched;
    const index = records.findIndex((record) => record.offset >= offset);
    return index === -1 ? records.length : index;
  }
}

async function eachMessageOf(work: Work, eachMessage: EachMessageHandler): Promise<void> {
  const { topic, partition, records } = work.fetched;
  const { heartbeat, pause } = work;
  for (const record of records) {
    if (!work.mayGoOn) return;
    await eachMessage({ topic, partition, message: kafkaMessage(record), heartbeat, pause });
    work.resolve(record.offset);
    await work.commitBetween();
    if (work.isPaused) return;
  }
  work.resolveAll();
}

async function eachBatchOf(work: Work, eachBatch: EachBatchHandler): Promise<void> {
  const { heartbeat, pause } = work;
  // Whoever was told to leave the rest has not done it.
  const noted = (isEnd: boolean): boolean => {
    work.wasToldToStop ||= isEnd;
    return isEnd;
  };
  try {
    await eachBatch({
      batch: new Batch(work.fetched),
      resolveOffset: (offset) => work.resolve(Number(offset)),
      heartbeat,
      pause,
      commitOffsetsIfNecessary: (offsets) => work.commitThese(offsets),
      uncommittedOffsets: () => work.uncommitted(),
      isRunning: () => !noted(!work.isRunning),
      isStale: () => noted(work.isStale),
    });
  } catch (error) {
    throw toKafkaJSError(error);
  }
  if (work.autoResolves && !work.wasToldToStop) work.resolveAll();
}
