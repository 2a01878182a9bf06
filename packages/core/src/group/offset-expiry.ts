import type { ClassicGroup } from './classic-group.ts';
import type { TopicPartition } from './group-commands.ts';
import type { CommittedOffset } from './group-records.ts';
import type { Turn } from './shard-turn.ts';
import { CONSUMER_PROTOCOL_TYPE } from './subscribed-topics.ts';

/**
 * Whether an offset may be forgotten (KIP-211): of a group without members, the retention after the last one
 * left; of a stable consumer group, the retention after the commit if nobody subscribes to the topic; of a group
 * that only keeps offsets, the retention after the commit. A commit that brought its own expiry goes by that.
 * What is being written, and what groups in between of two generations have, stays.
 */
export function hasExpired(
  turn: Turn,
  group: ClassicGroup,
  offset: TopicPartition & { readonly value: CommittedOffset },
): boolean {
  const { topic, partition, value } = offset;
  const { store, pendingOffsetWrites, settings } = turn.state;
  const countsFromMs = retentionStart(group, topic, value);
  if (countsFromMs === null) return false;
  if (pendingOffsetWrites.has(group.groupId, topic, partition)) return false;
  if (store.isPendingInTransaction(group.groupId, topic, partition)) return false;
  if (value.expireTimestampMs !== null) return turn.now.wallMs >= value.expireTimestampMs;
  return turn.now.wallMs - countsFromMs >= settings.offsetsRetentionMs;
}

/** @returns null where the offset is in use */
function retentionStart(group: ClassicGroup, topic: string, value: CommittedOffset): number | null {
  if (group.protocolType === null) return value.commitTimestampMs;
  if (group.state === 'Empty') return group.stateSinceMs ?? value.commitTimestampMs;
  if (group.state !== 'Stable' || group.protocolType !== CONSUMER_PROTOCOL_TYPE) return null;
  const subscriptions = group.subscriptions();
  return subscriptions === null || subscriptions.has(topic) ? null : value.commitTimestampMs;
}
