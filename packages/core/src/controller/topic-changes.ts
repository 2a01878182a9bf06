import { ErrorCode } from '@odradek/protocol/errors.ts';
import { DELETED_EPOCH } from './broker-channels.ts';
import { allOf, type Ended } from './callback-flow.ts';
import type { TopicEntry } from './cluster-state.ts';
import { assignmentOnly, type ControllerTerm } from './controller-term.ts';
import type { StateWrite } from './controller-tree.ts';
import { initialState } from './partition-election.ts';
import { topicCollisionKey } from './topic-name.ts';
import { assignmentOf, type ReplicaAssignment } from './topic-node.ts';
import {
  isFault,
  PARTITIONS_PER_REQUEST_MAX,
  planGrowth,
  planTopic,
  type TopicCreation,
  type TopicFault,
  type TopicGrowth,
  type TopicPlan,
} from './topic-request.ts';
import { treePaths } from './tree-paths.ts';

/** What came of one topic of a request; a fault, or what it is or would be now. */
export type TopicOutcome =
  | TopicFault
  | { readonly topicId: string; readonly partitionCount: number; readonly replicationFactor: number };

/** Creates topics, or only says what would come of it. One outcome per topic, by its name. */
export function createTopics(
  term: ControllerTerm,
  creations: readonly TopicCreation[],
  validateOnly: boolean,
  done: (outcomes: Map<string, TopicOutcome>) => void,
): void {
  const outcomes = new Map<string, TopicOutcome>();
  const plans = planAll(term, creations, outcomes);
  if (validateOnly) return done(outcomes);
  allOf(
    plans,
    (plan, next) => createTopic(term, plan, outcomes, next),
    () => done(outcomes),
  );
}

function planAll(
  term: ControllerTerm,
  creations: readonly TopicCreation[],
  outcomes: Map<string, TopicOutcome>,
): TopicPlan[] {
  const { state, defaults, random, settings } = term.parts;
  const plans: TopicPlan[] = [];
  const names = new Map<string, string>();
  let partitionsLeft = PARTITIONS_PER_REQUEST_MAX;
  for (const creation of creations) {
    const plan =
      collisionWithin(names, creation.name) ??
      planTopic(creation, {
        state,
        defaults: defaults(),
        fraction: () => random.fraction(),
        settingsFault: (own) => settings.fault(own),
        partitionsLeft,
      });
    if (isFault(plan)) {
      outcomes.set(creation.name, plan);
      continue;
    }
    names.set(topicCollisionKey(plan.name), plan.name);
    partitionsLeft -= plan.replicas.length;
    plans.push(plan);
    outcomes.set(plan.name, {
      topicId: term.newUuid(),
      partitionCount: plan.replicas.length,
      replicationFactor: plan.replicas[0]!.length,
    });
  }
  return plans;
}

/** Of new names that collide with each other the first is kept. */
function collisionWithin(names: ReadonlyMap<string, string>, name: string): TopicFault | null {
  const other = names.get(topicCollisionKey(name));
  if (other === undefined) return null;
  const errorMessage = `Topic '${name}' collides with the topic ${other} of the same request.`;
  return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage };
}

function createTopic(
  term: ControllerTerm,
  plan: TopicPlan,
  outcomes: Map<string, TopicOutcome>,
  done: Ended,
): void {
  const { name } = plan;
  const { topicId } = outcomes.get(name) as { topicId: string };
  const assignments = plan.replicas.map(assignmentOf);
  const states = initialStates(term, name, 0, assignments);
  const node = { topicId, partitions: new Map(assignments.entries()) };
  term.tree.createTopic(name, node, plan.settings, states, (error) => {
    if (error === null) {
      term.parts.state.addTopic(name, topicId, 0);
      watchNode(term, name);
      term.parts.notices.topicSettings(name, plan.settings);
      takePartitions(term, name, 0, assignments, states);
    } else {
      outcomes.set(name, term.faultOf(error, name));
    }
    done(null);
  });
}

/** From here on the term hears of what is written there. */
function watchNode(term: ControllerTerm, name: string): void {
  const { coordination, state } = term.parts;
  const watch = term.topicNodeWatch(name);
  coordination.stat(treePaths.topic(name), watch, (error, stat) => {
    // A session that is over ends the term.
    if (error !== null || stat === null) return;
    const { nodeVersion } = state.topic(name) ?? { nodeVersion: stat.version };
    if (stat.version > nodeVersion) watch({ type: 'data', path: treePaths.topic(name) });
  });
}

/** Adds partitions to topics, or only says what would come of it. Null: done. */
export function growTopics(
  term: ControllerTerm,
  growths: readonly TopicGrowth[],
  validateOnly: boolean,
  done: (outcomes: Map<string, TopicFault | null>) => void,
): void {
  const outcomes = new Map<string, TopicFault | null>();
  const plans: { name: string; replicas: readonly (readonly number[])[] }[] = [];
  let partitionsLeft = PARTITIONS_PER_REQUEST_MAX;
  for (const growth of growths) {
    const replicas = planGrowth(growth, term.parts.state, partitionsLeft);
    outcomes.set(growth.name, isFault(replicas) ? replicas : null);
    if (isFault(replicas)) continue;
    partitionsLeft -= replicas.length;
    plans.push({ name: growth.name, replicas });
  }
  if (validateOnly) return done(outcomes);
  allOf(
    plans,
    ({ name, replicas }, next) => growTopic(term, name, replicas, outcomes, next),
    () => done(outcomes),
  );
}

function growTopic(
  term: ControllerTerm,
  name: string,
  replicas: readonly (readonly number[])[],
  outcomes: Map<string, TopicFault | null>,
  done: Ended,
): void {
  const topic = term.parts.state.topic(name)!;
  const added = replicas.map(assignmentOf);
  const first = topic.partitions.length;
  const states = initialStates(term, name, first, added);
  const all = [...topic.partitions.map(assignmentOnly), ...added];
  const node = { topicId: topic.topicId, partitions: new Map(all.entries()) };
  term.tree.growTopic(name, node, topic.nodeVersion, states, (error) => {
    if (error === null) {
      term.parts.state.setNodeVersion(name, topic.nodeVersion + 1);
      takePartitions(term, name, first, added, states);
    } else {
      outcomes.set(name, term.faultOf(error, name));
    }
    done(null);
  });
}

function initialStates(
  term: ControllerTerm,
  topic: string,
  first: number,
  assignments: readonly ReplicaAssignment[],
): StateWrite[] {
  return assignments.flatMap(({ replicas }, i) => {
    const state = initialState(replicas, term.parts.state.isLive, term.epoch);
    return state === null ? [] : [{ topic, partition: first + i, state, expectedVersion: -1 }];
  });
}

/** New partitions are in the tree: takes them into the state and tells the broker. */
function takePartitions(
  term: ControllerTerm,
  topic: string,
  first: number,
  assignments: readonly ReplicaAssignment[],
  states: readonly StateWrite[],
): void {
  const { state } = term.parts;
  for (const [i, assignment] of assignments.entries()) state.setAssignment(topic, first + i, assignment);
  term.takeStates(states);
  term.announce(states.map(({ partition }) => ({ topic, partition, isNew: true })));
}

/** Deletes topics with their records. Null: done. */
export function deleteTopics(
  term: ControllerTerm,
  names: readonly string[],
  done: (outcomes: Map<string, TopicFault | null>) => void,
): void {
  const outcomes = new Map<string, TopicFault | null>();
  allOf(
    names,
    (name, next) => {
      deleteTopic(term, name, (fault) => {
        outcomes.set(name, fault);
        next(null);
      });
    },
    () => done(outcomes),
  );
}

function deleteTopic(term: ControllerTerm, name: string, done: (fault: TopicFault | null) => void): void {
  if (term.parts.state.topic(name) === undefined || term.deletions.has(name)) {
    const errorMessage = `The topic '${name}' does not exist.`;
    return done({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage });
  }
  term.tree.markForDeletion(name, (error) => {
    if (error !== null) return done(term.faultOf(error, name));
    beginDeletion(term, name, (failure) => done(failure && term.faultOf(failure, name)));
  });
}

/** The mark is in the tree: nobody finds the topic any more. What is not marked for a topic that exists is unmarked. */
export function beginDeletion(term: ControllerTerm, name: string, done: Ended): void {
  if (term.parts.state.topic(name) === undefined) return term.tree.unmark(name, done);
  term.deletions.add(name);
  term.parts.state.setDeleting(name);
  term.announcements.deletion(name);
  finishDeletion(term, name, done);
}

/**
 * The records go first, then the nodes, so that a cut leaves the mark. While a broker with a replica is away the topic
 * stays marked, and this is tried again when the broker is back.
 */
export function finishDeletion(term: ControllerTerm, name: string, done: Ended): void {
  const { state, notices, log } = term.parts;
  const topic = state.topic(name)!;
  stopReplicas(term, topic, (areAllGone) => {
    if (!areAllGone) return done(null);
    term.tree.removeTopic(name, (error) => {
      if (error !== null) return done(error);
      state.removeTopic(name);
      term.deletions.delete(name);
      notices.topicSettings(name, null);
      log.info('deleted a topic', { topic: name, topicId: topic.topicId });
      done(null);
    });
  });
}

function stopReplicas(term: ControllerTerm, topic: TopicEntry, done: (areAllGone: boolean) => void): void {
  const { name, partitions } = topic;
  const holders = new Set(partitions.flatMap(({ replicas }) => replicas));
  let areAllGone = true;
  allOf(
    [...holders],
    (brokerId, next) => {
      const held = partitions.filter(({ replicas }) => replicas.includes(brokerId));
      if (!held.every(({ index }) => term.isAvailable(brokerId, name, index))) {
        areAllGone = false;
        return next(null);
      }
      const stops = held.map(({ index }) => ({
        topic: name,
        partition: index,
        leaderEpoch: DELETED_EPOCH,
        deleteLog: true,
      }));
      term.announcements.stop(brokerId, stops, (answer) => {
        areAllGone &&= answer !== null && answer.stopErrors.length === 0;
        next(null);
      });
    },
    () => done(areAllGone),
  );
}
