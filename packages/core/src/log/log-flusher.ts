import { DiskError } from '../ports/disk.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { LogContext } from './log-context.ts';
import type { PooledFile } from './open-files.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export type FlushDone = (error: DiskError | null) => void;

/** What a flusher needs to know of its log. */
export interface FlushedLog {
  readonly segments: SegmentList;
  readonly epochs: LeaderEpochCache;
  directory(): string;
  logEndOffset(): number;
}

/**
 * Brings a log to the disk and knows how far that has come: the recovery point, before which recovery does not
 * look. It passes a segment only when the segment's indexes, the leader epochs and the directory are on the
 * disk as well; in the active segment the log file alone is synced, because recovery reads that one whole.
 *
 * After a failed sync nothing is known about what the disk holds, and trying again would prove nothing: every
 * later flush fails too.
 */
export class LogFlusher {
  private readonly context: LogContext;
  private readonly log: FlushedLog;
  private point: number;
  private failure: DiskError | null = null;
  private directoryIsDirty = false;
  /** Snapshot files that were written and not synced. */
  private unsyncedSnapshots: string[] = [];
  private flushedAt: number;
  /** A sync under way brings the recovery point here, unless the log is truncated meanwhile; null when none is. */
  private roundLimit: number | null = null;
  private waiting: FlushDone[] = [];

  constructor(context: LogContext, log: FlushedLog, recoveryPoint: number) {
    this.context = context;
    this.log = log;
    this.point = recoveryPoint;
    this.flushedAt = context.clock.now();
  }

  get recoveryPoint(): number {
    return this.point;
  }

  /** Wall-clock time of the last flush. */
  get lastFlushMs(): number {
    return this.flushedAt;
  }

  /** Files were made, renamed or removed. */
  directoryChanged(): void {
    this.directoryIsDirty = true;
  }

  snapshotWritten(path: string): void {
    this.unsyncedSnapshots.push(path);
  }

  /** The log ends at `offset` now: what comes after it is not on the disk yet. */
  truncatedTo(offset: number): void {
    this.point = Math.min(this.point, offset);
    if (this.roundLimit !== null) this.roundLimit = Math.min(this.roundLimit, offset);
  }

  /** Syncs everything now. @throws DiskError, now and ever after, when a sync failed */
  flush(): void {
    if (this.failure !== null) throw this.failure;
    const upTo = this.log.logEndOffset();
    try {
      for (const file of this.prepare(upTo)) file.use().sync();
      if (this.directoryIsDirty) this.context.disk.syncDirectory(this.log.directory());
    } catch (error) {
      if (error instanceof DiskError) this.failure = error;
      throw error;
    }
    this.directoryIsDirty = false;
    this.advance(upTo);
  }

  /**
   * Syncs off the loop all that is in the log now. Those who ask while a sync is under way share the next one.
   *
   * @param done is called later, with the error when the sync failed
   */
  flushLater(done: FlushDone): void {
    this.waiting.push(done);
    if (this.roundLimit === null) this.startRound();
  }

  private startRound(): void {
    const sharing = this.waiting;
    this.waiting = [];
    this.roundLimit = this.log.logEndOffset();
    const finish = (error: DiskError | null): void => this.finishRound(error, sharing);
    if (this.failure !== null) {
      this.context.timers.after(0, () => finish(this.failure));
      return;
    }
    let files: PooledFile[];
    try {
      files = this.prepare(this.roundLimit);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.context.timers.after(0, () => finish(error));
      return;
    }
    this.syncAll(files, finish);
  }

  /** One after another, the log of each segment after its indexes. */
  private syncAll(files: readonly PooledFile[], done: FlushDone): void {
    const [first, ...rest] = files;
    if (first === undefined) {
      this.syncDirectory(done);
      return;
    }
    try {
      first.syncLater((error) => (error === null ? this.syncAll(rest, done) : done(error)));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.context.timers.after(0, () => done(error));
    }
  }

  private syncDirectory(done: FlushDone): void {
    if (!this.directoryIsDirty) {
      this.context.timers.after(0, () => done(null));
      return;
    }
    this.directoryIsDirty = false;
    this.context.disk.syncDirectoryLater(this.log.directory(), done);
  }

  private finishRound(error: DiskError | null, sharing: readonly FlushDone[]): void {
    const limit = this.roundLimit ?? 0;
    this.roundLimit = null;
    if (error === null) this.advance(limit);
    else this.failure ??= error;
    for (const done of sharing) done(error);
    if (this.waiting.length > 0 && this.roundLimit === null) this.startRound();
  }

  /** What has to be synced so that everything before `upTo` is on the disk; epochs are written first. */
  private prepare(upTo: number): PooledFile[] {
    this.log.epochs.write();
    const files = this.unsyncedSnapshots.map((path) => this.context.files.file(path));
    this.unsyncedSnapshots = [];
    if (upTo <= this.point) return files;
    for (const segment of this.log.segments.from(this.point)) files.push(...this.filesOf(segment));
    return files;
  }

  private filesOf(segment: Segment): PooledFile[] {
    segment.persistIndexes();
    return segment === this.log.segments.active ? [segment.log] : segment.syncTargets();
  }

  private advance(to: number): void {
    this.point = Math.max(this.point, Math.min(to, this.log.logEndOffset()));
    this.flushedAt = this.context.clock.now();
  }
}
