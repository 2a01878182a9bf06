import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { DiskError } from '../ports/disk.ts';
import { PARTITION_METADATA_FILE } from './log-files.ts';
import { readPartitionMetadata, writePartitionMetadata } from './checkpoints.ts';
import type { EpochEnd, LeaderEpochCache } from './leader-epoch-cache.ts';
import { NOTHING_APPENDED, validationSettingsOf } from './log-append.ts';
import { checkReplicated, notInOrder, planAppend } from './append-plan.ts';
import type { AppendPlan, ReplicatedStart } from './append-plan.ts';
import type { AppendOptions, LogAppendInfo } from './log-append.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { LogFlusher } from './log-flusher.ts';
import type { FlushDone, FlushedLog } from './log-flusher.ts';
import { loadLog, replayProducers } from './log-loader.ts';
import type { LoadOptions, LoadedLog } from './log-loader.ts';
import { readLog } from './log-reader.ts';
import type { LogRead, ReadOptions, UpTo } from './log-reader.ts';
import * as lookup from './offset-lookup.ts';
import type { FoundOffset } from './offset-lookup.ts';
import { firstOffsetOf } from './producer-rules.ts';
import type { ProducerBatch, ProducerEntry } from './producer-rules.ts';
import type { ProducerStates } from './producer-states.ts';
import { validateRecords } from './record-validator.ts';
import { decideRetention } from './retention.ts';
import type { RetentionReason } from './retention.ts';
import { isRollDue } from './roll-rule.ts';
import { Segment } from './segment.ts';
import { retireSegment } from './segment-removal.ts';
import type { SegmentList } from './segment-list.ts';

/*
 * One partition's log on one broker: the segments on disk, and what is derived from them.
 *
 * What may fail: every call of the disk. What is done then: an append that fails is cut off again, and the log
 * goes on when that succeeds; whoever appended is told KAFKA_STORAGE_ERROR and may retry. A failure that
 * leaves the files in a state that cannot be told (the cut fails too, a roll, a truncation, a deletion or a sync
 * fails) takes the log offline: every later call answers KAFKA_STORAGE_ERROR until the broker opened it again,
 * which recovers it. Producer state and leader epochs change only once the write has succeeded, so that they
 * never know of batches that are not in the log.
 *
 * A crash of the process loses nothing that was appended: it is in the page cache. A loss of power may lose
 * what lies behind the recovery point. See log-loader.ts for what a start makes of that.
 */

export interface PartitionLogOptions extends LoadOptions {
  readonly topic: string;
  readonly partition: number;
  /** Is told when the log goes offline; at most once. */
  readonly onOffline?: (log: PartitionLog, error: DiskError) => void;
}

export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  private readonly context: LogContext;
  private readonly onOffline: ((log: PartitionLog, error: DiskError) => void) | undefined;
  private readonly segments: SegmentList;
  private readonly epochs: LeaderEpochCache;
  private readonly producers: ProducerStates;
  private readonly flusher: LogFlusher;
  private settings: LogConfig;
  private path: string;
  private startOffset: number;
  private endOffset: number;
  private watermark: number;
  private id: string | null = null;
  private offlineBecause: DiskError | null = null;
  private isClosed = false;

  private constructor(
    context: LogContext,
    directory: string,
    options: PartitionLogOptions,
    loaded: LoadedLog,
  ) {
    this.context = context;
    this.path = directory;
    this.topic = options.topic;
    this.partition = options.partition;
    this.onOffline = options.onOffline;
    this.settings = options.config;
    this.segments = loaded.segments;
    this.epochs = loaded.epochs;
    this.producers = loaded.producers;
    this.startOffset = loaded.logStartOffset;
    this.endOffset = loaded.logEndOffset;
    this.watermark = loaded.logStartOffset;
    this.flusher = new LogFlusher(context, this.flushedLog(), loaded.recoveryPoint);
    if (loaded.directoryChanged) this.flusher.directoryChanged();
  }

  private flushedLog(): FlushedLog {
    const { segments, epochs } = this;
    return { segments, epochs, directory: () => this.path, logEndOffset: () => this.endOffset };
  }

  /**
   * Opens the log in `directory`, recovering it as far as needed, or makes an empty one.
   *
   * @throws DiskError, CorruptCheckpointError
   */
  static open(context: LogContext, directory: string, options: PartitionLogOptions): PartitionLog {
    const log = new PartitionLog(context, directory, options, loadLog(context, directory, options));
    log.id = readPartitionMetadata(context.disk, `${directory}/${PARTITION_METADATA_FILE}`);
    return log;
  }

  get directory(): string {
    return this.path;
  }

  get config(): LogConfig {
    return this.settings;
  }

  /** The topic's id as in `partition.metadata`, or null when none was assigned. */
  get topicId(): string | null {
    return this.id;
  }

  /** Offset of the first record that may be read. */
  get logStartOffset(): number {
    return this.startOffset;
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.endOffset;
  }

  /** Everything before is on all in-sync replicas, as far as this broker knows. */
  get highWatermark(): number {
    return this.watermark;
  }

  /** Everything before is decided: at most the high watermark, and no transaction is open before it. */
  get lastStableOffset(): number {
    const unstable = this.producers.firstUnstableOffset;
    return unstable === null
      ? this.watermark
      : Math.min(Math.max(unstable, this.startOffset), this.watermark);
  }

  /** Everything before is synced to the disk. */
  get recoveryPoint(): number {
    return this.flusher.recoveryPoint;
  }

  get sizeBytes(): number {
    return this.segments.sizeBytes;
  }

  /** Where the oldest segment begins, at or below the log start offset. */
  get firstSegmentOffset(): number {
    return this.segments.first.baseOffset;
  }

  get segmentCount(): number {
    return this.segments.count;
  }

  get latestLeaderEpoch(): number {
    return this.epochs.latestEpoch;
  }

  get isOffline(): boolean {
    return this.offlineBecause !== null;
  }

  /** Writes `partition.metadata`. @throws KafkaError INCONSISTENT_TOPIC_ID, KAFKA_STORAGE_ERROR */
  assignTopicId(topicId: string): void {
    if (this.id === topicId) return;
    if (this.id !== null) {
      throw new KafkaError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `the log in ${this.path} belongs to topic id ${this.id}, not ${topicId}`,
      );
    }
    this.guard(() =>
      writePartitionMetadata(this.context.disk, `${this.path}/${PARTITION_METADATA_FILE}`, topicId),
    );
    this.id = topicId;
  }

  updateConfig(config: LogConfig): void {
    this.settings = config;
  }

  /**
   * The high watermark moves, kept within the log. A leader raises it only; a follower takes what it is told.
   *
   * @returns the high watermark then
   */
  updateHighWatermark(offset: number): number {
    this.watermark = Math.min(Math.max(offset, this.startOffset), this.endOffset);
    this.producers.onHighWatermark(this.watermark);
    return this.watermark;
  }

  /** This broker leads from `epoch` on: its records begin at the end of the log. */
  assignLeaderEpoch(epoch: number): void {
    this.epochs.assign(epoch, this.endOffset);
  }

  /**
   * Appends what a producer or coordinator sent: validated, numbered and written in one go, or not at all. A
   * batch that repeats one of the producer's last five is not written again; the answer is that of the first.
   *
   * @param records the bytes as they came; may be changed in place
   * @throws RecordValidationError, KafkaError with the code for the producer
   */
  appendAsLeader(records: Buffer, options: AppendOptions): LogAppendInfo {
    this.ensureOnline();
    const nowMs = this.context.clock.now();
    const settings = validationSettingsOf(this.settings, options, this.endOffset, nowMs);
    const validated = validateRecords(records, settings);
    if (validated.recordCount === 0) return { ...NOTHING_APPENDED, logStartOffset: this.startOffset };
    const plan = planAppend(validated.records, options.origin, this.producers, this.epochs.latestEpoch);
    if ('duplicateOf' in plan) return this.answerDuplicate(plan.duplicateOf);
    this.checkFitsSegment(plan.records.length);
    this.write(plan, validated.firstOffset, nowMs);
    const { firstOffset, lastOffset, recordCount, logAppendTimeMs } = validated;
    return {
      firstOffset,
      lastOffset,
      recordCount,
      logAppendTimeMs,
      logStartOffset: this.startOffset,
      isDuplicate: false,
      sizeBytes: plan.records.length,
    };
  }

  /** Followers do not ask: what the leader has accepted they must take, if need be in a larger segment. */
  private checkFitsSegment(sizeBytes: number): void {
    if (sizeBytes <= this.settings.segmentBytes) return;
    throw new KafkaError(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `${sizeBytes} bytes to append, segment.bytes is ${this.settings.segmentBytes}`,
    );
  }

  private answerDuplicate(duplicate: ProducerBatch): LogAppendInfo {
    const isAppendTime = this.settings.messageTimestampType === 'LogAppendTime';
    return {
      ...NOTHING_APPENDED,
      firstOffset: firstOffsetOf(duplicate),
      lastOffset: duplicate.lastOffset,
      logAppendTimeMs: isAppendTime ? duplicate.timestamp : -1,
      logStartOffset: this.startOffset,
      isDuplicate: true,
    };
  }

  /**
   * Appends what the leader has: batches with offsets, written as they are. A partial batch at the end is left
   * out. An empty log whose start lies in the midst of the first batch begins with that batch.
   *
   * @throws KafkaError CORRUPT_MESSAGE when a checksum is wrong; OFFSET_OUT_OF_RANGE when the batches begin
   *   before the end of the log, or are out of order; KAFKA_STORAGE_ERROR
   * @throws MalformedBytesError when the bytes are no batches
   */
  appendAsFollower(records: Buffer): LogAppendInfo {
    this.ensureOnline();
    const first = checkReplicated(records);
    if (first === null) return { ...NOTHING_APPENDED, logStartOffset: this.startOffset };
    if (first.baseOffset < this.endOffset) this.makeRoomFor(first);
    const plan = planAppend(records, 'replication', this.producers, this.epochs.latestEpoch) as AppendPlan;
    this.write(plan, plan.firstOffset, this.context.clock.now());
    return {
      ...NOTHING_APPENDED,
      firstOffset: plan.firstOffset,
      lastOffset: plan.lastOffset,
      logStartOffset: this.startOffset,
      sizeBytes: plan.records.length,
    };
  }

  /** After DeleteRecords on the leader a new follower begins in the midst of a batch that it gets whole. */
  private makeRoomFor(first: ReplicatedStart): void {
    const isEmpty = this.startOffset === this.endOffset;
    if (!isEmpty || first.lastOffset < this.endOffset) throw notInOrder(first.baseOffset, this.endOffset);
    this.truncateFullyAndStartAt(first.baseOffset, this.startOffset);
  }

  /** @param firstOffset of the first record, which the header of an old format does not tell */
  private write(plan: AppendPlan, firstOffset: number, nowMs: number): void {
    const sizeBytes = plan.records.length;
    const { lastOffset, maxTimestamp } = plan;
    if (isRollDue(this.segments.active, this.settings, { sizeBytes, lastOffset, maxTimestamp }, nowMs)) {
      this.roll(firstOffset);
    }
    const segment = this.segments.active;
    this.writeOrCutOff(segment, plan, nowMs);
    this.endOffset = lastOffset + 1;
    this.afterWrite(plan, segment);
    const unflushed = this.endOffset - this.flusher.recoveryPoint;
    if (unflushed >= this.settings.flushMessages) this.flush();
  }

  private afterWrite(plan: AppendPlan, segment: Segment): void {
    for (const { epoch, startOffset } of plan.leaderEpochs) this.epochs.assign(epoch, startOffset);
    // Old formats carry no epochs; without any, followers fall back to the high watermark.
    if (plan.batches[0]!.magic < 2) this.epochs.clear();
    this.guard(() =>
      this.producers.commit(plan.producers, this.endOffset, (transaction, lastStableOffset) =>
        segment.transactionIndex.append({ ...transaction, lastStableOffset }),
      ),
    );
  }

  private writeOrCutOff(segment: Segment, plan: AppendPlan, nowMs: number): void {
    try {
      segment.append(plan.records, plan.batches, this.settings.indexIntervalBytes, nowMs);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.guard(() => segment.repairAfterFailure());
      throw storageError(error);
    }
  }

  /**
   * Closes the active segment and begins a new one at the end of the log, or at `baseOffset` beyond it. An
   * active segment that is empty is replaced by one that begins there.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  roll(baseOffset = this.endOffset): void {
    this.ensureOnline();
    const { active } = this.segments;
    const base = Math.max(baseOffset, this.endOffset);
    if (active.sizeBytes === 0 && active.baseOffset === base) return;
    this.guard(() => {
      if (active.sizeBytes === 0) this.replaceEmptyActive(base);
      else this.addSegment(base);
      this.snapshotProducers(base);
    });
    this.flushLater(() => {});
    this.context.log.debug('Rolled a log', { directory: this.path, baseOffset: base });
  }

  private addSegment(baseOffset: number): void {
    const segment = this.newSegment(baseOffset);
    segment.create();
    if (this.segments.count > 0) this.segments.active.seal();
    this.segments.add(segment);
    this.flusher.directoryChanged();
  }

  private replaceEmptyActive(baseOffset: number): void {
    const empty = this.segments.takeAbove(this.segments.active.baseOffset - 1);
    this.addSegment(baseOffset);
    for (const segment of empty) segment.remove();
  }

  private newSegment(baseOffset: number): Segment {
    const jitter = Math.floor(this.context.random.fraction() * this.settings.segmentJitterMs);
    return new Segment(this.context, this.path, baseOffset, null, jitter);
  }

  private snapshotProducers(endOffset: number): void {
    this.producers.advanceTo(endOffset);
    const path = this.producers.takeSnapshot();
    if (path !== null) this.flusher.snapshotWritten(path);
  }

  /**
   * What is in the log from `offset` on, as a stretch of one segment file.
   *
   * @throws KafkaError OFFSET_OUT_OF_RANGE when `offset` is below the start or beyond the end of the log
   */
  read(offset: number, options: ReadOptions): LogRead {
    this.ensureOnline();
    return this.guard(() => readLog(this, this.segments, offset, options));
  }

  /** The bound that a read up to `upTo` keeps. */
  boundOf(upTo: UpTo): number {
    if (upTo === 'log-end') return this.endOffset;
    return upTo === 'high-watermark' ? this.watermark : this.lastStableOffset;
  }

  /**
   * The offset for a time, or for one of the special times of ListOffsets (see offset-lookup.ts); null when
   * there is none before the bound.
   */
  offsetForTimestamp(timestamp: number, upTo: UpTo): FoundOffset | null {
    this.ensureOnline();
    const bound = this.boundOf(upTo);
    switch (timestamp) {
      case lookup.LATEST_TIMESTAMP:
        return { timestamp: -1, offset: bound, leaderEpoch: this.epochs.latestEpoch };
      case lookup.EARLIEST_TIMESTAMP:
      case lookup.EARLIEST_LOCAL_TIMESTAMP:
        return {
          timestamp: -1,
          offset: this.startOffset,
          leaderEpoch: this.epochs.epochFor(this.startOffset),
        };
      case lookup.LATEST_TIERED_TIMESTAMP:
        return { timestamp: -1, offset: -1, leaderEpoch: -1 };
      default: {
        const found = this.guard(() => this.searchByTime(timestamp));
        return found !== null && found.offset < bound ? found : null;
      }
    }
  }

  private searchByTime(timestamp: number): FoundOffset | null {
    const segments = this.segments.all;
    return timestamp === lookup.MAX_TIMESTAMP
      ? lookup.findMaxTimestamp(segments)
      : lookup.findByTimestamp(segments, timestamp, this.startOffset);
  }

  /** ListOffsets version 0; see offset-lookup.ts. */
  legacyOffsetsBefore(timestamp: number, countMax: number): number[] {
    this.ensureOnline();
    const nowMs = this.context.clock.now();
    return lookup.legacyOffsetsBefore(this.segments.all, timestamp, countMax, {
      logStartOffset: this.startOffset,
      logEndOffset: this.endOffset,
      nowMs,
    });
  }

  /** Where a leader epoch ends; both -1 when the epoch is later than any known (KIP-101, KIP-279). */
  endOffsetForEpoch(epoch: number): EpochEnd {
    return this.epochs.endOffsetFor(epoch, this.endOffset);
  }

  /**
   * Records before `offset` are deleted, for readers at once and on disk when retention comes by.
   *
   * @returns whether the log start offset moved
   * @throws KafkaError OFFSET_OUT_OF_RANGE when `offset` is beyond the high watermark
   */
  advanceLogStartOffset(offset: number): boolean {
    this.ensureOnline();
    if (offset > this.watermark) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `log start offset ${offset} would lie beyond the high watermark ${this.watermark}`,
      );
    }
    if (offset <= this.startOffset) return false;
    this.startOffset = offset;
    this.epochs.truncateFromStart(offset);
    this.producers.advanceTo(offset);
    return true;
  }

  /**
   * Drops the records of `offset` and above, and all of the batch that it lies in the midst of.
   *
   * @returns whether anything was dropped
   */
  truncateTo(offset: number): boolean {
    this.ensureOnline();
    if (offset >= this.endOffset) {
      this.epochs.truncateFromEnd(this.endOffset);
      return false;
    }
    if (offset < this.segments.first.baseOffset) this.truncateFullyAndStartAt(offset);
    else this.guard(() => this.truncateSegments(offset));
    return true;
  }

  private truncateSegments(offset: number): void {
    const nowMs = this.context.clock.now();
    this.flusher.truncatedTo(offset);
    for (const segment of this.segments.takeAbove(offset)) this.deleteSegment(segment);
    this.segments.active.truncateTo(offset, nowMs);
    this.endOffset = Math.min(offset, this.endOffset);
    this.startOffset = Math.min(this.startOffset, this.endOffset);
    this.epochs.truncateFromEnd(this.endOffset);
    this.producers.reload(this.startOffset, this.endOffset, nowMs, this.settings.producerIdExpirationMs);
    for (const segment of this.segments.from(this.producers.mapEndOffset)) {
      replayProducers(this.producers, segment, this.endOffset);
    }
    this.updateHighWatermark(this.watermark);
  }

  /** Drops everything; the next record gets `offset`. @throws KafkaError KAFKA_STORAGE_ERROR */
  truncateFullyAndStartAt(offset: number, logStartOffset = offset): void {
    this.ensureOnline();
    this.guard(() => {
      this.flusher.truncatedTo(Math.min(offset, this.endOffset));
      for (const segment of this.segments.takeFirst(this.segments.count)) this.deleteSegment(segment);
      this.addSegment(offset);
      this.epochs.clear();
      this.producers.restartAt(offset);
    });
    this.endOffset = offset;
    this.startOffset = logStartOffset;
    this.watermark = offset;
  }

  /**
   * Removes the segments that retention does not keep.
   *
   * @returns how many went
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  deleteOldSegments(nowMs: number): number {
    this.ensureOnline();
    const { count, reason } = decideRetention(this.summaries(), this.settings, {
      highWatermark: this.watermark,
      logStartOffset: this.startOffset,
      nowMs,
    });
    if (count > 0) this.deleteOldest(count, reason!);
    return count;
  }

  private summaries(): { sizeBytes: number; endOffset: number; largestTimestampMs: number }[] {
    return this.segments.all.map((segment, index) => ({
      sizeBytes: segment.sizeBytes,
      endOffset: this.segments.at(index + 1)?.baseOffset ?? this.endOffset,
      largestTimestampMs: segment.largestTimestampMs(),
    }));
  }

  private deleteOldest(count: number, reason: RetentionReason): void {
    if (count === this.segments.count) this.roll();
    this.guard(() => {
      this.advanceLogStartOffset(this.segments.at(count)!.baseOffset);
      for (const segment of this.segments.takeFirst(count)) this.deleteSegment(segment);
    });
    this.context.log.info('Deleted old segments', { directory: this.path, count, reason });
  }

  private deleteSegment(segment: Segment): void {
    retireSegment(this.context, segment, this.producers, this.settings.fileDeleteDelayMs);
    this.flusher.directoryChanged();
  }

  /** Syncs everything now, on the loop. @throws KafkaError KAFKA_STORAGE_ERROR */
  flush(): void {
    this.ensureOnline();
    this.guard(() => this.flusher.flush());
  }

  /** Syncs off the loop all that is in the log now; those who ask meanwhile share the next sync. */
  flushLater(done: FlushDone): void {
    this.flusher.flushLater((error) => {
      if (error !== null) this.goOffline(error);
      done(error);
    });
  }

  /** Whether `flush.ms` has passed over data that is not synced. */
  isFlushDue(nowMs: number): boolean {
    const hasUnsynced = this.endOffset > this.flusher.recoveryPoint;
    return hasUnsynced && nowMs - this.flusher.lastFlushMs >= this.settings.flushMs;
  }

  /** Writes the leader epochs that changed. @throws KafkaError KAFKA_STORAGE_ERROR */
  checkpointLeaderEpochs(): void {
    if (!this.isOffline) this.guard(() => this.epochs.write());
  }

  /** What is known of each producer. */
  producerStates(): ProducerEntry[] {
    return [...this.producers.all];
  }

  /** Forgets producers that have been idle for `producer.id.expiration.ms`. */
  removeExpiredProducers(nowMs: number): void {
    this.producers.removeExpired(nowMs, this.settings.producerIdExpirationMs);
  }

  /**
   * Syncs and closes. Whoever opens the directory next, Apache Kafka included, finds all indexes complete and a
   * producer snapshot at the end of the log.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR when something could not be written: this is no clean shutdown then
   */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.offlineBecause !== null) {
      this.closeFiles();
      return;
    }
    this.guard(() => {
      this.snapshotProducers(this.endOffset);
      this.segments.active.seal();
      this.flusher.flush();
      this.closeFiles();
    });
  }

  /** Gives all descriptors back; what is not synced is left to the page cache. */
  private closeFiles(): void {
    for (const segment of this.segments.all) segment.closeFiles();
  }

  /**
   * The log goes: its directory is renamed so that nobody finds it. It answers nothing from then on, and slices
   * that are being sent stay readable.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  moveAway(directory: string): void {
    this.guard(() => this.context.disk.rename(this.path, directory));
    this.path = directory;
    for (const segment of this.segments.all) segment.moved(directory);
    this.producers.moved(directory);
    this.isClosed = true;
  }

  /** Removes the files of a log that was moved away; slices that are being sent stay readable. @throws DiskError */
  removeFiles(): void {
    for (const segment of this.segments.all) segment.remove();
    this.context.disk.remove(this.path);
  }

  private ensureOnline(): void {
    if (this.offlineBecause !== null) throw storageError(this.offlineBecause);
    if (this.isClosed) {
      throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `the log in ${this.path} is closed`);
    }
  }

  /** Runs what must not fail half-way: a failure of the disk takes the log offline. */
  private guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.goOffline(error);
      throw storageError(error);
    }
  }

  private goOffline(error: DiskError): void {
    if (this.offlineBecause !== null) return;
    this.offlineBecause = error;
    this.context.log.error('A log is offline because its disk failed', {
      directory: this.path,
      path: error.path,
      reason: error.message,
    });
    this.onOffline?.(this, error);
  }
}

function storageError(error: DiskError): KafkaError {
  return new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${error.code} at ${error.path}`, { cause: error });
}
