import {
  type MetaProperties,
  readMetaProperties,
  writeMetaProperties,
} from '@odradek/core/log/meta-properties.ts';
import { makeDurableDirectory } from '@odradek/core/log/durable-directory.ts';
import { type Disk, DiskError } from '@odradek/core/ports/disk.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';

/**
 * The data directories that are there, made where they are missing, and whose owner can be read. The others are left
 * out, as those that fail later are.
 *
 * @throws DiskError when none is left
 */
export function usableDirectories(disk: Disk, directories: readonly string[], log: LogSink): string[] {
  const usable: string[] = [];
  let failure: DiskError | null = null;
  for (const directory of directories) {
    try {
      makeDurableDirectory(disk, directory);
      readMetaProperties(disk, directory);
      usable.push(directory);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      failure = error;
      log.error('A data directory cannot be used', { directory, reason: error.message });
    }
  }
  if (usable.length === 0 && failure !== null) throw failure;
  return usable;
}

/**
 * The cluster that the data directories belong to, or null when they are new.
 *
 * @throws Error when they belong to different clusters, or to a broker of another id
 */
export function knownClusterId(disk: Disk, directories: readonly string[], brokerId: number): string | null {
  let known: { clusterId: string; directory: string } | null = null;
  for (const directory of directories) {
    const meta = readMetaProperties(disk, directory);
    if (meta === null) continue;
    refuseOtherBroker(meta, directory, brokerId);
    const { clusterId } = meta;
    if (clusterId === null) continue;
    if (known !== null && known.clusterId !== clusterId) {
      throw new Error(
        `${directory} belongs to cluster ${clusterId}, but ${known.directory} to ${known.clusterId}: ` +
          'the directories of log.dirs must be those of one cluster',
      );
    }
    known ??= { clusterId, directory };
  }
  return known?.clusterId ?? null;
}

function refuseOtherBroker(meta: MetaProperties, directory: string, brokerId: number): void {
  if (meta.brokerId === -1 || meta.brokerId === brokerId) return;
  throw new Error(
    `${directory} holds the data of broker ${meta.brokerId}, but broker.id is ${brokerId}: ` +
      'set broker.id to that, or log.dirs to the directory of this broker',
  );
}

/** Marks new directories as this broker's. */
export function identifyDirectories(
  disk: Disk,
  directories: readonly string[],
  brokerId: number,
  clusterId: string,
): void {
  for (const directory of directories) {
    const meta = readMetaProperties(disk, directory);
    if (meta !== null && meta.clusterId !== null && meta.brokerId !== -1) continue;
    writeMetaProperties(disk, directory, { version: 0, brokerId, clusterId, others: meta?.others ?? {} });
  }
}
