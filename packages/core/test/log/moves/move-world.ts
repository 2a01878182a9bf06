import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import { DEFAULT_LOG_CONFIG } from '../../../src/log/log-config.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { ManualTime, SILENT, append, batch } from '../log-world.ts';

export const TOPIC_ID = 'AAECAwQFBgcICQoLDA0ODw';
export const A = '/data/a';
export const B = '/data/b';
export const C = '/data/c';

/** A broker's logs in three data directories on a simulated disk, nothing of which happens by itself. */
export class MoveWorld {
  readonly time = new ManualTime();
  readonly config: LogConfig;
  disk: SimulatedDisk;
  manager: LogManager;
  bytesPerSecond = Infinity;
  /** Logs that took the place of another, in this order. */
  readonly replaced: PartitionLog[] = [];

  /** @param seed of what a failed sync leaves on the disk */
  constructor(config: Partial<LogConfig> = {}, seed = 0) {
    this.config = { ...DEFAULT_LOG_CONFIG, segmentBytes: 2000, fileDeleteDelayMs: 50, ...config };
    this.disk = new SimulatedDisk(() => this.time.now(), new SeededRandom(seed));
    this.manager = this.opened(this.disk);
  }

  private opened(disk: SimulatedDisk): LogManager {
    const manager = new LogManager(
      { disk, clock: this.time, timers: this.time, random: new SeededRandom(1), log: SILENT },
      {
        ...DEFAULT_LOG_INTERVALS,
        directories: [A, B, C],
        configOf: () => this.config,
        moveBytesPerSecond: () => this.bytesPerSecond,
      },
    );
    manager.open();
    return manager;
  }

  /** The broker has died, or was stopped, and starts on what it finds. */
  restart(disk = this.disk.afterProcessCrash()): void {
    this.disk = disk;
    disk.forgetLater();
    this.manager = this.opened(disk);
  }

  /** Log t-0 in the first directory. */
  make(): PartitionLog {
    return this.manager.getOrCreate('t', 0, TOPIC_ID);
  }

  get log(): PartitionLog {
    return this.manager.log('t', 0)!;
  }

  get future(): PartitionLog | null {
    return this.manager.futures.get('t', 0);
  }

  moveTo(path: string): void {
    this.manager.futures.prefer('t', 0, path);
    this.manager.futures.begin('t', 0, (log) => void this.replaced.push(log));
  }

  resume(): void {
    this.manager.futures.resume('t', 0, (log) => void this.replaced.push(log));
  }

  /** What is under way goes on, a number of steps, or as far as it goes. */
  settle(steps = 200): void {
    for (let i = 0; i < steps; i++) {
      this.disk.completeLater();
      this.time.step();
    }
  }

  /** Names of the directories of logs that a data directory holds, ids left out. */
  names(path: string): string[] {
    return this.disk
      .list(path)!
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name.replace(/[0-9a-f]{32}/, 'ID'))
      .sort();
  }
}

export function fill(log: PartitionLog, count: number, from = 0): void {
  for (let i = from; i < from + count; i++) append(log, [`value ${i}`.padEnd(100, '.')]);
}

/** Appends as the leader of an epoch. */
export function appendIn(log: PartitionLog, leaderEpoch: number, value: string): void {
  log.appendAsLeader(batch([value]), { leaderEpoch, origin: 'client' });
  log.updateHighWatermark(log.logEndOffset);
}
