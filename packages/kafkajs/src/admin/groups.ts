import type { Cluster } from '@odradek/client/index.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { deleteGroupsApi } from '@odradek/protocol/generated/apis/delete-groups.ts';
import { describeGroupsApi } from '@odradek/protocol/generated/apis/describe-groups.ts';
import { listGroupsApi } from '@odradek/protocol/generated/apis/list-groups.ts';
import { protocolError } from '../error-translation.ts';
import { KafkaJSDeleteGroupsError, KafkaJSNonRetriableError, type DeleteGroupsResult } from '../errors.ts';

export interface GroupOverview {
  readonly groupId: string;
  readonly protocolType: string;
}

export interface MemberDescription {
  readonly clientHost: string;
  readonly clientId: string;
  readonly memberId: string;
  readonly memberAssignment: Buffer;
  readonly memberMetadata: Buffer;
}

export type ConsumerGroupState =
  'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty';

export interface GroupDescription {
  readonly errorCode: number;
  readonly groupId: string;
  readonly members: MemberDescription[];
  readonly protocol: string;
  readonly protocolType: string;
  readonly state: ConsumerGroupState;
}

export interface GroupDescriptions {
  readonly groups: GroupDescription[];
}

/** From this version on a group that is not there is an error, before it is "Dead". */
const NOT_FOUND_VERSION = 6;

function coordinatorOf(cluster: Cluster, groupId: string): Coordinator {
  return new Coordinator(cluster, CoordinatorType.GROUP, groupId);
}

/** @throws KafkaError */
export async function describeGroups(
  cluster: Cluster,
  groupIds: readonly string[],
): Promise<GroupDescriptions> {
  const answers = await Promise.all(
    groupIds.map((groupId) =>
      coordinatorOf(cluster, groupId).request(
        describeGroupsApi,
        { groups: [groupId] },
        ({ groups }) => groups.map(({ errorCode }) => errorCode),
        { versionMax: NOT_FOUND_VERSION - 1 },
      ),
    ),
  );
  const groups = answers.flatMap((answer) =>
    answer.groups.map(
      ({ errorCode, groupId, groupState, protocolType, protocolData, members }): GroupDescription => ({
        errorCode,
        groupId,
        protocolType,
        protocol: protocolData,
        state: groupState as ConsumerGroupState,
        members: members.map(({ memberId, clientId, clientHost, memberMetadata, memberAssignment }) => ({
          memberId,
          clientId,
          clientHost,
          memberMetadata,
          memberAssignment,
        })),
      }),
    ),
  );
  return { groups };
}

/** @throws KafkaJSProtocolError */
export async function listGroups(cluster: Cluster): Promise<{ groups: GroupOverview[] }> {
  await cluster.refresh([]);
  const groups: GroupOverview[] = [];
  for (const node of await cluster.nodes()) {
    const answer = await cluster.request(node, listGroupsApi, {});
    if (answer.errorCode !== ErrorCode.NONE) throw protocolError(answer.errorCode);
    groups.push(...answer.groups.map(({ groupId, protocolType }) => ({ groupId, protocolType })));
  }
  return { groups };
}

/** @throws KafkaJSDeleteGroupsError naming those that are still there */
export async function deleteGroups(
  cluster: Cluster,
  groupIds: readonly string[],
): Promise<DeleteGroupsResult[]> {
  if (!groupIds || !Array.isArray(groupIds)) {
    throw new KafkaJSNonRetriableError(`Invalid groupIds array ${String(groupIds)}`);
  }
  const invalid = groupIds.find((groupId) => typeof groupId !== 'string');
  if (invalid !== undefined) {
    throw new KafkaJSNonRetriableError(`Invalid groupId name: ${JSON.stringify(invalid)}`);
  }
  const answers = await Promise.all(
    groupIds.map((groupId) =>
      coordinatorOf(cluster, groupId).request(deleteGroupsApi, { groupsNames: [groupId] }, ({ results }) =>
        results.map(({ errorCode }) => errorCode),
      ),
    ),
  );
  const results = answers.flatMap((answer) =>
    answer.results.map(({ groupId, errorCode, errorMessage }) =>
      errorCode === ErrorCode.NONE
        ? { groupId, errorCode }
        : { groupId, errorCode, error: protocolError(errorCode, errorMessage) },
    ),
  );
  const refused = results.filter(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused.length > 0) throw new KafkaJSDeleteGroupsError('Error in DeleteGroups', refused);
  return results;
}
