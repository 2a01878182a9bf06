import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { MemoryDisk } from '../../../broker/src/adapters/memory-disk.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import {
  DIRECTORY,
  LogWorld,
  append,
  batch,
  bytesFrom,
  controlBatch,
  readAll,
  valuesOf,
} from './log-world.ts';
import { WatchedDisk } from './watched-disk.ts';

const FIRST_LOG = `${DIRECTORY}/00000000000000000000.log`;

/** Everything that can be asked of a log, for comparing two of them. */
function facts(log: PartitionLog) {
  log.updateHighWatermark(log.logEndOffset);
  return {
    values: valuesOf(readAll(log, log.logStartOffset)),
    end: log.logEndOffset,
    stable: log.lastStableOffset,
    // What a snapshot keeps: of the last batches the last, with the time of the producer's last write.
    producers: log.producerStates().map((entry) => ({
      ...entry,
      batches: entry.batches.slice(-1).map((last) => ({ ...last, timestamp: entry.lastTimestamp })),
    })),
    epochs: [0, 1, 2, 3, 4].map((epoch) => log.endOffsetForEpoch(epoch)),
    latest: log.offsetForTimestamp(-3, 'log-end'),
    aborted: log
      .read(log.logStartOffset, { maxBytes: 1 << 20, minOneBatch: true, upTo: 'last-stable' })
      .abortedTransactions?.map(({ producerId, firstOffset }) => [producerId, firstOffset]),
  };
}

/** A log of several segments, with idempotent and transactional producers and several epochs. */
function fill(log: PartitionLog, count = 24): void {
  for (let i = 0; i < count; i++) {
    const leaderEpoch = Math.floor(i / 8);
    const send = (records: Buffer, origin: 'client' | 'coordinator' = 'client') =>
      log.appendAsLeader(records, { leaderEpoch, origin });
    const timestamp = 1_700_000_000_000 + ((i * 7) % 5);
    if (i % 6 === 4) send(controlBatch(9, i % 12 === 4 ? 0 : 1), 'coordinator');
    else if (i % 6 === 3) {
      const isTransactional = true;
      send(
        batch([`t${i}`], {
          producerId: 9,
          producerEpoch: 0,
          baseSequence: (i - 3) / 6,
          isTransactional,
          timestamp,
        }),
      );
    } else if (i % 2 === 0) {
      send(batch([`i${i}`], { producerId: 5, producerEpoch: 1, baseSequence: sequenceOf(i), timestamp }));
    } else send(batch([`p${i}`, 'x'.repeat(i)], { timestamp }));
  }
  log.updateHighWatermark(log.logEndOffset);
}

/** How many batches of producer 5 came before the i-th batch. */
function sequenceOf(i: number): number {
  let count = 0;
  for (let j = 0; j < i; j += 2) if (j % 6 !== 4) count++;
  return count;
}

function twoBatches(): LogWorld {
  const world = new LogWorld();
  const log = world.open();
  append(log, ['one']);
  append(log, ['two', '2']);
  return world;
}

describe('recovery after a crash', () => {
  it('finds everything of a log that was not closed', () => {
    const world = new LogWorld({ segmentBytes: 500, indexIntervalBytes: 100 });
    const log = world.open();
    fill(log);
    const before = facts(log);
    assert.deepEqual(facts(world.open()), before);
    assert.deepEqual(facts(world.open()), before, 'and once more');
  });

  it('cut at any byte of the last append leaves all batches before it', () => {
    const sizes = [batch(['one', '1']).length, batch(['two']).length];
    const whole = new LogWorld();
    append(whole.open(), ['one', '1']);
    append(whole.open(), ['two'], { producerId: 3, producerEpoch: 0, baseSequence: 0 });
    const bytes = whole.disk.readFile(FIRST_LOG)!;
    assert.equal(bytes.length, sizes[0]! + sizes[1]!);
    for (let size = 0; size < bytes.length; size++) {
      const world = new LogWorld();
      append(world.open(), ['one', '1']);
      append(world.open(), ['two'], { producerId: 3, producerEpoch: 0, baseSequence: 0 });
      world.disk.open(FIRST_LOG).truncate(size);
      const log = world.open();
      assert.equal(log.logEndOffset, size < sizes[0]! ? 0 : 2, `cut at ${size}`);
      assert.equal(log.producerStates().length, 0);
      assert.equal(append(log, ['next']).firstOffset, log.logEndOffset - 1);
      assert.equal(valuesOf(readAll(log, 0)).at(-1), 'next');
    }
  });

  it('notices any flipped bit and every stretch of zeros in the last batch', () => {
    const start = batch(['one']).length;
    const end = twoBatches().disk.readFile(FIRST_LOG)!.length;
    for (let at = start; at < end; at++) {
      // Offset and leader epoch lie outside the checksum; a wrong offset shows by its order only.
      if (at < start + 8 || (at >= start + 12 && at < start + 16)) continue;
      const world = twoBatches();
      const file = world.disk.open(FIRST_LOG);
      const byte = Buffer.alloc(1);
      file.read(byte, 0, 1, at);
      file.write(Buffer.from([byte[0]! ^ 0x10]), at);
      assert.equal(world.open().logEndOffset, 1, `bit at ${at}`);
    }
    for (let from = start; from < end; from += 5) {
      const world = twoBatches();
      world.disk.open(FIRST_LOG).write(Buffer.alloc(end - from), from);
      assert.equal(world.open().logEndOffset, 1, `zeros from ${from}`);
    }
  });

  it('cuts what follows damage, later segments included', () => {
    const world = new LogWorld({ segmentBytes: 200 });
    const log = world.open();
    for (let i = 0; i < 12; i++) append(log, [`value ${i}`]);
    const second = world.names().filter((name) => name.endsWith('.log'))[1]!;
    world.disk.open(`${DIRECTORY}/${second}`).write(Buffer.from([0xff]), 70);
    const again = world.open();
    assert.equal(again.logEndOffset, Number(second.slice(0, 20)));
    assert.deepEqual(
      valuesOf(readAll(again, 0)),
      Array.from({ length: again.logEndOffset }, (_, i) => `value ${i}`),
    );
    append(again, ['next']);
    assert.equal(world.open().logEndOffset, again.logEndOffset);
  });

  it('reads only from the recovery point on', () => {
    const world = new LogWorld({ segmentBytes: 200 });
    const log = world.open();
    for (let i = 0; i < 12; i++) append(log, [`value ${i}`]);
    log.flush();
    const point = log.recoveryPoint;
    assert.equal(point, 12);
    append(log, ['unflushed']);
    const [first] = world.names().filter((name) => name.endsWith('.log'));
    // Damage before the recovery point is not looked for.
    world.disk.open(`${DIRECTORY}/${first}`).write(Buffer.from([0xff]), 65);
    const again = world.open({ recoveryPoint: point });
    assert.equal(again.logEndOffset, 13);
    assert.equal(again.recoveryPoint, 12);
  });

  it('reads no batch at all after a clean shutdown but behind the last index entry', () => {
    const disk = new WatchedDisk(new MemoryDisk(() => 0));
    const world = new LogWorld({ segmentBytes: 500, indexIntervalBytes: 100 }, disk);
    const log = world.open();
    fill(log);
    const before = facts(log);
    log.close();
    const active = `${DIRECTORY}/${world.names().findLast((name) => name.endsWith('.log'))}`;
    let read = 0;
    disk.before = (operation, path, sizeBytes) => {
      if (operation !== 'read' || !path.endsWith('.log')) return;
      assert.equal(path, active);
      read += sizeBytes;
    };
    const again = world.open({ wasCleanShutdown: true, recoveryPoint: log.logEndOffset });
    disk.before = () => {};
    assert.ok(read <= 500, `${read} bytes read`);
    assert.deepEqual(facts(again), before);
  });

  it('computes indexes anew that are missing, cut or of impossible size, also after a clean shutdown', () => {
    const reference = new LogWorld({ segmentBytes: 500, indexIntervalBytes: 100 });
    const log = reference.open();
    fill(log);
    const before = facts(log);
    log.close();
    const indexes = reference.names().filter((name) => name.endsWith('index'));
    assert.ok(indexes.some((name) => name.endsWith('.txnindex')));
    for (const name of indexes) {
      for (const damage of ['remove', 'odd'] as const) {
        if (damage === 'remove' && name.endsWith('.txnindex')) continue;
        const world = new LogWorld({ segmentBytes: 500, indexIntervalBytes: 100 });
        const one = world.open();
        fill(one);
        one.close();
        const path = `${DIRECTORY}/${name}`;
        const contents = world.disk.readFile(path)!;
        if (damage === 'remove') world.disk.remove(path);
        else world.disk.open(path).append([Buffer.from([1, 2, 3])]);
        assert.deepEqual(
          facts(world.open({ wasCleanShutdown: true, recoveryPoint: one.logEndOffset })),
          before,
          name,
        );
        assert.ok(world.disk.readFile(path)!.equals(contents), `${name} is as it was`);
      }
    }
  });

  it('makes indexes equal to those written while appending', () => {
    const world = new LogWorld({ segmentBytes: 600, indexIntervalBytes: 100 });
    const log = world.open();
    fill(log);
    log.close();
    const indexes = world.names().filter((name) => name.endsWith('index'));
    const before = indexes.map((name) => world.disk.readFile(`${DIRECTORY}/${name}`)!.toString('hex'));
    for (const name of indexes) world.disk.remove(`${DIRECTORY}/${name}`);
    world.open().close();
    assert.deepEqual(
      indexes.map((name) => world.disk.readFile(`${DIRECTORY}/${name}`)!.toString('hex')),
      before,
    );
  });

  it('goes on without the leader epoch file: recovery finds the epochs in the batches', () => {
    const world = new LogWorld({ segmentBytes: 500 });
    const log = world.open();
    fill(log);
    const before = facts(log);
    world.disk.remove(`${DIRECTORY}/leader-epoch-checkpoint`);
    assert.deepEqual(facts(world.open()), before);
    world.disk.replaceFile(`${DIRECTORY}/leader-epoch-checkpoint`, Buffer.from('0\n1\nnonsense'));
    assert.deepEqual(facts(world.open()), before);
  });

  it('drops epochs that begin at or beyond the end', () => {
    const world = new LogWorld();
    append(world.open(), ['a', 'b']);
    const path = `${DIRECTORY}/leader-epoch-checkpoint`;
    world.disk.replaceFile(path, Buffer.from('0\n3\n0 0\n4 2\n5 9\n'));
    const log = world.open({ recoveryPoint: 2 });
    assert.equal(log.latestLeaderEpoch, 0);
    log.close();
    assert.equal(world.disk.readFile(path)!.toString(), '0\n1\n0 0\n');
  });

  it('goes on without snapshots, and with stray and damaged ones', () => {
    const world = new LogWorld({ segmentBytes: 500 });
    const log = world.open();
    fill(log);
    const before = facts(log);
    for (const name of world.names().filter((file) => file.endsWith('.snapshot'))) {
      world.disk.open(`${DIRECTORY}/${name}`).truncate(10);
    }
    world.disk.replaceFile(`${DIRECTORY}/00000000000000099999.snapshot`, Buffer.from('beyond the end'));
    assert.deepEqual(facts(world.open()), before);
    assert.ok(!world.names().includes('00000000000000099999.snapshot'));
  });

  it('keeps a gap between segments, and refuses segments that overlap', () => {
    const world = new LogWorld({ segmentBytes: 200 });
    const log = world.open();
    log.appendAsFollower(batch(['a'], { baseOffset: 0 }));
    log.roll(1000);
    log.appendAsFollower(batch(['b'], { baseOffset: 1000 }));
    assert.deepEqual(valuesOf(readAll(world.open({ recoveryPoint: 1000 }), 0)), ['a', 'b']);
    world.disk.replaceFile(
      `${DIRECTORY}/00000000000000000500.log`,
      encodeRecordBatch({
        baseOffset: 2000,
        records: [{ key: null, value: Buffer.from('c'), headers: [], timestamp: 1 }],
      }),
    );
    const again = world.open({ recoveryPoint: 500 });
    assert.deepEqual(valuesOf(readAll(again, 0)), ['a', 'c']);
    assert.equal(again.logEndOffset, 2001);
  });

  it('takes a gap behind a segment that was not flushed for a lost tail', () => {
    const world = new LogWorld({ segmentBytes: 200 });
    const log = world.open();
    for (let i = 0; i < 9; i++) append(log, [`value ${i}`]);
    const [first, second] = world.names().filter((name) => name.endsWith('.log'));
    const sizeBytes = world.disk.readFile(`${DIRECTORY}/${first}`)!.length;
    // At the end of a batch, so that nothing is left to be cut off.
    world.disk.open(`${DIRECTORY}/${first}`).truncate(sizeBytes / 2);
    const again = world.open();
    assert.ok(again.logEndOffset < Number(second!.slice(0, 20)));
    assert.equal(readAll(again, 0).length, again.logEndOffset);
    assert.equal(again.segmentCount, 1);
  });

  it('begins at the log start offset when everything lies before it', () => {
    const world = new LogWorld();
    append(world.open(), ['a', 'b']);
    const log = world.open({ logStartOffset: 10 });
    assert.deepEqual([log.logStartOffset, log.logEndOffset], [10, 10]);
    assert.equal(append(log, ['c']).firstOffset, 10);
    assert.equal(world.open().logStartOffset, 10);
  });

  it('keeps the log start offset that was checkpointed', () => {
    const world = new LogWorld();
    append(world.open(), ['a', 'b', 'c']);
    const log = world.open({ logStartOffset: 1 });
    assert.deepEqual([log.logStartOffset, log.logEndOffset], [1, 3]);
  });
});

describe('what was half done', () => {
  it('is removed when it waited for removal', () => {
    const world = new LogWorld({ segmentBytes: 200, retentionMs: 0 });
    const log = world.open();
    for (let i = 0; i < 9; i++) append(log, [`value ${i}`]);
    log.deleteOldSegments(world.time.now() + 10);
    assert.ok(world.names().some((name) => name.endsWith('.deleted')));
    const start = log.logStartOffset;
    const again = world.open();
    assert.ok(!world.names().some((name) => name.endsWith('.deleted')));
    assert.deepEqual([again.logStartOffset, again.logEndOffset], [start, 9]);
  });

  it('of a deletion, whichever of its renames came last, leaves a log that opens', () => {
    for (let done = 0; done <= 3; done++) {
      const world = new LogWorld({ segmentBytes: 200 });
      const log = world.open();
      for (let i = 0; i < 9; i++) append(log, [`value ${i}`]);
      for (const suffix of ['.log', '.timeindex', '.index'].slice(0, done)) {
        const path = `${DIRECTORY}/00000000000000000000${suffix}`;
        world.disk.rename(path, `${path}.deleted`);
      }
      const again = world.open();
      const start = done === 0 ? 0 : again.firstSegmentOffset;
      assert.ok(done === 0 || start > 0);
      assert.equal(readAll(again, start).length, 9 - start);
      assert.ok(!world.names().some((name) => name.endsWith('.deleted')));
    }
  });

  it('of a roll that found no room, and that a loss of power brings back, is dropped', () => {
    const world = twoBatches();
    const log = world.open();
    // Synced up to 3 for the roll, which failed; then the log went on where it was.
    append(log, ['three']);
    append(log, ['four']);
    for (const suffix of ['.log', '.index']) {
      world.disk.open(`${DIRECTORY}/00000000000000000003${suffix}`, { create: true });
    }
    const again = world.open({ recoveryPoint: 3 });
    assert.equal(again.logEndOffset, log.logEndOffset);
    assert.deepEqual(valuesOf(readAll(again, 0)), ['one', 'two', '2', 'three', 'four']);
    assert.ok(!world.names().includes('00000000000000000003.log'));
  });

  it('of a roll is an empty segment, or none', () => {
    for (const files of [['.log'], ['.log', '.index'], ['.log', '.index', '.timeindex'], ['.index']]) {
      const world = new LogWorld();
      const log = world.open();
      append(log, ['a', 'b']);
      for (const suffix of files)
        world.disk.open(`${DIRECTORY}/00000000000000000002${suffix}`, { create: true });
      const again = world.open();
      assert.equal(again.logEndOffset, 2);
      append(again, ['c']);
      assert.deepEqual(valuesOf(readAll(world.open(), 0)), ['a', 'b', 'c']);
    }
  });

  it('of a compaction: unfinished work goes, finished work replaces the originals', () => {
    const world = new LogWorld({ segmentBytes: 200 });
    const log = world.open();
    for (let i = 0; i < 9; i++) append(log, [`value ${i}`]);
    log.close();
    const bases = world.names().flatMap((name) => (name.endsWith('.log') ? [Number(name.slice(0, 20))] : []));
    const kept = bytesFrom(world.open(), bases[1]!).subarray(0, batch(['value 0']).length);
    // Cleaned: the first two segments became one with the first record of the second.
    const path = `${DIRECTORY}/00000000000000000000`;
    world.disk.replaceFile(`${path}.log.swap`, kept);
    world.disk.replaceFile(`${path}.index.swap`, Buffer.alloc(0));
    world.disk.replaceFile(`${path}.timeindex.swap`, Buffer.alloc(0));
    world.disk.replaceFile(`${DIRECTORY}/00000000000000000004.log.cleaned`, Buffer.from('unfinished'));
    const again = world.open({ recoveryPoint: bases[2]! });
    assert.ok(!world.names().some((name) => /\.(swap|cleaned)$/.test(name)));
    assert.equal(readAll(again, 0)[0]!.offset, bases[1]);
    assert.equal(again.logEndOffset, 9);
  });
});
