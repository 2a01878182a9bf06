import { ErrorCode, isRetriable } from '@odradek/protocol/errors.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import type { HeartbeatResponse } from '@odradek/protocol/generated/heartbeat-response.ts';
import type { ClusterRequestOptions } from '../../cluster/cluster.ts';
import type { Coordinator } from '../../cluster/coordinators.ts';
import type { BeatProtocol } from './beat-protocol.ts';

/** A member of one generation of a group. */
export interface ClassicBeat {
  readonly memberId: string;
  readonly generationId: number;
  /** Of a static member (KIP-345), else null. */
  readonly instanceId: string | null;
}

/** Versions from which on fields exist. */
const HEARTBEAT_INSTANCE_VERSION = 3;
const LEAVE_MEMBERS_VERSION = 3;

/** The place is kept: as it is, or until the group has formed anew. */
const KEPT_CODES: readonly number[] = [ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS];

export const classicBeats: BeatProtocol<ClassicBeat, HeartbeatResponse> = {
  send: (coordinator, { memberId, generationId, instanceId }, timeoutMs) =>
    coordinator.requestOnce(
      heartbeatApi,
      (version) => ({
        groupId: coordinator.key,
        generationId,
        memberId,
        ...(version >= HEARTBEAT_INSTANCE_VERSION ? { groupInstanceId: instanceId } : {}),
      }),
      ({ errorCode }) => [errorCode],
      { timeoutMs },
    ),
  next: (beat, { errorCode }) => (KEPT_CODES.includes(errorCode) || isRetriable(errorCode) ? beat : null),
  nextAfterFailure: (beat) => beat,
  broughtUpToDate: (beat) => beat,
  intervalMs: () => null,
  async leave(coordinator, { memberId, instanceId }) {
    if (instanceId === null) await leaveGroup(coordinator, memberId);
  },
};

/** @throws ConnectionError, RequestTimeoutError; what the coordinator says to it is not looked at */
export async function leaveGroup(
  coordinator: Coordinator,
  memberId: string,
  options: ClusterRequestOptions = {},
): Promise<void> {
  const groupId = coordinator.key;
  await coordinator.requestOnce(
    leaveGroupApi,
    (version) =>
      version >= LEAVE_MEMBERS_VERSION ? { groupId, members: [{ memberId }] } : { groupId, memberId },
    ({ errorCode }) => [errorCode],
    options,
  );
}
