/**
 * Where a classic group stands.
 *
 * - `Empty`: no members; lives on while it has offsets, or for offsets only.
 * - `PreparingRebalance`: joins are parked until all known members have come or the time is up.
 * - `CompletingRebalance`: the members know the generation, the leader's assignment is awaited; syncs are parked.
 * - `Stable`: the assignment is committed to the log.
 * - `Dead`: being deleted, or its partition has moved to another coordinator.
 */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

const previousStates: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance', 'Dead'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
};

/** `Dead` goes back to `Empty` only when the records that delete the group could not be written. */
export function mayFollow(state: GroupState, next: GroupState): boolean {
  return previousStates[next].includes(state);
}
