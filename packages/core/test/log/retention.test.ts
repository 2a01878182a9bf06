import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { decideRetention } from '../../src/log/retention.ts';

/** Four segments of 100 bytes and 10 offsets each; the last is active. */
const SEGMENTS = [1, 2, 3, 4].map((n) => ({
  sizeBytes: 100,
  endOffset: n * 10,
  largestTimestampMs: n * 1000,
}));

function decide(config: Partial<LogConfig>, limits: Partial<Parameters<typeof decideRetention>[2]> = {}) {
  return decideRetention(
    SEGMENTS,
    { ...DEFAULT_LOG_CONFIG, retentionMs: -1, ...config },
    { highWatermark: 40, logStartOffset: 0, nowMs: 5000, ...limits },
  );
}

describe('retention', () => {
  it('keeps everything without limits', () => {
    assert.deepEqual(decide({}), { count: 0, reason: null });
  });

  it('by size deletes what leaves at least the limit', () => {
    const counts = [400, 399, 301, 300, 299, 200, 100, 1, 0].map(
      (retentionBytes) => decide({ retentionBytes }).count,
    );
    assert.deepEqual(counts, [0, 0, 0, 1, 1, 2, 3, 3, 4]);
  });

  it('by time deletes segments whose latest record is older', () => {
    const counts = [4000, 3999, 3000, 2999, 1000, 999, 0].map((retentionMs) => decide({ retentionMs }).count);
    assert.deepEqual(counts, [0, 1, 1, 2, 3, 4, 4]);
  });

  it('stops at the first segment that stays, whatever comes after', () => {
    const segments = SEGMENTS.map((segment, i) => ({ ...segment, largestTimestampMs: i === 1 ? 9000 : 0 }));
    const config = { ...DEFAULT_LOG_CONFIG, retentionMs: 10 };
    assert.equal(
      decideRetention(segments, config, { highWatermark: 40, logStartOffset: 0, nowMs: 5000 }).count,
      1,
    );
  });

  it('deletes what lies before the log start also where only compaction is wanted, but never the active one', () => {
    const config = { cleanupDelete: false, cleanupCompact: true, retentionBytes: 0, retentionMs: 0 };
    assert.deepEqual(decide(config, { logStartOffset: 25 }), { count: 2, reason: 'log-start-offset' });
    assert.equal(decide(config, { logStartOffset: 40 }).count, 3);
  });

  it('deletes nothing at or above the high watermark', () => {
    for (const [highWatermark, count] of [
      [0, 0],
      [9, 0],
      [10, 1],
      [39, 3],
      [40, 4],
    ] as const) {
      assert.equal(decide({ retentionMs: 0 }, { highWatermark }).count, count);
    }
  });

  it('leaves an empty active segment alone', () => {
    const segments = [...SEGMENTS.slice(0, 3), { sizeBytes: 0, endOffset: 30, largestTimestampMs: 0 }];
    const config = { ...DEFAULT_LOG_CONFIG, retentionMs: 0 };
    assert.equal(
      decideRetention(segments, config, { highWatermark: 40, logStartOffset: 0, nowMs: 5000 }).count,
      3,
    );
  });
});
