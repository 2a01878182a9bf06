import { ErrorCode } from '@odradek/protocol/errors.ts';
import { stateBeforeStop } from './broker-loss.ts';
import type { ControllerTerm, TopicPartition } from './controller-term.ts';
import { isFenced, type StateWrite } from './controller-tree.ts';
import { judgeProposal, type StateProposal } from './in-sync-proposal.ts';
import { inOrder, type Ended } from './callback-flow.ts';
import { completeReassignments } from './leader-changes.ts';
import { legacyMovesEnded } from './legacy-requests.ts';
import type { PartitionState } from './partition-state-node.ts';

/** Who asks: a broker in one of its lives. */
export interface AskingBroker {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export interface PartitionProposal extends TopicPartition, StateProposal {}

/** What became of a proposal: an error, or the state as it is now. */
export type ProposalOutcome = TopicPartition &
  (
    | { readonly errorCode: number }
    | { readonly errorCode: 0; readonly state: PartitionState; readonly partitionEpoch: number }
  );

/** A leader wants other in-sync sets (AlterPartition). @param done gets an error code for all, or one outcome for each */
export function alterPartitions(
  term: ControllerTerm,
  broker: AskingBroker,
  proposals: readonly PartitionProposal[],
  done: (errorCode: number, outcomes: readonly ProposalOutcome[]) => void,
): void {
  const { state } = term.parts;
  if (state.brokers.get(broker.brokerId)?.brokerEpoch !== broker.brokerEpoch)
    return done(ErrorCode.STALE_BROKER_EPOCH, []);
  const refusals = new Map<PartitionProposal, number>();
  const writes = new Map<PartitionProposal, StateWrite>();
  for (const proposal of proposals) {
    const { topic, partition } = proposal;
    const entry = state.topic(topic)?.partitions[partition];
    if (entry === undefined) {
      refusals.set(proposal, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      continue;
    }
    const mayJoin = (id: number) => term.isAvailable(id, topic, partition) && !term.stopping.has(id);
    const verdict = judgeProposal(entry, proposal, mayJoin, term.epoch);
    if (verdict.kind === 'refused') refusals.set(proposal, verdict.errorCode);
    if (verdict.kind === 'write')
      writes.set(proposal, { topic, partition, state: verdict.state, expectedVersion: entry.partitionEpoch });
  }
  term.tree.writeStates([...writes.values()], (error, written) => {
    if (error !== null) term.noteFailure(error);
    term.takeStates(written);
    if (written.length > 0) term.announcements.metadata(written);
    const outcomes = proposals.map((proposal): ProposalOutcome => {
      const { topic, partition } = proposal;
      const write = writes.get(proposal);
      const lost = write !== undefined && !written.includes(write);
      // Whoever is the controller next knows what became of it.
      const errorCode = lost ? ErrorCode.NOT_CONTROLLER : (refusals.get(proposal) ?? ErrorCode.NONE);
      const entry = state.topic(topic)?.partitions[partition];
      if (errorCode !== ErrorCode.NONE || entry === undefined) return { topic, partition, errorCode };
      return { topic, partition, errorCode: 0, state: entry, partitionEpoch: entry.partitionEpoch };
    });
    const complete = (next: Ended) => completeReassignments(term, written, next);
    inOrder([complete, (next) => legacyMovesEnded(term, next)], (failure) => {
      if (failure !== null) term.parts.log.warn('a reassignment could not be completed', { error: failure });
      done(ErrorCode.NONE, outcomes);
    });
  });
}

/**
 * A broker is about to stop and wants to lead nothing any more (ControlledShutdown).
 * @param done gets an error code, or the partitions that nobody else can lead
 */
export function relieve(
  term: ControllerTerm,
  { brokerId, brokerEpoch }: AskingBroker,
  done: (errorCode: number, remaining: readonly TopicPartition[]) => void,
): void {
  const { state } = term.parts;
  const broker = state.brokers.get(brokerId);
  if (broker === undefined) return done(ErrorCode.BROKER_NOT_AVAILABLE, []);
  // Old versions of the request do not tell the epoch.
  if (brokerEpoch >= 0 && brokerEpoch < broker.brokerEpoch) return done(ErrorCode.STALE_BROKER_EPOCH, []);
  term.stopping.add(brokerId);
  const writes: StateWrite[] = [];
  const remaining: TopicPartition[] = [];
  const followed: (TopicPartition & { leaderEpoch: number })[] = [];
  for (const { name, partitions } of state.topics()) {
    for (const entry of partitions) {
      if (!entry.replicas.includes(brokerId) || entry.replicas.length === 1) continue;
      const at = { topic: name, partition: entry.index };
      const isStaying = (id: number) => term.isAvailable(id, name, entry.index) && !term.stopping.has(id);
      const next = stateBeforeStop(entry, brokerId, isStaying, term.epoch);
      if (entry.leader !== brokerId) followed.push({ ...at, leaderEpoch: entry.leaderEpoch });
      if (next === 'stuck' && entry.leader === brokerId) remaining.push(at);
      if (typeof next === 'object')
        writes.push({ ...at, state: next, expectedVersion: entry.partitionEpoch });
    }
  }
  if (followed.length > 0)
    term.announcements.stop(
      brokerId,
      followed.map((replica) => ({ ...replica, deleteLog: false })),
    );
  term.changeStates(writes, (error, written) => {
    if (error !== null && isFenced(error)) return done(ErrorCode.NOT_CONTROLLER, []);
    const unwritten = writes.filter((write) => !written.includes(write) && isLedBy(term, write, brokerId));
    done(ErrorCode.NONE, [...remaining, ...unwritten]);
  });
}

function isLedBy(term: ControllerTerm, { topic, partition }: TopicPartition, brokerId: number): boolean {
  return term.parts.state.topic(topic)?.partitions[partition]?.leader === brokerId;
}
