import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import { CleaningAborted } from '../../../src/log/cleaner/log-cleaning.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { asClient, batch, bytesFrom, codeOf, controlBatch, readAll } from '../log-world.ts';
import { CleaningWorld, put } from './cleaning-world.ts';
import type { KeyValue } from './cleaning-world.ts';

/** Closes the segment and compacts. */
function compact(world: CleaningWorld, log: PartitionLog): void {
  log.roll();
  world.round(log);
}

function batchesIn(log: PartitionLog): BatchHeader[] {
  return [...batchesOf(bytesFrom(log, log.logStartOffset))];
}

function contents(log: PartitionLog): string[] {
  return readAll(log, log.logStartOffset).map(({ offset, key, value }) => `${offset} ${key}=${value}`);
}

function mark(log: PartitionLog, producerId: number, type: 'abort' | 'commit'): void {
  log.appendAsLeader(controlBatch(producerId, type === 'abort' ? 0 : 1), {
    leaderEpoch: 0,
    origin: 'coordinator',
  });
  log.updateHighWatermark(log.logEndOffset);
}

function inTransaction(producerId: number, baseSequence: number) {
  return { producerId, producerEpoch: 0, baseSequence, isTransactional: true };
}

describe('compaction', () => {
  it('keeps the latest record of each key at its offset, with its batch', () => {
    const world = new CleaningWorld();
    const log = world.open();
    put(log, [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
    ]);
    put(log, [['b', '2']]);
    compact(world, log);
    assert.deepEqual(contents(log), ['2 a=2', '3 b=2']);
    const [first] = batchesIn(log);
    assert.deepEqual([first!.baseOffset, first!.lastOffset, first!.recordCount], [0, 2, 1]);
    assert.equal(log.cleanedOffset, 4);
    assert.equal(log.logEndOffset, 4);
  });

  it('leaves gaps that recovery takes for what they are, where the checkpoint of the cleaner tells', () => {
    const world = new CleaningWorld();
    const log = world.open();
    for (let i = 0; i < 40; i++) put(log, [[i === 39 ? 'last' : `k${i % 3}`, `${i}`.padEnd(60)]]);
    compact(world, log);
    put(log, [['active', '1']]);
    const before = contents(log);
    assert.ok(log.segmentCount > 3);
    // As Apache Kafka leaves a directory when it is killed: its recovery point need not have got this far.
    const again = world.open({ recoveryPoint: 0, cleanedOffset: 40 });
    assert.deepEqual(contents(again), before);
  });

  it('leaves the active segment and what was appended meanwhile alone', () => {
    const world = new CleaningWorld();
    const log = world.open();
    put(log, [['a', '1']]);
    put(log, [['a', '2']]);
    log.roll();
    put(log, [['a', '3']]);
    let appended = 0;
    world.round(log, undefined, () => {
      if (appended++ < 3) put(log, [['a', `during ${appended}`]]);
    });
    assert.deepEqual(contents(log), ['1 a=2', '2 a=3', '3 a=during 1', '4 a=during 2', '5 a=during 3']);
  });

  it('makes few segments of many small ones', () => {
    const world = new CleaningWorld({ segmentBytes: 2000 });
    const log = world.open();
    for (let i = 0; i < 100; i++) {
      put(log, [[`k${i % 5}`, `${i}`.padEnd(50)]]);
      if (i % 4 === 3) log.roll();
    }
    const before = log.segmentCount;
    world.round(log);
    assert.ok(before > 20 && log.segmentCount < 9, `${before} to ${log.segmentCount}`);
    world.round(log);
    assert.ok(log.segmentCount <= 3, `${log.segmentCount} after another round`);
    assert.deepEqual(
      readAll(log, 0).map(({ offset }) => offset),
      [95, 96, 97, 98, 99],
    );
  });

  it('F89: removes a tombstone once its horizon has passed, and not before', () => {
    const world = new CleaningWorld({ deleteRetentionMs: 1000 });
    const log = world.open();
    put(log, [['a', '1']]);
    put(log, [
      ['a', null],
      ['b', '1'],
    ]);
    compact(world, log);
    assert.deepEqual(contents(log), ['1 a=null', '2 b=1']);
    assert.equal(batchesIn(log)[0]!.deleteHorizonMs, world.time.now() + 1000);
    world.time.advance(999);
    put(log, [['c', '1']]);
    compact(world, log);
    assert.deepEqual(contents(log), ['1 a=null', '2 b=1', '3 c=1']);
    world.time.advance(1);
    put(log, [['d', '1']]);
    compact(world, log);
    assert.deepEqual(contents(log), ['2 b=1', '3 c=1', '4 d=1']);
  });

  it('gives the timestamps of a batch back whatever its horizon is', () => {
    const world = new CleaningWorld();
    const log = world.open();
    const timestamp = 1_600_000_000_123;
    put(log, [['a', null]], { timestamp });
    compact(world, log);
    assert.equal(readAll(log, 0)[0]!.timestamp, timestamp);
    assert.equal(log.offsetForTimestamp(timestamp, 'log-end')!.offset, 0);
    assert.equal(batchesIn(log)[0]!.maxTimestamp, timestamp);
  });

  it('removes records without a key, which an older policy had let in', () => {
    const world = new CleaningWorld({ cleanupCompact: false });
    const log = world.open();
    put(log, [[null, 'x']]);
    put(log, [['a', '1']]);
    log.updateConfig({ ...log.config, cleanupCompact: true });
    compact(world, log);
    assert.deepEqual(contents(log), ['1 a=1']);
    assert.equal(
      codeOf(() => asClient(log, batch(['no key']))),
      87,
    );
  });

  it('compacts old formats, compressed sets too', () => {
    const world = new CleaningWorld();
    const log = world.open();
    for (const magic of [0, 1] as const) {
      for (const compression of [0, 1] as const) {
        const value = `${compression}`;
        oldMessages(
          log,
          magic,
          [`v${magic}`, 'a', 'b'].map((key): KeyValue => [key, value]),
          compression,
        );
      }
    }
    compact(world, log);
    assert.deepEqual(contents(log), ['3 v0=1', '9 v1=1', '10 a=1', '11 b=1']);
    assert.deepEqual(
      batchesIn(log).map(({ magic, compression }) => [magic, compression]),
      [
        [0, 1],
        [1, 1],
      ],
    );
  });

  it('keeps a tombstone of an old format while the part compacted before is young', () => {
    // A segment for each message: what is merged has one age.
    const world = new CleaningWorld({ deleteRetentionMs: 1000, segmentBytes: 50 });
    const log = world.open();
    const steps: [number, KeyValue, string[]][] = [
      [0, ['a', null], ['1 a=null']],
      [500, ['b', '1'], ['1 a=null', '2 b=1']],
      [600, ['c', '1'], ['1 a=null', '2 b=1', '3 c=1']],
      // Now a segment is compacted already that was written 1100 ms later.
      [0, ['d', '1'], ['2 b=1', '3 c=1', '4 d=1']],
    ];
    oldMessages(log, 1, [['a', '1']]);
    for (const [waitMs, record, expected] of steps) {
      world.time.advance(waitMs);
      oldMessages(log, 1, [record]);
      compact(world, log);
      assert.deepEqual(contents(log), expected);
    }
  });
});

/** As replication brings them, or an old directory has them: producers' are converted on arrival. */
function oldMessages(
  log: PartitionLog,
  magic: 0 | 1,
  records: readonly KeyValue[],
  compression: 0 | 1 = 0,
): void {
  const set = encodeMessageSet({
    magic,
    baseOffset: log.logEndOffset,
    compression,
    records: records.map(([key, value]) => ({
      key: Buffer.from(key!),
      value: value === null ? null : Buffer.from(value),
      timestamp: 1_700_000_000_000,
    })),
  });
  log.appendAsFollower(set);
  log.updateHighWatermark(log.logEndOffset);
}

describe('compaction and producers', () => {
  it('F91, pitfall 187: keeps an empty batch that tells the last sequence number of an active producer', () => {
    const world = new CleaningWorld();
    const log = world.open();
    const producer = { producerId: 7, producerEpoch: 1 };
    put(log, [['a', '1']], { ...producer, baseSequence: 0 });
    put(
      log,
      [
        ['a', '2'],
        ['a', '3'],
      ],
      { ...producer, baseSequence: 1 },
    );
    put(log, [['a', '4']]);
    compact(world, log);
    assert.deepEqual(contents(log), ['3 a=4']);
    const [empty] = batchesIn(log);
    assert.deepEqual(
      [empty!.baseOffset, empty!.lastOffset, empty!.recordCount, empty!.baseSequence, empty!.baseTimestamp],
      [1, 2, 0, 1, -1],
    );
    assert.deepEqual([empty!.producerId, empty!.producerEpoch, empty!.lastSequence], [7, 1, 2]);
  });

  it('a producer goes on after its batches were compacted and the state was lost', () => {
    const world = new CleaningWorld();
    const log = world.open();
    const producer = { producerId: 7, producerEpoch: 1 };
    for (let i = 0; i < 5; i++) put(log, [['a', `${i}`]], { ...producer, baseSequence: i });
    put(log, [['a', 'last']]);
    compact(world, log);
    const end = log.logEndOffset;
    for (const name of world.names()) {
      if (name.endsWith('.snapshot')) world.disk.remove(`/data/topic-0/${name}`);
    }
    const again = world.open({ recoveryPoint: end });
    again.updateHighWatermark(end);
    assert.equal(
      codeOf(() => put(again, [['a', 'gap']], { ...producer, baseSequence: 6 })),
      45,
    );
    put(again, [['a', 'next']], { ...producer, baseSequence: 5 });
  });

  it('drops the batch once the producer has written another, or was forgotten', () => {
    const world = new CleaningWorld();
    const log = world.open();
    put(log, [['a', '1']], { producerId: 7, producerEpoch: 1, baseSequence: 0 });
    put(log, [['a', '2']]);
    compact(world, log);
    assert.equal(batchesIn(log).length, 2);
    put(log, [['b', '1']], { producerId: 7, producerEpoch: 1, baseSequence: 1 });
    compact(world, log);
    assert.deepEqual(
      batchesIn(log).map(({ baseOffset }) => baseOffset),
      [1, 2],
    );
  });

  it('removes records of aborted transactions at once, and their key does not count', () => {
    const world = new CleaningWorld();
    const log = world.open();
    put(log, [['a', 'kept']]);
    put(log, [['a', 'aborted']], inTransaction(5, 0));
    mark(log, 5, 'abort');
    put(log, [['b', 'committed']], inTransaction(6, 0));
    mark(log, 6, 'commit');
    compact(world, log);
    assert.deepEqual(dataOf(log), ['0 a=kept', '3 b=committed']);
    const { abortedTransactions } = readCommitted(log, 0);
    assert.deepEqual(
      abortedTransactions.map(({ producerId, firstOffset, lastOffset }) => [
        producerId,
        firstOffset,
        lastOffset,
      ]),
      [[5, 1, 2]],
    );
  });

  it('keeps a marker until all of its transaction is gone, then until its horizon', () => {
    const world = new CleaningWorld({ deleteRetentionMs: 1000 });
    const log = world.open();
    put(log, [['a', '1']], inTransaction(5, 0));
    mark(log, 5, 'commit');
    // So that neither is the producer's last.
    put(log, [['z', '1']], inTransaction(5, 1));
    mark(log, 5, 'commit');
    compact(world, log);
    assert.deepEqual(offsetsOf(log), [0, 1, 2, 3]);
    put(log, [['a', '2']]);
    compact(world, log);
    assert.deepEqual(offsetsOf(log), [1, 2, 3, 4], 'this round has read the batch, the next one will not');
    put(log, [['b', '1']]);
    compact(world, log);
    assert.equal(batchesIn(log)[0]!.deleteHorizonMs, world.time.now() + 1000);
    assert.deepEqual(offsetsOf(log), [1, 2, 3, 4, 5]);
    world.time.advance(1000);
    put(log, [['c', '1']]);
    compact(world, log);
    assert.deepEqual(offsetsOf(log), [2, 3, 4, 5, 6]);
  });

  it('stops before a transaction that is open', () => {
    const world = new CleaningWorld();
    const log = world.open();
    put(log, [['a', '1']]);
    log.roll();
    put(log, [['a', '2']]);
    put(log, [['b', '1']], inTransaction(5, 0));
    log.roll();
    put(log, [['a', '3']]);
    log.roll();
    assert.equal(world.rangeOf(log).firstUncleanableOffset, 1);
    world.round(log);
    assert.deepEqual(dataOf(log), ['0 a=1', '1 a=2', '2 b=1', '3 a=3']);
    mark(log, 5, 'commit');
    world.round(log);
    assert.deepEqual(dataOf(log), ['2 b=1', '3 a=3']);
  });

  it('F87: a transaction over several segments and groups stays whole or goes', () => {
    const world = new CleaningWorld({ segmentBytes: 300 });
    const log = world.open();
    for (let i = 0; i < 6; i++) {
      put(log, [[`aborted ${i}`, 'x'.repeat(150)]], inTransaction(5, i));
      put(log, [[`committed ${i}`, 'x'.repeat(150)]], inTransaction(6, i));
      log.roll();
    }
    mark(log, 5, 'abort');
    mark(log, 6, 'commit');
    compact(world, log);
    const keys = readAll(log, 0).map(({ key }) => key!.toString());
    assert.deepEqual(
      keys.filter((key) => key.includes('ted')),
      [0, 1, 2, 3, 4, 5].map((i) => `committed ${i}`),
    );
    // The marker of what was committed is still there for those who read it.
    assert.deepEqual(
      batchesIn(log)
        .filter(({ isControl }) => isControl)
        .map(({ producerId }) => producerId),
      [5, 6],
    );
  });
});

function dataOf(log: PartitionLog): string[] {
  const lines: string[] = [];
  for (const header of batchesIn(log)) {
    if (header.isControl) continue;
    for (const { offset, key, value } of decodeBatch(header, 100_000))
      lines.push(`${offset} ${key}=${value}`);
  }
  return lines;
}

function offsetsOf(log: PartitionLog): number[] {
  return batchesIn(log).flatMap((header) => decodeBatch(header, 100_000).map(({ offset }) => offset));
}

function readCommitted(log: PartitionLog, offset: number) {
  const read = log.read(offset, { maxBytes: 10_000, minOneBatch: true, upTo: 'last-stable' });
  read.slice?.release();
  return { abortedTransactions: read.abortedTransactions! };
}

describe('compaction and what happens to the log meanwhile', () => {
  function dirtyLog(world: CleaningWorld): PartitionLog {
    const log = world.open();
    for (let i = 0; i < 30; i++) put(log, [[`k${i % 3}`, `${i}`.padEnd(60)]]);
    log.roll();
    return log;
  }

  /** Does `action` at every point where something else can happen, one after another. */
  function atEveryPoint(
    action: (log: PartitionLog, world: CleaningWorld) => void,
    check: (log: PartitionLog, world: CleaningWorld, at: number) => void,
  ): void {
    for (let at = 0; ; at++) {
      const world = new CleaningWorld();
      const log = dirtyLog(world);
      let turn = 0;
      try {
        world.round(log, undefined, () => {
          if (turn++ === at) action(log, world);
        });
      } catch (error) {
        assert.ok(error instanceof CleaningAborted, String(error));
      }
      check(log, world, at);
      if (turn <= at) {
        assert.ok(at > 20, `${at} points`);
        return;
      }
    }
  }

  it('a truncation wins: nothing beyond comes back, not even after a restart', () => {
    atEveryPoint(
      (log) => log.truncateTo(10),
      (log, world) => {
        const all = readAll(log, 0).map(({ offset }) => offset);
        assert.ok(all.every((offset) => offset < 10) || log.logEndOffset === 30, `${all}`);
        const { logEndOffset, recoveryPoint } = log;
        const again = world.open({ recoveryPoint });
        assert.equal(again.logEndOffset, logEndOffset);
        assert.deepEqual(
          readAll(again, 0).map(({ offset }) => offset),
          all,
        );
      },
    );
  });

  it('segments may go by retention', () => {
    atEveryPoint(
      (log, world) => {
        log.advanceLogStartOffset(15);
        log.deleteOldSegments(world.time.now());
      },
      (log) => {
        const all = readAll(log, log.logStartOffset).map(({ offset }) => offset);
        assert.deepEqual(all.slice(-3), [27, 28, 29]);
      },
    );
  });

  it('the log may be deleted', () => {
    atEveryPoint(
      (log) => {
        log.moveAway('/data/topic-0.gone-delete');
        log.removeFiles();
      },
      (log, world, at) => {
        assert.equal(log.isOffline, false, `${at}`);
        world.time.advance(100);
        world.simulated.completeLater();
      },
    );
  });

  it('the log may be closed, and opens with all of it', () => {
    atEveryPoint(
      (log) => log.close(),
      (_, world) => {
        const again = world.open({ recoveryPoint: 30, wasCleanShutdown: true });
        const latest = readAll(again, 0).slice(-3);
        assert.deepEqual(
          latest.map(({ offset }) => offset),
          [27, 28, 29],
        );
        assert.deepEqual(
          world.names().filter((name) => /swap|cleaned|deleted/.test(name)),
          [],
        );
      },
    );
  });
});
