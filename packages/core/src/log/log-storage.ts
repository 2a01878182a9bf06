import { DiskError } from '../ports/disk.ts';
import type { AppendPlan } from './append-plan.ts';
import { isDiskRefusal } from './disk-refusal.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import { leaderEpochFile } from './leader-epoch-file.ts';
import { storageError } from './log-availability.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { LogFlusher } from './log-flusher.ts';
import type { FlushDone } from './log-flusher.ts';
import { replayProducers } from './log-loader.ts';
import type { LoadedLog } from './log-loader.ts';
import type { ProducerStates } from './producer-states.ts';
import { isRollDue } from './roll-rule.ts';
import { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';
import { removeLater, retireSegment } from './segment-removal.ts';
import type { RetiredSegment } from './segment-removal.ts';

/** What a log's owner has to know. */
export interface StorageNotices {
  /** A sync off the loop failed: nothing but `closeFiles` may be called any more. */
  syncFailed(error: DiskError): void;
  /** No checkpoint may claim more than the recovery point, from before this returns. May throw DiskError. */
  recoveryPointLowered(): void;
  /** More is on the disk, and may be acknowledged where it had to wait for that. */
  synced(): void;
}

/**
 * What one log has on disk, and what is known of it: the segments, the producers and the leader epochs, changed
 * in step. Producer state and epochs change only once a write has succeeded, so that they never know of batches
 * that are not in the log.
 *
 * Every method may throw DiskError. The files are then in a state that cannot be told, and nothing but
 * `closeFiles` may be called any more.
 */
export class LogStorage {
  readonly segments: SegmentList;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStates;
  readonly flusher: LogFlusher;
  private readonly context: LogContext;
  private path: string;
  private settings: LogConfig;
  private end: number;
  private cleaned: number | null;
  private version = 0;
  /** Is called before segments go or lose records other than by compaction. May throw DiskError. */
  beforeRestructuring: (() => void) | null = null;
  private readonly notices: StorageNotices;

  constructor(
    context: LogContext,
    directory: string,
    config: LogConfig,
    loaded: LoadedLog,
    cleanedOffset: number | null,
    notices: StorageNotices,
  ) {
    this.context = context;
    this.notices = notices;
    this.path = directory;
    this.settings = config;
    this.segments = loaded.segments;
    this.epochs = loaded.epochs;
    this.saveEpochsIn(directory);
    this.producers = loaded.producers;
    this.end = loaded.logEndOffset;
    this.cleaned = cleanedOffset;
    this.flusher = new LogFlusher(
      context,
      {
        segments: this.segments,
        epochs: this.epochs,
        directory: () => this.path,
        logEndOffset: () => this.end,
        pointAdvanced: () => notices.synced(),
      },
      loaded.recoveryPoint,
    );
    if (loaded.directoryChanged) this.flusher.directoryChanged();
    if (loaded.directoryMade) this.flusher.directoryMade();
  }

  get directory(): string {
    return this.path;
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.end;
  }

  /** Up to where the log was compacted, null when it never was. */
  get cleanedOffset(): number | null {
    return this.cleaned;
  }

  /** Another number whenever segments went, or lost records, other than by compaction. */
  get structureVersion(): number {
    return this.version;
  }

  get config(): LogConfig {
    return this.settings;
  }

  updateConfig(config: LogConfig): void {
    this.settings = config;
  }

  /**
   * Writes batches at the end, in a new segment where one is due.
   *
   * @param firstOffset of the first record, which the header of an old format does not tell
   * @throws KafkaError KAFKA_STORAGE_ERROR when the disk refused and what was written could be undone: the log goes
   *   on as it was
   */
  append(plan: AppendPlan, firstOffset: number, nowMs: number): void {
    const sizeBytes = plan.records.length;
    const { lastOffset, maxTimestamp } = plan;
    if (isRollDue(this.segments.active, this.settings, { sizeBytes, lastOffset, maxTimestamp }, nowMs)) {
      this.roll(rollOffset(this.end, firstOffset, lastOffset));
    }
    const segment = this.segments.active;
    this.writeOrCutOff(segment, plan, nowMs);
    this.end = lastOffset + 1;
    this.flusher.written();
    this.account(segment, plan);
  }

  /** Whether `flush.messages` records came since the last sync, or the last that was asked for. */
  get isFlushDue(): boolean {
    return this.end - this.flusher.requestedPoint >= this.settings.flushMessages;
  }

  /** Syncs, off the loop, records that are not to be acknowledged before: from `from` to the end. */
  flushHeldBack(from: number): void {
    this.flusher.holdBack(from);
    this.flushLater(() => {});
  }

  private writeOrCutOff(segment: Segment, plan: AppendPlan, nowMs: number): void {
    try {
      segment.append(plan.records, plan.batches, this.settings.indexIntervalBytes, nowMs);
    } catch (error) {
      if (!(error instanceof DiskError) || !isDiskRefusal(error)) throw error;
      segment.repairAfterFailure();
      throw storageError(error);
    }
  }

  private account(segment: Segment, plan: AppendPlan): void {
    for (const { epoch, startOffset } of plan.leaderEpochs) this.epochs.assign(epoch, startOffset);
    // Old formats carry no epochs; without any, followers fall back to the high watermark.
    if (plan.batches[0]!.magic < 2) this.epochs.clear();
    this.producers.commit(plan.producers, this.end, (transaction, lastStableOffset) => {
      if (segment.transactionIndex.isEmpty) this.flusher.directoryChanged();
      segment.transactionIndex.append({ ...transaction, lastStableOffset });
    });
  }

  /**
   * Closes the active segment and begins a new one at the end of the log, or at `baseOffset` beyond it. An
   * active segment that is empty is replaced by one that begins there. What was closed is synced, off the loop.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR when the disk refused: the log goes on as it was
   */
  roll(baseOffset = this.end): void {
    const { active } = this.segments;
    const base = Math.max(baseOffset, this.end);
    if (active.sizeBytes === 0 && active.baseOffset === base) return;
    if (active.sizeBytes === 0) this.replaceEmptyActive(base);
    else this.addSegment(base);
    this.snapshotProducers(base);
    this.flushLater(() => {});
    this.context.log.debug('Rolled a log', { directory: this.path, baseOffset: base });
  }

  /** What was closed is complete, as far as recovery will rely on it, before there is a segment behind it. */
  private addSegment(baseOffset: number): void {
    if (this.segments.count > 0) {
      refusedAsKafkaError(() => this.segments.active.seal());
      this.flusher.segmentClosed(this.segments.active, this.end);
    }
    this.segments.add(this.makeSegment(baseOffset));
  }

  private makeSegment(baseOffset: number): Segment {
    const { segmentJitterMs } = this.settings;
    const jitter = segmentJitterMs === 0 ? 0 : Math.floor(this.context.random.fraction() * segmentJitterMs);
    const segment = new Segment(this.context, this.path, baseOffset, null, jitter);
    this.flusher.directoryChanged();
    createOrRemove(segment);
    return segment;
  }

  private replaceEmptyActive(baseOffset: number): void {
    const empty = this.segments.active;
    this.addSegment(baseOffset);
    for (const segment of this.segments.take(empty)) segment.remove();
  }

  /** Without one the next start reads more of the log, and that is all. */
  private snapshotProducers(endOffset: number): void {
    this.producers.advanceTo(endOffset);
    try {
      const path = this.producers.takeSnapshot();
      if (path !== null) this.flusher.snapshotWritten(path);
    } catch (error) {
      if (!(error instanceof DiskError) || !isDiskRefusal(error)) throw error;
      this.context.log.warn('A producer snapshot could not be written', {
        directory: this.path,
        reason: error.message,
      });
    }
  }

  /**
   * Drops the records of `offset` and above, and all of the batch that it lies in the midst of.
   *
   * @param offset within the segments
   */
  truncateTo(offset: number, logStartOffset: number): void {
    const nowMs = this.context.clock.now();
    this.lowerRecoveryPoint(offset);
    for (const segment of this.segments.takeAbove(offset)) this.retire(segment);
    this.segments.active.truncateTo(offset, nowMs);
    this.flusher.syncCut(this.segments.active);
    this.end = Math.min(offset, this.end);
    this.epochs.truncateFromEnd(this.end);
    const startOffset = Math.min(logStartOffset, this.end);
    this.producers.reload(startOffset, this.end, nowMs, this.settings.producerIdExpirationMs);
    for (const segment of this.segments.from(this.producers.mapEndOffset)) {
      replayProducers(this.producers, segment, this.end);
    }
  }

  /** Said before anything is done: what is cut off may come back, and records may be written over it. */
  private lowerRecoveryPoint(offset: number): void {
    this.interruptCleaning();
    if (this.cleaned !== null) this.cleaned = Math.min(this.cleaned, offset);
    this.flusher.truncatedTo(offset);
    this.flusher.written();
    this.notices.recoveryPointLowered();
  }

  /**
   * Drops everything; the next record gets `offset`.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR when the disk refused: the log goes on as it was
   */
  restartAt(offset: number): void {
    const kept = this.segments.all.find(({ baseOffset }) => baseOffset === offset);
    // Made first: there may be no room for it.
    const empty = kept ?? this.makeSegment(offset);
    this.lowerRecoveryPoint(Math.min(offset, this.segments.first.baseOffset));
    for (const segment of this.segments.takeFirst(this.segments.count)) {
      if (segment !== kept) this.retire(segment);
    }
    kept?.clear(this.context.clock.now());
    this.segments.add(empty);
    if (kept !== undefined) this.flusher.syncCut(kept);
    this.epochs.clear();
    this.producers.restartAt(offset);
    this.end = offset;
  }

  /** The records before `offset` are deleted; segments that hold no others stay until `deleteOldest`. */
  startAt(offset: number): void {
    this.epochs.truncateFromStart(offset);
    this.producers.advanceTo(offset);
  }

  /** @param count of segments, fewer than there are */
  deleteOldest(count: number): void {
    this.interruptCleaning();
    for (const segment of this.segments.takeFirst(count)) this.retire(segment);
  }

  /**
   * Puts a compacted segment in the place of the neighbours that it was made of, whose files are renamed.
   *
   * @param old at least one, the first with the same base offset as `segment`; none of them active
   * @returns what is to be removed from the disk once the renames are certain to be there
   */
  replaceSegments(segment: Segment, old: readonly Segment[]): RetiredSegment[] {
    const retired = old.map((one) => {
      // The snapshot of the first is the new one's.
      const isReplaced = one.baseOffset === segment.baseOffset;
      const snapshotPath = isReplaced ? null : this.producers.markSnapshotDeleted(one.baseOffset);
      one.markDeleted();
      return { segment: one, snapshotPath };
    });
    this.segments.replace(old, segment);
    this.flusher.directoryChanged();
    return retired;
  }

  /** Removes after the usual delay what `replaceSegments` took out of use. */
  removeReplaced(retired: readonly RetiredSegment[]): void {
    for (const one of retired) removeLater(this.context, one, this.settings.fileDeleteDelayMs);
  }

  /** The log is compacted up to `offset`; null where it never was. */
  cleanedTo(offset: number | null): void {
    this.cleaned = offset;
  }

  /** A round of compaction that is under way ends without effect. */
  interruptCleaning(): void {
    this.version++;
    this.beforeRestructuring?.();
  }

  private retire(segment: Segment): void {
    retireSegment(this.context, segment, this.producers, this.settings.fileDeleteDelayMs);
    this.flusher.directoryChanged();
  }

  /** As `LogFlusher.flushLater`. */
  flushLater(done: FlushDone): void {
    this.flusher.flushLater((error) => {
      if (error !== null && this.flusher.hasFailed) this.notices.syncFailed(error);
      done(error);
    });
  }

  /** Whether closing has anything to bring to the disk. */
  get isSyncDueForClose(): boolean {
    return this.flusher.isDueForClose;
  }

  /** Does what `close` does but for closing the files, and syncs off the loop. @param done called once, later */
  syncForClose(done: () => void): void {
    this.snapshotProducers(this.end);
    this.segments.active.seal();
    this.flusher.flushForCloseLater((error) => {
      if (error !== null && this.flusher.hasFailed) this.notices.syncFailed(error);
      done();
    });
  }

  /** Syncs everything, completes the indexes, and leaves a producer snapshot at the end of the log. */
  close(): void {
    this.snapshotProducers(this.end);
    this.segments.active.seal();
    this.flusher.flushForClose();
    this.closeFiles();
  }

  /** Gives all descriptors back; what is not synced is left to the page cache. */
  closeFiles(): void {
    for (const segment of this.segments.all) segment.closeFiles();
  }

  /** Gives the directory another name, under which nothing is synced any more. */
  moveTo(directory: string): void {
    this.interruptCleaning();
    this.context.disk.rename(this.path, directory);
    this.flusher.retire();
    this.follow(directory);
  }

  /** Gives the directory another name in the same parent, under which the log goes on. Not while it is being synced. */
  renameTo(directory: string, certainUpTo: number): void {
    this.interruptCleaning();
    this.context.disk.rename(this.path, directory);
    this.flusher.renamed(certainUpTo);
    this.follow(directory);
  }

  private follow(directory: string): void {
    this.path = directory;
    for (const segment of this.segments.all) segment.moved(directory);
    this.producers.moved(directory);
    this.saveEpochsIn(directory);
  }

  private saveEpochsIn(directory: string): void {
    const { context, notices } = this;
    this.epochs.saveTo(leaderEpochFile(context.disk, directory, (error) => notices.syncFailed(error)));
  }

  /**
   * What is known of the records beside themselves is from now on what `other` knows, which has the same ones: also of
   * leaders and producers of which no records are left.
   */
  adoptKnowledgeOf(other: LogStorage): void {
    this.epochs.replaceWith(other.epochs.all);
    this.producers.adoptAll(other.producers);
    this.producers.removeSnapshots((offset) => offset === this.end);
    this.snapshotProducers(this.end);
    this.cleaned = other.cleaned;
  }

  /** The log has no records up to `offset`, which is beyond its end: there its next one will be. */
  skipTo(offset: number): void {
    this.roll(offset);
    this.end = offset;
    this.flusher.written();
  }

  removeFiles(): void {
    for (const segment of this.segments.all) segment.remove();
    this.context.disk.remove(this.path);
  }
}

/** @throws KafkaError KAFKA_STORAGE_ERROR when the disk refused: there is no trace of the segment then */
function createOrRemove(segment: Segment): void {
  refusedAsKafkaError(() => {
    try {
      segment.create();
    } catch (error) {
      if (error instanceof DiskError && isDiskRefusal(error)) segment.remove();
      throw error;
    }
  });
}

/** For what can be tried again. @throws KafkaError KAFKA_STORAGE_ERROR when the disk refused */
function refusedAsKafkaError(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (error instanceof DiskError && isDiskRefusal(error)) throw storageError(error);
    throw error;
  }
}

/** The widest that the offsets of one segment may spread. */
const RELATIVE_OFFSET_MAX = 0x7fffffff;

/**
 * Where a new segment begins: at the end of the log, so that recovery can tell a lost tail from a gap; only a
 * batch too far beyond that begins its own.
 */
function rollOffset(endOffset: number, firstOffset: number, lastOffset: number): number {
  return lastOffset - endOffset > RELATIVE_OFFSET_MAX ? firstOffset : endOffset;
}
