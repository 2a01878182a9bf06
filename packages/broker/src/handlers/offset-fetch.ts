// OffsetFetch: how far groups have read.
//
// v0 reads offsets from the coordination tree, v1 from the coordinator, v2 can ask for all topics (null) and has an
// error for the whole, v3 answers the throttle time, v5 leader epochs (KIP-320), v6 is flexible, v7 can insist on
// stable offsets (KIP-447), v8 asks for several groups at once (KIP-709), v9 names the member (KIP-848; of no
// account for classic groups), v10 has topic ids in place of names.
import type { FetchedOffset, OffsetFetchResult } from '@odradek/core/group/group-commands.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import type {
  OffsetFetchRequest,
  OffsetFetchRequestGroup,
  OffsetFetchRequestTopic,
} from '@odradek/protocol/generated/offset-fetch-request.ts';
import type {
  OffsetFetchResponseGroupInput,
  OffsetFetchResponseInput,
  OffsetFetchResponsePartitionsInput,
  OffsetFetchResponseTopicsInput,
} from '@odradek/protocol/generated/offset-fetch-response.ts';
import type { Handler, RequestContext } from './handler.ts';
import { fetchFromTree } from './legacy-offset-fetch.ts';

const TOP_LEVEL_ERROR_FROM = 2;
const BATCHED_FROM = 8;
const TOPIC_IDS_FROM = 10;

export const offsetFetchHandler: Handler<OffsetFetchRequest, OffsetFetchResponseInput> = {
  api: offsetFetchApi,
  versionMin: 0,
  versionMax: 10,

  async handle(request, context) {
    if (context.apiVersion === 0) return fetchFromTree(request, context);
    if (context.apiVersion < BATCHED_FROM) return fetchOneGroup(request, context);
    const groups = request.groups.map(async (group) => {
      const wanted = group.topics === null ? null : topicsById(group.topics, context);
      const result = await fetchGroup(group.groupId, wanted, request.requireStable, context);
      return groupAnswer(group, wanted, result, context);
    });
    return { groups: await Promise.all(groups) };
  },

  failed(request, errorCode, { apiVersion }) {
    if (apiVersion < BATCHED_FROM) return refusedTopics(request.topics ?? [], errorCode, apiVersion);
    return { groups: request.groups.map(({ groupId }) => ({ groupId, errorCode, topics: [] })) };
  },
};

/** A topic of the request; `name` is null when its id is not known. */
interface WantedTopic {
  readonly name: string | null;
  readonly topicId: string;
  readonly partitionIndexes: readonly number[];
}

async function fetchOneGroup(
  { groupId, topics, requireStable }: OffsetFetchRequest,
  context: RequestContext,
): Promise<OffsetFetchResponseInput> {
  const result = await fetchGroup(groupId, topics, requireStable, context);
  if (result.errorCode !== ErrorCode.NONE) {
    return refusedTopics(topics ?? [], result.errorCode, context.apiVersion);
  }
  return {
    topics: [...byTopic(result.offsets)].map(([name, partitions]) => ({ name, partitions })),
    errorCode: ErrorCode.NONE,
  };
}

/** Before v2 there is no error for the whole: each partition has it. */
function refusedTopics(
  topics: readonly OffsetFetchRequestTopic[],
  errorCode: number,
  apiVersion: number,
): OffsetFetchResponseInput {
  if (apiVersion >= TOP_LEVEL_ERROR_FROM) return { topics: [], errorCode };
  return {
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => noOffset(partition, errorCode)),
    })),
  };
}

function fetchGroup(
  groupId: string,
  topics: readonly Pick<WantedTopic, 'name' | 'partitionIndexes'>[] | null,
  requireStable: boolean,
  { broker }: RequestContext,
): OffsetFetchResult | Promise<OffsetFetchResult> {
  const partitions =
    topics?.flatMap(({ name, partitionIndexes }) =>
      name === null ? [] : partitionIndexes.map((partition) => ({ topic: name, partition })),
    ) ?? null;
  return broker.groups.request({ kind: 'offset-fetch', groupId, partitions, requireStable });
}

function topicsById(
  topics: NonNullable<OffsetFetchRequestGroup['topics']>,
  { apiVersion, broker }: RequestContext,
): WantedTopic[] {
  return topics.map(({ name, topicId, partitionIndexes }) => ({
    name: apiVersion >= TOPIC_IDS_FROM ? (broker.metadata.topicName(topicId) ?? null) : name,
    topicId,
    partitionIndexes,
  }));
}

function groupAnswer(
  { groupId }: OffsetFetchRequestGroup,
  wanted: readonly WantedTopic[] | null,
  { errorCode, offsets }: OffsetFetchResult,
  context: RequestContext,
): OffsetFetchResponseGroupInput {
  if (errorCode !== ErrorCode.NONE) return { groupId, errorCode, topics: [] };
  const topics: OffsetFetchResponseTopicsInput[] = [];
  for (const [name, partitions] of byTopic(offsets)) {
    if (context.apiVersion < TOPIC_IDS_FROM) {
      topics.push({ name, partitions });
      continue;
    }
    // Offsets of a topic that is gone cannot be named by an id.
    const topicId = context.broker.metadata.topic(name)?.topicId;
    if (topicId !== undefined) topics.push({ topicId, partitions });
  }
  return { groupId, errorCode, topics: [...topics, ...unknownIds(wanted ?? [])] };
}

function unknownIds(wanted: readonly WantedTopic[]): OffsetFetchResponseTopicsInput[] {
  return wanted
    .filter(({ name }) => name === null)
    .map(({ topicId, partitionIndexes }) => ({
      topicId,
      partitions: partitionIndexes.map((partition) => noOffset(partition, ErrorCode.UNKNOWN_TOPIC_ID)),
    }));
}

function byTopic(offsets: readonly FetchedOffset[]): Map<string, OffsetFetchResponsePartitionsInput[]> {
  const topics = new Map<string, OffsetFetchResponsePartitionsInput[]>();
  for (const fetched of offsets) {
    let partitions = topics.get(fetched.topic);
    if (partitions === undefined) topics.set(fetched.topic, (partitions = []));
    partitions.push({
      partitionIndex: fetched.partition,
      committedOffset: fetched.offset,
      committedLeaderEpoch: fetched.leaderEpoch,
      metadata: fetched.metadata,
      errorCode: fetched.errorCode,
    });
  }
  return topics;
}

function noOffset(partitionIndex: number, errorCode: number): OffsetFetchResponsePartitionsInput {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode };
}
