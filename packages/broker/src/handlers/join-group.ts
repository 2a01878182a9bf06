// JoinGroup: a consumer asks to be a member of its group's next generation, and waits until the others have too.
//
// v0 has one timeout for session and rebalance, v1 adds a rebalance timeout, v2 answers the throttle time, v4
// makes a new member join twice, the second time with the id it was told (KIP-394), v5 adds static members
// (KIP-345), v6 is flexible, v7 tells the protocol type and has a null protocol name on errors (KIP-559), v8 adds
// a reason (KIP-800), v9 may tell the leader to skip the assignment (KIP-814).
import type { JoinGroupResult } from '@odradek/core/group/group-commands.ts';
import { joinError } from '@odradek/core/group/parked-requests.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import type { JoinGroupRequest } from '@odradek/protocol/generated/join-group-request.ts';
import type { JoinGroupResponseInput } from '@odradek/protocol/generated/join-group-response.ts';
import type { Handler } from './handler.ts';
import { onceKnown } from './once-known.ts';

const KNOWN_MEMBER_ID_FROM = 4;
const NULL_PROTOCOL_NAME_FROM = 7;
const SKIP_ASSIGNMENT_FROM = 9;

export const joinGroupHandler: Handler<JoinGroupRequest, JoinGroupResponseInput> = {
  api: joinGroupApi,
  versionMin: 0,
  versionMax: 9,

  handle(request, context) {
    const { apiVersion } = context;
    const answer = context.broker.groups.request({
      kind: 'join-group',
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: context.clientId ?? '',
      clientHost: `/${context.clientHost}`,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
      protocolType: request.protocolType,
      // Copied: the group keeps them for longer than the buffer of the request lives.
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
      requiresKnownMemberId: apiVersion >= KNOWN_MEMBER_ID_FROM && request.groupInstanceId === null,
      canSkipAssignment: apiVersion >= SKIP_ASSIGNMENT_FROM,
      reason: request.reason,
    });
    return onceKnown(answer, (result) => toResponse(result, apiVersion));
  },

  failed(request, errorCode, context) {
    return toResponse(joinError(request.memberId, errorCode), context.apiVersion);
  },
};

function toResponse(result: JoinGroupResult, apiVersion: number): JoinGroupResponseInput {
  const { errorCode, generationId, protocolType, leader, skipAssignment, memberId, members } = result;
  const protocolName =
    apiVersion < NULL_PROTOCOL_NAME_FROM ? (result.protocolName ?? '') : result.protocolName;
  return { errorCode, generationId, protocolType, protocolName, leader, skipAssignment, memberId, members };
}
