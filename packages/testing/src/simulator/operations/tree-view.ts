import type { TopicPartition } from '@odradek/client';
import {
  decodeTopicNode,
  isBeingReassigned,
  type ReplicaAssignment,
} from '@odradek/core/controller/topic-node.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import type { SimulatedEnsemble } from '../coordination/simulated-ensemble.ts';

/** What is written in the tree at this moment: the truth, whoever knows of it by now. */

export interface WrittenPartition extends TopicPartition {
  readonly assignment: ReplicaAssignment;
}

/** All partitions of all topics. */
export function partitionsIn(ensemble: SimulatedEnsemble): WrittenPartition[] {
  return ensemble.children(treePaths.topics).flatMap((topic) => {
    const { partitions } = decodeTopicNode(topic, ensemble.read(treePaths.topic(topic)).data);
    return [...partitions].map(([partition, assignment]) => ({ topic, partition, assignment }));
  });
}

/** How many partitions a topic has. */
export function partitionCount(ensemble: SimulatedEnsemble, topic: string): number {
  if (ensemble.stat(treePaths.topic(topic)) === null) return 0;
  return decodeTopicNode(topic, ensemble.read(treePaths.topic(topic)).data).partitions.size;
}

/** Those that are being reassigned. */
export function movingPartitions(ensemble: SimulatedEnsemble): TopicPartition[] {
  return partitionsIn(ensemble)
    .filter(({ assignment }) => isBeingReassigned(assignment))
    .map(({ topic, partition }) => ({ topic, partition }));
}

/** What was asked for and is not finished yet; null: nothing. */
export function unfinishedBusiness(ensemble: SimulatedEnsemble): string | null {
  const [moving] = movingPartitions(ensemble);
  if (moving !== undefined) return `${moving.topic}-${moving.partition} is being reassigned`;
  const [deleted] = ensemble.children(treePaths.deleteTopics);
  return deleted === undefined ? null : `${deleted} is being deleted`;
}
