import { encodeJson, JsonNode, NodeFormatError } from './json-node.ts';
import { treePaths } from './tree-paths.ts';

/** Which brokers hold a partition, the preferred leader first (KIP-455 for the changes). */
export interface ReplicaAssignment {
  /** All that hold it now, those that are being added or removed too. */
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

/** `/brokers/topics/T`: the topic's id and the assignment of its partitions. */
export interface TopicNode {
  /** Null in nodes written by brokers of before 2.8. */
  readonly topicId: string | null;
  readonly partitions: ReadonlyMap<number, ReplicaAssignment>;
}

export function assignmentOf(replicas: readonly number[]): ReplicaAssignment {
  return { replicas, addingReplicas: [], removingReplicas: [] };
}

export function isBeingReassigned(assignment: ReplicaAssignment): boolean {
  return assignment.addingReplicas.length > 0 || assignment.removingReplicas.length > 0;
}

/** Version 3. */
export function encodeTopicNode(topic: TopicNode): Buffer {
  const lists = (which: (assignment: ReplicaAssignment) => readonly number[], always: boolean) =>
    Object.fromEntries(
      [...topic.partitions]
        .filter(([, assignment]) => always || which(assignment).length > 0)
        .map(([partition, assignment]) => [String(partition), which(assignment)]),
    );
  return encodeJson({
    version: 3,
    ...(topic.topicId === null ? {} : { topic_id: topic.topicId }),
    partitions: lists((assignment) => assignment.replicas, true),
    adding_replicas: lists((assignment) => assignment.addingReplicas, false),
    removing_replicas: lists((assignment) => assignment.removingReplicas, false),
  });
}

/** Reads versions 1 to 3. @throws NodeFormatError, also when the assignments contradict themselves */
export function decodeTopicNode(topic: string, data: Buffer | null): TopicNode {
  const path = treePaths.topic(topic);
  const node = new JsonNode(path, data);
  const adding = node.integersByNumber('adding_replicas');
  const removing = node.integersByNumber('removing_replicas');
  const partitions = [...node.integersByNumber('partitions')].sort(([a], [b]) => a - b);
  for (const [partition, replicas] of partitions) {
    const changing = [...(adding.get(partition) ?? []), ...(removing.get(partition) ?? [])];
    const fault = assignmentFault(partition, replicas, changing);
    if (fault !== null) throw new NodeFormatError(path, fault);
  }
  return {
    topicId: node.has('topic_id') ? node.string('topic_id') : null,
    partitions: new Map(
      partitions.map(([partition, replicas]) => [
        partition,
        {
          replicas,
          addingReplicas: adding.get(partition) ?? [],
          removingReplicas: removing.get(partition) ?? [],
        },
      ]),
    ),
  };
}

function assignmentFault(
  partition: number,
  replicas: readonly number[],
  changing: readonly number[],
): string | null {
  const named = `the replicas ${replicas.join(', ')} of partition ${partition}`;
  if (replicas.some((id) => id < 0)) return `${named}, which are no broker ids`;
  if (new Set(replicas).size < replicas.length) return `${named}, which name a broker twice`;
  const stranger = changing.find((id) => !replicas.includes(id));
  return stranger === undefined ? null : `${named}, and adds or removes ${stranger}, which is none of them`;
}
