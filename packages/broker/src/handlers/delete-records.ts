// DeleteRecords: everything before an offset counts as deleted; -1 means up to the high watermark (KIP-107). Answered
// once that holds on all replicas that are alive.
//
// v1 changes nothing, v2 is flexible.
import { isInternalTopic } from '@odradek/core/controller/topic-name.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import type { DeleteRecordsRequest } from '@odradek/protocol/generated/delete-records-request.ts';
import type {
  DeleteRecordsResponseInput,
  DeleteRecordsResponsePartitionResultInput,
} from '@odradek/protocol/generated/delete-records-response.ts';
import type { Handler, RequestContext } from './handler.ts';

const UNKNOWN_LOW_WATERMARK = -1;

export const deleteRecordsHandler: Handler<DeleteRecordsRequest, DeleteRecordsResponseInput> = {
  api: deleteRecordsApi,
  versionMin: 0,
  versionMax: 2,

  async handle(request, context) {
    const topics = request.topics
      .filter(({ partitions }) => partitions.length > 0)
      .map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(({ partitionIndex, offset }) =>
            deleteBefore(name, partitionIndex, offset, request.timeoutMs, context),
          ),
        ),
      }));
    return { throttleTimeMs: 0, topics: await Promise.all(topics) };
  },

  failed(request, errorCode) {
    return {
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => refused(partitionIndex, errorCode)),
      })),
    };
  },
};

function deleteBefore(
  topic: string,
  partitionIndex: number,
  offset: number,
  timeoutMs: number,
  context: RequestContext,
): Promise<DeleteRecordsResponsePartitionResultInput> {
  const { replicas } = context.broker;
  const isHere = replicas.partition(topic, partitionIndex) !== undefined;
  if (isHere && isInternalTopic(topic)) {
    return Promise.resolve(refused(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION));
  }
  return new Promise((resolve) =>
    replicas.deleteRecords(topic, partitionIndex, offset, timeoutMs, (errorCode, lowWatermark) =>
      resolve({ partitionIndex, lowWatermark, errorCode }),
    ),
  );
}

function refused(partitionIndex: number, errorCode: number): DeleteRecordsResponsePartitionResultInput {
  return { partitionIndex, lowWatermark: UNKNOWN_LOW_WATERMARK, errorCode };
}
