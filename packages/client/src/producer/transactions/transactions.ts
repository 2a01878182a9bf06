import type { Cluster } from '../../cluster/cluster.ts';
import { partitionKey, type TopicPartition } from '../../cluster/topic-partition.ts';
import type { OffsetToCommit } from '../../consumer/committed-offsets.ts';
import type { GroupMetadata } from '../../consumer/group-metadata.ts';
import {
  ClientError,
  RequestTimeoutError,
  TransactionError,
  TransactionTimeoutError,
  asError,
} from '../../errors.ts';
import type { Identity, IdentitySource } from '../producer-identity.ts';
import type { ProducerSettings } from '../producer-options.ts';
import {
  TransactionCoordinator,
  type ProducerIdAndEpoch,
  type TransactionVersion,
} from './transaction-coordinator.ts';
import { failureFromCoordinator, failureFromLeader } from './transaction-failure.ts';

/** What a transaction needs of the producer around it. */
export interface TransactionRecords {
  /** Something may be sent that could not be before. */
  readonly hurry: () => void;
  /** Resolves when every record taken before is settled. */
  readonly flush: () => Promise<void>;
  /** Fails every record that is not in flight. */
  readonly dropUnsent: (reason: Error) => void;
  /** Resolves when nothing is in flight. */
  readonly inFlightSettled: () => Promise<void>;
}

/** One transaction, from its begin to its end. */
export interface TransactionScope {
  /** Why nothing is written in it any more; null while it goes on. */
  over: Error | null;
}

/**
 * - `new`: `init` has not succeeded yet.
 * - `ready`: between transactions.
 * - `open`: records and offsets are taken. With a `failure` nothing is left but to abort.
 * - `committing`, `aborting`: the end was asked for; while the outcome is not known only the same call helps.
 */
type Phase = 'new' | 'ready' | 'open' | 'committing' | 'aborting';

const FEATURE = 'transaction.version';
/** The level of the feature from which on every transaction has its own epoch (KIP-890). */
const EPOCH_PER_TRANSACTION_LEVEL = 2;

/**
 * The transactions of a producer, one after another.
 *
 * No record is lost from a transaction unseen: one that cannot be written makes the transaction fail, and a commit
 * that follows is refused with the reason. What failed is aborted before anything else is done in this producer's name;
 * if the fate of a batch is unknown then, the next transaction has another epoch, so that it cannot turn up in it.
 */
export class Transactions implements IdentitySource {
  private readonly cluster: Cluster;
  private readonly settings: ProducerSettings;
  private readonly records: TransactionRecords;
  private readonly coordinator: TransactionCoordinator;
  readonly transactionalId: string;
  private phase: Phase = 'new';
  private isBusy = false;
  private failure: TransactionError | null = null;
  private version: TransactionVersion = 1;
  private identity: Identity | null = null;
  private generation = 0;
  private scope: TransactionScope = { over: null };
  /** Brokers may know of the transaction. */
  private hasWritten = false;
  /** A batch of unknown fate must not turn up in the next transaction. */
  private needsNewEpoch = false;
  /** In version 1: what the coordinator knows of, is told of, and has yet to be. */
  private readonly added = new Set<string>();
  private readonly toAdd = new Map<string, TopicPartition>();
  private isAdding = false;

  constructor(
    cluster: Cluster,
    settings: ProducerSettings,
    transactionalId: string,
    records: TransactionRecords,
  ) {
    this.cluster = cluster;
    this.settings = settings;
    this.transactionalId = transactionalId;
    this.records = records;
    this.coordinator = new TransactionCoordinator(cluster, transactionalId);
  }

  get current(): Identity | null {
    return this.identity;
  }

  isReady(): boolean {
    return this.identity !== null && (this.phase === 'open' || this.phase === 'committing');
  }

  invalidate(): void {
    this.needsNewEpoch = true;
  }

  /** The transaction that records taken now belong to. */
  get present(): TransactionScope {
    return this.scope;
  }

  /** Whether records can be neither sent nor sent again. */
  get isOver(): boolean {
    return this.scope.over !== null;
  }

  get isNew(): boolean {
    return this.phase === 'new';
  }

  /** Whether an abort is what is left to do. */
  get canAbort(): boolean {
    const isOpen = this.phase === 'open' || this.phase === 'aborting';
    return isOpen && !this.isBusy && (this.failure === null || this.failure.recovery === 'abort');
  }

  /** Whether brokers take a record as the sign that its partition takes part. */
  get version2(): boolean {
    return this.version === 2;
  }

  /** Why a record is not taken now, or null. */
  refusal(): Error | null {
    if (this.failure !== null) return this.failure;
    return this.phase === 'open' && !this.isEnding ? null : this.outOfOrder('send');
  }

  /** Fences earlier producers with this id and ends what they left open. @throws TransactionError, RequestTimeoutError */
  async init(): Promise<void> {
    this.begins('initTransactions', 'new');
    await this.call('initTransactions', async () => {
      await this.takeIdentity(null);
      this.phase = 'ready';
    });
  }

  begin(): void {
    this.begins('beginTransaction', 'ready');
    this.version = this.cluster.featureLevel(FEATURE) >= EPOCH_PER_TRANSACTION_LEVEL ? 2 : 1;
    this.phase = 'open';
    this.scope = { over: null };
    this.hasWritten = false;
    this.needsNewEpoch = false;
    this.added.clear();
    this.toAdd.clear();
  }

  /** Whether batches of the partition may go out; if not, the coordinator is told of it. */
  mayWrite(at: TopicPartition): boolean {
    if (this.version === 2 || this.added.has(partitionKey(at))) {
      this.hasWritten = true;
      return true;
    }
    this.toAdd.set(partitionKey(at), { topic: at.topic, partition: at.partition });
    if (!this.isAdding) void this.addPartitions();
    return false;
  }

  /** A record of the transaction was not written. */
  noteLoss(error: Error): void {
    const isOpen = this.phase === 'open' || this.phase === 'committing';
    if (!isOpen || this.failure !== null) return;
    this.fail(failureFromLeader(this.transactionalId, error));
  }

  async sendOffsets(group: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    if (this.failure !== null) throw this.failure;
    if (this.phase !== 'open' || this.isEnding) throw this.outOfOrder('sendOffsets');
    if (offsets.length === 0) return;
    this.hasWritten = true;
    try {
      await this.coordinator.commitOffsets(
        this.identity!,
        this.version,
        group,
        offsets,
        this.settings.maxBlockMs,
      );
    } catch (thrown) {
      throw this.fail(failureFromCoordinator(this.transactionalId, 'offsets', unwrapped(thrown)));
    }
  }

  async commit(): Promise<void> {
    if (this.failure !== null) throw this.failure;
    if (this.phase !== 'committing') this.begins('commitTransaction', 'open');
    else if (this.isBusy) throw this.outOfOrder('commitTransaction');
    await this.call('commitTransaction', async () => {
      if (this.phase === 'open') {
        await this.records.flush();
        if (this.failure !== null) throw this.failure;
      }
      await this.end(true);
    });
  }

  async abort(): Promise<void> {
    if (this.failure !== null && this.failure.recovery !== 'abort') throw this.failure;
    if (this.isBusy || (this.phase !== 'open' && this.phase !== 'aborting')) {
      throw this.outOfOrder('abortTransaction');
    }
    this.phase = 'aborting';
    await this.call('abortTransaction', async () => {
      this.finish(new TransactionError('abort', 'the transaction is aborted', { code: 'ABORTED' }));
      await this.records.inFlightSettled();
      await this.end(false);
      this.failure = null;
    });
  }

  /** Aborts what is open, as well as it can be done. Never throws. */
  async close(): Promise<void> {
    if (!this.canAbort) return;
    await this.abort().catch(() => undefined);
  }

  private get isEnding(): boolean {
    return this.isBusy;
  }

  private async end(committed: boolean): Promise<void> {
    this.phase = committed ? 'committing' : 'aborting';
    if (this.hasWritten) {
      const { maxBlockMs } = this.settings;
      const next = await this.coordinator.end(this.identity!, this.version, committed, maxBlockMs);
      if (isOther(next, this.identity!)) this.adopt(next);
      else if (this.needsNewEpoch) await this.takeIdentity(this.identity);
    }
    this.scope.over ??= new ClientError('NO_TRANSACTION', 'the transaction has ended');
    this.phase = 'ready';
  }

  private async takeIdentity(known: Identity | null): Promise<void> {
    const { transactionTimeoutMs, maxBlockMs } = this.settings;
    const bare = known && { producerId: known.producerId, producerEpoch: known.producerEpoch };
    this.adopt(await this.coordinator.initialise(transactionTimeoutMs, bare, maxBlockMs));
  }

  /** Sequence numbers count anew. */
  private adopt({ producerId, producerEpoch }: ProducerIdAndEpoch): void {
    this.identity = { producerId, producerEpoch, generation: ++this.generation };
    this.needsNewEpoch = false;
  }

  /** One request after another, each with all partitions that came up meanwhile. */
  private async addPartitions(): Promise<void> {
    const { scope } = this;
    this.isAdding = true;
    // Others that come up within the same turn go along.
    await Promise.resolve();
    try {
      while (this.toAdd.size > 0 && scope.over === null) {
        const partitions = [...this.toAdd];
        this.toAdd.clear();
        this.hasWritten = true;
        const named = partitions.map(([, at]) => at);
        await this.coordinator.addPartitions(this.identity!, named, this.settings.deliveryTimeoutMs);
        if (this.scope === scope) for (const [key] of partitions) this.added.add(key);
      }
    } catch (thrown) {
      const failure = failureFromCoordinator(this.transactionalId, 'partitions', unwrapped(thrown));
      if (this.scope === scope && scope.over === null) this.fail(failure);
    } finally {
      this.isAdding = false;
      this.records.hurry();
    }
  }

  /** Nothing further is written; what has been is never committed. */
  private fail(failure: TransactionError): TransactionError {
    this.failure ??= failure;
    this.finish(this.failure);
    return this.failure;
  }

  private finish(reason: Error): void {
    this.scope.over ??= reason;
    this.toAdd.clear();
    this.records.dropUnsent(this.scope.over);
  }

  private begins(call: string, phase: Phase): void {
    if (this.failure !== null) throw this.failure;
    if (this.isBusy || this.phase !== phase) throw this.outOfOrder(call);
  }

  /** Runs what the brokers have to agree to; a lack of answers leaves everything to the next same call. */
  private async call(name: string, work: () => Promise<void>): Promise<void> {
    this.isBusy = true;
    try {
      await work();
    } catch (thrown) {
      throw this.judged(name, asError(thrown));
    } finally {
      this.isBusy = false;
    }
  }

  private judged(name: string, error: Error): Error {
    if (error instanceof TransactionError) return error;
    if (error instanceof RequestTimeoutError) {
      return this.phase === 'new' ? error : new TransactionTimeoutError(name, error);
    }
    const failure = failureFromCoordinator(this.transactionalId, name, error);
    if (failure.recovery !== 'abort') return this.fail(failure);
    // Initialising changes nothing: it can be asked for again.
    if (this.phase === 'new') return failure;
    if (this.phase === 'committing') {
      this.phase = 'open';
      return this.fail(failure);
    }
    return this.fail(
      new TransactionError('restart', `it cannot be aborted: ${error.message}`, { cause: error }),
    );
  }

  private outOfOrder(call: string): ClientError {
    const { phase, isBusy } = this;
    const state = isBusy ? `another call (${phase}) is under way` : STATES[phase];
    return new ClientError('TRANSACTION_STATE', `${call} is not possible now: ${state}`);
  }
}

const STATES: Readonly<Record<Phase, string>> = {
  new: 'initTransactions comes first',
  ready: 'there is no transaction, beginTransaction comes first',
  open: 'a transaction is open, commit or abort it',
  committing: 'the outcome of the commit is not known, commitTransaction settles it',
  aborting: 'the abort is not finished, abortTransaction settles it',
};

function isOther(a: ProducerIdAndEpoch, b: ProducerIdAndEpoch): boolean {
  return a.producerId !== b.producerId || a.producerEpoch !== b.producerEpoch;
}

/** Behind "gave up" there is what the coordinator kept saying. */
function unwrapped(thrown: unknown): Error {
  const error = asError(thrown);
  return error instanceof RequestTimeoutError && error.cause instanceof Error ? error.cause : error;
}
