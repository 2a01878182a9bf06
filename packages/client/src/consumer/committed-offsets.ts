import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import type { OffsetCommitRequestInput } from '@odradek/protocol/generated/offset-commit-request.ts';
import type { OffsetFetchRequestInput } from '@odradek/protocol/generated/offset-fetch-request.ts';
import type { OffsetFetchResponse } from '@odradek/protocol/generated/offset-fetch-response.ts';
import type { Coordinator } from '../cluster/coordinators.ts';
import { partitionKey, type TopicPartition } from '../cluster/topic-partition.ts';
import { UnsupportedApiError } from '../errors.ts';

export interface CommittedOffset extends TopicPartition {
  /** The next offset to be read. */
  readonly offset: number;
  /** The leader epoch of the record before it, where it is known. */
  readonly leaderEpoch?: number;
  readonly metadata: string | null;
}

export interface OffsetToCommit extends TopicPartition {
  /** The next offset to be read: one past the last record that is done. */
  readonly offset: number;
  /** The leader epoch of the record before it, by which a truncated log is told apart. Default: not known. */
  readonly leaderEpoch?: number;
  /** Kept beside the offset. Default empty. */
  readonly metadata?: string;
}

/** Who commits: a member of the current generation, or a tool while the group has no members. */
export interface Committer {
  readonly memberId: string;
  readonly generationId: number;
  /** Of a static member. */
  readonly instanceId: string | null;
}

/** For groups without members. */
export const TOOL: Committer = { memberId: '', generationId: -1, instanceId: null };

/** The last versions of both APIs that name topics instead of giving their ids. */
const OFFSET_FETCH_BY_NAME_MAX = 9;
const OFFSET_COMMIT_BY_NAME_MAX = 9;
/** From this version on one request asks for several groups. */
const OFFSET_FETCH_GROUPS_VERSION = 8;
const OFFSET_FETCH_ALL_VERSION = 2;
const REQUIRE_STABLE_VERSION = 7;
const COMMIT_EPOCH_VERSION = 6;
const COMMIT_INSTANCE_VERSION = 7;

/**
 * What a group has committed, by `partitionKey`; partitions without a commit are left out.
 *
 * @param partitions those asked for, or null for all
 * @throws KafkaError
 */
export async function fetchCommitted(
  coordinator: Coordinator,
  partitions: readonly TopicPartition[] | null,
): Promise<Map<string, CommittedOffset>> {
  const answer = await coordinator.request(
    offsetFetchApi,
    (version) => offsetFetchRequest(version, coordinator.key, partitions),
    offsetFetchErrors,
    { versionMax: OFFSET_FETCH_BY_NAME_MAX },
  );
  const failed = offsetFetchErrors(answer).find((code) => code !== ErrorCode.NONE);
  if (failed !== undefined) {
    throw new KafkaError(failed, `offsets of group "${coordinator.key}": ${errorName(failed)}`);
  }
  const committed = new Map<string, CommittedOffset>();
  for (const topic of topicsOf(answer)) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata } of topic.partitions) {
      if (committedOffset < 0) continue;
      const at = { topic: topic.name, partition: partitionIndex };
      const epoch = committedLeaderEpoch >= 0 ? { leaderEpoch: committedLeaderEpoch } : {};
      committed.set(partitionKey(at), { ...at, offset: committedOffset, ...epoch, metadata });
    }
  }
  return committed;
}

/** Commits all or throws. @throws KafkaError of the first partition that was refused */
export async function commitOffsets(
  coordinator: Coordinator,
  committer: Committer,
  offsets: readonly OffsetToCommit[],
): Promise<void> {
  if (offsets.length === 0) return;
  const answer = await coordinator.request(
    offsetCommitApi,
    (version) => offsetCommitRequest(version, coordinator.key, committer, offsets),
    ({ topics }) => topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
    { versionMax: OFFSET_COMMIT_BY_NAME_MAX },
  );
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode } of partitions) {
      if (errorCode === ErrorCode.NONE) continue;
      throw new KafkaError(
        errorCode,
        `commit for group "${coordinator.key}", ${name}-${partitionIndex}: ${errorName(errorCode)}`,
      );
    }
  }
}

function offsetFetchRequest(
  version: number,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
): OffsetFetchRequestInput {
  if (partitions === null && version < OFFSET_FETCH_ALL_VERSION) {
    throw new UnsupportedApiError('the broker is too old to list the offsets of a group');
  }
  const topics =
    partitions === null
      ? null
      : [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, ofTopic]) => ({
          name,
          partitionIndexes: ofTopic.map(({ partition }) => partition),
        }));
  const stable = version >= REQUIRE_STABLE_VERSION ? { requireStable: true } : {};
  return version >= OFFSET_FETCH_GROUPS_VERSION
    ? { groups: [{ groupId, topics }], ...stable }
    : { groupId, topics, ...stable };
}

function offsetCommitRequest(
  version: number,
  groupId: string,
  committer: Committer,
  offsets: readonly OffsetToCommit[],
): OffsetCommitRequestInput {
  return {
    groupId,
    ...(version >= 1
      ? { memberId: committer.memberId, generationIdOrMemberEpoch: committer.generationId }
      : {}),
    ...(version >= COMMIT_INSTANCE_VERSION ? { groupInstanceId: committer.instanceId } : {}),
    topics: [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        ...(version >= COMMIT_EPOCH_VERSION ? { committedLeaderEpoch: leaderEpoch ?? -1 } : {}),
        committedMetadata: metadata ?? '',
      })),
    })),
  };
}

/** From version 8 on everything is per group. */
function topicsOf(answer: OffsetFetchResponse): OffsetFetchResponse['topics'] {
  return answer.groups[0]?.topics ?? answer.topics;
}

function offsetFetchErrors(answer: OffsetFetchResponse): number[] {
  return [
    answer.errorCode,
    ...answer.groups.map(({ errorCode }) => errorCode),
    ...topicsOf(answer).flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
  ];
}
