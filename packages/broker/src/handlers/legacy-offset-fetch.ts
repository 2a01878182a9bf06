import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { OffsetFetchRequest } from '@odradek/protocol/generated/offset-fetch-request.ts';
import type {
  OffsetFetchResponseInput,
  OffsetFetchResponsePartitionInput,
} from '@odradek/protocol/generated/offset-fetch-response.ts';
import type { RequestContext } from './handler.ts';

/**
 * OffsetFetch v0: offsets from the coordination tree. Whether nothing was committed or the partition does not
 * exist, clients of that time are told UNKNOWN_TOPIC_OR_PARTITION.
 */
export async function fetchFromTree(
  { groupId, topics }: OffsetFetchRequest,
  context: RequestContext,
): Promise<OffsetFetchResponseInput> {
  const answers = (topics ?? []).map(async ({ name, partitionIndexes }) => ({
    name,
    partitions: await Promise.all(partitionIndexes.map((index) => fetchOne(groupId, name, index, context))),
  }));
  return { topics: await Promise.all(answers) };
}

async function fetchOne(
  groupId: string,
  topic: string,
  partitionIndex: number,
  { broker }: RequestContext,
): Promise<OffsetFetchResponsePartitionInput> {
  const unknown = { partitionIndex, committedOffset: -1, metadata: '' };
  if (broker.metadata.partition(topic, partitionIndex) === undefined) {
    return { ...unknown, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  }
  const { errorCode, offset } = await broker.groups.legacyOffsets.fetch(groupId, topic, partitionIndex);
  if (errorCode !== ErrorCode.NONE) return { ...unknown, errorCode };
  if (offset === null) return { ...unknown, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  return { ...unknown, committedOffset: offset, errorCode: ErrorCode.NONE };
}
