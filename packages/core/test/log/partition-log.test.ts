import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { CompressionType, batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { LogWorld, append, asClient, batch, bytesFrom, codeOf, readAll, valuesOf } from './log-world.ts';

const T = 1_700_000_000_000;

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
    const at = (baseOffset: number) =>
      log.appendAsFollower(batch(['x'], { baseOffset, partitionLeaderEpoch: 0 }));
    at(0);
    at(0x7fffffff);
    assert.equal(log.segmentCount, 1);
    at(0x80000000);
    assert.equal(log.segmentCount, 2);
    at(0x80000000 * 3);
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
    log.flush();
    const names = world.names().filter((name) => !name.endsWith('.later.tmp'));
    assert.deepEqual(names, [
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
