// DescribeProducers: who wrote to a partition lately, with sequence numbers and open transactions (KIP-664).
import { topicNameFault } from '@odradek/core/controller/topic-name.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import { ErrorCode, errorMessage, KafkaError } from '@odradek/protocol/errors.ts';
import { describeProducersApi } from '@odradek/protocol/generated/apis/describe-producers.ts';
import type { DescribeProducersRequest } from '@odradek/protocol/generated/describe-producers-request.ts';
import type {
  DescribeProducersResponseInput,
  DescribeProducersResponsePartitionInput,
} from '@odradek/protocol/generated/describe-producers-response.ts';
import type { Handler, RequestContext } from './handler.ts';

export const describeProducersHandler: Handler<DescribeProducersRequest, DescribeProducersResponseInput> = {
  api: describeProducersApi,
  versionMin: 0,
  versionMax: 0,

  handle(request, context) {
    return {
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => describe(name, index, context)),
      })),
    };
  },

  failed(request, errorCode) {
    return {
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => refused(index, errorCode)),
      })),
    };
  },
};

function describe(
  topic: string,
  index: number,
  context: RequestContext,
): DescribeProducersResponsePartitionInput {
  if (topicNameFault(topic) !== null) return refused(index, ErrorCode.INVALID_TOPIC_EXCEPTION);
  let partition: Partition;
  try {
    partition = context.broker.replicas.requirePartition(topic, index);
    partition.requireLeader();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return refused(index, error.code);
  }
  return {
    partitionIndex: index,
    errorCode: ErrorCode.NONE,
    activeProducers: [...partition.log.producerStates()].map((producer) => ({
      producerId: producer.producerId,
      producerEpoch: producer.epoch,
      lastSequence: producer.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.transactionFirstOffset ?? -1,
    })),
  };
}

function refused(partitionIndex: number, errorCode: number): DescribeProducersResponsePartitionInput {
  return { partitionIndex, errorCode, errorMessage: errorMessage(errorCode), activeProducers: [] };
}
