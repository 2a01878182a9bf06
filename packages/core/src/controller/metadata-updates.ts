import type { BrokerEndpoint } from './broker-registration.ts';
import { DELETED_LEADER } from './broker-channels.ts';
import type { ClusterState } from './cluster-state.ts';

/** What the controller tells all brokers of the cluster (UpdateMetadata). */
export interface MetadataUpdate {
  readonly controllerId: number;
  /** All brokers that are alive. */
  readonly brokers: readonly UpdatedBroker[];
  /** Topics with the partitions that have changed. */
  readonly topics: readonly UpdatedTopic[];
  /** `topics` are all that there are. */
  readonly isComplete: boolean;
}

export interface UpdatedBroker {
  readonly brokerId: number;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
}

export interface UpdatedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly UpdatedPartition[];
}

export interface UpdatedPartition {
  readonly index: number;
  /** DELETED_LEADER: the topic is being deleted. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly controllerEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
}

/** Not told to brokers that are not the controller. */
const UNKNOWN = -1;
const NOBODY = { replicas: [], addingReplicas: [], removingReplicas: [] };

/**
 * Makes a broker that is not the controller know what the controller has told. What it is told last counts, whatever
 * it knew: the controller tells everything in order.
 *
 * In steps, a topic in each: who reads between two of them finds topics as they were and topics as they are told, each
 * of them whole.
 *
 * @returns names of the topics that are gone
 */
export function* applyMetadataUpdate(state: ClusterState, update: MetadataUpdate): Generator<void, string[]> {
  state.controllerId = update.controllerId;
  replaceBrokers(state, update.brokers);
  const deleted = update.topics.filter(isDeletion).map(({ name }) => name);
  if (update.isComplete) for (const name of unnamedTopics(state, update.topics)) deleted.push(name);
  for (const topic of update.topics) {
    if (!isDeletion(topic)) applyTopic(state, topic);
    yield;
  }
  const gone = deleted.filter((name) => state.topic(name) !== undefined);
  for (const name of gone) state.removeTopic(name);
  return gone;
}

function replaceBrokers(state: ClusterState, brokers: readonly UpdatedBroker[]): void {
  const known = new Map(state.brokers);
  state.brokers.clear();
  for (const broker of brokers) {
    const { jmxPort, timestampMs, brokerEpoch } = known.get(broker.brokerId) ?? {
      jmxPort: UNKNOWN,
      timestampMs: UNKNOWN,
      brokerEpoch: UNKNOWN,
    };
    state.brokers.set(broker.brokerId, { ...broker, jmxPort, timestampMs, brokerEpoch });
  }
}

function isDeletion({ partitions }: UpdatedTopic): boolean {
  return partitions.some(({ leader }) => leader === DELETED_LEADER);
}

function unnamedTopics(state: ClusterState, topics: readonly UpdatedTopic[]): string[] {
  const named = new Set(topics.map(({ name }) => name));
  return [...state.topics()].map(({ name }) => name).filter((name) => !named.has(name));
}

function applyTopic(state: ClusterState, { name, topicId, partitions }: UpdatedTopic): void {
  const known = state.topic(name);
  if (known !== undefined && known.topicId !== topicId) state.removeTopic(name);
  if (state.topic(name) === undefined) state.addTopic(name, topicId, UNKNOWN);
  for (const partition of partitions.toSorted((a, b) => a.index - b.index)) {
    const { index, partitionEpoch, replicas, ...leadership } = partition;
    // Partitions without a state yet are not told of: they stand there without replicas and leader until they are.
    for (let gap = state.topic(name)!.partitions.length; gap < index; gap++)
      state.setAssignment(name, gap, NOBODY);
    state.setAssignment(name, index, { ...NOBODY, replicas });
    state.setPartitionState(name, index, { ...leadership, isRecovering: false }, partitionEpoch);
  }
}
