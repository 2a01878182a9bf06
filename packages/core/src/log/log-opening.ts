import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { DataDirectories } from './data-directories.ts';
import type { DataDirectory } from './data-directory.ts';
import type { HeldLog, HeldLogs } from './held-logs.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { partitionDirectoryName } from './log-files.ts';
import { PartitionLog } from './partition-log.ts';

/** Opens logs as the checkpoints of their data directory say, and finds all that are there at the start. */
export class LogOpening {
  private readonly context: LogContext;
  private readonly held: HeldLogs;
  private readonly directories: DataDirectories;
  private readonly settingsOf: (topic: string) => LogConfig;
  /** Logs of partitions of which another lies in another data directory, with another topic id. */
  private readonly rivals: HeldLog[] = [];

  /** @param settingsOf of a topic's logs, as they are now */
  constructor(
    context: LogContext,
    held: HeldLogs,
    directories: DataDirectories,
    settingsOf: (topic: string) => LogConfig,
  ) {
    this.context = context;
    this.held = held;
    this.directories = directories;
    this.settingsOf = settingsOf;
  }

  /** Opens all logs of a directory, one at a time, and removes what waits for it. @throws DiskError, CorruptCheckpointError */
  *openDirectory(directory: DataDirectory): Generator<PartitionLog> {
    directory.open();
    const { logs, deleted } = directory.scan();
    for (const path of deleted) this.context.disk.remove(path);
    for (const { topic, partition } of logs) yield this.openFound(directory, topic, partition);
    for (const log of this.held.in(directory)) this.lowerRecoveryPoint(directory, log);
    directory.isLoaded = true;
  }

  private openFound(directory: DataDirectory, topic: string, partition: number): PartitionLog {
    const log = this.openAt(directory, topic, partition, directory.wasCleanShutdown);
    log.updateHighWatermark(directory.highWatermark(topic, partition));
    const other = this.held.log(topic, partition);
    if (other === null) this.held.hold({ log, directory });
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

  /** The log of this topic id that was found beside another of its name, once; null when there was none. */
  takeRival(topic: string, partition: number, topicId: string): HeldLog | null {
    const at = this.rivals.findIndex(
      ({ log }) => log.topicId === topicId && log.topic === topic && log.partition === partition,
    );
    return at < 0 ? null : this.rivals.splice(at, 1)[0]!;
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
    const path = `${directory.path}/${partitionDirectoryName(topic, partition)}`;
    return PartitionLog.open(this.context, path, {
      topic,
      partition,
      config: this.configOf(topic),
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
    if (directory.recoveryPoint(log.topic, log.partition) <= log.recoveryPoint) return;
    directory.checkpointRecoveryPoints(this.held.in(directory));
  }

  /** What is behind a truncation was never compacted when it is written again. @throws DiskError */
  private lowerCheckpoints(directory: DataDirectory, log: PartitionLog): void {
    this.lowerRecoveryPoint(directory, log);
    const { topic, partition, cleanedOffset } = log;
    if ((directory.cleanedOffset(topic, partition) ?? -1) <= (cleanedOffset ?? -1)) return;
    directory.checkpointCleanedOffsets(this.held.in(directory));
  }
}
