import { Cluster, describeTopic } from '@odradek/client';
import { GROUP_OFFSETS_TOPIC } from '@odradek/core/controller/topic-name.ts';
import { partitionOfGroup } from '@odradek/core/group/group-partition.ts';
import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';

const PREFERRED = 0;

/**
 * Has the partition that holds the group led by the next of its in-sync replicas, as `kafka-reassign-partitions`
 * and `kafka-leader-election` would.
 *
 * @returns the new coordinator's id
 * @throws Error where no other replica is in sync
 */
export async function moveCoordinator(bootstrapServers: string, groupId: string): Promise<number> {
  const cluster = new Cluster({ bootstrapServers, clientId: 'odradek-testing' });
  try {
    const { partitions } = await describeTopic(cluster, GROUP_OFFSETS_TOPIC);
    const index = partitionOfGroup(groupId, partitions.length);
    const { leaderId, replicas, isr } = partitions[index]!;
    const next = replicas.find((id) => id !== leaderId && isr.includes(id));
    if (next === undefined) {
      throw new Error(`group ${groupId} has no other broker to go to: in sync is only ${isr.join(', ')}`);
    }
    await prefer(cluster, index, [next, ...replicas.filter((id) => id !== next)]);
    await electPreferred(cluster, index);
    return next;
  } finally {
    await cluster.close();
  }
}

async function prefer(cluster: Cluster, partitionIndex: number, replicas: readonly number[]): Promise<void> {
  const { errorCode, responses } = await cluster.requestToController(
    alterPartitionReassignmentsApi,
    { topics: [{ name: GROUP_OFFSETS_TOPIC, partitions: [{ partitionIndex, replicas }] }] },
    (answer) => [answer.errorCode],
  );
  const code = errorCode || (responses[0]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR);
  throwIfError(code, 'to order the replicas anew');
}

async function electPreferred(cluster: Cluster, partition: number): Promise<void> {
  const { errorCode, replicaElectionResults } = await cluster.requestToController(
    electLeadersApi,
    {
      electionType: PREFERRED,
      topicPartitions: [{ topic: GROUP_OFFSETS_TOPIC, partitions: [partition] }],
    },
    (answer) => [answer.errorCode],
  );
  const code = errorCode || (replicaElectionResults[0]?.partitionResult[0]?.errorCode ?? ErrorCode.NONE);
  // The controller may have elected the first of the new order by itself.
  if (code !== ErrorCode.ELECTION_NOT_NEEDED) throwIfError(code, 'to elect the leader');
}

function throwIfError(code: number, what: string): void {
  if (code !== ErrorCode.NONE)
    throw new KafkaError(code, `the coordinator cannot be moved, ${what}: ${errorName(code)}`);
}
