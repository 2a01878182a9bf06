import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { checkReplicated, notInOrder, planAppend } from './append-plan.ts';
import type { AppendPlan, ReplicatedStart } from './append-plan.ts';
import { NOTHING_APPENDED, validationSettingsOf } from './log-append.ts';
import type { AppendOptions, LogAppendInfo } from './log-append.ts';
import type { LogAvailability } from './log-availability.ts';
import type { LogContext } from './log-context.ts';
import type { LogStorage } from './log-storage.ts';
import { firstOffsetOf } from './producer-rules.ts';
import type { ProducerBatch } from './producer-rules.ts';
import { validateRecords } from './record-validator.ts';

/** The log that is appended to, beside its files. */
export interface AppendedLog {
  readonly logStartOffset: number;
  truncateFullyAndStartAt(offset: number, logStartOffset?: number): void;
}

/** What may be appended to a log, by a leader and by a follower. The log is online when these are called. */
export class LogAppends {
  private readonly context: LogContext;
  private readonly log: AppendedLog;
  private readonly storage: LogStorage;
  private readonly availability: LogAvailability;

  constructor(context: LogContext, log: AppendedLog, storage: LogStorage, availability: LogAvailability) {
    this.context = context;
    this.log = log;
    this.storage = storage;
    this.availability = availability;
  }

  /**
   * Appends what a producer or coordinator sent: validated, numbered and written in one go, or not at all. A
   * batch that repeats one of the producer's last five is not written again; the answer is that of the first.
   *
   * Where `flush.messages` asks for a sync it is begun, off the loop and shared with others that wait: the append is
   * to be acknowledged once `acknowledgeableOffset` has passed it.
   *
   * @param records the bytes as they came; may be changed in place
   * @throws RecordValidationError, KafkaError with the code for the producer
   */
  asLeader(records: Buffer, options: AppendOptions): LogAppendInfo {
    const { storage } = this;
    const { producers, epochs, config, endOffset } = storage;
    const { logStartOffset } = this.log;
    const nowMs = this.context.clock.now();
    const validated = validateRecords(records, validationSettingsOf(config, options, endOffset, nowMs));
    if (validated.recordCount === 0) return { ...NOTHING_APPENDED, logStartOffset };
    const plan = planAppend(validated.records, options.origin, producers, epochs.latestEpoch);
    if ('duplicateOf' in plan) return duplicateInfo(plan.duplicateOf, logStartOffset);
    checkFitsSegment(plan.records.length, config.segmentBytes);
    this.availability.guard(() => storage.append(plan, validated.firstOffset, nowMs));
    if (storage.isFlushDue) storage.flushHeldBack(endOffset);
    const { firstOffset, lastOffset, recordCount, logAppendTimeMs } = validated;
    const sizeBytes = plan.records.length;
    return {
      firstOffset,
      lastOffset,
      recordCount,
      logAppendTimeMs,
      logStartOffset,
      isDuplicate: false,
      sizeBytes,
    };
  }

  /**
   * Appends what the leader has: batches with offsets, written as they are. A partial batch at the end is left
   * out. An empty log whose start lies in the midst of the first batch begins with that batch.
   *
   * Where `flush.messages` asks for a sync it is begun, as for a leader: the leader is to hear that the records are held
   * here once `acknowledgeableOffset` has passed them.
   *
   * @throws KafkaError CORRUPT_MESSAGE when a checksum is wrong; OFFSET_OUT_OF_RANGE when the batches begin
   *   before the end of the log, or are out of order; KAFKA_STORAGE_ERROR
   * @throws MalformedBytesError when the bytes are no batches
   */
  asFollower(records: Buffer): LogAppendInfo {
    const { storage } = this;
    const first = checkReplicated(records);
    if (first === null) return { ...NOTHING_APPENDED, logStartOffset: this.log.logStartOffset };
    if (first.baseOffset < storage.endOffset) this.makeRoomFor(first);
    const { producers, epochs, endOffset } = storage;
    const plan = planAppend(records, 'replication', producers, epochs.latestEpoch) as AppendPlan;
    const nowMs = this.context.clock.now();
    this.availability.guard(() => storage.append(plan, plan.firstOffset, nowMs));
    if (storage.isFlushDue) storage.flushHeldBack(endOffset);
    return {
      ...NOTHING_APPENDED,
      firstOffset: plan.firstOffset,
      lastOffset: plan.lastOffset,
      logStartOffset: this.log.logStartOffset,
      sizeBytes: plan.records.length,
    };
  }

  /** After DeleteRecords on the leader a new follower begins in the midst of a batch that it gets whole. */
  private makeRoomFor(first: ReplicatedStart): void {
    const { logStartOffset } = this.log;
    const { endOffset } = this.storage;
    if (logStartOffset !== endOffset || first.lastOffset < endOffset)
      throw notInOrder(first.baseOffset, endOffset);
    this.log.truncateFullyAndStartAt(first.baseOffset, logStartOffset);
  }
}

/** Followers do not ask: what the leader has accepted they must take, if need be in a larger segment. */
function checkFitsSegment(sizeBytes: number, segmentBytes: number): void {
  if (sizeBytes <= segmentBytes) return;
  throw new KafkaError(
    ErrorCode.RECORD_LIST_TOO_LARGE,
    `${sizeBytes} bytes to append, segment.bytes is ${segmentBytes}`,
  );
}

function duplicateInfo(duplicate: ProducerBatch, logStartOffset: number): LogAppendInfo {
  return {
    ...NOTHING_APPENDED,
    firstOffset: firstOffsetOf(duplicate),
    lastOffset: duplicate.lastOffset,
    // Told also where records keep their own times: so does Apache Kafka.
    logAppendTimeMs: duplicate.timestamp,
    logStartOffset,
    isDuplicate: true,
  };
}
