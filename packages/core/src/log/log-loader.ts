import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import type { DiskEntry } from '../ports/disk.ts';
import { readEpochCheckpoint, CorruptCheckpointError } from './checkpoints.ts';
import type { EpochEntry } from './checkpoints.ts';
import { LeaderEpochCache } from './leader-epoch-cache.ts';
import { leaderEpochFile } from './leader-epoch-file.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { LEADER_EPOCH_FILE, SNAPSHOT_SUFFIX, offsetOfName } from './log-files.ts';
import { findSegmentFiles, tidyDirectory } from './log-directory-files.ts';
import type { FoundSegment } from './log-directory-files.ts';
import { stageStored } from './producer-replay.ts';
import { ProducerStates } from './producer-states.ts';
import { OFFSETS_PER_SEGMENT_MAX, OffsetOverflow, splitSegment } from './segment-splitting.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';

/*
 * Opening a log.
 *
 * What may have happened before: a clean shutdown; a crash of the process at any point, so that the last
 * append, roll, deletion or checkpoint is half done; a loss of power, so that of everything beyond the recovery
 * point any part may be missing, torn or zero. Files before the recovery point, and the checkpoint files, which
 * are replaced whole, are taken to be sound; that an index is missing or has an impossible size is noticed and
 * mended all the same.
 *
 * What is promised then: the log is a prefix of what was appended, and holds at least all that lay before the
 * recovery point. Its indexes, its producer state and its leader epochs are those of that prefix.
 */

export interface LoadOptions {
  readonly config: LogConfig;
  /** From `log-start-offset-checkpoint`, 0 when it has none. */
  readonly logStartOffset: number;
  /** From `recovery-point-offset-checkpoint`, 0 when it has none: everything before was synced. */
  readonly recoveryPoint: number;
  /** From `cleaner-offset-checkpoint`, null when it has none: the log was compacted up to there. */
  readonly cleanedOffset?: number | null;
  readonly wasCleanShutdown: boolean;
}

export interface LoadedLog {
  readonly segments: SegmentList;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStates;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  /** Files were made or removed on the way, or by the one who crashed before: their entries may not be synced. */
  readonly directoryChanged: boolean;
  /** The directory itself was made. */
  readonly directoryMade: boolean;
}

/**
 * Opens the log in `directory`, or makes an empty one there.
 *
 * @throws DiskError, CorruptCheckpointError
 */
export function loadLog(context: LogContext, directory: string, options: LoadOptions): LoadedLog {
  const found = context.disk.list(directory);
  if (found === null) context.disk.makeDirectory(directory);
  const files = tidyDirectory(context, directory, found ?? []);
  return { ...loadOrSplit(context, directory, options, files), directoryMade: found === null };
}

/** Begins anew for each segment that turns out to have offsets beyond what its indexes can tell. */
function loadOrSplit(
  context: LogContext,
  directory: string,
  options: LoadOptions,
  files: readonly DiskEntry[],
): Omit<LoadedLog, 'directoryMade'> {
  try {
    return new LogLoader(context, directory, options, files).load();
  } catch (error) {
    if (!(error instanceof OffsetOverflow)) throw error;
    splitSegment(context, directory, error.baseOffset);
    const entries = context.disk.list(directory) ?? [];
    return loadOrSplit(context, directory, options, tidyDirectory(context, directory, entries));
  }
}

class LogLoader {
  private readonly context: LogContext;
  private readonly directory: string;
  private readonly options: LoadOptions;
  private readonly files: readonly DiskEntry[];
  private readonly segments = new SegmentList();
  private readonly producers: ProducerStates;
  private readonly epochs: LeaderEpochCache;
  private nextOffset = 0;
  /** Of the batch before the one that is looked at. */
  private epochBefore = -1;
  private directoryChanged = false;

  constructor(context: LogContext, directory: string, options: LoadOptions, files: readonly DiskEntry[]) {
    this.context = context;
    this.directory = directory;
    this.options = options;
    this.files = files;
    this.producers = new ProducerStates(context, directory, snapshotOffsets(files));
    this.epochs = openEpochCache(context, directory);
  }

  load(): Omit<LoadedLog, 'directoryMade'> {
    const found = findSegmentFiles(this.files);
    const firstSuspect = this.firstSuspectIndex(found);
    for (const file of found.slice(0, firstSuspect)) this.segments.add(this.open(file));
    if (firstSuspect < found.length) this.examine(found.slice(firstSuspect));
    else if (found.length > 0) this.findEnd(found.at(-1)!);
    this.beginAnewBelowLogStart();
    if (this.segments.count === 0) this.addEmptySegment(this.options.logStartOffset);
    return this.finish();
  }

  /** Without reading more than the end of the last segment, unless that is damaged. */
  private findEnd(last: FoundSegment): void {
    try {
      this.nextOffset = this.segments.active.nextOffset();
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      this.context.log.error('The last segment of a log is damaged, and is cut off there', {
        path: this.segments.active.log.path,
        reason: error.message,
      });
      this.segments.take(this.segments.active);
      this.examine([last]);
    }
  }

  /** The first segment that may not be taken as it is; none after a clean shutdown with all files there. */
  private firstSuspectIndex(found: readonly FoundSegment[]): number {
    const broken = found.findIndex(({ indexesUsable }) => !indexesUsable);
    const firstBroken = broken < 0 ? found.length : broken;
    return Math.min(firstBroken, this.firstUnflushedIndex(found));
  }

  private firstUnflushedIndex(found: readonly FoundSegment[]): number {
    if (this.options.wasCleanShutdown || found.length === 0) return found.length;
    const holder = this.recoveryPointIndex(found);
    return this.wasBegunInVain(found[holder]!) ? Math.max(holder - 1, 0) : holder;
  }

  /** The segment within which, or at whose begin, the log is no longer known to be synced. */
  private recoveryPointIndex(found: readonly FoundSegment[]): number {
    return Math.max(
      found.findLastIndex(({ baseOffset }) => baseOffset <= this.options.recoveryPoint),
      0,
    );
  }

  /**
   * A segment may have been made for which the disk then had no room for indexes: its files were removed, and the one
   * before went on. A loss of power undoes the removal, and what was written since lies before it.
   */
  private wasBegunInVain({ sizes }: FoundSegment): boolean {
    return sizes.log === 0;
  }

  private open(file: FoundSegment): Segment {
    return new Segment(this.context, this.directory, file.baseOffset, file.sizes, this.rollJitter());
  }

  private rollJitter(): number {
    if (this.options.config.segmentJitterMs === 0) return 0;
    return Math.floor(this.context.random.fraction() * this.options.config.segmentJitterMs);
  }

  /**
   * Goes through the segments from the first suspect one on, in order, so that producer state and epochs can be
   * built along: unflushed ones and such without usable indexes are read whole, the others by their headers.
   *
   * A segment that was not flushed may have lost its tail to a loss of power though the next one kept its own.
   * Nothing in the files tells but the gap: past the recovery point we compact nothing, and begin a new segment
   * where the one before ends. Apache Kafka does compact there, and tells how far it came. A gap wider than a segment
   * can be is no tail.
   */
  private examine(found: readonly FoundSegment[]): void {
    const unflushedFrom = this.firstUnflushedIndex(found);
    this.nextOffset = found[0]!.baseOffset;
    this.epochBefore = this.epochs.epochFor(this.nextOffset - 1);
    this.replayInto(this.nextOffset);
    const knownUpTo = (): number => Math.max(this.nextOffset, this.options.cleanedOffset ?? 0);
    for (const [index, file] of found.entries()) {
      const segment = this.open(file);
      if (index < unflushedFrom && file.indexesUsable) {
        this.segments.add(segment);
        this.replaySegment(segment, Infinity);
        this.nextOffset = Math.max(this.nextOffset, segment.nextOffset());
      } else {
        const cut = this.rebuild(segment);
        const next = found[index + 1];
        // The next recovery will not look at it again.
        if (next !== undefined && next.baseOffset <= this.options.recoveryPoint) {
          for (const file of segment.syncTargets()) file.use().sync();
        }
        const isGap =
          next !== undefined &&
          next.baseOffset > knownUpTo() &&
          next.baseOffset <= file.baseOffset + OFFSETS_PER_SEGMENT_MAX &&
          index >= this.recoveryPointIndex(found);
        const isOverlap = next !== undefined && next.baseOffset < this.nextOffset;
        if (cut > 0 || isGap || isOverlap) {
          this.dropAfterDamage(found.slice(index + 1));
          return;
        }
      }
    }
  }

  /** @returns bytes cut off because of damage */
  private rebuild(segment: Segment): number {
    const { baseOffset } = segment;
    this.directoryChanged = true;
    // Compaction leaves gaps; nothing may overlap.
    this.nextOffset = Math.max(this.nextOffset, baseOffset);
    let isFirst = true;
    const cut = segment.rebuild(this.options.config.indexIntervalBytes, (header) => {
      if (header.baseOffset >= this.nextOffset && !segment.offsetIndex.canHold(header.lastOffset)) {
        throw new OffsetOverflow(segment.baseOffset);
      }
      if (header.baseOffset < this.nextOffset) {
        throw new MalformedBytesError(`offset ${header.baseOffset} where ${this.nextOffset} is expected`);
      }
      this.refuseEarlierEpoch(header, isFirst);
      isFirst = false;
      this.account(segment, header);
      this.nextOffset = header.lastOffset + 1;
    });
    this.segments.add(segment);
    this.producers.takeSnapshot();
    this.context.log.info('Recovered a segment', { path: segment.log.path, cutBytes: cut });
    return cut;
  }

  /**
   * A segment never begins with an earlier leader epoch than the one before it ends with. Where it does, it holds a
   * tail that was cut off before others wrote in its place: the loss of power undid the removal of the segment, and
   * kept what was written after.
   */
  private refuseEarlierEpoch(header: BatchHeader, beginsSegment: boolean): void {
    if (header.magic < 2 || header.partitionLeaderEpoch < 0) return;
    if (beginsSegment && header.partitionLeaderEpoch < this.epochBefore) {
      throw new MalformedBytesError(
        `leader epoch ${header.partitionLeaderEpoch} at offset ${header.baseOffset} after ${this.epochBefore}`,
      );
    }
    this.epochBefore = header.partitionLeaderEpoch;
  }

  /** What follows damage is not part of the log. */
  private dropAfterDamage(rest: readonly FoundSegment[]): void {
    for (const file of rest) {
      const segment = this.open(file);
      this.context.log.warn('Dropped a segment that follows a damaged one', { path: segment.log.path });
      segment.remove();
      this.producers.removeSnapshots((offset) => offset === file.baseOffset);
    }
  }

  private account(segment: Segment, header: BatchHeader): void {
    if (header.magic >= 2 && header.partitionLeaderEpoch >= 0) {
      this.epochs.confirm(header.partitionLeaderEpoch, header.baseOffset, header.lastOffset);
    }
    this.producers.commit(
      stageStored(this.producers, header),
      header.lastOffset + 1,
      (transaction, lastStableOffset) =>
        segment.transactionIndex.append({ ...transaction, lastStableOffset }),
    );
  }

  /** Has the producer state as of `offset`, from a snapshot and the batches that follow it. */
  private replayInto(offset: number): void {
    const { config, logStartOffset } = this.options;
    this.producers.reload(logStartOffset, offset, this.context.clock.now(), config.producerIdExpirationMs);
    for (const segment of this.segments.from(this.producers.mapEndOffset))
      this.replaySegment(segment, offset);
  }

  private replaySegment(segment: Segment, endOffset: number): void {
    replayProducers(this.producers, segment, endOffset);
  }

  /** The log was deleted up to beyond its end: only what the checkpoint says is left of it. */
  private beginAnewBelowLogStart(): void {
    const { logStartOffset } = this.options;
    if (this.segments.count === 0 || this.nextOffset >= logStartOffset) return;
    this.context.log.warn('All segments lie before the log start offset and are removed', {
      directory: this.directory,
      logEndOffset: this.nextOffset,
      logStartOffset,
    });
    for (const segment of this.segments.takeFirst(this.segments.count)) segment.remove();
    this.epochs.clear();
    this.producers.restartAt(logStartOffset);
  }

  private addEmptySegment(baseOffset: number): void {
    const segment = new Segment(this.context, this.directory, baseOffset, null, this.rollJitter());
    segment.create();
    this.directoryChanged = true;
    this.segments.add(segment);
    this.nextOffset = baseOffset;
  }

  private finish(): Omit<LoadedLog, 'directoryMade'> {
    const logStartOffset = Math.max(this.options.logStartOffset, this.segments.first.baseOffset);
    const logEndOffset = this.nextOffset;
    this.epochs.truncateFromEnd(logEndOffset);
    this.epochs.truncateFromStart(logStartOffset);
    this.producers.removeStraySnapshots(new Set(this.segments.all.map(({ baseOffset }) => baseOffset)));
    if (this.producers.mapEndOffset !== logEndOffset) this.replayInto(logEndOffset);
    this.producers.advanceTo(logStartOffset);
    const recoveryPoint = this.options.wasCleanShutdown
      ? logEndOffset
      : Math.min(this.options.recoveryPoint, logEndOffset);
    const { segments, epochs, producers } = this;
    const directoryChanged = this.directoryChanged || !this.options.wasCleanShutdown;
    return { segments, epochs, producers, directoryChanged, logStartOffset, logEndOffset, recoveryPoint };
  }
}

/**
 * Brings the producer state forward over the batches of `segment` that end before `endOffset`. Transaction
 * indexes are not touched: they are on disk already.
 *
 * @throws DiskError
 */
export function replayProducers(producers: ProducerStates, segment: Segment, endOffset: number): void {
  const cursor = segment.cursorTo(producers.mapEndOffset);
  while (cursor.next()) {
    const lastOffset = cursor.header.lastOffset;
    if (lastOffset < producers.mapEndOffset) continue;
    if (lastOffset >= endOffset) return;
    if (cursor.header.isControl) cursor.body();
    const { header } = cursor;
    producers.commit(stageStored(producers, header), lastOffset + 1, () => {});
  }
}

function snapshotOffsets(files: readonly DiskEntry[]): number[] {
  return files.map(({ name }) => offsetOfName(name, SNAPSHOT_SUFFIX)).filter((offset) => offset !== null);
}

function openEpochCache(context: LogContext, directory: string): LeaderEpochCache {
  const path = `${directory}/${LEADER_EPOCH_FILE}`;
  let entries: EpochEntry[] = [];
  try {
    entries = readEpochCheckpoint(context.disk, path);
  } catch (error) {
    if (!(error instanceof CorruptCheckpointError)) throw error;
    context.log.warn('The leader epoch checkpoint is damaged; epochs before the recovery point are lost', {
      path,
      reason: error.message,
    });
  }
  return new LeaderEpochCache(entries, leaderEpochFile(context.disk, directory));
}
