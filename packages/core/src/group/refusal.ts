import { ErrorCode } from '@odradek/protocol/errors.ts';
import { describedAs } from './describe-group.ts';
import type { GroupRequest, GroupResult } from './group-commands.ts';
import { joinError, syncError } from './parked-requests.ts';

/**
 * The answer to a request that the coordinator cannot take: it is loading, or not the group's, or the group id
 * is not allowed, or handling failed.
 */
export function refusal(request: GroupRequest, errorCode: number): GroupResult {
  switch (request.kind) {
    case 'join-group':
      return joinError(request.memberId, errorCode);
    case 'sync-group':
      // Loading has lost the rebalance, and older clients do not know the code of loading here.
      return syncError(whileLoading(errorCode, ErrorCode.REBALANCE_IN_PROGRESS));
    case 'heartbeat':
      // Nothing is known against the member yet.
      return { kind: 'heartbeat', errorCode: whileLoading(errorCode, ErrorCode.NONE) };
    case 'leave-group':
      return { kind: 'leave-group', errorCode, members: [] };
    case 'offset-commit':
      return { kind: 'offset-commit', errorCodes: request.offsets.map(() => errorCode) };
    case 'offset-fetch':
      return { kind: 'offset-fetch', errorCode, offsets: [] };
    case 'offset-delete':
      return { kind: 'offset-delete', errorCode, errorCodes: [] };
    case 'describe-group':
      return describedAs('', errorCode);
    case 'list-groups':
      return { kind: 'list-groups', errorCode, groups: [] };
    case 'delete-group':
      return { kind: 'delete-group', errorCode };
    case 'rebalance-group':
      return { kind: 'rebalance-group', errorCode };
  }
}

/** Old consumers committed under the empty id, and what they left can be looked at and deleted. */
export function isValidGroupId(kind: GroupRequest['kind'], groupId: string): boolean {
  if (groupId !== '') return true;
  return (
    kind === 'offset-commit' ||
    kind === 'offset-fetch' ||
    kind === 'describe-group' ||
    kind === 'delete-group'
  );
}

function whileLoading(errorCode: number, instead: number): number {
  return errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? instead : errorCode;
}
