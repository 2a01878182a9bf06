import { ErrorCode } from '@odradek/protocol/errors.ts';
import { groupErrorOfAppend } from './append-errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { FormerSelf, JoinGroupCommand, WriteCompletion } from './group-commands.ts';
import type { GroupMember } from './group-member.ts';
import {
  answerJoin,
  answerSync,
  joinError,
  joinedGeneration,
  parkJoin,
  syncError,
} from './parked-requests.ts';
import { maybePrepareRebalance, withClientReason } from './rebalance.ts';
import { endSession, extendSession } from './session.ts';
import type { Turn } from './shard-turn.ts';
import { storedGroup } from './stored-group.ts';

/**
 * A static member has come back without its id (KIP-345): it takes the place of its former self, which is fenced
 * from here on. A stable group whose protocol would stay the same is not disturbed: only the new id is stored.
 */
export function replaceStaticMember(
  turn: Turn,
  group: ClassicGroup,
  command: JoinGroupCommand,
  member: GroupMember,
  memberId: string,
): void {
  const former: FormerSelf = {
    memberId: member.memberId,
    leader: group.leaderId ?? '',
    protocols: member.protocols,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.sessionTimeoutMs,
  };
  fenceFormerSelf(turn, group, member, memberId);
  group.updateMember(member, command);
  extendSession(turn, group, member, member.sessionTimeoutMs);
  parkJoin(turn, member, command.ticket);
  if (group.state === 'Stable' && group.selectProtocol() === group.protocolName) {
    storeNewId(turn, group, member, command, former);
  } else {
    // In CompletingRebalance the leader may have been told the former id already, and would assign to nobody.
    const reason = `static member ${command.groupInstanceId} came back`;
    maybePrepareRebalance(turn, group, withClientReason(reason, command.reason));
  }
}

type StaticMemberStored = Extract<WriteCompletion, { kind: 'static-member-stored' }>;

/** The record with the new id is committed, or is not. A rebalance that began meanwhile answers the join itself. */
export function onStaticMemberStored(
  turn: Turn,
  group: ClassicGroup,
  stored: StaticMemberStored,
  appendError: number,
): void {
  const member = group.member(stored.memberId);
  if (member === undefined || group.state !== 'Stable' || group.generationId !== stored.generationId) return;
  if (appendError !== ErrorCode.NONE) {
    restoreFormerSelf(turn, group, member, stored.former);
    answerJoin(turn, member, joinError('', groupErrorOfAppend(appendError)));
    return;
  }
  const generation = joinedGeneration(group, member.memberId);
  const isLeader = group.isLeader(member.memberId);
  if (stored.canSkipAssignment) {
    answerJoin(turn, member, { ...generation, skipAssignment: isLeader });
  } else {
    // A leader of an older version would assign anew, and a stable group would ignore it: it is told the former
    // leader's id, and so takes itself for a follower.
    answerJoin(turn, member, { ...generation, leader: stored.former.leader, members: [] });
  }
}

function fenceFormerSelf(turn: Turn, group: ClassicGroup, member: GroupMember, memberId: string): void {
  answerJoin(turn, member, joinError(member.memberId, ErrorCode.FENCED_INSTANCE_ID));
  answerSync(turn, member, syncError(ErrorCode.FENCED_INSTANCE_ID));
  endSession(turn, group, member);
  group.renameMember(member, memberId);
}

/** The new id never came into being: the former self goes on. */
function restoreFormerSelf(turn: Turn, group: ClassicGroup, member: GroupMember, former: FormerSelf): void {
  endSession(turn, group, member);
  group.renameMember(member, former.memberId);
  group.updateMember(member, former);
  extendSession(turn, group, member, member.sessionTimeoutMs);
}

function storeNewId(
  turn: Turn,
  group: ClassicGroup,
  member: GroupMember,
  command: JoinGroupCommand,
  former: FormerSelf,
): void {
  turn.write({
    records: [{ kind: 'group', groupId: group.groupId, value: storedGroup(group) }],
    completion: {
      kind: 'static-member-stored',
      groupId: group.groupId,
      generationId: group.generationId,
      memberId: member.memberId,
      canSkipAssignment: command.canSkipAssignment,
      former,
    },
    divisible: false,
  });
}
