import { ErrorCode } from '@odradek/protocol/errors.ts';
import { offsetErrorOfAppend } from './append-errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { DeleteGroupCommand, TopicPartition, WriteCompletion } from './group-commands.ts';
import type { GroupRecord } from './group-records.ts';
import { cancelGroupTimers } from './rebalance.ts';
import { endPendingSession } from './session.ts';
import type { Turn } from './shard-turn.ts';

/** DeleteGroups, for one group: only one without members goes, with all its offsets. */
export function deleteGroup(turn: Turn, command: DeleteGroupCommand): void {
  const group = turn.group(command.groupId);
  const error = deletionError(group);
  if (group === undefined || error !== ErrorCode.NONE) {
    turn.answer(command.ticket, { kind: 'delete-group', errorCode: error });
    return;
  }
  const records = [
    ...offsetTombstones(group.groupId, knownOffsets(turn, group.groupId)),
    ...groupTombstone(turn, group),
  ];
  startDeletion(turn, group);
  const completion = { kind: 'group-deleted', groupId: group.groupId, ticket: command.ticket } as const;
  if (records.length === 0) onGroupDeleted(turn, group, completion, ErrorCode.NONE);
  else turn.write({ records, completion, divisible: true });
}

type GroupDeleted = Extract<WriteCompletion, { kind: 'group-deleted' }>;

export function onGroupDeleted(
  turn: Turn,
  group: ClassicGroup,
  deleted: GroupDeleted,
  appendError: number,
): void {
  const errorCode = appendError === ErrorCode.NONE ? ErrorCode.NONE : offsetErrorOfAppend(appendError);
  finishDeletion(turn, group, errorCode);
  turn.answer(deleted.ticket, { kind: 'delete-group', errorCode });
}

/** Nobody gets in from here on; until its tombstones are committed the group is there as `Dead`. */
export function startDeletion(turn: Turn, group: ClassicGroup): void {
  for (const memberId of group.pendingMembers) endPendingSession(turn, group, memberId);
  group.pendingMembers.clear();
  cancelGroupTimers(turn, group);
  group.transitionTo('Dead', turn.now.wallMs);
}

export function finishDeletion(turn: Turn, group: ClassicGroup, errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) group.transitionTo('Empty', turn.now.wallMs);
  else if (turn.group(group.groupId) === group) turn.state.groups.delete(group.groupId);
}

/** The record that ends a group; none when the log never heard of it. */
export function groupTombstone(turn: Turn, group: ClassicGroup): GroupRecord[] {
  const isStored = group.generationId > 0 || turn.state.store.metadata(group.groupId) !== null;
  return isStored ? [{ kind: 'group', groupId: group.groupId, value: null }] : [];
}

export function offsetTombstones(groupId: string, partitions: Iterable<TopicPartition>): GroupRecord[] {
  return Array.from(partitions, ({ topic, partition }) => ({
    kind: 'offset',
    groupId,
    topic,
    partition,
    value: null,
  }));
}

/** Partitions that the log holds offsets for: committed, on their way, or part of a running transaction. */
export function knownOffsets(turn: Turn, groupId: string): TopicPartition[] {
  return [...distinct(holdings(turn, groupId))];
}

/** The same, of these topics only: costs nothing for a group that has none of them. */
export function knownOffsetsOf(turn: Turn, groupId: string, topics: ReadonlySet<string>): TopicPartition[] {
  const { store, pendingOffsetWrites } = turn.state;
  const found: TopicPartition[] = [];
  for (const topic of topics) {
    for (const partition of store.partitionsOf(groupId, topic)) found.push({ topic, partition });
  }
  for (const at of pendingOffsetWrites.of(groupId)) if (topics.has(at.topic)) found.push(at);
  for (const at of store.pendingInTransactions(groupId)) if (topics.has(at.topic)) found.push(at);
  return [...distinct(found)];
}

/** Whether the log holds no offsets of the group but these. */
export function hasNoOffsetsBut(turn: Turn, groupId: string, these: readonly TopicPartition[]): boolean {
  const excepted = new Set(these.map(keyOf));
  for (const at of holdings(turn, groupId)) if (!excepted.has(keyOf(at))) return false;
  return true;
}

/** Some partitions more than once. */
function* holdings(turn: Turn, groupId: string): Generator<TopicPartition> {
  const { store, pendingOffsetWrites } = turn.state;
  for (const { topic, partition } of store.offsets(groupId)) yield { topic, partition };
  yield* pendingOffsetWrites.of(groupId);
  yield* store.pendingInTransactions(groupId);
}

function distinct(partitions: Iterable<TopicPartition>): IterableIterator<TopicPartition> {
  const found = new Map<string, TopicPartition>();
  for (const at of partitions) found.set(keyOf(at), at);
  return found.values();
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}\0${partition}`;
}

function deletionError(group: ClassicGroup | undefined): number {
  if (group === undefined || group.state === 'Dead') return ErrorCode.GROUP_ID_NOT_FOUND;
  return group.state === 'Empty' ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
}
