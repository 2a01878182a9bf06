import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { DiskError } from '../ports/disk.ts';
import type { LogCleaner } from './cleaner/log-cleaner.ts';
import { DataDirectories } from './data-directories.ts';
import type { DirectoryNotices } from './data-directories.ts';
import type { DataDirectory } from './data-directory.ts';
import { isDiskRefusal } from './disk-refusal.ts';
import { forEachLater } from './for-each-later.ts';
import { HeldLogs } from './held-logs.ts';
import type { LogConfig } from './log-config.ts';
import { logContextOf, type LogContext, type LogPorts } from './log-context.ts';
import { partitionDirectoryName } from './log-files.ts';
import { LogOpening } from './log-opening.ts';
import { LogRemoval } from './log-removal.ts';
import { LogUpkeep } from './log-upkeep.ts';
import type { LogUpkeepOptions } from './log-upkeep.ts';
import { FutureLogs } from './moves/future-logs.ts';
import { OpenFiles, type ReadingParts } from './open-files.ts';
import type { PartitionLog } from './partition-log.ts';

export interface LogManagerOptions extends LogUpkeepOptions, DirectoryNotices {
  /** `log.dirs`: absolute paths, at least one. */
  readonly directories: readonly string[];
  /** The settings of a topic's logs, as they are now. */
  readonly configOf: (topic: string) => LogConfig;
  /** `replica.alter.log.dirs.io.max.bytes.per.second`, as it is now, 0 or more; endless unless given. */
  readonly moveBytesPerSecond?: () => number;
  /** Files open at one time; 4096 unless given. */
  readonly openFilesMax?: number;
  /** How files are read whose pages need not be in memory; unless given, no read is taken to wait for a device. */
  readonly coldReads?: Omit<ReadingParts, 'clock'>;
}

/** Logs that are synced at one time when the broker stops: the pool has few threads, and shares a commit among those. */
const CLOSING_LOGS_MAX = 16;

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

/**
 * All logs of a broker: opens them at start, makes and deletes them, has done what is to be done from time to
 * time (log-upkeep.ts), and closes them so that the next start need not read them.
 */
export class LogManager {
  private readonly context: LogContext;
  private readonly options: LogManagerOptions;
  private readonly held = new HeldLogs();
  /** Moves logs to other data directories. */
  readonly futures: FutureLogs;
  private readonly directories: DataDirectories;
  private readonly opening: LogOpening;
  private readonly removal: LogRemoval;
  private readonly upkeep: LogUpkeep;
  private isClosed = false;

  constructor(ports: LogPorts, options: LogManagerOptions) {
    const { held } = this;
    const { coldReads } = options;
    const reading = coldReads === undefined ? undefined : { ...coldReads, clock: ports.clock };
    const files = new OpenFiles(ports.disk, options.openFilesMax, reading);
    const futures = new HeldLogs();
    this.context = logContextOf(ports, files);
    this.options = options;
    const logsIn = (one: DataDirectory) => [...held.in(one), ...futures.in(one)];
    this.directories = new DataDirectories(this.context, options.directories, logsIn, options);
    this.removal = new LogRemoval(this.context, this.directories);
    this.opening = new LogOpening(
      this.context,
      { current: held, futures },
      this.directories,
      this.removal,
      options.configOf,
    );
    this.futures = new FutureLogs({
      context: this.context,
      current: held,
      futures,
      directories: this.directories,
      opening: this.opening,
      removal: this.removal,
      bytesPerSecond: options.moveBytesPerSecond ?? (() => Infinity),
      configOf: options.configOf,
    });
    this.upkeep = new LogUpkeep(this.context, options, held, this.directories, (log) =>
      this.futures.isMoving(log),
    );
  }

  /** Compacts logs; null when it is off. */
  get cleaner(): LogCleaner | null {
    return this.upkeep.cleaner;
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
    for (const directory of this.directories.all) {
      try {
        yield* this.opening.openDirectory(directory);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        // The others go on without it, as Kafka's do.
        if (this.directories.healthy.every((other) => other === directory)) throw error;
        this.directories.fail(directory, error);
      }
    }
  }

  /** The open log of a partition, or null when this broker has none. */
  log(topic: string, partition: number): PartitionLog | null {
    return this.held.log(topic, partition);
  }

  /** As `OpenFiles.withoutWaiting`. @throws ColdRead */
  withoutWaiting<T>(lookUp: () => T): T {
    return this.context.files.withoutWaiting(lookUp);
  }

  /** All logs, in no particular order. */
  all(): Generator<PartitionLog> {
    return this.held.all();
  }

  /** The data directories with the logs in each, current and future. */
  byDirectory(): { path: string; hasFailed: boolean; logs: PartitionLog[] }[] {
    return this.directories.all.map((directory) => ({
      path: directory.path,
      hasFailed: directory.failure !== null,
      logs: [...this.directories.logsIn(directory)],
    }));
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
    const log =
      this.log(topic, partition) ??
      this.futures.promote(topic, partition, topicId) ??
      this.create(topic, partition, isNew);
    if (topicId !== null) log.assignTopicId(topicId);
    return log;
  }

  /**
   * A log of the same name and another topic id is what is left of a topic that was deleted: the broker died, or its
   * disk failed, before it was told or could see to it. It is kept, under a name that nobody opens; the right log may
   * lie in another data directory.
   */
  private putAsideOther(topic: string, partition: number, topicId: string, isNew: boolean): void {
    const held = this.held.get(topic, partition);
    if (held === undefined) return;
    if (held.log.topicId !== null && held.log.topicId !== topicId) {
      const rival = this.opening.takeRival(topic, partition, topicId);
      if (rival === null && !isNew) return;
      this.futures.deleteAll(topic, partition);
      this.removal.putAside(held);
      this.held.release(held);
      if (rival !== null) this.held.hold(rival);
    }
    // Their names may be needed, where the log moves.
    for (const rival of this.opening.takeRivals(topic, partition)) {
      if (rival.log.logEndOffset > 0) this.removal.putAside(rival);
      else this.removal.delete(rival);
    }
  }

  private create(topic: string, partition: number, isNew: boolean): PartitionLog {
    const { healthy } = this.directories;
    if (healthy.length === 0 || (!isNew && healthy.length < this.directories.all.length)) {
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `${topic}-${partition} may lie in a data directory that has failed`,
      );
    }
    const directory =
      this.futures.takePreference(topic, partition) ??
      healthy.reduce((least, other) => (other.logCount < least.logCount ? other : least));
    for (const other of healthy) this.syncRemoval(other, topic, partition);
    try {
      directory.forget(topic, partition, () => this.directories.logsIn(directory));
      const log = this.opening.openAt(directory, topic, partition, true);
      this.held.hold({ log, directory });
      return log;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (!isDiskRefusal(error)) this.directories.fail(directory, error);
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
      this.directories.fail(directory, error);
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
    this.futures.deleteAll(topic, partition);
    const held = this.held.get(topic, partition);
    if (held === undefined) return;
    this.removal.delete(held);
    this.held.release(held);
  }

  /** The settings of a topic have changed. */
  configChanged(topic: string): void {
    const config = this.options.configOf(topic);
    for (const log of this.held.ofTopic(topic)) log.updateConfig(config);
    this.futures.configChanged(topic);
  }

  /** Begins the periodic work: retention, flushing, checkpoints, expiry of producers, compaction. */
  start(): void {
    this.upkeep.start();
  }

  /** Applies retention to all logs now, whatever the interval; to one that is being compacted, afterwards. */
  enforceRetention(): void {
    this.upkeep.enforceRetention();
  }

  checkpointRecoveryPoints(): void {
    this.upkeep.checkpointRecoveryPoints();
  }

  /** As the timer does it: off the loop. */
  checkpointRecoveryPointsLater(): void {
    this.upkeep.checkpointRecoveryPointsLater();
  }

  /** As the timer does it: off the loop. */
  checkpointLogStartOffsetsLater(): void {
    this.upkeep.checkpointLogStartOffsetsLater();
  }

  checkpointLogStartOffsets(): void {
    this.upkeep.checkpointLogStartOffsets();
  }

  checkpointHighWatermarks(): void {
    this.upkeep.checkpointHighWatermarks();
  }

  /** As the timer does it: off the loop. */
  checkpointHighWatermarksLater(): void {
    this.upkeep.checkpointHighWatermarksLater();
  }

  /**
   * Brings to the disk what `close` would sync, off the loop, so many logs at a time. Nothing is appended any more.
   *
   * @param done called once; failures show when the logs are closed
   */
  syncForClose(done: () => void): void {
    if (this.isClosed) return done();
    this.upkeep.stop();
    this.context.removals.stop();
    forEachLater(this.held.all(), CLOSING_LOGS_MAX, (log, next) => log.syncForClose(next), done);
  }

  /**
   * Closes all logs. A data directory whose logs could all be closed is marked, and the next start does not
   * read them.
   */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.upkeep.stop();
    this.futures.stop();
    this.context.removals.stop();
    for (const log of this.opening.untaken) closeLog(log);
    for (const directory of this.directories.all) this.closeDirectory(directory);
  }

  private closeDirectory(directory: DataDirectory): void {
    let isClean = true;
    for (const log of this.directories.logsIn(directory)) isClean = closeLog(log) && isClean;
    // What was not opened must not be forgotten, nor called clean.
    if (!directory.isLoaded || directory.failure !== null) return;
    try {
      directory.checkpointRecoveryPoints(this.directories.logsIn(directory));
      directory.checkpointLogStartOffsets(this.directories.logsIn(directory));
      directory.checkpointHighWatermarks(this.directories.logsIn(directory));
      if (isClean) directory.markCleanShutdown();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.context.log.error('A data directory could not be closed cleanly; the next start recovers it', {
        directory: directory.path,
        reason: error.message,
      });
    }
  }
}

/** @returns whether the next start need not recover it */
function closeLog(log: PartitionLog): boolean {
  try {
    log.close();
    return !log.isOffline;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return false;
  }
}
