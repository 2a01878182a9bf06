import { ErrorCode } from '@odradek/protocol/errors.ts';
import { offsetErrorOfAppend } from './append-errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { OffsetCommitCommand, OffsetToCommit, WriteCompletion } from './group-commands.ts';
import type { CommittedOffset } from './group-records.ts';
import { memberOfGenerationError } from './membership.ts';
import { extendSession } from './session.ts';
import type { Turn } from './shard-turn.ts';

/** OffsetCommit: how far a group, or a consumer of its own making, has come. */
export function commitOffsets(turn: Turn, command: OffsetCommitCommand): void {
  const group = turn.group(command.groupId);
  const error = group === undefined ? unknownGroupError(command) : commitError(group, command);
  if (error !== ErrorCode.NONE) {
    answer(
      turn,
      command.ticket,
      command.offsets.map(() => error),
    );
    return;
  }
  storeOffsets(turn, group ?? turn.createGroup(command.groupId), command);
}

type OffsetsStored = Extract<WriteCompletion, { kind: 'offsets-stored' }>;

export function onOffsetsStored(turn: Turn, stored: OffsetsStored, appendError: number): void {
  for (const at of stored.written) turn.state.pendingOffsetWrites.remove(stored.groupId, at);
  const outcome = appendError === ErrorCode.NONE ? ErrorCode.NONE : offsetErrorOfAppend(appendError);
  answer(
    turn,
    stored.ticket,
    stored.errorCodes.map((errorCode) => (errorCode === ErrorCode.NONE ? outcome : errorCode)),
  );
}

/** Without a generation any consumer may keep its offsets under a group's name that nobody has used. */
function unknownGroupError(command: OffsetCommitCommand): number {
  if (command.generationId < 0) return ErrorCode.NONE;
  return command.namesUnknownGroup ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
}

function commitError(group: ClassicGroup, command: OffsetCommitCommand): number {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const { generationId, memberId, groupInstanceId } = command;
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE;
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    // A group with members takes offsets from them alone.
    return ErrorCode.UNKNOWN_MEMBER_ID;
  }
  const error = memberOfGenerationError(group, memberId, groupInstanceId, generationId);
  if (error !== ErrorCode.NONE) return error;
  // Its heartbeat will tell a member to rejoin; who has not even asked for its assignment has nothing to commit.
  return group.state === 'CompletingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

function storeOffsets(turn: Turn, group: ClassicGroup, command: OffsetCommitCommand): void {
  const member = group.member(command.memberId);
  if (member !== undefined) extendSession(turn, group, member, member.sessionTimeoutMs);
  const { groupId, ticket } = command;
  const errorCodes = command.offsets.map((offset) =>
    (offset.metadata?.length ?? 0) > turn.state.settings.offsetMetadataSizeMax
      ? ErrorCode.OFFSET_METADATA_TOO_LARGE
      : ErrorCode.NONE,
  );
  const written = command.offsets.filter((_, i) => errorCodes[i] === ErrorCode.NONE);
  if (written.length === 0) {
    answer(turn, ticket, errorCodes);
    return;
  }
  const expireTimestampMs = expiryOf(command, turn.now.wallMs);
  for (const at of written) turn.state.pendingOffsetWrites.add(groupId, at);
  turn.write({
    records: written.map((offset) => ({
      kind: 'offset',
      groupId,
      topic: offset.topic,
      partition: offset.partition,
      value: committedOffset(offset, turn.now.wallMs, expireTimestampMs),
    })),
    completion: { kind: 'offsets-stored', groupId, ticket, errorCodes, written },
    divisible: false,
  });
}

/**
 * Retention that the client asks for (v2 to v4, before KIP-211). Nobody commits in order to forget at once: zero,
 * which a version of Sarama sends where it means the default, counts as the default as -1 does.
 */
function expiryOf(command: OffsetCommitCommand, nowWallMs: number): number | null {
  return command.retentionTimeMs > 0 ? nowWallMs + command.retentionTimeMs : null;
}

function committedOffset(
  offset: OffsetToCommit,
  nowWallMs: number,
  expireTimestampMs: number | null,
): CommittedOffset {
  return {
    offset: offset.offset,
    leaderEpoch: offset.leaderEpoch,
    metadata: offset.metadata ?? '',
    commitTimestampMs: offset.commitTimestampMs === -1 ? nowWallMs : offset.commitTimestampMs,
    expireTimestampMs,
  };
}

function answer(turn: Turn, ticket: number, errorCodes: readonly number[]): void {
  turn.answer(ticket, { kind: 'offset-commit', errorCodes });
}
