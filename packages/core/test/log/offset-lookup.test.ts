import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { LogWorld, append, batch } from './log-world.ts';

const T = 1_700_000_000_000;

describe('finding offsets by time', () => {
  it('pitfall 109: the exact first record at or after the time, in each compression', () => {
    for (const compression of Object.values(CompressionType)) {
      const log = new LogWorld({ indexIntervalBytes: 1 }).open();
      append(log, ['a', 'b', 'c'], { compression, timestamps: [T - 50, T - 30, T - 40] });
      append(log, ['d', 'e'], { compression, timestamps: [T - 20, T - 10] });
      const find = (timestamp: number) => log.offsetForTimestamp(timestamp, 'high-watermark');
      assert.deepEqual(find(0), { timestamp: T - 50, offset: 0, leaderEpoch: 0 });
      assert.deepEqual(find(T - 50)!.offset, 0);
      assert.deepEqual(find(T - 49), { timestamp: T - 30, offset: 1, leaderEpoch: 0 });
      assert.deepEqual(find(T - 30)!.offset, 1, 'inclusive');
      assert.deepEqual(find(T - 29), { timestamp: T - 20, offset: 3, leaderEpoch: 0 });
      assert.deepEqual(find(T - 10)!.offset, 4);
    }
  });

  it('pitfall 106: later than every record is nothing', () => {
    const log = new LogWorld().open();
    assert.equal(log.offsetForTimestamp(0, 'high-watermark'), null);
    append(log, ['a'], { timestamp: T });
    assert.equal(log.offsetForTimestamp(T + 1, 'high-watermark'), null);
  });

  it('pitfall 109: append time is the time of every record of the batch; what lies beyond the bound is not found', () => {
    const world = new LogWorld({ messageTimestampType: 'LogAppendTime' });
    const log = world.open();
    append(log, ['a', 'b'], { timestamp: 5 });
    world.time.advance(10);
    append(log, ['c', 'd'], { timestamp: 5 });
    assert.deepEqual(log.offsetForTimestamp(T + 1, 'high-watermark'), {
      timestamp: T + 10,
      offset: 2,
      leaderEpoch: 0,
    });
    log.updateHighWatermark(2);
    assert.equal(log.offsetForTimestamp(T + 1, 'high-watermark'), null);
    assert.equal(log.offsetForTimestamp(T + 1, 'log-end')!.offset, 2);
  });

  it('pitfall 109: records before the log start are not found', () => {
    const log = new LogWorld().open();
    append(log, ['a', 'b', 'c'], { timestamps: [T - 3, T - 2, T - 1] });
    log.advanceLogStartOffset(2);
    assert.equal(log.offsetForTimestamp(0, 'high-watermark')!.offset, 2);
  });

  it('pitfall 107: the latest is the bound of the reader, without a time', () => {
    const log = new LogWorld().open();
    for (let i = 0; i < 4; i++) append(log, ['a']);
    log.appendAsLeader(
      batch(['t'], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
      {
        leaderEpoch: 0,
        origin: 'client',
        requestVersion: 9,
      },
    );
    append(log, ['b']);
    log.updateHighWatermark(5);
    const latest = (upTo: Parameters<typeof log.offsetForTimestamp>[1]) => log.offsetForTimestamp(-1, upTo);
    assert.deepEqual(latest('high-watermark'), { timestamp: -1, offset: 5, leaderEpoch: 0 });
    assert.equal(latest('last-stable')!.offset, 4);
    assert.equal(latest('log-end')!.offset, 6);
  });

  it('pitfall 108: largest timestamp, earliest local and latest tiered', () => {
    const log = new LogWorld({ segmentBytes: 200, messageTimestampAfterMaxMs: Infinity }).open();
    assert.equal(log.offsetForTimestamp(-3, 'high-watermark'), null);
    append(log, ['a', 'b'], { timestamps: [T, T + 9] });
    append(log, ['c', 'd', 'e'], { timestamps: [T + 1, T + 20, T + 20] });
    append(log, ['f'], { timestamp: T + 7 });
    assert.deepEqual(log.offsetForTimestamp(-3, 'high-watermark'), {
      timestamp: T + 20,
      offset: 3,
      leaderEpoch: 0,
    });
    log.advanceLogStartOffset(1);
    assert.deepEqual(log.offsetForTimestamp(-4, 'high-watermark'), {
      timestamp: -1,
      offset: 1,
      leaderEpoch: 0,
    });
    assert.deepEqual(log.offsetForTimestamp(-5, 'high-watermark'), {
      timestamp: -1,
      offset: -1,
      leaderEpoch: -1,
    });
  });

  it('pitfall 110: the epoch is that of the record found; earliest gives that of the first batch', () => {
    const log = new LogWorld().open();
    assert.equal(log.offsetForTimestamp(-2, 'high-watermark')!.leaderEpoch, -1);
    for (const [leaderEpoch, timestamp] of [
      [2, T],
      [5, T + 1],
      [9, T + 2],
    ] as const) {
      log.appendAsLeader(batch(['x'], { timestamp }), { leaderEpoch, origin: 'client', requestVersion: 9 });
    }
    log.updateHighWatermark(3);
    const epochAt = (timestamp: number) => log.offsetForTimestamp(timestamp, 'high-watermark')!.leaderEpoch;
    assert.deepEqual([-2, T, T + 1, T + 2, -1].map(epochAt), [2, 2, 5, 9, 9]);
    log.advanceLogStartOffset(1);
    assert.equal(epochAt(-2), 5);
  });

  it('pitfall 189: time -1 is no time and 0 is one', () => {
    const log = new LogWorld({ indexIntervalBytes: 1 }).open();
    append(log, ['none'], { timestamp: -1 });
    append(log, ['zero'], { timestamp: 0 });
    append(log, ['none'], { timestamp: -1 });
    assert.deepEqual(log.offsetForTimestamp(0, 'high-watermark'), {
      timestamp: 0,
      offset: 1,
      leaderEpoch: 0,
    });
    assert.deepEqual(log.offsetForTimestamp(-3, 'high-watermark'), {
      timestamp: 0,
      offset: 1,
      leaderEpoch: 0,
    });
  });

  it('pitfall 105: version 0 gives segment starts and the end, newest first, by time of last write', () => {
    const world = new LogWorld();
    const log = world.open();
    for (let segment = 0; segment < 3; segment++) {
      append(log, ['a', 'b']);
      world.time.advance(100);
      log.roll();
    }
    append(log, ['c']);
    assert.deepEqual(log.legacyOffsetsBefore(-1, 10), [7, 6, 4, 2, 0]);
    assert.deepEqual(log.legacyOffsetsBefore(-1, 2), [7, 6]);
    assert.deepEqual(log.legacyOffsetsBefore(-1, 0), []);
    assert.deepEqual(log.legacyOffsetsBefore(-2, 10), [0]);
    assert.deepEqual(log.legacyOffsetsBefore(T + 150, 10), [2, 0]);
    assert.deepEqual(log.legacyOffsetsBefore(T - 1, 10), []);
    log.advanceLogStartOffset(1);
    assert.deepEqual(log.legacyOffsetsBefore(-2, 10), [1]);
  });
});
