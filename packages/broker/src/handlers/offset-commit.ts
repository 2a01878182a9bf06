// OffsetCommit: keeps how far a group has read.
//
// v0 keeps offsets in the coordination tree, v1 in the coordinator's log and adds the member, its generation and
// a commit time, v2 replaces the time by a retention, v3 answers the throttle time, v5 drops the retention
// (KIP-211), v6 adds leader epochs (KIP-320), v7 static members (KIP-345), v8 is flexible, v9 names an unknown
// group (KIP-848), v10 has topic ids in place of names.
import type { OffsetToCommit } from '@odradek/core/group/group-commands.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import type {
  OffsetCommitRequest,
  OffsetCommitRequestPartition,
  OffsetCommitRequestTopic,
} from '@odradek/protocol/generated/offset-commit-request.ts';
import type { OffsetCommitResponseInput } from '@odradek/protocol/generated/offset-commit-response.ts';
import type { Handler, RequestContext } from './handler.ts';
import { onceKnown } from './once-known.ts';

const NAMES_UNKNOWN_GROUP_FROM = 9;
const TOPIC_IDS_FROM = 10;

export const offsetCommitHandler: Handler<OffsetCommitRequest, OffsetCommitResponseInput> = {
  api: offsetCommitApi,
  versionMin: 0,
  versionMax: 10,

  handle(request, context) {
    const items = itemsOf(request, context);
    const known = items.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
    if (known.length === 0) return toResponse(request, items);
    if (context.apiVersion === 0) return commitToTree(request, items, known, context);
    const answer = context.broker.groups.request({
      kind: 'offset-commit',
      groupId: request.groupId,
      generationId: request.generationIdOrMemberEpoch,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      retentionTimeMs: request.retentionTimeMs,
      namesUnknownGroup: context.apiVersion >= NAMES_UNKNOWN_GROUP_FROM,
      offsets: known.map(({ offset }) => offset),
    });
    return onceKnown(answer, ({ errorCodes }) => {
      known.forEach((item, i) => (item.errorCode = errorCodes[i]!));
      return toResponse(request, items);
    });
  },

  failed(request, errorCode) {
    return {
      topics: request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    };
  },
};

/** One partition of the request and what has become of it. */
interface Item {
  readonly offset: OffsetToCommit;
  errorCode: number;
}

/** Partitions in the order of the request; those that do not exist never reach the coordinator. */
function itemsOf(request: OffsetCommitRequest, context: RequestContext): Item[] {
  return request.topics.flatMap((topic) => {
    const name = topicName(topic, context);
    return topic.partitions.map((partition) => ({
      offset: offsetToCommit(name ?? '', partition),
      errorCode: existenceError(name, partition.partitionIndex, context),
    }));
  });
}

function topicName(topic: OffsetCommitRequestTopic, { apiVersion, broker }: RequestContext): string | null {
  return apiVersion >= TOPIC_IDS_FROM ? (broker.metadata.topicName(topic.topicId) ?? null) : topic.name;
}

function existenceError(topic: string | null, partition: number, { broker }: RequestContext): number {
  if (topic === null) return ErrorCode.UNKNOWN_TOPIC_ID;
  const exists = broker.metadata.partition(topic, partition) !== undefined;
  return exists ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

function offsetToCommit(topic: string, partition: OffsetCommitRequestPartition): OffsetToCommit {
  return {
    topic,
    partition: partition.partitionIndex,
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata,
    commitTimestampMs: partition.commitTimestamp,
  };
}

async function commitToTree(
  { groupId, topics }: OffsetCommitRequest,
  items: readonly Item[],
  known: readonly Item[],
  { broker }: RequestContext,
): Promise<OffsetCommitResponseInput> {
  for (const item of known) {
    const { topic, partition, offset, metadata } = item.offset;
    const tooLarge = (metadata?.length ?? 0) > broker.config.offsetMetadataMaxBytes;
    item.errorCode = tooLarge
      ? ErrorCode.OFFSET_METADATA_TOO_LARGE
      : await broker.groups.legacyOffsets.commit(groupId, topic, partition, offset);
  }
  return toResponse({ topics }, items);
}

function toResponse(
  { topics }: Pick<OffsetCommitRequest, 'topics'>,
  items: readonly Item[],
): OffsetCommitResponseInput {
  let next = 0;
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: items[next++]!.errorCode,
      })),
    })),
  };
}
