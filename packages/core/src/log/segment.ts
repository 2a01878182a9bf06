import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { batchCrcValid } from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { BatchCursor } from './batch-cursor.ts';
import type { LogContext } from './log-context.ts';
import {
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
  offsetName,
} from './log-files.ts';
import { OffsetIndex } from './offset-index.ts';
import type { OffsetPosition } from './offset-index.ts';
import type { PooledFile } from './open-files.ts';
import { RecentBatches } from './recent-batches.ts';
import type { BatchPlace } from './recent-batches.ts';
import { TimeIndex } from './time-index.ts';
import type { TimestampOffset } from './time-index.ts';
import { TransactionIndex } from './transaction-index.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** Read at a time when a whole segment is read. */
const RECOVERY_CHUNK_SIZE = 1024 * 1024;

/** What appending has to know of a batch that has its final form. */
export interface AppendedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly sizeBytes: number;
  readonly magic: number;
}

/** Sizes of a segment's files as they were found; 0 for one that is not there. */
export interface SegmentSizes {
  readonly log: number;
  readonly offsetIndex: number;
  readonly timeIndex: number;
  readonly transactionIndex: number;
  readonly modifiedMs: number;
}

/**
 * One stretch of a log: the file of batches and its indexes, named by the offset it begins at. Only the last
 * segment of a log is appended to; the others are sealed.
 *
 * Every method may throw DiskError. After a failed append the segment is unchanged when `repairAfterFailure`
 * succeeds, else unusable.
 */
export class Segment {
  readonly baseOffset: number;
  readonly log: PooledFile;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly transactionIndex: TransactionIndex;
  /** Taken off the time after which the segment is closed. */
  readonly rollJitterMs: number;
  private readonly recent = new RecentBatches();
  private size: number;
  private created: number;
  private modified: number;
  private bytesSinceIndexEntry = 0;
  /** Largest timestamp and the last offset of the batch that has it; null until the time index was asked. */
  private latest: TimestampOffset | null;
  /** Largest timestamp of the first batch; null while not known. */
  private firstTimestamp: number | null = null;

  constructor(
    context: LogContext,
    directory: string,
    baseOffset: number,
    sizes: SegmentSizes | null,
    rollJitterMs: number,
  ) {
    const path = `${directory}/${offsetName(baseOffset)}`;
    const { files } = context;
    this.baseOffset = baseOffset;
    this.rollJitterMs = rollJitterMs;
    this.log = files.file(path + LOG_SUFFIX);
    this.size = sizes?.log ?? 0;
    this.offsetIndex = new OffsetIndex(
      files.file(path + OFFSET_INDEX_SUFFIX),
      baseOffset,
      sizes?.offsetIndex ?? 0,
    );
    this.timeIndex = new TimeIndex(files.file(path + TIME_INDEX_SUFFIX), baseOffset, sizes?.timeIndex ?? 0);
    this.transactionIndex = new TransactionIndex(
      files.file(path + TRANSACTION_INDEX_SUFFIX),
      sizes?.transactionIndex ?? 0,
    );
    this.created = context.clock.now();
    this.modified = sizes?.modifiedMs ?? this.created;
    this.latest = sizes === null ? { timestamp: -1, offset: baseOffset } : null;
  }

  /** Makes the files of a new segment, cutting off what an earlier one of the same name left. */
  create(): void {
    const log = this.log.create();
    if (log.sizeBytes() > 0) log.truncate(0);
    this.offsetIndex.reset();
    this.timeIndex.reset();
  }

  get sizeBytes(): number {
    return this.size;
  }

  get lastModifiedMs(): number {
    return this.modified;
  }

  /** Largest timestamp of any record, -1 when none has one, with the last offset of its batch. */
  latestTimestamp(): TimestampOffset {
    this.latest ??= this.timeIndex.last();
    return this.latest;
  }

  /** The time by which retention judges the segment: that of its latest record, else when it was last written. */
  largestTimestampMs(): number {
    const { timestamp } = this.latestTimestamp();
    return timestamp >= 0 ? timestamp : this.modified;
  }

  /** How long the segment has been open, measured by record times where there are any. */
  waitedForRollMs(nowMs: number, timestampOfAppend: number): number {
    const first = this.firstBatchTimestamp();
    return first >= 0 ? timestampOfAppend - first : nowMs - this.created;
  }

  /** Largest timestamp of the first batch, -1 when there is none or it has none. */
  firstBatchTimestamp(): number {
    if (this.firstTimestamp === null) {
      const cursor = new BatchCursor(this.log, 0, this.size, 0);
      if (!cursor.next()) return -1;
      this.firstTimestamp = cursor.header.maxTimestamp;
    }
    return this.firstTimestamp;
  }

  /**
   * Appends batches that have their offsets.
   *
   * @param records the batches' bytes, and nothing else
   * @param batches one for each, in order; their offsets ascend and are not below the base offset
   */
  append(
    records: Buffer,
    batches: readonly AppendedBatch[],
    indexIntervalBytes: number,
    nowMs: number,
  ): void {
    this.log.append([records]);
    this.modified = nowMs;
    let position = this.size;
    for (const batch of batches) {
      this.note(batch, position, indexIntervalBytes);
      position += batch.sizeBytes;
    }
    this.size = position;
  }

  private note(batch: AppendedBatch, position: number, indexIntervalBytes: number): void {
    const { lastOffset, maxTimestamp, sizeBytes, magic } = batch;
    if (position === 0) this.firstTimestamp = maxTimestamp;
    if (maxTimestamp > this.latestTimestamp().timestamp) {
      this.latest = { timestamp: maxTimestamp, offset: lastOffset };
    }
    if (this.bytesSinceIndexEntry > indexIntervalBytes) {
      this.addIndexEntries(lastOffset, position);
      this.bytesSinceIndexEntry = 0;
    }
    this.bytesSinceIndexEntry += sizeBytes;
    this.recent.add({ lastOffset, position, sizeBytes, magic });
  }

  private addIndexEntries(lastOffset: number, position: number): void {
    this.offsetIndex.append(lastOffset, position);
    const latest = this.latestTimestamp();
    this.timeIndex.appendIfLater(latest.timestamp, latest.offset);
  }

  /** After a failed append: cuts off what may have been written. */
  repairAfterFailure(): void {
    const file = this.log.use();
    if (file.sizeBytes() !== this.size) file.truncate(this.size);
  }

  /**
   * The first batch whose last offset is at least `offset`, or null.
   *
   * @throws MalformedBytesError where damage hides whether there is one
   */
  find(offset: number): BatchPlace | null {
    const recent = this.recent.find(offset);
    if (recent !== null) return recent;
    const indexed = this.offsetIndex.floor(offset);
    const start = this.startAt(indexed);
    if (start === 0) return this.findFrom(0, offset, null);
    try {
      return this.findFrom(start, offset, indexed);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      // The index may be what is damaged: it has no checksum, and the log can be searched without it.
      return this.findFrom(0, offset, null);
    }
  }

  /** Where the index says, unless that cannot be. */
  private startAt({ position }: OffsetPosition): number {
    return position > 0 && position < this.size ? position : 0;
  }

  /** @param indexed the index entry that leads to `start`, which the first batch has to bear out */
  private findFrom(start: number, offset: number, indexed: OffsetPosition | null): BatchPlace | null {
    const cursor = new BatchCursor(this.log, start, this.size);
    let reached = this.baseOffset - 1;
    let isInOrder = true;
    while (cursor.next()) {
      const { header, position } = cursor;
      this.bearOut(indexed, cursor);
      if (header.lastOffset >= offset) {
        const place = placeOf(header, position);
        const isGap = header.magic >= 2 && header.baseOffset > offset;
        // What was passed over, or what this one's offset should be, may be where the gap is.
        if (isGap && !(isInOrder && isFollowed(cursor, header.lastOffset))) throw this.outOfOrder(offset);
        return place;
      }
      isInOrder &&= header.lastOffset > reached;
      reached = header.lastOffset;
    }
    this.ensureWalked(cursor);
    if (!isInOrder) throw this.outOfOrder(offset);
    return null;
  }

  private outOfOrder(offset: number): MalformedBytesError {
    return new MalformedBytesError(
      `the batches of ${this.log.path} are not in order before offset ${offset}`,
    );
  }

  /** A cursor that begins at or before the first batch whose last offset is at least `offset`. */
  cursorTo(offset: number, chunkSize?: number): BatchCursor {
    const indexed = this.offsetIndex.floor(offset);
    const start = this.isBorneOut(indexed) ? indexed.position : 0;
    return new BatchCursor(this.log, start, this.size, chunkSize);
  }

  /**
   * The offset that comes after the last record; walks over what lies behind the last index entry.
   *
   * @throws MalformedBytesError when the file does not end with a batch, or is damaged before
   */
  nextOffset(): number {
    const last = this.offsetIndex.last();
    const start = this.startAt(last);
    if (start === 0) return this.walkToEnd(0, null);
    try {
      return this.walkToEnd(start, last);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return this.walkToEnd(0, null);
    }
  }

  private walkToEnd(start: number, indexed: OffsetPosition | null): number {
    const cursor = new BatchCursor(this.log, start, this.size);
    let next = this.baseOffset;
    while (cursor.next()) {
      const { header } = cursor;
      this.bearOut(indexed, cursor);
      next = header.lastOffset + 1;
      const { timestamp } = this.latestTimestamp();
      if (header.maxTimestamp > timestamp) {
        this.latest = { timestamp: header.maxTimestamp, offset: header.lastOffset };
      }
    }
    this.ensureWalked(cursor);
    return next;
  }

  /** The first batch has to agree with the index entry that led to it. */
  private bearOut(indexed: OffsetPosition | null, { header, position }: BatchCursor): void {
    if (indexed === null || position !== indexed.position) return;
    if (header.lastOffset <= indexed.offset && header.lastOffset >= this.baseOffset) return;
    throw new MalformedBytesError(`${this.offsetIndex.file.path} leads to no batch at ${position}`);
  }

  private isBorneOut(indexed: OffsetPosition): boolean {
    const start = this.startAt(indexed);
    if (start === 0) return false;
    const cursor = new BatchCursor(this.log, start, this.size, 0);
    try {
      if (!cursor.next()) return false;
      this.bearOut(indexed, cursor);
      return true;
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return false;
    }
  }

  private ensureWalked({ endPosition }: BatchCursor): void {
    if (endPosition === this.size) return;
    throw new MalformedBytesError(
      `the batches of ${this.log.path} end at ${endPosition} of ${this.size} bytes`,
    );
  }

  /** A bound on the offsets that lie in `sizeBytes` from `position` on, or null when the index knows none. */
  offsetBoundAfter(position: number, sizeBytes: number): number | null {
    return this.offsetIndex.ceilingPosition(position + sizeBytes)?.offset ?? null;
  }

  /**
   * Drops every batch that has an offset of `offset` or above.
   *
   * @returns bytes cut off
   */
  truncateTo(offset: number, nowMs: number): number {
    const place = this.find(offset);
    this.cutIndexes(offset);
    return place === null ? 0 : this.cutAt(place.position, nowMs);
  }

  /** Drops all of it, readable or not. @throws DiskError */
  clear(nowMs: number): void {
    this.cutIndexes(this.baseOffset);
    this.cutAt(0, nowMs);
  }

  private cutIndexes(offset: number): void {
    this.offsetIndex.truncateTo(offset);
    this.timeIndex.truncateTo(offset);
    this.transactionIndex.truncateTo(offset);
    this.recent.clear();
    this.bytesSinceIndexEntry = 0;
  }

  /** @returns how many bytes went */
  private cutAt(position: number, nowMs: number): number {
    const cut = this.size - position;
    this.log.use().truncate(position);
    this.size = position;
    this.modified = nowMs;
    if (this.size === 0) {
      this.created = nowMs;
      this.firstTimestamp = null;
    }
    this.findLatestTimestamp();
    return cut;
  }

  private findLatestTimestamp(): void {
    let latest = this.timeIndex.last();
    const cursor = new BatchCursor(this.log, this.startAt(this.offsetIndex.floor(latest.offset)), this.size);
    while (cursor.next()) {
      const { maxTimestamp, lastOffset } = cursor.header;
      if (maxTimestamp > latest.timestamp) latest = { timestamp: maxTimestamp, offset: lastOffset };
    }
    this.latest = latest;
  }

  /**
   * Reads the whole segment, checks every batch and computes the indexes anew. The first batch that is damaged,
   * or that `visit` refuses, ends the segment: it and all behind it are cut off. The transaction index is
   * emptied, for `visit` to fill.
   *
   * @param visit is given each sound batch, all of its bytes in reach; throws MalformedBytesError to refuse it
   * @returns bytes cut off
   */
  rebuild(indexIntervalBytes: number, visit: (header: BatchHeader) => void): number {
    this.offsetIndex.reset();
    this.timeIndex.reset();
    this.transactionIndex.reset();
    this.recent.clear();
    this.latest = { timestamp: -1, offset: this.baseOffset };
    this.bytesSinceIndexEntry = 0;
    return this.cutTo(this.scanSoundBatches(indexIntervalBytes, visit));
  }

  private scanSoundBatches(indexIntervalBytes: number, visit: (header: BatchHeader) => void): number {
    const cursor = new BatchCursor(this.log, 0, this.size, RECOVERY_CHUNK_SIZE);
    let validBytes = 0;
    try {
      while (cursor.next() && batchCrcValid(cursor.body(), 0)) {
        visit(cursor.header);
        this.note(factsOf(cursor.header), cursor.position, indexIntervalBytes);
        validBytes = cursor.endPosition;
      }
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
    }
    return validBytes;
  }

  private cutTo(validBytes: number): number {
    const file = this.log.use();
    const cut = file.sizeBytes() - validBytes;
    if (cut > 0) file.truncate(validBytes);
    this.size = validBytes;
    const latest = this.latestTimestamp();
    this.timeIndex.appendIfLater(latest.timestamp, latest.offset);
    this.persistIndexes();
    return Math.max(cut, 0);
  }

  /** @returns whether later segments can hold no more of the aborted transactions that overlap [from, to) */
  collectAborted(from: number, to: number, found: AbortedTransaction[]): boolean {
    return this.transactionIndex.collect(from, to, found);
  }

  /** Writes what the indexes hold in memory only. */
  persistIndexes(): void {
    this.offsetIndex.persist();
    this.timeIndex.persist();
  }

  /** No more is appended: the indexes are completed and their memory given back. */
  seal(): void {
    const latest = this.latestTimestamp();
    this.timeIndex.appendIfLater(latest.timestamp, latest.offset);
    this.offsetIndex.seal();
    this.timeIndex.seal();
    this.recent.clear();
  }

  /** All that a sync must reach, the log last, so that an index never lacks what it was promised to have. */
  syncTargets(): PooledFile[] {
    const targets = [this.offsetIndex.file, this.timeIndex.file, this.log];
    if (!this.transactionIndex.isEmpty) targets.unshift(this.transactionIndex.file);
    return targets;
  }

  /** Gives the descriptors back; the segment can still be used. */
  closeFiles(): void {
    for (const file of this.allFiles()) file.close();
  }

  /** Dates the file of the log back. */
  setModified(modifiedMs: number): void {
    this.log.use().setModified(modifiedMs);
    this.modified = modifiedMs;
  }

  /** The names that the segment goes by have `suffix` behind them; nothing is renamed. */
  suffixed(suffix: string): void {
    for (const file of this.allFiles()) file.moved(file.path + suffix);
  }

  /** Renames the files, the log last: what begins with it is complete. */
  renameSuffix(from: string, to: string): void {
    for (const file of this.syncTargets()) {
      file.rename(file.path.slice(0, file.path.length - from.length) + to);
    }
    if (this.transactionIndex.isEmpty) {
      const { file } = this.transactionIndex;
      file.moved(file.path.slice(0, file.path.length - from.length) + to);
    }
  }

  /** Puts `.deleted` behind the names, so that a restart in between removes the rest. */
  markDeleted(): void {
    for (const file of this.presentFiles()) file.rename(file.path + DELETED_SUFFIX);
  }

  /** Removes the files; who retained the log's can read on. */
  remove(): void {
    for (const file of this.presentFiles()) file.remove();
  }

  /** The directory was renamed. */
  moved(directory: string): void {
    for (const file of this.allFiles()) {
      file.moved(directory + file.path.slice(file.path.lastIndexOf('/')));
    }
  }

  private presentFiles(): PooledFile[] {
    return this.syncTargets().toReversed();
  }

  private allFiles(): PooledFile[] {
    return [this.log, this.offsetIndex.file, this.timeIndex.file, this.transactionIndex.file];
  }
}

function placeOf(header: BatchHeader, position: number): BatchPlace {
  const { lastOffset, sizeBytes, magic } = header;
  return { lastOffset, position, sizeBytes, magic };
}

/** The facts of a batch that survive the buffer that its header lies in. */
export function factsOf(header: BatchHeader): AppendedBatch {
  const { baseOffset, lastOffset, maxTimestamp, sizeBytes, magic } = header;
  return { baseOffset, lastOffset, maxTimestamp, sizeBytes, magic };
}

/** Whether what comes next, if anything does, comes after `lastOffset`. @throws MalformedBytesError */
function isFollowed(cursor: BatchCursor, lastOffset: number): boolean {
  return !cursor.next() || cursor.header.lastOffset > lastOffset;
}
