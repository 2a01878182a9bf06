import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClusterState, PartitionEntry } from './cluster-state.ts';
import type { PartitionState } from './partition-state-node.ts';
import { assignmentOf, isBeingReassigned, type ReplicaAssignment } from './topic-node.ts';
import type { TopicFault } from './topic-request.ts';

/** What a request to move a partition comes to. */
export type ReassignmentVerdict =
  | { readonly kind: 'refused'; readonly fault: TopicFault }
  /** The partition is where it should be. */
  | { readonly kind: 'nothing to do' }
  /** All wanted replicas are in sync: the others can go at once. */
  | {
      readonly kind: 'complete';
      readonly assignment: ReplicaAssignment;
      /** The new state, or null when leader and in-sync set stay. */
      readonly state: PartitionState | null;
    };

/**
 * Decides about a reassignment (KIP-455) where no replica can be copied to another broker: one can only be asked
 * for where it already is and is in sync.
 *
 * @param target wanted replicas, the preferred leader first, or null: call off the reassignment that is under way
 */
export function judgeReassignment(
  entry: PartitionEntry,
  target: readonly number[] | null,
  state: ClusterState,
  controllerEpoch: number,
): ReassignmentVerdict {
  if (target === null && !isBeingReassigned(entry))
    return refused(
      ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
      'No reassignment of this partition is in progress.',
    );
  const wanted = target ?? originalReplicas(entry);
  const fault = targetFault(entry, wanted, state);
  if (fault !== null) return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, fault);
  const isSame = !isBeingReassigned(entry) && wanted.join() === entry.replicas.join();
  if (isSame) return { kind: 'nothing to do' };
  return {
    kind: 'complete',
    assignment: assignmentOf(wanted),
    state: stateOn(entry, wanted, controllerEpoch),
  };
}

/** Where the replicas were before the reassignment that is under way. */
function originalReplicas(entry: PartitionEntry): readonly number[] {
  return entry.replicas.filter((id) => !entry.addingReplicas.includes(id));
}

function targetFault(entry: PartitionEntry, target: readonly number[], state: ClusterState): string | null {
  if (target.length === 0) return 'The list of replicas is empty.';
  if (new Set(target).size < target.length) return `The replicas ${target.join(', ')} name a broker twice.`;
  const bad = target.find((id) => id < 0);
  if (bad !== undefined) return `${bad} is no broker id.`;
  const gone = target.find((id) => !entry.replicas.includes(id) && !state.isLive(id));
  if (gone !== undefined) return `Broker ${gone} is not alive and cannot take a replica.`;
  const behind = target.find((id) => !entry.isr.includes(id));
  if (behind !== undefined)
    return `Broker ${behind} is not in sync with the leader and cannot be waited for.`;
  return null;
}

function stateOn(
  entry: PartitionEntry,
  target: readonly number[],
  controllerEpoch: number,
): PartitionState | null {
  const isr = entry.isr.filter((id) => target.includes(id));
  if (target.includes(entry.leader) && isr.length === entry.isr.length) return null;
  return {
    leader: target.includes(entry.leader) ? entry.leader : target[0]!,
    leaderEpoch: entry.leaderEpoch + 1,
    isr,
    isRecovering: entry.isRecovering,
    controllerEpoch,
  };
}

function refused(errorCode: number, errorMessage: string): ReassignmentVerdict {
  return { kind: 'refused', fault: { errorCode, errorMessage } };
}
