import type { Disk } from '../ports/disk.ts';

/**
 * Makes a directory and those above it that are missing, so that they survive a loss of power.
 *
 * @param path absolute
 * @throws DiskError
 */
export function makeDurableDirectory(disk: Disk, path: string): void {
  const missing: string[] = [];
  for (let at = path; at !== '/' && disk.list(at) === null; at = parentDirectory(at)) missing.push(at);
  if (missing.length === 0) return;
  disk.makeDirectory(path);
  for (const made of missing.toReversed()) disk.syncDirectory(parentDirectory(made));
}

/** The directory that holds the entry at `path`, which is absolute. */
export function parentDirectory(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
