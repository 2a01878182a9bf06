import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { batchesOf, encodeEmptyBatch } from '@odradek/protocol/records/batch-header.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { LogWorld, append, batch, codeOf, controlBatch, readAll, valuesOf } from './log-world.ts';

const T = 1_700_000_000_000;

function logOf(count: number, valueSize = 100): { log: PartitionLog; batchSize: number } {
  const log = new LogWorld({ indexIntervalBytes: 300 }).open();
  for (let i = 0; i < count; i++) append(log, ['v'.repeat(valueSize)]);
  return { log, batchSize: batch(['v'.repeat(valueSize)]).length };
}

describe('reading', () => {
  it('pitfall 78: the first batch comes whole even above the limit, unless the limit is hard', () => {
    const { log, batchSize } = logOf(5);
    const read = (maxBytes: number, minOneBatch: boolean, partialFirstBatch = false) =>
      log.read(2, { maxBytes, minOneBatch, partialFirstBatch, upTo: 'log-end' }).slice?.sizeBytes ?? null;
    assert.equal(read(1, true), batchSize);
    assert.equal(read(0, true), batchSize);
    assert.equal(read(1, false), null);
    assert.equal(read(batchSize - 1, false), null);
    assert.equal(read(batchSize - 1, false, true), batchSize - 1, 'the sign for old clients to ask for more');
    assert.equal(read(0, false, true), null);
    assert.equal(read(batchSize, false), batchSize);
  });

  it('pitfall 79: a cut batch at the end keeps its true size field', () => {
    const { log, batchSize } = logOf(5);
    const { slice } = log.read(0, { maxBytes: batchSize * 2 + 20, minOneBatch: true, upTo: 'log-end' });
    assert.equal(slice!.sizeBytes, batchSize * 2 + 20);
    const bytes = slice!.toBuffer();
    assert.equal([...batchesOf(bytes)].length, 2);
    assert.equal(bytes.readInt32BE(batchSize * 2 + 8) + 12, batchSize);
  });

  it('pitfall 80: no more than the limit is returned once the first batch fits', () => {
    const { log, batchSize } = logOf(50);
    for (const maxBytes of [batchSize, batchSize + 1, batchSize * 7 - 1, batchSize * 50]) {
      assert.ok(log.read(0, { maxBytes, minOneBatch: true, upTo: 'log-end' }).slice!.sizeBytes <= maxBytes);
    }
  });

  it('pitfall 81: only offsets below the start or beyond the end are out of range', () => {
    const { log } = logOf(10);
    log.updateHighWatermark(6);
    log.advanceLogStartOffset(3);
    const read = (offset: number, upTo: 'high-watermark' | 'log-end' = 'high-watermark') =>
      log.read(offset, { maxBytes: 1000, minOneBatch: true, upTo });
    assert.equal(
      codeOf(() => read(2)),
      ErrorCode.OFFSET_OUT_OF_RANGE,
    );
    assert.equal(
      codeOf(() => read(11)),
      ErrorCode.OFFSET_OUT_OF_RANGE,
    );
    for (const offset of [6, 7, 10]) assert.equal(read(offset).slice, null, `at ${offset}`);
    assert.notEqual(read(5).slice, null);
    assert.equal(read(10, 'log-end').slice, null);
  });

  it('never passes the high watermark, wherever it lies', () => {
    const log = new LogWorld({ segmentBytes: 700, indexIntervalBytes: 200 }).open();
    for (let i = 0; i < 30; i++) append(log, [`${i}`, `${i}'`]);
    for (let watermark = 0; watermark <= 60; watermark += 2) {
      log.updateHighWatermark(watermark);
      assert.equal(readAll(log, 0, 'high-watermark', 10_000).length, watermark);
      assert.equal(
        log.read(0, { maxBytes: 0, minOneBatch: false, upTo: 'log-end' }).highWatermark,
        watermark,
      );
    }
  });

  it('F18: does not pass a high watermark that was the end of a segment that is closed now', () => {
    const log = new LogWorld().open();
    append(log, ['a']);
    log.updateHighWatermark(1);
    log.roll();
    log.appendAsLeader(batch(['b']), { leaderEpoch: 0, origin: 'client' });
    assert.deepEqual(valuesOf(readAll(log, 0, 'high-watermark')), ['a']);
    assert.equal(log.read(1, { maxBytes: 1000, minOneBatch: true, upTo: 'high-watermark' }).slice, null);
  });

  it('does not hand out the batch that holds the high watermark in its midst', () => {
    const log = new LogWorld().open();
    append(log, ['a', 'b']);
    append(log, ['c', 'd', 'e']);
    log.updateHighWatermark(3);
    assert.deepEqual(valuesOf(readAll(log, 0, 'high-watermark')), ['a', 'b']);
  });

  it('finds every offset, near the end and far from it', () => {
    const world = new LogWorld({ indexIntervalBytes: 1000 });
    const log = world.open();
    for (let i = 0; i < 300; i++) append(log, [`${i}`, `${i}'`, `${i}"`]);
    for (let offset = 0; offset < 900; offset++) {
      const { slice } = log.read(offset, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' });
      const [header] = batchesOf(slice!.toBuffer());
      slice!.release();
      assert.ok(header!.baseOffset <= offset && offset <= header!.lastOffset);
    }
  });

  it('pitfall 104: the next offset comes from the last offset of a batch, over gaps as compaction leaves them', () => {
    const log = new LogWorld({ segmentBytes: 400 }).open();
    for (const baseOffset of [0, 10, 11, 500, 10_000]) {
      log.appendAsFollower(batch(['x'.repeat(100)], { baseOffset, partitionLeaderEpoch: 0 }));
    }
    assert.deepEqual(
      readAll(log, 0).map(({ offset }) => offset),
      [0, 10, 11, 500, 10_000],
    );
    for (const [asked, found] of [
      [1, 10],
      [12, 500],
      [501, 10_000],
    ] as const) {
      assert.equal(readAll(log, asked)[0]!.offset, found);
    }
  });

  it('pitfall 187: an empty batch keeps its offsets and sequences, and is read over', () => {
    const world = new LogWorld();
    const log = world.open();
    log.appendAsFollower(batch(['a'], { baseOffset: 0, partitionLeaderEpoch: 0 }));
    log.appendAsFollower(
      encodeEmptyBatch({
        baseOffset: 1,
        partitionLeaderEpoch: 0,
        attributes: 0,
        lastOffsetDelta: 4,
        maxTimestamp: -1,
        producerId: 8,
        producerEpoch: 1,
        baseSequence: 10,
      }),
    );
    log.appendAsFollower(batch(['b'], { baseOffset: 6, partitionLeaderEpoch: 0 }));
    assert.deepEqual(valuesOf(readAll(log, 0)), ['a', 'b']);
    assert.deepEqual(valuesOf(readAll(log, 3)), ['b']);
    assert.equal(log.producerStates()[0]!.batches[0]!.lastSequence, 14);
    assert.equal(log.offsetForTimestamp(T, 'log-end')!.offset, 0);
    const again = world.open();
    assert.equal(again.logEndOffset, 7);
    assert.equal(again.producerStates()[0]!.batches[0]!.lastSequence, 14);
  });

  it('a slice stays readable when its segment is deleted while it is sent', () => {
    const world = new LogWorld({ retentionMs: 0, fileDeleteDelayMs: 10, segmentBytes: 500 }, undefined, 2);
    const log = world.open();
    for (let i = 0; i < 20; i++) append(log, [`value ${i}`.repeat(10)]);
    const { slice } = log.read(0, { maxBytes: 400, minOneBatch: true, upTo: 'log-end' });
    const bytes = slice!.toBuffer();
    world.time.advance(1000);
    assert.ok(log.deleteOldSegments(world.time.now() + 1000) > 0);
    assert.ok(slice!.toBuffer().equals(bytes), 'renamed');
    world.time.advance(10);
    assert.ok(!world.names().includes('00000000000000000000.log.deleted'));
    assert.ok(slice!.toBuffer().equals(bytes), 'removed');
    slice!.release();
    slice!.release();
    assert.throws(() => slice!.toBuffer(), { code: 'ENOENT' });
    assert.ok(world.context.files.openCount <= 2);
  });
});

function transactional(log: PartitionLog, producerId: number, baseSequence: number, values: string[]): void {
  append(log, values, { producerId, producerEpoch: 0, baseSequence, isTransactional: true });
}

function marker(log: PartitionLog, producerId: number, type: 0 | 1): void {
  log.appendAsLeader(controlBatch(producerId, type), { leaderEpoch: 0, origin: 'coordinator' });
  log.updateHighWatermark(log.logEndOffset);
}

describe('transactions', () => {
  it('hold the last stable offset back until decided below the high watermark', () => {
    const log = new LogWorld().open();
    append(log, ['plain']);
    transactional(log, 1, 0, ['x']);
    transactional(log, 2, 0, ['y']);
    assert.equal(log.lastStableOffset, 1);
    marker(log, 1, 1);
    assert.equal(log.lastStableOffset, 2);
    marker(log, 2, 0);
    assert.equal(log.lastStableOffset, 5);
  });

  it('aborted ones are told to read_committed readers, also from earlier segments and after a restart', () => {
    const world = new LogWorld({ segmentBytes: 250, indexIntervalBytes: 1 });
    let log = world.open();
    transactional(log, 1, 0, ['a']);
    transactional(log, 2, 0, ['b']);
    marker(log, 1, 0);
    transactional(log, 2, 1, ['c']);
    marker(log, 2, 1);
    append(log, ['plain']);
    transactional(log, 3, 0, ['d']);
    marker(log, 3, 0);
    const aborted = (offset: number) =>
      log
        .read(offset, { maxBytes: 1_000_000, minOneBatch: true, upTo: 'last-stable' })
        .abortedTransactions!.map(({ producerId, firstOffset, lastOffset }) => [
          producerId,
          firstOffset,
          lastOffset,
        ]);
    const check = (): void => {
      assert.deepEqual(aborted(0)[0], [1, 0, 2]);
      assert.deepEqual(aborted(6), [[3, 6, 7]]);
      assert.deepEqual(aborted(3), []);
      assert.equal(log.lastStableOffset, 8);
    };
    check();
    assert.equal(log.read(0, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' }).abortedTransactions, null);
    log = world.open();
    log.updateHighWatermark(8);
    check();
    log.close();
    log = world.open({ wasCleanShutdown: true, recoveryPoint: 8 });
    log.updateHighWatermark(8);
    check();
  });
});
