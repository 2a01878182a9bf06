import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { alterShareGroupOffsetsApi } from '@odradek/protocol/generated/apis/alter-share-group-offsets.ts';
import { deleteShareGroupOffsetsApi } from '@odradek/protocol/generated/apis/delete-share-group-offsets.ts';
import { describeShareGroupOffsetsApi } from '@odradek/protocol/generated/apis/describe-share-group-offsets.ts';
import { shareGroupDescribeApi } from '@odradek/protocol/generated/apis/share-group-describe.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../cluster/coordinators.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import type { GroupMember } from './groups.ts';
import { refusalsOf, type PartitionRefusal } from './partition-refusal.ts';

export interface ShareGroupDescription {
  readonly groupId: string;
  /** Empty, Stable or Dead. */
  readonly state: string;
  readonly assignor: string;
  /** The broker that coordinates the group. */
  readonly coordinatorId: number;
  /** The same partition may be with several. */
  readonly members: readonly GroupMember[];
}

export interface ShareGroupOffset extends TopicPartition {
  /** Everything before it is done with, and maybe more that is not written down yet; null when the group has not read the partition yet. */
  readonly startOffset: number | null;
  /** Records that are not done with; null when the broker does not tell (before Kafka 4.2). */
  readonly lag: number | null;
}

export interface StartOffsetChange extends TopicPartition {
  readonly startOffset: number;
}

/** @throws KafkaError GROUP_ID_NOT_FOUND; UnsupportedApiError where there are no share groups */
export async function describeShareGroup(cluster: Cluster, groupId: string): Promise<ShareGroupDescription> {
  const coordinator = coordinatorOf(cluster, groupId);
  const answer = await coordinator.request(
    shareGroupDescribeApi,
    { groupIds: [groupId], includeAuthorizedOperations: false },
    ({ groups }) => groups.map(({ errorCode }) => errorCode),
  );
  const [group] = answer.groups;
  throwGroupError(groupId, group?.errorCode, group?.errorMessage);
  const { groupState: state, assignorName: assignor, members } = group!;
  return {
    groupId,
    state,
    assignor,
    coordinatorId: (await coordinator.find()).nodeId,
    members: members.map(({ memberId, clientId, clientHost, assignment }) => ({
      memberId,
      instanceId: null,
      clientId,
      host: clientHost.replace(/^\//, ''),
      partitions: assignment.topicPartitions.flatMap(({ topicName: topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    })),
  };
}

/**
 * How far a share group is, in every partition that it has read or in those asked for.
 *
 * @throws KafkaError GROUP_ID_NOT_FOUND, and what a partition is refused with; UnsupportedApiError
 */
export async function listShareGroupOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null = null,
): Promise<readonly ShareGroupOffset[]> {
  const topics = partitions === null ? null : [...byTopic(partitions)];
  const answer = await coordinatorOf(cluster, groupId).request(
    describeShareGroupOffsetsApi,
    {
      groups: [
        {
          groupId,
          topics:
            topics?.map(([topicName, ofTopic]) => {
              return { topicName, partitions: ofTopic.map(({ partition }) => partition) };
            }) ?? null,
        },
      ],
    },
    ({ groups }) => groups.map(({ errorCode }) => errorCode),
  );
  const [group] = answer.groups;
  throwGroupError(groupId, group?.errorCode, group?.errorMessage);
  return group!.topics.flatMap(({ topicName: topic, partitions: ofTopic }) =>
    ofTopic.map(({ partitionIndex: partition, startOffset, lag, errorCode, errorMessage }) => {
      if (errorCode !== ErrorCode.NONE) {
        throw new KafkaError(errorCode, `${topic}-${partition}: ${errorMessage ?? errorName(errorCode)}`);
      }
      const isRead = startOffset >= 0;
      return { topic, partition, startOffset: isRead ? startOffset : null, lag: lag >= 0 ? lag : null };
    }),
  );
}

/**
 * Lets a share group without members go on from elsewhere: everything before is done with, everything from there on is
 * delivered, also what was done with already.
 *
 * @returns the partitions that were refused; the others are changed
 * @throws KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND; UnsupportedApiError
 */
export async function alterShareGroupOffsets(
  cluster: Cluster,
  groupId: string,
  changes: readonly StartOffsetChange[],
): Promise<readonly PartitionRefusal[]> {
  const topics = [...byTopic(changes)].map(([topicName, ofTopic]) => ({
    topicName,
    partitions: ofTopic.map(({ partition, startOffset }) => ({ partitionIndex: partition, startOffset })),
  }));
  const answer = await changeOffsets(cluster, groupId, alterShareGroupOffsetsApi, { groupId, topics });
  return refusalsOf(
    answer.responses.flatMap(({ topicName: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, errorCode, errorMessage }) => {
        return { topic, partition, errorCode, errorMessage };
      }),
    ),
  );
}

/**
 * Forgets how far a share group without members is in these topics: it begins there as a new one would.
 *
 * @returns the errors of those topics that have one, by name
 * @throws KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND; UnsupportedApiError
 */
export async function deleteShareGroupOffsets(
  cluster: Cluster,
  groupId: string,
  topics: readonly string[],
): Promise<ReadonlyMap<string, KafkaError>> {
  const answer = await changeOffsets(cluster, groupId, deleteShareGroupOffsetsApi, {
    groupId,
    topics: topics.map((topicName) => ({ topicName })),
  });
  const refused = answer.responses.filter(({ errorCode }) => errorCode !== ErrorCode.NONE);
  return new Map(
    refused.map(({ topicName, errorCode, errorMessage }) => {
      return [topicName, new KafkaError(errorCode, `${topicName}: ${errorMessage ?? errorName(errorCode)}`)];
    }),
  );
}

async function changeOffsets<
  RequestInput,
  Response extends { readonly errorCode: number; readonly errorMessage: string | null },
>(
  cluster: Cluster,
  groupId: string,
  api: ApiCodec<unknown, RequestInput, Response, never>,
  request: RequestInput,
): Promise<Response> {
  const answer = await coordinatorOf(cluster, groupId).request(
    api,
    () => request,
    ({ errorCode }) => [errorCode],
  );
  throwGroupError(groupId, answer.errorCode, answer.errorMessage);
  return answer;
}

/** Not the share coordinator: that one is for brokers, which keep the state of groups there. */
function coordinatorOf(cluster: Cluster, groupId: string): Coordinator {
  return new Coordinator(cluster, CoordinatorType.GROUP, groupId);
}

function byTopic<At extends TopicPartition>(partitions: readonly At[]): Map<string, At[]> {
  return Map.groupBy(partitions, ({ topic }) => topic);
}

function throwGroupError(
  groupId: string,
  code: number | undefined,
  message: string | null | undefined,
): void {
  if (code === ErrorCode.NONE) return;
  if (code === ErrorCode.GROUP_ID_NOT_FOUND) {
    throw new KafkaError(code, `there is no share group "${groupId}"`);
  }
  const known = code ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  throw new KafkaError(known, `share group "${groupId}": ${message ?? errorName(known)}`);
}
