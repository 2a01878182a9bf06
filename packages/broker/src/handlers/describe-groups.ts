// DescribeGroups: state, protocol and members of groups.
//
// v1 answers the throttle time, v3 can tell what the caller may do, v4 adds static members (KIP-345), v5 is
// flexible, v6 answers GROUP_ID_NOT_FOUND for a group that is not there, before it is `Dead` (KIP-1043).
import type { DescribeGroupResult } from '@odradek/core/group/group-commands.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { describeGroupsApi } from '@odradek/protocol/generated/apis/describe-groups.ts';
import type { DescribeGroupsRequest } from '@odradek/protocol/generated/describe-groups-request.ts';
import type {
  DescribeGroupsResponseDescribedGroupInput,
  DescribeGroupsResponseInput,
} from '@odradek/protocol/generated/describe-groups-response.ts';
import type { Handler, RequestContext } from './handler.ts';

const OPERATIONS_FROM = 3;
const UNKNOWN_GROUP_IS_ERROR_FROM = 6;

/** Without access control everything is allowed: READ (3), DELETE (6), DESCRIBE (8). */
const ALL_GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8);

export const describeGroupsHandler: Handler<DescribeGroupsRequest, DescribeGroupsResponseInput> = {
  api: describeGroupsApi,
  versionMin: 0,
  versionMax: 6,

  async handle(request, context) {
    const tellOperations = request.includeAuthorizedOperations && context.apiVersion >= OPERATIONS_FROM;
    const groups = request.groups.map(async (groupId) => {
      const result = await context.broker.groups.request({ kind: 'describe-group', groupId });
      return described(groupId, result, tellOperations, context);
    });
    return { groups: await Promise.all(groups) };
  },

  failed(request, errorCode) {
    return { groups: request.groups.map((groupId) => withError(groupId, errorCode)) };
  },
};

function described(
  groupId: string,
  result: DescribeGroupResult,
  tellOperations: boolean,
  { apiVersion }: RequestContext,
): DescribeGroupsResponseDescribedGroupInput {
  if (result.errorCode !== ErrorCode.NONE) return withError(groupId, result.errorCode);
  if (result.state === 'Dead' && apiVersion >= UNKNOWN_GROUP_IS_ERROR_FROM) {
    return {
      ...withError(groupId, ErrorCode.GROUP_ID_NOT_FOUND),
      errorMessage: `Group ${groupId} not found.`,
      groupState: result.state,
    };
  }
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: result.state,
    protocolType: result.protocolType,
    protocolData: result.protocolName,
    members: result.members.map(({ metadata, assignment, ...member }) => ({
      ...member,
      memberMetadata: metadata,
      memberAssignment: assignment,
    })),
    ...(tellOperations ? { authorizedOperations: ALL_GROUP_OPERATIONS } : {}),
  };
}

function withError(groupId: string, errorCode: number): DescribeGroupsResponseDescribedGroupInput {
  return { errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] };
}
