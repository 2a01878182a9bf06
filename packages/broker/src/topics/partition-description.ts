import type { PartitionEntry } from '@odradek/core/controller/cluster-state.ts';
import { NO_LEADER } from '@odradek/core/controller/partition-state-node.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { MetadataView } from './metadata-view.ts';

/** A partition as clients of one listener are told of it. */
export interface PartitionDescription {
  readonly errorCode: number;
  readonly partitionIndex: number;
  /** NO_LEADER when there is none that these clients can reach. */
  readonly leaderId: number;
  /** The last one known, also while there is no leader; -1 before the first. */
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
}

/** How the answer to clients has changed over the versions of Metadata. */
export interface DescriptionRules {
  /** v0: replicas that cannot be reached are left out, and an error says so. */
  readonly hidesDeadReplicas: boolean;
  /** v6: a leader without this listener gets an error of its own. */
  readonly tellsMissingListener: boolean;
}

export const NEWEST_RULES: DescriptionRules = { hidesDeadReplicas: false, tellsMissingListener: true };

export function describePartition(
  view: MetadataView,
  entry: PartitionEntry,
  listenerName: string,
  rules: DescriptionRules,
): PartitionDescription {
  const isReachable = (id: number) => view.hasListener(id, listenerName);
  const shown = (ids: readonly number[]) => (rules.hidesDeadReplicas ? ids.filter(isReachable) : ids);
  const replicaNodes = shown(entry.replicas);
  const isrNodes = shown(entry.isr);
  const hidesSome = replicaNodes.length < entry.replicas.length || isrNodes.length < entry.isr.length;
  const leaderFault = faultOfLeader(view, entry, listenerName, rules);
  return {
    errorCode: leaderFault ?? (hidesSome ? ErrorCode.REPLICA_NOT_AVAILABLE : ErrorCode.NONE),
    partitionIndex: entry.index,
    leaderId: leaderFault === null ? entry.leader : NO_LEADER,
    leaderEpoch: entry.leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas: entry.replicas.filter((id) => !isReachable(id)),
  };
}

function faultOfLeader(
  view: MetadataView,
  entry: PartitionEntry,
  listenerName: string,
  rules: DescriptionRules,
): number | null {
  if (view.hasListener(entry.leader, listenerName)) return null;
  const onlyListenerMissing = view.isLive(entry.leader) && rules.tellsMissingListener;
  return onlyListenerMissing ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE;
}
