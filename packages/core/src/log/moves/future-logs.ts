import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { DiskError } from '../../ports/disk.ts';
import type { DataDirectories } from '../data-directories.ts';
import type { DataDirectory } from '../data-directory.ts';
import { isDiskRefusal } from '../disk-refusal.ts';
import type { HeldLog, HeldLogs } from '../held-logs.ts';
import type { LogConfig } from '../log-config.ts';
import type { LogContext } from '../log-context.ts';
import { futureDirectoryName, partitionDirectoryName } from '../log-files.ts';
import { futureConfigOf } from '../log-opening.ts';
import type { LogOpening } from '../log-opening.ts';
import type { LogRemoval } from '../log-removal.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { Work } from '../work.ts';
import { LogMover } from './log-mover.ts';

/** Wishes for partitions that are not here yet; the oldest is forgotten for one too many. */
const PREFERENCES_MAX = 10_000;

export interface FutureLogsParts {
  readonly context: LogContext;
  readonly current: HeldLogs;
  readonly futures: HeldLogs;
  readonly directories: DataDirectories;
  readonly opening: LogOpening;
  readonly removal: LogRemoval;
  /** `replica.alter.log.dirs.io.max.bytes.per.second`, as it is now; 0 or more. */
  readonly bytesPerSecond: () => number;
  /** The settings of a topic's logs, as they are now. */
  readonly configOf: (topic: string) => LogConfig;
}

/**
 * Logs that are to take the place of those in other data directories of this broker (KIP-113), and the wishes where
 * logs are to lie that there are not yet.
 */
export class FutureLogs {
  private readonly parts: FutureLogsParts;
  private readonly mover: LogMover;
  /** By name of the partition. */
  private readonly preferred = new Map<string, DataDirectory>();
  /** Logs that were replaced, of which the name is still to be changed. */
  private readonly leaving = new Map<string, HeldLog>();

  constructor(parts: FutureLogsParts) {
    this.parts = parts;
    this.mover = new LogMover(parts.context, parts.bytesPerSecond);
  }

  /** The log that is to replace the partition's, or null. */
  get(topic: string, partition: number): PartitionLog | null {
    return this.parts.futures.log(topic, partition);
  }

  isMoving(log: PartitionLog): boolean {
    return this.mover.isMoving(log);
  }

  /**
   * The partition's log is to lie in a data directory: `begin` moves one that lies elsewhere, and one that there is not
   * yet is made there when it is made. The move to another directory ends.
   *
   * @param path as in `log.dirs`, absolute
   * @throws KafkaError LOG_DIR_NOT_FOUND when there is no such data directory; KAFKA_STORAGE_ERROR when it has failed
   */
  prefer(topic: string, partition: number, path: string): void {
    const directory = this.usable(path);
    const name = partitionDirectoryName(topic, partition);
    const current = this.parts.current.get(topic, partition)?.directory;
    const future = this.parts.futures.get(topic, partition)?.directory;
    if (future !== undefined && future !== directory) this.delete(topic, partition);
    this.preferred.delete(name);
    if (current === directory || future === directory) return;
    this.preferred.set(name, directory);
    if (this.preferred.size > PREFERENCES_MAX) this.preferred.delete(this.preferred.keys().next().value!);
  }

  /** @throws KafkaError as `prefer` */
  requireUsable(path: string): void {
    this.usable(path);
  }

  private usable(path: string): DataDirectory {
    const directory = this.parts.directories.all.find((one) => one.path === path);
    if (directory === undefined) {
      const known = this.parts.directories.all.map((one) => one.path).join(', ');
      throw new KafkaError(
        ErrorCode.LOG_DIR_NOT_FOUND,
        `${path} is not among the data directories: ${known}`,
      );
    }
    if (directory.failure !== null) {
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `the data directory ${path} has failed`);
    }
    return directory;
  }

  /** The directory that was wished for a partition, once; null when none was, or it has failed since. */
  takePreference(topic: string, partition: number): DataDirectory | null {
    const name = partitionDirectoryName(topic, partition);
    const directory = this.preferred.get(name) ?? null;
    this.preferred.delete(name);
    return directory?.failure === null ? directory : null;
  }

  /**
   * Begins to move the partition's log to the directory that was wished, or goes on with the move.
   *
   * @param replaced is told when the other log has taken its place, at once
   * @throws KafkaError KAFKA_STORAGE_ERROR; INVALID_TOPIC_EXCEPTION when the name is too long for a future log
   */
  begin(topic: string, partition: number, replaced: (log: PartitionLog) => void): void {
    const source = this.parts.current.get(topic, partition);
    const wished = this.takePreference(topic, partition);
    if (source === undefined) return;
    this.endUseless(source);
    const isElsewhere = wished !== null && wished !== source.directory;
    if (isElsewhere && this.get(topic, partition) === null) this.create(source, wished);
    this.resume(topic, partition, replaced);
  }

  /** Goes on with a move that was begun before, in this life of the broker or an earlier one. @throws as `begin` */
  resume(topic: string, partition: number, replaced: (log: PartitionLog) => void): void {
    const source = this.parts.current.get(topic, partition);
    if (source === undefined) return;
    this.endUseless(source);
    const target = this.parts.futures.get(topic, partition);
    if (target === undefined || this.mover.isMoving(source.log)) return;
    // A crash may have come before it was written.
    if (source.log.topicId !== null) target.log.assignTopicId(source.log.topicId);
    const finalDirectory = `${target.directory.path}/${partitionDirectoryName(topic, partition)}`;
    this.mover.begin({
      source: source.log,
      target: target.log,
      finalDirectory,
      noteCleaned: () => this.noteCleaned(source.log, target),
      replace: () => replaced(this.replace(source, target, finalDirectory)),
    });
  }

  /** A future log of a topic that was deleted, in the log's own directory, or in one that has failed, leads nowhere. */
  private endUseless(source: HeldLog): void {
    const { topic, partition } = source.log;
    const known = this.parts.futures.get(topic, partition);
    if (known === undefined) return;
    const isOfOther = known.log.topicId !== null && known.log.topicId !== source.log.topicId;
    if (isOfOther || known.directory === source.directory || !known.log.isOpen) this.delete(topic, partition);
  }

  private create(source: HeldLog, directory: DataDirectory): HeldLog {
    const { context, directories, opening, futures, current } = this.parts;
    const { topic, partition } = source.log;
    if (directories.healthy.length < directories.all.length) {
      const reason = `${topic}-${partition} may be on its way to a data directory that has failed`;
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, reason);
    }
    const id = context.random.uuidBytes().toString('hex');
    const name = futureDirectoryName(topic, partition, id);
    if (name === null) throw nameTooLong(topic);
    this.finishLeaving(topic, partition);
    try {
      directory.forget(topic, partition, () => [...current.in(directory), ...futures.in(directory)]);
      const log = opening.openFuture(directory, topic, partition, name);
      const held = { log, directory };
      futures.hold(held);
      return held;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (!isDiskRefusal(error)) directories.fail(directory, error);
      const reason = `the future log of ${topic}-${partition} cannot be made in ${directory.path}: ${error.message}`;
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, reason, { cause: error });
    }
  }

  /** @returns the log that the partition has from now on */
  private replace(source: HeldLog, target: HeldLog, finalDirectory: string): PartitionLog {
    const { current, futures, context } = this.parts;
    takeOver(target.log, source.log);
    target.log.renameTo(finalDirectory, source.log.recoveryPoint);
    futures.release(target);
    current.release(source);
    current.hold(target);
    source.log.retire();
    target.log.updateConfig(source.log.config);
    const { acknowledgeableOffset } = source.log;
    if (acknowledgeableOffset < target.log.logEndOffset)
      target.log.storage.flushHeldBack(acknowledgeableOffset);
    this.leaveLater(source, target);
    context.log.info('A log has moved', { from: source.directory.path, to: finalDirectory });
    return target.log;
  }

  /** Recovery takes gaps between segments for a loss where nothing was compacted. @throws KafkaError KAFKA_STORAGE_ERROR */
  private *noteCleaned(source: PartitionLog, { log, directory }: HeldLog): Work<void> {
    const { directories } = this.parts;
    const { topic, partition } = log;
    const isNoted = (): boolean => directory.cleanedOffset(topic, partition) === source.cleanedOffset;
    // One that is under way may not tell it yet: then it takes another.
    for (let attempt = 0; attempt < 2 && !isNoted(); attempt++) {
      log.storage.cleanedTo(source.cleanedOffset);
      yield* directories.written(directory, (failed, ended) =>
        directory.checkpointCleanedOffsetsLater(directories.logsIn(directory), failed, ended),
      );
    }
    if (isNoted()) return;
    const reason = `how far ${topic}-${partition} is compacted could not be noted in ${directory.path}`;
    throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, reason);
  }

  /** The former log keeps its name until that of the new one is certain to be there. */
  private leaveLater(source: HeldLog, target: HeldLog): void {
    const { topic, partition } = source.log;
    const name = partitionDirectoryName(topic, partition);
    this.leaving.set(name, source);
    this.parts.context.disk.syncDirectoryLater(target.directory.path, (error) => {
      // Whatever became of this log: what others had to have synced by it is not on the disk either.
      if (error !== null) this.parts.directories.fail(target.directory, error);
      if (this.leaving.get(name) !== source) return;
      if (target.directory.failure === null) this.leave(name);
      else this.abandon(name);
    });
  }

  /** The log that another has replaced gives up its name now. @throws KafkaError KAFKA_STORAGE_ERROR */
  private finishLeaving(topic: string, partition: number): void {
    const name = partitionDirectoryName(topic, partition);
    if (!this.leaving.has(name)) return;
    this.parts.current.log(topic, partition)?.flush();
    this.leave(name);
  }

  /** It may be the log again: a loss of power takes the name of the new one, which is not known to be on the disk. */
  private abandon(name: string): void {
    this.leaving.get(name)!.directory.hasAbandonedLog = true;
    this.leaving.delete(name);
  }

  private leave(name: string): void {
    const source = this.leaving.get(name)!;
    this.leaving.delete(name);
    try {
      this.parts.removal.delete(source);
    } catch (error) {
      // Its directory has failed; the next start finds that it is the former one.
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  /** The partition is deleted: so is all that there is of it beside its log. @throws KafkaError KAFKA_STORAGE_ERROR */
  deleteAll(topic: string, partition: number): void {
    const name = partitionDirectoryName(topic, partition);
    this.preferred.delete(name);
    if (this.leaving.has(name)) this.leave(name);
    this.delete(topic, partition);
  }

  /** Ends the move of a partition's log and deletes what there is of the other one. @throws KafkaError KAFKA_STORAGE_ERROR */
  private delete(topic: string, partition: number): void {
    this.pause(topic, partition);
    const held = this.parts.futures.get(topic, partition);
    if (held === undefined) return;
    this.parts.futures.release(held);
    this.parts.removal.delete(held);
  }

  /** Ends the move; `begin` goes on with it. */
  pause(topic: string, partition: number): void {
    const source = this.parts.current.log(topic, partition);
    if (source !== null) this.mover.end(source);
  }

  /**
   * The future log of a partition that has no other, because the directory of that one is not among those of this broker
   * any more, becomes its log. Null when there is none.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  promote(topic: string, partition: number, topicId: string | null): PartitionLog | null {
    const held = this.parts.futures.get(topic, partition);
    if (held === undefined || !held.log.isOpen) return null;
    if (topicId !== null && held.log.topicId !== null && held.log.topicId !== topicId) {
      this.delete(topic, partition);
      return null;
    }
    held.log.flush();
    held.log.renameTo(`${held.directory.path}/${partitionDirectoryName(topic, partition)}`, 0);
    this.parts.futures.release(held);
    this.parts.current.hold(held);
    held.log.updateConfig(this.parts.configOf(topic));
    this.parts.context.log.warn('A future log has become the log of a partition that has no other here', {
      directory: held.log.directory,
      logEndOffset: held.log.logEndOffset,
    });
    return held.log;
  }

  /** The settings of a topic have changed. */
  configChanged(topic: string): void {
    const config = futureConfigOf(this.parts.configOf(topic));
    for (const log of this.parts.futures.ofTopic(topic)) log.updateConfig(config);
  }

  /** All moves stop where they are. */
  stop(): void {
    this.mover.stop();
    for (const { log } of [...this.leaving.values()]) {
      try {
        this.finishLeaving(log.topic, log.partition);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.abandon(partitionDirectoryName(log.topic, log.partition));
      }
    }
  }
}

/** What is known of the log beside its records: of leaders, producers, what is committed, deleted and compacted. */
function takeOver(target: PartitionLog, source: PartitionLog): void {
  target.updateHighWatermark(source.highWatermark);
  if (source.logStartOffset > target.logStartOffset) target.advanceLogStartOffset(source.logStartOffset);
  target.storage.adoptKnowledgeOf(source.storage);
}

const SOME_ID = '0'.repeat(32);

/** @throws KafkaError INVALID_TOPIC_EXCEPTION where a future log's name would be too long for file systems (KAFKA-4893) */
export function requireMovableName(topic: string, partition: number): void {
  if (futureDirectoryName(topic, partition, SOME_ID) === null) throw nameTooLong(topic);
}

function nameTooLong(topic: string): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    `${topic}: the name is too long for a log of it to be moved to another data directory`,
  );
}
