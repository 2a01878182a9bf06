// Produce: appends record batches to partitions.
//
// v0, v1 carry message sets of magic 0 or 1 (v1 adds throttle time), v2 answers the append time, v3 brings record
// batches of magic 2 and transactional ids, v5 answers the log start offset, v7 allows zstd, v8 tells which
// records were refused and why (KIP-467), v9 is flexible, v10 names the new leader (KIP-951), v11 and v12 change
// transactions only (KIP-890), v13 names topics by id.
import { isInternalTopic } from '@odradek/core/controller/topic-name.ts';
import { RecordValidationError } from '@odradek/core/log/record-rules.ts';
import type { AppendResult } from '@odradek/core/replication/replica-manager.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import type {
  ProduceRequest,
  ProduceRequestPartitionData,
  ProduceRequestTopicData,
} from '@odradek/protocol/generated/produce-request.ts';
import type {
  ProduceResponseInput,
  ProduceResponsePartitionInput,
} from '@odradek/protocol/generated/produce-response.ts';
import { currentLeaderHint, leaderEndpoints } from './current-leader-hint.ts';
import { CLOSE_CONNECTION, type Handler, type HandlerResult, type RequestContext } from './handler.ts';

/** Kafka's own tools may write to internal topics under this client id. */
const ADMIN_CLIENT_ID = '__admin_client';

const TRANSACTION_ABORTABLE_FROM = 11;
const TOPIC_IDS_FROM = 13;
const TRANSACTIONAL_BIT = 0x10;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;

/** Refusals that do not tell where the log starts. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);

type TopicResponse = { name: string; topicId: string; partitionResponses: ProduceResponsePartitionInput[] };

export const produceHandler: Handler<ProduceRequest, ProduceResponseInput> = {
  api: produceApi,
  versionMin: 0,
  versionMax: 13,

  handle(request, context) {
    if (request.acks < -1 || request.acks > 1) {
      return this.failed(request, ErrorCode.INVALID_REQUIRED_ACKS, context);
    }
    return new ProduceInWork(request, context).start();
  },

  failed(request, errorCode) {
    if (request.acks === 0) return CLOSE_CONNECTION;
    return {
      responses: request.topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => refused(index, errorCode, null)),
      })),
    };
  },
};

/** One request: its partitions are appended in order, and it is answered when the last of them is committed. */
class ProduceInWork {
  private readonly request: ProduceRequest;
  private readonly context: RequestContext;
  private readonly responses: TopicResponse[] = [];
  private waitingFor = 0;
  private failedPartitions = 0;
  private finish: ((result: HandlerResult<ProduceResponseInput>) => void) | null = null;

  constructor(request: ProduceRequest, context: RequestContext) {
    this.request = request;
    this.context = context;
  }

  start(): HandlerResult<ProduceResponseInput> | Promise<HandlerResult<ProduceResponseInput>> {
    for (const topic of this.request.topicData) this.appendTopic(topic);
    this.context.broker.replicas.wakeWaiting();
    if (this.waitingFor === 0) return this.result();
    return new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  private appendTopic(topic: ProduceRequestTopicData): void {
    if (topic.partitionData.length === 0) return;
    const byId = this.context.apiVersion >= TOPIC_IDS_FROM;
    const name = byId ? (this.context.broker.metadata.topicName(topic.topicId) ?? '') : topic.name;
    const response: TopicResponse = {
      name: byId ? '' : name,
      topicId: topic.topicId,
      partitionResponses: [],
    };
    this.responses.push(response);
    for (const partition of topic.partitionData) {
      const slot = response.partitionResponses.push(refused(partition.index, ErrorCode.NONE, null)) - 1;
      this.waitingFor++;
      this.appendPartition(name, partition, (outcome) => {
        response.partitionResponses[slot] = outcome;
        if (outcome.errorCode !== ErrorCode.NONE) this.failedPartitions++;
        this.waitingFor--;
        if (this.waitingFor === 0) this.finish?.(this.result());
      });
    }
  }

  private appendPartition(
    topic: string,
    partition: ProduceRequestPartitionData,
    done: (outcome: ProduceResponsePartitionInput) => void,
  ): void {
    const { index, records } = partition;
    const refusal = this.refusal(topic, records);
    if (refusal !== null) return done(refused(index, refusal.errorCode, refusal.message));
    const options = {
      requiredAcks: this.request.acks as -1 | 0 | 1,
      timeoutMs: Math.max(this.request.timeoutMs, 0),
      origin: 'client' as const,
      requestVersion: this.context.apiVersion,
    };
    this.context.broker.replicas.append(topic, index, records!, options, (result) => {
      done(this.outcome(topic, index, result));
    });
  }

  /** What forbids the append before the partition is even asked. */
  private refusal(topic: string, records: Buffer | null): { errorCode: number; message: string } | null {
    if (topic === '' && this.context.apiVersion >= TOPIC_IDS_FROM) {
      return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, message: 'no topic has this id' };
    }
    if (isInternalTopic(topic) && this.context.clientId !== ADMIN_CLIENT_ID) {
      return {
        errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION,
        message: `${topic} is internal and not written to by clients`,
      };
    }
    if (records === null) return { errorCode: ErrorCode.INVALID_RECORD, message: 'records are null' };
    return isTransactional(records) ? this.transactionRefusal() : null;
  }

  /** No partition is in a transaction: there are none yet. Producers of v11 know a code to abort upon. */
  private transactionRefusal(): { errorCode: number; message: string } {
    if (this.request.transactionalId === null) {
      return {
        errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        message: 'the batch is transactional, and the request names no transactional id',
      };
    }
    return {
      errorCode:
        this.context.apiVersion >= TRANSACTION_ABORTABLE_FROM
          ? ErrorCode.TRANSACTION_ABORTABLE
          : ErrorCode.INVALID_TXN_STATE,
      message: 'the batch is transactional, and its partition was not added to a transaction',
    };
  }

  private outcome(topic: string, index: number, result: AppendResult): ProduceResponsePartitionInput {
    const { errorCode, info, error } = result;
    if (info === null || errorCode !== ErrorCode.NONE)
      return this.refusedByLog(topic, index, errorCode, error);
    return {
      index,
      errorCode,
      baseOffset: info.firstOffset,
      logAppendTimeMs: info.logAppendTimeMs,
      logStartOffset: info.logStartOffset,
    };
  }

  private refusedByLog(
    topic: string,
    index: number,
    errorCode: number,
    error: AppendResult['error'],
  ): ProduceResponsePartitionInput {
    const tellsStart = !WITHOUT_LOG_START.has(errorCode);
    const partition = tellsStart ? this.context.broker.replicas.partition(topic, index) : undefined;
    return {
      ...refused(index, errorCode, error?.message ?? null),
      logStartOffset: partition?.log.logStartOffset ?? -1,
      recordErrors: recordErrorsOf(error),
      ...currentLeaderHint(this.context, topic, index, errorCode),
    };
  }

  private result(): HandlerResult<ProduceResponseInput> {
    if (this.request.acks === 0) return this.failedPartitions > 0 ? CLOSE_CONNECTION : null;
    if (this.failedPartitions === 0) return { responses: this.responses };
    const hints = this.responses.flatMap((topic) => topic.partitionResponses);
    return { responses: this.responses, nodeEndpoints: leaderEndpoints(this.context, hints) };
  }
}

function refused(index: number, errorCode: number, message: string | null): ProduceResponsePartitionInput {
  return { index, errorCode, baseOffset: -1, errorMessage: message };
}

/** Which records of the batch are at fault (KIP-467). */
function recordErrorsOf(error: AppendResult['error']) {
  if (!(error instanceof RecordValidationError)) return [];
  return error.recordErrors.map(({ batchIndex, message }) => ({
    batchIndex,
    batchIndexErrorMessage: message,
  }));
}

function isTransactional(records: Buffer): boolean {
  if (records.length <= ATTRIBUTES_AT + 1 || records[MAGIC_AT] !== 2) return false;
  return (records.readInt16BE(ATTRIBUTES_AT) & TRANSACTIONAL_BIT) !== 0;
}
