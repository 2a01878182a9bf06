// Tools before Kafka 2.4 ask by nodes below /admin instead of requests; the controller of Kafka 3.9 still serves them,
// and so does this one. A node of elections goes once they are tried; one of moves loses the partitions that are where
// they were to be, or cannot go there, and goes with the last.
import { attempt, inOrder, isOneOf, type Ended } from './callback-flow.ts';
import type { ControllerTerm, TopicPartition } from './controller-term.ts';
import { encodeJson, JsonNode } from './json-node.ts';
import { electLeaders, reassign, type AskedMove } from './leader-changes.ts';
import { isBeingReassigned } from './topic-node.ts';
import type { TopicFault } from './topic-request.ts';
import { treePaths } from './tree-paths.ts';

interface NodeMove extends TopicPartition {
  readonly replicas: readonly number[];
}

/** Looks for both nodes and does what they ask for; without them nothing. */
export function legacyRequestsAppeared(term: ControllerTerm, done: Ended): void {
  inOrder([(next) => elect(term, next), (next) => move(term, next)], done);
}

function elect(term: ControllerTerm, done: Ended): void {
  const path = treePaths.preferredElection;
  readRequest(term, path, partitionOf, (error, partitions) => {
    if (error !== null || partitions === null) return done(error);
    term.parts.log.info('elects preferred leaders as a node asks for', { partitions: partitions.length });
    electLeaders(term, 'preferred', partitions, () => term.tree.replaceRequest(path, null, done));
  });
}

function move(term: ControllerTerm, done: Ended): void {
  readRequest(term, treePaths.reassignment, moveOf, (error, moves) => {
    if (error !== null || moves === null) return done(error);
    const fresh = moves.filter((asked) => term.askedMoves.get(nameOf(asked)) !== asked.replicas.join());
    begin(term, fresh, () => leaveUnfinished(term, moves, done));
  });
}

function begin(term: ControllerTerm, moves: readonly NodeMove[], done: () => void): void {
  const asked = moves.map(({ topic, partition, replicas }) => ({ topic, partition, target: replicas }));
  reassign(term, asked, (faults) => {
    moves.forEach((move, i) => {
      const fault = faults[i] ?? null;
      if (fault === null) term.askedMoves.set(nameOf(move), move.replicas.join());
      else term.parts.log.error('a move that a node asks for is not possible', { ...move, ...fault });
    });
    done();
  });
}

/**
 * Moves partitions as a request asks for. The latest word counts: the node loses what it asked for of the same
 * partitions before the request is answered, or the next controller would begin that anew.
 *
 * @param done see reassign
 */
export function reassignByRequest(
  term: ControllerTerm,
  moves: readonly AskedMove[],
  done: (faults: (TopicFault | null)[]) => void,
): void {
  reassign(term, moves, (faults) => {
    const replaced = moves.filter((move, i) => faults[i] === null && term.askedMoves.delete(nameOf(move)));
    if (replaced.length === 0) return done(faults);
    dropEnded(term, (error) => {
      if (error !== null) term.noteFailure(error);
      done(faults);
    });
  });
}

/** Some moves have ended: those that the node asked for leave it. */
export function legacyMovesEnded(term: ControllerTerm, done: Ended): void {
  if (term.askedMoves.size === 0) return done(null);
  dropEnded(term, done);
}

function dropEnded(term: ControllerTerm, done: Ended): void {
  readRequest(term, treePaths.reassignment, moveOf, (error, moves) => {
    if (error !== null) return done(error);
    leaveUnfinished(term, moves ?? [], done);
  });
}

function leaveUnfinished(term: ControllerTerm, moves: readonly NodeMove[], done: Ended): void {
  const unfinished = moves.filter((asked) => isUnfinished(term, asked));
  const names = new Set(unfinished.map(nameOf));
  for (const name of term.askedMoves.keys()) if (!names.has(name)) term.askedMoves.delete(name);
  if (moves.length > 0 && unfinished.length === moves.length) return done(null);
  const data = unfinished.length === 0 ? null : encodeJson({ version: 1, partitions: unfinished });
  term.tree.replaceRequest(treePaths.reassignment, data, done);
}

function isUnfinished(term: ControllerTerm, asked: NodeMove): boolean {
  const entry = term.parts.state.topic(asked.topic)?.partitions[asked.partition];
  if (entry === undefined || !isBeingReassigned(entry)) return false;
  return term.askedMoves.get(nameOf(asked)) === asked.replicas.join();
}

/** What a node asks for; null: there is no node. One that cannot be read asks for nothing. */
function readRequest<Item>(
  term: ControllerTerm,
  path: string,
  itemOf: (node: JsonNode) => Item,
  done: (error: Error | null, items: readonly Item[] | null) => void,
): void {
  term.parts.coordination.read(path, null, (error, contents) => {
    if (error !== null) return done(isOneOf(error, 'NONODE') ? null : error, null);
    const [fault, items] = attempt(() => new JsonNode(path, contents.data).objects('partitions').map(itemOf));
    if (fault === null) return done(null, items);
    term.parts.log.error('a node below /admin asks for something that cannot be read', { error: fault });
    done(null, []);
  });
}

function partitionOf(node: JsonNode): TopicPartition {
  return { topic: node.string('topic'), partition: node.integer('partition') };
}

function moveOf(node: JsonNode): NodeMove {
  return { ...partitionOf(node), replicas: node.integers('replicas') };
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic} ${partition}`;
}
