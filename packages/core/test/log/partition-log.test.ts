import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { CompressionType, batchesOf, encodeEmptyBatch } from '@odradek/protocol/records/batch-header.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { LogWorld, append, batch, controlBatch, readAll, valuesOf } from './log-world.ts';

const T = 1_700_000_000_000;

function asClient(log: PartitionLog, records: Buffer) {
  const info = log.appendAsLeader(records, { leaderEpoch: 0, origin: 'client', requestVersion: 9 });
  log.updateHighWatermark(log.logEndOffset);
  return info;
}

function codeOf(action: () => unknown): number {
  try {
    action();
    return 0;
  } catch (error) {
    assert.ok(error instanceof KafkaError, String(error));
    return error.code;
  }
}

/** All bytes of the log from `offset` on, as a leader sends them. */
function bytesFrom(log: PartitionLog, offset: number): Buffer {
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

describe('appending', () => {
  it('gives offsets and reads back what was appended', () => {
    const log = new LogWorld().open();
    assert.equal(append(log, ['a', 'b']).firstOffset, 0);
    const info = append(log, ['c']);
    assert.deepEqual([info.firstOffset, info.lastOffset, info.logAppendTimeMs], [2, 2, -1]);
    assert.deepEqual(valuesOf(readAll(log, 0)), ['a', 'b', 'c']);
    assert.deepEqual(valuesOf(readAll(log, 1)), ['b', 'c']);
    assert.deepEqual(
      readAll(log, 0).map(({ offset }) => offset),
      [0, 1, 2],
    );
  });

  it('writes the real leader epoch into the batch, and knows where each epoch began (pitfall 188)', () => {
    const log = new LogWorld().open();
    for (const leaderEpoch of [3, 3, 7]) {
      log.appendAsLeader(batch(['x'], { partitionLeaderEpoch: 99 }), {
        leaderEpoch,
        origin: 'client',
        requestVersion: 9,
      });
    }
    const headers = [...batchesOf(bytesFrom(log, 0))];
    assert.deepEqual(
      headers.map(({ partitionLeaderEpoch }) => partitionLeaderEpoch),
      [3, 3, 7],
    );
    assert.deepEqual(
      headers.map(({ producerId, producerEpoch, baseSequence }) => [
        producerId,
        producerEpoch,
        baseSequence,
      ])[0],
      [-1, -1, -1],
    );
    assert.deepEqual(log.endOffsetForEpoch(3), { epoch: 3, endOffset: 2 });
    assert.deepEqual(log.endOffsetForEpoch(7), { epoch: 7, endOffset: 3 });
    assert.equal(log.latestLeaderEpoch, 7);
  });

  it('stamps append time, and tells it', () => {
    const world = new LogWorld({ messageTimestampType: 'LogAppendTime' });
    const log = world.open();
    world.time.advance(5000);
    assert.equal(append(log, ['a', 'b'], { timestamp: 1 }).logAppendTimeMs, T + 5000);
    assert.deepEqual(
      readAll(log, 0).map(({ timestamp }) => timestamp),
      [T + 5000, T + 5000],
    );
  });

  it('pitfall 65: a batch beyond max.message.bytes is MESSAGE_TOO_LARGE, one beyond segment.bytes RECORD_LIST_TOO_LARGE', () => {
    const small = batch(['x'.repeat(1000)]);
    const log = new LogWorld({ maxMessageBytes: small.length, segmentBytes: small.length }).open();
    assert.equal(
      codeOf(() => asClient(log, Buffer.from(small))),
      0,
    );
    assert.equal(
      codeOf(() => asClient(log, batch(['x'.repeat(1001)]))),
      ErrorCode.MESSAGE_TOO_LARGE,
    );
    const packed = batch(['x'.repeat(5000)], { compression: CompressionType.GZIP });
    assert.equal(
      codeOf(() => asClient(log, packed)),
      0,
      'compressed size counts',
    );
    const narrow = new LogWorld({ segmentBytes: small.length - 1 }).open();
    assert.equal(
      codeOf(() => asClient(narrow, Buffer.from(small))),
      ErrorCode.RECORD_LIST_TOO_LARGE,
    );
    assert.equal(narrow.logEndOffset, 0);
  });

  it('pitfall 66: a repeated batch is answered with its first offset and not written again', () => {
    const log = new LogWorld().open();
    const send = (baseSequence: number, values: string[]) =>
      append(log, values, { producerId: 5, producerEpoch: 0, baseSequence });
    for (let i = 0; i < 6; i++) send(i * 2, [`${i}`, `${i}'`]);
    for (const i of [1, 3, 5]) {
      const info = send(i * 2, [`${i}`, `${i}'`]);
      assert.deepEqual(
        [info.isDuplicate, info.firstOffset, info.lastOffset, info.sizeBytes],
        [true, i * 2, i * 2 + 1, 0],
      );
    }
    assert.equal(log.logEndOffset, 12);
    assert.equal(
      codeOf(() => send(0, ['0', "0'"])),
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      'older than the last five',
    );
  });

  it('pitfall 66: a repeated batch carries its append time where the topic stamps one', () => {
    const world = new LogWorld({ messageTimestampType: 'LogAppendTime' });
    const log = world.open();
    const send = () => append(log, ['a'], { producerId: 5, producerEpoch: 0, baseSequence: 0 });
    const first = send();
    world.time.advance(1000);
    assert.equal(send().logAppendTimeMs, first.logAppendTimeMs);
  });

  it('pitfall 67: sequences wrap to 0 on the log too', () => {
    const log = new LogWorld().open();
    append(log, ['a', 'b', 'c'], { producerId: 5, producerEpoch: 0, baseSequence: 0x7ffffffe });
    append(log, ['d'], { producerId: 5, producerEpoch: 0, baseSequence: 1 });
    assert.equal(log.logEndOffset, 4);
  });

  it('pitfall 68: after its state expired a producer goes on with any sequence', () => {
    const world = new LogWorld({ producerIdExpirationMs: 1000 });
    const log = world.open();
    append(log, ['a'], { producerId: 5, producerEpoch: 0, baseSequence: 0 });
    assert.equal(
      codeOf(() => append(log, ['b'], { producerId: 5, producerEpoch: 0, baseSequence: 9 })),
      45,
    );
    log.removeExpiredProducers(T + 1000);
    assert.deepEqual(log.producerStates(), []);
    append(log, ['b'], { producerId: 5, producerEpoch: 0, baseSequence: 9 });
  });

  it('pitfall 70: a batch of an old producer epoch is INVALID_PRODUCER_EPOCH', () => {
    const log = new LogWorld().open();
    append(log, ['a'], { producerId: 5, producerEpoch: 2, baseSequence: 0 });
    assert.equal(
      codeOf(() => append(log, ['b'], { producerId: 5, producerEpoch: 1, baseSequence: 1 })),
      47,
    );
  });

  it('a refused batch changes nothing', () => {
    const log = new LogWorld().open();
    append(log, ['a'], { producerId: 5, producerEpoch: 0, baseSequence: 0 });
    const before = log.producerStates();
    assert.notEqual(
      codeOf(() => append(log, ['b'], { producerId: 5, producerEpoch: 0, baseSequence: 7 })),
      0,
    );
    assert.deepEqual(log.producerStates(), before);
    assert.equal(log.logEndOffset, 1);
  });

  it('nothing to append is no error', () => {
    const log = new LogWorld().open();
    const info = log.appendAsLeader(Buffer.alloc(0), { leaderEpoch: 0, origin: 'client', requestVersion: 2 });
    assert.deepEqual([info.firstOffset, info.sizeBytes], [-1, 0]);
  });
});

describe('rolling', () => {
  it('by segment.bytes', () => {
    const size = batch(['a']).length;
    const log = new LogWorld({ segmentBytes: size * 2 }).open();
    for (let i = 0; i < 5; i++) append(log, ['a']);
    assert.equal(log.segmentCount, 3);
  });

  it('by segment.ms, counted in record times where there are any', () => {
    const world = new LogWorld({ segmentMs: 1000, messageTimestampAfterMaxMs: Infinity });
    const log = world.open();
    append(log, ['a'], { timestamp: T });
    append(log, ['b'], { timestamp: T + 1000 });
    assert.equal(log.segmentCount, 1);
    append(log, ['c'], { timestamp: T + 1001 });
    assert.equal(log.segmentCount, 2);
    world.time.advance(50_000);
    append(log, ['d'], { timestamp: T + 1500 });
    assert.equal(log.segmentCount, 2, 'time passed, but not for the records');
  });

  it('by segment.ms, counted by the clock where records have no time', () => {
    const world = new LogWorld({ segmentMs: 1000 });
    const log = world.open();
    append(log, ['a'], { timestamp: -1 });
    world.time.advance(1000);
    append(log, ['b'], { timestamp: -1 });
    assert.equal(log.segmentCount, 1);
    world.time.advance(1);
    append(log, ['c'], { timestamp: -1 });
    assert.equal(log.segmentCount, 2);
  });

  it('by segment.ms less the jitter', () => {
    const world = new LogWorld({
      segmentMs: 1000,
      segmentJitterMs: 1000,
      messageTimestampAfterMaxMs: Infinity,
    });
    world.context.random.fraction = () => 0.5;
    const log = world.open();
    append(log, ['a'], { timestamp: T });
    append(log, ['b'], { timestamp: T + 500 });
    append(log, ['c'], { timestamp: T + 501 });
    assert.equal(log.segmentCount, 2);
  });

  it('when an index is full', () => {
    const log = new LogWorld({ segmentIndexBytes: 24, indexIntervalBytes: 1 }).open();
    for (let i = 0; i < 8; i++) append(log, ['a'], { timestamp: T + i });
    assert.ok(log.segmentCount > 2);
    assert.deepEqual(valuesOf(readAll(log, 0)).length, 8);
  });

  it('when the offset is 2^31 or more above the base', () => {
    const log = new LogWorld().open();
    const at = (baseOffset: number) => batch(['x'], { baseOffset, partitionLeaderEpoch: 0 });
    log.appendAsFollower(at(0));
    log.appendAsFollower(at(0x7fffffff));
    assert.equal(log.segmentCount, 1);
    log.appendAsFollower(at(0x80000000));
    assert.equal(log.segmentCount, 2);
    log.appendAsFollower(at(0x80000000 * 3));
    assert.equal(log.segmentCount, 3);
    assert.deepEqual(
      readAll(log, 0).map(({ offset }) => offset),
      [0, 0x7fffffff, 0x80000000, 0x80000000 * 3],
    );
  });

  it('names files by base offset and leaves a snapshot per roll', () => {
    const world = new LogWorld();
    const log = world.open();
    append(log, ['a', 'b'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    log.roll();
    append(log, ['c']);
    assert.deepEqual(world.names(), [
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      '00000000000000000002.index',
      '00000000000000000002.log',
      '00000000000000000002.snapshot',
      '00000000000000000002.timeindex',
      'leader-epoch-checkpoint',
    ]);
  });

  it('of an empty active segment does nothing', () => {
    const log = new LogWorld().open();
    log.roll();
    append(log, ['a']);
    log.roll();
    log.roll();
    assert.equal(log.segmentCount, 2);
  });
});

describe('reading', () => {
  function logOf(count: number, valueSize = 100): { log: PartitionLog; batchSize: number } {
    const log = new LogWorld({ indexIntervalBytes: 300 }).open();
    for (let i = 0; i < count; i++) append(log, ['v'.repeat(valueSize)]);
    return { log, batchSize: batch(['v'.repeat(valueSize)]).length };
  }

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

describe('transactions', () => {
  const transactional = (log: PartitionLog, producerId: number, baseSequence: number, values: string[]) =>
    append(log, values, { producerId, producerEpoch: 0, baseSequence, isTransactional: true });

  function marker(log: PartitionLog, producerId: number, type: 0 | 1): void {
    log.appendAsLeader(controlBatch(producerId, type), { leaderEpoch: 0, origin: 'coordinator' });
    log.updateHighWatermark(log.logEndOffset);
  }

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

describe('following', () => {
  it('appends what the leader sent, byte for byte, and knows its epochs and producers', () => {
    const leader = new LogWorld({ segmentBytes: 500 }).open();
    for (let i = 0; i < 10; i++) {
      leader.appendAsLeader(
        batch([`${i}`, 'x'.repeat(50)], { producerId: 4, producerEpoch: 0, baseSequence: i * 2 }),
        {
          leaderEpoch: Math.floor(i / 4),
          origin: 'client',
          requestVersion: 9,
        },
      );
    }
    const follower = new LogWorld({ segmentBytes: 500 }).open();
    const bytes = bytesFrom(leader, 0);
    const info = follower.appendAsFollower(Buffer.concat([bytes, bytes.subarray(0, 30)]).subarray(0, 460));
    assert.ok(info.lastOffset > 0 && info.lastOffset < 19);
    follower.appendAsFollower(bytesFrom(leader, follower.logEndOffset));
    assert.ok(bytesFrom(follower, 0).equals(bytes));
    assert.deepEqual(follower.producerStates(), leader.producerStates());
    for (const epoch of [0, 1, 2, 3]) {
      assert.deepEqual(follower.endOffsetForEpoch(epoch), leader.endOffsetForEpoch(epoch));
    }
  });

  it('refuses damaged batches, and such as do not follow', () => {
    const log = new LogWorld().open();
    const good = batch(['a'], { baseOffset: 0, partitionLeaderEpoch: 0 });
    const damaged = Buffer.from(good);
    damaged[damaged.length - 1]! ^= 1;
    assert.equal(
      codeOf(() => log.appendAsFollower(damaged)),
      ErrorCode.CORRUPT_MESSAGE,
    );
    log.appendAsFollower(good);
    assert.equal(
      codeOf(() => log.appendAsFollower(good)),
      ErrorCode.OFFSET_OUT_OF_RANGE,
    );
    const twice = Buffer.concat([5, 5].map((baseOffset) => batch(['a'], { baseOffset })));
    assert.equal(
      codeOf(() => log.appendAsFollower(twice)),
      ErrorCode.OFFSET_OUT_OF_RANGE,
    );
    assert.equal(log.logEndOffset, 1);
    assert.equal(log.appendAsFollower(Buffer.alloc(0)).firstOffset, -1);
  });

  it('begins an empty log with the whole batch in whose midst the log starts', () => {
    const log = new LogWorld().open();
    log.truncateFullyAndStartAt(12);
    log.appendAsFollower(batch(['a', 'b', 'c', 'd'], { baseOffset: 10, partitionLeaderEpoch: 0 }));
    assert.deepEqual([log.logStartOffset, log.logEndOffset], [12, 14]);
    assert.deepEqual(valuesOf(readAll(log, 12)), ['c', 'd']);
  });

  it('keeps old formats as they are; without epochs', () => {
    const world = new LogWorld();
    const log = world.open();
    log.appendAsFollower(batch(['new'], { baseOffset: 0, partitionLeaderEpoch: 3 }));
    const record = { key: null, value: Buffer.from('old'), headers: [], timestamp: T };
    log.appendAsFollower(
      encodeMessageSet({ magic: 1, baseOffset: 1, records: [record, record], compression: 2 }),
    );
    log.appendAsFollower(encodeMessageSet({ magic: 0, baseOffset: 3, records: [record] }));
    assert.deepEqual(valuesOf(readAll(log, 0)), ['new', 'old', 'old', 'old']);
    assert.deepEqual(valuesOf(readAll(log, 2)), ['old', 'old']);
    assert.equal(log.latestLeaderEpoch, -1);
    assert.equal(log.read(3, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' }).firstBatchMagic, 0);
    assert.equal(world.open().logEndOffset, 4);
  });
});

describe('truncating', () => {
  function filled(world: LogWorld): PartitionLog {
    const log = world.open();
    for (let i = 0; i < 20; i++) {
      const info = batch([`${i}`, `${i}'`], {
        producerId: 1,
        producerEpoch: 0,
        baseSequence: i * 2,
        timestamp: T + i,
      });
      log.appendAsLeader(info, { leaderEpoch: Math.floor(i / 5), origin: 'client', requestVersion: 9 });
    }
    log.updateHighWatermark(40);
    return log;
  }

  it('drops what comes after, in every segment, with its indexes, epochs and producer state', () => {
    for (let offset = 0; offset <= 40; offset += 2) {
      const world = new LogWorld({ segmentBytes: 500, indexIntervalBytes: 100 });
      const log = filled(world);
      assert.equal(log.truncateTo(offset), offset < 40);
      assert.equal(log.logEndOffset, offset);
      assert.ok(log.highWatermark <= offset);
      assert.equal(readAll(log, 0).length, offset);
      assert.equal(log.producerStates()[0]?.batches.at(-1)?.lastSequence ?? -1, offset - 1);
      assert.equal(log.latestLeaderEpoch, offset === 0 ? -1 : Math.floor((offset - 1) / 10));
      append(log, ['next'], { producerId: 1, producerEpoch: 0, baseSequence: offset, timestamp: T });
      assert.deepEqual(valuesOf(readAll(log, offset)), ['next']);
      assert.equal(world.open().logEndOffset, offset + 1);
    }
  });

  it('finds no times of what was dropped', () => {
    const log = filled(new LogWorld({ indexIntervalBytes: 100 }));
    log.truncateTo(20);
    assert.deepEqual(log.offsetForTimestamp(-3, 'log-end'), { timestamp: T + 9, offset: 18, leaderEpoch: 1 });
    assert.equal(log.offsetForTimestamp(T + 10, 'log-end'), null);
  });

  it('fully, begins at any offset', () => {
    const world = new LogWorld({ segmentBytes: 500, fileDeleteDelayMs: 0 });
    const log = filled(world);
    log.truncateFullyAndStartAt(1000);
    assert.deepEqual([log.logStartOffset, log.logEndOffset, log.highWatermark], [1000, 1000, 1000]);
    assert.deepEqual([log.latestLeaderEpoch, log.producerStates().length], [-1, 0]);
    append(log, ['x']);
    world.time.advance(1);
    assert.deepEqual(valuesOf(readAll(log, 1000)), ['x']);
    assert.deepEqual(
      world.names().filter((name) => name.endsWith('.log')),
      ['00000000000000001000.log'],
    );
  });
});

describe('deleting records', () => {
  it('pitfall 177: up to the high watermark, not beyond', () => {
    const log = new LogWorld().open();
    for (let i = 0; i < 5; i++) append(log, ['x']);
    log.updateHighWatermark(3);
    assert.equal(
      codeOf(() => log.advanceLogStartOffset(4)),
      ErrorCode.OFFSET_OUT_OF_RANGE,
    );
    assert.equal(log.advanceLogStartOffset(3), true);
    assert.equal(log.advanceLogStartOffset(2), false);
    assert.equal(log.logStartOffset, 3);
  });

  it('frees whole segments when retention comes by', () => {
    const world = new LogWorld({ segmentBytes: 200, cleanupDelete: false, fileDeleteDelayMs: 5 });
    const log = world.open();
    for (let i = 0; i < 9; i++) append(log, ['x'.repeat(50)]);
    const before = log.segmentCount;
    log.advanceLogStartOffset(5);
    assert.ok(log.deleteOldSegments(world.time.now()) > 0);
    assert.ok(log.segmentCount < before);
    assert.ok(log.firstSegmentOffset <= 5);
    assert.ok(world.names().some((name) => name.endsWith('.log.deleted')));
    world.time.advance(5);
    assert.ok(!world.names().some((name) => name.endsWith('.deleted')));
    assert.equal(readAll(log, 5).length, 4);
  });

  it('all may go by time: the log then begins at its end', () => {
    const world = new LogWorld({ retentionMs: 1000, segmentBytes: 200 });
    const log = world.open();
    for (let i = 0; i < 5; i++) append(log, ['x'.repeat(50)]);
    log.deleteOldSegments(T + 5000);
    assert.deepEqual([log.logStartOffset, log.logEndOffset, log.segmentCount], [5, 5, 1]);
    assert.equal(append(log, ['y']).firstOffset, 5);
    assert.equal(world.open().logStartOffset, 5);
  });
});
