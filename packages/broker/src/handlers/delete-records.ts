// DeleteRecords: everything before an offset counts as deleted; -1 means up to the high watermark (KIP-107).
//
// v1 changes nothing, v2 is flexible.
import { isInternalTopic } from '@odradek/core/controller/topic-name.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
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

  handle(request, context) {
    return {
      throttleTimeMs: 0,
      topics: request.topics
        .filter(({ partitions }) => partitions.length > 0)
        .map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, offset }) =>
            deleteBefore(name, partitionIndex, offset, context),
          ),
        })),
    };
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
  index: number,
  offset: number,
  context: RequestContext,
): DeleteRecordsResponsePartitionResultInput {
  const partition = context.broker.replicas.partition(topic, index);
  if (partition === undefined) return refused(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (isInternalTopic(topic)) return refused(index, ErrorCode.INVALID_TOPIC_EXCEPTION);
  try {
    const lowWatermark = partition.deleteRecordsBefore(offset);
    return { partitionIndex: index, lowWatermark, errorCode: ErrorCode.NONE };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return refused(index, error.code);
  }
}

function refused(partitionIndex: number, errorCode: number): DeleteRecordsResponsePartitionResultInput {
  return { partitionIndex, lowWatermark: UNKNOWN_LOW_WATERMARK, errorCode };
}
