import { performance } from 'node:perf_hooks';
import { NodeDisk } from '@odradek/broker/adapters/node-disk.ts';
import { DEFAULT_CLEANER_SETTINGS } from '@odradek/core/log/cleaner/cleaner-settings.ts';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import type { LogConfig } from '@odradek/core/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '@odradek/core/log/log-manager.ts';
import type { PartitionLog } from '@odradek/core/log/partition-log.ts';
import type { Timers } from '@odradek/core/ports/clock.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';

/** Small segments and a dense index, so that little data has much structure. */
export const SMALL_SEGMENTS: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  segmentBytes: 100_000,
  indexIntervalBytes: 1000,
};

const timers: Timers = {
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Opens the logs of a data directory as a broker does; `compacts` starts what it does from time to time, too. */
export function openLogs(
  directory: string,
  config: LogConfig = SMALL_SEGMENTS,
  compacts = false,
): LogManager {
  let uuids = 0;
  const logs = new LogManager(
    {
      disk: new NodeDisk(),
      clock: { now: Date.now, monotonic: () => performance.now() },
      timers,
      random: { fraction: Math.random, uuidBytes: () => Buffer.alloc(16, uuids++) },
      log: { debug() {}, info() {}, warn: console.warn, error: console.error },
    },
    {
      ...DEFAULT_LOG_INTERVALS,
      directories: [directory],
      configOf: () => config,
      cleaner: compacts ? () => ({ ...DEFAULT_CLEANER_SETTINGS, backoffMs: 50 }) : null,
    },
  );
  logs.open();
  if (compacts) logs.start();
  return logs;
}

/** One record as the Java consumer prints it, too. */
export interface Line {
  readonly offset: number;
  readonly value: string;
}

/** What a consumer gets: control batches left out, and with `committed` what was aborted as well. */
export function readLines(log: PartitionLog, committed = false): Line[] {
  const lines: Line[] = [];
  log.updateHighWatermark(log.logEndOffset);
  let next = log.logStartOffset;
  while (next < log.logEndOffset) {
    const upTo = committed ? 'last-stable' : 'high-watermark';
    const { slice, abortedTransactions } = log.read(next, { maxBytes: 50_000, minOneBatch: true, upTo });
    if (slice === null) break;
    for (const header of batchesOf(slice.toBuffer())) {
      const isAborted = (abortedTransactions ?? []).some(
        ({ producerId, firstOffset, lastOffset }) =>
          header.isTransactional &&
          producerId === header.producerId &&
          firstOffset <= header.baseOffset &&
          header.baseOffset < lastOffset,
      );
      if (!header.isControl && !isAborted) {
        for (const { offset, value } of decodeBatch(header, 100_000_000)) {
          if (offset >= next) lines.push({ offset, value: value?.toString() ?? 'null' });
        }
      }
      next = header.lastOffset + 1;
    }
    slice.release();
  }
  return lines;
}

/**
 * Appends `rounds` batches of all kinds: every compression, idempotent, transactional with both outcomes, with
 * headers. `firstRound` must be a multiple of 24, so that sequence numbers go on.
 */
export function appendVariety(log: PartitionLog, rounds: number, leaderEpoch: number, firstRound = 0): void {
  const started = Date.now() - rounds * 10;
  const append = (records: Buffer, origin: 'client' | 'coordinator' = 'client'): void => {
    log.appendAsLeader(records, { leaderEpoch, origin });
    log.updateHighWatermark(log.logEndOffset);
  };
  for (let round = firstRound; round < firstRound + rounds; round++) {
    const records = Array.from({ length: 1 + (round % 7) }, (_, i) => ({
      key: i % 2 === 0 ? Buffer.from(`key ${i}`) : null,
      value: Buffer.from(`ours ${round} ${i} ${'x'.repeat((round * 37) % 400)}`),
      headers: i === 1 ? [{ key: 'header', value: Buffer.from('value') }] : [],
      timestamp: started + (round - firstRound) * 10 - ((i * 13) % 5),
    }));
    const compression = (round % 5) as CompressionType;
    append(encodeRecordBatch({ records, compression }));
    if (round % 3 === 0) {
      append(
        encodeRecordBatch({
          records: records.slice(0, 1),
          producerId: 4000,
          producerEpoch: 2,
          baseSequence: round / 3,
        }),
      );
    }
    if (round % 4 === 0) appendTransaction(append, round, records);
  }
}

function appendTransaction(
  append: (records: Buffer, origin?: 'client' | 'coordinator') => void,
  round: number,
  records: Parameters<typeof encodeRecordBatch>[0]['records'],
): void {
  const producer = { producerId: 5000, producerEpoch: 0, isTransactional: true };
  append(encodeRecordBatch({ ...producer, records: records.slice(0, 1), baseSequence: round / 4 }));
  const type = round % 8 === 0 ? 1 : 0;
  const marker = {
    key: Buffer.from([0, 0, 0, type]),
    value: Buffer.from([0, 0, 0, 0, 0, 7]),
    headers: [],
    timestamp: Date.now(),
  };
  append(encodeRecordBatch({ ...producer, isControl: true, records: [marker] }), 'coordinator');
}
