import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { RecordScanner } from '@odradek/protocol/records/record-scanner.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import type { Io } from '@odradek/testing/disk/simulated-disk.ts';
import { DEFAULT_CLEANER_SETTINGS } from '../../../src/log/cleaner/cleaner-settings.ts';
import { DEFAULT_LOG_CONFIG } from '../../../src/log/log-config.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import type { Timer } from '../../../src/ports/clock.ts';
import { codecsAtOnce, type Codecs } from '../../../src/ports/codecs.ts';
import { ManualTime, SILENT, controlBatch, countingRandom } from '../log-world.ts';
import { keyed, put } from './cleaning-world.ts';

/** What is promised: nobody else waits longer for the loop. */
const HOLD_MS_MAX = 5;

/*
 * What things cost, generously, for time to pass by them: the figures of bench/compaction.ts on a slow machine. A sync on
 * the loop may take as long as the disk likes.
 */
const RECORD_MS = 0.002;
const BYTE_MS = 0.000_002;
const FILE_MS = 0.02;
const SYNC_MS = 1000;

const MB = 1_000_000;

/** A log that is compacted as a broker does it, where time passes only by what the loop is kept busy with. */
class TimedWorld {
  readonly time = new ManualTime();
  readonly disk = new SimulatedDisk(() => 1_700_000_000_000);
  readonly manager: LogManager;
  readonly holdsMs: number[] = [];
  /** Read off the loop, and not handed over yet. */
  private readBytes = 0;

  constructor(context: TestContext, config: Partial<LogConfig>) {
    this.disk.makeDirectory('/data');
    this.manager = new LogManager(
      {
        disk: this.disk,
        clock: this.time,
        timers: { after: (delayMs, fire) => this.after(delayMs, fire) },
        random: countingRandom(),
        log: SILENT,
        codecs: this.codecs(),
      },
      {
        ...DEFAULT_LOG_INTERVALS,
        directories: ['/data'],
        configOf: () => ({ ...DEFAULT_LOG_CONFIG, cleanupCompact: true, cleanupDelete: false, ...config }),
        cleaner: () => DEFAULT_CLEANER_SETTINGS,
      },
    );
    this.manager.open();
    this.countRecords(context);
    this.disk.before = (io) => {
      if (!this.disk.isOffLoop) this.time.spend(costOf(io));
      return null;
    };
    this.disk.afterRead = (_, __, bytes) => {
      if (this.disk.isOffLoop) this.readBytes += bytes.length;
      else this.time.spend(bytes.length * BYTE_MS);
    };
    this.measureReturns();
  }

  /** What the disk does off the loop costs the loop only what is done with it, checksums at least. */
  private measureReturns(): void {
    const { later } = this.disk;
    this.disk.later = (action, done) =>
      later.call(this.disk, action, (error) =>
        this.measured(() => {
          this.time.spend(this.readBytes * BYTE_MS);
          this.readBytes = 0;
          done(error);
        }),
      );
  }

  private after(delayMs: number, fire: () => void): Timer {
    return this.time.after(delayMs, () => this.measured(fire));
  }

  private measured(fire: () => void): void {
    const before = this.time.monotonic();
    fire();
    this.holdsMs.push(this.time.monotonic() - before);
  }

  /** Every record that is looked at, whoever does and whether or not it says so. */
  private countRecords(context: TestContext): void {
    const { next } = RecordScanner.prototype;
    const { time } = this;
    // No mock of the test runner, which would keep a stack trace of every call.
    RecordScanner.prototype.next = function (this: RecordScanner) {
      time.spend(RECORD_MS);
      next.call(this);
    };
    context.after(() => {
      RecordScanner.prototype.next = next;
    });
  }

  /** What takes long is done elsewhere, as on a real machine. */
  private codecs(): Codecs {
    const later =
      (done: (error: Error | null, output: Buffer) => void) => (error: Error | null, output: Buffer) => {
        this.time.after(1, () => this.measured(() => done(error, output)));
      };
    return {
      compress: (type, input, done) => codecsAtOnce.compress(type, input, later(done)),
      decompress: (type, input, max, done) => codecsAtOnce.decompress(type, input, max, later(done)),
    };
  }

  make(): PartitionLog {
    return this.manager.getOrCreate('t', 0, null);
  }

  /** @returns how long the loop was held at most, and in all, ms */
  compact(): { longestMs: number; totalMs: number } {
    const log = this.manager.log('t', 0)!;
    log.roll();
    this.disk.completeLater();
    log.flush();
    this.holdsMs.length = 0;
    this.manager.start();
    for (let i = 0; this.manager.cleaner!.counters.rounds === 0; i++) {
      assert.ok(i < 100_000, 'it comes to an end');
      this.disk.completeNextLater();
      this.time.advance(Math.max(0, Math.min(this.time.nextDueMs - this.time.monotonic(), 1000)));
    }
    this.manager.close();
    const sum = this.holdsMs.reduce((total, ms) => total + ms, 0);
    return { longestMs: Math.max(...this.holdsMs), totalMs: sum };
  }
}

function costOf({ kind, bytes }: Io): number {
  if (kind.startsWith('sync')) return SYNC_MS;
  return FILE_MS + (bytes?.length ?? 0) * BYTE_MS;
}

function fill(
  log: PartitionLog,
  batches: number,
  recordsEach: number,
  compression: CompressionType = 0,
): void {
  for (let i = 0; i < batches; i++) {
    const records = Array.from(
      { length: recordsEach },
      (_, j) => [`key ${(i * recordsEach + j) % 997}`, 'value '.repeat(10)] as const,
    );
    put(log, records, { compression });
  }
}

/** Batches of one record, as they come from a leader: many at a time. */
function fillSingly(log: PartitionLog, count: number): void {
  const batches = Array.from({ length: count }, (_, i) =>
    keyed([[`key ${i % 97}`, 'v']], { baseOffset: i, partitionLeaderEpoch: 0 }),
  );
  log.appendAsFollower(Buffer.concat(batches));
  log.updateHighWatermark(log.logEndOffset);
}

describe('compaction holds the loop for no more than 5 ms', () => {
  const check = (what: string, config: Partial<LogConfig>, write: (log: PartitionLog) => void): void => {
    it(what, (context) => {
      const world = new TimedWorld(context, config);
      write(world.make());
      const { longestMs, totalMs } = world.compact();
      assert.ok(totalMs > 2 * HOLD_MS_MAX, `${totalMs} ms in all show nothing`);
      assert.ok(longestMs <= HOLD_MS_MAX, `${longestMs} ms`);
    });
  };

  check('with batches of one record', {}, (log) => fillSingly(log, 2500));
  check('with batches of thousands', { maxMessageBytes: MB }, (log) => fill(log, 3, 6000));
  check('with compressed batches of thousands', {}, (log) => fill(log, 3, 6000, 1));
  check('with many small segments', { segmentBytes: 1000 }, (log) => fill(log, 400, 5));
  check('with large records', { maxMessageBytes: 2 * MB }, (log) => {
    for (let i = 0; i < 12; i++) put(log, [[`key ${i % 9}`, 'x'.repeat(MB / 2)]]);
  });
  check('with the markers of many transactions', {}, (log) => {
    for (let i = 0; i < 600; i++) {
      put(log, [[`key ${i % 7}`, 'v']], {
        producerId: 1,
        producerEpoch: 0,
        baseSequence: i,
        isTransactional: true,
      });
      log.appendAsLeader(controlBatch(1, i % 2 === 0 ? 0 : 1), { leaderEpoch: 0, origin: 'coordinator' });
    }
    log.updateHighWatermark(log.logEndOffset);
  });
});
