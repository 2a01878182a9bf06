import { DiskError, type Disk } from '../ports/disk.ts';
import { parentDirectory } from './durable-directory.ts';
import { LATER_SUFFIX } from './log-files.ts';

export interface ReplacementDone {
  /** The file has its new contents; whether a loss of power would leave the old ones is open. */
  renamed(): void;
  /** All is on the disk, or the failure. Called once, last. */
  finished(error: DiskError | null): void;
  /**
   * It was ended, and the sync of the directory that was under way failed: nobody knows what else is new in the directory
   * and will not be on the disk. Called instead of `finished`.
   */
  directoryFailed(error: DiskError): void;
}

/**
 * Replaces a small file as `Disk.replaceFile` does, old or new after a crash, but waits for the device off the loop:
 * that can take as long as all else that is on its way to the disk.
 *
 * @returns ends it: nothing more is called but `directoryFailed`, and unless `renamed` was, the file stays as it is
 * @throws DiskError when it cannot begin
 */
export function replaceFileLater(
  disk: Disk,
  path: string,
  contents: Buffer,
  done: ReplacementDone,
): () => void {
  const temporary = path + LATER_SUFFIX;
  let isEnded = false;
  const file = disk.open(temporary, { create: true });
  try {
    file.truncate(0);
    file.append([contents]);
  } catch (error) {
    file.close();
    throw error;
  }
  file.syncLater((syncError) => {
    const closeError = failureOf(() => file.close());
    if (isEnded) return;
    const failure = syncError ?? closeError ?? failureOf(() => disk.rename(temporary, path));
    if (failure !== null) return done.finished(failure);
    done.renamed();
    disk.syncDirectoryLater(parentDirectory(path), (directoryError) => {
      if (!isEnded) done.finished(directoryError);
      else if (directoryError !== null) done.directoryFailed(directoryError);
    });
  });
  return () => {
    isEnded = true;
  };
}

function failureOf(action: () => void): DiskError | null {
  try {
    action();
    return null;
  } catch (error) {
    if (error instanceof DiskError) return error;
    throw error;
  }
}
