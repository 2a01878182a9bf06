import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { HeartbeatCommand } from './group-commands.ts';
import { memberOfGenerationError } from './membership.ts';
import { extendSession } from './session.ts';
import type { Turn } from './shard-turn.ts';

/** Heartbeat: a member shows that it lives, and learns whether it has to join again. */
export function heartbeat(turn: Turn, command: HeartbeatCommand): void {
  turn.answer(command.ticket, { kind: 'heartbeat', errorCode: heartbeatError(turn, command) });
}

function heartbeatError(turn: Turn, command: HeartbeatCommand): number {
  const group = turn.group(command.groupId);
  if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const { memberId, groupInstanceId, generationId } = command;
  const error = memberOfGenerationError(group, memberId, groupInstanceId, generationId);
  if (error !== ErrorCode.NONE) return error;
  const member = group.member(memberId)!;
  extendSession(turn, group, member, member.sessionTimeoutMs);
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
