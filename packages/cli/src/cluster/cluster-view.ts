import { listReassignments, type Reassignment } from '@odradek/client/admin/reassignments.ts';
import { topicValues } from '@odradek/client/admin/topic-values.ts';
import { listTopics } from '@odradek/client/admin/topics.ts';
import type { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { BrokerNode } from '@odradek/client/cluster/metadata-cache.ts';
import { UnsupportedApiError } from '@odradek/client/errors.ts';

/** A partition as the cluster tells of it. */
export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** -1: none. */
  readonly leaderId: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** In-sync replicas that acks=all asks for; never more than there are replicas. */
  readonly minInSync: number;
}

/** A cluster at one moment. */
export interface ClusterView {
  readonly clusterId: string | null;
  /** -1: none. */
  readonly controllerId: number;
  readonly brokers: readonly BrokerNode[];
  readonly partitions: readonly PartitionView[];
  readonly moving: readonly Reassignment[];
}

export async function viewOf(cluster: Cluster): Promise<ClusterView> {
  const topics = await listTopics(cluster);
  const names = topics.map(({ name }) => name);
  const minInSync = await topicValues(cluster, names, 'min.insync.replicas');
  return {
    clusterId: cluster.metadata.clusterId,
    controllerId: cluster.metadata.controllerId,
    brokers: cluster.metadata.nodes.toSorted((a, b) => a.nodeId - b.nodeId),
    partitions: topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition, leaderId, replicas, isr }) => ({
        topic: name,
        partition,
        leaderId,
        replicas,
        isr,
        minInSync: Math.min(Number(minInSync.get(name) ?? 1), replicas.length),
      })),
    ),
    moving: await moving(cluster),
  };
}

/** Brokers before Kafka 2.4 do not tell. */
async function moving(cluster: Cluster): Promise<readonly Reassignment[]> {
  try {
    return await listReassignments(cluster);
  } catch (error) {
    if (error instanceof UnsupportedApiError) return [];
    throw error;
  }
}
