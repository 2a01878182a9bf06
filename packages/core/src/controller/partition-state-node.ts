import { encodeJson, JsonNode } from './json-node.ts';
import { treePaths } from './tree-paths.ts';

/** No broker leads the partition. */
export const NO_LEADER = -1;

/** `/brokers/topics/T/partitions/P/state`: who leads, since when, and with whom in sync. */
export interface PartitionState {
  /** Broker id, or NO_LEADER. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  /** The leader was elected uncleanly and has not recovered yet (KIP-704). */
  readonly isRecovering: boolean;
  /** Epoch of the controller that wrote it. */
  readonly controllerEpoch: number;
}

/** Version 1. */
export function encodePartitionState(state: PartitionState): Buffer {
  return encodeJson({
    version: 1,
    leader: state.leader,
    leader_epoch: state.leaderEpoch,
    controller_epoch: state.controllerEpoch,
    isr: state.isr,
    ...(state.isRecovering ? { leader_recovery_state: 1 } : {}),
  });
}

/** @throws NodeFormatError */
export function decodePartitionState(topic: string, partition: number, data: Buffer | null): PartitionState {
  const node = new JsonNode(treePaths.partitionState(topic, partition), data);
  return {
    leader: node.integer('leader'),
    leaderEpoch: node.integer('leader_epoch'),
    isr: node.integers('isr'),
    isRecovering: node.has('leader_recovery_state') && node.integer('leader_recovery_state') === 1,
    controllerEpoch: node.integer('controller_epoch'),
  };
}
