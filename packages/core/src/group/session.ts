import type { ClassicGroup } from './classic-group.ts';
import type { GroupTimer } from './group-commands.ts';
import type { GroupMember } from './group-member.ts';
import type { Turn } from './shard-turn.ts';

/**
 * How long a new member's parked join keeps it in the group. It has no id to send heartbeats with, and a client
 * that gave up cannot be told from one that waits; without an end its dead joins would pile up.
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000;

/** The member has shown that it lives: its session ends `timeoutMs` from now. */
export function extendSession(turn: Turn, group: ClassicGroup, member: GroupMember, timeoutMs: number): void {
  member.sessionDeadlineMs = turn.now.monotonicMs + timeoutMs;
  // A timer that fires early finds the later deadline and is set again: a heartbeat costs no timer.
  if (member.sessionTimerDueMs !== null && member.sessionTimerDueMs <= member.sessionDeadlineMs) return;
  setSessionTimer(turn, group, member, timeoutMs);
}

export function endSession(turn: Turn, group: ClassicGroup, member: GroupMember): void {
  member.sessionDeadlineMs = null;
  if (member.sessionTimerDueMs === null) return;
  member.sessionTimerDueMs = null;
  turn.cancelTimer(sessionTimer(group, member.memberId));
}

/** A member that was told its id has one session to join with it. */
export function startPendingSession(
  turn: Turn,
  group: ClassicGroup,
  memberId: string,
  timeoutMs: number,
): void {
  turn.setTimer(sessionTimer(group, memberId), timeoutMs);
}

export function endPendingSession(turn: Turn, group: ClassicGroup, memberId: string): void {
  turn.cancelTimer(sessionTimer(group, memberId));
}

/**
 * What a fired session timer means for a member.
 *
 * @returns true when the session has ended
 */
export function sessionHasEnded(turn: Turn, group: ClassicGroup, member: GroupMember): boolean {
  const deadlineMs = member.sessionDeadlineMs;
  member.sessionTimerDueMs = null;
  if (deadlineMs === null) return false;
  if (deadlineMs > turn.now.monotonicMs) {
    setSessionTimer(turn, group, member, deadlineMs - turn.now.monotonicMs);
    return false;
  }
  // Who waits for the group need not send heartbeats; the answer starts the session again.
  const waits = member.joinTicket !== null || member.syncTicket !== null;
  if (!waits || member.isNew) return true;
  member.sessionDeadlineMs = null;
  return false;
}

function setSessionTimer(turn: Turn, group: ClassicGroup, member: GroupMember, delayMs: number): void {
  member.sessionTimerDueMs = turn.now.monotonicMs + delayMs;
  turn.setTimer(sessionTimer(group, member.memberId), delayMs);
}

function sessionTimer(group: ClassicGroup, memberId: string): GroupTimer {
  return { kind: 'session', groupId: group.groupId, memberId };
}
