import { DiskError } from '../ports/disk.ts';
import type { DataDirectories } from './data-directories.ts';
import type { HeldLog } from './held-logs.ts';
import type { LogContext } from './log-context.ts';
import { deletedDirectoryName, strayDirectoryName } from './log-files.ts';
import type { PartitionLog } from './partition-log.ts';

/** Takes whole logs out of use: nobody finds them under their names any more. */
export class LogRemoval {
  private readonly context: LogContext;
  private readonly directories: DataDirectories;

  constructor(context: LogContext, directories: DataDirectories) {
    this.context = context;
    this.directories = directories;
  }

  /**
   * Renames a log at once, and removes its files after `file.delete.delay.ms`. One in a data directory that has failed
   * stays as it is.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  delete({ log, directory }: HeldLog): void {
    if (directory.failure !== null) return;
    const { topic, partition } = log;
    const name = log.directory.slice(log.directory.lastIndexOf('/') + 1);
    log.moveAway(`${directory.path}/${deletedDirectoryName(topic, partition, this.newId())}`);
    directory.removedLater(name, (error) => {
      // Files that went while the rename was lost would leave the half of a log behind.
      if (error !== null) return this.directories.fail(directory, error);
      this.context.removals.later(log.config.fileDeleteDelayMs, () => this.removeFiles(log));
    });
  }

  /** Gives a log a name that nobody opens, and keeps it. @throws KafkaError KAFKA_STORAGE_ERROR */
  putAside({ log, directory }: HeldLog): void {
    const path = `${directory.path}/${strayDirectoryName(log.topic, log.partition, this.newId())}`;
    if (directory.failure === null) log.moveAway(path);
    this.context.log.warn('A log was put aside because another is that of its partition', { path });
  }

  private newId(): string {
    return this.context.random.uuidBytes().toString('hex');
  }

  private removeFiles(log: PartitionLog): void {
    try {
      log.removeFiles();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.context.log.warn('A deleted log could not be removed; the next start tries again', {
        directory: log.directory,
        reason: error.message,
      });
    }
  }
}
