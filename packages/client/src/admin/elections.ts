import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import { UnsupportedApiError } from '../errors.ts';
import { type PartitionRefusal, refusalsOf } from './partition-refusal.ts';

/** `unclean`: a replica that is not in sync may lead where no other is there, and records may be lost. */
export type ElectionKind = 'preferred' | 'unclean';

export interface ElectionOutcome {
  /** Those that have got another leader. */
  readonly elected: readonly TopicPartition[];
  /** Why others have not, those aside that needed no election. */
  readonly refusals: readonly PartitionRefusal[];
}

const TYPES: Readonly<Record<ElectionKind, number>> = { preferred: 0, unclean: 1 };
/** From this version on there is more than the preferred election. */
const KINDS_VERSION = 1;

/**
 * Elects leaders (KIP-183, KIP-460).
 *
 * @param partitions null: all of the cluster
 * @throws KafkaError when the whole request was refused; UnsupportedApiError for `unclean` by brokers before Kafka 2.4
 */
export async function electLeaders(
  cluster: Cluster,
  kind: ElectionKind,
  partitions: readonly TopicPartition[] | null,
): Promise<ElectionOutcome> {
  const byTopic = Map.groupBy(partitions ?? [], ({ topic }) => topic);
  const named = [...byTopic].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }));
  const answer = await cluster.requestToController(
    electLeadersApi,
    (version) => {
      if (kind !== 'preferred' && version < KINDS_VERSION) {
        throw new UnsupportedApiError('the broker knows of no unclean election on request');
      }
      return {
        electionType: TYPES[kind],
        topicPartitions: partitions === null ? null : named,
        timeoutMs: cluster.settings.apiTimeoutMs,
      };
    },
    ({ errorCode }) => [errorCode],
  );
  if (answer.errorCode !== ErrorCode.NONE) throw new KafkaError(answer.errorCode, 'nothing is elected');
  const told = answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map((result) => ({ topic, partition: result.partitionId, ...result })),
  );
  return {
    elected: told
      .filter(({ errorCode }) => errorCode === ErrorCode.NONE)
      .map(({ topic, partition }) => ({ topic, partition })),
    refusals: refusalsOf(told.filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED)),
  };
}
