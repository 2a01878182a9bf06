import { KafkaError } from '@odradek/protocol/errors.ts';
import type { Timer } from '../ports/clock.ts';
import type { CleanerSettings } from './cleaner/cleaner-settings.ts';
import { LogCleaner } from './cleaner/log-cleaner.ts';
import type { DataDirectories } from './data-directories.ts';
import { forEachLater } from './for-each-later.ts';
import type { HeldLogs } from './held-logs.ts';
import type { LogContext } from './log-context.ts';
import type { PartitionLog } from './partition-log.ts';
import { laterCall, type Work } from './work.ts';

export interface LogUpkeepOptions {
  /** `log.retention.check.interval.ms` */
  readonly retentionCheckIntervalMs: number;
  /** `log.flush.scheduler.interval.ms`; Infinity for never. */
  readonly flushCheckIntervalMs: number;
  /** `log.flush.offset.checkpoint.interval.ms` */
  readonly recoveryPointIntervalMs: number;
  /** `log.flush.start.offset.checkpoint.interval.ms` */
  readonly logStartOffsetIntervalMs: number;
  /** `replica.high.watermark.checkpoint.interval.ms` */
  readonly highWatermarkIntervalMs: number;
  /** `producer.id.expiration.check.interval.ms` */
  readonly producerExpirationIntervalMs: number;
  /** How logs are compacted, as it is now; null when they are not (`log.cleaner.enable`). */
  readonly cleaner: (() => CleanerSettings) | null;
}

/** Logs that a periodic task visits before it lets others run, unless they take longer than the time below. */
const LOGS_PER_SLICE = 256;
const SLICE_MS_MAX = 2;
/** Files of leader epochs that are written at one time, off the loop. */
const EPOCH_WRITES_MAX = 2;

/** What is done for the logs from time to time: retention, flushing, checkpoints, expiry of producers, compaction. */
export class LogUpkeep {
  /** Compacts logs; null when it is off. */
  readonly cleaner: LogCleaner | null;
  private readonly context: LogContext;
  private readonly options: LogUpkeepOptions;
  private readonly held: HeldLogs;
  private readonly directories: DataDirectories;
  private readonly timers = new Set<Timer>();
  private isStopped = false;

  constructor(
    context: LogContext,
    options: LogUpkeepOptions,
    held: HeldLogs,
    directories: DataDirectories,
    isMoving: (log: PartitionLog) => boolean,
  ) {
    this.context = context;
    this.options = options;
    this.held = held;
    this.directories = directories;
    const logs = {
      all: () => held.all(),
      mayClean: (log: PartitionLog) => !isMoving(log),
      secureRecoveryPoint: (log: PartitionLog, offset: number) => this.secureRecoveryPoint(log, offset),
      cleaned: (log: PartitionLog) => this.cleaned(log),
    };
    this.cleaner = options.cleaner === null ? null : new LogCleaner(context, logs, options.cleaner);
  }

  start(): void {
    const { options } = this;
    this.every(options.retentionCheckIntervalMs, () => this.enforceRetention());
    this.every(options.flushCheckIntervalMs, () => {
      const nowMs = this.context.clock.monotonic();
      this.sweep((log) => flushWhenDue(log, nowMs));
    });
    this.every(options.recoveryPointIntervalMs, () => this.checkpointRecoveryPointsLater());
    this.every(options.logStartOffsetIntervalMs, () => this.checkpointLogStartOffsetsLater());
    this.every(options.highWatermarkIntervalMs, () => this.checkpointHighWatermarksLater());
    this.every(options.producerExpirationIntervalMs, () =>
      this.sweep((log, now) => log.removeExpiredProducers(now)),
    );
    this.cleaner?.start();
  }

  stop(): void {
    this.isStopped = true;
    this.cleaner?.stop();
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
  }

  private every(intervalMs: number, run: () => void): void {
    if (!Number.isFinite(intervalMs)) return;
    this.after(Math.max(intervalMs, 1), () => {
      run();
      this.every(intervalMs, run);
    });
  }

  private after(delayMs: number, run: () => void): void {
    const timer = this.context.timers.after(delayMs, () => {
      this.timers.delete(timer);
      if (!this.isStopped) run();
    });
    this.timers.add(timer);
  }

  /** Visits every log, some at a time. One that fails says so itself; the others go on. */
  private sweep(visit: (log: PartitionLog, nowMs: number) => void): void {
    const logs = [...this.held.all()];
    const visitFrom = (start: number): void => {
      const { clock } = this.context;
      const untilMs = clock.monotonic() + SLICE_MS_MAX;
      let next = start;
      do this.visit(logs[next++]!, visit);
      while (next < logs.length && next < start + LOGS_PER_SLICE && clock.monotonic() < untilMs);
      if (next < logs.length) this.after(0, () => visitFrom(next));
    };
    if (logs.length > 0) visitFrom(0);
  }

  private visit(log: PartitionLog, visit: (log: PartitionLog, nowMs: number) => void): void {
    if (log.isOffline || this.held.log(log.topic, log.partition) !== log) return;
    try {
      visit(log, this.context.clock.now());
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.context.log.warn('Periodic work on a log failed', {
        directory: log.directory,
        reason: error.message,
      });
    }
  }

  /** Applies retention to all logs now, whatever the interval; to one that is being compacted, afterwards. */
  enforceRetention(): void {
    this.sweep((log, now) => {
      if (this.cleaner?.isCleaning(log) !== true) log.deleteOldSegments(now);
    });
  }

  /** Leader epochs first: they must not lack what lies before a recovery point. */
  checkpointRecoveryPoints(): void {
    this.sweep((log) => log.checkpointLeaderEpochs());
    this.directories.checkpoint((directory, logs) => directory.checkpointRecoveryPoints(logs));
  }

  /** As the timer does it: off the loop. */
  checkpointRecoveryPointsLater(): void {
    const checkpoint = (): void => {
      if (this.isStopped) return;
      this.directories.checkpoint((directory, logs) =>
        directory.checkpointRecoveryPointsLater(logs, (error) =>
          this.directories.checkpointFailed(directory, error),
        ),
      );
    };
    writeEpochs([...this.held.all()], checkpoint);
  }

  checkpointLogStartOffsetsLater(): void {
    this.directories.checkpoint((directory, logs) =>
      directory.checkpointLogStartOffsetsLater(logs, (error) =>
        this.directories.checkpointFailed(directory, error),
      ),
    );
  }

  checkpointLogStartOffsets(): void {
    this.directories.checkpoint((directory, logs) => directory.checkpointLogStartOffsets(logs));
  }

  checkpointHighWatermarks(): void {
    this.directories.checkpoint((directory, logs) => directory.checkpointHighWatermarks(logs));
  }

  /** As the timer does it: off the loop. */
  checkpointHighWatermarksLater(): void {
    this.directories.checkpoint((directory, logs) =>
      directory.checkpointHighWatermarksLater(logs, (error) =>
        this.directories.checkpointFailed(directory, error),
      ),
    );
  }

  /** Leader epochs first, as above. */
  private *secureRecoveryPoint(log: PartitionLog, offset: number): Work<boolean> {
    const directory = this.held.get(log.topic, log.partition)?.directory;
    if (directory === undefined) return false;
    const isSecure = (): boolean => directory.recoveryPoint(log.topic, log.partition) >= offset;
    // A checkpoint that is under way may be from before the log was synced so far: then it takes another.
    for (let attempt = 0; attempt < 2 && !isSecure() && log.recoveryPoint >= offset; attempt++) {
      const { logsIn } = this.directories;
      yield* laterCall<void>((done) => writeEpochs([...logsIn(directory)], () => done(null, undefined)));
      yield* this.directories.written(directory, (failed, ended) =>
        directory.checkpointRecoveryPointsLater(logsIn(directory), failed, ended),
      );
    }
    return isSecure();
  }

  /** For compaction it makes no difference whether a crash comes before that is on the disk: it is done again then. */
  private *cleaned(log: PartitionLog): Work<void> {
    const directory = this.held.get(log.topic, log.partition)?.directory;
    if (directory !== undefined) {
      yield* this.directories.written(directory, (failed, ended) =>
        directory.checkpointCleanedOffsetsLater(this.directories.logsIn(directory), failed, ended),
      );
    }
    this.visit(log, (one, nowMs) => one.deleteOldSegments(nowMs));
  }
}

/** Off the loop. @param done called once */
function writeEpochs(logs: readonly PartitionLog[], done: () => void): void {
  forEachLater(logs, EPOCH_WRITES_MAX, (log, next) => log.checkpointLeaderEpochsLater(next), done);
}

/** A failed flush takes the log offline, which says so itself. */
function flushWhenDue(log: PartitionLog, nowMs: number): void {
  if (log.isFlushDue(nowMs)) log.flushLater(() => {});
}
