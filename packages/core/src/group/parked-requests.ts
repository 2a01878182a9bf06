import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { JoinGroupResult, SyncGroupResult, Ticket } from './group-commands.ts';
import { NO_ASSIGNMENT, metadataUnder } from './group-member.ts';
import type { GroupMember } from './group-member.ts';
import type { Turn } from './shard-turn.ts';

/** Parks a join. A join of the same member that is still parked is superseded: its client is told to come again. */
export function parkJoin(turn: Turn, member: GroupMember, ticket: Ticket): void {
  answerJoin(turn, member, joinError(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS));
  member.joinTicket = ticket;
}

/** Parks a sync; one of the same member that is still parked is superseded. */
export function parkSync(turn: Turn, member: GroupMember, ticket: Ticket): void {
  answerSync(turn, member, syncError(ErrorCode.REBALANCE_IN_PROGRESS));
  member.syncTicket = ticket;
}

/** Answers the member's parked join. @returns false when there was none */
export function answerJoin(turn: Turn, member: GroupMember, result: JoinGroupResult): boolean {
  if (member.joinTicket === null) return false;
  turn.answer(member.joinTicket, result);
  member.joinTicket = null;
  return true;
}

/** Answers the member's parked sync. @returns false when there was none */
export function answerSync(turn: Turn, member: GroupMember, result: SyncGroupResult): boolean {
  if (member.syncTicket === null) return false;
  turn.answer(member.syncTicket, result);
  member.syncTicket = null;
  return true;
}

export function joinError(memberId: string, errorCode: number): JoinGroupResult {
  return {
    kind: 'join-group',
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** The current generation as its members are told of it: only the leader learns who else there is. */
export function joinedGeneration(group: ClassicGroup, memberId: string): JoinGroupResult {
  return {
    kind: 'join-group',
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members: group.isLeader(memberId) ? membersForLeader(group) : [],
  };
}

export function syncError(errorCode: number): SyncGroupResult {
  return { kind: 'sync-group', errorCode, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT };
}

export function syncedAssignment(group: ClassicGroup, member: GroupMember): SyncGroupResult {
  return {
    kind: 'sync-group',
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}

function membersForLeader(group: ClassicGroup): JoinGroupResult['members'] {
  const protocolName = group.protocolName ?? '';
  return Array.from(group.members, (member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: metadataUnder(member, protocolName),
  }));
}
