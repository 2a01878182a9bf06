import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { DiskError } from '../../ports/disk.ts';
import type { LogContext } from '../log-context.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { Segment } from '../segment.ts';
import type { SegmentList } from '../segment-list.ts';
import type { AbortedTransaction } from '../transaction-index.ts';
import type { CleaningRules, LastOfProducer } from './batch-cleaner.ts';
import { BatchReader } from './batch-reader.ts';
import type { CleanableRange } from './cleanable.ts';
import {
  discardCleanedSegment,
  finishCleanedSegment,
  makeCleanedSegment,
  swapIn,
} from './cleaned-segment.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import { copySegment } from './copy-pass.ts';
import { mapKeys } from './key-pass.ts';
import { OffsetMap, mapSizeFor } from './offset-map.ts';
import { groupSegments } from './segment-groups.ts';
import type { Work } from '../work.ts';

export interface CleaningLimits {
  /** `log.cleaner.dedupe.buffer.size` */
  readonly mapSizeMaxBytes: number;
  /** `log.cleaner.io.buffer.load.factor` */
  readonly loadFactor: number;
  /** `log.cleaner.io.buffer.size` */
  readonly ioBufferSizeBytes: number;
}

/** What a round of compaction did. */
export interface CleaningResult {
  /** The log is compacted up to here. */
  readonly cleanedOffset: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly segmentsBefore: number;
  readonly segmentsAfter: number;
  /** Share of the map that was used, 0 to 1. */
  readonly mapUtilization: number;
}

/** Thrown where the log turns out to have been truncated, deleted or closed meanwhile. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted';
}

/**
 * One round of compaction of one log: the keys of its dirty records are mapped, as many as fit, and all segments
 * up to there are copied without what the map supersedes, group by group, while the log goes on being written
 * and read. What is appended meanwhile is not touched.
 */
export class LogCleaning {
  readonly context: LogContext;
  readonly log: PartitionLog;
  private readonly range: CleanableRange;
  private readonly limits: CleaningLimits;
  private readonly reader: BatchReader;
  private readonly segments: SegmentList;
  private readonly nowMs: number;
  private readonly version: number;
  private readonly legacyHorizonMs: number;
  private bytesBefore = 0;
  private bytesAfter = 0;
  private segmentsBefore = 0;
  private segmentsAfter = 0;

  constructor(context: LogContext, log: PartitionLog, range: CleanableRange, limits: CleaningLimits) {
    this.context = context;
    this.log = log;
    this.range = range;
    this.limits = limits;
    this.reader = new BatchReader(limits.ioBufferSizeBytes);
    this.segments = log.storage.segments;
    this.nowMs = context.clock.now();
    this.version = log.storage.structureVersion;
    this.legacyHorizonMs = this.findLegacyHorizon();
  }

  /** Whether the log has only been appended to since the round began. */
  readonly isIntact = (): boolean => this.log.isOpen && this.log.storage.structureVersion === this.version;

  /** @throws CleaningAborted, DiskError, MalformedBytesError */
  *run(): Work<CleaningResult> {
    try {
      return yield* this.mapAndReplace();
    } catch (error) {
      // Files that were cut off or removed under the reader say nothing about the log.
      const mayBeDueToChange = error instanceof DiskError || error instanceof MalformedBytesError;
      if (mayBeDueToChange && !this.isIntact()) throw new CleaningAborted();
      throw error;
    }
  }

  private *mapAndReplace(): Work<CleaningResult> {
    const { firstDirtyOffset, firstUncleanableOffset } = this.range;
    const map = this.makeMap();
    const mapEndOffset = yield* mapKeys(
      {
        segments: this.segments.from(firstDirtyOffset).filter(isBefore(firstUncleanableOffset)),
        startOffset: firstDirtyOffset,
        endOffset: firstUncleanableOffset,
        aborted: this.abortedIn(firstDirtyOffset, firstUncleanableOffset),
        codecs: this.context.codecs,
      },
      map,
      this.reader,
    );
    this.checkIntact();
    yield* this.replaceUpTo(map, mapEndOffset);
    const { bytesBefore, bytesAfter, segmentsBefore, segmentsAfter } = this;
    const mapUtilization = map.utilization;
    return {
      cleanedOffset: mapEndOffset,
      bytesBefore,
      bytesAfter,
      segmentsBefore,
      segmentsAfter,
      mapUtilization,
    };
  }

  /** No larger than needed when every dirty record has a key of its own. */
  private makeMap(): OffsetMap {
    const { mapSizeMaxBytes, loadFactor } = this.limits;
    const recordsMax = this.range.firstUncleanableOffset - this.range.firstDirtyOffset;
    const sizeBytes = Math.min(mapSizeMaxBytes, mapSizeFor(recordsMax, loadFactor));
    return new OffsetMap(this.context.random.uuidBytes(), sizeBytes, loadFactor);
  }

  private *replaceUpTo(map: OffsetMap, mapEndOffset: number): Work<void> {
    const { config } = this.log;
    const groups = groupSegments(
      this.segments.all.filter(isBefore(mapEndOffset)),
      this.range.firstUncleanableOffset,
      { sizeMaxBytes: config.segmentBytes, indexSizeMaxBytes: config.segmentIndexBytes },
    );
    let cleaned: Segment | null = null;
    // What is known of transactions goes on from group to group.
    const transactions = new CleanedTransactions((kept) => cleaned!.transactionIndex.append(kept));
    for (const group of groups) {
      cleaned = makeCleanedSegment(this.context, this.log.directory, group[0]!.baseOffset);
      yield* this.replaceGroup(group, cleaned, {
        map,
        mapEndOffset,
        roundEndOffset: this.range.firstUncleanableOffset,
        nowMs: this.nowMs,
        deleteRetentionMs: config.deleteRetentionMs,
        transactions,
        lastOfProducers: lastOfProducers(this.log),
        codecs: this.context.codecs,
      });
    }
  }

  private *replaceGroup(group: readonly Segment[], cleaned: Segment, rules: CleaningRules): Work<void> {
    let isWritten = false;
    try {
      for (const segment of group) yield* this.copy(segment, cleaned, rules);
      yield* finishCleanedSegment(cleaned, group.at(-1)!.lastModifiedMs);
      this.checkIntact();
      isWritten = true;
    } finally {
      if (!isWritten) discardCleanedSegment(this.context, cleaned);
    }
    if (!(yield* swapIn(this, cleaned, group))) throw new CleaningAborted();
    this.segmentsBefore += group.length;
    this.segmentsAfter++;
    this.bytesAfter += cleaned.sizeBytes;
    for (const { sizeBytes } of group) this.bytesBefore += sizeBytes;
  }

  private *copy(segment: Segment, cleaned: Segment, rules: CleaningRules): Work<void> {
    this.checkIntact();
    const index = this.segments.all.indexOf(segment);
    const endOffset = this.segments.at(index + 1)!.baseOffset;
    yield* copySegment(
      {
        segment,
        aborted: this.abortedIn(segment.baseOffset, endOffset),
        keepsLegacyTombstones: segment.lastModifiedMs > this.legacyHorizonMs,
      },
      { segment: cleaned, indexIntervalBytes: this.log.config.indexIntervalBytes, nowMs: this.nowMs },
      rules,
      this.reader,
    );
  }

  private checkIntact(): void {
    if (!this.isIntact()) throw new CleaningAborted();
  }

  /** The aborted transactions that overlap [from, to). */
  private abortedIn(from: number, to: number): AbortedTransaction[] {
    const aborted: AbortedTransaction[] = [];
    for (const segment of this.segments.from(from)) {
      if (segment.collectAborted(from, to, aborted)) break;
    }
    return aborted;
  }

  /** Formats v0 and v1 tell no horizon: their tombstones go by the age of the part that is compacted already. */
  private findLegacyHorizon(): number {
    const last = this.segments.all.findLast(isBefore(this.range.firstDirtyOffset));
    return last === undefined ? 0 : last.lastModifiedMs - this.log.config.deleteRetentionMs;
  }
}

function isBefore(offset: number): (segment: Segment) => boolean {
  return ({ baseOffset }) => baseOffset < offset;
}

function lastOfProducers(log: PartitionLog): Map<number, LastOfProducer> {
  const last = new Map<number, LastOfProducer>();
  for (const { producerId, epoch, batches } of log.storage.producers.all) {
    last.set(producerId, { lastDataOffset: batches.at(-1)?.lastOffset ?? null, producerEpoch: epoch });
  }
  return last;
}
