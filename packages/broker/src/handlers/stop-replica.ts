// StopReplica: the controller tells a broker to hold replicas no more, and whether their logs go as well.
//
// v1 names the life of the broker that is meant (KIP-380) and groups by topic, v2 is flexible, v3 tells per partition
// the leader epoch and whether to delete (KIP-570), v4 has controllers without ZooKeeper (KIP-866).
import type { StopOrder } from '@odradek/core/replication/controller-orders.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { stopReplicaApi } from '@odradek/protocol/generated/apis/stop-replica.ts';
import type { StopReplicaRequest } from '@odradek/protocol/generated/stop-replica-request.ts';
import type { StopReplicaResponseInput } from '@odradek/protocol/generated/stop-replica-response.ts';
import type { Handler } from './handler.ts';

const GROUPED_FROM = 1;
const EPOCHS_FROM = 3;
const EPOCH_NOT_TOLD = -1;

export const stopReplicaHandler: Handler<StopReplicaRequest, StopReplicaResponseInput> = {
  api: stopReplicaApi,
  versionMin: 0,
  versionMax: 4,

  handle(request, context) {
    const { orders } = context.broker;
    const refusal = orders.judge(request);
    if (refusal !== ErrorCode.NONE) return { errorCode: refusal, partitionErrors: [] };
    const stops = stopsOf(request, context.apiVersion);
    return answer(ErrorCode.NONE, stops, orders.stop(stops));
  },

  failed(request, errorCode, { apiVersion }) {
    const stops = stopsOf(request, apiVersion);
    return answer(
      errorCode,
      stops,
      stops.map(() => errorCode),
    );
  },
};

function stopsOf(request: StopReplicaRequest, version: number): StopOrder[] {
  if (version >= EPOCHS_FROM) {
    return request.topicStates.flatMap(({ topicName: topic, partitionStates }) =>
      partitionStates.map(({ partitionIndex: partition, leaderEpoch, deletePartition: deleteLog }) => ({
        topic,
        partition,
        leaderEpoch,
        deleteLog,
      })),
    );
  }
  const common = { leaderEpoch: EPOCH_NOT_TOLD, deleteLog: request.deletePartitions };
  if (version < GROUPED_FROM) {
    return request.ungroupedPartitions.map(({ topicName: topic, partitionIndex: partition }) => ({
      topic,
      partition,
      ...common,
    }));
  }
  return request.topics.flatMap(({ name: topic, partitionIndexes }) =>
    partitionIndexes.map((partition) => ({ topic, partition, ...common })),
  );
}

function answer(
  errorCode: number,
  stops: readonly StopOrder[],
  codes: readonly number[],
): StopReplicaResponseInput {
  return {
    errorCode,
    partitionErrors: stops.map(({ topic, partition }, i) => ({
      topicName: topic,
      partitionIndex: partition,
      errorCode: codes[i]!,
    })),
  };
}
