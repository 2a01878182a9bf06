import { Writer } from '@odradek/protocol/primitives/writer.ts';
import type { DescribeGroupsRequestInput } from '@odradek/protocol/generated/describe-groups-request.ts';
import type { JoinGroupRequestInput } from '@odradek/protocol/generated/join-group-request.ts';
import type { LeaveGroupRequestInput } from '@odradek/protocol/generated/leave-group-request.ts';
import type { OffsetCommitRequestInput } from '@odradek/protocol/generated/offset-commit-request.ts';
import type { OffsetFetchRequestInput } from '@odradek/protocol/generated/offset-fetch-request.ts';
import type { SyncGroupRequestInput } from '@odradek/protocol/generated/sync-group-request.ts';

export const TOPIC = 'compared';

/** A consumer's subscription, version 0. */
export function subscription(...topics: string[]): Buffer {
  const writer = new Writer();
  writer.int16(0);
  writer.arrayLength(topics.length);
  for (const topic of topics) writer.string(topic);
  writer.nullableBytes(null);
  return writer.toBuffer();
}

export function joinRequest(
  groupId: string,
  given: Partial<JoinGroupRequestInput> = {},
): JoinGroupRequestInput {
  return {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 20_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription(TOPIC) }],
    ...given,
  };
}

export function syncRequest(
  version: number,
  groupId: string,
  given: Partial<SyncGroupRequestInput> & { memberId: string; generationId: number },
): SyncGroupRequestInput {
  const protocol = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {};
  return { groupId, assignments: [], ...protocol, ...given };
}

/** Before v3 the one member is a field of its own. */
export function leaveRequest(
  version: number,
  groupId: string,
  ...members: { memberId: string; groupInstanceId?: string | null }[]
): LeaveGroupRequestInput {
  return version < 3 ? { groupId, memberId: members[0]!.memberId } : { groupId, members };
}

export function commitRequest(
  groupId: string,
  given: Partial<OffsetCommitRequestInput> & {
    topic?: string;
    partition?: number;
    offset?: number;
    metadata?: string | null;
  } = {},
): OffsetCommitRequestInput {
  const { topic = TOPIC, partition = 0, offset = 5, metadata = null, ...fields } = given;
  return {
    groupId,
    topics: [
      {
        name: topic,
        partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }],
      },
    ],
    ...fields,
  };
}

export function fetchRequest(
  version: number,
  groupId: string,
  topics: { name: string; partitionIndexes: number[] }[] | null,
): OffsetFetchRequestInput {
  return version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics };
}

export function describeRequest(...groups: string[]): DescribeGroupsRequestInput {
  return { groups };
}
