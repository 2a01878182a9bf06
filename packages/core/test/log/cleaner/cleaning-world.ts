import assert from 'node:assert/strict';
import { cleanableRange } from '../../../src/log/cleaner/cleanable.ts';
import type { CleanableRange } from '../../../src/log/cleaner/cleanable.ts';
import { BYTES_PER_SLOT } from '../../../src/log/cleaner/offset-map.ts';
import { LogCleaning } from '../../../src/log/cleaner/log-cleaning.ts';
import type { CleaningResult } from '../../../src/log/cleaner/log-cleaning.ts';
import type { Work } from '../../../src/log/work.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { RecordBatchInput } from '@odradek/protocol/records/record-batch.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import { LogWorld } from '../log-world.ts';

/** A key and its value; null deletes. */
export type KeyValue = readonly [key: string | null, value: string | null];

export const COMPACTED: Partial<LogConfig> = {
  segmentBytes: 700,
  indexIntervalBytes: 150,
  cleanupCompact: true,
  cleanupDelete: false,
  retentionMs: -1,
  fileDeleteDelayMs: 10,
  deleteRetentionMs: 1000,
};

/** A prime, so that the map has just as many. */
const SLOTS = 101;

/** A log that is compacted round by round, without a cleaner that chooses. */
export class CleaningWorld extends LogWorld {
  readonly simulated: SimulatedDisk;

  constructor(config: Partial<LogConfig> = {}, disk = new SimulatedDisk(() => 1_700_000_000_000)) {
    super({ ...COMPACTED, ...config }, disk);
    this.simulated = disk;
  }

  rangeOf(log: PartitionLog): CleanableRange {
    this.flush(log);
    return cleanableRange(log.cleanableView(), this.time.now());
  }

  flush(log: PartitionLog): void {
    log.flush();
    this.simulated.completeLater();
  }

  /** Begins a round. @param keysMax that the map takes, at most 100 */
  begin(log: PartitionLog, keysMax = 100): LogCleaning {
    return new LogCleaning(this.context, log, this.rangeOf(log), {
      mapSizeMaxBytes: SLOTS * BYTES_PER_SLOT,
      loadFactor: (keysMax + 0.5) / SLOTS,
      ioBufferSizeBytes: 256,
    });
  }

  /** A whole round, one thing after another; `between` runs where other things can happen. */
  round(log: PartitionLog, keysMax?: number, between: () => void = () => {}): CleaningResult {
    const result = this.drive(this.begin(log, keysMax).run(), between);
    log.storage.cleanedTo(result.cleanedOffset);
    return result;
  }

  drive<Result>(work: Work<Result>, between: () => void = () => {}): Result {
    for (;;) {
      const turn = work.next();
      if (turn.done === true) return turn.value;
      between();
      if (!('begin' in turn.value)) continue;
      let resumed = false;
      turn.value.begin(() => {
        resumed = true;
      });
      this.simulated.completeLater();
      assert.ok(resumed, 'what was waited for came');
    }
  }
}

export function keyed(
  records: readonly KeyValue[],
  options: Omit<RecordBatchInput, 'records'> & { timestamp?: number } = {},
): Buffer {
  const { timestamp = 1_700_000_000_000, ...rest } = options;
  return encodeRecordBatch({
    ...rest,
    records: records.map(([key, value]) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [],
      timestamp,
    })),
  });
}

export function put(
  log: PartitionLog,
  records: readonly KeyValue[],
  options: Parameters<typeof keyed>[1] = {},
  origin: 'client' | 'coordinator' = 'client',
): number {
  const { firstOffset } = log.appendAsLeader(keyed(records, options), { leaderEpoch: 0, origin });
  log.updateHighWatermark(log.logEndOffset);
  return firstOffset;
}
