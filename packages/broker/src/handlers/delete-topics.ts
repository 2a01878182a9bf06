// DeleteTopics: removes topics with their records; answers when they are gone.
//
// v1 adds throttle time, v3 an error of its own where deletion is switched off, v4 is flexible, v5 adds error
// messages, v6 names topics by id, too.
import type { TopicFault } from '@odradek/core/controller/topic-request.ts';
import { ErrorCode, KafkaError, errorMessage } from '@odradek/protocol/errors.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import type { DeleteTopicsRequest } from '@odradek/protocol/generated/delete-topics-request.ts';
import type {
  DeleteTopicsResponseDeletableTopicResultInput,
  DeleteTopicsResponseInput,
} from '@odradek/protocol/generated/delete-topics-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { Handler, RequestContext } from './handler.ts';

const DELETION_DISABLED_FROM = 3;
const IDS_FROM = 6;

/** A topic as the request names it; one of the two is set, or both once it was looked up. */
interface Target {
  readonly name: string | null;
  readonly topicId: string;
}

export const deleteTopicsHandler: Handler<DeleteTopicsRequest, DeleteTopicsResponseInput> = {
  api: deleteTopicsApi,
  versionMin: 0,
  versionMax: 6,

  async handle(request, context) {
    const { broker, apiVersion } = context;
    if (!broker.config.deleteTopicEnable) {
      const errorCode =
        apiVersion < DELETION_DISABLED_FROM ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED;
      return this.failed(request, errorCode, context);
    }
    const targets = resolve(targetsOf(request, apiVersion), context);
    const names = new Set(targets.map(({ name }) => name).filter((name) => name !== null));
    const faults = await broker.topics.deleteTopics([...names]);
    const responses = targets.map((target) =>
      resultOf(target, target.name === null ? unknownId() : (faults.get(target.name) ?? null)),
    );
    return { throttleTimeMs: 0, responses };
  },

  failed(request, errorCode, context) {
    const fault = { errorCode, errorMessage: errorMessage(errorCode) };
    const responses = targetsOf(request, context.apiVersion).map((target) => resultOf(target, fault));
    return { throttleTimeMs: 0, responses };
  },
};

function targetsOf(request: DeleteTopicsRequest, version: number): Target[] {
  if (version >= IDS_FROM) return request.topics.map(({ name, topicId }) => ({ name, topicId }));
  return request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}

/** Finds the names of those that are given by id, and takes each topic once. */
function resolve(targets: readonly Target[], { broker }: RequestContext): Target[] {
  const resolved = new Map<string, Target>();
  for (const { name, topicId } of targets) {
    if (name !== null && topicId !== ZERO_UUID)
      throw new KafkaError(ErrorCode.INVALID_REQUEST, 'a topic is named by its name or its id, not by both');
    const found = topicId === ZERO_UUID ? name : (broker.metadata.topicName(topicId) ?? null);
    resolved.set(found ?? topicId, { name: found, topicId });
  }
  return [...resolved.values()];
}

function unknownId(): TopicFault {
  const errorCode = ErrorCode.UNKNOWN_TOPIC_ID;
  return { errorCode, errorMessage: errorMessage(errorCode) };
}

function resultOf(
  { name, topicId }: Target,
  fault: TopicFault | null,
): DeleteTopicsResponseDeletableTopicResultInput {
  return {
    name,
    topicId,
    errorCode: fault?.errorCode ?? ErrorCode.NONE,
    errorMessage: fault?.errorMessage ?? null,
  };
}
