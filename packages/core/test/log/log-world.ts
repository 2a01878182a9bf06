import assert from 'node:assert/strict';
import type { Clock, Timer, Timers } from '../../src/ports/clock.ts';
import type { Disk } from '../../src/ports/disk.ts';
import type { LogSink } from '../../src/ports/log-sink.ts';
import type { Random } from '../../src/ports/random.ts';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { logContextOf, type LogContext } from '../../src/log/log-context.ts';
import { OpenFiles } from '../../src/log/open-files.ts';
import { PartitionLog } from '../../src/log/partition-log.ts';
import type { UpTo } from '../../src/log/log-reader.ts';
import { MemoryDisk } from '../../../broker/src/adapters/memory-disk.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { RecordBatchInput } from '@odradek/protocol/records/record-batch.ts';
import { KafkaError } from '@odradek/protocol/errors.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';

/** Time that stands still until it is moved; timers fire when it is. */
export class ManualTime implements Clock, Timers {
  private nowMs: number;
  private pending: { at: number; fire: () => void }[] = [];

  constructor(nowMs = 1_700_000_000_000) {
    this.nowMs = nowMs;
  }

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const entry = { at: this.nowMs + delayMs, fire };
    this.pending.push(entry);
    return {
      cancel: () => {
        this.pending = this.pending.filter((other) => other !== entry);
      },
    };
  }

  /** Something takes so long: no timer fires meanwhile. */
  spend(ms: number): void {
    this.nowMs += ms;
  }

  /** When the next timer is due, Infinity when none is set. */
  get nextDueMs(): number {
    return this.pending.reduce((next, { at }) => Math.min(next, at), Infinity);
  }

  /** Fires the one timer that is due next, if any is due now. */
  step(): void {
    const due = this.pending.filter(({ at }) => at <= this.nowMs).sort((a, b) => a.at - b.at)[0];
    if (due === undefined) return;
    this.pending = this.pending.filter((entry) => entry !== due);
    due.fire();
  }

  /** Moves time, firing in order what comes due, and what that sets. */
  advance(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const due = this.pending.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.pending = this.pending.filter((entry) => entry !== due);
      this.nowMs = Math.max(this.nowMs, due.at);
      due.fire();
    }
    this.nowMs = Math.max(this.nowMs, end);
  }
}

export const SILENT: LogSink = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {}

/** The same numbers in every run. */
export function countingRandom(): Random {
  let count = 0;
  return {
    fraction: () => (count++ % 10) / 10,
    uuidBytes: () => {
      const bytes = Buffer.alloc(16, 0x41);
      bytes.writeUInt32BE(count++, 12);
      return bytes;
    },
  };
}

export const DIRECTORY = '/data/topic-0';

/** A log on a disk in memory, with time in the test's hand. */
export class LogWorld {
  readonly time = new ManualTime();
  readonly disk: Disk;
  readonly context: LogContext;
  config: LogConfig;

  /** @param pageCacheBytes that reads may rely on; unless given, none waits for a device */
  constructor(
    config: Partial<LogConfig> = {},
    disk: Disk = new MemoryDisk(() => 0),
    openFilesMax = 100,
    pageCacheBytes = Infinity,
  ) {
    this.disk = disk;
    this.config = { ...DEFAULT_LOG_CONFIG, ...config };
    const ports = { disk, clock: this.time, timers: this.time, random: countingRandom(), log: SILENT };
    const later = { concurrencyMax: 2, aheadBytesMax: 1024 * 1024 };
    const reading = { pageCacheBytes, later, clock: this.time };
    this.context = logContextOf(ports, new OpenFiles(this.disk, openFilesMax, reading));
    this.disk.makeDirectory('/data');
  }

  open(
    options: {
      wasCleanShutdown?: boolean;
      recoveryPoint?: number;
      logStartOffset?: number;
      cleanedOffset?: number;
    } = {},
  ): PartitionLog {
    return PartitionLog.open(this.context, DIRECTORY, {
      topic: 'topic',
      partition: 0,
      config: this.config,
      logStartOffset: options.logStartOffset ?? 0,
      recoveryPoint: options.recoveryPoint ?? 0,
      cleanedOffset: options.cleanedOffset ?? null,
      wasCleanShutdown: options.wasCleanShutdown ?? false,
    });
  }

  names(): string[] {
    return (this.disk.list(DIRECTORY) ?? []).map(({ name }) => name).sort();
  }
}

/** A batch as a producer sends it, of one record per value. */
export function batch(
  values: readonly string[],
  options: Omit<RecordBatchInput, 'records'> & { timestamp?: number; timestamps?: readonly number[] } = {},
): Buffer {
  const { timestamp = 1_700_000_000_000, timestamps, ...rest } = options;
  return encodeRecordBatch({
    ...rest,
    records: values.map((value, index) => ({
      key: null,
      value: Buffer.from(value),
      headers: [],
      timestamp: timestamps?.[index] ?? timestamp,
    })),
  });
}

/** A transaction marker: 0 abort, 1 commit. */
export function controlBatch(producerId: number, type: 0 | 1, producerEpoch = 0): Buffer {
  return encodeRecordBatch({
    producerId,
    producerEpoch,
    isTransactional: true,
    isControl: true,
    records: [
      {
        key: Buffer.from([0, 0, 0, type]),
        value: Buffer.from([0, 0, 0, 0, 0, 0]),
        headers: [],
        timestamp: 1_700_000_000_000,
      },
    ],
  });
}

/** Appends as a client and lets the high watermark follow. */
export function append(
  log: PartitionLog,
  values: readonly string[],
  options: Parameters<typeof batch>[1] = {},
) {
  const info = log.appendAsLeader(batch(values, options), {
    leaderEpoch: 0,
    origin: 'client',
    requestVersion: 9,
  });
  log.updateHighWatermark(log.logEndOffset);
  return info;
}

/** All records from `offset` on, read in pieces as a consumer does. */
export function readAll(
  log: PartitionLog,
  offset: number,
  upTo: UpTo = 'log-end',
  maxBytes = 200,
): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  let next = offset;
  for (;;) {
    const read = log.read(next, { maxBytes, minOneBatch: true, upTo });
    if (read.slice === null) return records;
    const start = next;
    for (const header of batchesOf(read.slice.toBuffer())) {
      for (const record of decodeBatch(header, 1_000_000)) if (record.offset >= next) records.push(record);
      next = header.lastOffset + 1;
    }
    read.slice.release();
    assert.ok(next > start, `nothing to be made of what was read at ${start}`);
  }
}

export function valuesOf(records: readonly DecodedRecord[]): string[] {
  return records.map(({ value }) => value?.toString() ?? '');
}

export function asClient(log: PartitionLog, records: Buffer) {
  const info = log.appendAsLeader(records, { leaderEpoch: 0, origin: 'client', requestVersion: 9 });
  log.updateHighWatermark(log.logEndOffset);
  return info;
}

export function codeOf(action: () => unknown): number {
  try {
    action();
    return 0;
  } catch (error) {
    assert.ok(error instanceof KafkaError, String(error));
    return error.code;
  }
}

/** All bytes of the log from `offset` on, as a leader sends them. */
export function bytesFrom(log: PartitionLog, offset: number): Buffer {
  const pieces: Buffer[] = [];
  let next = offset;
  for (;;) {
    const { slice } = log.read(next, { maxBytes: 1 << 20, minOneBatch: true, upTo: 'log-end' });
    if (slice === null) return Buffer.concat(pieces);
    const bytes = slice.toBuffer();
    slice.release();
    pieces.push(bytes);
    for (const header of batchesOf(bytes)) next = header.lastOffset + 1;
  }
}
