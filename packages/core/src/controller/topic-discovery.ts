import { allOf, attempt, inOrder, isOneOf, type Ended } from './callback-flow.ts';
import { loadTopic, nothingLoaded, wholeTopic } from './cluster-load.ts';
import type { PartitionEntry } from './cluster-state.ts';
import { decodeConfigNode } from './config-node.ts';
import type { ControllerTerm } from './controller-term.ts';
import { initialState } from './partition-election.ts';
import { treePaths } from './tree-paths.ts';

/** Topics that others have written into the tree: brokers that create them on demand, tools. They get leaders. */
export function topicsAppeared(term: ControllerTerm, names: readonly string[], done: Ended): void {
  const fresh = names.filter((name) => term.parts.state.topic(name) === undefined);
  allOf(fresh, (name, next) => topicAppeared(term, name, next), done);
}

function topicAppeared(term: ControllerTerm, name: string, done: Ended): void {
  const { state, notices, log } = term.parts;
  const loaded = nothingLoaded();
  const ifThere = (act: (next: Ended) => void) => (next: Ended) =>
    state.topic(name) === undefined ? next(null) : act(next);
  inOrder(
    [
      (next) => loadTopic(term.source, state, loaded, name, next),
      (next) => {
        const error = loaded.unreadable.get(name);
        if (error !== undefined)
          log.error('a topic is left out: its nodes cannot be read', { topic: name, error });
        next(null);
      },
      ifThere((next) =>
        loaded.withoutId.has(name) ? term.rewriteTopic(state.topic(name)!, new Map(), [], next) : next(null),
      ),
      ifThere((next) =>
        readSettings(term, name, (error, settings) => {
          if (error === null) notices.topicSettings(name, settings);
          next(error);
        }),
      ),
      ifThere((next) => {
        log.info('a topic has been made by another', { topic: name });
        giveLeaders(term, name, state.topic(name)!.partitions, next);
      }),
    ],
    done,
  );
}

function readSettings(
  term: ControllerTerm,
  name: string,
  done: (error: Error | null, settings: ReadonlyMap<string, string>) => void,
): void {
  const path = treePaths.topicConfig(name);
  term.parts.coordination.read(path, null, (error, contents) => {
    if (error !== null) return done(isOneOf(error, 'NONODE') ? null : error, new Map());
    done(null, decodeConfigNode(path, contents.data));
  });
}

/**
 * The node of a topic has been written. What this controller wrote itself is known. Partitions that another program has
 * added get leaders, but where the topic is being deleted: there the node is put back as it was (F62). Whatever else is
 * different counts for nothing: replicas are moved by requests.
 */
export function topicNodeChanged(term: ControllerTerm, name: string, done: Ended): void {
  const { coordination, state, log } = term.parts;
  const path = treePaths.topic(name);
  coordination.read(path, term.topicNodeWatch(name), (error, contents) => {
    if (error !== null) return done(isOneOf(error, 'NONODE') ? null : error);
    const topic = state.topic(name);
    if (topic === undefined || contents.stat.version <= topic.nodeVersion) return done(null);
    const [fault, written] = attempt(() => wholeTopic(name, contents.data));
    if (fault !== null) {
      log.error('what another program has written for a topic cannot be read', { topic: name, error: fault });
      return done(null);
    }
    state.setNodeVersion(name, contents.stat.version);
    const first = topic.partitions.length;
    const added = [...written.partitions].filter(([index]) => index >= first);
    if (added.length === 0) return done(null);
    log.info('partitions have been added by another', { topic: name, count: added.length });
    if (topic.isDeleting) return term.rewriteTopic(topic, new Map(), [], done);
    for (const [index, assignment] of added) state.setAssignment(name, index, assignment);
    giveLeaders(term, name, topic.partitions.slice(first), done);
  });
}

function giveLeaders(
  term: ControllerTerm,
  name: string,
  partitions: readonly PartitionEntry[],
  done: Ended,
): void {
  // Left by a creation whose outcome nobody learned.
  const led = partitions.filter(({ partitionEpoch }) => partitionEpoch >= 0);
  term.announce(led.map(({ index }) => ({ topic: name, partition: index, isNew: true })));
  const writes = partitions.flatMap(({ index, replicas, partitionEpoch }) => {
    if (partitionEpoch >= 0) return [];
    const isAvailable = (id: number) => term.isAvailable(id, name, index);
    const state = initialState(replicas, isAvailable, term.epoch);
    return state === null ? [] : [{ topic: name, partition: index, state, expectedVersion: -1 }];
  });
  term.changeStates(writes, done);
}
