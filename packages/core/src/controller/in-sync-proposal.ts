import { ErrorCode } from '@odradek/protocol/errors.ts';
import { stateOf } from './broker-loss.ts';
import type { PartitionEntry } from './cluster-state.ts';
import type { PartitionState } from './partition-state-node.ts';

/** What a leader wants the state of its partition to be (AlterPartition, KIP-497). */
export interface StateProposal {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
  readonly isRecovering: boolean;
}

export type ProposalVerdict =
  | { readonly kind: 'refused'; readonly errorCode: number }
  /** It has been written before: the answer was lost, or another change came to the same. */
  | { readonly kind: 'done already' }
  | { readonly kind: 'write'; readonly state: PartitionState };

/**
 * Apache Kafka's checks, in its order.
 * @param mayJoin a broker that is alive and not about to stop
 */
export function judgeProposal(
  entry: PartitionEntry,
  proposal: StateProposal,
  mayJoin: (brokerId: number) => boolean,
  controllerEpoch: number,
): ProposalVerdict {
  const { leaderEpoch, partitionEpoch, isr, isRecovering } = proposal;
  if (leaderEpoch > entry.leaderEpoch || partitionEpoch > entry.partitionEpoch)
    // Somebody else is the controller, and has told the leader what we have not heard.
    return refused(ErrorCode.NOT_CONTROLLER);
  if (leaderEpoch < entry.leaderEpoch) return refused(ErrorCode.FENCED_LEADER_EPOCH);
  if (isSameSet(isr, entry.isr) && isRecovering === entry.isRecovering) return { kind: 'done already' };
  if (partitionEpoch < entry.partitionEpoch) return refused(ErrorCode.INVALID_UPDATE_VERSION);
  const isMalformed =
    isr.length === 0 || !isr.includes(entry.leader) || !isr.every((id) => entry.replicas.includes(id));
  if (isMalformed || (isRecovering && (isr.length > 1 || !entry.isRecovering)))
    return refused(ErrorCode.INVALID_REQUEST);
  if (!isr.every((id) => entry.isr.includes(id) || mayJoin(id))) return refused(ErrorCode.INELIGIBLE_REPLICA);
  return { kind: 'write', state: { ...stateOf(entry), isr, isRecovering, controllerEpoch } };
}

function isSameSet(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}

function refused(errorCode: number): ProposalVerdict {
  return { kind: 'refused', errorCode };
}
