import type { DiskError } from '../ports/disk.ts';
import type { LogContext } from './log-context.ts';
import {
  encodeOffsetCheckpoint,
  readOffsetCheckpoint,
  setPartitionOffset,
  writeOffsetCheckpoint,
  CorruptCheckpointError,
} from './checkpoints.ts';
import type { PartitionOffsets } from './checkpoints.ts';
import { makeDurableDirectory, parentDirectory } from './durable-directory.ts';
import { replaceFileLater } from './later-replacement.ts';
import { classifyDirectory } from './log-files.ts';
import type { TopicPartition } from './log-files.ts';
import type { PartitionLog } from './partition-log.ts';

export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint';
export const LOG_START_OFFSET_FILE = 'log-start-offset-checkpoint';
export const HIGH_WATERMARK_FILE = 'replication-offset-checkpoint';
/** How far logs are compacted. */
export const CLEANER_OFFSET_FILE = 'cleaner-offset-checkpoint';
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';

/** One of the directories of `log.dirs`: logs beside each other, and the checkpoints of all of them. */
export class DataDirectory {
  readonly path: string;
  /** All logs that lie here were opened. */
  isLoaded = false;
  /** A log lies here that nobody will close: the mark of a clean stop would be taken for its, too. */
  hasAbandonedLog = false;
  /** Why nothing here is used any more, or null. */
  failure: DiskError | null = null;
  /** How many logs are held here; who holds them counts. */
  logCount = 0;
  private readonly context: LogContext;
  /** What the checkpoint files say, by their names. */
  private readonly onDisk = new Map<string, PartitionOffsets>();
  private cleanShutdown = false;
  private isSyncing = false;
  /** By the names that the logs had. */
  private readonly unsyncedRemovals = new Map<string, (error: DiskError | null) => void>();
  /** What was written last, so that nothing is written twice. */
  private readonly written = new Map<string, string>();
  /** The checkpoints that are being written off the loop, by their names: on the disk are the old or the new ones. */
  private readonly laterWrites = new Map<string, LaterWrite>();

  constructor(context: LogContext, path: string) {
    this.context = context;
    this.path = path;
  }

  /** Whether the last broker that wrote here closed everything. */
  get wasCleanShutdown(): boolean {
    return this.cleanShutdown;
  }

  /**
   * Reads the checkpoints. The marker of a clean shutdown is taken away: if the broker dies from here on, the
   * next start must not believe it.
   *
   * @throws DiskError
   */
  open(): void {
    const { disk } = this.context;
    makeDurableDirectory(disk, this.path);
    const marker = `${this.path}/${CLEAN_SHUTDOWN_FILE}`;
    this.cleanShutdown = disk.readFile(marker) !== null;
    if (this.cleanShutdown) disk.remove(marker);
    else disk.syncDirectory(parentDirectory(this.path));
    // After a crash for the sake of entries that the dead one made and did not sync, as the line above.
    disk.syncDirectory(this.path);
    for (const name of [
      RECOVERY_POINT_FILE,
      LOG_START_OFFSET_FILE,
      HIGH_WATERMARK_FILE,
      CLEANER_OFFSET_FILE,
    ]) {
      this.onDisk.set(name, this.read(name));
    }
  }

  /** A damaged checkpoint costs time, not data: recovery then reads everything. */
  private read(name: string): PartitionOffsets {
    try {
      return readOffsetCheckpoint(this.context.disk, `${this.path}/${name}`);
    } catch (error) {
      if (!(error instanceof CorruptCheckpointError)) throw error;
      this.context.log.warn('A checkpoint file is damaged and is not used', { reason: error.message });
      return new Map();
    }
  }

  /** The logs that are here, current and future, and the directories that wait for their removal. @throws DiskError */
  scan(): { logs: TopicPartition[]; futures: (TopicPartition & { name: string })[]; deleted: string[] } {
    const logs: TopicPartition[] = [];
    const futures: (TopicPartition & { name: string })[] = [];
    const deleted: string[] = [];
    for (const { name, isDirectory } of this.context.disk.list(this.path) ?? []) {
      if (!isDirectory) continue;
      const kind = classifyDirectory(name);
      if (kind.kind === 'log') logs.push({ topic: kind.topic, partition: kind.partition });
      else if (kind.kind === 'future') {
        futures.push({ topic: kind.topic, partition: kind.partition, name });
      } else if (kind.kind === 'deleted') deleted.push(`${this.path}/${name}`);
      else this.context.log.warn('A directory is no log and is left alone', { path: `${this.path}/${name}` });
    }
    return { logs, futures, deleted };
  }

  /** The log of this name was renamed to be removed: syncs that, off the loop, sharing the sync with others. */
  removedLater(name: string, done: (error: DiskError | null) => void): void {
    this.unsyncedRemovals.set(name, done);
    if (!this.isSyncing) this.startSync();
  }

  private startSync(): void {
    const sharing = [...this.unsyncedRemovals];
    this.isSyncing = true;
    this.context.disk.syncDirectoryLater(this.path, (error) => {
      this.isSyncing = false;
      for (const [name, done] of sharing) {
        if (this.unsyncedRemovals.get(name) === done) this.unsyncedRemovals.delete(name);
      }
      for (const [, done] of sharing) done(error);
      if (this.unsyncedRemovals.size > 0 && !this.isSyncing) this.startSync();
    });
  }

  /** Syncs now, if a log of this name was renamed and that is not synced yet. @throws DiskError */
  syncRemovalOf(name: string): void {
    if (this.unsyncedRemovals.has(name)) this.context.disk.syncDirectory(this.path);
  }

  /** As it is on the disk for certain. */
  recoveryPoint(topic: string, partition: number): number {
    return this.offsetIn(RECOVERY_POINT_FILE, topic, partition);
  }

  /** The most that the next start may find: what is being written off the loop may be there, or come to be. */
  recoveryPointMax(topic: string, partition: number): number {
    const later = this.laterWrites.get(RECOVERY_POINT_FILE)?.offsets.get(topic)?.get(partition) ?? 0;
    return Math.max(later, this.recoveryPoint(topic, partition));
  }

  logStartOffset(topic: string, partition: number): number {
    return this.offsetIn(LOG_START_OFFSET_FILE, topic, partition);
  }

  /** As it was checkpointed last, 0 when it never was. */
  highWatermark(topic: string, partition: number): number {
    return this.offsetIn(HIGH_WATERMARK_FILE, topic, partition);
  }

  /** Up to where a log was compacted, null when it never was. */
  cleanedOffset(topic: string, partition: number): number | null {
    return this.onDisk.get(CLEANER_OFFSET_FILE)?.get(topic)?.get(partition) ?? null;
  }

  /** The most that the next start may find, as `recoveryPointMax`; -1 when it finds none. */
  cleanedOffsetMax(topic: string, partition: number): number {
    const later = this.laterWrites.get(CLEANER_OFFSET_FILE)?.offsets.get(topic)?.get(partition) ?? -1;
    return Math.max(later, this.cleanedOffset(topic, partition) ?? -1);
  }

  private offsetIn(name: string, topic: string, partition: number): number {
    return this.onDisk.get(name)?.get(topic)?.get(partition) ?? 0;
  }

  /**
   * A log that is made anew must not inherit from one of its name that was deleted, not even if the broker dies
   * right after: files that still list the old one are written again first.
   *
   * @param logs that are held here
   * @throws DiskError
   */
  forget(topic: string, partition: number, logs: () => Iterable<PartitionLog>): void {
    const has = (offsets?: PartitionOffsets): boolean => offsets?.get(topic)?.has(partition) ?? false;
    const lists = (name: string): boolean =>
      has(this.onDisk.get(name)) || has(this.laterWrites.get(name)?.offsets);
    if (lists(RECOVERY_POINT_FILE)) this.checkpointRecoveryPoints(logs());
    if (lists(LOG_START_OFFSET_FILE)) this.checkpointLogStartOffsets(logs());
    if (lists(HIGH_WATERMARK_FILE)) this.checkpointHighWatermarks(logs());
    if (lists(CLEANER_OFFSET_FILE)) this.checkpointCleanedOffsets(logs());
  }

  /** @throws DiskError */
  checkpointRecoveryPoints(logs: Iterable<PartitionLog>): void {
    this.write(RECOVERY_POINT_FILE, logs, recoveryPointOf);
  }

  /** As `checkpointHighWatermarksLater`. */
  checkpointRecoveryPointsLater(
    logs: Iterable<PartitionLog>,
    failed: (error: DiskError) => void,
    ended?: () => void,
  ): void {
    this.writeLater(RECOVERY_POINT_FILE, logs, recoveryPointOf, failed, ended);
  }

  /** Only logs that begin within a segment are listed; the others begin with their first segment. @throws DiskError */
  checkpointLogStartOffsets(logs: Iterable<PartitionLog>): void {
    this.write(LOG_START_OFFSET_FILE, logs, logStartOffsetOf);
  }

  /** As `checkpointHighWatermarksLater`. */
  checkpointLogStartOffsetsLater(logs: Iterable<PartitionLog>, failed: (error: DiskError) => void): void {
    this.writeLater(LOG_START_OFFSET_FILE, logs, logStartOffsetOf, failed);
  }

  /** @throws DiskError */
  checkpointHighWatermarks(logs: Iterable<PartitionLog>): void {
    this.write(HIGH_WATERMARK_FILE, logs, highWatermarkOf);
  }

  /**
   * The same off the loop, for what comes every few seconds. One that is still under way is not hurried, and one that
   * a synchronous write overtakes is given up.
   *
   * @param failed is told when it fails later
   * @param ended is told, after that, when nothing is being written any more, at once where nothing has to be: what is on
   *   the disk then may be from before where another was under way
   * @throws DiskError when it fails at once; `ended` is not told then
   */
  checkpointHighWatermarksLater(logs: Iterable<PartitionLog>, failed: (error: DiskError) => void): void {
    this.writeLater(HIGH_WATERMARK_FILE, logs, highWatermarkOf, failed);
  }

  private writeLater(
    name: string,
    logs: Iterable<PartitionLog>,
    offsetOf: OffsetOf,
    failed: (error: DiskError) => void,
    ended: () => void = () => {},
  ): void {
    const underWay = this.laterWrites.get(name);
    if (underWay !== undefined) {
      underWay.waiting.push(ended);
      return;
    }
    const { offsets, digest } = offsetsOf(logs, offsetOf);
    if (this.written.get(name) === digest) return ended();
    const waiting = [ended];
    const end = replaceFileLater(this.context.disk, `${this.path}/${name}`, encodeOffsetCheckpoint(offsets), {
      renamed: () => {},
      directoryFailed: failed,
      finished: (error) => {
        this.laterWrites.delete(name);
        if (error === null) this.wrote(name, offsets, digest);
        else {
          this.written.delete(name);
          failed(error);
        }
        for (const each of waiting) each();
      },
    });
    this.laterWrites.set(name, { offsets, waiting, end });
  }

  /** @throws DiskError */
  checkpointCleanedOffsets(logs: Iterable<PartitionLog>): void {
    this.write(CLEANER_OFFSET_FILE, logs, cleanedOffsetOf);
  }

  /** As `checkpointHighWatermarksLater`. */
  checkpointCleanedOffsetsLater(
    logs: Iterable<PartitionLog>,
    failed: (error: DiskError) => void,
    ended?: () => void,
  ): void {
    this.writeLater(CLEANER_OFFSET_FILE, logs, cleanedOffsetOf, failed, ended);
  }

  private write(name: string, logs: Iterable<PartitionLog>, offsetOf: OffsetOf): void {
    const { offsets, digest } = offsetsOf(logs, offsetOf);
    const later = this.laterWrites.get(name);
    if (this.written.get(name) === digest && later === undefined) return;
    later?.end();
    this.laterWrites.delete(name);
    try {
      writeOffsetCheckpoint(this.context.disk, `${this.path}/${name}`, offsets);
      this.wrote(name, offsets, digest);
    } finally {
      // Not from within what made this write necessary.
      for (const each of later?.waiting ?? []) this.context.timers.after(0, each);
    }
  }

  private wrote(name: string, offsets: PartitionOffsets, digest: string): void {
    this.written.set(name, digest);
    this.onDisk.set(name, offsets);
  }

  /** All logs that are held here are closed and all checkpoints written. @throws DiskError */
  markCleanShutdown(): void {
    if (this.hasAbandonedLog) return;
    const contents = JSON.stringify({ version: 0, brokerEpoch: -1 });
    this.context.disk.replaceFile(`${this.path}/${CLEAN_SHUTDOWN_FILE}`, Buffer.from(contents));
  }
}

/** What a checkpoint says of a log; null when it does not list it. */
type OffsetOf = (log: PartitionLog) => number | null;

const highWatermarkOf: OffsetOf = (log) => log.highWatermark;
const cleanedOffsetOf: OffsetOf = (log) => log.cleanedOffset;
const recoveryPointOf: OffsetOf = (log) => log.recoveryPoint;
const logStartOffsetOf: OffsetOf = (log) =>
  log.logStartOffset > log.firstSegmentOffset ? log.logStartOffset : null;

/** A checkpoint that is being written off the loop. */
interface LaterWrite {
  readonly offsets: PartitionOffsets;
  /** Are told when it has ended. */
  readonly waiting: (() => void)[];
  readonly end: () => void;
}

/** What a checkpoint will say, and a text that is another one whenever that is. */
function offsetsOf(
  logs: Iterable<PartitionLog>,
  offsetOf: OffsetOf,
): { offsets: PartitionOffsets; digest: string } {
  const offsets: PartitionOffsets = new Map();
  let digest = '';
  for (const log of logs) {
    const offset = offsetOf(log);
    if (offset === null) continue;
    setPartitionOffset(offsets, log.topic, log.partition, offset);
    digest += `${log.topic} ${log.partition} ${offset}\n`;
  }
  return { offsets, digest };
}
