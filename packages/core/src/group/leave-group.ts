import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { LeaveGroupCommand, LeaveGroupResult } from './group-commands.ts';
import type { GroupMember } from './group-member.ts';
import { removeMember, removePendingMember } from './member-removal.ts';
import { memberError } from './membership.ts';
import { withClientReason } from './rebalance.ts';
import type { Turn } from './shard-turn.ts';

type Leaving = LeaveGroupCommand['members'][number];

/** LeaveGroup: members go on their own, or an administrator takes static ones out by their instance. */
export function leaveGroup(turn: Turn, command: LeaveGroupCommand): void {
  const group = turn.group(command.groupId);
  if (group?.state === 'Dead') {
    turn.answer(command.ticket, leaveResult(ErrorCode.COORDINATOR_NOT_AVAILABLE, []));
    return;
  }
  const members = command.members.map((leaving) => ({
    memberId: leaving.memberId,
    groupInstanceId: leaving.groupInstanceId,
    errorCode: group === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : leave(turn, group, leaving),
  }));
  turn.answer(command.ticket, leaveResult(ErrorCode.NONE, members));
}

function leave(turn: Turn, group: ClassicGroup, leaving: Leaving): number {
  const { memberId, groupInstanceId } = leaving;
  if (memberId === '') return leaveByInstance(turn, group, leaving);
  if (group.pendingMembers.has(memberId)) {
    removePendingMember(turn, group, memberId);
    return ErrorCode.NONE;
  }
  const error = memberError(group, memberId, groupInstanceId);
  if (error === ErrorCode.NONE) takeOut(turn, group, group.member(memberId)!, leaving);
  return error;
}

function leaveByInstance(turn: Turn, group: ClassicGroup, leaving: Leaving): number {
  const { groupInstanceId } = leaving;
  const memberId = groupInstanceId === null ? undefined : group.memberIdOfInstance(groupInstanceId);
  const member = memberId === undefined ? undefined : group.member(memberId);
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  takeOut(turn, group, member, leaving);
  return ErrorCode.NONE;
}

function takeOut(turn: Turn, group: ClassicGroup, member: GroupMember, { reason }: Leaving): void {
  removeMember(turn, group, member, withClientReason(`${member.memberId} has left`, reason));
}

function leaveResult(errorCode: number, members: LeaveGroupResult['members']): LeaveGroupResult {
  return { kind: 'leave-group', errorCode, members };
}
