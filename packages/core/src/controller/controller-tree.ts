import {
  ANY_VERSION,
  type Coordination,
  type CoordinationError,
  type WriteOperation,
  type WriteResult,
} from '../ports/coordination.ts';
import { allOf, inOrder, isOneOf, type Ended } from './callback-flow.ts';
import { encodeConfigNode } from './config-node.ts';
import { encodePartitionState, type PartitionState } from './partition-state-node.ts';
import { encodeTopicNode, type TopicNode } from './topic-node.ts';
import { treePaths } from './tree-paths.ts';

/** The state that a partition is to have. */
export interface StateWrite {
  readonly topic: string;
  readonly partition: number;
  readonly state: PartitionState;
  /** Version of the node that the decision was made on; -1: there is no node yet. */
  readonly expectedVersion: number;
}

/**
 * Partitions per transaction: far below what ZooKeeper takes in one request, also with the longest names, and few
 * enough for an embedded tree not to hold the loop for long.
 */
const PARTITIONS_PER_WRITE = 200;

/**
 * What a controller writes. Each write checks the version of `/controller_epoch`: once another controller has been
 * elected, all of them fail with BADVERSION at operation 0, and nothing of an old controller gets through (F41).
 *
 * What belongs together is written in one transaction where it fits in one. Larger things go in an order in which
 * any cut leaves what the next controller finishes: a topic without all its states, a deletion with its marker.
 */
export class ControllerTree {
  private readonly coordination: Coordination;
  private readonly epochVersion: number;

  constructor(coordination: Coordination, epochVersion: number) {
    this.coordination = coordination;
    this.epochVersion = epochVersion;
  }

  /**
   * Settings, assignment and states of a new topic. NODEEXISTS when there is such a topic.
   * Settings that a deletion or a crash left behind are replaced.
   */
  createTopic(
    name: string,
    topic: TopicNode,
    settings: ReadonlyMap<string, string>,
    states: readonly StateWrite[],
    done: Ended,
  ): void {
    const withSettings = (type: 'create' | 'set'): WriteOperation[] => [
      configOperation(type, name, settings),
      { type: 'create', path: treePaths.topic(name), data: encodeTopicNode(topic), mode: 'persistent' },
      createOperation(treePaths.partitions(name), null),
      ...states.slice(0, PARTITIONS_PER_WRITE).flatMap(creationOfState),
    ];
    const rest = (error: Error | null) => {
      if (error !== null) return done(error);
      this.createStates(states.slice(PARTITIONS_PER_WRITE), done);
    };
    this.write(withSettings('create'), (error) => {
      const settingsExist =
        error !== null && isOneOf(error, 'NODEEXISTS') && error.path === treePaths.topicConfig(name);
      if (settingsExist) this.write(withSettings('set'), rest);
      else rest(error);
    });
  }

  /** The assignment of a topic that grew, and the states of its new partitions. */
  growTopic(
    name: string,
    topic: TopicNode,
    nodeVersion: number,
    states: readonly StateWrite[],
    done: Ended,
  ): void {
    this.write(
      [
        {
          type: 'set',
          path: treePaths.topic(name),
          data: encodeTopicNode(topic),
          version: nodeVersion,
        },
        ...states.slice(0, PARTITIONS_PER_WRITE).flatMap(creationOfState),
      ],
      (error) => {
        if (error !== null) return done(error);
        this.createStates(states.slice(PARTITIONS_PER_WRITE), done);
      },
    );
  }

  private createStates(states: readonly StateWrite[], done: Ended): void {
    inOrder(
      chunksOf(states).map((chunk) => (next) => this.write(chunk.flatMap(creationOfState), next)),
      done,
    );
  }

  /** Assignment (or id) of a topic, and states that follow from it. */
  changeTopic(
    name: string,
    topic: TopicNode,
    nodeVersion: number,
    states: readonly StateWrite[],
    done: Ended,
  ): void {
    const operations: WriteOperation[] = [
      { type: 'set', path: treePaths.topic(name), data: encodeTopicNode(topic), version: nodeVersion },
      ...states.map(changeOfState),
    ];
    this.write(operations, done);
  }

  /**
   * New states of many partitions.
   * @param done gets those that were written; with an error not all were
   */
  writeStates(
    writes: readonly StateWrite[],
    done: (error: Error | null, written: readonly StateWrite[]) => void,
  ): void {
    const written: StateWrite[] = [];
    const writeChunk = (chunk: readonly StateWrite[], next: Ended) => {
      this.write(chunk.map(changeOfState), (error) => {
        if (error === null) written.push(...chunk);
        next(error);
      });
    };
    const fresh = writes.filter((write) => write.expectedVersion < 0);
    allOf(
      fresh,
      (write, next) => this.ensurePartitionNode(write, next),
      (error) => {
        if (error !== null) return done(error, written);
        allOf(chunksOf(writes), writeChunk, (failure) => done(failure, written));
      },
    );
  }

  /** The parents of a state, which a controller that was cut off may have made already. */
  private ensurePartitionNode({ topic, partition }: StateWrite, done: Ended): void {
    const ensure = (path: string) => (next: Ended) =>
      this.write([createOperation(path, null)], (error) =>
        next(error === null || isOneOf(error, 'NODEEXISTS') ? null : error),
      );
    inOrder([ensure(treePaths.partitions(topic)), ensure(treePaths.partition(topic, partition))], done);
  }

  /** From here on the topic will be deleted, whatever happens. One that is marked already stays so. */
  markForDeletion(topic: string, done: Ended): void {
    this.write([createOperation(treePaths.deleteTopic(topic), null)], (error) =>
      done(error === null || isOneOf(error, 'NODEEXISTS') ? null : error),
    );
  }

  /** What is left to do of what a node asks for; null: nothing, and the node goes. One that is gone stays so. */
  replaceRequest(path: string, data: Buffer | null, done: Ended): void {
    const operation: WriteOperation =
      data === null ? deletion(path) : { type: 'set', path, data, version: ANY_VERSION };
    this.write([operation], (error) => done(error === null || isOneOf(error, 'NONODE') ? null : error));
  }

  /** Takes the mark from what is no topic. */
  unmark(topic: string, done: Ended): void {
    this.write([deletion(treePaths.deleteTopic(topic))], (error) =>
      done(error === null || isOneOf(error, 'NONODE') ? null : error),
    );
  }

  /**
   * Removes a topic that is marked, whatever nodes it has: first what lies below it, then itself together with its
   * settings and its mark.
   */
  removeTopic(topic: string, done: Ended): void {
    this.listBelow(treePaths.topic(topic), (error, below) => {
      if (error !== null) return done(error);
      const removals = chunksOf(below).map((chunk) => (next: Ended) => this.write(chunk.map(deletion), next));
      inOrder([...removals, (next) => this.removeTopicNode(topic, next)], done);
    });
  }

  /** All nodes below one, children before their parents. */
  private listBelow(path: string, done: (error: Error | null, paths: readonly string[]) => void): void {
    this.coordination.children(path, null, (error, names) => {
      if (error !== null) return done(isOneOf(error, 'NONODE') ? null : error, []);
      const below: string[] = [];
      allOf(
        names,
        (name, next) => {
          const child = `${path}/${name}`;
          this.listBelow(child, (failure, paths) => {
            below.push(...paths, child);
            next(failure);
          });
        },
        (failure) => done(failure, below),
      );
    });
  }

  private removeTopicNode(topic: string, done: Ended): void {
    const paths = [treePaths.topic(topic), treePaths.deleteTopic(topic)];
    this.coordination.stat(treePaths.topicConfig(topic), null, (error, stat) => {
      if (error !== null) return done(error);
      if (stat !== null) paths.push(treePaths.topicConfig(topic));
      this.write(paths.map(deletion), done);
    });
  }

  private write(
    operations: readonly WriteOperation[],
    done: (error: CoordinationError | null, results: readonly WriteResult[]) => void,
  ): void {
    const fence: WriteOperation = {
      type: 'check',
      path: treePaths.controllerEpoch,
      version: this.epochVersion,
    };
    this.coordination.write([fence, ...operations], (error, results) => done(error, results.slice(1)));
  }
}

/** Whether a write failed since another controller has been elected. */
export function isFenced(error: Error): boolean {
  const { code, path } = error as Partial<CoordinationError>;
  return code === 'BADVERSION' && path === treePaths.controllerEpoch;
}

function createOperation(path: string, data: Buffer | null): WriteOperation {
  return { type: 'create', path, data, mode: 'persistent' };
}

function deletion(path: string): WriteOperation {
  return { type: 'delete', path, version: ANY_VERSION };
}

function configOperation(
  type: 'create' | 'set',
  topic: string,
  settings: ReadonlyMap<string, string>,
): WriteOperation {
  const path = treePaths.topicConfig(topic);
  const data = encodeConfigNode(settings);
  return type === 'create' ? createOperation(path, data) : { type, path, data, version: ANY_VERSION };
}

function creationOfState({ topic, partition, state }: StateWrite): WriteOperation[] {
  return [
    createOperation(treePaths.partition(topic, partition), null),
    createOperation(treePaths.partitionState(topic, partition), encodePartitionState(state)),
  ];
}

function changeOfState({ topic, partition, state, expectedVersion }: StateWrite): WriteOperation {
  const path = treePaths.partitionState(topic, partition);
  const data = encodePartitionState(state);
  return expectedVersion < 0
    ? createOperation(path, data)
    : { type: 'set', path, data, version: expectedVersion };
}

function chunksOf<Item>(items: readonly Item[]): (readonly Item[])[] {
  const chunks: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += PARTITIONS_PER_WRITE)
    chunks.push(items.slice(at, at + PARTITIONS_PER_WRITE));
  return chunks;
}
