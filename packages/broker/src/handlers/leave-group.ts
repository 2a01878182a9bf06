// LeaveGroup: members go, or are taken out of their group.
//
// v1 answers the throttle time, v3 takes several members, static ones by their instance id, and answers for each
// (KIP-345), v4 is flexible, v5 adds reasons (KIP-800).
import type { LeaveGroupResult } from '@odradek/core/group/group-commands.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import type { LeaveGroupRequest } from '@odradek/protocol/generated/leave-group-request.ts';
import type { LeaveGroupResponseInput } from '@odradek/protocol/generated/leave-group-response.ts';
import type { Handler } from './handler.ts';
import { onceKnown } from './once-known.ts';

const BATCHED_FROM = 3;

export const leaveGroupHandler: Handler<LeaveGroupRequest, LeaveGroupResponseInput> = {
  api: leaveGroupApi,
  versionMin: 0,
  versionMax: 5,

  handle(request, context) {
    const { apiVersion } = context;
    const members =
      apiVersion >= BATCHED_FROM
        ? request.members
        : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
    const answer = context.broker.groups.request({ kind: 'leave-group', groupId: request.groupId, members });
    return onceKnown(answer, (result) => toResponse(result, apiVersion));
  },

  failed(_request, errorCode) {
    return { errorCode };
  },
};

/** Before v3 the error of the one member is that of the whole. */
function toResponse({ errorCode, members }: LeaveGroupResult, apiVersion: number): LeaveGroupResponseInput {
  if (apiVersion >= BATCHED_FROM) return { errorCode, members };
  if (errorCode !== ErrorCode.NONE) return { errorCode };
  return { errorCode: members[0]?.errorCode ?? ErrorCode.NONE };
}
