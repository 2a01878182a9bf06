import assert from 'node:assert/strict';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { LogManager, DEFAULT_LOG_INTERVALS } from '../../src/log/log-manager.ts';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { ManualTime, SILENT, batch, controlBatch } from '../log/log-world.ts';
import { LogHistory } from './log-history.ts';
import type { KnownBatch } from './log-history.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';

export const DATA_DIRECTORIES = ['/data/a', '/data/b'];
const START_TIME = 1_700_000_000_000;

export interface WorldSettings {
  readonly flushMessages: number;
  /** Truncation, as followers do it. */
  readonly truncates: boolean;
  /** Moves between the data directories. */
  readonly moves: boolean;
}

/** Some logs of one broker on a simulated disk, with the history of each. */
export class CrashWorld {
  readonly time = new ManualTime(START_TIME);
  readonly random: SeededRandom;
  readonly settings: WorldSettings;
  readonly histories: readonly LogHistory[];
  disk: SimulatedDisk;
  manager: LogManager;
  /** After a clean stop, until the next start. */
  isStopped = false;
  /** Logs of which nobody can say what the last operation has done. */
  private readonly failed = new Set<LogHistory>();
  private epoch = 0;
  private producerBase = 0;
  private valueCount = 0;

  constructor(seed: number, settings: WorldSettings) {
    this.random = new SeededRandom(seed);
    this.settings = settings;
    this.histories = [new LogHistory('t', 0), new LogHistory('t', 1), new LogHistory('u', 0)];
    this.disk = new SimulatedDisk(() => this.time.now(), this.random.fork(7));
    this.disk.makeDirectory('/data');
    this.disk.syncDirectory('/');
    this.manager = this.managerOn(this.disk);
  }

  managerOn(disk: SimulatedDisk, time = this.time): LogManager {
    const random = new SeededRandom(1);
    return new LogManager(
      { disk, clock: time, timers: time, random, log: SILENT },
      { ...DEFAULT_LOG_INTERVALS, directories: DATA_DIRECTORIES, configOf: () => this.config() },
    );
  }

  private config(): LogConfig {
    return {
      ...DEFAULT_LOG_CONFIG,
      segmentBytes: 700,
      indexIntervalBytes: 150,
      fileDeleteDelayMs: 50,
      retentionBytes: 2500,
      retentionMs: -1,
      flushMessages: this.settings.flushMessages,
      producerIdExpirationMs: 1e12,
    };
  }

  /** The broker starts: for the first time, after a clean stop, or on what a crash has left. */
  start(disk = this.disk): void {
    this.disk = disk;
    disk.forgetLater();
    this.manager = this.managerOn(disk);
    this.manager.open();
    this.isStopped = false;
    this.producerBase += 10;
    for (const history of this.histories) {
      const log = this.logOf(history);
      log?.updateHighWatermark(log.logEndOffset);
      // The controller tells of every topic before anything is appended.
      if (log?.topicId === null && history.topicId !== null) log.assignTopicId(history.topicId);
    }
    resumeMoves(this.manager, this.histories);
  }

  logOf(history: LogHistory): PartitionLog | null {
    return this.manager.log(history.topic, history.partition);
  }

  /** Brings to an end what goes on off the loop, some of it. */
  settleLater(): void {
    for (let i = 0; i < 8; i++) {
      this.disk.completeLater();
      this.time.advance(0);
    }
  }

  create(history: LogHistory): void {
    const topicId = this.random.uuidBytes().toString('base64url');
    history.begin({ topicId, batches: [], startOffset: 0 });
    const { topic, partition } = history;
    this.attempt(history, () => void this.manager.getOrCreate(topic, partition, topicId));
  }

  delete(history: LogHistory): void {
    history.begin(null);
    // One that it moved from may have a former log that could not go.
    if (this.manager.byDirectory().some(({ hasFailed }) => hasFailed)) history.mayComeBack = true;
    this.attempt(history, () => this.manager.delete(history.topic, history.partition));
  }

  /** Whether the log is there and has not failed. */
  isUsable(history: LogHistory): boolean {
    const log = this.logOf(history);
    return log !== null && !log.isOffline && !this.failed.has(history);
  }

  /** An operation that was begun in the history: done, refused without effect, or of an outcome nobody knows. */
  private attempt(history: LogHistory, action: () => void): boolean {
    try {
      action();
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== ErrorCode.KAFKA_STORAGE_ERROR) throw error;
      const log = this.logOf(history);
      const isUnchanged = log !== null && !log.isOffline && log.logEndOffset === history.endBefore;
      // What there is of a log that could not be made stays.
      if (isUnchanged && history.existedBefore) history.undo();
      else this.failed.add(history);
      return false;
    }
    history.finish();
    return true;
  }

  append(history: LogHistory): void {
    const { random } = this;
    const producerId = this.producerBase + random.below(2);
    const inTransaction = this.openTransaction(history, producerId);
    if (inTransaction && random.chance(0.4)) return this.endTransaction(history, producerId);
    const isTransactional = inTransaction || random.chance(0.15);
    const values = Array.from({ length: 1 + random.below(3) }, () => this.nextValue());
    const bytes = batch(values, {
      timestamp: START_TIME + random.below(1000),
      ...(isTransactional || random.chance(0.6)
        ? {
            producerId,
            producerEpoch: 0,
            baseSequence: nextSequence(history.batches, producerId),
            isTransactional,
          }
        : {}),
    });
    this.write(history, bytes, 'client');
  }

  private endTransaction(history: LogHistory, producerId: number): void {
    const type = this.random.below(2) as 0 | 1;
    this.write(history, controlBatch(producerId, type), 'coordinator');
  }

  private write(history: LogHistory, bytes: Buffer, origin: 'client' | 'coordinator'): void {
    const log = this.logOf(history)!;
    history.beginAppend(asStored(bytes, log.logEndOffset, this.epoch));
    const isDone = this.attempt(history, () => {
      const info = log.appendAsLeader(bytes, { leaderEpoch: this.epoch, origin });
      assert.equal(info.firstOffset, history.batches.at(-1)!.baseOffset);
    });
    if (this.settings.flushMessages === 1 && !log.isOffline)
      assert.ok(log.acknowledgeableOffset <= log.recoveryPoint);
    if (isDone) log.updateHighWatermark(log.logEndOffset);
  }

  private openTransaction(history: LogHistory, producerId: number): boolean {
    const last = history.batches.findLast((b) => b.producerId === producerId);
    return last !== undefined && last.isTransactional && last.marker === null;
  }

  private nextValue(): string {
    return `${this.valueCount++}`.padEnd(this.random.below(120), '.');
  }

  /** To one of the data directories: where it is, where it is going to, or elsewhere. */
  move(history: LogHistory): void {
    const { topic, partition } = history;
    const { futures } = this.manager;
    try {
      futures.prefer(topic, partition, this.random.pick(DATA_DIRECTORIES));
      futures.begin(topic, partition, () => {});
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== ErrorCode.KAFKA_STORAGE_ERROR) throw error;
    }
  }

  truncate(history: LogHistory): void {
    const log = this.logOf(history)!;
    const boundaries = history.batches
      .map(({ baseOffset }) => baseOffset)
      .filter((offset) => offset >= Math.max(history.startOffset, log.firstSegmentOffset));
    if (boundaries.length === 0) return;
    const offset = this.random.pick(boundaries);
    history.beginTruncation(offset);
    this.attempt(history, () => void log.truncateTo(offset));
    // The next leader's epoch is a new one.
    this.epoch++;
  }

  deleteRecords(history: LogHistory): void {
    const log = this.logOf(history)!;
    const offset = log.logStartOffset + this.random.below(log.logEndOffset - log.logStartOffset + 1);
    history.startAt(Math.max(history.startOffset, offset));
    log.advanceLogStartOffset(offset);
  }

  retain(history: LogHistory): void {
    const log = this.logOf(history)!;
    // Which segments go is not foretold: while it runs, all that may go counts as deleted.
    history.startAt(log.logEndOffset);
    log.deleteOldSegments(this.time.now());
    history.startAt(log.logStartOffset);
  }

  becomeLeader(history: LogHistory): void {
    this.epoch++;
    this.logOf(history)!.assignLeaderEpoch(this.epoch);
  }

  flush(history: LogHistory): void {
    const log = this.logOf(history)!;
    log.flush();
    assert.equal(log.recoveryPoint, log.logEndOffset, 'a flush brings everything to the disk');
  }

  stopCleanly(): void {
    // As a broker does it, and as one does whose disk is slow.
    if (this.random.chance(0.8)) {
      this.manager.syncForClose(() => {});
      this.settleLater();
    }
    this.manager.close();
    this.isStopped = true;
    for (const history of this.histories) {
      const log = this.logOf(history);
      if (log !== null && this.isUsable(history))
        assert.equal(log.recoveryPoint, log.logEndOffset, 'a stop brings everything to the disk');
    }
  }
}

/** Moves that were under way when the broker stopped or died go on. */
export function resumeMoves(manager: LogManager, histories: readonly LogHistory[]): void {
  for (const { topic, partition } of histories) {
    if (manager.log(topic, partition)?.isOpen !== true) continue;
    manager.futures.resume(topic, partition, () => {});
  }
}

function nextSequence(batches: readonly KnownBatch[], producerId: number): number {
  const last = batches.findLast((batch) => batch.producerId === producerId && batch.marker === null);
  return last === undefined ? 0 : last.lastSequence + 1;
}

/** With what the broker writes into a batch. */
function asStored(bytes: Buffer, baseOffset: number, leaderEpoch: number): Buffer {
  const stored = Buffer.from(bytes);
  stored.writeBigInt64BE(BigInt(baseOffset), 0);
  stored.writeInt32BE(leaderEpoch, 12);
  return stored;
}
