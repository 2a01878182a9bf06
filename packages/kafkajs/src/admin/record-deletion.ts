import type { BrokerNode, Cluster, TopicPartition } from '@odradek/client/index.ts';
import { retrying } from '@odradek/client/cluster/retrying.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import { protocolError, protocolReason, toKafkaJSError } from '../error-translation.ts';
import {
  KafkaJSBrokerNotFound,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSOffsetOutOfRange,
  type DeleteRecordsRefusal,
} from '../errors.ts';
import type { SeekEntry } from './admin-types.ts';

/**
 * Deletes what lies before the offsets; `-1` for all. What has been deleted is not asked for again when leaders have moved.
 *
 * @throws KafkaJSDeleteTopicRecordsError before anything is deleted, where a partition has no leader;
 *   KafkaJSNonRetriableError with one as its cause when some were refused for good
 */
export async function deleteTopicRecords(
  cluster: Cluster,
  { topic, partitions }: { topic: string; partitions: readonly SeekEntry[] },
): Promise<void> {
  if (!topic || typeof topic !== 'string') {
    throw new KafkaJSNonRetriableError(`Invalid topic "${String(topic)}"`);
  }
  if (!partitions || partitions.length === 0) throw new KafkaJSNonRetriableError('Invalid partitions');
  await cluster.topic(topic);
  const leaderless = withLeaders(cluster, topic, partitions, false).refusals;
  if (leaderless.length > 0) throw new KafkaJSDeleteTopicRecordsError({ topic, partitions: leaderless });
  let left = partitions;
  const { apiTimeoutMs: timeoutMs, backoff } = cluster.settings;
  const isRetriable = (error: unknown): boolean => error instanceof KafkaJSError && error.retriable;
  try {
    await retrying(cluster.environment, { timeoutMs, backoff, isRetriable }, async () => {
      const refusals = await deleteOnce(cluster, topic, left);
      if (refusals.length === 0) return;
      left = left.filter((entry) => refusals.some(({ partition }) => partition === entry.partition));
      const error = new KafkaJSDeleteTopicRecordsError({ topic, partitions: refusals });
      if (error.retriable) await cluster.refresh([topic]);
      throw error;
    });
  } catch (error) {
    if (!(error instanceof KafkaJSDeleteTopicRecordsError)) throw error;
    throw new KafkaJSNonRetriableError(error, { cause: error });
  }
}

type Led = SeekEntry & { readonly leader: BrokerNode };

function withLeaders(
  cluster: Cluster,
  topic: string,
  partitions: readonly SeekEntry[],
  retriable: boolean,
): { led: Led[]; refusals: DeleteRecordsRefusal[] } {
  const led: Led[] = [];
  const refusals: DeleteRecordsRefusal[] = [];
  for (const entry of partitions) {
    const leader = cluster.metadata.node(cluster.metadata.partition(topic, entry.partition)?.leaderId ?? -1);
    if (leader !== undefined) led.push({ ...entry, leader });
    else {
      const message = 'Could not find the leader for the partition';
      refusals.push({ ...entry, error: new KafkaJSBrokerNotFound(message, { retriable }) });
    }
  }
  return { led, refusals };
}

/** @returns those that were not deleted, and why */
async function deleteOnce(
  cluster: Cluster,
  topic: string,
  partitions: readonly SeekEntry[],
): Promise<DeleteRecordsRefusal[]> {
  const { led, refusals } = withLeaders(cluster, topic, partitions, true);
  const answers = await Promise.all(
    [...Map.groupBy(led, ({ leader }) => leader)].map(([leader, entries]) =>
      deleteAt(cluster, leader, topic, entries),
    ),
  );
  return [...refusals, ...answers.flat()];
}

async function deleteAt(
  cluster: Cluster,
  leader: BrokerNode,
  topic: string,
  entries: readonly SeekEntry[],
): Promise<DeleteRecordsRefusal[]> {
  const offsetOf = new Map(entries.map(({ partition, offset }) => [partition, offset]));
  const asked = entries.map(({ partition, offset }) => ({
    partitionIndex: partition,
    offset: Number(offset),
  }));
  try {
    const { topics } = await cluster.request(leader, deleteRecordsApi, {
      topics: [{ name: topic, partitions: asked }],
      timeoutMs: cluster.settings.requestTimeoutMs,
    });
    return topics
      .flatMap((one) => one.partitions)
      .filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
      .map(({ partitionIndex: partition, errorCode }) => ({
        partition,
        offset: offsetOf.get(partition)!,
        error: refusal(errorCode, { topic, partition }),
      }));
  } catch (thrown) {
    const error = toKafkaJSError(thrown);
    if (!(error instanceof KafkaJSError)) throw error;
    return entries.map(({ partition, offset }) => ({ partition, offset, error }));
  }
}

function refusal(errorCode: number, at: TopicPartition): KafkaJSError {
  if (errorCode !== ErrorCode.OFFSET_OUT_OF_RANGE) return protocolError(errorCode);
  return new KafkaJSOffsetOutOfRange(protocolReason(errorCode), at);
}
