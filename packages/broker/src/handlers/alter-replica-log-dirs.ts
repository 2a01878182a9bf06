// AlterReplicaLogDirs: in which data directory of this broker replicas are to lie (KIP-113).
//
// The answer tells that a move has begun; DescribeLogDirs shows how far it is. v2 is flexible.
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { alterReplicaLogDirsApi } from '@odradek/protocol/generated/apis/alter-replica-log-dirs.ts';
import type { AlterReplicaLogDirsRequest } from '@odradek/protocol/generated/alter-replica-log-dirs-request.ts';
import type { AlterReplicaLogDirsResponseInput } from '@odradek/protocol/generated/alter-replica-log-dirs-response.ts';
import type { Handler, RequestContext } from './handler.ts';

export const alterReplicaLogDirsHandler: Handler<
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponseInput
> = {
  api: alterReplicaLogDirsApi,
  versionMin: 0,
  versionMax: 2,

  handle(request, context) {
    return responseOf(request, (topic, partition, path) => alter(topic, partition, path, context));
  },

  failed(request, errorCode) {
    return responseOf(request, () => errorCode);
  },
};

function alter(topic: string, partition: number, path: string, { broker }: RequestContext): number {
  const code = broker.replicas.moves.alter(topic, partition, path);
  const isElsewhere = broker.metadata.partition(topic, partition) !== undefined;
  // As Apache Kafka tells it, for the sake of older clients.
  return code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && isElsewhere
    ? ErrorCode.REPLICA_NOT_AVAILABLE
    : code;
}

/** One result for each partition: of one that is named for several directories, the last is meant. */
function responseOf(
  request: AlterReplicaLogDirsRequest,
  codeOf: (topic: string, partition: number, path: string) => number,
): AlterReplicaLogDirsResponseInput {
  const wished = new Map<string, Map<number, string>>();
  for (const { path, topics } of request.dirs) {
    for (const { name, partitions } of topics) {
      const ofTopic = wished.get(name) ?? new Map<number, string>();
      for (const partition of partitions) ofTopic.set(partition, path);
      wished.set(name, ofTopic);
    }
  }
  return {
    throttleTimeMs: 0,
    results: [...wished].map(([topicName, paths]) => ({
      topicName,
      partitions: [...paths].map(([partitionIndex, path]) => ({
        partitionIndex,
        errorCode: codeOf(topicName, partitionIndex, path),
      })),
    })),
  };
}
