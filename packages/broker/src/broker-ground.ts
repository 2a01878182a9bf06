import { resolve } from 'node:path';
import type { LogManagerOptions } from '@odradek/core/log/log-manager.ts';
import type { Disk } from '@odradek/core/ports/disk.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { coldReadsHere } from './adapters/cold-reads.ts';
import { type DiskSpace, diskSpaceOf, UNKNOWN_SPACE } from './adapters/disk-space.ts';
import { MemoryDisk } from './adapters/memory-disk.ts';
import { NodeDisk } from './adapters/node-disk.ts';
import type { BrokerServices } from './broker-services.ts';
import type { LoadedBrokerConfig } from './config/load-broker-config.ts';
import type { HandlerRegistry } from './handlers/index.ts';
import type { Machine } from './machine.ts';
import type { OpenCoordination } from './open-coordination.ts';

/** The coordination tree's file, beside the logs. */
export const COORDINATION_FILE = 'coordination.sqlite';

/** What a broker stands on. */
export interface BrokerGround {
  readonly loaded: LoadedBrokerConfig;
  readonly disk: Disk;
  /** How files are read whose pages need not be in memory; absent where no read waits for a device. */
  readonly coldReads?: LogManagerOptions['coldReads'];
  /** `log.dirs` as absolute paths. */
  readonly dataDirectories: readonly string[];
  /** The file of the coordination tree, or ':memory:'; not used where the tree is in ZooKeeper or shared. */
  readonly coordinationFile: string;
  /** A new session with a tree that several brokers of one process share, instead of one of its own. */
  readonly sharedTree?: () => OpenCoordination | Promise<OpenCoordination>;
  /** What stands between the requests and their handlers: for tests that let requests fail. */
  readonly interpose?: (handlers: HandlerRegistry, services: BrokerServices) => HandlerRegistry;
  diskSpace(directory: string): DiskSpace;
  readonly log: LogSink;
  /** Time, chance and network; this machine's unless given. */
  readonly machine?: Machine;
}

/** A broker whose data lies in `log.dirs`. */
export function groundOnDisk(loaded: LoadedBrokerConfig, log: LogSink): BrokerGround {
  const dataDirectories = loaded.config.logDirs.map((directory) => resolve(directory));
  return {
    loaded,
    log,
    disk: new NodeDisk(),
    coldReads: coldReadsHere(),
    dataDirectories,
    coordinationFile: resolve(dataDirectories[0]!, COORDINATION_FILE),
    diskSpace: diskSpaceOf,
  };
}

/** A broker whose data goes when it stops. */
export function groundInMemory(loaded: LoadedBrokerConfig, log: LogSink): BrokerGround {
  return {
    loaded,
    log,
    disk: new MemoryDisk(),
    dataDirectories: ['/memory'],
    coordinationFile: ':memory:',
    diskSpace: () => UNKNOWN_SPACE,
  };
}
