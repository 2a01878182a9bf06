import { ErrorCode } from '@odradek/protocol/errors.ts';
import { stateOf } from './broker-loss.ts';
import type { PartitionEntry } from './cluster-state.ts';
import type { PartitionState } from './partition-state-node.ts';
import { assignmentOf, isBeingReassigned, type ReplicaAssignment } from './topic-node.ts';
import type { TopicFault } from './topic-request.ts';

/** A step of a reassignment: what topic node and state become, and who has nothing to do with the partition then. */
export interface ReassignmentStep {
  readonly assignment: ReplicaAssignment;
  /** Null when leader and in-sync set stay. */
  readonly state: PartitionState | null;
  /** Brokers whose replica is to be deleted. */
  readonly dropped: readonly number[];
}

/** What a request to move a partition comes to. */
export type ReassignmentVerdict =
  | { readonly kind: 'refused'; readonly fault: TopicFault }
  /** The partition is where it should be. */
  | { readonly kind: 'nothing to do' }
  | { readonly kind: 'step'; readonly step: ReassignmentStep };

export interface ReassignmentContext {
  /** Can hold the partition now: alive, and its disk works. */
  readonly isAvailable: (brokerId: number) => boolean;
  readonly controllerEpoch: number;
}

/**
 * Decides about a reassignment (KIP-455). It is complete at once where all wanted replicas are in sync; else the new
 * ones are added, and once they are in sync `completion` says what follows.
 *
 * @param target wanted replicas, the preferred leader first, or null: call off the reassignment that is under way
 */
export function judgeReassignment(
  entry: PartitionEntry,
  target: readonly number[] | null,
  context: ReassignmentContext,
): ReassignmentVerdict {
  if (target === null && !isBeingReassigned(entry))
    return refused(
      ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
      'No reassignment of this partition is in progress.',
    );
  const original = entry.replicas.filter((id) => !entry.addingReplicas.includes(id));
  const wanted = target ?? original;
  const fault = targetFault(entry, wanted, context);
  if (fault !== null) return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, fault);
  if (!isBeingReassigned(entry) && wanted.join() === entry.replicas.join()) return { kind: 'nothing to do' };
  const step = wanted.every((id) => entry.isr.includes(id))
    ? stepTo(entry, assignmentOf(wanted), context)
    : stepTo(entry, growing(original, wanted), context);
  if (step !== null) return { kind: 'step', step };
  return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'None of the replicas that would stay can lead.');
}

/** What completes a reassignment that is under way; null while wanted replicas are not in sync. */
export function completion(entry: PartitionEntry, context: ReassignmentContext): ReassignmentStep | null {
  const wanted = entry.replicas.filter((id) => !entry.removingReplicas.includes(id));
  if (!isBeingReassigned(entry) || !wanted.every((id) => entry.isr.includes(id))) return null;
  return stepTo(entry, assignmentOf(wanted), context);
}

/** The same, with replicas that are still to be deleted. */
export function withLeaving(assignment: ReplicaAssignment, leaving: readonly number[]): ReplicaAssignment {
  return {
    replicas: [...assignment.replicas, ...leaving],
    addingReplicas: assignment.addingReplicas,
    removingReplicas: [...assignment.removingReplicas, ...leaving],
  };
}

/** Wanted replicas first, then those that go once the wanted ones are in sync. */
function growing(original: readonly number[], wanted: readonly number[]): ReplicaAssignment {
  const removingReplicas = original.filter((id) => !wanted.includes(id));
  return {
    replicas: [...wanted, ...removingReplicas],
    addingReplicas: wanted.filter((id) => !original.includes(id)),
    removingReplicas,
  };
}

/** @returns null when nobody could lead any more */
function stepTo(
  entry: PartitionEntry,
  assignment: ReplicaAssignment,
  { isAvailable, controllerEpoch }: ReassignmentContext,
): ReassignmentStep | null {
  const { replicas } = assignment;
  const dropped = entry.replicas.filter((id) => !replicas.includes(id));
  const isr = entry.isr.filter((id) => replicas.includes(id));
  const leads = replicas.includes(entry.leader);
  const isSame =
    leads && isr.length === entry.isr.length && replicas.every((id) => entry.replicas.includes(id));
  if (isSame) return { assignment, state: null, dropped };
  const leader = leads ? entry.leader : replicas.find((id) => isr.includes(id) && isAvailable(id));
  if (leader === undefined) return null;
  const leaderEpoch = entry.leaderEpoch + 1;
  return { assignment, state: { ...stateOf(entry), leader, isr, leaderEpoch, controllerEpoch }, dropped };
}

function targetFault(
  entry: PartitionEntry,
  target: readonly number[],
  { isAvailable }: ReassignmentContext,
): string | null {
  if (target.length === 0) return 'The list of replicas is empty.';
  if (new Set(target).size < target.length) return `The replicas ${target.join(', ')} name a broker twice.`;
  const bad = target.find((id) => id < 0);
  if (bad !== undefined) return `${bad} is no broker id.`;
  const gone = target.find((id) => !entry.replicas.includes(id) && !isAvailable(id));
  if (gone !== undefined) return `Broker ${gone} is not alive and cannot take a replica.`;
  return null;
}

function refused(errorCode: number, errorMessage: string): ReassignmentVerdict {
  return { kind: 'refused', fault: { errorCode, errorMessage } };
}
