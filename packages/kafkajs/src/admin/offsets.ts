import {
  listOffsets,
  partitionKey,
  type Cluster,
  type FoundOffset,
  type OffsetSpec,
} from '@odradek/client/index.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { TOOL, commitOffsets, fetchCommitted } from '@odradek/client/consumer/committed-offsets.ts';
import { KafkaJSNonRetriableError } from '../errors.ts';
import type { FetchOffsetsPartition, SeekEntry } from './admin-types.ts';
import { describeGroups } from './groups.ts';
import { checkTopicName } from './topics.ts';

const LATEST = -1;
const EARLIEST = -2;
const NO_COMMIT = '-1';

async function partitionsOf(cluster: Cluster, topic: string): Promise<number[]> {
  const { partitions } = await cluster.topic(topic);
  return partitions.map(({ partition }) => partition);
}

async function offsetsAt(
  cluster: Cluster,
  topic: string,
  at: OffsetSpec,
): Promise<(FoundOffset & { readonly partition: number })[]> {
  const partitions = await partitionsOf(cluster, topic);
  const found = await listOffsets(
    cluster,
    partitions.map((partition) => ({ topic, partition, at })),
  );
  return partitions.map((partition) => ({ partition, ...found.get(partitionKey({ topic, partition }))! }));
}

export async function fetchTopicOffsets(
  cluster: Cluster,
  topic: string,
): Promise<(SeekEntry & { high: string; low: string })[]> {
  checkTopicName(topic);
  const high = await offsetsAt(cluster, topic, 'latest');
  const low = await offsetsAt(cluster, topic, 'earliest');
  return high.map(({ partition, offset }, index) => {
    const end = String(offset);
    return { partition, offset: end, high: end, low: String(low[index]!.offset) };
  });
}

/** The end of a partition where no record is at or after the time. */
export async function fetchTopicOffsetsByTimestamp(
  cluster: Cluster,
  topic: string,
  timestamp: number | undefined,
): Promise<SeekEntry[]> {
  checkTopicName(topic);
  const ends = await offsetsAt(cluster, topic, 'latest');
  const found =
    timestamp === undefined ? ends : await offsetsAt(cluster, topic, { timestampMs: Number(timestamp) });
  return found.map(({ partition, offset }, index) => ({
    partition,
    offset: String(offset >= 0 ? offset : ends[index]!.offset),
  }));
}

export interface CommittedTopic {
  readonly topic: string;
  readonly partitions: FetchOffsetsPartition[];
}

/** @param topics empty for all that the group has committed */
export async function fetchOffsets(
  cluster: Cluster,
  {
    groupId,
    topics,
    resolveOffsets,
  }: { groupId: string; topics: readonly string[]; resolveOffsets: boolean },
): Promise<CommittedTopic[]> {
  if (!groupId) throw new KafkaJSNonRetriableError(`Invalid groupId ${groupId}`);
  if (!Array.isArray(topics)) throw new KafkaJSNonRetriableError('Expected topics array to be set');
  const coordinator = new Coordinator(cluster, CoordinatorType.GROUP, groupId);
  const wanted = await Promise.all(
    (topics as readonly string[]).map(async (topic) => ({
      topic,
      partitions: await partitionsOf(cluster, topic),
    })),
  );
  const asked = wanted.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
  const committed = await fetchCommitted(coordinator, topics.length === 0 ? null : asked);
  const listed = topics.length === 0 ? [...committed.values()] : asked;
  const found = [...Map.groupBy(listed, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => {
      const known = committed.get(partitionKey({ topic, partition }));
      const metadata = known?.metadata ?? '';
      const offset = known === undefined ? NO_COMMIT : String(known.offset);
      return { partition, offset, metadata: metadata === '' ? null : metadata };
    }),
  }));
  if (!resolveOffsets) return found;
  return Promise.all(found.map((one) => resolved(cluster, groupId, one)));
}

/** What the group has not committed is taken for the end, and committed. */
async function resolved(
  cluster: Cluster,
  groupId: string,
  { topic, partitions }: CommittedTopic,
): Promise<CommittedTopic> {
  const ends = new Map((await fetchTopicOffsets(cluster, topic)).map((one) => [one.partition, one.high]));
  const known = partitions.map((one) => ({
    ...one,
    offset: one.offset === NO_COMMIT ? (ends.get(one.partition) ?? one.offset) : one.offset,
  }));
  await setOffsets(cluster, { groupId, topic, partitions: known });
  return { topic, partitions: known };
}

/** `-1` and `-2` stand for the end and the beginning, as they are now. @throws KafkaJSNonRetriableError */
export async function setOffsets(
  cluster: Cluster,
  { groupId, topic, partitions }: { groupId: string; topic: string; partitions: readonly SeekEntry[] },
): Promise<void> {
  if (!groupId) throw new KafkaJSNonRetriableError(`Invalid groupId ${groupId}`);
  if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
  if (!partitions || partitions.length === 0) throw new KafkaJSNonRetriableError('Invalid partitions');
  const { groups } = await describeGroups(cluster, [groupId]);
  const { state } = groups[0]!;
  if (state !== 'Dead' && state !== 'Empty') {
    throw new KafkaJSNonRetriableError(
      `The consumer group must have no running instances, current state: ${state}`,
    );
  }
  const special = partitions.filter(({ offset }) => Number(offset) < 0);
  const found = await listOffsets(
    cluster,
    special.map(({ partition, offset }) => ({ topic, partition, at: specOf(offset) })),
  );
  const coordinator = new Coordinator(cluster, CoordinatorType.GROUP, groupId);
  const marks = partitions.map(({ partition, offset }) => ({
    topic,
    partition,
    offset: found.get(partitionKey({ topic, partition }))?.offset ?? Number(offset),
  }));
  await commitOffsets(coordinator, TOOL, marks);
}

function specOf(offset: string): OffsetSpec {
  if (Number(offset) === LATEST) return 'latest';
  if (Number(offset) === EARLIEST) return 'earliest';
  throw new KafkaJSNonRetriableError(`Invalid offset ${offset}: allowed are 0 or more, -1 and -2`);
}

export async function resetOffsets(
  cluster: Cluster,
  { groupId, topic, earliest }: { groupId: string; topic: string; earliest: boolean },
): Promise<void> {
  if (!groupId) throw new KafkaJSNonRetriableError(`Invalid groupId ${groupId}`);
  if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
  const offset = String(earliest ? EARLIEST : LATEST);
  const partitions = (await partitionsOf(cluster, topic)).map((partition) => ({ partition, offset }));
  await setOffsets(cluster, { groupId, topic, partitions });
}
