import { statfsSync } from 'node:fs';

/** Bytes of the file system that holds a directory; -1 where that is not known, as in memory. */
export interface DiskSpace {
  readonly totalBytes: number;
  readonly usableBytes: number;
}

export const UNKNOWN_SPACE: DiskSpace = { totalBytes: -1, usableBytes: -1 };

export function diskSpaceOf(directory: string): DiskSpace {
  try {
    const { blocks, bavail, bsize } = statfsSync(directory);
    return { totalBytes: blocks * bsize, usableBytes: bavail * bsize };
  } catch {
    return UNKNOWN_SPACE;
  }
}
