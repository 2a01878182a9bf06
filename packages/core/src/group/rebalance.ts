import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { GroupTimer, RebalanceGroupCommand } from './group-commands.ts';
import { NO_ASSIGNMENT } from './group-member.ts';
import { answerJoin, answerSync, joinedGeneration, syncError } from './parked-requests.ts';
import { endSession, extendSession } from './session.ts';
import { storedGroup } from './stored-group.ts';
import type { Turn } from './shard-turn.ts';

/** Clients are to send less of a reason; what the log gets is cut to it. */
const REASON_LENGTH_MAX = 255;

/** What the log says of why a group rebalances, with what the client says of it, if anything (KIP-800). */
export function withClientReason(reason: string, clientReason: string | null): string {
  if (clientReason === null || clientReason === '') return reason;
  return `${reason}; client reason: ${clientReason.slice(0, REASON_LENGTH_MAX)}`;
}

/** Starts a rebalance where the state allows one; one that runs already goes on. @param reason for the log */
export function maybePrepareRebalance(turn: Turn, group: ClassicGroup, reason: string): void {
  if (group.canRebalance()) prepareRebalance(turn, group, reason);
}

/** Members learn of it by their next heartbeat. */
export function rebalanceGroup(turn: Turn, { groupId, ticket, reason }: RebalanceGroupCommand): void {
  const group = turn.group(groupId);
  const isThere = group !== undefined && group.state !== 'Dead';
  if (isThere && group.size > 0) maybePrepareRebalance(turn, group, reason);
  const errorCode = isThere ? ErrorCode.NONE : ErrorCode.GROUP_ID_NOT_FOUND;
  turn.answer(ticket, { kind: 'rebalance-group', errorCode });
}

/**
 * Calls the members to join again. An empty group waits a while for further first members; any other waits for
 * those it knows, at most the longest rebalance timeout among them.
 *
 * @param reason for the log
 */
export function prepareRebalance(turn: Turn, group: ClassicGroup, reason: string): void {
  const { groupId, generationId, state } = group;
  turn.state.log.info('a group rebalances', { groupId, generationId, state, reason });
  if (group.state === 'CompletingRebalance') refuseParkedSyncs(turn, group, ErrorCode.REBALANCE_IN_PROGRESS);
  clearPendingSyncs(turn, group);
  const wasEmpty = group.state === 'Empty';
  group.transitionTo('PreparingRebalance', turn.now.wallMs);
  if (wasEmpty) {
    startInitialDelay(turn, group);
  } else {
    turn.setTimer(joinTimer(group), group.rebalanceTimeoutMs());
    completeJoinIfAllIn(turn, group);
  }
}

/** Ends the wait for joins when everybody is there, except during the initial delay, which has its own end. */
export function completeJoinIfAllIn(turn: Turn, group: ClassicGroup): void {
  if (group.state !== 'PreparingRebalance' || group.initialDelay !== null) return;
  if (group.allMembersJoined()) completeJoin(turn, group);
}

export function onJoinTimer(turn: Turn, group: ClassicGroup): void {
  if (group.state !== 'PreparingRebalance') return;
  if (group.initialDelay !== null && prolongInitialDelay(turn, group)) return;
  completeJoin(turn, group);
}

/** Members of this generation that never asked for their assignment are gone; the others share again. */
export function onSyncTimer(turn: Turn, group: ClassicGroup): void {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
  if (group.pendingSyncMembers.size === 0) return;
  const missing = [...group.pendingSyncMembers];
  turn.state.log.info('group members have not asked for their assignment in time', {
    groupId: group.groupId,
    memberIds: missing,
  });
  for (const memberId of missing) dropMember(turn, group, memberId);
  prepareRebalance(turn, group, 'members have not asked for their assignment');
}

/** The member has asked for its assignment; with the last one the watch over them ends. */
export function syncReceived(turn: Turn, group: ClassicGroup, memberId: string): void {
  if (!group.pendingSyncMembers.delete(memberId)) return;
  if (group.pendingSyncMembers.size === 0) turn.cancelTimer(syncTimer(group));
}

/** Answers all parked syncs with an error; nobody keeps an assignment of this generation. */
export function refuseParkedSyncs(turn: Turn, group: ClassicGroup, errorCode: number): void {
  for (const member of group.members) {
    member.assignment = NO_ASSIGNMENT;
    if (answerSync(turn, member, syncError(errorCode))) {
      extendSession(turn, group, member, member.sessionTimeoutMs);
    }
  }
}

/** Forgets what the group waits for: it is going away. */
export function cancelGroupTimers(turn: Turn, group: ClassicGroup): void {
  if (group.state === 'PreparingRebalance') turn.cancelTimer(joinTimer(group));
  clearPendingSyncs(turn, group);
}

function startInitialDelay(turn: Turn, group: ClassicGroup): void {
  const delayMs = turn.state.settings.initialRebalanceDelayMs;
  group.initialDelay = {
    newMemberAdded: false,
    delayMs,
    remainingMs: Math.max(group.rebalanceTimeoutMs() - delayMs, 0),
  };
  turn.setTimer(joinTimer(group), delayMs);
}

/** Members that came during the delay prolong it, up to the rebalance timeout in all. */
function prolongInitialDelay(turn: Turn, group: ClassicGroup): boolean {
  const { newMemberAdded, delayMs: lastDelayMs, remainingMs } = group.initialDelay!;
  if (!newMemberAdded || remainingMs === 0) return false;
  const delayMs = Math.min(turn.state.settings.initialRebalanceDelayMs, remainingMs);
  group.initialDelay = {
    newMemberAdded: false,
    delayMs,
    remainingMs: Math.max(remainingMs - lastDelayMs, 0),
  };
  turn.setTimer(joinTimer(group), delayMs);
  return true;
}

function completeJoin(turn: Turn, group: ClassicGroup): void {
  group.initialDelay = null;
  turn.cancelTimer(joinTimer(group));
  dropDynamicMembersThatStayedAway(turn, group);
  if (group.size > 0 && !group.electJoinedLeader()) {
    // Only static members are left and none has come back: their sessions decide, not this wait.
    turn.setTimer(joinTimer(group), group.rebalanceTimeoutMs());
    return;
  }
  group.startNextGeneration(turn.now.wallMs);
  if (group.size === 0) storeEmptyGeneration(turn, group);
  else announceGeneration(turn, group);
}

function dropDynamicMembersThatStayedAway(turn: Turn, group: ClassicGroup): void {
  const away = Array.from(group.members).filter(
    (member) => member.joinTicket === null && member.groupInstanceId === null,
  );
  if (away.length === 0) return;
  turn.state.log.info('group members have not rejoined in time', {
    groupId: group.groupId,
    memberIds: away.map(({ memberId }) => memberId),
  });
  for (const { memberId } of away) dropMember(turn, group, memberId);
}

function announceGeneration(turn: Turn, group: ClassicGroup): void {
  for (const member of group.members) {
    answerJoin(turn, member, joinedGeneration(group, member.memberId));
    extendSession(turn, group, member, member.sessionTimeoutMs);
    member.isNew = false;
    group.pendingSyncMembers.add(member.memberId);
  }
  turn.setTimer(syncTimer(group), group.rebalanceTimeoutMs());
}

function storeEmptyGeneration(turn: Turn, group: ClassicGroup): void {
  turn.write({
    records: [{ kind: 'group', groupId: group.groupId, value: storedGroup(group) }],
    completion: { kind: 'empty-generation-stored', groupId: group.groupId, generationId: group.generationId },
    divisible: false,
  });
}

function dropMember(turn: Turn, group: ClassicGroup, memberId: string): void {
  const member = group.member(memberId);
  if (member !== undefined) endSession(turn, group, member);
  group.remove(memberId);
}

function clearPendingSyncs(turn: Turn, group: ClassicGroup): void {
  group.pendingSyncMembers.clear();
  turn.cancelTimer(syncTimer(group));
}

function joinTimer(group: ClassicGroup): GroupTimer {
  return { kind: 'join', groupId: group.groupId, memberId: '' };
}

function syncTimer(group: ClassicGroup): GroupTimer {
  return { kind: 'sync', groupId: group.groupId, memberId: '' };
}
