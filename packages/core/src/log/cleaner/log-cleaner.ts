import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { Timer } from '../../ports/clock.ts';
import { DiskError } from '../../ports/disk.ts';
import type { LogContext } from '../log-context.ts';
import type { PartitionLog } from '../partition-log.ts';
import { cleanableRange } from './cleanable.ts';
import type { CleanableRange } from './cleanable.ts';
import type { CleanerSettings } from './cleaner-settings.ts';
import { IoThrottle } from '../io-throttle.ts';
import { CleaningAborted, LogCleaning } from './log-cleaning.ts';
import type { CleaningResult } from './log-cleaning.ts';
import { WorkRunner } from '../work.ts';
import type { Work } from '../work.ts';

/** The logs that a cleaner looks after. */
export interface CleanedLogs {
  all(): Iterable<PartitionLog>;
  /** Whether a log may be compacted at present: not while it is being copied. */
  mayClean(log: PartitionLog): boolean;
  /**
   * Recovery is to leave the records before `offset` alone, because compaction leaves gaps between segments, by
   * which recovery tells that something was lost: the recovery point on the disk is `offset` or more when this
   * has ended.
   *
   * @returns false when that is not so yet
   */
  secureRecoveryPoint(log: PartitionLog, offset: number): Work<boolean>;
  /** The log has been compacted up to its `cleanedOffset`, which is written down. */
  cleaned(log: PartitionLog): Work<void>;
}

/** What happened since the start; for metrics. */
export interface CleanerCounters {
  readonly rounds: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Of the last round: the share of the map that was used, 0 to 1. */
  readonly lastMapUtilization: number;
  /** Of the last look at all logs: the largest share of bytes never compacted, 0 to 1. */
  readonly dirtyRatioMax: number;
  /** By how much the most overdue log had passed `max.compaction.lag.ms` then. */
  readonly overdueMaxMs: number;
}

/** Logs whose state is looked at before others run. */
const LOGS_PER_TURN = 64;

/**
 * Compacts logs, one after another, the dirtiest first, in slices between all else that happens on the loop.
 *
 * A log that cannot be compacted, because a batch in it is damaged, is set aside until the broker starts again:
 * it goes on otherwise, and so do the others. A full disk ends a round, and it is tried again. Every other failure
 * of the disk takes the log offline, as everywhere.
 */
export class LogCleaner {
  private readonly context: LogContext;
  private readonly logs: CleanedLogs;
  private readonly settings: () => CleanerSettings;
  private readonly runner: WorkRunner;
  private readonly setAside = new Set<PartitionLog>();
  private current: PartitionLog | null = null;
  private pause: Timer | null = null;
  private totals = { rounds: 0, bytesBefore: 0, bytesAfter: 0 };
  private lastMapUtilization = 0;
  private dirtyRatioMax = 0;
  private overdueMaxMs = 0;

  /** @param settings as they are at present */
  constructor(context: LogContext, logs: CleanedLogs, settings: () => CleanerSettings) {
    this.context = context;
    this.logs = logs;
    this.settings = settings;
    const throttle = new IoThrottle(context.clock, () => settings().ioMaxBytesPerSecond);
    this.runner = new WorkRunner(context.clock, context.timers, (bytes) => throttle.delayAfter(bytes));
  }

  start(): void {
    this.runner.run(this.goOn());
  }

  /** What is half done is left to the next start, or taken back. */
  stop(): void {
    this.pause?.cancel();
    this.runner.stop();
    this.current = null;
  }

  get counters(): CleanerCounters {
    const { totals, lastMapUtilization, dirtyRatioMax, overdueMaxMs } = this;
    return { ...totals, lastMapUtilization, dirtyRatioMax, overdueMaxMs };
  }

  /** The logs that cannot be compacted. */
  get uncleanable(): readonly PartitionLog[] {
    this.forgetClosed();
    return [...this.setAside];
  }

  /** Whether `log` is being compacted: its segments should stay for so long. */
  isCleaning(log: PartitionLog): boolean {
    return this.current === log;
  }

  private *goOn(): Work<void> {
    for (;;) {
      const due = yield* this.dueLogs();
      const wentWell = yield* this.cleanOneOf(due);
      if (!wentWell) yield { begin: (resume) => this.pauseThen(resume) };
    }
  }

  private pauseThen(resume: () => void): void {
    this.pause = this.context.timers.after(this.settings().backoffMs, resume);
  }

  /** Those that should be compacted, the dirtiest first. */
  private *dueLogs(): Work<PartitionLog[]> {
    this.forgetClosed();
    this.dirtyRatioMax = 0;
    this.overdueMaxMs = 0;
    const due: { log: PartitionLog; dirtyRatio: number }[] = [];
    let seen = 0;
    for (const log of [...this.logs.all()]) {
      if (++seen % LOGS_PER_TURN === 0) yield { ioBytes: 0, records: LOGS_PER_TURN };
      if (!log.config.cleanupCompact || !this.isCleanable(log)) continue;
      const range = this.rangeOf(log);
      if (range === null) continue;
      this.dirtyRatioMax = Math.max(this.dirtyRatioMax, range.dirtyRatio);
      this.overdueMaxMs = Math.max(this.overdueMaxMs, range.overdueMs);
      if (range.isDue) due.push({ log, dirtyRatio: range.dirtyRatio });
    }
    return due.sort((a, b) => b.dirtyRatio - a.dirtyRatio).map(({ log }) => log);
  }

  /** One that fails does not keep the others from being compacted. @returns false when none was */
  private *cleanOneOf(due: readonly PartitionLog[]): Work<boolean> {
    for (const log of due) {
      const range = this.isCleanable(log) ? this.rangeOf(log) : null;
      if (range?.isDue === true && (yield* this.clean(log, range))) return true;
    }
    return false;
  }

  private isCleanable(log: PartitionLog): boolean {
    return log.isOpen && !this.setAside.has(log) && this.logs.mayClean(log);
  }

  private rangeOf(log: PartitionLog): CleanableRange | null {
    try {
      return cleanableRange(log.cleanableView(), this.context.clock.now());
    } catch (error) {
      this.failed(log, error);
      return null;
    }
  }

  private *clean(log: PartitionLog, range: CleanableRange): Work<boolean> {
    const version = log.storage.structureVersion;
    if (!(yield* this.logs.secureRecoveryPoint(log, range.firstUncleanableOffset))) return false;
    // The log may have been cut, moved or closed meanwhile.
    if (!this.isCleanable(log) || log.storage.structureVersion !== version) return false;
    if (range.wasReset) this.warnOfReset(log);
    const { dedupeBufferSizeBytes, loadFactor, ioBufferSizeBytes } = this.settings();
    const cleaning = new LogCleaning(this.context, log, range, {
      mapSizeMaxBytes: dedupeBufferSizeBytes,
      loadFactor,
      ioBufferSizeBytes,
    });
    const startedMs = this.context.clock.monotonic();
    this.current = log;
    try {
      const result = yield* cleaning.run();
      log.storage.cleanedTo(result.cleanedOffset);
      yield* this.logs.cleaned(log);
      this.note(log, range, result, startedMs);
      return true;
    } catch (error) {
      if (!(error instanceof CleaningAborted)) this.failed(log, error);
      return false;
    } finally {
      this.current = null;
    }
  }

  private warnOfReset({ directory, cleanedOffset, logEndOffset }: PartitionLog): void {
    this.context.log.warn('A log is shorter than what was compacted of it, and is compacted from its start', {
      directory,
      cleanedOffset,
      logEndOffset,
    });
  }

  private failed(log: PartitionLog, error: unknown): void {
    const facts = { directory: log.directory, reason: (error as Error).message };
    if (error instanceof MalformedBytesError) {
      this.setAside.add(log);
      this.context.log.error('A log cannot be compacted and is set aside', facts);
    } else if (error instanceof DiskError && isDiskFull(error)) {
      this.context.log.error('A log was not compacted because the disk is full', facts);
    } else if (error instanceof DiskError) {
      log.fail(error);
    } else {
      throw error;
    }
  }

  private note(log: PartitionLog, range: CleanableRange, result: CleaningResult, startedMs: number): void {
    this.totals = {
      rounds: this.totals.rounds + 1,
      bytesBefore: this.totals.bytesBefore + result.bytesBefore,
      bytesAfter: this.totals.bytesAfter + result.bytesAfter,
    };
    this.lastMapUtilization = result.mapUtilization;
    this.context.log.info('Compacted a log', {
      directory: log.directory,
      fromOffset: range.firstDirtyOffset,
      ...result,
      durationMs: Math.round(this.context.clock.monotonic() - startedMs),
    });
  }

  private forgetClosed(): void {
    for (const log of this.setAside) if (!log.isOpen) this.setAside.delete(log);
  }
}

function isDiskFull({ code }: DiskError): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}
