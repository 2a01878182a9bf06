// ListPartitionReassignments: the partitions that are on the move (KIP-455), of all topics or of those asked for.
import type { PartitionEntry } from '@odradek/core/controller/cluster-state.ts';
import { isBeingReassigned } from '@odradek/core/controller/topic-node.ts';
import { ErrorCode, errorMessage } from '@odradek/protocol/errors.ts';
import { listPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/list-partition-reassignments.ts';
import type { ListPartitionReassignmentsRequest } from '@odradek/protocol/generated/list-partition-reassignments-request.ts';
import type {
  ListPartitionReassignmentsResponseInput,
  ListPartitionReassignmentsResponseOngoingTopicReassignmentInput,
} from '@odradek/protocol/generated/list-partition-reassignments-response.ts';
import type { Handler, RequestContext } from './handler.ts';

export const listPartitionReassignmentsHandler: Handler<
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponseInput
> = {
  api: listPartitionReassignmentsApi,
  versionMin: 0,
  versionMax: 0,

  handle(request, context) {
    const topics = request.topics === null ? allMoving(context) : askedMoving(request.topics, context);
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics };
  },

  failed(_request, errorCode) {
    return { throttleTimeMs: 0, errorCode, errorMessage: errorMessage(errorCode), topics: [] };
  },
};

type MovingTopic = ListPartitionReassignmentsResponseOngoingTopicReassignmentInput;

function allMoving({ broker }: RequestContext): MovingTopic[] {
  return Array.from(broker.metadata.topics()).flatMap(({ name, partitions }) => moving(name, partitions));
}

function askedMoving(
  topics: NonNullable<ListPartitionReassignmentsRequest['topics']>,
  { broker }: RequestContext,
): MovingTopic[] {
  return topics.flatMap(({ name, partitionIndexes }) =>
    moving(
      name,
      [...new Set(partitionIndexes)]
        .map((index) => broker.metadata.partition(name, index))
        .filter((entry) => entry !== undefined),
    ),
  );
}

/** The topic with those of its partitions that move; nothing when none does. */
function moving(name: string, entries: readonly PartitionEntry[]): MovingTopic[] {
  const partitions = entries
    .filter(isBeingReassigned)
    .map(({ index, replicas, addingReplicas, removingReplicas }) => ({
      partitionIndex: index,
      replicas,
      addingReplicas,
      removingReplicas,
    }));
  return partitions.length === 0 ? [] : [{ name, partitions }];
}
