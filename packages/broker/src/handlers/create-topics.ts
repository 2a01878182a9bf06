// CreateTopics: makes topics with their partitions and settings; answers when they can be used.
//
// v1 adds validate_only and error messages, v2 throttle time, v4 takes -1 for the broker's defaults (KIP-464; we
// do so in every version), v5 is flexible and answers partitions, replicas and settings (KIP-525), v7 the topic id.
import type { TopicOutcome } from '@odradek/core/controller/topic-changes.ts';
import { isFault, type TopicCreation, type TopicFault } from '@odradek/core/controller/topic-request.ts';
import { ErrorCode, errorMessage } from '@odradek/protocol/errors.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import type {
  CreateTopicsRequest,
  CreateTopicsRequestCreatableTopic,
} from '@odradek/protocol/generated/create-topics-request.ts';
import type {
  CreateTopicsResponseCreatableTopicResultInput,
  CreateTopicsResponseInput,
} from '@odradek/protocol/generated/create-topics-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { Handler, RequestContext } from './handler.ts';

export const createTopicsHandler: Handler<CreateTopicsRequest, CreateTopicsResponseInput> = {
  api: createTopicsApi,
  versionMin: 0,
  versionMax: 7,

  async handle(request, context) {
    const counts = new Map<string, number>();
    for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const once = request.topics.filter(({ name }) => counts.get(name) === 1);
    const outcomes = await context.broker.topics.createTopics(once.map(creationOf), request.validateOnly);
    const topicsByName = new Map(request.topics.map((topic) => [topic.name, topic]));
    const topics = [...topicsByName].map(([name, topic]) =>
      resultOf(topic, outcomes.get(name) ?? namedTwice(name), request.validateOnly, context),
    );
    return { throttleTimeMs: 0, topics };
  },

  failed(request, errorCode) {
    const names = new Set(request.topics.map((topic) => topic.name));
    const topics = [...names].map((name) =>
      refused(name, { errorCode, errorMessage: errorMessage(errorCode) }),
    );
    return { throttleTimeMs: 0, topics };
  },
};

function creationOf(topic: CreateTopicsRequestCreatableTopic): TopicCreation {
  return {
    name: topic.name,
    partitionCount: topic.numPartitions,
    replicationFactor: topic.replicationFactor,
    assignments: topic.assignments.map(({ partitionIndex, brokerIds }) => ({
      partition: partitionIndex,
      replicas: brokerIds,
    })),
    settings: new Map(topic.configs.map(({ name, value }) => [name, value])),
  };
}

function resultOf(
  topic: CreateTopicsRequestCreatableTopic,
  outcome: TopicOutcome,
  validateOnly: boolean,
  context: RequestContext,
): CreateTopicsResponseCreatableTopicResultInput {
  if (isFault(outcome)) return refused(topic.name, outcome);
  const settings = Object.fromEntries(topic.configs.map(({ name, value }) => [name, value!]));
  return {
    name: topic.name,
    // A topic that was only checked has no id.
    topicId: validateOnly ? ZERO_UUID : outcome.topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: outcome.partitionCount,
    replicationFactor: outcome.replicationFactor,
    configs: context.broker.configs.describeTopicSettings(settings).map((setting) => ({
      name: setting.name,
      value: setting.value,
      readOnly: setting.readOnly,
      configSource: setting.source,
      isSensitive: setting.isSensitive,
    })),
  };
}

function namedTwice(name: string): TopicFault {
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `The request names topic '${name}' twice.` };
}

function refused(
  name: string,
  { errorCode, errorMessage: message }: TopicFault,
): CreateTopicsResponseCreatableTopicResultInput {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode,
    errorMessage: message,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}
