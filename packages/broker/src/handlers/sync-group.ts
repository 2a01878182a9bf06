// SyncGroup: the leader brings the assignment of a generation, the members take theirs.
//
// v1 answers the throttle time, v3 adds static members (KIP-345), v4 is flexible, v5 names protocol type and
// protocol both ways, mandatory in the request (KIP-559).
import type { SyncGroupResult } from '@odradek/core/group/group-commands.ts';
import { syncError } from '@odradek/core/group/parked-requests.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { SyncGroupRequest } from '@odradek/protocol/generated/sync-group-request.ts';
import type { SyncGroupResponseInput } from '@odradek/protocol/generated/sync-group-response.ts';
import type { Handler } from './handler.ts';
import { onceKnown } from './once-known.ts';

const PROTOCOL_MANDATORY_FROM = 5;

export const syncGroupHandler: Handler<SyncGroupRequest, SyncGroupResponseInput> = {
  api: syncGroupApi,
  versionMin: 0,
  versionMax: 5,

  handle(request, context) {
    const { groupId, generationId, memberId, groupInstanceId, protocolType, protocolName } = request;
    const namesProtocol = protocolType !== null && protocolName !== null;
    if (context.apiVersion >= PROTOCOL_MANDATORY_FROM && !namesProtocol) {
      return toResponse(syncError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL));
    }
    const answer = context.broker.groups.request({
      kind: 'sync-group',
      groupId,
      generationId,
      memberId,
      groupInstanceId,
      protocolType,
      protocolName,
      // Copied: the group keeps them for longer than the buffer of the request lives.
      assignments: new Map(
        request.assignments.map((given) => [given.memberId, Buffer.from(given.assignment)]),
      ),
    });
    return onceKnown(answer, toResponse);
  },

  failed(_request, errorCode) {
    return toResponse(syncError(errorCode));
  },
};

function toResponse(result: SyncGroupResult): SyncGroupResponseInput {
  const { errorCode, protocolType, protocolName, assignment } = result;
  return { errorCode, protocolType, protocolName, assignment };
}
