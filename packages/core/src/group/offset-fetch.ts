import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { FetchedOffset, OffsetFetchCommand, TopicPartition } from './group-commands.ts';
import type { CommittedOffset } from './group-records.ts';
import type { Turn } from './shard-turn.ts';

/** OffsetFetch: what is committed, whatever state the group is in; an unknown group has committed nothing. */
export function fetchOffsets(turn: Turn, command: OffsetFetchCommand): void {
  const partitions = command.partitions ?? [...turn.state.store.offsets(command.groupId)];
  turn.answer(command.ticket, {
    kind: 'offset-fetch',
    errorCode: ErrorCode.NONE,
    offsets: partitions.map((at) => fetchedOffset(turn, command, at)),
  });
}

function fetchedOffset(turn: Turn, command: OffsetFetchCommand, at: TopicPartition): FetchedOffset {
  const { groupId } = command;
  const { topic, partition } = at;
  if (command.requireStable && isUnstable(turn, groupId, topic, partition)) {
    return noOffset(topic, partition, ErrorCode.UNSTABLE_OFFSET_COMMIT);
  }
  const value: CommittedOffset | null = turn.state.store.offset(groupId, topic, partition);
  if (value === null) return noOffset(topic, partition, ErrorCode.NONE);
  return {
    topic,
    partition,
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    errorCode: ErrorCode.NONE,
  };
}

function isUnstable(turn: Turn, groupId: string, topic: string, partition: number): boolean {
  const { store, pendingOffsetWrites } = turn.state;
  return (
    pendingOffsetWrites.has(groupId, topic, partition) ||
    store.isPendingInTransaction(groupId, topic, partition)
  );
}

function noOffset(topic: string, partition: number, errorCode: number): FetchedOffset {
  return { topic, partition, offset: -1, leaderEpoch: -1, metadata: '', errorCode };
}
