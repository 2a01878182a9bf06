import { allOf, inOrder, isOneOf, type Ended } from './callback-flow.ts';
import { loadTopic, nothingLoaded } from './cluster-load.ts';
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
  const { coordination, state, notices, log } = term.parts;
  const loaded = nothingLoaded();
  const ifThere = (act: (next: Ended) => void) => (next: Ended) =>
    state.topic(name) === undefined ? next(null) : act(next);
  inOrder(
    [
      (next) => loadTopic(coordination, state, loaded, name, () => term.newUuid(), next),
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
        giveLeaders(term, name, next);
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

function giveLeaders(term: ControllerTerm, name: string, done: Ended): void {
  const { partitions } = term.parts.state.topic(name)!;
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
