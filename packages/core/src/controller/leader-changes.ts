import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Ended } from './callback-flow.ts';
import type { TopicEntry } from './cluster-state.ts';
import type { ControllerTerm, TopicPartition } from './controller-term.ts';
import type { StateWrite } from './controller-tree.ts';
import { electForOffline, electPreferred } from './partition-election.ts';
import { NO_LEADER } from './partition-state-node.ts';
import { judgeReassignment, type ReassignmentVerdict } from './reassignment.ts';
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
  const hasLeader = entry.leader !== NO_LEADER && state.isLive(entry.leader);
  const isSettled = hasLeader && (type === 'unclean' || entry.leader === entry.replicas[0]);
  if (isSettled) {
    const errorMessage = `Broker ${entry.leader} leads the partition already.`;
    return { errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage };
  }
  const { replicas, partitionEpoch } = entry;
  const input = { state: entry, replicas, isLive: state.isLive, controllerEpoch: term.epoch };
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

/** Moves a partition (KIP-455), as far as no records have to be copied. Null: done, or nothing to do. */
export function reassign(
  term: ControllerTerm,
  { topic: name, partition }: TopicPartition,
  target: readonly number[] | null,
  done: (fault: TopicFault | null) => void,
): void {
  const topic = term.parts.state.topic(name);
  const entry = topic?.partitions[partition];
  if (topic === undefined || entry === undefined) return done(unknownPartition({ topic: name, partition }));
  const verdict = judgeReassignment(entry, target, term.parts.state, term.epoch);
  if (verdict.kind === 'refused') return done(verdict.fault);
  if (verdict.kind === 'nothing to do') return done(null);
  complete(term, topic, partition, verdict, (error) => done(error && term.faultOf(error, name)));
}

function complete(
  term: ControllerTerm,
  topic: TopicEntry,
  partition: number,
  verdict: ReassignmentVerdict & { kind: 'complete' },
  done: Ended,
): void {
  const { partitionEpoch, replicas } = topic.partitions[partition]!;
  const writes: StateWrite[] =
    verdict.state === null
      ? []
      : [{ topic: topic.name, partition, state: verdict.state, expectedVersion: partitionEpoch }];
  term.rewriteTopic(topic, new Map([[partition, verdict.assignment]]), writes, (error) => {
    if (error !== null) return done(error);
    term.announce(writes.map(() => term.leadershipOf(topic.name, partition, false)));
    const { nodeId, notices } = term.parts;
    if (replicas.includes(nodeId) && !verdict.assignment.replicas.includes(nodeId))
      notices.stopPartitions([{ topic: topic.name, partition, deleteLog: true }]);
    done(null);
  });
}

function unknownPartition({ topic, partition }: TopicPartition): TopicFault {
  const errorMessage = `There is no partition ${topic}-${partition}.`;
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
}
