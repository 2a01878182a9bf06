import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { alterReplicaLogDirsApi } from '@odradek/protocol/generated/apis/alter-replica-log-dirs.ts';
import { describeLogDirsApi } from '@odradek/protocol/generated/apis/describe-log-dirs.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { type PartitionRefusal, refusalsOf } from './partition-refusal.ts';

/** A log in a data directory. */
export interface StoredReplica extends TopicPartition {
  readonly sizeBytes: number;
  /** On its way here from another data directory of the broker. */
  readonly isFuture: boolean;
  /** Records that it lacks: of what is committed, or while on its way, of the log that it is to replace; -1: not known. */
  readonly offsetLag: number;
}

/** One of the directories of `log.dirs` of a broker. */
export interface LogDirectory {
  readonly path: string;
  /** Why nothing in it can be used, or null. */
  readonly error: KafkaError | null;
  /** Of its file system, in bytes; null where the broker does not tell. */
  readonly totalBytes: number | null;
  readonly usableBytes: number | null;
  readonly replicas: readonly StoredReplica[];
}

/** The data directories of one broker, with all that lies in them. @throws KafkaError CLUSTER_AUTHORIZATION_FAILED */
export async function describeLogDirectories(
  cluster: Cluster,
  broker: BrokerNode,
): Promise<readonly LogDirectory[]> {
  const answer = await cluster.request(broker, describeLogDirsApi, { topics: null });
  throwIfFailed(answer.errorCode, broker);
  return answer.results.map(({ logDir, errorCode, topics, totalBytes, usableBytes }) => ({
    path: logDir,
    error:
      errorCode === ErrorCode.NONE ? null : new KafkaError(errorCode, `${logDir}: ${errorName(errorCode)}`),
    totalBytes: knownSize(totalBytes),
    usableBytes: knownSize(usableBytes),
    replicas: topics.flatMap(({ name, partitions }) =>
      partitions.map((log) => ({
        topic: name,
        partition: log.partitionIndex,
        sizeBytes: Number(log.partitionSize),
        isFuture: log.isFutureKey,
        offsetLag: Number(log.offsetLag),
      })),
    ),
  }));
}

/**
 * Begins to move replicas of a broker to another of its data directories, or ends the move where they lie in that one
 * (KIP-113). What is to be made on the broker yet, will be made there, and is refused with REPLICA_NOT_AVAILABLE or
 * UNKNOWN_TOPIC_OR_PARTITION all the same.
 *
 * @param path as in the broker's `log.dirs`
 * @returns why some are not moved
 */
export async function moveToLogDirectory(
  cluster: Cluster,
  broker: BrokerNode,
  path: string,
  partitions: readonly TopicPartition[],
): Promise<readonly PartitionRefusal[]> {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  const topics = [...byTopic].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition }) => partition),
  }));
  const answer = await cluster.request(broker, alterReplicaLogDirsApi, { dirs: [{ path, topics }] });
  return refusalsOf(
    answer.results.flatMap(({ topicName, partitions: results }) =>
      results.map(({ partitionIndex, errorCode }) => ({
        topic: topicName,
        partition: partitionIndex,
        errorCode,
        errorMessage: null,
      })),
    ),
  );
}

function throwIfFailed(errorCode: number, { nodeId }: BrokerNode): void {
  if (errorCode !== ErrorCode.NONE)
    throw new KafkaError(errorCode, `broker ${nodeId}: ${errorName(errorCode)}`);
}

function knownSize(bytes: number | undefined): number | null {
  return bytes === undefined || bytes < 0 ? null : bytes;
}
