// OffsetForLeaderEpoch: where an epoch ended in this log, for readers that must find out whether what they read
// was cut off later (KIP-101, KIP-320).
//
// v1 answers the epoch itself, v2 takes the reader's current epoch, v3 its replica id, v4 is flexible.
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { offsetForLeaderEpochApi } from '@odradek/protocol/generated/apis/offset-for-leader-epoch.ts';
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochRequestOffsetForLeaderPartition,
} from '@odradek/protocol/generated/offset-for-leader-epoch-request.ts';
import type {
  OffsetForLeaderEpochResponseEpochEndOffsetInput,
  OffsetForLeaderEpochResponseInput,
} from '@odradek/protocol/generated/offset-for-leader-epoch-response.ts';
import type { Handler, RequestContext } from './handler.ts';

export const offsetForLeaderEpochHandler: Handler<
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponseInput
> = {
  api: offsetForLeaderEpochApi,
  versionMin: 0,
  versionMax: 4,

  handle(request, context) {
    return {
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((partition) => endOfEpoch(topic, partition, context)),
      })),
    };
  },

  failed(request, errorCode) {
    return {
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode })),
      })),
    };
  },
};

function endOfEpoch(
  topic: string,
  request: OffsetForLeaderEpochRequestOffsetForLeaderPartition,
  context: RequestContext,
): OffsetForLeaderEpochResponseEpochEndOffsetInput {
  const { partition: index } = request;
  try {
    const partition = context.broker.replicas.requirePartition(topic, index);
    partition.requireLeaderEpoch(request.currentLeaderEpoch);
    partition.requireLeader();
    const { epoch, endOffset } = partition.log.endOffsetForEpoch(request.leaderEpoch);
    return { partition: index, errorCode: ErrorCode.NONE, leaderEpoch: epoch, endOffset };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { partition: index, errorCode: error.code };
  }
}
