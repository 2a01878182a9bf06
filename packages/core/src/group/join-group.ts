import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { JoinGroupCommand } from './group-commands.ts';
import { newMember, sameProtocols } from './group-member.ts';
import type { GroupMember } from './group-member.ts';
import type { MemberProtocol } from './group-commands.ts';
import { isWritableId, newMemberId } from './member-id.ts';
import { memberError } from './membership.ts';
import { joinError, joinedGeneration, parkJoin } from './parked-requests.ts';
import { completeJoinIfAllIn, maybePrepareRebalance, withClientReason } from './rebalance.ts';
import {
  NEW_MEMBER_JOIN_TIMEOUT_MS,
  endPendingSession,
  endSession,
  extendSession,
  startPendingSession,
} from './session.ts';
import type { Turn } from './shard-turn.ts';
import { replaceStaticMember } from './static-member.ts';

/** JoinGroup: a member asks to be part of the next generation, or for the current one that it missed. */
export function joinGroup(turn: Turn, command: JoinGroupCommand): void {
  const { sessionTimeoutMinMs, sessionTimeoutMaxMs } = turn.state.settings;
  if (command.sessionTimeoutMs < sessionTimeoutMinMs || command.sessionTimeoutMs > sessionTimeoutMaxMs) {
    return refuse(turn, command, ErrorCode.INVALID_SESSION_TIMEOUT);
  }
  const group = turn.group(command.groupId) ?? createGroupFor(turn, command);
  if (group === null) return refuse(turn, command, ErrorCode.UNKNOWN_MEMBER_ID);
  joinExistingGroup(turn, group, { ...command, protocols: distinctProtocols(command.protocols) });
  completeJoinIfAllIn(turn, group);
}

function joinExistingGroup(turn: Turn, group: ClassicGroup, command: JoinGroupCommand): void {
  if (!hasRoomFor(turn, group, command.memberId)) {
    forget(turn, group, command.memberId);
    turn.answer(command.ticket, joinError('', ErrorCode.GROUP_MAX_SIZE_REACHED));
  } else if (group.state === 'Dead') {
    refuse(turn, command, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  } else if (!group.supports(command.protocolType, command.protocols)) {
    refuse(turn, command, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  } else if (command.memberId === '') {
    joinAsNewMember(turn, group, command);
  } else if (group.pendingMembers.has(command.memberId)) {
    joinAsPendingMember(turn, group, command);
  } else {
    rejoin(turn, group, command);
  }
}

/** Only who has no id yet may found a group; an id is from a group that was there. */
function createGroupFor(turn: Turn, command: JoinGroupCommand): ClassicGroup | null {
  return command.memberId === '' ? turn.createGroup(command.groupId) : null;
}

/**
 * While joins are gathered those that wait count, not all that are known: so a group that is over its limit
 * (the setting was lowered, say) loses the members that come last.
 */
function hasRoomFor(turn: Turn, group: ClassicGroup, memberId: string): boolean {
  const { sizeMax } = turn.state.settings;
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true;
    case 'PreparingRebalance':
      return (group.member(memberId)?.joinTicket ?? null) !== null || group.countAwaitingJoin() < sizeMax;
    case 'CompletingRebalance':
    case 'Stable':
      return group.has(memberId) || group.size < sizeMax;
  }
}

function joinAsNewMember(turn: Turn, group: ClassicGroup, command: JoinGroupCommand): void {
  const memberId = newMemberId(turn.state.random, command.groupInstanceId ?? command.clientId);
  if (!isWritableId(memberId)) return refuse(turn, command, ErrorCode.INVALID_REQUEST);
  if (command.groupInstanceId !== null) {
    const replaced = group.memberIdOfInstance(command.groupInstanceId);
    if (replaced === undefined) addMember(turn, group, command, memberId);
    else replaceStaticMember(turn, group, command, group.member(replaced)!, memberId);
  } else if (command.requiresKnownMemberId) {
    group.pendingMembers.add(memberId);
    startPendingSession(turn, group, memberId, command.sessionTimeoutMs);
    turn.answer(command.ticket, joinError(memberId, ErrorCode.MEMBER_ID_REQUIRED));
  } else {
    addMember(turn, group, command, memberId);
  }
}

function joinAsPendingMember(turn: Turn, group: ClassicGroup, command: JoinGroupCommand): void {
  // Ids are told in advance to dynamic members only.
  if (command.groupInstanceId !== null) return refuse(turn, command, ErrorCode.UNKNOWN_MEMBER_ID);
  endPendingSession(turn, group, command.memberId);
  addMember(turn, group, command, command.memberId);
}

function rejoin(turn: Turn, group: ClassicGroup, command: JoinGroupCommand): void {
  const error = memberError(group, command.memberId, command.groupInstanceId);
  if (error !== ErrorCode.NONE) return refuse(turn, command, error);
  const member = group.member(command.memberId)!;
  if (needsNoRebalance(group, member, command.protocols)) {
    turn.answer(command.ticket, joinedGeneration(group, member.memberId));
    return;
  }
  group.updateMember(member, command);
  parkJoin(turn, member, command.ticket);
  const reason = `${group.isLeader(member.memberId) ? 'leader' : 'member'} ${member.memberId} joins again`;
  maybePrepareRebalance(turn, group, withClientReason(reason, command.reason));
}

/**
 * A member whose metadata is the same gets the generation that runs: it may have missed the answer. The leader
 * of a stable group is the exception, for that is how it asks for a new assignment (its topics have changed).
 */
function needsNoRebalance(
  group: ClassicGroup,
  member: GroupMember,
  protocols: readonly MemberProtocol[],
): boolean {
  if (!sameProtocols(member.protocols, protocols)) return false;
  if (group.state === 'CompletingRebalance') return true;
  return group.state === 'Stable' && !group.isLeader(member.memberId);
}

function addMember(turn: Turn, group: ClassicGroup, command: JoinGroupCommand, memberId: string): void {
  const member = newMember(
    {
      memberId,
      groupInstanceId: command.groupInstanceId,
      clientId: command.clientId,
      clientHost: command.clientHost,
    },
    command,
  );
  member.isNew = true;
  member.joinTicket = command.ticket;
  if (group.initialDelay !== null && group.generationId === 0) group.initialDelay.newMemberAdded = true;
  group.add(member, command.protocolType);
  extendSession(turn, group, member, NEW_MEMBER_JOIN_TIMEOUT_MS);
  maybePrepareRebalance(turn, group, withClientReason(`new member ${memberId}`, command.reason));
}

/** A member that finds no room in the coming generation is out of the group. */
function forget(turn: Turn, group: ClassicGroup, memberId: string): void {
  if (group.pendingMembers.has(memberId)) endPendingSession(turn, group, memberId);
  const member = group.member(memberId);
  if (member !== undefined) endSession(turn, group, member);
  group.remove(memberId);
}

function refuse(turn: Turn, command: JoinGroupCommand, errorCode: number): void {
  turn.answer(command.ticket, joinError(command.memberId, errorCode));
}

/** Of protocols with the same name the first counts. */
function distinctProtocols(protocols: readonly MemberProtocol[]): readonly MemberProtocol[] {
  const names = new Set<string>();
  return protocols.filter(({ name }) => !names.has(name) && names.add(name));
}
