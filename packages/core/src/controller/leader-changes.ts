import { ErrorCode } from '@odradek/protocol/errors.ts';
import { allOf, type Ended } from './callback-flow.ts';
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
} from './reassignment.ts';
import { isFault, type TopicFault } from './topic-request.ts';

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
  const { state } = term.parts;
  const entry = state.topic(topic)?.partitions[partition];
  if (entry === undefined) return unknownPartition({ topic, partition });
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

/** Moves a partition (KIP-455), or calls that off when `target` is null. Null: begun or done. */
export function reassign(
  term: ControllerTerm,
  { topic: name, partition }: TopicPartition,
  target: readonly number[] | null,
  done: (fault: TopicFault | null) => void,
): void {
  const topic = term.parts.state.topic(name);
  const entry = topic?.partitions[partition];
  if (topic === undefined || entry === undefined) return done(unknownPartition({ topic: name, partition }));
  const verdict = judgeReassignment(entry, target, contextOf(term, name, partition));
  if (verdict.kind === 'refused') return done(verdict.fault);
  if (verdict.kind === 'nothing to do') return done(null);
  takeStep(term, topic, partition, verdict.step, (error) => done(error && term.faultOf(error, name)));
}

/** Completes those of the reassignments under way whose new replicas are in sync. */
export function completeReassignments(
  term: ControllerTerm,
  partitions: readonly TopicPartition[],
  done: Ended,
): void {
  allOf(
    partitions,
    ({ topic: name, partition }, next) => {
      const topic = term.parts.state.topic(name);
      const entry = topic?.partitions[partition];
      const step = entry === undefined ? null : completion(entry, contextOf(term, name, partition));
      if (step === null) next(null);
      else takeStep(term, topic!, partition, step, next);
    },
    done,
  );
}

function contextOf(term: ControllerTerm, topic: string, partition: number): ReassignmentContext {
  const isAvailable = (id: number) => term.isAvailable(id, topic, partition);
  return { isAvailable, controllerEpoch: term.epoch };
}

function takeStep(
  term: ControllerTerm,
  topic: TopicEntry,
  partition: number,
  { assignment, state, dropped }: ReassignmentStep,
  done: Ended,
): void {
  const { partitionEpoch } = topic.partitions[partition]!;
  const writes: StateWrite[] =
    state === null ? [] : [{ topic: topic.name, partition, state, expectedVersion: partitionEpoch }];
  term.rewriteTopic(topic, new Map([[partition, assignment]]), writes, (error) => {
    if (error !== null) return done(error);
    const { leaderEpoch } = topic.partitions[partition]!;
    term.announce([{ topic: topic.name, partition }]);
    for (const brokerId of dropped) {
      if (!term.parts.state.isLive(brokerId)) continue;
      term.announcements.stop(brokerId, [{ topic: topic.name, partition, leaderEpoch, deleteLog: true }]);
    }
    done(null);
  });
}

function unknownPartition({ topic, partition }: TopicPartition): TopicFault {
  const errorMessage = `There is no partition ${topic}-${partition}.`;
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
}
