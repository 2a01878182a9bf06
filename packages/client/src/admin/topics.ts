import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { createPartitionsApi } from '@odradek/protocol/generated/apis/create-partitions.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import type { DeleteTopicsRequestInput } from '@odradek/protocol/generated/delete-topics-request.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { MetadataCache, type TopicMetadata } from '../cluster/metadata-cache.ts';
import { UnsupportedApiError } from '../errors.ts';

export interface NewTopic {
  readonly name: string;
  /** Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** Default: the broker's `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** The brokers of each partition, the preferred leader first, instead of both numbers. */
  readonly assignment?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

/** From this version on -1 stands for the broker's default (KIP-464). */
const CREATE_TOPICS_DEFAULTS_VERSION = 4;
/** From this version on topics may be named by id. */
const DELETE_TOPICS_BY_ID_VERSION = 6;
const BROKER_DEFAULT = -1;

/** Every topic of the cluster, by name. */
export async function listTopics(cluster: Cluster): Promise<readonly TopicMetadata[]> {
  const answer = await cluster.allTopics();
  const all = new MetadataCache();
  all.apply(answer);
  return all.topicNames.toSorted().map((name) => all.topic(name)!);
}

/**
 * What the brokers know of one topic at this moment.
 *
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION and others, at once
 */
export async function describeTopic(cluster: Cluster, name: string): Promise<TopicMetadata> {
  cluster.forgetTopic(name);
  const errors = await cluster.refresh([name]);
  const code = errors.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const found = cluster.metadata.topic(name);
  if (found === undefined) throw topicError(code, name, null);
  return found;
}

/**
 * Creates one topic.
 *
 * @throws KafkaError TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG and others. An answer that is lost is asked
 *   for again: what exists already may then be of this very call
 */
export async function createTopic(cluster: Cluster, topic: NewTopic): Promise<void> {
  const { apiTimeoutMs } = cluster.settings;
  const answer = await cluster.requestToController(
    createTopicsApi,
    (version) => {
      const { assignment = [] } = topic;
      if (version < CREATE_TOPICS_DEFAULTS_VERSION && assignment.length === 0) requireCounts(topic);
      return {
        topics: [
          {
            name: topic.name,
            numPartitions: topic.partitions ?? BROKER_DEFAULT,
            replicationFactor: topic.replicationFactor ?? BROKER_DEFAULT,
            assignments: assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
            configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
          },
        ],
        timeoutMs: apiTimeoutMs,
      };
    },
    ({ topics }) => topics.map(({ errorCode }) => errorCode),
  );
  const result = answer.topics.find(({ name }) => name === topic.name);
  throwTopicError(topic.name, result?.errorCode, result?.errorMessage);
}

/** Grows a topic. @param total partitions, the present ones included @throws KafkaError INVALID_PARTITIONS and others */
export async function createPartitions(cluster: Cluster, topic: string, total: number): Promise<void> {
  const answer = await cluster.requestToController(
    createPartitionsApi,
    {
      topics: [{ name: topic, count: total, assignments: null }],
      timeoutMs: cluster.settings.apiTimeoutMs,
      validateOnly: false,
    },
    ({ results }) => results.map(({ errorCode }) => errorCode),
  );
  const result = answer.results.find(({ name }) => name === topic);
  throwTopicError(topic, result?.errorCode, result?.errorMessage);
}

/** @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, TOPIC_DELETION_DISABLED and others */
export async function deleteTopic(cluster: Cluster, topic: string): Promise<void> {
  const timeoutMs = cluster.settings.apiTimeoutMs;
  const answer = await cluster.requestToController(
    deleteTopicsApi,
    (version): DeleteTopicsRequestInput =>
      version >= DELETE_TOPICS_BY_ID_VERSION
        ? { topics: [{ name: topic, topicId: ZERO_UUID }], timeoutMs }
        : { topicNames: [topic], timeoutMs },
    ({ responses }) => responses.map(({ errorCode }) => errorCode),
  );
  const result = answer.responses.find(({ name }) => name === topic);
  throwTopicError(topic, result?.errorCode, result?.errorMessage);
  cluster.forgetTopic(topic);
}

function requireCounts(topic: NewTopic): void {
  if (topic.partitions !== undefined && topic.replicationFactor !== undefined) return;
  throw new UnsupportedApiError(
    'the broker is too old to choose partitions and replication factor itself: give both',
  );
}

function throwTopicError(topic: string, code: number | undefined, message: string | null | undefined): void {
  if (code === ErrorCode.NONE) return;
  throw topicError(code ?? ErrorCode.UNKNOWN_SERVER_ERROR, topic, message ?? null);
}

function topicError(code: number, topic: string, message: string | null): KafkaError {
  if (code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
    return new KafkaError(code, `there is no topic "${topic}"`);
  }
  return new KafkaError(
    code,
    `topic "${topic}": ${message === null || message === '' ? errorName(code) : message}`,
  );
}
