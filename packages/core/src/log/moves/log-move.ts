import { DiskError } from '../../ports/disk.ts';
import { ColdRead } from '../cold-read.ts';
import { isDiskRefusal } from '../disk-refusal.ts';
import { replaceFileLater } from '../later-replacement.ts';
import { UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET } from '../leader-epoch-cache.ts';
import type { LogContext } from '../log-context.ts';
import { encodeGeneration, generationPath, readGeneration } from '../log-generation.ts';
import type { LogSlice } from '../log-slice.ts';
import type { PartitionLog } from '../partition-log.ts';
import { truncationOffset } from '../truncation.ts';
import { diskCall, laterCall } from '../work.ts';
import type { Work } from '../work.ts';
import type { MoveBudget } from './move-budget.ts';

/*
 * A log moves to another data directory while it is written and read:
 *
 * 1. A future log in the other directory is filled from the current one, as a follower's is from its leader's. What is
 *    cut off the current one meanwhile is cut off the future one, too.
 * 2. Where it has caught up it is synced, and its directory gets a file that says that it comes after the current one
 *    (log-generation.ts).
 * 3. In one turn of the loop the rest is copied, the future log's directory gets the name of a current one, and it is
 *    the log from then on. Everything that the current one had synced, the future one had then, too.
 * 4. That name is synced, and the former log's directory is renamed to be deleted.
 *
 * A crash before 3 leaves a future log, which is filled further after the start. Between 3 and 4, or where the former
 * log's directory fails before 4, it leaves two current ones: the file tells the start which one is to go. A loss of power
 * may undo the rename of 3, but not what was synced: nothing in the new log counts as synced before its name is.
 */

/** Copied at one time: some 2 ms, most of it for checksums and the write. */
const SLICE_SIZE_MAX = 512 * 1024;
/** Syncs off the loop that may be needed because the current log was synced further meanwhile. */
const ROUNDS_OFF_LOOP_MAX = 5;

/** Thrown where one of the two logs has been deleted or closed, or has failed meanwhile. */
export class MoveEnded extends Error {
  override readonly name = 'MoveEnded';
}

export interface MoveParts {
  readonly context: LogContext;
  readonly source: PartitionLog;
  readonly target: PartitionLog;
  /** Path that the target's directory will have. */
  readonly finalDirectory: string;
  readonly budget: MoveBudget;
  /**
   * Writes down how far the target is compacted, off the loop, before gaps in it can be taken for losses.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR when it could not be
   */
  noteCleaned(): Work<void>;
  /** Puts the target in the source's place, at once. @throws KafkaError */
  replace(): void;
}

/** One log on its way to another data directory. */
export class LogMove {
  readonly source: PartitionLog;
  readonly target: PartitionLog;
  private readonly parts: MoveParts;
  /** The source was cut and ended here; Infinity when it was not since that was last looked at. */
  private cutTo = Infinity;

  constructor(parts: MoveParts) {
    this.parts = parts;
    this.source = parts.source;
    this.target = parts.target;
    this.source.onTruncated = (logEndOffset) => {
      this.cutTo = Math.min(this.cutTo, logEndOffset);
    };
  }

  /** All of it. @throws MoveEnded, KafkaError, DiskError */
  *run(): Work<void> {
    const { source, target } = this;
    this.agreeOnHistory();
    yield* laterCall<void>((done) => target.whenTopicIdWritten(() => done(null, undefined)));
    yield* this.copyToEnd();
    yield* this.mark();
    for (let round = 0; ; round++) {
      target.storage.epochs.replaceWith(source.storage.epochs.all);
      yield* diskCall((done) => target.flushLater(done));
      yield* this.parts.noteCleaned();
      yield* this.copyToEnd();
      if (target.storage.flusher.isSyncing) continue;
      if (target.recoveryPoint >= source.recoveryPoint) return this.parts.replace();
      if (round < ROUNDS_OFF_LOOP_MAX) continue;
      target.flush();
      return this.parts.replace();
    }
  }

  /** The target stays as it is. */
  giveUp(): void {
    this.source.onTruncated = null;
  }

  private *mark(): Work<void> {
    const { source, target } = this;
    const { disk } = this.parts.context;
    const contents = encodeGeneration(readGeneration(disk, source.directory) + 1);
    try {
      yield* diskCall((finished) => {
        replaceFileLater(disk, generationPath(target.directory), contents, {
          renamed: () => {},
          finished,
          directoryFailed: finished,
        });
      });
    } catch (error) {
      if (error instanceof DiskError && !isDiskRefusal(error)) target.fail(error);
      throw error;
    }
    this.checkOpen();
  }

  /**
   * Cuts off the target what the source does not have: it may have been cut, and written on, while this broker was
   * down or nobody looked. As a follower does with its leader (KIP-101, KIP-279).
   */
  private agreeOnHistory(): void {
    const { source, target } = this;
    // A loss of power took the target's first segments and kept later ones; or it took from the source that its records were
    // deleted so far.
    if (target.logStartOffset > source.logStartOffset) target.truncateFullyAndStartAt(source.logStartOffset);
    for (;;) {
      const before = target.logEndOffset;
      if (before <= target.logStartOffset) return;
      const epoch = target.latestLeaderEpoch;
      const end =
        epoch === UNDEFINED_EPOCH
          ? { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET }
          : source.endOffsetForEpoch(epoch);
      if (end.epoch === epoch && epoch !== UNDEFINED_EPOCH && end.endOffset >= before) return;
      target.truncateTo(Math.min(truncationOffset(target, end), source.logEndOffset));
      if (target.logEndOffset === before && target.latestLeaderEpoch === epoch) return;
    }
  }

  /** When it returns, the target has all that the source has, at that moment. */
  private *copyToEnd(): Work<void> {
    for (;;) {
      this.checkOpen();
      this.follow();
      const position = this.target.logEndOffset;
      if (position >= this.source.logEndOffset) return;
      yield* this.waitForBudget();
      if (position === this.target.logEndOffset && !this.isCutPending) {
        yield* this.copyFrom(position);
      }
    }
  }

  private get isCutPending(): boolean {
    return this.cutTo < this.target.logEndOffset || this.target.logEndOffset < this.source.logStartOffset;
  }

  /** Brings the target to where it can go on: at the end of what both have, not before the source begins. */
  private follow(): void {
    const { source, target } = this;
    if (this.cutTo < target.logEndOffset) target.truncateTo(this.cutTo);
    this.cutTo = Infinity;
    if (target.logEndOffset < source.logStartOffset) target.truncateFullyAndStartAt(source.logStartOffset);
    target.updateHighWatermark(source.highWatermark);
  }

  private *waitForBudget(): Work<void> {
    const { budget, context } = this.parts;
    for (let waitMs = budget.waitMs(); waitMs > 0; waitMs = budget.waitMs()) {
      const delayMs = waitMs;
      yield { begin: (resume) => void context.timers.after(delayMs, resume) };
      this.checkOpen();
    }
  }

  private *copyFrom(position: number): Work<void> {
    try {
      const slice = this.find(position);
      if (slice === null) this.target.skipTo(this.source.logEndOffset);
      else yield* this.copy(slice);
    } catch (error) {
      if (!(error instanceof ColdRead)) throw error;
      // It is looked up again when what that takes is there.
      yield* diskCall((done) => error.bringIn(done));
    }
  }

  /** @throws ColdRead, KafkaError */
  private find(position: number): LogSlice | null {
    const { budget, context } = this.parts;
    const options = {
      maxBytes: budget.sizeMax(SLICE_SIZE_MAX),
      minOneBatch: true,
      upTo: 'log-end',
    } as const;
    return context.files.withoutWaiting(() => this.source.read(position, options).slice);
  }

  /** All that is left, and so new that it can be read at once. */
  private isRest(slice: LogSlice): boolean {
    const { active } = this.source.storage.segments;
    const reachesEnd = slice.path === active.log.path && slice.sizeBytes < SLICE_SIZE_MAX;
    return reachesEnd && slice.isFresh(0, slice.sizeBytes);
  }

  private *copy(slice: LogSlice): Work<void> {
    const { source, target } = this;
    const position = target.logEndOffset;
    const version = source.storage.structureVersion;
    const isRest = this.isRest(slice);
    const bytes = isRest ? readNow(slice) : yield* this.readOffLoop(slice);
    this.checkOpen();
    if (source.storage.structureVersion !== version || target.logEndOffset !== position) return;
    target.appendAsFollower(bytes);
    this.parts.budget.spend(bytes.length);
    // Of the rest nothing may come in between before it is taken for the log.
    if (!isRest) yield { ioBytes: bytes.length, records: 0 };
  }

  private *readOffLoop(slice: LogSlice): Work<Buffer> {
    const buffer = Buffer.allocUnsafe(slice.sizeBytes);
    let size = 0;
    try {
      yield* diskCall((done) =>
        slice.readLater(buffer, 0, buffer.length, 0, (error, bytesRead) => {
          size = bytesRead;
          done(error);
        }),
      );
    } catch (error) {
      if (error instanceof DiskError && !isDiskRefusal(error)) this.source.fail(error);
      throw error;
    } finally {
      slice.release();
    }
    return buffer.subarray(0, size);
  }

  private checkOpen(): void {
    if (!this.source.isOpen || !this.target.isOpen) throw new MoveEnded();
  }
}

function readNow(slice: LogSlice): Buffer {
  try {
    return slice.toBuffer();
  } finally {
    slice.release();
  }
}
