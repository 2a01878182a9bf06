import { setTimeout as sleep } from 'node:timers/promises';
import { listTopics, type Cluster, type TopicMetadata } from '@odradek/client/index.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { createPartitionsApi } from '@odradek/protocol/generated/apis/create-partitions.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import type { DeleteTopicsRequestInput } from '@odradek/protocol/generated/delete-topics-request.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { protocolError, protocolReason } from '../error-translation.ts';
import {
  KafkaJSAggregateError,
  KafkaJSCreateTopicError,
  KafkaJSNonRetriableError,
  KafkaJSTimeout,
} from '../errors.ts';
import { partitionMetadata } from '../partitioners.ts';
import type {
  CreatePartitionsOptions,
  CreateTopicsOptions,
  ITopicConfig,
  ITopicMetadata,
} from './admin-types.ts';

const TIMEOUT_MS = 5_000;
const LEADERS_POLL_MS = 100;
const BROKER_DEFAULT = -1;
/** From this version on topics may be named by id. */
const DELETE_BY_ID_VERSION = 6;

/** @throws KafkaJSAggregateError of what was refused, unless all of it exists already */
export async function createTopics(cluster: Cluster, options: CreateTopicsOptions): Promise<boolean> {
  checkNewTopics(options.topics);
  const { topics, validateOnly = false, waitForLeaders = true, timeout = TIMEOUT_MS } = options;
  const answer = await cluster.requestToController(
    createTopicsApi,
    { topics: topics.map(newTopic), timeoutMs: timeout, validateOnly },
    (all) => all.topics.map(({ errorCode }) => errorCode),
  );
  const refused = answer.topics.filter(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused.length > 0) {
    if (refused.every(({ errorCode }) => errorCode === ErrorCode.TOPIC_ALREADY_EXISTS)) return false;
    const errors = refused.map(
      ({ name, errorCode, errorMessage }) =>
        new KafkaJSCreateTopicError(protocolReason(errorCode, errorMessage), name),
    );
    throw new KafkaJSAggregateError('Topic creation errors', errors);
  }
  const names = topics.map(({ topic }) => topic);
  if (waitForLeaders && !validateOnly) await leadersOf(cluster, names, timeout);
  return true;
}

function newTopic({
  topic,
  numPartitions,
  replicationFactor,
  replicaAssignment,
  configEntries,
}: ITopicConfig) {
  const assignments = (replicaAssignment ?? []).map(({ partition, replicas }) => ({
    partitionIndex: partition,
    brokerIds: replicas,
  }));
  // The protocol wants one or the other.
  const isAssigned = assignments.length > 0;
  return {
    name: topic,
    numPartitions: isAssigned ? BROKER_DEFAULT : (numPartitions ?? BROKER_DEFAULT),
    replicationFactor: isAssigned ? BROKER_DEFAULT : (replicationFactor ?? BROKER_DEFAULT),
    assignments,
    configs: (configEntries ?? []).map(({ name, value }) => ({ name, value })),
  };
}

async function leadersOf(cluster: Cluster, names: readonly string[], timeout: number): Promise<void> {
  const deadlineMs = performance.now() + timeout;
  for (;;) {
    await cluster.refresh(names);
    const isLed = (name: string): boolean => {
      const partitions = cluster.metadata.topic(name)?.partitions ?? [];
      return partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0);
    };
    if (names.every(isLed)) return;
    if (performance.now() >= deadlineMs) {
      throw new KafkaJSTimeout('Timed out while waiting for topic leaders');
    }
    await sleep(LEADERS_POLL_MS);
  }
}

function checkNewTopics(topics: readonly ITopicConfig[]): void {
  if (!topics || !Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError(`Invalid topics array ${String(topics)}`);
  }
  if (topics.some(({ topic }) => typeof topic !== 'string')) {
    throw new KafkaJSNonRetriableError('Invalid topics array, the topic names have to be a valid string');
  }
  if (new Set(topics.map(({ topic }) => topic)).size < topics.length) {
    throw new KafkaJSNonRetriableError(
      'Invalid topics array, it cannot have multiple entries for the same topic',
    );
  }
  for (const { topic, configEntries } of topics) checkEntries(topic, configEntries);
}

function checkEntries(topic: string, entries: unknown): void {
  if (entries === undefined || entries === null) return;
  const what = `Invalid configEntries for topic "${topic}"`;
  if (!Array.isArray(entries)) throw new KafkaJSNonRetriableError(`${what}, must be an array`);
  for (const [index, entry] of (entries as unknown[]).entries()) {
    if (typeof entry !== 'object' || entry === null) {
      throw new KafkaJSNonRetriableError(`${what}. Entry ${index} must be an object`);
    }
    for (const name of ['name', 'value'] as const) {
      if (typeof (entry as Record<string, unknown>)[name] === 'string') continue;
      throw new KafkaJSNonRetriableError(`${what}. Entry ${index} must have a valid "${name}" property`);
    }
  }
}

/** @throws KafkaJSProtocolError */
export async function createPartitions(cluster: Cluster, options: CreatePartitionsOptions): Promise<void> {
  const { topicPartitions, validateOnly = false, timeout = TIMEOUT_MS } = options;
  checkGrowth(topicPartitions);
  const answer = await cluster.requestToController(
    createPartitionsApi,
    {
      topics: topicPartitions.map(({ topic, count, assignments }) => ({
        name: topic,
        count,
        assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null,
      })),
      timeoutMs: timeout,
      validateOnly,
    },
    ({ results }) => results.map(({ errorCode }) => errorCode),
  );
  const refused = answer.results.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw protocolError(refused.errorCode, refused.errorMessage);
  await cluster.refresh(topicPartitions.map(({ topic }) => topic));
}

function checkGrowth(topicPartitions: CreatePartitionsOptions['topicPartitions']): void {
  if (!topicPartitions || !Array.isArray(topicPartitions)) {
    throw new KafkaJSNonRetriableError(`Invalid topic partitions array ${String(topicPartitions)}`);
  }
  if (topicPartitions.length === 0) throw new KafkaJSNonRetriableError('Empty topic partitions array');
  if (topicPartitions.some(({ topic }) => typeof topic !== 'string')) {
    throw new KafkaJSNonRetriableError(
      'Invalid topic partitions array, the topic names have to be a valid string',
    );
  }
  if (new Set(topicPartitions.map(({ topic }) => topic)).size < topicPartitions.length) {
    throw new KafkaJSNonRetriableError(
      'Invalid topic partitions array, it cannot have multiple entries for the same topic',
    );
  }
}

/** @throws KafkaJSProtocolError */
export async function deleteTopics(
  cluster: Cluster,
  topics: readonly string[],
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  if (!topics || !Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError(`Invalid topics array ${String(topics)}`);
  }
  if (topics.some((topic) => typeof topic !== 'string')) {
    throw new KafkaJSNonRetriableError('Invalid topics array, the names must be a valid string');
  }
  const answer = await cluster.requestToController(
    deleteTopicsApi,
    (version): DeleteTopicsRequestInput =>
      version >= DELETE_BY_ID_VERSION
        ? { topics: topics.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs }
        : { topicNames: topics, timeoutMs },
    ({ responses }) => responses.map(({ errorCode }) => errorCode),
  );
  for (const topic of topics) cluster.forgetTopic(topic);
  const refused = answer.responses.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw protocolError(refused.errorCode, refused.errorMessage);
}

/** @param topics empty for all @throws KafkaJSProtocolError of the first that is not there */
export async function fetchTopicMetadata(
  cluster: Cluster,
  topics: readonly string[],
): Promise<{ topics: ITopicMetadata[] }> {
  for (const topic of topics) checkTopicName(topic);
  if (topics.length === 0) return { topics: (await listTopics(cluster)).map(described) };
  const errors = await cluster.refresh(topics);
  const [failed] = [...errors].filter(([name]) => topics.includes(name));
  if (failed !== undefined) throw protocolError(failed[1]);
  return { topics: topics.map((name) => described(cluster.metadata.topic(name)!)) };
}

/** @throws KafkaJSNonRetriableError */
export function checkTopicName(topic: string): void {
  if (!topic || typeof topic !== 'string')
    throw new KafkaJSNonRetriableError(`Invalid topic ${String(topic)}`);
}

function described({ name, partitions }: TopicMetadata): ITopicMetadata {
  return { name, partitions: partitionMetadata(partitions) };
}
