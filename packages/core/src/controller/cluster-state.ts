import { isInternalTopic, topicCollisionKey } from './topic-name.ts';
import { NO_LEADER, type PartitionState } from './partition-state-node.ts';
import type { BrokerRegistration } from './broker-registration.ts';
import type { ReplicaAssignment } from './topic-node.ts';

/** A registered broker. */
export interface LiveBroker extends BrokerRegistration {
  /** The transaction that created its registration: larger in each of its lives (KIP-380). */
  readonly brokerEpoch: number;
}

/** One partition as the tree has it. Changed in place, by ClusterState only. */
export interface PartitionEntry extends Readonly<ReplicaAssignment>, Readonly<PartitionState> {
  readonly index: number;
  /** Version of the state's node, or -1 while there is none yet. */
  readonly partitionEpoch: number;
}

export interface TopicEntry {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  /** Marked for deletion: clients do not see it any more. */
  readonly isDeleting: boolean;
  /** Version of the topic's node. */
  readonly nodeVersion: number;
  /** By index, without holes. */
  readonly partitions: readonly PartitionEntry[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type MutableTopic = Mutable<Omit<TopicEntry, 'partitions'>> & { partitions: Mutable<PartitionEntry>[] };

/**
 * What a broker knows of its cluster: brokers, controller, topics. Updated in place once the tree holds a change,
 * so the size of a change is its cost, not the size of the cluster.
 */
export class ClusterState {
  clusterId = '';
  /** -1 while there is none. */
  controllerId = -1;
  readonly brokers = new Map<number, LiveBroker>();
  private topicsByName = new Map<string, MutableTopic>();
  private namesById = new Map<string, string>();
  private namesByCollisionKey = new Map<string, string>();

  topic(name: string): TopicEntry | undefined {
    return this.topicsByName.get(name);
  }

  topicName(topicId: string): string | undefined {
    return this.namesById.get(topicId);
  }

  topics(): Iterable<TopicEntry> {
    return this.topicsByName.values();
  }

  get topicCount(): number {
    return this.topicsByName.size;
  }

  /** The topic that a new one of this name would collide with in metric names, if any. */
  collidingTopic(name: string): string | undefined {
    const found = this.namesByCollisionKey.get(topicCollisionKey(name));
    return found === name ? undefined : found;
  }

  isLive = (brokerId: number): boolean => this.brokers.has(brokerId);

  addTopic(name: string, topicId: string, nodeVersion: number): void {
    this.topicsByName.set(name, {
      name,
      topicId,
      isInternal: isInternalTopic(name),
      isDeleting: false,
      nodeVersion,
      partitions: [],
    });
    this.namesById.set(topicId, name);
    this.namesByCollisionKey.set(topicCollisionKey(name), name);
  }

  removeTopic(name: string): void {
    const topic = this.topicsByName.get(name);
    if (topic === undefined) return;
    this.topicsByName.delete(name);
    this.namesById.delete(topic.topicId);
    const key = topicCollisionKey(name);
    if (this.namesByCollisionKey.get(key) === name) this.namesByCollisionKey.delete(key);
  }

  setDeleting(name: string): void {
    this.mutable(name).isDeleting = true;
  }

  /** Takes over brokers and topics that were read anew, all at once; `other` must not be used any more. */
  replaceWith(other: ClusterState): void {
    this.brokers.clear();
    for (const [brokerId, broker] of other.brokers) this.brokers.set(brokerId, broker);
    this.topicsByName = other.topicsByName;
    this.namesById = other.namesById;
    this.namesByCollisionKey = other.namesByCollisionKey;
  }

  setNodeVersion(name: string, nodeVersion: number): void {
    this.mutable(name).nodeVersion = nodeVersion;
  }

  /** Adds the next partition, or changes the assignment of one that is there. */
  setAssignment(name: string, index: number, assignment: ReplicaAssignment): void {
    const { partitions } = this.mutable(name);
    const entry = partitions[index];
    if (entry !== undefined) Object.assign(entry, assignment);
    else if (index === partitions.length) partitions.push(newEntry(index, assignment));
    else
      throw new Error(`${name} has ${partitions.length} partitions and cannot get partition ${index} next`);
  }

  setPartitionState(name: string, index: number, state: PartitionState, partitionEpoch: number): void {
    const entry = this.mutable(name).partitions[index];
    if (entry === undefined) throw new Error(`${name} has no partition ${index}`);
    Object.assign(entry, state);
    entry.partitionEpoch = partitionEpoch;
  }

  private mutable(name: string): MutableTopic {
    const topic = this.topicsByName.get(name);
    if (topic === undefined) throw new Error(`there is no topic ${name}`);
    return topic;
  }
}

function newEntry(index: number, assignment: ReplicaAssignment): Mutable<PartitionEntry> {
  return {
    index,
    replicas: assignment.replicas,
    addingReplicas: assignment.addingReplicas,
    removingReplicas: assignment.removingReplicas,
    leader: NO_LEADER,
    leaderEpoch: -1,
    isr: [],
    isRecovering: false,
    controllerEpoch: -1,
    partitionEpoch: -1,
  };
}
