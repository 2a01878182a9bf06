import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { Clock, Timer, Timers } from '../ports/clock.ts';
import { DiskError } from '../ports/disk.ts';
import type { Disk } from '../ports/disk.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import type { CleanerSettings } from './cleaner/cleaner-settings.ts';
import { LogCleaner } from './cleaner/log-cleaner.ts';
import { DataDirectory } from './data-directory.ts';
import { DelayedRemovals } from './delayed-removals.ts';
import { isDiskRefusal } from './disk-refusal.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { deletedDirectoryName, partitionDirectoryName, strayDirectoryName } from './log-files.ts';
import { OpenFiles } from './open-files.ts';
import { PartitionLog } from './partition-log.ts';

export interface LogManagerPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: LogSink;
}

export interface LogManagerOptions {
  /** `log.dirs`: absolute paths, at least one. */
  readonly directories: readonly string[];
  /** The settings of a topic's logs, as they are now. */
  readonly configOf: (topic: string) => LogConfig;
  /** Files open at one time; 4096 unless given. */
  readonly openFilesMax?: number;
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
  /** A data directory has failed: its logs are offline until the broker starts again. */
  readonly onDirectoryFailed?: (path: string, error: DiskError) => void;
  /** None is left. */
  readonly onAllDirectoriesFailed?: (error: DiskError) => void;
}

/** Kafka 3.9's defaults. */
export const DEFAULT_LOG_INTERVALS = {
  retentionCheckIntervalMs: 5 * 60 * 1000,
  flushCheckIntervalMs: Infinity,
  recoveryPointIntervalMs: 60_000,
  logStartOffsetIntervalMs: 60_000,
  highWatermarkIntervalMs: 5000,
  producerExpirationIntervalMs: 10 * 60 * 1000,
  cleaner: null,
} as const;

/** Logs that a periodic task visits before it lets others run, unless they take longer than the time below. */
const LOGS_PER_SLICE = 256;
const SLICE_MS_MAX = 2;

/** A log with where it lies. */
interface HeldLog {
  readonly log: PartitionLog;
  readonly directory: DataDirectory;
}

/**
 * All logs of a broker: opens them at start, makes and deletes them, runs what has to be done from time to
 * time, and closes them so that the next start need not read them.
 */
export class LogManager {
  private readonly context: LogContext;
  private readonly options: LogManagerOptions;
  private readonly directories: DataDirectory[];
  private readonly logs = new Map<string, Map<number, HeldLog>>();
  /** Logs of partitions of which another lies in another data directory, with another topic id. */
  private readonly rivals: HeldLog[] = [];
  private readonly timers = new Set<Timer>();
  /** Compacts logs; null when it is off. */
  readonly cleaner: LogCleaner | null;
  private isClosed = false;

  constructor(ports: LogManagerPorts, options: LogManagerOptions) {
    const files = new OpenFiles(ports.disk, options.openFilesMax);
    this.context = { ...ports, files, removals: new DelayedRemovals(ports.timers) };
    this.options = options;
    this.directories = options.directories.map((path) => new DataDirectory(this.context, path));
    const logs = {
      all: () => this.all(),
      secureRecoveryPoint: (log: PartitionLog, offset: number) => this.secureRecoveryPoint(log, offset),
      cleaned: (log: PartitionLog) => this.cleaned(log),
    };
    this.cleaner = options.cleaner === null ? null : new LogCleaner(this.context, logs, options.cleaner);
  }

  /**
   * Opens all logs. After a clean shutdown no log data is read; after a crash what lies past the recovery
   * points is.
   *
   * @throws DiskError, CorruptCheckpointError
   */
  open(): void {
    for (const _ of this.openStepwise());
  }

  /** `open` one log at a time, for those who have other things to do meanwhile. @throws as `open` */
  *openStepwise(): Generator<PartitionLog> {
    for (const directory of this.directories) {
      try {
        yield* this.openDirectory(directory);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        // The others go on without it, as Kafka's do.
        if (this.directories.every((other) => other === directory || other.failure !== null)) throw error;
        this.failDirectory(directory, error);
      }
    }
  }

  private *openDirectory(directory: DataDirectory): Generator<PartitionLog> {
    directory.open();
    const { logs, deleted } = directory.scan();
    for (const path of deleted) this.context.disk.remove(path);
    for (const { topic, partition } of logs) yield this.openLog(directory, topic, partition);
    for (const log of this.logsIn(directory)) this.lowerRecoveryPoint(directory, log);
    directory.isLoaded = true;
  }

  /** Nothing in it is used any more: what one operation has shown to fail, others may only seem to do. */
  private failDirectory(directory: DataDirectory, error: DiskError): void {
    if (directory.failure !== null) return;
    directory.failure = error;
    this.context.log.error('A data directory has failed and is not used until the next start', {
      directory: directory.path,
      logs: directory.logCount,
      path: error.path,
      reason: error.message,
    });
    for (const log of this.logsIn(directory)) log.fail(error);
    this.options.onDirectoryFailed?.(directory.path, error);
    if (this.directories.every(({ failure }) => failure !== null))
      this.options.onAllDirectoriesFailed?.(error);
  }

  private openLog(directory: DataDirectory, topic: string, partition: number): PartitionLog {
    const log = this.openAt(directory, topic, partition, directory.wasCleanShutdown);
    log.updateHighWatermark(directory.highWatermark(topic, partition));
    const other = this.log(topic, partition);
    if (other === null) this.hold(topic, partition, { log, directory });
    else this.holdRival({ log, directory }, other);
    return log;
  }

  /** Which of two is the partition's log the topic id will tell. @throws KafkaError when it cannot */
  private holdRival(held: HeldLog, other: PartitionLog): void {
    const { log } = held;
    if (log.topicId === null || log.topicId === other.topicId) {
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `the same log lies in two data directories, ${other.directory} and ${log.directory}: move one away`,
      );
    }
    this.rivals.push(held);
  }

  private openAt(
    directory: DataDirectory,
    topic: string,
    partition: number,
    wasCleanShutdown: boolean,
  ): PartitionLog {
    const path = `${directory.path}/${partitionDirectoryName(topic, partition)}`;
    const log = PartitionLog.open(this.context, path, {
      topic,
      partition,
      config: this.configOf(topic),
      logStartOffset: directory.logStartOffset(topic, partition),
      recoveryPoint: directory.recoveryPoint(topic, partition),
      wasCleanShutdown,
      cleanedOffset: directory.cleanedOffset(topic, partition),
      onRecoveryPointLowered: (lowered) => this.lowerCheckpoints(directory, lowered),
      onOffline: (_, error) => this.failDirectory(directory, error),
    });
    return log;
  }

  /** What recovery may skip is never more than what is certain. @throws DiskError */
  private lowerRecoveryPoint(directory: DataDirectory, log: PartitionLog): void {
    if (directory.recoveryPoint(log.topic, log.partition) <= log.recoveryPoint) return;
    directory.checkpointRecoveryPoints(this.logsIn(directory));
  }

  /** What is behind a truncation was never compacted when it is written again. @throws DiskError */
  private lowerCheckpoints(directory: DataDirectory, log: PartitionLog): void {
    this.lowerRecoveryPoint(directory, log);
    const { topic, partition, cleanedOffset } = log;
    if ((directory.cleanedOffset(topic, partition) ?? -1) <= (cleanedOffset ?? -1)) return;
    directory.checkpointCleanedOffsets(this.logsIn(directory));
  }

  private secureRecoveryPoint(log: PartitionLog, offset: number): boolean {
    const directory = this.logs.get(log.topic)?.get(log.partition)?.directory;
    if (directory === undefined) return false;
    const isSecure = (): boolean => directory.recoveryPoint(log.topic, log.partition) >= offset;
    if (!isSecure() && log.recoveryPoint >= offset) this.checkpointRecoveryPoints();
    return isSecure();
  }

  private cleaned(log: PartitionLog): void {
    const directory = this.logs.get(log.topic)?.get(log.partition)?.directory;
    this.checkpoint((one, logs) => {
      if (one === directory) one.checkpointCleanedOffsets(logs);
    });
    this.visit(log, (one, nowMs) => one.deleteOldSegments(nowMs));
  }

  /** Logs of one topic share their settings: working them out takes long for thousands of partitions. */
  private configOf(topic: string): LogConfig {
    for (const { log } of this.logs.get(topic)?.values() ?? []) return log.config;
    return this.options.configOf(topic);
  }

  private hold(topic: string, partition: number, held: HeldLog): void {
    let partitions = this.logs.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.logs.set(topic, partitions);
    }
    partitions.set(partition, held);
    held.directory.logCount++;
  }

  /** The open log of a partition, or null when this broker has none. */
  log(topic: string, partition: number): PartitionLog | null {
    return this.logs.get(topic)?.get(partition)?.log ?? null;
  }

  /** All logs, in no particular order. */
  *all(): Generator<PartitionLog> {
    for (const partitions of this.logs.values()) {
      for (const { log } of partitions.values()) yield log;
    }
  }

  /** The data directories with the logs in each. */
  byDirectory(): { path: string; hasFailed: boolean; logs: PartitionLog[] }[] {
    return this.directories.map((directory) => ({
      path: directory.path,
      hasFailed: directory.failure !== null,
      logs: [...this.logsIn(directory)],
    }));
  }

  private *logsIn(directory: DataDirectory): Generator<PartitionLog> {
    for (const partitions of this.logs.values()) {
      for (const held of partitions.values()) if (held.directory === directory) yield held.log;
    }
  }

  /**
   * The log of a partition, made when there is none, in the data directory that has the fewest.
   *
   * @param topicId written to `partition.metadata` unless it is null
   * @param isNew whether the partition was never here: else it may lie in a data directory that has failed, and
   *   must not be begun anew in another
   * @throws KafkaError INCONSISTENT_TOPIC_ID, KAFKA_STORAGE_ERROR
   */
  getOrCreate(topic: string, partition: number, topicId: string | null, isNew = true): PartitionLog {
    if (topicId !== null) this.putAsideOther(topic, partition, topicId, isNew);
    const log = this.log(topic, partition) ?? this.create(topic, partition, isNew);
    if (topicId !== null) log.assignTopicId(topicId);
    return log;
  }

  /**
   * A log of the same name and another topic id is what is left of a topic that was deleted: the broker died, or its
   * disk failed, before it was told or could see to it. It is kept, under a name that nobody opens; the right log may
   * lie in another data directory.
   */
  private putAsideOther(topic: string, partition: number, topicId: string, isNew: boolean): void {
    const held = this.logs.get(topic)?.get(partition);
    if (held === undefined || held.log.topicId === null || held.log.topicId === topicId) return;
    const rival = this.rivals.find(({ log }) => log.topicId === topicId && isLogOf(log, topic, partition));
    if (rival === undefined && !isNew) return;
    this.putAside(held);
    if (rival === undefined) return;
    this.rivals.splice(this.rivals.indexOf(rival), 1);
    this.hold(topic, partition, rival);
  }

  private putAside({ log, directory }: HeldLog): void {
    const { topic, partition } = log;
    const id = this.context.random.uuidBytes().toString('hex');
    const path = `${directory.path}/${strayDirectoryName(topic, partition, id)}`;
    if (directory.failure === null) log.moveAway(path);
    this.release(topic, partition, directory);
    this.context.log.warn('A log of a deleted topic of the same name was put aside', { path });
  }

  private create(topic: string, partition: number, isNew: boolean): PartitionLog {
    const healthy = this.directories.filter(({ failure }) => failure === null);
    if (healthy.length === 0 || (!isNew && healthy.length < this.directories.length)) {
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `${topic}-${partition} may lie in a data directory that has failed`,
      );
    }
    const directory = healthy.reduce((least, other) => (other.logCount < least.logCount ? other : least));
    for (const other of healthy) this.syncRemoval(other, topic, partition);
    try {
      directory.forget(topic, partition, () => this.logsIn(directory));
      const log = this.openAt(directory, topic, partition, true);
      this.hold(topic, partition, { log, directory });
      return log;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (!isDiskRefusal(error)) this.failDirectory(directory, error);
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `the log of ${topic}-${partition} cannot be made in ${directory.path}: ${error.message}`,
        { cause: error },
      );
    }
  }

  /** Else a loss of power could bring back a deleted log beside the new one. @throws KafkaError KAFKA_STORAGE_ERROR */
  private syncRemoval(directory: DataDirectory, topic: string, partition: number): void {
    try {
      directory.syncRemovalOf(partitionDirectoryName(topic, partition));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.failDirectory(directory, error);
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, error.message, { cause: error });
    }
  }

  /**
   * Deletes a partition's log: at once for everybody, on disk after `file.delete.delay.ms`. A log of the same
   * name can be made right away and knows nothing of this one.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  delete(topic: string, partition: number): void {
    const held = this.logs.get(topic)?.get(partition);
    if (held === undefined) return;
    const { log, directory } = held;
    const id = this.context.random.uuidBytes().toString('hex');
    const isReachable = directory.failure === null;
    if (isReachable) log.moveAway(`${directory.path}/${deletedDirectoryName(topic, partition, id)}`);
    this.release(topic, partition, directory);
    if (!isReachable) return;
    directory.removedLater(partitionDirectoryName(topic, partition), (error) => {
      // Files that went while the rename was lost would leave the half of a log behind.
      if (error !== null) return this.failDirectory(directory, error);
      this.context.removals.later(log.config.fileDeleteDelayMs, () => this.removeFiles(log));
    });
  }

  private release(topic: string, partition: number, directory: DataDirectory): void {
    this.logs.get(topic)!.delete(partition);
    if (this.logs.get(topic)!.size === 0) this.logs.delete(topic);
    directory.logCount--;
  }

  private removeFiles(log: PartitionLog): void {
    try {
      log.removeFiles();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.warnOfRemoval(log, error);
    }
  }

  private warnOfRemoval(log: PartitionLog, error: DiskError): void {
    this.context.log.warn('A deleted log could not be removed; the next start tries again', {
      directory: log.directory,
      reason: error.message,
    });
  }

  /** The settings of a topic have changed. */
  configChanged(topic: string): void {
    const config = this.options.configOf(topic);
    for (const { log } of this.logs.get(topic)?.values() ?? []) log.updateConfig(config);
  }

  /** Begins the periodic work: retention, flushing, checkpoints, expiry of producers. */
  start(): void {
    const { options } = this;
    this.every(options.retentionCheckIntervalMs, () => this.enforceRetention());
    this.every(options.flushCheckIntervalMs, () => {
      const nowMs = this.context.clock.monotonic();
      this.sweep((log) => flushWhenDue(log, nowMs));
    });
    this.every(options.recoveryPointIntervalMs, () => this.checkpointRecoveryPoints());
    this.every(options.logStartOffsetIntervalMs, () => this.checkpointLogStartOffsets());
    this.every(options.highWatermarkIntervalMs, () => this.checkpointHighWatermarksLater());
    this.every(options.producerExpirationIntervalMs, () =>
      this.sweep((log, now) => log.removeExpiredProducers(now)),
    );
    this.cleaner?.start();
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
      if (!this.isClosed) run();
    });
    this.timers.add(timer);
  }

  /** Visits every log, some at a time. One that fails says so itself; the others go on. */
  private sweep(visit: (log: PartitionLog, nowMs: number) => void): void {
    const logs = [...this.all()];
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
    if (log.isOffline || this.log(log.topic, log.partition) !== log) return;
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
    this.checkpoint((directory, logs) => directory.checkpointRecoveryPoints(logs));
  }

  checkpointLogStartOffsets(): void {
    this.checkpoint((directory, logs) => directory.checkpointLogStartOffsets(logs));
  }

  checkpointHighWatermarks(): void {
    this.checkpoint((directory, logs) => directory.checkpointHighWatermarks(logs));
  }

  /** As the timer does it: off the loop. */
  checkpointHighWatermarksLater(): void {
    this.checkpoint((directory, logs) =>
      directory.checkpointHighWatermarksLater(logs, (error) => this.checkpointFailed(directory, error)),
    );
  }

  private checkpoint(write: (directory: DataDirectory, logs: Iterable<PartitionLog>) => void): void {
    for (const directory of this.directories) {
      if (directory.failure !== null) continue;
      try {
        write(directory, this.logsIn(directory));
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        this.checkpointFailed(directory, error);
      }
    }
  }

  /** A checkpoint that cannot be written stays as it was, which is safe: it is tried again next time. */
  private checkpointFailed(directory: DataDirectory, error: DiskError): void {
    if (!isDiskRefusal(error)) this.failDirectory(directory, error);
    this.context.log.error('A checkpoint could not be written', {
      directory: directory.path,
      reason: error.message,
    });
  }

  /**
   * Closes all logs. A data directory whose logs could all be closed is marked, and the next start does not
   * read them.
   */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cleaner?.stop();
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    this.context.removals.stop();
    for (const { log } of this.rivals) this.closeLog(log);
    for (const directory of this.directories) this.closeDirectory(directory);
  }

  private closeDirectory(directory: DataDirectory): void {
    let isClean = true;
    for (const log of this.logsIn(directory)) isClean = this.closeLog(log) && isClean;
    // What was not opened must not be forgotten, nor called clean.
    if (!directory.isLoaded || directory.failure !== null) return;
    try {
      directory.checkpointRecoveryPoints(this.logsIn(directory));
      directory.checkpointLogStartOffsets(this.logsIn(directory));
      directory.checkpointHighWatermarks(this.logsIn(directory));
      if (isClean) directory.markCleanShutdown();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.context.log.error('A data directory could not be closed cleanly; the next start recovers it', {
        directory: directory.path,
        reason: error.message,
      });
    }
  }

  private closeLog(log: PartitionLog): boolean {
    try {
      log.close();
      return !log.isOffline;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return false;
    }
  }
}

/** A failed flush takes the log offline, which says so itself. */
function flushWhenDue(log: PartitionLog, nowMs: number): void {
  if (log.isFlushDue(nowMs)) log.flushLater(() => {});
}

function isLogOf(log: PartitionLog, topic: string, partition: number): boolean {
  return log.topic === topic && log.partition === partition;
}
