import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { consumerGroupDescribeApi } from '@odradek/protocol/generated/apis/consumer-group-describe.ts';
import { deleteGroupsApi } from '@odradek/protocol/generated/apis/delete-groups.ts';
import { describeGroupsApi } from '@odradek/protocol/generated/apis/describe-groups.ts';
import { listGroupsApi } from '@odradek/protocol/generated/apis/list-groups.ts';
import type { ConsumerGroupDescribeResponse } from '@odradek/protocol/generated/consumer-group-describe-response.ts';
import type { DescribeGroupsResponse } from '@odradek/protocol/generated/describe-groups-response.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { Coordinator, CoordinatorType } from '../cluster/coordinators.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { decodeAssignment } from '../consumer/consumer-protocol.ts';
import { ClientError, UnsupportedApiError, asError, isRetriableError } from '../errors.ts';

export interface ListedGroup {
  readonly groupId: string;
  /** `consumer` for consumers; empty where only offsets are kept. */
  readonly protocolType: string;
  /** Empty when the broker is too old to tell. */
  readonly state: string;
}

export interface GroupMember {
  readonly memberId: string;
  /** Of static members. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly partitions: readonly TopicPartition[];
}

export interface GroupDescription {
  readonly groupId: string;
  /** Empty, Stable, PreparingRebalance, CompletingRebalance; also Assigning, Reconciling (KIP-848). */
  readonly state: string;
  readonly protocolType: string;
  /** The assignor in use; empty unless the group is stable. */
  readonly assignor: string;
  /** The broker that coordinates the group. */
  readonly coordinatorId: number;
  readonly members: readonly GroupMember[];
}

const NO_SUCH_GROUP_STATE = 'Dead';
const CONSUMER_PROTOCOL = 'consumer';

/** Not every broker said which groups it coordinates. What the others said is there. */
export class GroupsMissingError extends ClientError {
  override readonly name = 'GroupsMissingError';
  /** Of the brokers that answered, by id. */
  readonly groups: readonly ListedGroup[];
  readonly failures: readonly { readonly nodeId: number; readonly error: Error }[];

  constructor(groups: readonly ListedGroup[], failures: GroupsMissingError['failures']) {
    const reasons = failures.map(({ nodeId, error }) => `broker ${nodeId}: ${error.message}`).join('; ');
    const retriable = failures.every(({ error }) => isRetriableError(error));
    super('GROUPS_MISSING', `only ${groups.length} groups are known, not those of all brokers: ${reasons}`, {
      retriable,
      cause: failures[0]?.error,
    });
    this.groups = groups;
    this.failures = failures;
  }
}

/** The groups of all brokers, by id. @throws GroupsMissingError when not all of them answer */
export async function listGroups(cluster: Cluster): Promise<readonly ListedGroup[]> {
  const nodes = await cluster.nodes();
  const answers = await Promise.allSettled(nodes.map((node) => groupsOf(cluster, node)));
  const groups = new Map<string, ListedGroup>();
  const failures: { nodeId: number; error: Error }[] = [];
  answers.forEach((answer, at) => {
    if (answer.status === 'rejected')
      failures.push({ nodeId: nodes[at]!.nodeId, error: asError(answer.reason) });
    // While a group moves two brokers may tell of it.
    else for (const group of answer.value) groups.set(group.groupId, group);
  });
  const listed = [...groups.values()].toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1));
  if (failures.length > 0) throw new GroupsMissingError(listed, failures);
  return listed;
}

async function groupsOf(cluster: Cluster, node: BrokerNode): Promise<ListedGroup[]> {
  const { errorCode, groups } = await cluster.request(node, listGroupsApi, {});
  if (errorCode !== ErrorCode.NONE) throw new KafkaError(errorCode, errorName(errorCode));
  return groups.map(({ groupId, protocolType, groupState }) => ({
    groupId,
    protocolType,
    state: groupState,
  }));
}

/** @throws KafkaError GROUP_ID_NOT_FOUND */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const coordinator = new Coordinator(cluster, CoordinatorType.GROUP, groupId);
  const answer = await coordinator.request(describeGroupsApi, { groups: [groupId] }, groupErrors);
  const [group] = answer.groups;
  const code = group?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  const coordinatorId = (await coordinator.find()).nodeId;
  if (code === ErrorCode.NONE && group!.groupState !== NO_SUCH_GROUP_STATE) {
    return classicGroup(group!, coordinatorId);
  }
  if (code !== ErrorCode.NONE && code !== ErrorCode.GROUP_ID_NOT_FOUND) {
    throw new KafkaError(code, `group "${groupId}": ${group?.errorMessage ?? errorName(code)}`);
  }
  const modern = await describeModernGroup(coordinator, groupId);
  if (modern !== null) return { ...modern, coordinatorId };
  throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `there is no group "${groupId}"`);
}

/** @throws KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND */
export async function deleteGroup(cluster: Cluster, groupId: string): Promise<void> {
  const coordinator = new Coordinator(cluster, CoordinatorType.GROUP, groupId);
  const answer = await coordinator.request(deleteGroupsApi, { groupsNames: [groupId] }, ({ results }) =>
    results.map(({ errorCode }) => errorCode),
  );
  const code = answer.results[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  if (code === ErrorCode.NONE) return;
  if (code === ErrorCode.GROUP_ID_NOT_FOUND) throw new KafkaError(code, `there is no group "${groupId}"`);
  if (code === ErrorCode.NON_EMPTY_GROUP) {
    throw new KafkaError(code, `group "${groupId}" has members; stop its consumers first`);
  }
  throw new KafkaError(code, `group "${groupId}": ${errorName(code)}`);
}

function groupErrors({ groups }: { groups: readonly { errorCode: number }[] }): number[] {
  return groups.map(({ errorCode }) => errorCode);
}

function classicGroup(
  group: DescribeGroupsResponse['groups'][number],
  coordinatorId: number,
): GroupDescription {
  const isConsumer = group.protocolType === CONSUMER_PROTOCOL;
  return {
    groupId: group.groupId,
    state: group.groupState,
    protocolType: group.protocolType,
    assignor: group.protocolData,
    coordinatorId,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      host: member.clientHost.replace(/^\//, ''),
      partitions: isConsumer ? decodeAssignment(member.memberAssignment) : [],
    })),
  };
}

/** A group of the newer protocol (KIP-848), or null when it is none or the broker knows no such. */
async function describeModernGroup(
  coordinator: Coordinator,
  groupId: string,
): Promise<Omit<GroupDescription, 'coordinatorId'> | null> {
  let answer: ConsumerGroupDescribeResponse;
  try {
    answer = await coordinator.request(
      consumerGroupDescribeApi,
      { groupIds: [groupId], includeAuthorizedOperations: false },
      groupErrors,
    );
  } catch (error) {
    if (error instanceof UnsupportedApiError) return null;
    throw error;
  }
  const [group] = answer.groups;
  if (group?.errorCode !== ErrorCode.NONE) return null;
  return {
    groupId,
    state: group.groupState,
    protocolType: CONSUMER_PROTOCOL,
    assignor: group.assignorName,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      host: member.clientHost.replace(/^\//, ''),
      partitions: member.assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
        partitions.map((partition) => ({ topic: topicName, partition })),
      ),
    })),
  };
}
