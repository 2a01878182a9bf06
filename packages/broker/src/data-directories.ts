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

/** Whose data the directories hold; null where they are new. */
export interface KnownOwner {
  readonly clusterId: string | null;
  readonly brokerId: number | null;
}

/**
 * @param brokerId as it was set, -1 for none: then it may be one that was generated once
 * @throws Error when the directories belong to different clusters or brokers, or to a broker of another id
 */
export function knownOwner(disk: Disk, directories: readonly string[], brokerId: number): KnownOwner {
  let cluster: { id: string; directory: string } | null = null;
  let broker: { id: number; directory: string } | null = null;
  for (const directory of directories) {
    const meta = readMetaProperties(disk, directory);
    if (meta === null) continue;
    if (meta.brokerId !== -1) {
      if (brokerId >= 0) refuseOtherBroker(meta, directory, brokerId);
      broker ??= { id: meta.brokerId, directory };
      refuseDifference('broker', directory, meta.brokerId, broker);
    }
    if (meta.clusterId !== null) {
      cluster ??= { id: meta.clusterId, directory };
      refuseDifference('cluster', directory, meta.clusterId, cluster);
    }
  }
  return { clusterId: cluster?.id ?? null, brokerId: broker?.id ?? null };
}

function refuseOtherBroker(meta: MetaProperties, directory: string, brokerId: number): void {
  if (meta.brokerId === brokerId) return;
  throw new Error(
    `${directory} holds the data of broker ${meta.brokerId}, but broker.id is ${brokerId}: ` +
      'set broker.id to that, or log.dirs to the directory of this broker',
  );
}

function refuseDifference<Id>(
  what: string,
  directory: string,
  id: Id,
  known: { readonly id: Id; readonly directory: string },
): void {
  if (id === known.id) return;
  throw new Error(
    `${directory} belongs to ${what} ${id}, but ${known.directory} to ${known.id}: ` +
      `the directories of log.dirs must be those of one ${what}`,
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
