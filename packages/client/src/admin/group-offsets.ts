import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../cluster/coordinators.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { TOOL, commitOffsets, fetchCommitted, type CommittedOffset } from '../consumer/committed-offsets.ts';
import { listOffsets, type OffsetSpec } from '../consumer/list-offsets.ts';
import { ClientError } from '../errors.ts';
import { describeGroup, type GroupDescription, type GroupMember } from './groups.ts';
import { describeTopic, listTopics } from './topics.ts';

export interface PartitionLag extends TopicPartition {
  /** The next offset that the group will read; null when it committed none. */
  readonly committedOffset: number | null;
  /** Where the partition ends; null when it exists no more. */
  readonly endOffset: number | null;
  /** Records still to be read; null when one of the two is not known. */
  readonly lag: number | null;
  /** Who reads the partition at present. */
  readonly member: GroupMember | null;
}

/** Where committed offsets are to go. */
export type OffsetTarget =
  | { readonly to: 'earliest' | 'latest' }
  | { readonly to: 'offset'; readonly offset: number }
  | { readonly to: 'time'; readonly timestampMs: number }
  | { readonly to: 'shifted'; readonly by: number };

export interface TopicSelection {
  readonly topic: string;
  /** Null for all. */
  readonly partitions: readonly number[] | null;
}

export interface OffsetChange extends TopicPartition {
  /** Null when the group has committed none. */
  readonly currentOffset: number | null;
  readonly offset: number;
}

/** How far a group is in each partition that it reads or has committed, by topic and partition. */
export async function groupLag(cluster: Cluster, group: GroupDescription): Promise<readonly PartitionLag[]> {
  const committed = await fetchCommitted(coordinatorOf(cluster, group.groupId), null);
  const readers = new Map<string, GroupMember>();
  const partitions = new Map<string, TopicPartition>(committed);
  for (const member of group.members) {
    for (const partition of member.partitions) {
      readers.set(partitionKey(partition), member);
      partitions.set(partitionKey(partition), partition);
    }
  }
  const existing = await onlyExisting(cluster, [...partitions.values()]);
  const ends = await listOffsets(
    cluster,
    existing.map(({ topic, partition }) => ({ topic, partition, at: 'latest' })),
  );
  return [...partitions.values()].toSorted(byTopicAndPartition).map(({ topic, partition }) => {
    const key = partitionKey({ topic, partition });
    const committedOffset = committed.get(key)?.offset ?? null;
    const endOffset = ends.get(key)?.offset ?? null;
    const lag =
      committedOffset === null || endOffset === null ? null : Math.max(endOffset - committedOffset, 0);
    return { topic, partition, committedOffset, endOffset, lag, member: readers.get(key) ?? null };
  });
}

/**
 * What a reset would do. Offsets outside a log become its first or next one.
 *
 * @param selections what to move, or null for everything the group has committed
 * @throws ClientError GROUP_ACTIVE, NOTHING_TO_RESET, NO_OFFSET; KafkaError UNKNOWN_TOPIC_OR_PARTITION
 */
export async function planOffsetReset(
  cluster: Cluster,
  groupId: string,
  selections: readonly TopicSelection[] | null,
  target: OffsetTarget,
): Promise<readonly OffsetChange[]> {
  await requireInactive(cluster, groupId);
  const committed = await fetchCommitted(coordinatorOf(cluster, groupId), null);
  const partitions =
    selections === null
      ? await onlyExisting(cluster, [...committed.values()])
      : await selected(cluster, selections);
  if (partitions.length === 0) {
    throw new ClientError('NOTHING_TO_RESET', `group "${groupId}" has committed nothing that exists`);
  }
  const offsetsAt = (at: OffsetSpec): ReturnType<typeof listOffsets> =>
    listOffsets(
      cluster,
      partitions.map(({ topic, partition }) => ({ topic, partition, at })),
    );
  const first = await offsetsAt('earliest');
  const next = await offsetsAt('latest');
  const timed = target.to === 'time' ? await offsetsAt({ timestampMs: target.timestampMs }) : new Map();
  return partitions.toSorted(byTopicAndPartition).map(({ topic, partition }) => {
    const key = partitionKey({ topic, partition });
    const start = first.get(key)!.offset;
    const end = next.get(key)!.offset;
    const current = committed.get(key);
    const atTime: number = timed.get(key)?.offset ?? -1;
    const wanted = wantedOffset(target, { topic, partition }, current, start, end, atTime);
    const offset = Math.min(Math.max(wanted, start), end);
    return { topic, partition, currentOffset: current?.offset ?? null, offset };
  });
}

/** Commits for a group without members. @throws KafkaError UNKNOWN_MEMBER_ID when it has some again */
export function commitGroupOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly OffsetChange[],
): Promise<void> {
  return commitOffsets(coordinatorOf(cluster, groupId), TOOL, offsets);
}

function coordinatorOf(cluster: Cluster, groupId: string): Coordinator {
  return new Coordinator(cluster, CoordinatorType.GROUP, groupId);
}

/** A group that does not exist yet has no members either. */
async function requireInactive(cluster: Cluster, groupId: string): Promise<void> {
  try {
    const { members } = await describeGroup(cluster, groupId);
    if (members.length === 0) return;
    throw new ClientError(
      'GROUP_ACTIVE',
      `group "${groupId}" has ${members.length} members; stop its consumers first`,
    );
  } catch (error) {
    if (error instanceof KafkaError && error.code === ErrorCode.GROUP_ID_NOT_FOUND) return;
    throw error;
  }
}

async function selected(
  cluster: Cluster,
  selections: readonly TopicSelection[],
): Promise<readonly TopicPartition[]> {
  const partitions = new Map<string, TopicPartition>();
  for (const selection of selections) {
    const { partitions: existing } = await describeTopic(cluster, selection.topic);
    for (const partition of selection.partitions ?? existing.map((known) => known.partition)) {
      if (existing[partition] === undefined) {
        throw new KafkaError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `topic "${selection.topic}" has partitions 0 to ${existing.length - 1}, not ${partition}`,
        );
      }
      const at = { topic: selection.topic, partition };
      partitions.set(partitionKey(at), at);
    }
  }
  return [...partitions.values()];
}

async function onlyExisting<At extends TopicPartition>(
  cluster: Cluster,
  partitions: readonly At[],
): Promise<readonly At[]> {
  const counts = new Map((await listTopics(cluster)).map((topic) => [topic.name, topic.partitions.length]));
  return partitions.filter(({ topic, partition }) => partition < (counts.get(topic) ?? 0));
}

function wantedOffset(
  target: OffsetTarget,
  at: TopicPartition,
  current: CommittedOffset | undefined,
  start: number,
  end: number,
  atTime: number,
): number {
  switch (target.to) {
    case 'earliest':
      return start;
    case 'latest':
      return end;
    case 'offset':
      return target.offset;
    case 'time':
      return atTime < 0 ? end : atTime;
    case 'shifted':
      if (current !== undefined) return current.offset + target.by;
      throw new ClientError('NO_OFFSET', `${at.topic}-${at.partition} has no committed offset to shift`);
  }
}

function byTopicAndPartition(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}
