// CreatePartitions: adds partitions to topics; answers when they can be used.
//
// v1 changes nothing, v2 is flexible, v3 may answer that a quota is exceeded, which never happens here.
import type { TopicFault } from '@odradek/core/controller/topic-request.ts';
import { ErrorCode, errorMessage } from '@odradek/protocol/errors.ts';
import { createPartitionsApi } from '@odradek/protocol/generated/apis/create-partitions.ts';
import type { CreatePartitionsRequest } from '@odradek/protocol/generated/create-partitions-request.ts';
import type {
  CreatePartitionsResponseTopicResultInput,
  CreatePartitionsResponseInput,
} from '@odradek/protocol/generated/create-partitions-response.ts';
import type { Handler } from './handler.ts';

export const createPartitionsHandler: Handler<CreatePartitionsRequest, CreatePartitionsResponseInput> = {
  api: createPartitionsApi,
  versionMin: 0,
  versionMax: 3,

  async handle(request, context) {
    const counts = new Map<string, number>();
    for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const growths = request.topics
      .filter(({ name }) => counts.get(name) === 1)
      .map(({ name, count, assignments }) => ({
        name,
        partitionCount: count,
        assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
      }));
    const faults = await context.broker.topics.createPartitions(growths, request.validateOnly);
    const results = [...counts].map(([name, count]) =>
      resultOf(name, count > 1 ? namedTwice(name) : (faults.get(name) ?? null)),
    );
    return { throttleTimeMs: 0, results };
  },

  failed(request, errorCode) {
    const names = new Set(request.topics.map((topic) => topic.name));
    const fault = { errorCode, errorMessage: errorMessage(errorCode) };
    return { throttleTimeMs: 0, results: [...names].map((name) => resultOf(name, fault)) };
  },
};

function namedTwice(name: string): TopicFault {
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `The request names topic '${name}' twice.` };
}

function resultOf(name: string, fault: TopicFault | null): CreatePartitionsResponseTopicResultInput {
  return {
    name,
    errorCode: fault?.errorCode ?? ErrorCode.NONE,
    errorMessage: fault?.errorMessage ?? null,
  };
}
