import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { addOffsetsToTxnApi } from '@odradek/protocol/generated/apis/add-offsets-to-txn.ts';
import { addPartitionsToTxnApi } from '@odradek/protocol/generated/apis/add-partitions-to-txn.ts';
import { endTxnApi } from '@odradek/protocol/generated/apis/end-txn.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { txnOffsetCommitApi } from '@odradek/protocol/generated/apis/txn-offset-commit.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../../cluster/coordinators.ts';
import { retrying } from '../../cluster/retrying.ts';
import type { TopicPartition } from '../../cluster/topic-partition.ts';
import { UnsupportedApiError } from '../../errors.ts';
import type { RequestBody } from '../../network/connection.ts';
import type { OffsetToCommit } from '../../consumer/committed-offsets.ts';
import type { GroupMetadata } from '../../consumer/group-metadata.ts';

/** Whoever has both is the one producer of a transactional id, until a higher epoch is given out. */
export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** How the brokers keep transactions: 2 means by the epoch of each transaction (KIP-890), 1 as before. */
export type TransactionVersion = 1 | 2;

/** From here on partitions are added by brokers for themselves, in answer to Produce 12. */
const ADD_PARTITIONS_BY_CLIENT_MAX = 3;
/** A known producer id is told since this version, so that only its owner gets the next epoch (KIP-360). */
const INIT_WITH_EPOCH_VERSION = 3;
/** The last versions that say "as before" (KIP-890). */
const END_VERSION_1_MAX = 4;
const OFFSET_COMMIT_VERSION_1_MAX = 4;
/** The last that names topics instead of giving their ids. */
const OFFSET_COMMIT_BY_NAME_MAX = 5;
const OFFSET_COMMIT_EPOCH_VERSION = 2;
const OFFSET_COMMIT_MEMBER_VERSION = 3;

/** The markers of the transaction before are being written, which takes little time. */
const CONCURRENT_BACKOFF = { initialMs: 20, maxMs: 500 };

/** The broker that keeps the transactions of one transactional id, found again whenever it moves. */
export class TransactionCoordinator {
  private readonly cluster: Cluster;
  private readonly coordinator: Coordinator;
  private readonly transactionalId: string;

  constructor(cluster: Cluster, transactionalId: string) {
    this.cluster = cluster;
    this.transactionalId = transactionalId;
    this.coordinator = new Coordinator(cluster, CoordinatorType.TRANSACTION, transactionalId);
  }

  /**
   * Fences whoever used the transactional id before, ends what they left open, and gets an epoch of its own.
   *
   * @param known to get the next epoch only while nobody else has it
   */
  async initialise(
    transactionTimeoutMs: number,
    known: ProducerIdAndEpoch | null,
    timeoutMs: number,
  ): Promise<ProducerIdAndEpoch> {
    const { transactionalId } = this;
    const answer = await this.ask(
      initProducerIdApi,
      (version) => {
        if (known !== null && version < INIT_WITH_EPOCH_VERSION) {
          throw new UnsupportedApiError('the brokers are too old to go on after a failed transaction');
        }
        return { transactionalId, transactionTimeoutMs, ...known };
      },
      ({ errorCode }) => [errorCode],
      timeoutMs,
    );
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  /** Must be done before anything is written to the partitions, in version 1. */
  async addPartitions(
    identity: ProducerIdAndEpoch,
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<void> {
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition }) => partition),
    }));
    await this.ask(
      addPartitionsToTxnApi,
      {
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: identity.producerId,
        v3AndBelowProducerEpoch: identity.producerEpoch,
        v3AndBelowTopics: topics,
      },
      ({ resultsByTopicV3AndBelow }) =>
        resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
          resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
        ),
      timeoutMs,
      ADD_PARTITIONS_BY_CLIENT_MAX,
    );
  }

  /** Makes the committed offsets of a group part of the transaction. */
  async commitOffsets(
    identity: ProducerIdAndEpoch,
    version: TransactionVersion,
    group: GroupMetadata,
    offsets: readonly OffsetToCommit[],
    timeoutMs: number,
  ): Promise<void> {
    const { transactionalId } = this;
    const { groupId } = group;
    if (version === 1) {
      const body = { transactionalId, ...identity, groupId };
      await this.ask(addOffsetsToTxnApi, body, ({ errorCode }) => [errorCode], timeoutMs);
    }
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)];
    const member = {
      generationIdOrMemberEpoch: group.generationId,
      memberId: group.memberId,
      groupInstanceId: group.instanceId,
    };
    await this.ask(
      txnOffsetCommitApi,
      (apiVersion) => ({
        transactionalId,
        groupId,
        ...identity,
        ...(apiVersion >= OFFSET_COMMIT_MEMBER_VERSION ? member : {}),
        topics: topics.map(([name, ofTopic]) => ({
          name,
          partitions: ofTopic.map(({ partition, offset, leaderEpoch, metadata }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            ...(apiVersion >= OFFSET_COMMIT_EPOCH_VERSION ? { committedLeaderEpoch: leaderEpoch ?? -1 } : {}),
            committedMetadata: metadata ?? '',
          })),
        })),
      }),
      (answer) => answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
      timeoutMs,
      version === 1 ? OFFSET_COMMIT_VERSION_1_MAX : OFFSET_COMMIT_BY_NAME_MAX,
      new Coordinator(this.cluster, CoordinatorType.GROUP, groupId),
    );
  }

  /** Commits or aborts. @returns the identity of the next transaction; in version 1 the same */
  async end(
    identity: ProducerIdAndEpoch,
    version: TransactionVersion,
    committed: boolean,
    timeoutMs: number,
  ): Promise<ProducerIdAndEpoch> {
    const { producerId, producerEpoch } = await this.ask(
      endTxnApi,
      { transactionalId: this.transactionalId, ...identity, committed },
      ({ errorCode }) => [errorCode],
      timeoutMs,
      version === 1 ? END_VERSION_1_MAX : endTxnApi.versionMax,
    );
    return version === 1 || producerId < 0 ? identity : { producerId, producerEpoch };
  }

  /** Repeats while the coordinator moves, loads, is busy with the same transaction or cannot be reached. */
  private ask<RequestInput, Response extends object>(
    api: ApiCodec<unknown, RequestInput, Response, never>,
    body: RequestBody<RequestInput>,
    errorsOf: (answer: Response) => readonly number[],
    timeoutMs: number,
    versionMax = api.versionMax,
    coordinator = this.coordinator,
  ): Promise<Response> {
    const { environment, settings } = this.cluster;
    const options = {
      timeoutMs,
      backoff: settings.backoff,
      backoffFor: (error: Error) => (isConcurrent(error) ? CONCURRENT_BACKOFF : settings.backoff),
    };
    return retrying(environment, options, async (remainingMs) => {
      const answer = await coordinator.requestOnce(api, body, errorsOf, {
        versionMax,
        timeoutMs: Math.min(remainingMs, settings.requestTimeoutMs),
      });
      const code = worst(errorsOf(answer));
      if (code !== ErrorCode.NONE) throw new KafkaError(code, `${api.name}: ${errorName(code)}`);
      return answer;
    });
  }
}

function isConcurrent(error: Error): boolean {
  return error instanceof KafkaError && error.code === ErrorCode.CONCURRENT_TRANSACTIONS;
}

/** The one that decides what is done: what no repetition cures comes first. */
function worst(codes: readonly number[]): number {
  const bad = codes.filter((code) => code !== ErrorCode.NONE);
  // Others of the same request were not attempted because of it.
  const causes = bad.filter((code) => code !== ErrorCode.OPERATION_NOT_ATTEMPTED);
  const candidates = causes.length > 0 ? causes : bad;
  return candidates.find((code) => !new KafkaError(code).retriable) ?? candidates[0] ?? ErrorCode.NONE;
}
