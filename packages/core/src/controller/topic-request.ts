import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClusterState } from './cluster-state.ts';
import { placeReplicas } from './replica-placement.ts';
import { CLUSTER_METADATA_TOPIC, topicNameFault } from './topic-name.ts';

/** Why something about one topic or partition was not done. */
export interface TopicFault {
  readonly errorCode: number;
  readonly errorMessage: string;
}

/** The broker's default for a number of partitions or replicas. */
export const USE_DEFAULT = -1;

/** A topic that is to be. */
export interface TopicCreation {
  readonly name: string;
  /** 1 or more, or USE_DEFAULT. */
  readonly partitionCount: number;
  /** 1 to the number of brokers, or USE_DEFAULT. */
  readonly replicationFactor: number;
  /** Replicas by partition, or empty: the brokers choose. */
  readonly assignments: readonly { readonly partition: number; readonly replicas: readonly number[] }[];
  /** Settings that differ from the defaults; null is refused. */
  readonly settings: ReadonlyMap<string, string | null>;
}

export interface TopicDefaults {
  /** num.partitions */
  readonly partitionCount: number;
  /** default.replication.factor */
  readonly replicationFactor: number;
}

/** What decides about a new topic beside the request. */
export interface CreationContext {
  readonly state: ClusterState;
  readonly defaults: TopicDefaults;
  /** Random fraction in [0, 1): where the placement begins. */
  readonly fraction: () => number;
  /** What is wrong with the settings of a topic, or null. */
  readonly settingsFault: (settings: ReadonlyMap<string, string>) => string | null;
  /** Partitions that may still be made in this request. */
  readonly partitionsLeft: number;
}

/** A topic that may be made: its replicas by partition and its settings. */
export interface TopicPlan {
  readonly name: string;
  readonly replicas: readonly (readonly number[])[];
  readonly settings: ReadonlyMap<string, string>;
}

/** So many partitions one request may make, as with KRaft; more would hold the broker for too long. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;

/** Decides whether a topic can be created, and how. Nothing is changed. */
export function planTopic(creation: TopicCreation, context: CreationContext): TopicPlan | TopicFault {
  const fault = nameFault(creation.name, context.state) ?? settingsFault(creation, context);
  if (fault !== null) return fault;
  const settings = creation.settings as ReadonlyMap<string, string>;
  const replicas =
    creation.assignments.length > 0 ? manualReplicas(creation, context) : chosenReplicas(creation, context);
  if (!Array.isArray(replicas)) return replicas as TopicFault;
  if (replicas.length > context.partitionsLeft) return tooManyPartitions();
  return { name: creation.name, replicas, settings };
}

function nameFault(name: string, state: ClusterState): TopicFault | null {
  const fault = topicNameFault(name);
  if (fault !== null) return faultOf(ErrorCode.INVALID_TOPIC_EXCEPTION, fault);
  if (name === CLUSTER_METADATA_TOPIC)
    return faultOf(ErrorCode.INVALID_REQUEST, `The name ${name} is kept for KRaft's own log.`);
  if (state.topic(name) !== undefined)
    return faultOf(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  const colliding = state.collidingTopic(name);
  if (colliding !== undefined) {
    const message = `Topic '${name}' collides with existing topic: ${colliding}`;
    return faultOf(ErrorCode.INVALID_TOPIC_EXCEPTION, message);
  }
  return null;
}

function settingsFault(creation: TopicCreation, context: CreationContext): TopicFault | null {
  const withoutValue = [...creation.settings].filter(([, value]) => value === null).map(([name]) => name);
  if (withoutValue.length > 0) {
    const message = `Topic settings need a value, and these have none: ${withoutValue.join(', ')}`;
    return faultOf(ErrorCode.INVALID_CONFIG, message);
  }
  const fault = context.settingsFault(creation.settings as ReadonlyMap<string, string>);
  return fault === null ? null : faultOf(ErrorCode.INVALID_CONFIG, fault);
}

function chosenReplicas(creation: TopicCreation, context: CreationContext): number[][] | TopicFault {
  const { defaults, state } = context;
  const replicationFactor =
    creation.replicationFactor === USE_DEFAULT ? defaults.replicationFactor : creation.replicationFactor;
  const partitionCount =
    creation.partitionCount === USE_DEFAULT ? defaults.partitionCount : creation.partitionCount;
  if (replicationFactor < 1)
    return faultOf(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `The replication factor must be 1 or more, or -1 for the default, and is ${creation.replicationFactor}.`,
    );
  if (partitionCount < 1)
    return faultOf(
      ErrorCode.INVALID_PARTITIONS,
      `The number of partitions must be 1 or more, or -1 for the default, and is ${creation.partitionCount}.`,
    );
  if (replicationFactor > state.brokers.size)
    return faultOf(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Replication factor ${replicationFactor} is larger than the number of available brokers, ${state.brokers.size}.`,
    );
  if (partitionCount > context.partitionsLeft) return tooManyPartitions();
  const brokers = [...state.brokers.values()];
  const at = () => Math.floor(context.fraction() * brokers.length);
  return placeReplicas(brokers, {
    partitionCount,
    replicationFactor,
    firstPartition: 0,
    startIndex: at(),
    startShift: at(),
  });
}

function manualReplicas(creation: TopicCreation, context: CreationContext): number[][] | TopicFault {
  if (creation.partitionCount !== USE_DEFAULT || creation.replicationFactor !== USE_DEFAULT)
    return faultOf(
      ErrorCode.INVALID_REQUEST,
      'With replicas assigned by hand, the number of partitions and the replication factor must both be -1.',
    );
  const byPartition = new Map(creation.assignments.map(({ partition, replicas }) => [partition, replicas]));
  if (byPartition.size < creation.assignments.length)
    return faultOf(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'A partition is assigned more than once.');
  const ordered: number[][] = [];
  for (let partition = 0; partition < byPartition.size; partition++) {
    const replicas = byPartition.get(partition);
    if (replicas === undefined)
      return faultOf(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Partitions must be numbered 0 to ${byPartition.size - 1} without gaps, and ${partition} is missing.`,
      );
    ordered.push([...replicas]);
  }
  const expected = ordered[0]!.length;
  for (const replicas of ordered) {
    const fault = replicasFault(replicas, expected, context.state);
    if (fault !== null) return faultOf(ErrorCode.INVALID_REPLICA_ASSIGNMENT, fault);
  }
  return ordered;
}

/** A topic that is to get more partitions. */
export interface TopicGrowth {
  readonly name: string;
  /** Partitions in all. */
  readonly partitionCount: number;
  /** Replicas of the new partitions, or null: the brokers choose. */
  readonly assignments: readonly (readonly number[])[] | null;
}

/** Decides how a topic grows. @returns the replicas of the new partitions */
export function planGrowth(
  growth: TopicGrowth,
  state: ClusterState,
  partitionsLeft: number,
): readonly (readonly number[])[] | TopicFault {
  const topic = state.topic(growth.name);
  if (topic === undefined)
    return faultOf(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${growth.name}' does not exist.`);
  if (topic.isDeleting)
    return faultOf(ErrorCode.INVALID_TOPIC_EXCEPTION, `The topic '${growth.name}' is being deleted.`);
  const count = topic.partitions.length;
  const additional = growth.partitionCount - count;
  if (additional === 0)
    return faultOf(ErrorCode.INVALID_PARTITIONS, `Topic already has ${count} partition(s).`);
  if (additional < 0)
    return faultOf(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${growth.name} has ${count} partition(s), and ${growth.partitionCount} would not be an increase.`,
    );
  if (additional > partitionsLeft) return tooManyPartitions();
  if (topic.partitions.some((entry) => entry.addingReplicas.length + entry.removingReplicas.length > 0))
    return faultOf(
      ErrorCode.REASSIGNMENT_IN_PROGRESS,
      `A partition of the topic '${growth.name}' is being reassigned.`,
    );
  const [first] = topic.partitions;
  const replicationFactor = first?.replicas.length ?? 1;
  if (growth.assignments !== null)
    return manualGrowth(growth.assignments, additional, replicationFactor, state);
  return chosenGrowth(state, { count, additional, replicationFactor, leader: first?.replicas[0] ?? -1 });
}

function manualGrowth(
  assignments: readonly (readonly number[])[],
  additional: number,
  replicationFactor: number,
  state: ClusterState,
): readonly (readonly number[])[] | TopicFault {
  if (assignments.length !== additional)
    return faultOf(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `The topic grows by ${additional} partition(s), but replicas are given for ${assignments.length}.`,
    );
  for (const replicas of assignments) {
    const fault = replicasFault(replicas, replicationFactor, state);
    if (fault !== null) return faultOf(ErrorCode.INVALID_REPLICA_ASSIGNMENT, fault);
  }
  return assignments;
}

function chosenGrowth(
  state: ClusterState,
  topic: { count: number; additional: number; replicationFactor: number; leader: number },
): number[][] | TopicFault {
  const brokers = [...state.brokers.values()].sort((a, b) => a.brokerId - b.brokerId);
  if (topic.replicationFactor > brokers.length)
    return faultOf(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Replication factor ${topic.replicationFactor} is larger than the number of available brokers, ${brokers.length}.`,
    );
  // Continues where the first partition began, so that a topic that grows looks like one that was made larger.
  const at = Math.max(
    0,
    brokers.findIndex((broker) => broker.brokerId >= topic.leader),
  );
  return placeReplicas(brokers, {
    partitionCount: topic.additional,
    replicationFactor: topic.replicationFactor,
    firstPartition: topic.count,
    startIndex: at,
    startShift: at,
  });
}

/** What is wrong with the replicas of one partition, or null. */
function replicasFault(replicas: readonly number[], expected: number, state: ClusterState): string | null {
  if (replicas.length === 0) return 'A partition is assigned to no broker.';
  if (new Set(replicas).size < replicas.length)
    return `The replicas ${replicas.join(', ')} name a broker more than once.`;
  const unknown = replicas.find((id) => !state.isLive(id));
  if (unknown !== undefined) return `The replicas name broker ${unknown}, which is not registered.`;
  if (replicas.length !== expected)
    return `A partition has ${replicas.length} replica(s), but the others have ${expected}.`;
  return null;
}

function tooManyPartitions(): TopicFault {
  return faultOf(
    ErrorCode.POLICY_VIOLATION,
    `One request may create at most ${PARTITIONS_PER_REQUEST_MAX} partitions.`,
  );
}

function faultOf(errorCode: number, errorMessage: string): TopicFault {
  return { errorCode, errorMessage };
}

export function isFault(value: object): value is TopicFault {
  return 'errorCode' in value;
}
