import { ErrorCode } from '@odradek/protocol/errors.ts';
import { allOf, inOrder, type Ended, type Step } from './callback-flow.ts';
import type { TopicEntry } from './cluster-state.ts';
import type { ControllerTerm, TopicPartition } from './controller-term.ts';
import type { StateWrite } from './controller-tree.ts';
import { electForOffline, electPreferred } from './partition-election.ts';
import { NO_LEADER } from './partition-state-node.ts';
import {
  completion,
  judgeReassignment,
  type ReassignmentContext,
  type ReassignmentStep,
  withLeaving,
} from './reassignment.ts';
import { isFault, type TopicFault } from './topic-request.ts';

/** As many as a transaction is to hold: see PARTITIONS_PER_WRITE of the tree. */
const STEPS_PER_WRITE = 200;

export type ElectionType = 'preferred' | 'unclean';

export interface ElectionOutcome extends TopicPartition {
  /** Null: a leader was elected. */
  readonly fault: TopicFault | null;
}

/** Elects leaders on demand (KIP-183, KIP-460); one outcome per partition, in the order asked for. */
export function electLeaders(
  term: ControllerTerm,
  type: ElectionType,
  partitions: readonly TopicPartition[],
  done: (outcomes: ElectionOutcome[]) => void,
): void {
  const verdicts = partitions.map((partition) => judgeElection(term, type, partition));
  const writes = verdicts.filter((verdict): verdict is StateWrite => !isFault(verdict));
  term.changeStates(writes, (error, written) => {
    const faultOf = (verdict: StateWrite | TopicFault, topic: string) => {
      if (isFault(verdict)) return verdict;
      return written.includes(verdict) ? null : term.faultOf(error!, topic);
    };
    done(
      partitions.map(({ topic, partition }, i) => ({
        topic,
        partition,
        fault: faultOf(verdicts[i]!, topic),
      })),
    );
  });
}

function judgeElection(
  term: ControllerTerm,
  type: ElectionType,
  { topic, partition }: TopicPartition,
): StateWrite | TopicFault {
  const asked = term.parts.state.topic(topic);
  const entry = asked?.partitions[partition];
  if (entry === undefined) return unknownPartition({ topic, partition });
  if (asked!.isDeleting) {
    const errorMessage = `The topic ${topic} is being deleted.`;
    return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage };
  }
  const isAvailable = (id: number) => term.isAvailable(id, topic, partition);
  const hasLeader = entry.leader !== NO_LEADER && isAvailable(entry.leader);
  const isSettled = hasLeader && (type === 'unclean' || entry.leader === entry.replicas[0]);
  if (isSettled) {
    const errorMessage = `Broker ${entry.leader} leads the partition already.`;
    return { errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage };
  }
  const { replicas, partitionEpoch } = entry;
  const input = { state: entry, replicas, isLive: isAvailable, controllerEpoch: term.epoch };
  const next = type === 'preferred' ? electPreferred(input) : electForOffline(input, true);
  if (next !== null) return { topic, partition, state: next, expectedVersion: partitionEpoch };
  return type === 'preferred'
    ? {
        errorCode: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
        errorMessage: `The preferred leader ${replicas[0]} is not alive or not in sync.`,
      }
    : {
        errorCode: ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
        errorMessage: 'None of the replicas is alive.',
      };
}

/** A partition that is to move. */
export interface AskedMove extends TopicPartition {
  /** Wanted replicas, the preferred leader first, or null: call off the reassignment that is under way. */
  readonly target: readonly number[] | null;
}

/**
 * Moves partitions (KIP-455), those of a topic with as few writes of its node as can be.
 *
 * @param done with what stood against each, in the order asked for; null: begun, done, or nothing to do. What a
 *   topic's writes could not take is told for the partitions of that write alone
 */
export function reassign(
  term: ControllerTerm,
  moves: readonly AskedMove[],
  done: (faults: (TopicFault | null)[]) => void,
): void {
  const faults = new Map<AskedMove, TopicFault | null>();
  const topics = [...Map.groupBy(moves, ({ topic }) => topic)];
  allOf(
    topics,
    ([name, ofTopic], next) => {
      reassignTopic(term, name, ofTopic, faults, () => next(null));
    },
    () => done(moves.map((move) => faults.get(move) ?? null)),
  );
}

function reassignTopic(
  term: ControllerTerm,
  name: string,
  moves: readonly AskedMove[],
  faults: Map<AskedMove, TopicFault | null>,
  done: () => void,
): void {
  const topic = term.parts.state.topic(name);
  const steps = new Map<number, ReassignmentStep>();
  const begun: AskedMove[] = [];
  for (const move of moves) {
    const entry = topic?.partitions[move.partition];
    if (entry === undefined || topic!.isDeleting) {
      faults.set(move, unknownPartition(move));
      continue;
    }
    const verdict = judgeReassignment(entry, move.target, contextOf(term, name, move.partition));
    if (verdict.kind === 'refused') faults.set(move, verdict.fault);
    if (verdict.kind !== 'step') continue;
    steps.set(move.partition, verdict.step);
    begun.push(move);
  }
  if (topic === undefined || steps.size === 0) return done();
  takeSteps(term, topic, steps, (error, taken) => {
    for (const move of begun) {
      if (error !== null && !taken.has(move.partition)) faults.set(move, term.faultOf(error, name));
    }
    done();
  });
}

/** Completes those of the reassignments under way whose new replicas are in sync. */
export function completeReassignments(
  term: ControllerTerm,
  partitions: readonly TopicPartition[],
  done: Ended,
): void {
  allOf(
    [...Map.groupBy(partitions, ({ topic }) => topic)],
    ([name, ofTopic], next) => {
      const topic = term.parts.state.topic(name);
      if (topic === undefined) return next(null);
      const steps = new Map<number, ReassignmentStep>();
      for (const { partition } of ofTopic) {
        const entry = topic.partitions[partition];
        const step = entry === undefined ? null : completion(entry, contextOf(term, name, partition));
        if (step !== null) steps.set(partition, step);
      }
      takeSteps(term, topic, steps, (error) => next(error));
    },
    done,
  );
}

function contextOf(term: ControllerTerm, topic: string, partition: number): ReassignmentContext {
  const isAvailable = (id: number) => term.isAvailable(id, topic, partition);
  return { isAvailable, controllerEpoch: term.epoch };
}

/**
 * Steps of partitions of one topic. They change one and the same node: some of them together, and one such part after
 * the other, each on the version that the one before has left.
 *
 * @param done with the partitions whose step was taken; without an error all of them
 */
function takeSteps(
  term: ControllerTerm,
  topic: TopicEntry,
  steps: ReadonlyMap<number, ReassignmentStep>,
  done: (error: Error | null, taken: ReadonlySet<number>) => void,
): void {
  const all = [...steps];
  const taken = new Set<number>();
  const parts: Step[] = [];
  for (let at = 0; at < all.length; at += STEPS_PER_WRITE) {
    const part = all.slice(at, at + STEPS_PER_WRITE);
    parts.push((next) =>
      takeTogether(term, topic, part, (error) => {
        if (error === null) for (const [partition] of part) taken.add(partition);
        next(error);
      }),
    );
  }
  inOrder(parts, (error) => done(error, taken));
}

/**
 * Brokers whose replicas are to go stay in the tree until they have been told so: where this controller dies before, the
 * next one finds reassignments that it has to complete, and tells them.
 */
function takeTogether(
  term: ControllerTerm,
  topic: TopicEntry,
  steps: readonly (readonly [number, ReassignmentStep])[],
  done: Ended,
): void {
  const { name } = topic;
  const writes = steps.flatMap(([partition, { state }]): StateWrite[] => {
    const expectedVersion = topic.partitions[partition]!.partitionEpoch;
    return state === null ? [] : [{ topic: name, partition, state, expectedVersion }];
  });
  const leaving = steps.map(
    ([partition, { assignment, dropped }]) => [partition, withLeaving(assignment, dropped)] as const,
  );
  const final = new Map(steps.map(([partition, { assignment }]) => [partition, assignment]));
  const tell = (next: Ended) => {
    for (const [partition, assignment] of final) term.parts.state.setAssignment(name, partition, assignment);
    term.announce(steps.map(([partition]) => ({ topic: name, partition })));
    stopDropped(term, topic, steps);
    next(null);
  };
  const isAllTold = steps.every(([, { dropped }]) => dropped.length === 0);
  const parts: Step[] = [(next) => term.rewriteTopic(topic, new Map(leaving), writes, next), tell];
  if (!isAllTold) parts.push((next) => term.rewriteTopic(topic, final, [], next));
  inOrder(parts, done);
}

function stopDropped(
  term: ControllerTerm,
  topic: TopicEntry,
  steps: readonly (readonly [number, ReassignmentStep])[],
): void {
  for (const [brokerId, partitions] of droppedByBroker(steps)) {
    if (!term.parts.state.isLive(brokerId)) continue;
    const stops = partitions.map((partition) => {
      const { leaderEpoch } = topic.partitions[partition]!;
      return { topic: topic.name, partition, leaderEpoch, deleteLog: true };
    });
    term.announcements.stop(brokerId, stops);
  }
}

function droppedByBroker(
  steps: readonly (readonly [number, ReassignmentStep])[],
): ReadonlyMap<number, readonly number[]> {
  const dropped = steps.flatMap(([partition, step]) =>
    step.dropped.map((brokerId) => ({ brokerId, partition })),
  );
  return new Map(
    [...Map.groupBy(dropped, ({ brokerId }) => brokerId)].map(([brokerId, ofBroker]) => [
      brokerId,
      ofBroker.map(({ partition }) => partition),
    ]),
  );
}

function unknownPartition({ topic, partition }: TopicPartition): TopicFault {
  const errorMessage = `There is no partition ${topic}-${partition}.`;
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
}
