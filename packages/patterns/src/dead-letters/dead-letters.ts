import {
  ClientError,
  Cluster,
  Producer,
  asError,
  createTopic,
  describeTopic,
  type ConsumedRecord,
  type ProducerOptions,
  type ProducerRecord,
} from '@odradek/client';
import { CLUSTER_OPTION_NAMES } from '@odradek/client/cluster/cluster-options.ts';
import {
  namesWithout,
  pickOptions,
  refuseUnknown,
  wholeNumber,
  type OptionNames,
} from '@odradek/client/options.ts';
import { PRODUCER_OPTION_NAMES } from '@odradek/client/producer/producer-options.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { FailedRecord } from '../parallel/attempt.ts';
import type { ParallelOptions } from '../parallel/parallel-options.ts';
import { partitionIdentity } from '../partition-identity.ts';
import { deadLetterTopics, type DeadLetterTopics } from './dead-letter-topics.ts';
import {
  ERROR_MAX_BYTES,
  ownHeaders,
  readNotes,
  shortened,
  withNotes,
  type DeathNotes,
} from './death-notes.ts';

/** What the producer is told by this. */
const GOVERNED = ['acks', 'idempotent', 'createTopics', 'transactionalId', 'transactionTimeoutMs'] as const;

export interface DeadLettersOptions extends Omit<ProducerOptions, (typeof GOVERNED)[number]> {
  /** The group whose records these are: part of the topics' names. */
  readonly groupId: string;
  /** Delays between further rounds of attempts, milliseconds, each a topic. Default none. */
  readonly delaysMs?: readonly number[];
  /**
   * Nothing is given up while more than this share of the last 200 records would be, 0 to 1: then a dependency is down,
   * and waiting is better. Default 0.5.
   */
  readonly massFailureShare?: number;
}

const COPYING_OPTION_NAMES = namesWithout(PRODUCER_OPTION_NAMES, GOVERNED);

const OPTION_NAMES: OptionNames<DeadLettersOptions> = {
  ...COPYING_OPTION_NAMES,
  groupId: true,
  delaysMs: true,
  massFailureShare: true,
};

/** What a dead letter is lost without; broker defaults would delete it after a week. */
const DEAD_CONFIGS = { 'retention.ms': '-1' };

/**
 * Takes over records that a handler fails on: first to delay topics, from where the same consumer reads them again
 * when they are due, then to the dead-letter topic.
 *
 * A record counts as done only when its copy is acknowledged by all in-sync replicas. A crash in between makes a second
 * copy with the same `dl.id`; none is lost.
 */
export class DeadLetters {
  private readonly options: DeadLettersOptions;
  private readonly delaysMs: readonly number[];
  private readonly producer: Producer;
  private readonly cluster: Cluster;

  /** @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: DeadLettersOptions) {
    refuseUnknown('dead letters', options, OPTION_NAMES);
    this.options = options;
    this.delaysMs = options.delaysMs ?? [];
    for (const delayMs of this.delaysMs) wholeNumber('one of delaysMs', delayMs, 1);
    const own = pickOptions(options, COPYING_OPTION_NAMES);
    this.producer = new Producer({ lingerMs: 0, ...own, createTopics: false });
    this.cluster = new Cluster(pickOptions(options, CLUSTER_OPTION_NAMES));
  }

  /** @throws ClientError BAD_TOPIC_NAME */
  topicsOf(topic: string): DeadLetterTopics {
    return deadLetterTopics(topic, this.options.groupId, this.delaysMs);
  }

  /**
   * Creates what is missing of the delay and dead-letter topics of these, with as many partitions, so that records keep
   * their partition and with it the order of their key. Dead letters are kept for ever unless you configure otherwise.
   *
   * @throws KafkaError, when a topic is missing itself or cannot be created
   */
  async createTopics(topics: readonly string[], replicationFactor?: number): Promise<void> {
    for (const topic of topics) {
      const partitions = (await describeTopic(this.cluster, topic)).partitions.length;
      const { delayed, dead } = this.topicsOf(topic);
      const factor = replicationFactor === undefined ? {} : { replicationFactor };
      for (const name of delayed) await this.create({ name, partitions, ...factor });
      await this.create({ name: dead, partitions, ...factor, configs: DEAD_CONFIGS });
    }
  }

  /** What a ParallelConsumer of the group needs to read these topics and their delay topics, and to give records up. */
  consuming(
    topics: readonly string[],
  ): Pick<ParallelOptions, 'topics' | 'notBefore' | 'onExhausted' | 'exhaustedShareMax'> {
    return {
      topics: topics.flatMap((topic) => [topic, ...this.topicsOf(topic).delayed]),
      notBefore: ({ headers }) => readNotes(headers)?.dueMs ?? null,
      onExhausted: (failed) => this.take(failed),
      exhaustedShareMax: this.options.massFailureShare ?? 0.5,
    };
  }

  /** Hands a record on to its next delay topic, or to the dead-letter topic. @throws KafkaError, ClientError */
  async take({ record, error, attempts }: FailedRecord): Promise<void> {
    const before = readNotes(record.headers);
    const isBack = before !== null && before.dueMs === null;
    const delays = before === null || isBack ? 0 : before.delays;
    const topic = before?.topic ?? record.topic;
    const { delayed, dead } = this.topicsOf(topic);
    const target = delayed[delays] ?? dead;
    const nowMs = this.cluster.environment.clock.now();
    const notes: DeathNotes = {
      id: before?.id ?? (await this.idOf(record)),
      topic,
      partition: before?.partition ?? record.partition,
      offset: before?.offset ?? record.offset,
      group: this.options.groupId,
      attempts: (isBack ? 0 : (before?.attempts ?? 0)) + attempts,
      error: shortened(`${error.name}: ${error.message}`, ERROR_MAX_BYTES),
      firstFailedMs: before?.firstFailedMs ?? nowMs,
      timestampMs: before?.timestampMs ?? record.timestamp,
      delays: target === dead ? delays : delays + 1,
      dueMs: target === dead ? null : nowMs + this.delaysMs[delays]!,
      redrives: before?.redrives ?? 0,
      runId: before?.runId ?? null,
    };
    await this.publish(target, record, notes);
  }

  async close(): Promise<void> {
    await this.producer.close();
    this.cluster.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async idOf(record: ConsumedRecord): Promise<string> {
    return `${await partitionIdentity(this.cluster, record)}/${record.offset}`;
  }

  /** The time of the copy is that of its writing: by the old one retention might remove it at once. */
  private async publish(topic: string, record: ConsumedRecord, notes: DeathNotes): Promise<void> {
    const { key, value, headers } = record;
    const partition = await this.partitionFor(topic, record);
    const copy: ProducerRecord = { topic, ...partition, key, value, headers: withNotes(headers, notes) };
    try {
      await this.producer.send(copy);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      // The bytes of the record matter more than what is said of them.
      await this.producer.send({ ...copy, headers: withNotes(ownHeaders(headers), { ...notes, error: '' }) });
    }
  }

  /** The same number, where there are as many; else by the key. A number beyond what there is would be a guess. */
  private async partitionFor(topic: string, record: ConsumedRecord): Promise<{ partition?: number }> {
    const theirs = await this.producer.partitionsOf(topic);
    const ours = await this.producer.partitionsOf(record.topic);
    return theirs.length === ours.length ? { partition: record.partition } : {};
  }

  private async create(topic: Parameters<typeof createTopic>[1]): Promise<void> {
    try {
      await createTopic(this.cluster, topic);
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== ErrorCode.TOPIC_ALREADY_EXISTS) throw error;
    }
  }
}

function isTooLarge(thrown: unknown): boolean {
  const error = asError(thrown);
  if (error instanceof KafkaError) return error.code === ErrorCode.MESSAGE_TOO_LARGE;
  return error instanceof ClientError && error.code === 'RECORD_TOO_LARGE';
}
