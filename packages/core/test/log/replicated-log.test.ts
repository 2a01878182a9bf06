import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { LogWorld, append, batch, bytesFrom, codeOf, readAll, valuesOf } from './log-world.ts';

const T = 1_700_000_000_000;

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

describe('truncating', () => {
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
      const next = batch(['next'], { producerId: 1, producerEpoch: 0, baseSequence: offset, timestamp: T });
      log.appendAsLeader(next, { leaderEpoch: 4, origin: 'client' });
      assert.deepEqual(valuesOf(readAll(log, offset)), ['next']);
      assert.equal(world.open().logEndOffset, offset + 1);
    }
  });

  it('F12: forgets epochs that begin at its end, though there is nothing to drop', () => {
    const log = new LogWorld().open();
    append(log, ['a']);
    log.assignLeaderEpoch(4);
    assert.equal(log.latestLeaderEpoch, 4);
    assert.equal(log.truncateTo(1), false);
    assert.deepEqual([log.latestLeaderEpoch, log.logEndOffset], [0, 1]);
  });

  it('finds no times of what was dropped', () => {
    const log = filled(new LogWorld({ indexIntervalBytes: 100 }));
    log.truncateTo(20);
    assert.deepEqual(log.offsetForTimestamp(-3, 'log-end'), { timestamp: T + 9, offset: 18, leaderEpoch: 1 });
    assert.equal(log.offsetForTimestamp(T + 10, 'log-end'), null);
  });

  it('fully, begins where a segment began, though that is damaged', () => {
    const world = new LogWorld({ segmentBytes: 500, fileDeleteDelayMs: 0 });
    const log = filled(world);
    const base = log.storage.segments.at(1)!.baseOffset;
    const { path } = log.storage.segments.at(1)!.log;
    const file = world.disk.open(path);
    file.write(Buffer.alloc(40, 0xff), 0);
    file.close();
    log.truncateFullyAndStartAt(base);
    assert.deepEqual([log.segmentCount, log.sizeBytes, log.logEndOffset], [1, 0, base]);
    append(log, ['x']);
    assert.deepEqual(valuesOf(readAll(log, base)), ['x']);
    log.close();
    assert.deepEqual(valuesOf(readAll(world.open({ logStartOffset: base }), base)), ['x']);
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
