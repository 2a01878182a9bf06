import { DiskError } from '../ports/disk.ts';
import { isDiskRefusal } from './disk-refusal.ts';
import { parentDirectory } from './durable-directory.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { LogContext } from './log-context.ts';
import { SNAPSHOT_SUFFIX } from './log-files.ts';
import type { PooledFile } from './open-files.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

/** After a disk that is full, before the next attempt to sync what waits to be acknowledged. */
const RETRY_MS = 1000;

export type FlushDone = (error: DiskError | null) => void;

/** What a flusher needs to know of its log. */
export interface FlushedLog {
  readonly segments: SegmentList;
  readonly epochs: LeaderEpochCache;
  directory(): string;
  logEndOffset(): number;
  /** More is on the disk. */
  pointAdvanced(): void;
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
  private readonly directorySync = new PendingSync();
  /** Of the directory that the log's own directory is an entry of. */
  private readonly parentSync = new PendingSync();
  /** Snapshot files that were written and not synced. */
  private unsyncedSnapshots: string[] = [];
  /** Something was written since the log was opened. */
  private isTouched = false;
  /** The log is being deleted: what becomes of its files is of no interest any more. */
  private isRetired = false;
  /** The indexes of the active segment are complete, and are synced, too. */
  private isClosing = false;
  /** Syncs that were asked for bring the recovery point here. */
  private requestedTo: number;
  /** Records that are not acknowledged before they are synced: from the first of them to the end of the last. */
  private held: { from: number; to: number } | null = null;
  private flushedAt: number;
  /** A sync under way brings the recovery point here, or less where the log changed meanwhile; null when none is. */
  private roundLimit: number | null = null;
  private waiting: FlushDone[] = [];

  constructor(context: LogContext, log: FlushedLog, recoveryPoint: number) {
    this.context = context;
    this.log = log;
    this.point = recoveryPoint;
    this.requestedTo = recoveryPoint;
    this.flushedAt = context.clock.monotonic();
  }

  get recoveryPoint(): number {
    return this.point;
  }

  /** Where the recovery point is, or will be when the syncs are done that were asked for. */
  get requestedPoint(): number {
    return Math.max(this.point, this.requestedTo);
  }

  /** Everything before may be acknowledged: what `flush.messages` holds back until it is synced lies beyond. */
  get acknowledgeableOffset(): number {
    return this.held?.from ?? this.log.logEndOffset();
  }

  /** The records from `from` to the end of the log are not to be acknowledged before they are synced. */
  holdBack(from: number): void {
    this.held = { from: this.held?.from ?? from, to: this.log.logEndOffset() };
  }

  /** Monotonic time of the last flush. */
  get lastFlushMs(): number {
    return this.flushedAt;
  }

  /** Files were made, renamed or removed. */
  directoryChanged(): void {
    this.isTouched = true;
    this.directorySync.changed();
  }

  /** The log's directory was renamed to be removed: nothing is synced from now on, and no error told. */
  retire(): void {
    this.isRetired = true;
  }

  /** A sync off the loop is under way. */
  get isSyncing(): boolean {
    return this.roundLimit !== null;
  }

  /** The log's directory has another name, in the same parent: the entry there is to be synced, before more than `certainUpTo` counts as being on the disk. Not while syncing. */
  renamed(certainUpTo: number): void {
    this.parentSync.changed();
    this.isTouched = true;
    this.point = Math.min(this.point, certainUpTo);
    this.requestedTo = Math.min(this.requestedTo, certainUpTo);
    // Without its sync a snapshot may be damaged after a loss of power, which is found out.
    this.unsyncedSnapshots = [];
  }

  written(): void {
    this.isTouched = true;
  }

  /** The log's directory itself was made. */
  directoryMade(): void {
    this.parentSync.changed();
  }

  snapshotWritten(path: string): void {
    this.unsyncedSnapshots.push(path);
    this.directoryChanged();
  }

  /** The log ends at `offset` now: what comes after it is not on the disk yet. */
  truncatedTo(offset: number): void {
    this.point = Math.min(this.point, offset);
    this.requestedTo = Math.min(this.requestedTo, offset);
    if (this.roundLimit !== null) this.roundLimit = Math.min(this.roundLimit, offset);
    if (this.held !== null) {
      const { from, to } = this.held;
      this.held = from < offset ? { from, to: Math.min(to, offset) } : null;
    }
  }

  /** The disk has failed, wherever that showed: no sync proves anything from now on. */
  fail(error: DiskError): void {
    this.failure ??= error;
  }

  /** A sync failed: nothing can be promised any more. */
  get hasFailed(): boolean {
    return this.failure !== null;
  }

  /** Syncs everything now. @throws DiskError, now and ever after, when a sync failed */
  flush(): void {
    if (this.failure !== null) throw this.failure;
    const upTo = this.log.logEndOffset();
    this.writeEpochs();
    const files = this.prepare(upTo);
    try {
      for (const file of files) syncUnlessGone(file);
      this.syncDirectoriesNow();
    } catch (error) {
      if (error instanceof DiskError) this.failure = error;
      throw error;
    }
    this.unsyncedSnapshots = [];
    this.advance(upTo);
  }

  /**
   * As `flush`, with the indexes of the active segment, which are complete now: the next start will not read the
   * log to make them anew.
   *
   * @throws DiskError
   */
  flushForClose(): void {
    if (!this.isDueForClose) return;
    if (this.failure === null) {
      try {
        for (const file of this.log.segments.active.syncTargets()) file.use().sync();
      } catch (error) {
        if (error instanceof DiskError) this.failure = error;
        throw error;
      }
    }
    this.flush();
  }

  /**
   * Whether there is anything that a loss of power after a clean stop may not take. Of a log that was made and has no
   * records it may take all: it is made again when it is asked for.
   */
  get isDueForClose(): boolean {
    const isFresh = this.parentSync.isDue && this.log.logEndOffset() === 0;
    return !isFresh && (this.isTouched || this.point < this.log.logEndOffset());
  }

  /** As `flushForClose`, off the loop. Nothing is written any more. */
  flushForCloseLater(done: FlushDone): void {
    this.isClosing = true;
    this.flushLater((error) => {
      if (error === null) this.isTouched = false;
      done(error);
    });
  }

  /**
   * Brings to the disk that the log was cut: else a loss of power could bring back what was cut off, in front of
   * later segments that it leaves.
   *
   * @throws DiskError, now and ever after
   */
  syncCut(last: Segment): void {
    try {
      last.log.use().sync();
      this.syncDirectoriesNow();
    } catch (error) {
      if (error instanceof DiskError) this.failure = error;
      throw error;
    }
  }

  private syncDirectoriesNow(): void {
    for (const { path, pending } of this.unsyncedDirectories()) {
      const covered = pending.begin();
      this.context.disk.syncDirectory(path);
      pending.done(covered);
    }
  }

  /** The log's own first: an entry of the parent for a directory without its files would be worse than none. */
  private unsyncedDirectories(): { path: string; pending: PendingSync }[] {
    const directory = this.log.directory();
    return [
      { path: directory, pending: this.directorySync },
      { path: parentDirectory(directory), pending: this.parentSync },
    ].filter(({ pending }) => pending.isDue);
  }

  /**
   * Brings the indexes of a segment that is closed now to the disk where its records are there already: the
   * recovery point stands at its end, and recovery will not look at it again.
   *
   * @throws DiskError, now and ever after
   */
  segmentClosed(segment: Segment, endOffset: number): void {
    // A sync that is under way knows the segment as the active one, and leaves its indexes out.
    if (this.roundLimit !== null) this.roundLimit = Math.min(this.roundLimit, endOffset - 1);
    if (this.point < endOffset) return;
    try {
      for (const file of segment.syncTargets()) file.use().sync();
      this.syncDirectoriesNow();
    } catch (error) {
      if (error instanceof DiskError) this.failure = error;
      throw error;
    }
  }

  /**
   * Syncs off the loop all that is in the log now. Those who ask while a sync is under way share the next one.
   *
   * @param done is called later, with the error when the sync failed
   */
  flushLater(done: FlushDone): void {
    this.waiting.push(done);
    this.requestedTo = this.log.logEndOffset();
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
    if (this.isRetired) {
      this.context.timers.after(0, () => finish(null));
      return;
    }
    this.log.epochs.writeLater((error) => {
      if (error === null || this.isRetired) return this.syncRound(sharing, finish);
      if (!isDiskRefusal(error)) this.failure ??= error;
      this.context.timers.after(0, () => this.finishRefused(error, sharing));
    });
  }

  /** The epochs are on the disk. */
  private syncRound(sharing: readonly FlushDone[], finish: FlushDone): void {
    let files: PooledFile[] = [];
    try {
      if (!this.isRetired) files = this.prepare(this.roundLimit ?? 0);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.context.timers.after(0, () => this.finishRefused(error, sharing));
      return;
    }
    this.unsyncedSnapshots = [];
    this.syncAll(files, finish);
  }

  /** One after another, the log of each segment after its indexes. */
  private syncAll(files: readonly PooledFile[], done: FlushDone): void {
    const [first, ...rest] = this.isRetired ? [] : files;
    if (first === undefined) {
      this.syncDirectories(done);
      return;
    }
    const next = (error: DiskError | null): void => (error === null ? this.syncAll(rest, done) : done(error));
    try {
      if (first.isRemoved) next(null);
      else first.syncLater(next);
    } catch (error) {
      if (isGone(first, error)) return next(null);
      if (!(error instanceof DiskError)) throw error;
      this.context.timers.after(0, () => done(error));
    }
  }

  private syncDirectories(done: FlushDone): void {
    const [first] = this.isRetired ? [] : this.unsyncedDirectories();
    if (first === undefined) {
      this.context.timers.after(0, () => done(null));
      return;
    }
    const covered = first.pending.begin();
    this.context.directorySyncs.syncLater(first.path, (error) => {
      if (error !== null) return done(error);
      first.pending.done(covered);
      this.syncDirectories(done);
    });
  }

  /** What had to be written before the sync could not be: those who wait for it wait for the next attempt. */
  private finishRefused(error: DiskError, sharing: readonly FlushDone[]): void {
    this.roundLimit = null;
    this.requestedTo = this.point;
    for (const done of sharing) done(error);
    if (this.failure !== null || this.isRetired) return;
    this.context.timers.after(RETRY_MS, () => {
      if (this.held !== null && this.roundLimit === null) this.flushLater(() => {});
    });
  }

  private finishRound(error: DiskError | null, sharing: readonly FlushDone[]): void {
    const limit = this.roundLimit ?? 0;
    this.roundLimit = null;
    if (error !== null && this.concernsOthers(error)) this.failure ??= error;
    // Another sync may have failed meanwhile: that this one did not proves nothing.
    if (this.failure === null) this.advance(limit);
    for (const done of sharing) done(this.failure);
    if (this.waiting.length > 0 && this.roundLimit === null) this.startRound();
  }

  /** Of a log that is being deleted only what was to be synced for others, too: the directory that it is an entry of. */
  private concernsOthers(error: DiskError): boolean {
    return !this.isRetired || error.path === parentDirectory(this.log.directory());
  }

  /** What has to be synced so that everything before `upTo` is on the disk, besides the epochs. */
  private prepare(upTo: number): PooledFile[] {
    try {
      return this.prepareFiles(upTo);
    } catch (error) {
      if (error instanceof DiskError && !isDiskRefusal(error)) this.failure ??= error;
      throw error;
    }
  }

  private writeEpochs(): void {
    try {
      this.log.epochs.write();
    } catch (error) {
      if (error instanceof DiskError && !isDiskRefusal(error)) this.failure ??= error;
      throw error;
    }
  }

  private prepareFiles(upTo: number): PooledFile[] {
    const files = this.unsyncedSnapshots.map((path) => this.context.files.file(path));
    if (this.isClosing) files.push(...this.log.segments.active.syncTargets());
    if (upTo <= this.point) return files;
    for (const segment of this.log.segments.from(this.point)) files.push(...this.filesOf(segment));
    return files;
  }

  private filesOf(segment: Segment): PooledFile[] {
    segment.persistIndexes();
    const isOpen = segment === this.log.segments.active && !this.isClosing;
    return isOpen ? [segment.log] : segment.syncTargets();
  }

  private advance(to: number): void {
    if (this.isRetired) return;
    this.point = Math.max(this.point, Math.min(to, this.log.logEndOffset()));
    this.flushedAt = this.context.clock.monotonic();
    if (this.held !== null) {
      const { from, to } = this.held;
      this.held = to > this.point ? { from: Math.max(from, this.point), to } : null;
    }
    this.log.pointAdvanced();
  }
}

/** Changes of which a sync covers those that were made before it began. */
class PendingSync {
  private changeCount = 0;
  private syncedCount = 0;

  get isDue(): boolean {
    return this.changeCount > this.syncedCount;
  }

  changed(): void {
    this.changeCount++;
  }

  /** A sync begins. @returns what it covers, for `done` */
  begin(): number {
    return this.changeCount;
  }

  done(covered: number): void {
    this.syncedCount = Math.max(this.syncedCount, covered);
  }
}

/** A file that was removed meanwhile is nothing that could be lost. */
function syncUnlessGone(file: PooledFile): void {
  if (file.isRemoved) return;
  try {
    file.use().sync();
  } catch (error) {
    if (!isGone(file, error)) throw error;
  }
}

/** Snapshots go with their segments, which are not asked whether one is being synced. */
function isGone(file: PooledFile, error: unknown): boolean {
  return error instanceof DiskError && error.code === 'ENOENT' && file.path.endsWith(SNAPSHOT_SUFFIX);
}
