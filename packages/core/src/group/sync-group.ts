import { ErrorCode } from '@odradek/protocol/errors.ts';
import { groupErrorOfAppend } from './append-errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { SyncGroupCommand, WriteCompletion } from './group-commands.ts';
import { NO_ASSIGNMENT } from './group-member.ts';
import { memberOfGenerationError } from './membership.ts';
import { answerSync, parkSync, syncError, syncedAssignment } from './parked-requests.ts';
import { maybePrepareRebalance, refuseParkedSyncs, syncReceived } from './rebalance.ts';
import { extendSession } from './session.ts';
import type { Turn } from './shard-turn.ts';
import { storedGroup } from './stored-group.ts';

/** SyncGroup: the leader brings the assignment, everybody takes its part of it away once it is committed. */
export function syncGroup(turn: Turn, command: SyncGroupCommand): void {
  const group = turn.group(command.groupId);
  const error = group === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : syncRequestError(group, command);
  if (group === undefined || error !== ErrorCode.NONE) {
    turn.answer(command.ticket, syncError(error));
    return;
  }
  const member = group.member(command.memberId)!;
  syncReceived(turn, group, member.memberId);
  if (group.state === 'Stable') {
    turn.answer(command.ticket, syncedAssignment(group, member));
    extendSession(turn, group, member, member.sessionTimeoutMs);
    return;
  }
  parkSync(turn, member, command.ticket);
  if (group.isLeader(member.memberId)) storeAssignment(turn, group, command.assignments);
}

type AssignmentStored = Extract<WriteCompletion, { kind: 'assignment-stored' }>;

/** The assignment is committed, or is not. Where the group has moved on meanwhile it concerns nobody any more. */
export function onAssignmentStored(
  turn: Turn,
  group: ClassicGroup,
  stored: AssignmentStored,
  appendError: number,
): void {
  if (group.state !== 'CompletingRebalance' || group.generationId !== stored.generationId) return;
  if (appendError !== ErrorCode.NONE) {
    refuseParkedSyncs(turn, group, groupErrorOfAppend(appendError));
    maybePrepareRebalance(turn, group, 'the assignment could not be stored');
    return;
  }
  group.transitionTo('Stable', turn.now.wallMs);
  for (const member of group.members) {
    member.assignment = stored.assignments.get(member.memberId) ?? NO_ASSIGNMENT;
    if (answerSync(turn, member, syncedAssignment(group, member))) {
      extendSession(turn, group, member, member.sessionTimeoutMs);
    }
  }
}

function syncRequestError(group: ClassicGroup, command: SyncGroupCommand): number {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const { memberId, groupInstanceId, generationId, protocolType, protocolName } = command;
  const error = memberOfGenerationError(group, memberId, groupInstanceId, generationId);
  if (error !== ErrorCode.NONE) return error;
  if (protocolType !== null && protocolType !== group.protocolType)
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  if (protocolName !== null && protocolName !== group.protocolName)
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  if (group.state === 'PreparingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS;
  return ErrorCode.NONE;
}

/** Members that the leader left out get an empty assignment. */
function storeAssignment(turn: Turn, group: ClassicGroup, given: ReadonlyMap<string, Buffer>): void {
  const assignments = new Map<string, Buffer>();
  for (const memberId of group.memberIds) assignments.set(memberId, given.get(memberId) ?? NO_ASSIGNMENT);
  const { groupId, generationId } = group;
  turn.write({
    records: [{ kind: 'group', groupId, value: storedGroup(group, assignments) }],
    completion: { kind: 'assignment-stored', groupId, generationId, assignments },
    divisible: false,
  });
}
