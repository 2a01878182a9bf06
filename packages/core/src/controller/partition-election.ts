import type { PartitionState } from './partition-state-node.ts';

/** What an election may know: pure values, so that a test can try all of them. */
export interface ElectionInput {
  readonly state: PartitionState;
  /** Assigned replicas, the preferred leader first. */
  readonly replicas: readonly number[];
  readonly isLive: (brokerId: number) => boolean;
  readonly controllerEpoch: number;
}

/**
 * A new partition: all live replicas are in sync with its empty log, and the first of them leads.
 * @returns null when no replica lives; the partition stays new then
 */
export function initialState(
  replicas: readonly number[],
  isLive: (brokerId: number) => boolean,
  controllerEpoch: number,
): PartitionState | null {
  const isr = replicas.filter(isLive);
  if (isr.length === 0) return null;
  return { leader: isr[0]!, leaderEpoch: 0, isr, isRecovering: false, controllerEpoch };
}

/**
 * The leader is gone: the first replica in order that is alive and in sync leads. If there is none and the topic
 * allows it (unclean.leader.election.enable), the first that is alive, which may lack acknowledged records.
 * @returns null when nobody may lead
 */
export function electForOffline(input: ElectionInput, allowUnclean: boolean): PartitionState | null {
  const { state, replicas, isLive } = input;
  const clean = replicas.find((id) => isLive(id) && state.isr.includes(id));
  if (clean !== undefined) return elected(input, clean, state.isr.filter(isLive), false);
  if (!allowUnclean) return null;
  const unclean = replicas.find(isLive);
  return unclean === undefined ? null : elected(input, unclean, [unclean], true);
}

/** The preferred leader, the first of the assignment, leads if it is alive and in sync; else null. */
export function electPreferred(input: ElectionInput): PartitionState | null {
  const preferred = input.replicas[0];
  if (preferred === undefined || !input.isLive(preferred) || !input.state.isr.includes(preferred))
    return null;
  return elected(input, preferred, input.state.isr, input.state.isRecovering);
}

/**
 * Whether a state was written for an earlier life of its leader: the leader has registered since. Apache Kafka's
 * controller takes such a bounce for a death and a birth (KIP-380); a sole broker that comes back is treated the
 * same, so that an epoch never spans a restart in which the log may have lost its tail.
 */
export function isOfEarlierLife(stateMzxid: number, leaderEpochOfRegistration: number): boolean {
  return stateMzxid < leaderEpochOfRegistration;
}

function elected(
  input: ElectionInput,
  leader: number,
  isr: readonly number[],
  isRecovering: boolean,
): PartitionState {
  return {
    leader,
    leaderEpoch: input.state.leaderEpoch + 1,
    isr,
    isRecovering,
    controllerEpoch: input.controllerEpoch,
  };
}
