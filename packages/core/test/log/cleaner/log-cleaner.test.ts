import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_CLEANER_SETTINGS } from '../../../src/log/cleaner/cleaner-settings.ts';
import type { CleanerSettings } from '../../../src/log/cleaner/cleaner-settings.ts';
import { DEFAULT_LOG_CONFIG } from '../../../src/log/log-config.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import type { LogSink } from '../../../src/ports/log-sink.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import { ManualTime, SILENT, countingRandom, readAll } from '../log-world.ts';
import { COMPACTED, put } from './cleaning-world.ts';

const BACKOFF_MS = 15_000;

/** A broker's logs, compacted as a broker does it. */
class CleanerWorld {
  readonly time = new ManualTime();
  readonly lines: { level: string; message: string; values: Readonly<Record<string, unknown>> }[] = [];
  disk = new SimulatedDisk(() => this.time.now());
  config: LogConfig = { ...DEFAULT_LOG_CONFIG, ...COMPACTED };
  settings: CleanerSettings = DEFAULT_CLEANER_SETTINGS;
  manager: LogManager;

  constructor(config: Partial<LogConfig> = {}) {
    this.config = { ...this.config, ...config };
    this.disk.makeDirectory('/data');
    this.manager = this.start();
  }

  start(): LogManager {
    const sink =
      (level: string) =>
      (message: string, values: Readonly<Record<string, unknown>> = {}) => {
        this.lines.push({ level, message, values });
      };
    const log: LogSink = { ...SILENT, info: sink('info'), warn: sink('warn'), error: sink('error') };
    const manager = new LogManager(
      { disk: this.disk, clock: this.time, timers: this.time, random: countingRandom(), log },
      {
        ...DEFAULT_LOG_INTERVALS,
        directories: ['/data'],
        configOf: () => this.config,
        cleaner: () => this.settings,
      },
    );
    manager.open();
    manager.start();
    this.manager = manager;
    return manager;
  }

  log(name: string): PartitionLog {
    return this.manager.getOrCreate(name, 0, null);
  }

  /** Time passes, in steps, with what the disk does meanwhile. */
  pass(ms: number, stepMs = 50): void {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.time.advance(stepMs);
      this.disk.completeLater();
    }
  }

  /** Ten closed segments, of which one key's latest records are left by compaction. */
  dirty(name: string, rounds = 10): PartitionLog {
    const log = this.log(name);
    for (let i = 0; i < rounds; i++) {
      for (let j = 0; j < 5; j++) put(log, [[`k${j}`, `${i}`.padEnd(50)]]);
      log.roll();
    }
    this.disk.completeLater();
    return log;
  }

  said(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

function offsets(log: PartitionLog): number[] {
  return readAll(log, log.logStartOffset).map(({ offset }) => offset);
}

describe('the cleaner', () => {
  it('compacts what is dirty enough, and writes down how far it came', () => {
    const world = new CleanerWorld();
    const log = world.dirty('t');
    world.pass(BACKOFF_MS + 500);
    assert.deepEqual(offsets(log), [45, 46, 47, 48, 49]);
    assert.equal(log.cleanedOffset, 50);
    assert.equal(world.disk.readFile('/data/cleaner-offset-checkpoint')!.toString(), '0\n1\nt 0 50\n');
    const { rounds, bytesBefore, bytesAfter } = world.manager.cleaner!.counters;
    assert.equal(rounds, 1);
    assert.ok(bytesAfter * 5 < bytesBefore, `${bytesBefore} to ${bytesAfter}`);
  });

  it('waits until the share of dirty bytes is above the ratio', () => {
    const world = new CleanerWorld({ minCleanableDirtyRatio: 0.7 });
    const log = world.log('t');
    for (let i = 0; i < 100; i++) put(log, [[`key ${i}`, 'x'.repeat(50)]]);
    log.roll();
    world.disk.completeLater();
    world.pass(BACKOFF_MS + 500);
    const cleanBytes = log.sizeBytes;
    assert.equal(world.manager.cleaner!.counters.rounds, 1);
    while (log.sizeBytes < cleanBytes * 3) put(log, [['again', 'x'.repeat(50)]]);
    log.roll();
    world.disk.completeLater();
    world.pass(BACKOFF_MS * 2);
    assert.equal(world.manager.cleaner!.counters.rounds, 1);
    while (log.sizeBytes < cleanBytes * 4) put(log, [['again', 'x'.repeat(50)]]);
    log.roll();
    world.disk.completeLater();
    world.pass(BACKOFF_MS * 2);
    assert.equal(world.manager.cleaner!.counters.rounds, 2);
    assert.ok(world.manager.cleaner!.counters.dirtyRatioMax < 0.1);
  });

  it('leaves young records alone, and compacts old ones however few they are', () => {
    const hour = 3_600_000;
    const world = new CleanerWorld({
      minCompactionLagMs: hour,
      minCleanableDirtyRatio: 1,
      maxCompactionLagMs: 2 * hour,
    });
    const log = world.log('t');
    const timestamp = world.time.now();
    for (let i = 0; i < 5; i++) put(log, [['a', `${i}`]], { timestamp });
    log.roll();
    world.disk.completeLater();
    world.pass(hour - 60_000, 10_000);
    assert.equal(world.manager.cleaner!.counters.rounds, 0, 'too young');
    world.pass(hour, 10_000);
    assert.equal(world.manager.cleaner!.counters.rounds, 0, 'old enough, not dirty enough');
    world.pass(120_000, 10_000);
    assert.deepEqual(offsets(log), [4]);
  });

  it('takes the dirtiest first', () => {
    const world = new CleanerWorld();
    for (const name of ['a', 'b']) world.dirty(name);
    world.pass(BACKOFF_MS + 500);
    world.lines.length = 0;
    world.dirty('a', 2);
    world.dirty('b', 20);
    world.pass(BACKOFF_MS + 500);
    const order = world.lines
      .filter(({ message }) => message === 'Compacted a log')
      .map(({ values }) => values['directory']);
    assert.deepEqual(order, ['/data/b-0', '/data/a-0']);
  });

  it('sets a damaged log aside, says so once, and goes on with the others', () => {
    const world = new CleanerWorld();
    const damaged = world.dirty('damaged', 20);
    const file = world.disk.open('/data/damaged-0/00000000000000000000.log');
    file.write(Buffer.from('damage'), 100);
    const sound = world.dirty('sound');
    world.pass(BACKOFF_MS * 4);
    assert.deepEqual(offsets(sound), [45, 46, 47, 48, 49]);
    assert.deepEqual(world.manager.cleaner!.uncleanable, [damaged]);
    assert.deepEqual(world.said('error'), ['A log cannot be compacted and is set aside']);
    put(damaged, [['still', 'written']]);
    world.manager.delete('damaged', 0);
    assert.deepEqual(world.manager.cleaner!.uncleanable, []);
  });

  it('tries again when the disk was full, which costs the log nothing', () => {
    const world = new CleanerWorld();
    const log = world.dirty('t');
    const before = offsets(log);
    world.disk.capacityBytes = world.disk.usedBytes() + 200;
    world.pass(BACKOFF_MS + 500);
    assert.deepEqual(offsets(log), before);
    assert.deepEqual(world.said('error'), ['A log was not compacted because the disk is full']);
    assert.ok(log.isOpen);
    world.disk.capacityBytes = Infinity;
    world.pass(BACKOFF_MS + 500);
    assert.deepEqual(offsets(log), [45, 46, 47, 48, 49]);
  });

  it('takes the data directory offline whose disk fails', () => {
    const world = new CleanerWorld();
    const broken = world.dirty('broken');
    const beside = world.dirty('beside');
    world.disk.before = ({ kind, path }) =>
      kind === 'read' && path.includes('broken-0') ? { code: 'EIO' } : null;
    world.pass(BACKOFF_MS + 500);
    assert.ok(broken.isOffline);
    assert.ok(beside.isOffline);
  });

  it('needs several rounds where the keys do not fit into its memory', () => {
    const world = new CleanerWorld({ minCleanableDirtyRatio: 0 });
    world.settings = { ...DEFAULT_CLEANER_SETTINGS, dedupeBufferSizeBytes: 24 * 11 };
    const log = world.log('t');
    for (let i = 0; i < 60; i++) put(log, [[`k${i % 30}`, `${i}`.padEnd(50)]]);
    log.roll();
    world.disk.completeLater();
    world.pass(BACKOFF_MS + 5000);
    assert.ok(world.manager.cleaner!.counters.rounds > 3, `${world.manager.cleaner!.counters.rounds} rounds`);
    assert.equal(log.cleanedOffset, 60);
    assert.deepEqual(
      offsets(log),
      Array.from({ length: 30 }, (_, i) => 30 + i),
    );
  });

  it('moves no more bytes per second than it may', () => {
    const world = new CleanerWorld();
    world.settings = { ...DEFAULT_CLEANER_SETTINGS, ioMaxBytesPerSecond: 500_000, ioBufferSizeBytes: 65_536 };
    world.config = { ...world.config, segmentBytes: 1_000_000 };
    const log = world.log('t');
    for (let i = 0; i < 80; i++) put(log, [[`k${i}`, 'x'.repeat(25_000)]]);
    log.roll();
    world.disk.completeLater();
    const startedMs = world.time.now() + BACKOFF_MS;
    while (log.cleanedOffset === null) world.pass(100);
    // Two megabytes are read twice and written once.
    const seconds = (world.time.now() - startedMs) / 1000;
    assert.ok(seconds > 12 && seconds < 16, `${seconds} s`);
  });

  it('applies retention to what it compacts, where the policy has both', () => {
    const world = new CleanerWorld({ cleanupDelete: true, retentionMs: 3_600_000 });
    const log = world.log('t');
    put(log, [['old', '1']], { timestamp: world.time.now() - 3_000_000 });
    put(log, [['a', '1']], { timestamp: world.time.now() - 3_000_000 });
    log.roll();
    world.disk.completeLater();
    for (let i = 0; i < 5; i++) put(log, [['a', `${i}`]], { timestamp: world.time.now() });
    log.roll();
    world.disk.completeLater();
    // So that they do not become one segment, of one age.
    world.config = { ...world.config, segmentBytes: 150 };
    world.manager.configChanged('t');
    world.pass(BACKOFF_MS + 500);
    assert.deepEqual(offsets(log), [0, 6]);
    world.pass(1_200_000, 10_000);
    assert.deepEqual(offsets(log), [6]);
    assert.equal(log.logStartOffset, 2);
  });

  it('goes on after a restart where it was, and believes no checkpoint beyond the log', () => {
    const world = new CleanerWorld();
    world.dirty('t');
    world.pass(BACKOFF_MS + 500);
    world.manager.close();
    world.disk.completeLater();
    world.start();
    assert.equal(world.log('t').cleanedOffset, 50);
    world.manager.close();
    world.disk.completeLater();
    world.disk.replaceFile('/data/cleaner-offset-checkpoint', Buffer.from('0\n1\nt 0 9000\n'));
    world.lines.length = 0;
    world.start();
    const log = world.dirty('t', 3);
    world.pass(BACKOFF_MS + 500);
    assert.deepEqual(world.said('warn'), [
      'A log is shorter than what was compacted of it, and is compacted from its start',
    ]);
    assert.equal(log.cleanedOffset, log.logEndOffset);
  });

  it('F90: forgets what it compacted when that is truncated', () => {
    const world = new CleanerWorld();
    const log = world.dirty('t');
    world.pass(BACKOFF_MS + 500);
    log.truncateTo(20);
    assert.equal(log.cleanedOffset, 20);
    assert.equal(world.disk.readFile('/data/cleaner-offset-checkpoint')!.toString(), '0\n1\nt 0 20\n');
  });

  it('stops with the broker in the midst of a round, and the next start tidies up', () => {
    const world = new CleanerWorld();
    world.settings = { ...DEFAULT_CLEANER_SETTINGS, ioMaxBytesPerSecond: 1000 };
    world.dirty('t');
    world.pass(BACKOFF_MS + 9000);
    assert.ok(world.disk.list('/data/t-0')!.some(({ name }) => name.endsWith('.cleaned')));
    world.manager.close();
    assert.ok(!world.disk.list('/data/t-0')!.some(({ name }) => name.endsWith('.cleaned')));
    world.start();
    world.log('t').updateHighWatermark(50);
    assert.deepEqual(offsets(world.log('t')).slice(-5), [45, 46, 47, 48, 49]);
    world.settings = DEFAULT_CLEANER_SETTINGS;
    world.pass(BACKOFF_MS);
    assert.deepEqual(offsets(world.log('t')), [45, 46, 47, 48, 49]);
  });
});
