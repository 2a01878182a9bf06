import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import type {
  ProduceRequestInput,
  ProduceRequestTopicDataInput,
} from '@odradek/protocol/generated/produce-request.ts';
import type {
  ProduceResponsePartition,
  ProduceResponse,
} from '@odradek/protocol/generated/produce-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { MetadataCache } from '../cluster/metadata-cache.ts';
import { BadAnswerError } from '../errors.ts';
import type { Batch } from './batch.ts';

/** Below, brokers would want the older message formats. */
export const PRODUCE_VERSION_MIN = 3;
/** The last version that names topics instead of giving their ids. */
const PRODUCE_VERSION_BY_NAME_MAX = 12;
/** From version 12 on the leader makes a partition part of the transaction by itself (KIP-890). */
const PRODUCE_VERSION_PARTITIONS_ADDED_MAX = 11;

export interface PartitionResult {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** -1 when the broker does not tell. */
  readonly baseOffset: number;
  /** -1 when records keep their own timestamps. */
  readonly logAppendTimeMs: number;
  /** What is wrong with single records, by position in the batch. */
  readonly recordErrors: ReadonlyMap<number, string | null>;
}

/** Produce names topics by id from version 13 on, which needs the id of every topic. */
export function produceVersionMax(
  batches: readonly Batch[],
  metadata: MetadataCache,
  transactions: { readonly version2: boolean } | null,
): number {
  if (transactions !== null && !transactions.version2) return PRODUCE_VERSION_PARTITIONS_ADDED_MAX;
  const allHaveIds = batches.every(({ topic }) => topicIdOf(topic, metadata) !== ZERO_UUID);
  return allHaveIds ? produceApi.versionMax : PRODUCE_VERSION_BY_NAME_MAX;
}

export interface ProduceTerms {
  readonly acks: number;
  /** How long the broker may wait for the in-sync replicas, milliseconds. */
  readonly timeoutMs: number;
  readonly transactionalId: string | null;
}

/** One request for the frozen batches of several partitions of one leader; a partition occurs once. */
export function produceRequest(
  version: number,
  batches: readonly Batch[],
  metadata: MetadataCache,
  terms: ProduceTerms,
): ProduceRequestInput {
  const { transactionalId, acks, timeoutMs } = terms;
  const topicData: ProduceRequestTopicDataInput[] = [];
  // Grouping costs more than all else that is done here for the one batch of a small request.
  if (batches.length === 1) topicData.push(topicDataOf(batches[0]!.topic, batches, version, metadata));
  else {
    for (const [topic, ofTopic] of Map.groupBy(batches, (batch) => batch.topic)) {
      topicData.push(topicDataOf(topic, ofTopic, version, metadata));
    }
  }
  return { transactionalId, acks, timeoutMs, topicData };
}

function topicDataOf(
  topic: string,
  batches: readonly Batch[],
  version: number,
  metadata: MetadataCache,
): ProduceRequestTopicDataInput {
  const hasIds = version > PRODUCE_VERSION_BY_NAME_MAX;
  return {
    name: hasIds ? undefined : topic,
    topicId: hasIds ? topicIdOf(topic, metadata) : undefined,
    partitionData: batches.map(({ partition, encoded }) => ({ index: partition, records: encoded })),
  };
}

/** The result of each of the batches, in their order; an error for those that the answer leaves out. */
export function produceResults(
  answer: ProduceResponse,
  batches: readonly Batch[],
  metadata: MetadataCache,
): (PartitionResult | Error)[] {
  const byTopic = new Map<string | undefined, Map<number, PartitionResult>>();
  for (const { name, topicId, partitionResponses } of answer.responses) {
    const topic = name !== '' ? name : metadata.topicName(topicId);
    const results = byTopic.get(topic) ?? new Map<number, PartitionResult>();
    byTopic.set(topic, results);
    for (const response of partitionResponses) results.set(response.index, resultOf(response));
  }
  return batches.map(
    ({ topic, partition }) =>
      byTopic.get(topic)?.get(partition) ??
      new BadAnswerError(`the answer to Produce says nothing of ${topic}-${partition}`),
  );
}

const NO_RECORD_ERRORS: ReadonlyMap<number, string | null> = new Map();

function resultOf(response: ProduceResponsePartition): PartitionResult {
  const { errorCode, errorMessage, baseOffset, logAppendTimeMs, recordErrors: errors } = response;
  const recordErrors =
    errors.length === 0
      ? NO_RECORD_ERRORS
      : new Map(errors.map(({ batchIndex, batchIndexErrorMessage }) => [batchIndex, batchIndexErrorMessage]));
  return { errorCode, errorMessage, baseOffset, logAppendTimeMs, recordErrors };
}

/** The error of one record of a refused batch: the culprits learn why, the others that they are not to blame. */
export function recordError(batch: Batch, result: PartitionResult, index: number): KafkaError {
  const where = `${batch.topic}-${batch.partition}`;
  if (result.recordErrors.size > 0 && !result.recordErrors.has(index)) {
    return new KafkaError(
      ErrorCode.INVALID_RECORD,
      `${where}: not written because another record of the same batch was refused`,
    );
  }
  const reason = result.recordErrors.get(index) ?? result.errorMessage;
  return new KafkaError(result.errorCode, reason === null ? where : `${where}: ${reason}`);
}

function topicIdOf(topic: string, metadata: MetadataCache): string {
  return metadata.topic(topic)?.topicId ?? ZERO_UUID;
}
