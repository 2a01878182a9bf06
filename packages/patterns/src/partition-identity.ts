import type { Cluster, TopicPartition } from '@odradek/client';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';

/**
 * Names a partition across clusters, and across topics of one name that were deleted and made anew: cluster id, topic
 * id (the name where brokers tell no ids), partition.
 */
export async function partitionIdentity(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
): Promise<string> {
  // The topic as it is now.
  cluster.forgetTopic(topic);
  const { topicId } = await cluster.topic(topic);
  return `${cluster.metadata.clusterId ?? ''}/${topicId === ZERO_UUID ? topic : topicId}/${partition}`;
}
