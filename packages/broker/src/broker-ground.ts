import { resolve } from 'node:path';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { coldReadsHere } from './adapters/cold-reads.ts';
import { diskSpaceOf, UNKNOWN_SPACE } from './adapters/disk-space.ts';
import { MemoryDisk } from './adapters/memory-disk.ts';
import { NodeDisk } from './adapters/node-disk.ts';
import type { BrokerGround } from './broker.ts';
import type { LoadedBrokerConfig } from './config/load-broker-config.ts';

/** The coordination tree's file, beside the logs. */
export const COORDINATION_FILE = 'coordination.sqlite';

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
