import type { Disk, DiskError } from '../ports/disk.ts';
import { encodeEpochCheckpoint, writeEpochCheckpoint, type EpochEntry } from './checkpoints.ts';
import { replaceFileLater } from './later-replacement.ts';
import type { EpochFile } from './leader-epoch-cache.ts';
import { LEADER_EPOCH_FILE } from './log-files.ts';

/**
 * `leader-epoch-checkpoint` of a log, replaced whole.
 *
 * @param directoryFailed as `ReplacementDone.directoryFailed`
 */
export function leaderEpochFile(
  disk: Disk,
  directory: string,
  directoryFailed: (error: DiskError) => void = () => {},
): EpochFile {
  const path = `${directory}/${LEADER_EPOCH_FILE}`;
  return {
    save: (entries: readonly EpochEntry[]) => writeEpochCheckpoint(disk, path, entries),
    saveLater: (entries, done) =>
      replaceFileLater(disk, path, encodeEpochCheckpoint(entries), {
        renamed: () => {},
        finished: done,
        directoryFailed,
      }),
  };
}
