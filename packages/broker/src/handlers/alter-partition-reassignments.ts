// AlterPartitionReassignments: moves partitions to other brokers, or calls that off (KIP-455).
//
// v1 can forbid a change of the replication factor. Where no records need to be copied the move is made at once;
// where they would, the answer says which replica cannot be had.
import type { AskedMove } from '@odradek/core/controller/leader-changes.ts';
import type { TopicFault } from '@odradek/core/controller/topic-request.ts';
import { ErrorCode, errorMessage } from '@odradek/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import type { AlterPartitionReassignmentsRequest } from '@odradek/protocol/generated/alter-partition-reassignments-request.ts';
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
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      moves: partitions.map(({ partitionIndex: partition, replicas: target }): AskedMove => ({
        topic: name,
        partition,
        target,
      })),
    }));
    const asked = topics.flatMap(({ moves }) => moves);
    const faults = new Map(asked.map((move) => [move, mayChangeFactor ? null : factorFault(move, context)]));
    const allowed = asked.filter((move) => faults.get(move) === null);
    const outcomes = await context.broker.topics.reassign(allowed);
    allowed.forEach((move, i) => faults.set(move, outcomes[i] ?? null));
    const responses = topics.map(({ name, moves }) => ({
      name,
      partitions: moves.map((move) => resultOf(move.partition, faults.get(move) ?? null)),
    }));
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

function factorFault({ topic, partition, target }: AskedMove, context: RequestContext): TopicFault | null {
  const current = context.broker.metadata.partition(topic, partition)?.replicas.length;
  if (current === undefined || target === null || target.length === current) return null;
  return {
    errorCode: ErrorCode.INVALID_REPLICATION_FACTOR,
    errorMessage: `The partition has ${current} replica(s), ${target.length} are asked for, and a change of their number is forbidden.`,
  };
}

function resultOf(partitionIndex: number, fault: TopicFault | null) {
  return {
    partitionIndex,
    errorCode: fault?.errorCode ?? ErrorCode.NONE,
    errorMessage: fault?.errorMessage ?? null,
  };
}
