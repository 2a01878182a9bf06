import type { PartitionEntry } from './cluster-state.ts';
import { electForOffline } from './partition-election.ts';
import { NO_LEADER, type PartitionState } from './partition-state-node.ts';

/** Who can do what, for the decisions of this file. */
export interface Availability {
  /** The broker can hold this partition: it is alive and the disk of its replica works. */
  readonly isAvailable: (brokerId: number) => boolean;
  readonly controllerEpoch: number;
  /** A replica that may lack records may lead (unclean.leader.election.enable). */
  readonly allowsUnclean: boolean;
}

/**
 * What becomes of a partition some of whose replicas are gone. A leader that is gone is replaced; without a
 * successor there is no leader, and the in-sync set stays as it was. Others leave the set.
 *
 * @returns the new state, or null when nothing changes
 */
export function stateWithoutGone(entry: PartitionEntry, availability: Availability): PartitionState | null {
  const { isAvailable, controllerEpoch } = availability;
  const hasLeader = entry.leader !== NO_LEADER && isAvailable(entry.leader);
  if (!hasLeader) {
    const election = { state: entry, replicas: entry.replicas, isLive: isAvailable, controllerEpoch };
    return electForOffline(election, availability.allowsUnclean) ?? withoutLeader(entry, availability);
  }
  const isr = entry.isr.filter(isAvailable);
  if (isr.length === entry.isr.length) return null;
  return { ...stateOf(entry), isr, leaderEpoch: entry.leaderEpoch + 1, controllerEpoch };
}

/** All in-sync replicas are gone: each of them has all that was committed, and may lead when it comes back first. */
function withoutLeader(entry: PartitionEntry, { controllerEpoch }: Availability): PartitionState | null {
  if (entry.leader === NO_LEADER) return null;
  return { ...stateOf(entry), leader: NO_LEADER, leaderEpoch: entry.leaderEpoch + 1, controllerEpoch };
}

/**
 * What becomes of a partition when a broker is about to stop (ControlledShutdown): another in-sync replica leads, and
 * the broker leaves the in-sync set.
 *
 * @param isStaying the broker can hold the partition and is not about to stop
 * @returns the new state; `unchanged` when the broker has no part in the state; `stuck` when nobody can take over
 */
export function stateBeforeStop(
  entry: PartitionEntry,
  brokerId: number,
  isStaying: (brokerId: number) => boolean,
  controllerEpoch: number,
): PartitionState | 'unchanged' | 'stuck' {
  if (!entry.isr.includes(brokerId) && entry.leader !== brokerId) return 'unchanged';
  const isr = entry.isr.filter(isStaying);
  const next = { ...stateOf(entry), leaderEpoch: entry.leaderEpoch + 1, controllerEpoch };
  if (entry.leader !== brokerId) {
    const left = entry.isr.filter((id) => id !== brokerId);
    return left.length === 0 ? 'stuck' : { ...next, isr: left };
  }
  const leader = entry.replicas.find((id) => isr.includes(id));
  return leader === undefined ? 'stuck' : { ...next, leader, isr };
}

export function stateOf({
  leader,
  leaderEpoch,
  isr,
  isRecovering,
  controllerEpoch,
}: PartitionEntry): PartitionState {
  return { leader, leaderEpoch, isr, isRecovering, controllerEpoch };
}
