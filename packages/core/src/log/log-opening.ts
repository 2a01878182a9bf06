import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { DataDirectories } from './data-directories.ts';
import type { DataDirectory } from './data-directory.ts';
import type { HeldLog, HeldLogs } from './held-logs.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { partitionDirectoryName } from './log-files.ts';
import { readGeneration } from './log-generation.ts';
import type { LogRemoval } from './log-removal.ts';
import { PartitionLog } from './partition-log.ts';

/** Opens logs as the checkpoints of their data directory say, and finds all that are there at the start. */
export class LogOpening {
  private readonly context: LogContext;
  private readonly held: HeldLogs;
  private readonly futures: HeldLogs;
  private readonly directories: DataDirectories;
  private readonly removal: LogRemoval;
  private readonly settingsOf: (topic: string) => LogConfig;
  /** Logs of partitions of which another lies in another data directory, with another topic id. */
  private readonly rivals: HeldLog[] = [];

  /** @param settingsOf of a topic's logs, as they are now */
  constructor(
    context: LogContext,
    logs: { readonly current: HeldLogs; readonly futures: HeldLogs },
    directories: DataDirectories,
    removal: LogRemoval,
    settingsOf: (topic: string) => LogConfig,
  ) {
    this.context = context;
    this.held = logs.current;
    this.futures = logs.futures;
    this.directories = directories;
    this.removal = removal;
    this.settingsOf = settingsOf;
  }

  /** Opens all logs of a directory, one at a time, and removes what waits for it. @throws DiskError, CorruptCheckpointError */
  *openDirectory(directory: DataDirectory): Generator<PartitionLog> {
    directory.open();
    const { logs, futures, deleted } = directory.scan();
    for (const path of deleted) this.context.disk.remove(path);
    for (const { topic, partition } of logs) yield this.openFound(directory, topic, partition);
    for (const { topic, partition, name } of futures) {
      yield this.openFoundFuture(directory, topic, partition, name);
    }
    for (const log of this.directories.logsIn(directory)) this.lowerRecoveryPoint(directory, log);
    directory.isLoaded = true;
  }

  private openFound(directory: DataDirectory, topic: string, partition: number): PartitionLog {
    const log = this.openAt(directory, topic, partition, directory.wasCleanShutdown);
    log.updateHighWatermark(directory.highWatermark(topic, partition));
    const other = this.held.get(topic, partition);
    if (other === undefined) this.held.hold({ log, directory });
    else if (areOfTwoTopics(log, other.log)) this.holdRival({ log, directory }, other);
    else this.choose(other, { log, directory });
    return log;
  }

  /**
   * Which of two is the partition's log the topic id will tell. One that was just begun, without records, may have none
   * yet: it is not taken for that of the other's topic.
   */
  private holdRival(found: HeldLog, other: HeldLog): void {
    if (other.log.topicId !== null) {
      this.rivals.push(found);
      return;
    }
    this.rivals.push(other);
    this.held.release(other);
    this.held.hold(found);
  }

  private openFoundFuture(
    directory: DataDirectory,
    topic: string,
    partition: number,
    name: string,
  ): PartitionLog {
    const log = this.openFuture(directory, topic, partition, name, directory.wasCleanShutdown);
    log.updateHighWatermark(directory.highWatermark(topic, partition));
    // Two are what a loss of power has left of one that was given up: either can be filled further.
    if (this.futures.get(topic, partition) === undefined) this.futures.hold({ log, directory });
    else this.removal.delete({ log, directory });
    return log;
  }

  /**
   * Of two logs of one partition, one took over from the other, which could not be removed yet, or was in a directory that
   * had failed. It had all that was promised then; what it has lost since by a loss of power never was.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR when neither did: which one it is cannot be told
   * @throws CorruptCheckpointError, DiskError
   */
  private choose(first: HeldLog, second: HeldLog): void {
    const { disk } = this.context;
    const lead = readGeneration(disk, first.log.directory) - readGeneration(disk, second.log.directory);
    if (lead === 0) {
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `the same log lies in two data directories, ${first.log.directory} and ${second.log.directory}: move one away`,
      );
    }
    const [former, latter] = lead < 0 ? [first, second] : [second, first];
    if (latter === second) {
      this.held.release(first);
      this.held.hold(second);
    }
    // Records that are nowhere else are kept for whoever may miss them.
    if (isAhead(former.log, latter.log)) this.removal.putAside(former);
    else this.removal.delete(former);
  }

  /** The log of this topic id that was found beside another of its name, once; null when there was none. */
  takeRival(topic: string, partition: number, topicId: string): HeldLog | null {
    const at = this.rivals.findIndex(
      ({ log }) =>
        (log.topicId === null || log.topicId === topicId) &&
        log.topic === topic &&
        log.partition === partition,
    );
    return at < 0 ? null : this.rivals.splice(at, 1)[0]!;
  }

  /** All that were found beside the partition's log and are not it, once. */
  takeRivals(topic: string, partition: number): HeldLog[] {
    const isRival = ({ log }: HeldLog): boolean => log.topic === topic && log.partition === partition;
    const taken = this.rivals.filter(isRival);
    for (const rival of taken) this.rivals.splice(this.rivals.indexOf(rival), 1);
    return taken;
  }

  /** The logs that nobody took yet. */
  get untaken(): readonly PartitionLog[] {
    return this.rivals.map(({ log }) => log);
  }

  /**
   * Opens the log of a partition in a directory, or makes it there.
   *
   * @param wasCleanShutdown whether its files are known to be complete
   * @throws DiskError, CorruptCheckpointError
   */
  openAt(
    directory: DataDirectory,
    topic: string,
    partition: number,
    wasCleanShutdown: boolean,
  ): PartitionLog {
    const name = partitionDirectoryName(topic, partition);
    return this.openNamed(directory, name, topic, partition, this.configOf(topic), wasCleanShutdown);
  }

  /** The same for a log that is to replace the partition's, in a directory of the name. @throws as `openAt` */
  openFuture(
    directory: DataDirectory,
    topic: string,
    partition: number,
    name: string,
    wasCleanShutdown = true,
  ): PartitionLog {
    const config = futureConfigOf(this.configOf(topic));
    return this.openNamed(directory, name, topic, partition, config, wasCleanShutdown);
  }

  private openNamed(
    directory: DataDirectory,
    name: string,
    topic: string,
    partition: number,
    config: LogConfig,
    wasCleanShutdown: boolean,
  ): PartitionLog {
    return PartitionLog.open(this.context, `${directory.path}/${name}`, {
      topic,
      partition,
      config,
      logStartOffset: directory.logStartOffset(topic, partition),
      recoveryPoint: directory.recoveryPoint(topic, partition),
      wasCleanShutdown,
      cleanedOffset: directory.cleanedOffset(topic, partition),
      onRecoveryPointLowered: (lowered) => this.lowerCheckpoints(directory, lowered),
      onOffline: (_, error) => this.directories.fail(directory, error),
    });
  }

  /** Logs of one topic share their settings: working them out takes long for thousands of partitions. */
  private configOf(topic: string): LogConfig {
    for (const { config } of this.held.ofTopic(topic)) return config;
    return this.settingsOf(topic);
  }

  /** What recovery may skip is never more than what is certain. @throws DiskError */
  private lowerRecoveryPoint(directory: DataDirectory, log: PartitionLog): void {
    if (directory.recoveryPointMax(log.topic, log.partition) <= log.recoveryPoint) return;
    directory.checkpointRecoveryPoints(this.directories.logsIn(directory));
  }

  /** What is behind a truncation was never compacted when it is written again. @throws DiskError */
  private lowerCheckpoints(directory: DataDirectory, log: PartitionLog): void {
    this.lowerRecoveryPoint(directory, log);
    const { topic, partition, cleanedOffset } = log;
    if (directory.cleanedOffsetMax(topic, partition) <= (cleanedOffset ?? -1)) return;
    directory.checkpointCleanedOffsets(this.directories.logsIn(directory));
  }
}

/** Nothing in a future log is acknowledged before it is the log: it needs no syncs for that. */
export function futureConfigOf(config: LogConfig): LogConfig {
  return { ...config, flushMessages: Infinity };
}

/** Whether one of two logs of the same origin has records that the other has not. */
function isAhead(one: PartitionLog, other: PartitionLog): boolean {
  if (one.latestLeaderEpoch !== other.latestLeaderEpoch)
    return one.latestLeaderEpoch > other.latestLeaderEpoch;
  return one.logEndOffset > other.logEndOffset;
}

/** Whether two logs of one partition may belong to two topics of its name: by their ids, or because one has no records yet. */
function areOfTwoTopics(one: PartitionLog, other: PartitionLog): boolean {
  const mayDiffer = one.topicId !== other.topicId || one.topicId === null;
  return mayDiffer && isTellable(one) && isTellable(other);
}

/** Whether it is known what topic it belongs to, or that nothing in it does. */
function isTellable(log: PartitionLog): boolean {
  return log.topicId !== null || log.logEndOffset === 0;
}
