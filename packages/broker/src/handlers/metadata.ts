// Metadata: the brokers of the cluster, and who leads the partitions of topics; makes unknown topics if allowed.
//
// v0 takes no topics for all topics, later versions null; v1 adds racks, the controller and internal topics, v2 the
// cluster id, v4 lets the client forbid auto-creation, v5 lists offline replicas, v6 tells a missing listener,
// v7 adds leader epochs, v8 authorized operations, v9 is flexible, v10 adds topic ids to answers, v11 leaves the
// cluster's operations to DescribeCluster, v12 looks topics up by id, v13 has an error for the whole answer.
import { isInternalTopic, topicNameFault } from '@odradek/core/controller/topic-name.ts';
import type { TopicEntry } from '@odradek/core/controller/cluster-state.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import type { MetadataRequest } from '@odradek/protocol/generated/metadata-request.ts';
import type {
  MetadataResponseInput,
  MetadataResponseTopicInput,
} from '@odradek/protocol/generated/metadata-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { describePartition } from '../topics/partition-description.ts';
import { ALL_CLUSTER_OPERATIONS, ALL_TOPIC_OPERATIONS, NOT_ASKED } from './authorized-operations.ts';
import { InSteps, type Handler, type RequestContext } from './handler.ts';

const EMPTY_MEANS_ALL_IN = 0;
const AUTO_CREATION_FIELD_FROM = 4;
const LISTENER_ERROR_FROM = 6;
const OPERATIONS_FROM = 8;
const CLUSTER_OPERATIONS_TO = 10;
const LOOKUP_BY_ID_FROM = 12;

export const metadataHandler: Handler<MetadataRequest, MetadataResponseInput> = {
  api: metadataApi,
  versionMin: 0,
  versionMax: 13,

  handle(request, context) {
    refuseIdsBeforeTheirTime(request, context.apiVersion);
    if (isForAllTopics(request, context.apiVersion))
      return new InSteps(answerForAll(request, context), false);
    const missing = topicsToCreate(request, context);
    if (missing.length === 0) return answer(request, context, new Map());
    return context.broker.topics.autoCreate(missing).then((faults) => {
      const codes = [...faults].map(([name, fault]) => [name, fault?.errorCode ?? ErrorCode.NONE] as const);
      return answer(request, context, new Map(codes));
    });
  },

  failed(request, errorCode) {
    const topics = (request.topics ?? []).map(({ name, topicId }) => ({
      ...withoutPartitions(errorCode, name ?? ''),
      topicId,
    }));
    return { brokers: [], clusterId: null, controllerId: -1, topics, errorCode };
  },
};

function refuseIdsBeforeTheirTime(request: MetadataRequest, version: number): void {
  if (version >= LOOKUP_BY_ID_FROM) return;
  for (const topic of request.topics ?? []) {
    if (topic.name === null || topic.topicId !== ZERO_UUID)
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `version ${version} looks topics up by name only`);
  }
}

function isForAllTopics(request: MetadataRequest, version: number): boolean {
  return request.topics === null || (version === EMPTY_MEANS_ALL_IN && request.topics.length === 0);
}

function topicsToCreate(request: MetadataRequest, context: RequestContext): string[] {
  const { broker, apiVersion } = context;
  const mayCreate = apiVersion < AUTO_CREATION_FIELD_FROM || request.allowAutoTopicCreation;
  if (!mayCreate || !broker.config.autoCreateTopicsEnable) return [];
  return namesOf(request).filter(
    (name) => broker.metadata.topic(name) === undefined && topicNameFault(name) === null,
  );
}

/** Names asked for, each once. A request that looks up by id names nothing. */
function namesOf(request: MetadataRequest): string[] {
  const topics = request.topics ?? [];
  if (topics.some((topic) => topic.topicId !== ZERO_UUID)) return [];
  return [...new Set(topics.map((topic) => topic.name ?? ''))];
}

function idsOf(request: MetadataRequest): string[] {
  const ids = (request.topics ?? []).map((topic) => topic.topicId).filter((id) => id !== ZERO_UUID);
  return [...new Set(ids)];
}

/** The topics that there are now, each as it is when its turn has come. */
function* answerForAll(
  request: MetadataRequest,
  context: RequestContext,
): Generator<void, MetadataResponseInput> {
  const { metadata } = context.broker;
  const topics: MetadataResponseTopicInput[] = [];
  for (const name of Array.from(metadata.topics(), (topic) => topic.name)) {
    const topic = metadata.topic(name);
    if (topic !== undefined) topics.push(describeTopic(topic, request, context));
    yield;
  }
  return whole(request, context, topics);
}

function answer(
  request: MetadataRequest,
  context: RequestContext,
  creationErrors: ReadonlyMap<string, number>,
): MetadataResponseInput {
  return whole(request, context, topicsOf(request, context, creationErrors));
}

function whole(
  request: MetadataRequest,
  context: RequestContext,
  topics: readonly MetadataResponseTopicInput[],
): MetadataResponseInput {
  const { metadata } = context.broker;
  const version = context.apiVersion;
  const asksClusterOperations =
    request.includeClusterAuthorizedOperations &&
    version >= OPERATIONS_FROM &&
    version <= CLUSTER_OPERATIONS_TO;
  return {
    throttleTimeMs: 0,
    brokers: metadata.brokers(context.listenerName),
    clusterId: metadata.clusterId,
    controllerId: metadata.controllerId,
    topics,
    clusterAuthorizedOperations: asksClusterOperations ? ALL_CLUSTER_OPERATIONS : NOT_ASKED,
    errorCode: ErrorCode.NONE,
  };
}

function topicsOf(
  request: MetadataRequest,
  context: RequestContext,
  creationErrors: ReadonlyMap<string, number>,
): MetadataResponseTopicInput[] {
  const { metadata } = context.broker;
  const describe = (topic: TopicEntry) => describeTopic(topic, request, context);
  const byId = idsOf(request).map((topicId) => {
    const name = metadata.topicName(topicId);
    return name === undefined ? unknownId(topicId) : describe(metadata.topic(name)!);
  });
  const byName = namesOf(request).map((name) => {
    const topic = metadata.topic(name);
    if (topic !== undefined) return describe(topic);
    const errorCode = creationErrors.get(name) || errorOfUnknown(name);
    return {
      ...withoutPartitions(errorCode, name),
      topicAuthorizedOperations: topicOperations(request, context),
    };
  });
  return [...byId, ...byName];
}

function describeTopic(
  topic: TopicEntry,
  request: MetadataRequest,
  context: RequestContext,
): MetadataResponseTopicInput {
  const rules = {
    hidesDeadReplicas: context.apiVersion === 0,
    tellsMissingListener: context.apiVersion >= LISTENER_ERROR_FROM,
  };
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map((entry) =>
      describePartition(context.broker.metadata, entry, context.listenerName, rules),
    ),
    topicAuthorizedOperations: topicOperations(request, context),
  };
}

function topicOperations(request: MetadataRequest, context: RequestContext): number {
  const asked = request.includeTopicAuthorizedOperations && context.apiVersion >= OPERATIONS_FROM;
  return asked ? ALL_TOPIC_OPERATIONS : NOT_ASKED;
}

function errorOfUnknown(name: string): number {
  return topicNameFault(name) === null
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION;
}

function withoutPartitions(errorCode: number, name: string): MetadataResponseTopicInput {
  return { errorCode, name, topicId: ZERO_UUID, isInternal: isInternalTopic(name), partitions: [] };
}

function unknownId(topicId: string): MetadataResponseTopicInput {
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, isInternal: false, partitions: [] };
}
