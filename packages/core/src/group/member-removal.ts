import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { GroupMember } from './group-member.ts';
import { answerJoin, answerSync, joinError, syncError } from './parked-requests.ts';
import { completeJoinIfAllIn, maybePrepareRebalance } from './rebalance.ts';
import { endPendingSession, endSession, sessionHasEnded } from './session.ts';
import type { Turn } from './shard-turn.ts';

/** Takes a member out, answers what it has parked, and lets the others move on. @param reason for the log */
export function removeMember(turn: Turn, group: ClassicGroup, member: GroupMember, reason: string): void {
  answerJoin(turn, member, joinError('', ErrorCode.UNKNOWN_MEMBER_ID));
  answerSync(turn, member, syncError(ErrorCode.UNKNOWN_MEMBER_ID));
  endSession(turn, group, member);
  group.remove(member.memberId);
  if (group.state === 'PreparingRebalance') completeJoinIfAllIn(turn, group);
  else if (group.state === 'Stable' || group.state === 'CompletingRebalance')
    maybePrepareRebalance(turn, group, reason);
}

/** Takes out a member that was told its id and has not joined with it. */
export function removePendingMember(turn: Turn, group: ClassicGroup, memberId: string): void {
  endPendingSession(turn, group, memberId);
  group.remove(memberId);
  completeJoinIfAllIn(turn, group);
}

export function onSessionTimer(turn: Turn, group: ClassicGroup, memberId: string): void {
  const { groupId } = group;
  if (group.pendingMembers.has(memberId)) {
    turn.state.log.info('a member that was told its id has not joined in time', { groupId, memberId });
    removePendingMember(turn, group, memberId);
    return;
  }
  const member = group.member(memberId);
  if (member === undefined || !sessionHasEnded(turn, group, member)) return;
  turn.state.log.info('the session of a group member has ended', { groupId, memberId });
  removeMember(turn, group, member, `the session of ${memberId} has ended`);
}
