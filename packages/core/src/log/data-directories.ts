import { DiskError } from '../ports/disk.ts';
import { DataDirectory } from './data-directory.ts';
import { isDiskRefusal } from './disk-refusal.ts';
import type { LogContext } from './log-context.ts';
import type { PartitionLog } from './partition-log.ts';
import { laterCall, type Work } from './work.ts';

export interface DirectoryNotices {
  /** A data directory has failed: its logs are offline until the broker starts again. */
  readonly onDirectoryFailed?: (path: string, error: DiskError) => void;
  /** None is left. */
  readonly onAllDirectoriesFailed?: (error: DiskError) => void;
}

/** The data directories of a broker: those that can be used, and what becomes of one that fails. */
export class DataDirectories {
  readonly all: readonly DataDirectory[];
  private readonly context: LogContext;
  /** All logs that lie in a directory, current and future. */
  readonly logsIn: (directory: DataDirectory) => Iterable<PartitionLog>;
  private readonly notices: DirectoryNotices;

  /** @param logsIn all logs that lie in a directory */
  constructor(
    context: LogContext,
    paths: readonly string[],
    logsIn: (directory: DataDirectory) => Iterable<PartitionLog>,
    notices: DirectoryNotices,
  ) {
    this.context = context;
    this.all = paths.map((path) => new DataDirectory(context, path));
    this.logsIn = logsIn;
    this.notices = notices;
  }

  get healthy(): DataDirectory[] {
    return this.all.filter(({ failure }) => failure === null);
  }

  /** Nothing in it is used any more: what one operation has shown to fail, others may only seem to do. */
  fail(directory: DataDirectory, error: DiskError): void {
    if (directory.failure !== null) return;
    directory.failure = error;
    this.context.log.error('A data directory has failed and is not used until the next start', {
      directory: directory.path,
      logs: directory.logCount,
      path: error.path,
      reason: error.message,
    });
    for (const log of this.logsIn(directory)) log.fail(error);
    this.notices.onDirectoryFailed?.(directory.path, error);
    if (this.healthy.length === 0) this.notices.onAllDirectoriesFailed?.(error);
  }

  /** Writes a checkpoint of each directory that can be used. */
  checkpoint(write: (directory: DataDirectory, logs: Iterable<PartitionLog>) => void): void {
    for (const directory of this.healthy) {
      try {
        write(directory, this.logsIn(directory));
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        this.checkpointFailed(directory, error);
      }
    }
  }

  /**
   * Waits until a checkpoint of a directory is written, off the loop, or could not be.
   *
   * @param write as `DataDirectory.checkpointHighWatermarksLater`
   */
  *written(
    directory: DataDirectory,
    write: (failed: (error: DiskError) => void, ended: () => void) => void,
  ): Work<void> {
    if (directory.failure !== null) return;
    const failed = (error: DiskError): void => this.checkpointFailed(directory, error);
    try {
      yield* laterCall<void>((done) => write(failed, () => done(null, undefined)));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      failed(error);
    }
  }

  /** A checkpoint that cannot be written stays as it was, which is safe: it is tried again next time. */
  checkpointFailed(directory: DataDirectory, error: DiskError): void {
    if (!isDiskRefusal(error)) this.fail(directory, error);
    this.context.log.error('A checkpoint could not be written', {
      directory: directory.path,
      reason: error.message,
    });
  }
}
