/**
 * What compaction of one log costs the loop that it shares with everything else: how long it holds it at a time,
 * and how long a log takes.
 *
 * node bench/compaction.ts [megabytes]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { nodeCodecs } from '@odradek/broker/adapters/node-codecs.ts';
import { NodeDisk } from '@odradek/broker/adapters/node-disk.ts';
import { DEFAULT_CLEANER_SETTINGS } from '@odradek/core/log/cleaner/cleaner-settings.ts';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '@odradek/core/log/log-manager.ts';
import type { Timers } from '@odradek/core/ports/clock.ts';
import type { Codecs } from '@odradek/core/ports/codecs.ts';
import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';

const megabytes = Number(process.argv[2] ?? 100);

interface Workload {
  readonly name: string;
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly compression: CompressionType;
  readonly keys: number;
}

const WORKLOADS: readonly Workload[] = [
  {
    name: '100 B records, 16 KB batches',
    recordBytes: 100,
    batchBytes: 16_384,
    compression: 0,
    keys: 50_000,
  },
  {
    name: '1 KB records, 16 KB batches',
    recordBytes: 1000,
    batchBytes: 16_384,
    compression: 0,
    keys: 10_000,
  },
  {
    name: '100 B records, 1 MB batches',
    recordBytes: 100,
    batchBytes: 1_000_000,
    compression: 0,
    keys: 50_000,
  },
  { name: '100 B, 16 KB batches, zstd', recordBytes: 100, batchBytes: 16_384, compression: 4, keys: 50_000 },
  {
    name: '100 B, 1 MB batches, zstd',
    recordBytes: 100,
    batchBytes: 1_000_000,
    compression: 4,
    keys: 50_000,
  },
  {
    name: '100 B, 8 MB batches, gzip',
    recordBytes: 100,
    batchBytes: 8_000_000,
    compression: 1,
    keys: 50_000,
  },
  { name: '100 B, 8 MB batches, lz4', recordBytes: 100, batchBytes: 8_000_000, compression: 3, keys: 50_000 },
  { name: '100 B, single records', recordBytes: 100, batchBytes: 100, compression: 0, keys: 50_000 },
];

/**
 * Every callback of a timer or of the disk is a hold of the loop: this is how long each took, in time of this
 * thread's own, so that other programs on the machine do not count.
 */
const holdsMs: number[] = [];

function timed(run: () => void): void {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  holdsMs.push((user + system) / 1000);
}

const timers: Timers = {
  after(delayMs, fire) {
    const timer = setTimeout(() => timed(fire), delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

class TimedDisk extends NodeDisk {
  override syncDirectoryLater(path: string, done: Parameters<NodeDisk['syncDirectoryLater']>[1]): void {
    super.syncDirectoryLater(path, (error) => timed(() => done(error)));
  }

  override open(path: string, options?: { create?: boolean }) {
    const file = super.open(path, options);
    const { syncLater, readLater } = file;
    file.syncLater = (done) => syncLater.call(file, (error) => timed(() => done(error)));
    file.readLater = (target, start, length, position, done) =>
      readLater.call(file, target, start, length, position, (error, count) =>
        timed(() => done(error, count)),
      );
    return file;
  }
}

const timedCodecs: Codecs = {
  compress: (type, input, done) =>
    nodeCodecs.compress(type, input, (error, output) => timed(() => done(error, output))),
  decompress: (type, input, sizeMaxBytes, done) =>
    nodeCodecs.decompress(type, input, sizeMaxBytes, (error, output) => timed(() => done(error, output))),
};

function openManager(directory: string): LogManager {
  const config = {
    ...DEFAULT_LOG_CONFIG,
    segmentBytes: 64 * 1024 * 1024,
    maxMessageBytes: 16 * 1024 * 1024,
    cleanupCompact: true,
    cleanupDelete: false,
  };
  const manager = new LogManager(
    {
      disk: new TimedDisk(),
      clock: { now: Date.now, monotonic: () => performance.now() },
      timers,
      random: { fraction: Math.random, uuidBytes: () => Buffer.alloc(16, 1) },
      log: { debug() {}, info() {}, warn: console.warn, error: console.error },
      codecs: timedCodecs,
    },
    {
      ...DEFAULT_LOG_INTERVALS,
      directories: [directory],
      configOf: () => config,
      cleaner: () => ({ ...DEFAULT_CLEANER_SETTINGS, backoffMs: 100 }),
    },
  );
  manager.open();
  return manager;
}

function fill(manager: LogManager, workload: Workload): number {
  const log = manager.getOrCreate('bench', 0, null);
  const value = Buffer.alloc(workload.recordBytes, 'abcdefgh0123');
  const perBatch = Math.floor(workload.batchBytes / workload.recordBytes);
  let random = 1;
  let records = 0;
  for (let bytes = 0; bytes < megabytes * 1e6; bytes += perBatch * workload.recordBytes) {
    const timestamp = Date.now();
    const batch = Array.from({ length: perBatch }, () => {
      random = (random * 1_103_515_245 + 12_345) & 0x7fffffff;
      return { key: Buffer.from(`key ${random % workload.keys}`), value, headers: [], timestamp };
    });
    log.appendAsLeader(encodeRecordBatch({ records: batch, compression: workload.compression }), {
      leaderEpoch: 0,
      origin: 'client',
    });
    log.updateHighWatermark(log.logEndOffset);
    records += perBatch;
  }
  log.roll();
  return records;
}

async function run(workload: Workload): Promise<Record<string, string | number>> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-bench-compaction-'));
  const manager = openManager(directory);
  try {
    const records = fill(manager, workload);
    const log = manager.log('bench', 0)!;
    await new Promise<void>((resolve) => log.flushLater(() => resolve()));
    holdsMs.length = 0;
    const startedMs = performance.now();
    manager.start();
    while (manager.cleaner!.counters.rounds === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const seconds = (performance.now() - startedMs) / 1000;
    const busyMs = holdsMs.reduce((sum, ms) => sum + ms, 0);
    const sorted = holdsMs.toSorted((a, b) => a - b);
    return {
      workload: workload.name,
      records,
      seconds: seconds.toFixed(1),
      'records/s of loop time': Math.round((records / busyMs) * 1000),
      'share of the loop': `${Math.round(busyMs / seconds / 10)} %`,
      'p99 hold ms': sorted[Math.floor(sorted.length * 0.99)]!.toFixed(2),
      'longest hold ms': sorted.at(-1)!.toFixed(2),
    };
  } finally {
    manager.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const rows = [];
for (const workload of WORKLOADS) rows.push(await run(workload));
console.table(rows);
