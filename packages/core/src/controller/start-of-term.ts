import { stateWithoutGone } from './broker-loss.ts';
import type { LoadedCluster } from './cluster-load.ts';
import type { ClusterState, PartitionEntry } from './cluster-state.ts';
import type { StateWrite } from './controller-tree.ts';
import { electForOffline, initialState, isOfEarlierLife } from './partition-election.ts';
import type { PartitionState } from './partition-state-node.ts';

/**
 * What a controller has to decide when its term begins: partitions without a state get one, those whose leader is
 * gone, or has been gone since the state was written, get a leader of a new epoch, and others that are gone leave the
 * in-sync sets.
 *
 * @param allowsUnclean whether a replica that may lack records may lead a topic's partitions
 */
export function statesAtStartOfTerm(
  state: ClusterState,
  loaded: LoadedCluster,
  controllerEpoch: number,
  allowsUnclean: (topic: string) => boolean,
): StateWrite[] {
  const writes: StateWrite[] = [];
  for (const topic of state.topics()) {
    if (loaded.deletions.has(topic.name)) continue;
    const zxids = loaded.stateZxids.get(topic.name) ?? [];
    for (const entry of topic.partitions) {
      const next = nextState(state, entry, zxids[entry.index] ?? -1, controllerEpoch, () =>
        allowsUnclean(topic.name),
      );
      if (next === null) continue;
      const { index, partitionEpoch } = entry;
      writes.push({ topic: topic.name, partition: index, state: next, expectedVersion: partitionEpoch });
    }
  }
  return writes;
}

function nextState(
  state: ClusterState,
  entry: PartitionEntry,
  stateZxid: number,
  controllerEpoch: number,
  allowsUnclean: () => boolean,
): PartitionState | null {
  if (entry.partitionEpoch < 0) return initialState(entry.replicas, state.isLive, controllerEpoch);
  const leader = state.brokers.get(entry.leader);
  if (leader === undefined || !isOfEarlierLife(stateZxid, leader.brokerEpoch)) {
    const availability = { isAvailable: state.isLive, controllerEpoch, allowsUnclean: allowsUnclean() };
    return stateWithoutGone(entry, availability);
  }
  const election = { state: entry, replicas: entry.replicas, isLive: state.isLive, controllerEpoch };
  return electForOffline(election, allowsUnclean());
}
