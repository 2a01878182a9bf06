import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { DiskError } from '../ports/disk.ts';
import type { CleanableLog } from './cleaner/cleanable.ts';
import { isDiskRefusal } from './disk-refusal.ts';
import type { EpochEnd } from './leader-epoch-cache.ts';
import type { AppendOptions, LogAppendInfo } from './log-append.ts';
import { LogAppends } from './log-appends.ts';
import { LogAvailability } from './log-availability.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import type { FlushDone } from './log-flusher.ts';
import { loadLog } from './log-loader.ts';
import type { LoadOptions, LoadedLog } from './log-loader.ts';
import { readLog } from './log-reader.ts';
import type { LogRead, ReadOptions, UpTo } from './log-reader.ts';
import { LogStorage } from './log-storage.ts';
import { findOffset, legacyOffsetsBefore } from './offset-lookup.ts';
import type { FoundOffset } from './offset-lookup.ts';
import type { ProducerEntry } from './producer-rules.ts';
import { decideRetention, summariesOf } from './retention.ts';
import { TopicIdFile } from './topic-id-file.ts';

/*
 * One partition's log on one broker: what may be appended, what readers see, and what becomes of old records.
 * The files are log-storage.ts's.
 *
 * What may fail: every call of the disk. What is done then: an append that fails is cut off again, and the log
 * goes on when that succeeds; whoever appended is told KAFKA_STORAGE_ERROR and may retry. A failure that
 * leaves the files in a state that cannot be told (the cut fails too, a roll, a truncation, a deletion or a sync
 * fails) takes the log offline: every later call answers KAFKA_STORAGE_ERROR until the broker opened it again,
 * which recovers it.
 *
 * A crash of the process loses nothing that was appended: it is in the page cache. A loss of power may lose
 * what lies behind the recovery point. See log-loader.ts for what a start makes of that.
 */

export interface PartitionLogOptions extends LoadOptions {
  readonly topic: string;
  readonly partition: number;
  /**
   * Is told before files change so that less than before is certain to be on the disk: no checkpoint may claim
   * more than `recoveryPoint` and `cleanedOffset` from then on. May throw DiskError.
   */
  readonly onRecoveryPointLowered?: (log: PartitionLog) => void;
  /** Is told when the log goes offline; at most once. */
  readonly onOffline?: (log: PartitionLog, error: DiskError) => void;
}

export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  private readonly context: LogContext;
  /** The files: for the cleaner. */
  readonly storage: LogStorage;
  private readonly availability: LogAvailability;
  private readonly appends: LogAppends;
  /** Is called when more may be acknowledged because it is synced now, and when the log goes offline. */
  onProgress: (() => void) | null = null;
  /** Is called when the log was cut, and ends here now. */
  onTruncated: ((logEndOffset: number) => void) | null = null;
  private startOffset: number;
  private watermark: number;
  private readonly topicIdFile: TopicIdFile;

  private constructor(
    context: LogContext,
    directory: string,
    options: PartitionLogOptions,
    loaded: LoadedLog,
  ) {
    this.context = context;
    this.topic = options.topic;
    this.partition = options.partition;
    this.startOffset = loaded.logStartOffset;
    this.watermark = loaded.logStartOffset;
    this.availability = new LogAvailability((error) => {
      context.log.error('A log is offline because its disk failed', {
        directory: this.directory,
        path: error.path,
        reason: error.message,
      });
      this.storage.flusher.fail(error);
      options.onOffline?.(this, error);
      this.onProgress?.();
    });
    const { availability } = this;
    this.storage = new LogStorage(context, directory, options.config, loaded, options.cleanedOffset ?? null, {
      syncFailed: (error) => availability.goOffline(error),
      recoveryPointLowered: () => options.onRecoveryPointLowered?.(this),
      synced: () => this.onProgress?.(),
    });
    this.topicIdFile = new TopicIdFile(context, directory, (error) => availability.goOffline(error));
    this.appends = new LogAppends(context, this, this.storage, availability);
  }

  /**
   * Opens the log in `directory`, recovering it as far as needed, or makes an empty one.
   *
   * @throws DiskError, CorruptCheckpointError
   */
  static open(context: LogContext, directory: string, options: PartitionLogOptions): PartitionLog {
    const log = new PartitionLog(context, directory, options, loadLog(context, directory, options));
    // What a crash has left may not be synced, and is not acknowledged or read by consumers before it is.
    if (log.storage.isFlushDue) log.storage.flushHeldBack(log.recoveryPoint);
    return log;
  }

  get directory(): string {
    return this.storage.directory;
  }

  get config(): LogConfig {
    return this.storage.config;
  }

  /** The topic's id as in `partition.metadata`, or null when none was assigned. */
  get topicId(): string | null {
    return this.topicIdFile.topicId;
  }

  /** Offset of the first record that may be read. */
  get logStartOffset(): number {
    return this.startOffset;
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.storage.endOffset;
  }

  /** Everything before is on all in-sync replicas, as far as this broker knows. */
  get highWatermark(): number {
    return this.watermark;
  }

  /** Everything before is decided: at most the high watermark, and no transaction is open before it. */
  get lastStableOffset(): number {
    const unstable = this.storage.producers.firstUnstableOffset;
    return unstable === null
      ? this.watermark
      : Math.min(Math.max(unstable, this.startOffset), this.watermark);
  }

  /** Everything before is synced to the disk. */
  get recoveryPoint(): number {
    return this.storage.flusher.recoveryPoint;
  }

  /**
   * Everything before may be acknowledged, and counts as held by this replica: with `flush.messages` what has to be
   * synced first lies beyond, and once the log is offline nothing more is acknowledged.
   */
  get acknowledgeableOffset(): number {
    return this.isOffline ? this.watermark : this.storage.flusher.acknowledgeableOffset;
  }

  /** Its last records are being synced, and are not to be acknowledged before. */
  get isHeldBack(): boolean {
    return this.isOpen && this.acknowledgeableOffset < this.logEndOffset;
  }

  get sizeBytes(): number {
    return this.storage.segments.sizeBytes;
  }

  /** Where the oldest segment begins, at or below the log start offset. */
  get firstSegmentOffset(): number {
    return this.storage.segments.first.baseOffset;
  }

  get segmentCount(): number {
    return this.storage.segments.count;
  }

  get latestLeaderEpoch(): number {
    return this.storage.epochs.latestEpoch;
  }

  get isOffline(): boolean {
    return this.availability.isOffline;
  }

  /** Neither closed nor offline. */
  get isOpen(): boolean {
    return !this.availability.isOffline && !this.availability.isClosed;
  }

  /** Up to where the log was compacted, null when it never was. */
  get cleanedOffset(): number | null {
    return this.storage.cleanedOffset;
  }

  /** The log as the decision what to compact sees it. */
  cleanableView(): CleanableLog {
    const { config, logStartOffset, logEndOffset, lastStableOffset, recoveryPoint, cleanedOffset } = this;
    const segments = this.storage.segments.all;
    return { config, segments, logStartOffset, logEndOffset, lastStableOffset, recoveryPoint, cleanedOffset };
  }

  /** The disk failed where it must not: the log answers nothing any more. */
  fail(error: DiskError): void {
    this.availability.goOffline(error);
  }

  private ensureOnline(): void {
    this.availability.check(this.directory);
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR, and the log is offline, where `action` throws DiskError */
  private change<T>(action: () => T): T {
    return this.availability.guard(action);
  }

  /** The log belongs to this topic from now on; see topic-id-file.ts. @throws KafkaError INCONSISTENT_TOPIC_ID, KAFKA_STORAGE_ERROR */
  assignTopicId(topicId: string): void {
    if (this.topicId === topicId) return;
    this.ensureOnline();
    if (this.topicId !== null) {
      throw new KafkaError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `the log in ${this.directory} belongs to topic id ${this.topicId}, not ${topicId}`,
      );
    }
    this.topicIdFile.assign(topicId);
  }

  /** Calls back when the topic's id is not being written any more, so that the first record need not wait for it. */
  whenTopicIdWritten(done: () => void): void {
    this.topicIdFile.whenWritten(done);
  }

  private secureTopicId(): void {
    if (this.topicIdFile.isPending) this.availability.guardHarmless(() => this.topicIdFile.secure());
  }

  updateConfig(config: LogConfig): void {
    this.storage.updateConfig(config);
  }

  /**
   * The high watermark moves, kept within the log. A leader raises it only; a follower takes what it is told.
   *
   * @returns the high watermark then
   */
  updateHighWatermark(offset: number): number {
    this.watermark = Math.min(Math.max(offset, this.startOffset), this.logEndOffset);
    this.storage.producers.onHighWatermark(this.watermark);
    return this.watermark;
  }

  /** This broker leads from `epoch` on: its records begin at the end of the log. */
  assignLeaderEpoch(epoch: number): void {
    this.storage.epochs.assign(epoch, this.logEndOffset);
  }

  /**
   * Appends what a producer or coordinator sent; see log-appends.ts.
   *
   * @param records the bytes as they came; may be changed in place
   * @throws RecordValidationError, KafkaError with the code for the producer
   */
  appendAsLeader(records: Buffer, options: AppendOptions): LogAppendInfo {
    this.ensureOnline();
    this.secureTopicId();
    return this.appends.asLeader(records, options);
  }

  /**
   * Appends what the leader has; see log-appends.ts.
   *
   * @throws KafkaError CORRUPT_MESSAGE, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR
   * @throws MalformedBytesError when the bytes are no batches
   */
  appendAsFollower(records: Buffer): LogAppendInfo {
    this.ensureOnline();
    this.secureTopicId();
    return this.appends.asFollower(records);
  }

  /**
   * Closes the active segment and begins a new one at the end of the log, or at `baseOffset` beyond it.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  roll(baseOffset?: number): void {
    this.ensureOnline();
    this.change(() => this.storage.roll(baseOffset));
  }

  /**
   * What is in the log from `offset` on, as a stretch of one segment file.
   *
   * @throws KafkaError OFFSET_OUT_OF_RANGE when `offset` is below the start or beyond the end of the log
   */
  read(offset: number, options: ReadOptions): LogRead {
    this.ensureOnline();
    return this.availability.guardHarmless(() => readLog(this, this.storage.segments, offset, options));
  }

  /** The bound that a read up to `upTo` keeps. */
  boundOf(upTo: UpTo): number {
    if (upTo === 'log-end') return this.logEndOffset;
    return upTo === 'high-watermark' ? this.watermark : this.lastStableOffset;
  }

  /**
   * The offset for a time, or for one of the special times of ListOffsets (see offset-lookup.ts); null when
   * there is none before the bound.
   */
  offsetForTimestamp(timestamp: number, upTo: UpTo): FoundOffset | null {
    this.ensureOnline();
    const { segments, epochs } = this.storage;
    const bounds = { startOffset: this.startOffset, endOffset: this.boundOf(upTo) };
    return this.availability.guardHarmless(() => findOffset(segments.all, epochs, timestamp, bounds));
  }

  /** ListOffsets version 0; see offset-lookup.ts. */
  legacyOffsetsBefore(timestamp: number, countMax: number): number[] {
    this.ensureOnline();
    const { logStartOffset, logEndOffset } = this;
    const nowMs = this.context.clock.now();
    return legacyOffsetsBefore(this.storage.segments.all, timestamp, countMax, {
      logStartOffset,
      logEndOffset,
      nowMs,
    });
  }

  /** Where a leader epoch ends; both -1 when the epoch is later than any known (KIP-101, KIP-279). */
  endOffsetForEpoch(epoch: number): EpochEnd {
    return this.storage.epochs.endOffsetFor(epoch, this.logEndOffset);
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
    this.storage.startAt(offset);
    return true;
  }

  /**
   * Drops the records of `offset` and above, and all of the batch that it lies in the midst of.
   *
   * @returns whether anything was dropped
   */
  truncateTo(offset: number): boolean {
    this.ensureOnline();
    if (offset >= this.logEndOffset) {
      this.storage.epochs.truncateFromEnd(this.logEndOffset);
      return false;
    }
    if (offset < this.firstSegmentOffset) {
      this.truncateFullyAndStartAt(offset);
      return true;
    }
    this.change(() => this.storage.truncateTo(offset, this.startOffset));
    this.startOffset = Math.min(this.startOffset, this.logEndOffset);
    this.updateHighWatermark(this.watermark);
    this.onTruncated?.(this.logEndOffset);
    return true;
  }

  /** Drops everything; the next record gets `offset`. @throws KafkaError KAFKA_STORAGE_ERROR */
  truncateFullyAndStartAt(offset: number, logStartOffset = offset): void {
    this.ensureOnline();
    this.secureTopicId();
    this.change(() => this.storage.restartAt(offset));
    this.startOffset = logStartOffset;
    this.watermark = offset;
    this.onTruncated?.(offset);
  }

  /**
   * There are no records up to `offset`, which is beyond the end: compaction has removed them where this log is from.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  skipTo(offset: number): void {
    this.ensureOnline();
    this.change(() => this.storage.skipTo(offset));
  }

  /**
   * Removes the segments that retention does not keep.
   *
   * @returns how many went
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  deleteOldSegments(nowMs: number): number {
    this.ensureOnline();
    const { count, reason } = this.change(() =>
      decideRetention(summariesOf(this.storage.segments, this.logEndOffset), this.config, {
        highWatermark: this.watermark,
        logStartOffset: this.startOffset,
        nowMs,
      }),
    );
    if (count === 0) return 0;
    if (count === this.segmentCount) this.roll();
    this.advanceLogStartOffset(this.storage.segments.at(count)!.baseOffset);
    this.change(() => this.storage.deleteOldest(count));
    this.context.log.info('Deleted old segments', { directory: this.directory, count, reason });
    return count;
  }

  /** Syncs everything now, on the loop. @throws KafkaError KAFKA_STORAGE_ERROR */
  flush(): void {
    this.ensureOnline();
    this.change(() => this.storage.flusher.flush());
  }

  /** Syncs off the loop all that is in the log now; those who ask meanwhile share the next sync. */
  flushLater(done: FlushDone): void {
    this.storage.flushLater(done);
  }

  /** Whether `flush.ms` has passed over data that is not synced. @param nowMs monotonic time */
  isFlushDue(nowMs: number): boolean {
    const { recoveryPoint, lastFlushMs } = this.storage.flusher;
    return this.logEndOffset > recoveryPoint && nowMs - lastFlushMs >= this.config.flushMs;
  }

  /** Writes the leader epochs that changed, as far as recovery would miss them. @throws KafkaError KAFKA_STORAGE_ERROR */
  checkpointLeaderEpochs(): void {
    if (!this.isOffline && !this.areEpochsInBatches)
      this.availability.guardHarmless(() => this.storage.epochs.write());
  }

  /** The same off the loop. @param done called once: at once where nothing changed. Failures take the log offline */
  checkpointLeaderEpochsLater(done: () => void): void {
    if (!this.isOpen || this.areEpochsInBatches) return done();
    this.storage.epochs.writeLater((error) => {
      if (error !== null && !isDiskRefusal(error) && this.isOpen) this.availability.goOffline(error);
      done();
    });
  }

  private get areEpochsInBatches(): boolean {
    const { epochs, flusher } = this.storage;
    return epochs.isInBatches(flusher.recoveryPoint, this.logEndOffset);
  }

  /** What is known of each producer. */
  producerStates(): ProducerEntry[] {
    return [...this.storage.producers.all];
  }

  /** Forgets producers that have been idle for `producer.id.expiration.ms`. */
  removeExpiredProducers(nowMs: number): void {
    this.storage.producers.removeExpired(nowMs, this.config.producerIdExpirationMs);
  }

  /**
   * Syncs and closes. Whoever opens the directory next, Apache Kafka included, finds all indexes complete and a
   * producer snapshot at the end of the log.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR when something could not be written: this is no clean shutdown then
   */
  close(): void {
    if (this.availability.isClosed) return;
    this.availability.close();
    // Where it is not on the disk yet there are no records: it is told again after the next start.
    this.topicIdFile.abandon();
    if (this.isOffline) this.storage.closeFiles();
    else this.change(() => this.storage.close());
  }

  /**
   * Brings to the disk, off the loop, what `close` would, so that little is left for it. Nothing is appended any more.
   *
   * @param done called once: at once when there is nothing to sync
   */
  syncForClose(done: () => void): void {
    if (this.availability.isClosed || this.isOffline || !this.storage.isSyncDueForClose) return done();
    try {
      this.change(() => this.storage.syncForClose(done));
    } catch (error) {
      // The log is offline now, or is left to `close`, which tells why.
      if (!(error instanceof KafkaError)) throw error;
      done();
    }
  }

  /**
   * The log goes: its directory is renamed so that nobody finds it. It answers nothing from then on, and slices
   * that are being sent stay readable.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  moveAway(directory: string): void {
    this.topicIdFile.abandon();
    this.change(() => this.storage.moveTo(directory));
    this.availability.close();
  }

  /**
   * The log's directory gets another name in the same data directory, and it goes on there. Not while it is being
   * synced off the loop.
   *
   * @param certainUpTo what survives a loss of power that undoes this: the recovery point is no higher until it is synced
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  renameTo(directory: string, certainUpTo: number): void {
    this.ensureOnline();
    this.secureTopicId();
    this.change(() => this.storage.renameTo(directory, certainUpTo));
    this.topicIdFile.moved(directory);
  }

  /** Another log has taken its place: it answers nothing any more. Its files stay where they are until `moveAway`. */
  retire(): void {
    this.availability.close();
    this.onProgress = null;
    this.onTruncated = null;
    this.storage.flusher.retire();
  }

  /** Removes the files of a log that was moved away; slices that are being sent stay readable. @throws DiskError */
  removeFiles(): void {
    this.storage.removeFiles();
  }
}
