import { Cluster } from '../cluster/cluster.ts';
import type { TopicMetadata } from '../cluster/metadata-cache.ts';
import { CLUSTER_OPTION_NAMES } from '../cluster/cluster-options.ts';
import { ClientError, ClosedError, asError } from '../errors.ts';
import { pickOptions, refuseUnknown } from '../options.ts';
import type { Timer } from '../ports/clock.ts';
import type { Batch, RecordMetadata, Settled } from './batch.ts';
import type { OffsetToCommit } from '../consumer/committed-offsets.ts';
import type { GroupMetadata } from '../consumer/group-metadata.ts';
import { MemoryGate } from './memory-gate.ts';
import { partitionOfKey } from './murmur2.ts';
import { Outstanding } from './outstanding.ts';
import { recordSizeMaxBytes } from './partition-queue.ts';
import {
  PRODUCER_OPTION_NAMES,
  producerSettings,
  type ProducerOptions,
  type ProducerSettings,
} from './producer-options.ts';
import type { Partitioner } from './partitioner.ts';
import type { ProducerRecord } from './producer-record.ts';
import type { ProducerMetrics } from './producer-metrics.ts';
import { recordFault } from './record-fault.ts';
import { Sender } from './sender.ts';
import { StickyPartition } from './sticky-partition.ts';
import { TakenRecord, type PartitionChooser } from './taken-record.ts';
import { Transactions } from './transactions/transactions.ts';

/** Senders that wait for memory beyond this number are refused. */
const MEMORY_WAITERS_MAX = 100_000;

interface TopicState {
  readonly sticky: StickyPartition;
  /** Records that came before the topic's metadata, in order; null once it is known. */
  early: TakenRecord[] | null;
}

/**
 * Sends records. Batches per partition, several batches per request; retries until the delivery timeout without
 * reordering, and with idempotence without doubling. Every record taken is settled exactly once; what is not
 * settled is bounded by `bufferMemoryBytes`.
 */
export class Producer {
  private readonly cluster: Cluster;
  private readonly settings: ProducerSettings;
  private readonly sender: Sender;
  /** Null without a transactional id. */
  private readonly transactions: Transactions | null;
  private readonly memory: MemoryGate;
  private readonly outstanding = new Outstanding();
  private readonly topics = new Map<string, TopicState>();
  private closing: Promise<void> | null = null;
  private isStopped = false;

  /** Connects when first used. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: ProducerOptions) {
    refuseUnknown('a producer', options, PRODUCER_OPTION_NAMES);
    this.settings = producerSettings(options);
    this.cluster = new Cluster(pickOptions(options, CLUSTER_OPTION_NAMES));
    this.memory = new MemoryGate(this.settings.bufferMemoryBytes);
    const { transactionalId } = this.settings;
    this.transactions =
      transactionalId === null
        ? null
        : new Transactions(this.cluster, this.settings, transactionalId, {
            hurry: () => this.sender.hurry(),
            flush: () => this.flush(),
            dropUnsent: (reason) => this.dropUnsent(reason),
            inFlightSettled: () => this.sender.inFlightSettled(),
          });
    const urgency = {
      all: () => this.memory.hasWaiters || this.closing !== null,
      batch: (batch: Batch) => batch.generation <= this.outstanding.flushedUpTo,
    };
    this.sender = new Sender(this.cluster, this.settings, urgency, this.transactions);
  }

  /** Finds the cluster now rather than with the first call. @throws ConnectionError when no broker answers */
  async connect(): Promise<void> {
    await this.cluster.nodes();
  }

  /**
   * The partitions of a topic, by index, asking for the topic as sending to it does.
   *
   * @param timeoutMs for the whole call. Default: `maxBlockMs`
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION when there is no such topic by then
   */
  async partitionsOf(topic: string, timeoutMs = this.settings.maxBlockMs): Promise<readonly number[]> {
    const known = await this.cluster.topic(topic, { create: this.settings.createTopics, timeoutMs });
    return known.partitions.map(({ partition }) => partition);
  }

  /**
   * Sends one record and waits for its outcome. Await many at a time: each alone waits for its own batch.
   *
   * @throws KafkaError as the broker refused it; ClientError BAD_RECORD, RECORD_TOO_LARGE, DELIVERY_TIMEOUT, MAX_BLOCK,
   *   BAD_PARTITION, PARTITIONER_FAILED; ClosedError
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      void this.enqueue(record, (error, metadata) => {
        if (error === null) resolve(metadata!);
        else reject(error);
      });
    });
  }

  /**
   * Takes one record; `settled` is called once with its outcome, never before this returns. For streams: who
   * awaits what this returns never has more in memory than the producer allows.
   *
   * @param choose the partition, where the record names none; else it is chosen as always
   * @returns nothing when the record has its place, else a promise for that; it never rejects
   */
  enqueue(
    record: ProducerRecord,
    settled: Settled,
    choose: PartitionChooser | null = null,
  ): Promise<void> | undefined {
    const refusal = this.outOfPlace() ?? this.impossible(record);
    if (refusal !== null) {
      this.outstanding.failed++;
      queueMicrotask(() => settled(refusal, null));
      return undefined;
    }
    const nowMs = this.cluster.environment.clock.now();
    const scope = this.transactions?.present ?? null;
    const taken = new TakenRecord(record, nowMs, this.memory, this.outstanding, scope, settled, choose);
    this.admit(taken);
    return taken.isAdmitted ? undefined : taken.whenAdmitted();
  }

  /** What was done, and what waits. */
  metrics(): ProducerMetrics {
    const { succeeded: recordsSent, failed: recordsFailed, waiting: recordsWaiting } = this.outstanding;
    const bufferAvailableBytes = Math.max(0, this.settings.bufferMemoryBytes - this.memory.usedBytes);
    const memoryWaiters = this.memory.waiterCount;
    return {
      ...this.sender.counts,
      recordsSent,
      recordsFailed,
      recordsWaiting,
      bufferAvailableBytes,
      memoryWaiters,
    };
  }

  /** Sends what waits and resolves when every record taken before the call is settled. */
  flush(): Promise<void> {
    const settled = this.outstanding.settled();
    this.sender.hurry();
    return settled;
  }

  /**
   * Takes no more records, waits for those taken, and closes the connections.
   *
   * @param timeoutMs after this, records that are not settled fail with ClosedError. Default: the delivery timeout
   */
  close(timeoutMs = this.settings.deliveryTimeoutMs): Promise<void> {
    this.closing ??= this.shutDown(timeoutMs);
    return this.closing;
  }

  /**
   * Fences producers that had the transactional id before, ends what they left open, and makes this one the only one.
   * Once, before the first transaction.
   *
   * @throws TransactionError; RequestTimeoutError after `maxBlockMs`, after which it can be called again
   */
  async initTransactions(): Promise<void> {
    await this.transactional.init();
  }

  /** What is sent from now on is committed or aborted as a whole. @throws TransactionError, ClientError TRANSACTION_STATE */
  beginTransaction(): void {
    this.transactional.begin();
  }

  /**
   * Makes offsets that a group has processed part of the transaction: they count when it commits.
   *
   * @param group of the consumer that read them, as it is now
   * @throws TransactionError, with recovery `abort` when the group has gone on without that consumer
   */
  async sendOffsets(group: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.transactional.sendOffsets(group, offsets);
  }

  /**
   * Sends what waits and makes all of the transaction visible at once to those who read only what is committed. If a
   * single record could not be written nothing of it is committed, whether or not its own promise was looked at.
   *
   * @throws TransactionError; TransactionTimeoutError when the outcome is not known: call it again
   */
  async commitTransaction(): Promise<void> {
    await this.transactional.commit();
  }

  /** Nothing of the transaction becomes visible to them; what was not sent yet is not. @throws as `commitTransaction` */
  async abortTransaction(): Promise<void> {
    await this.transactional.abort();
  }

  /**
   * Runs `work` within a transaction and commits, or aborts when it throws. Calls `initTransactions` the first time.
   *
   * @returns what `work` returned
   * @throws what `work` threw, once the transaction is aborted, and what commit and abort throw. A TransactionError
   *   with recovery `abort` means that the same may succeed another time, `restart` that this producer is of no use
   */
  async transact<Result>(work: () => Promise<Result>): Promise<Result> {
    const { transactional } = this;
    if (transactional.isNew) await transactional.init();
    transactional.begin();
    try {
      const result = await work();
      await transactional.commit();
      return result;
    } catch (error) {
      if (transactional.canAbort) await transactional.abort();
      throw error;
    }
  }

  private get transactional(): Transactions {
    if (this.closing !== null) throw new ClosedError('producer');
    if (this.transactions !== null) return this.transactions;
    throw new ClientError('TRANSACTION_STATE', 'the producer has no transactionalId');
  }

  private outOfPlace(): Error | null {
    if (this.closing !== null) return new ClosedError('producer');
    return this.transactions?.refusal() ?? null;
  }

  private impossible(record: ProducerRecord): Error | null {
    const refusal = recordFault(record, recordSizeMaxBytes(this.settings.requestSizeMaxBytes));
    if (refusal !== null) this.transactions?.noteLoss(refusal);
    return refusal;
  }

  /** Waits for memory in turn. */
  private admit(taken: TakenRecord): void {
    if (this.memory.tryTake(taken.sizeBytes)) return this.place(taken);
    if (this.memory.waiterCount >= MEMORY_WAITERS_MAX) {
      return this.reject(
        taken,
        new ClientError('MAX_BLOCK', `${MEMORY_WAITERS_MAX} records wait for memory`),
      );
    }
    let timer: Timer | null = null;
    const leave = this.memory.wait(taken.sizeBytes, () => {
      timer?.cancel();
      this.place(taken);
    });
    timer = this.cluster.environment.timers.after(this.settings.maxBlockMs, () => {
      leave();
      this.reject(
        taken,
        new ClientError('MAX_BLOCK', `no room in ${this.settings.bufferMemoryBytes} bytes of buffer memory`),
      );
    });
    this.sender.hurry();
  }

  /** The record has its memory. */
  private place(taken: TakenRecord): void {
    taken.noteMemory();
    if (this.isStopped) return this.reject(taken, new ClosedError('producer'));
    const over = taken.scope?.over ?? null;
    if (over !== null) return this.reject(taken, over);
    const state = this.topicState(taken.topic);
    const topic = this.cluster.metadata.topic(taken.topic);
    if (state.early !== null) state.early.push(taken);
    else if (topic !== undefined) this.route(taken, state, topic);
    else void this.learnTopic(taken.topic, state, taken);
  }

  private topicState(topic: string): TopicState {
    let state = this.topics.get(topic);
    if (state === undefined) {
      const { random } = this.cluster.environment;
      state = { sticky: new StickyPartition(random, this.settings.batchSizeBytes), early: null };
      this.topics.set(topic, state);
    }
    return state;
  }

  private async learnTopic(name: string, state: TopicState, first: TakenRecord): Promise<void> {
    state.early = [first];
    try {
      const topic = await this.cluster.topic(name, {
        create: this.settings.createTopics,
        timeoutMs: this.settings.maxBlockMs,
      });
      for (const taken of takeEarly(state)) this.route(taken, state, topic);
    } catch (thrown) {
      this.transactions?.noteLoss(asError(thrown));
      for (const taken of takeEarly(state)) taken.settled(asError(thrown), null);
    }
  }

  private route(taken: TakenRecord, state: TopicState, topic: TopicMetadata): void {
    let partition: number;
    try {
      partition = this.choosePartition(taken, state, topic);
    } catch (thrown) {
      return this.reject(taken, asError(thrown));
    }
    if (topic.partitions[partition] === undefined) {
      return this.reject(
        taken,
        new ClientError(
          'BAD_PARTITION',
          `topic "${taken.topic}" has partitions 0 to ${topic.partitions.length - 1}, not ${partition}`,
        ),
      );
    }
    this.sender.add(taken.topic, partition, taken);
  }

  /** @throws ClientError PARTITIONER_FAILED; what the record's own chooser throws */
  private choosePartition(taken: TakenRecord, state: TopicState, topic: TopicMetadata): number {
    const { partition, key } = taken;
    const { partitioner } = this.settings;
    if (typeof partition === 'function') return partition(topic);
    if (partition !== null) return partition;
    if (partitioner !== null) return placedBy(partitioner, taken, topic);
    if (key !== null) return partitionOfKey(key, topic.partitions.length);
    return state.sticky.choose(topic.partitions, taken.sizeBytes);
  }

  private reject(taken: TakenRecord, error: Error): void {
    if (taken.scope !== null && taken.scope === this.transactions?.present) this.transactions.noteLoss(error);
    taken.admit();
    queueMicrotask(() => taken.settled(error, null));
  }

  private dropUnsent(reason: Error): void {
    this.sender.dropUnsent(reason);
    for (const state of this.topics.values()) {
      for (const taken of takeEarly(state)) taken.settled(reason, null);
    }
  }

  private async shutDown(timeoutMs: number): Promise<void> {
    this.sender.hurry();
    const aborted = this.transactions?.close();
    await this.settledWithin(timeoutMs, aborted);
    this.isStopped = true;
    const reason = new ClosedError('producer');
    this.sender.stop(reason);
    for (const state of this.topics.values()) {
      for (const taken of takeEarly(state)) taken.settled(reason, null);
    }
    this.cluster.close();
  }

  private settledWithin(timeoutMs: number, aborted: Promise<void> | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.cluster.environment.timers.after(timeoutMs, resolve);
      void Promise.all([this.outstanding.settled(), aborted]).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

function takeEarly(state: TopicState): TakenRecord[] {
  const early = state.early ?? [];
  state.early = null;
  return early;
}

function placedBy(partitioner: Partitioner, record: TakenRecord, { partitions }: TopicMetadata): number {
  try {
    return partitioner(record, partitions);
  } catch (cause) {
    const message = `the partitioner failed on a record for topic "${record.topic}"`;
    throw new ClientError('PARTITIONER_FAILED', message, { cause });
  }
}
