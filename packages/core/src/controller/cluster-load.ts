import type { Coordination, Watch } from '../ports/coordination.ts';
import type { LogSink } from '../ports/log-sink.ts';
import { decodeBrokerRegistration } from './broker-registration.ts';
import { allOf, attempt, inOrder, isOneOf, type Ended } from './callback-flow.ts';
import type { ClusterState, LiveBroker } from './cluster-state.ts';
import { NodeFormatError } from './json-node.ts';
import { decodePartitionState } from './partition-state-node.ts';
import { decodeTopicNode, type TopicNode } from './topic-node.ts';
import { treePaths } from './tree-paths.ts';

/** What a controller finds at the beginning of its term beside the state itself. */
export interface LoadedCluster {
  /** The transaction that last wrote the state of a partition, per topic by index; -1 where there is no state. */
  readonly stateZxids: Map<string, number[]>;
  /** Topics marked for deletion. */
  readonly deletions: Set<string>;
  /** Topics whose node has no id yet, written by a broker of before 2.8; each got one here. */
  readonly withoutId: Set<string>;
  /** Topics of which a node cannot be understood, with why: they are left out as a whole, and left as they are. */
  readonly unreadable: Map<string, NodeFormatError>;
}

/** Where a cluster is read from. */
export interface LoadSource {
  readonly coordination: Coordination;
  readonly log: LogSink;
  /** For a topic that has none. */
  newTopicId(): string;
  /** Is told of the next change of the topic's node. */
  topicNodeWatch(topic: string): Watch;
}

/** Reads the whole cluster from the tree into `state`, which must be empty. */
export function loadCluster(
  source: LoadSource,
  state: ClusterState,
  done: (error: Error | null, loaded: LoadedCluster) => void,
): void {
  const loaded = nothingLoaded();
  const { coordination } = source;
  inOrder(
    [
      (next) => loadBrokers(source, state, next),
      (next) => loadTopics(source, state, loaded, next),
      (next) => loadDeletions(coordination, loaded, next),
    ],
    (error) => done(error, loaded),
  );
}

function loadBrokers({ coordination, log }: LoadSource, state: ClusterState, done: Ended): void {
  coordination.children(treePaths.brokerIds, null, (error, names) => {
    if (error !== null) return done(error);
    readBrokers(coordination, log, names, (failure, brokers) => {
      for (const broker of brokers) state.brokers.set(broker.brokerId, broker);
      done(failure);
    });
  });
}

/**
 * The registrations of brokers; those that are gone by now are left out, as are such as cannot be understood: nobody
 * could reach their brokers, and the others have to be led all the same.
 */
export function readBrokers(
  coordination: Coordination,
  log: LogSink,
  names: readonly string[],
  done: (error: Error | null, brokers: readonly LiveBroker[]) => void,
): void {
  const brokers: LiveBroker[] = [];
  allOf(
    names,
    (name, next) => {
      const brokerId = Number(name);
      coordination.read(treePaths.broker(brokerId), null, (failure, contents) => {
        if (failure !== null) return next(isOneOf(failure, 'NONODE') ? null : failure);
        const [error, registration] = attempt(() => decodeBrokerRegistration(brokerId, contents.data));
        if (error === null) brokers.push({ ...registration, brokerEpoch: contents.stat.czxid });
        else if (!(error instanceof NodeFormatError)) return next(error);
        else log.error('a broker counts as not alive: its registration cannot be read', { brokerId, error });
        next(null);
      });
    },
    (error) => done(error, brokers),
  );
}

export function nothingLoaded(): LoadedCluster {
  return { stateZxids: new Map(), deletions: new Set(), withoutId: new Set(), unreadable: new Map() };
}

function loadTopics(source: LoadSource, state: ClusterState, loaded: LoadedCluster, done: Ended): void {
  source.coordination.children(treePaths.topics, null, (error, names) => {
    if (error !== null) return done(error);
    allOf([...names].sort(), (name, next) => loadTopic(source, state, loaded, name, next), done);
  });
}

/** Reads one topic into the state; one that is gone by now, or cannot be understood, is left out. */
export function loadTopic(
  { coordination, newTopicId, topicNodeWatch }: LoadSource,
  state: ClusterState,
  loaded: LoadedCluster,
  name: string,
  done: Ended,
): void {
  coordination.read(treePaths.topic(name), topicNodeWatch(name), (error, contents) => {
    if (error !== null) return done(isOneOf(error, 'NONODE') ? null : error);
    const [failure, topic] = attempt(() => wholeTopic(name, contents.data));
    if (failure !== null) return done(leaveOut(state, loaded, name, failure));
    if (topic.topicId === null) loaded.withoutId.add(name);
    state.addTopic(name, topic.topicId ?? newTopicId(), contents.stat.version);
    for (const [index, assignment] of topic.partitions) state.setAssignment(name, index, assignment);
    loadPartitionStates(coordination, state, loaded, name, (problem) =>
      done(problem === null ? null : leaveOut(state, loaded, name, problem)),
    );
  });
}

/** @throws NodeFormatError, also where partitions are missing */
export function wholeTopic(name: string, data: Buffer | null): TopicNode {
  const topic = decodeTopicNode(name, data);
  const missing = [...topic.partitions.keys()].findIndex((partition, place) => partition !== place);
  if (missing < 0) return topic;
  throw new NodeFormatError(treePaths.topic(name), `${topic.partitions.size} partitions, but no ${missing}`);
}

/** One node that somebody has spoilt must not take all other topics down. @returns what is another failure */
function leaveOut(state: ClusterState, loaded: LoadedCluster, name: string, failure: Error): Error | null {
  if (!(failure instanceof NodeFormatError)) return failure;
  state.removeTopic(name);
  loaded.stateZxids.delete(name);
  loaded.withoutId.delete(name);
  loaded.unreadable.set(name, failure);
  return null;
}

function loadPartitionStates(
  coordination: Coordination,
  state: ClusterState,
  loaded: LoadedCluster,
  name: string,
  done: Ended,
): void {
  const { partitions } = state.topic(name)!;
  const zxids: number[] = partitions.map(() => -1);
  loaded.stateZxids.set(name, zxids);
  allOf(
    partitions,
    ({ index }, next) => {
      coordination.read(treePaths.partitionState(name, index), null, (error, contents) => {
        if (error !== null) return next(isOneOf(error, 'NONODE') ? null : error);
        next(
          failureOf(() => {
            const { stat, data } = contents;
            state.setPartitionState(name, index, decodePartitionState(name, index, data), stat.version);
            zxids[index] = stat.mzxid;
          }),
        );
      });
    },
    done,
  );
}

function loadDeletions(coordination: Coordination, loaded: LoadedCluster, done: Ended): void {
  coordination.children(treePaths.deleteTopics, null, (error, names) => {
    if (error !== null) return done(error);
    for (const name of names) loaded.deletions.add(name);
    done(null);
  });
}

function failureOf(act: () => void): Error | null {
  return attempt(act)[0];
}
