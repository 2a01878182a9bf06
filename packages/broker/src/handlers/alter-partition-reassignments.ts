// AlterPartitionReassignments: moves partitions to other brokers, or calls that off (KIP-455).
//
// v1 can forbid a change of the replication factor. Where no records need to be copied the move is made at once;
// where they would, the answer says which replica cannot be had.
import type { TopicFault } from '@odradek/core/controller/topic-request.ts';
import { ErrorCode, errorMessage } from '@odradek/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsRequestReassignablePartition,
} from '@odradek/protocol/generated/alter-partition-reassignments-request.ts';
import type { AlterPartitionReassignmentsResponseInput } from '@odradek/protocol/generated/alter-partition-reassignments-response.ts';
import type { Handler, RequestContext } from './handler.ts';

export const alterPartitionReassignmentsHandler: Handler<
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponseInput
> = {
  api: alterPartitionReassignmentsApi,
  versionMin: 0,
  versionMax: 1,

  async handle(request, context) {
    const mayChangeFactor = context.apiVersion === 0 || request.allowReplicationFactorChange;
    const responses = await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(async (partition) => {
            const fault = await reassign(name, partition, mayChangeFactor, context);
            return resultOf(partition.partitionIndex, fault);
          }),
        ),
      })),
    );
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange: mayChangeFactor,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      responses,
    };
  },

  failed(request, errorCode) {
    const fault = { errorCode, errorMessage: errorMessage(errorCode) };
    const responses = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => resultOf(partitionIndex, fault)),
    }));
    return { throttleTimeMs: 0, ...fault, responses };
  },
};

async function reassign(
  topic: string,
  { partitionIndex, replicas }: AlterPartitionReassignmentsRequestReassignablePartition,
  mayChangeFactor: boolean,
  context: RequestContext,
): Promise<TopicFault | null> {
  const { broker } = context;
  const current = broker.metadata.partition(topic, partitionIndex)?.replicas.length;
  const changesFactor = current !== undefined && replicas !== null && replicas.length !== current;
  if (changesFactor && !mayChangeFactor) {
    return {
      errorCode: ErrorCode.INVALID_REPLICATION_FACTOR,
      errorMessage: `The partition has ${current} replica(s), ${replicas.length} are asked for, and a change of their number is forbidden.`,
    };
  }
  return broker.topics.reassign({ topic, partition: partitionIndex }, replicas);
}

function resultOf(partitionIndex: number, fault: TopicFault | null) {
  return {
    partitionIndex,
    errorCode: fault?.errorCode ?? ErrorCode.NONE,
    errorMessage: fault?.errorMessage ?? null,
  };
}
