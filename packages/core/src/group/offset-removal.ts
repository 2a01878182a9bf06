import { ErrorCode } from '@odradek/protocol/errors.ts';
import { offsetErrorOfAppend } from './append-errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type {
  ExpireOffsetsCommand,
  OffsetDeleteCommand,
  TopicsDeletedCommand,
  TopicPartition,
  WriteCompletion,
} from './group-commands.ts';
import {
  finishDeletion,
  groupTombstone,
  hasNoOffsetsBut,
  knownOffsets,
  knownOffsetsOf,
  offsetTombstones,
  startDeletion,
} from './group-deletion.ts';
import { hasExpired } from './offset-expiry.ts';
import type { Turn } from './shard-turn.ts';
import { CONSUMER_PROTOCOL_TYPE } from './subscribed-topics.ts';

/** OffsetDelete: an administrator takes back offsets that no member of the group lives by. */
export function deleteOffsets(turn: Turn, command: OffsetDeleteCommand): void {
  const { ticket } = command;
  const group = turn.group(command.groupId);
  const groupError = deletionError(group);
  if (group === undefined || groupError !== ErrorCode.NONE) {
    turn.answer(ticket, { kind: 'offset-delete', errorCode: groupError, errorCodes: [] });
    return;
  }
  const errorCodes = command.partitions.map(({ topic }) =>
    isSubscribed(group, topic) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE,
  );
  const known = new Set(knownOffsets(turn, group.groupId).map(keyOf));
  const removed = command.partitions.filter(
    (at, i) => errorCodes[i] === ErrorCode.NONE && known.delete(keyOf(at)),
  );
  removeOffsets(turn, group, removed, { ticket, errorCodes });
}

/**
 * Offsets of topics that exist no more go, whatever the group. All at once, for the topic may come again and be
 * committed for: a group without any costs a lookup, a hundred thousand of them some milliseconds.
 */
export function removeOffsetsOfDeletedTopics(turn: Turn, command: TopicsDeletedCommand): void {
  const gone = new Set(command.topics);
  for (const group of turn.state.groups.values()) {
    if (group.state === 'Dead') continue;
    const removed = knownOffsetsOf(turn, group.groupId, gone);
    if (removed.length > 0) removeOffsets(turn, group, removed, null);
  }
}

/** Takes out what is older than the retention, and empty groups that nothing is left of. */
export function expireOffsets(turn: Turn, command: ExpireOffsetsCommand): void {
  for (const groupId of command.groupIds) {
    const group = turn.group(groupId);
    if (group === undefined || group.state === 'Dead') continue;
    const expired = [...turn.state.store.offsets(groupId)].filter((offset) =>
      hasExpired(turn, group, offset),
    );
    if (expired.length > 0 || isBare(turn, group, expired)) removeOffsets(turn, group, expired, null);
  }
}

type OffsetsDeleted = Extract<WriteCompletion, { kind: 'offsets-deleted' }>;

export function onOffsetsDeleted(turn: Turn, deleted: OffsetsDeleted, appendError: number): void {
  const error = appendError === ErrorCode.NONE ? ErrorCode.NONE : offsetErrorOfAppend(appendError);
  const group = turn.group(deleted.groupId);
  if (deleted.deletesGroup && group?.state === 'Dead') finishDeletion(turn, group, error);
  if (deleted.request === null) return;
  const { ticket, errorCodes } = deleted.request;
  if (error === ErrorCode.NONE)
    turn.answer(ticket, { kind: 'offset-delete', errorCode: ErrorCode.NONE, errorCodes });
  else turn.answer(ticket, { kind: 'offset-delete', errorCode: error, errorCodes: [] });
}

function removeOffsets(
  turn: Turn,
  group: ClassicGroup,
  removed: readonly TopicPartition[],
  request: OffsetsDeleted['request'],
): void {
  const { groupId } = group;
  const deletesGroup = isBare(turn, group, removed);
  const records = offsetTombstones(groupId, removed);
  if (deletesGroup) {
    records.push(...groupTombstone(turn, group));
    startDeletion(turn, group);
  }
  const completion: OffsetsDeleted = { kind: 'offsets-deleted', groupId, request, deletesGroup };
  if (records.length === 0) onOffsetsDeleted(turn, completion, ErrorCode.NONE);
  else turn.write({ records, completion, divisible: true });
}

/** Nobody is in the group or about to be, and without these offsets it would hold nothing. */
function isBare(turn: Turn, group: ClassicGroup, without: readonly TopicPartition[]): boolean {
  if (group.state !== 'Empty' || group.pendingMembers.size > 0) return false;
  return hasNoOffsetsBut(turn, group.groupId, without);
}

function deletionError(group: ClassicGroup | undefined): number {
  if (group === undefined || group.state === 'Dead') return ErrorCode.GROUP_ID_NOT_FOUND;
  if (group.state === 'Empty' || group.protocolType === CONSUMER_PROTOCOL_TYPE) return ErrorCode.NONE;
  return ErrorCode.NON_EMPTY_GROUP;
}

/** A consumer group whose subscriptions are not known may be subscribed to anything. */
function isSubscribed(group: ClassicGroup, topic: string): boolean {
  if (group.state === 'Empty') return false;
  return group.subscriptions()?.has(topic) ?? true;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}\0${partition}`;
}
