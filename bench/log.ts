/**
 * How fast one loop appends to and reads from logs on the disk of this machine.
 *
 * node bench/log.ts [seconds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { NodeDisk } from '@odradek/broker/adapters/node-disk.ts';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import { logContextOf, type LogContext } from '@odradek/core/log/log-context.ts';
import { OpenFiles } from '@odradek/core/log/open-files.ts';
import { PartitionLog } from '@odradek/core/log/partition-log.ts';
import type { Timers } from '@odradek/core/ports/clock.ts';
import { setProducer, readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';

const seconds = Number(process.argv[2] ?? 2);
const directory = mkdtempSync(join(tmpdir(), 'odradek-bench-log-'));

const timers: Timers = {
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

function contextOf(): LogContext {
  const disk = new NodeDisk();
  const ports = {
    disk,
    clock: { now: Date.now, monotonic: () => performance.now() },
    timers,
    random: { fraction: Math.random, uuidBytes: () => Buffer.alloc(16, 1) },
    log: { debug() {}, info() {}, warn() {}, error: console.error },
  };
  return logContextOf(ports, new OpenFiles(disk));
}

function openLog(context: LogContext, name: string): PartitionLog {
  return PartitionLog.open(context, join(directory, name), {
    topic: name,
    partition: 0,
    config: { ...DEFAULT_LOG_CONFIG, maxMessageBytes: 16 * 1024 * 1024, retentionBytes: 2 ** 30 },
    logStartOffset: 0,
    recoveryPoint: 0,
    wasCleanShutdown: true,
  });
}

/** A batch of about `sizeBytes`, of records of `recordBytes`. */
function batchOf(sizeBytes: number, recordBytes: number): Buffer {
  const value = Buffer.alloc(recordBytes, 0x61);
  const count = Math.max(1, Math.floor(sizeBytes / (recordBytes + 10)));
  const timestamp = Date.now();
  const records = Array.from({ length: count }, () => ({ key: null, value, headers: [], timestamp }));
  return encodeRecordBatch({ records });
}

interface Workload {
  readonly name: string;
  readonly batchBytes: number;
  readonly recordBytes: number;
  readonly logs: number;
  readonly isIdempotent?: boolean;
}

const WORKLOADS: readonly Workload[] = [
  { name: '16 KB batches of 1 KB records', batchBytes: 16384, recordBytes: 1024, logs: 1 },
  { name: '16 KB batches of 100 B records', batchBytes: 16384, recordBytes: 100, logs: 1 },
  { name: '16 KB, idempotent', batchBytes: 16384, recordBytes: 1024, logs: 1, isIdempotent: true },
  { name: '16 KB over 1,000 logs', batchBytes: 16384, recordBytes: 1024, logs: 1000 },
  { name: '1 KB batches of one record', batchBytes: 1024, recordBytes: 1000, logs: 1 },
  { name: '1 MB batches of 1 KB records', batchBytes: 1024 * 1024, recordBytes: 1024, logs: 1 },
];

function run(workload: Workload): Record<string, string | number> {
  const context = contextOf();
  const logs = Array.from({ length: workload.logs }, (_, i) =>
    openLog(context, `${WORKLOADS.indexOf(workload)}-${i}`),
  );
  const template = batchOf(workload.batchBytes, workload.recordBytes);
  const buffer = Buffer.from(template);
  const recordCount = readBatchHeader(template, 0).recordCount!;
  const started = performance.now();
  const latencies: number[] = [];
  let count = 0;
  let sequence = 0;
  let now = started;
  while (now - started < seconds * 1000) {
    template.copy(buffer);
    if (workload.isIdempotent === true) {
      setProducer(readBatchHeader(buffer, 0), 7, 0, sequence);
      sequence += recordCount;
    }
    const log = logs[count % logs.length]!;
    log.appendAsLeader(buffer, { leaderEpoch: 0, origin: 'client', requestVersion: 9 });
    log.updateHighWatermark(log.logEndOffset);
    count++;
    if (log.sizeBytes > 2 ** 31) log.deleteOldSegments(Date.now());
    const then = now;
    now = performance.now();
    latencies.push(now - then);
  }
  const appendPerSecond = Math.round((count / (now - started)) * 1000);
  latencies.sort((a, b) => a - b);
  const fetchPerSecond = readBack(logs[0]!);
  for (const log of logs) log.close();
  rmSync(directory, { recursive: true, force: true });
  return {
    workload: workload.name,
    'appends/s': appendPerSecond,
    'MB/s': Math.round((appendPerSecond * template.length) / 1e6),
    'p50 µs': Math.round(latencies[latencies.length >> 1]! * 1000),
    'p99 µs': Math.round(latencies[Math.floor(latencies.length * 0.99)]! * 1000),
    'tail reads/s': fetchPerSecond,
  };
}

/** Reads of the last batches, as a consumer that keeps up does them, into one buffer. */
function readBack(log: PartitionLog): number {
  const target = Buffer.alloc(2 * 1024 * 1024);
  const started = performance.now();
  let count = 0;
  let now = started;
  const offset = Math.max(log.logStartOffset, log.logEndOffset - 1);
  while (now - started < 300) {
    for (let i = 0; i < 100; i++) {
      const { slice } = log.read(offset, {
        maxBytes: 1024 * 1024,
        minOneBatch: true,
        upTo: 'high-watermark',
      });
      slice!.read(target, 0, slice!.sizeBytes);
      slice!.release();
      count++;
    }
    now = performance.now();
  }
  return Math.round((count / (now - started)) * 1000);
}

try {
  console.table(WORKLOADS.map(run));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
