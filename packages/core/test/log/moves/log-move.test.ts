import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { DiskError } from '../../../src/ports/disk.ts';
import { append, batch, bytesFrom, codeOf, controlBatch, readAll, valuesOf } from '../log-world.ts';
import { A, B, C, MoveWorld, TOPIC_ID, appendIn, fill } from './move-world.ts';

const { KAFKA_STORAGE_ERROR, LOG_DIR_NOT_FOUND } = ErrorCode;

describe('a log that moves to another data directory', () => {
  it('is the same there, byte by byte, and the former one goes after the usual delay', () => {
    const world = new MoveWorld();
    const before = world.make();
    fill(before, 100);
    const bytes = bytesFrom(before, 0);
    assert.ok(before.segmentCount > 3);
    world.moveTo(B);
    assert.deepEqual([world.names(A), world.names(B)], [['t-0'], ['t-0.ID-future']]);
    world.settle();
    assert.deepEqual(world.replaced, [world.log]);
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.deepEqual(bytesFrom(world.log, 0), bytes);
    assert.equal(world.log.topicId, TOPIC_ID);
    assert.equal(world.log.highWatermark, before.highWatermark);
    assert.deepEqual([world.names(A), world.names(B), world.future], [['t-0.ID-delete'], ['t-0'], null]);
    world.time.advance(60);
    world.settle();
    assert.deepEqual(world.names(A), []);
  });

  it('is written, read and retained while it moves; what is being sent stays readable', () => {
    const world = new MoveWorld({ retentionBytes: 10_000 });
    fill(world.make(), 150);
    world.moveTo(B);
    const { slice } = world.log.read(140, { maxBytes: 500, minOneBatch: true, upTo: 'log-end' });
    const expected = slice!.toBuffer();
    for (let i = 0; world.replaced.length === 0 && i < 100; i++) {
      fill(world.log, 2, 150 + 2 * i);
      if (i === 1) world.log.deleteOldSegments(world.time.now());
      world.settle(1);
    }
    assert.equal(world.log.directory, `${B}/t-0`);
    fill(world.log, 1, 1000);
    world.settle();
    world.time.advance(60);
    world.settle();
    assert.deepEqual(slice!.toBuffer(), expected, 'though its file is gone');
    slice!.release();
    const values = valuesOf(readAll(world.log, world.log.logStartOffset));
    assert.equal(values.length, world.log.logEndOffset - world.log.logStartOffset);
    assert.equal(values.at(-1)!.slice(0, 10), 'value 1000');
    assert.ok(world.log.logStartOffset > 0);
  });

  it('F15: keeps what is known of leaders that wrote nothing, and of producers whose records are gone', () => {
    const world = new MoveWorld();
    const log = world.make();
    log.appendAsLeader(batch(['a'], { producerId: 7, producerEpoch: 1, baseSequence: 4 }), {
      leaderEpoch: 0,
      origin: 'client',
    });
    appendIn(log, 0, 'b');
    log.assignLeaderEpoch(3);
    log.advanceLogStartOffset(2);
    log.assignLeaderEpoch(5);
    const [producers, epochs] = [log.producerStates(), log.storage.epochs.all];
    world.moveTo(B);
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.deepEqual(world.log.storage.epochs.all, epochs);
    assert.deepEqual(world.log.endOffsetForEpoch(5), { epoch: 5, endOffset: 2 });
    assert.deepEqual(world.log.producerStates(), producers);
    world.manager.close();
    world.restart(world.disk);
    assert.deepEqual(world.log.producerStates(), producers, 'also after a restart');
    assert.equal(world.log.logStartOffset, 2);
  });

  it('keeps open and aborted transactions', () => {
    const world = new MoveWorld();
    const log = world.make();
    const begin = (producerId: number): void => {
      const options = { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true };
      log.appendAsLeader(batch(['t'], options), { leaderEpoch: 0, origin: 'client' });
    };
    begin(1);
    begin(2);
    log.appendAsLeader(controlBatch(1, 0), { leaderEpoch: 0, origin: 'coordinator' });
    log.updateHighWatermark(log.logEndOffset);
    world.moveTo(B);
    world.settle();
    assert.equal(world.log.lastStableOffset, 1);
    const read = world.log.read(0, { maxBytes: 1000, minOneBatch: true, upTo: 'last-stable' });
    read.slice!.release();
    assert.deepEqual(
      read.abortedTransactions!.map(({ producerId }) => producerId),
      [1],
    );
  });

  it('goes on after the records where compaction left none', () => {
    const world = new MoveWorld();
    const log = world.make();
    fill(log, 3);
    log.storage.skipTo(10);
    log.updateHighWatermark(10);
    world.moveTo(B);
    world.settle();
    assert.deepEqual([world.log.directory, world.log.logEndOffset], [`${B}/t-0`, 10]);
    append(world.log, ['next']);
    assert.deepEqual(valuesOf(readAll(world.log, 3)), ['next']);
  });

  it('is not compacted while it moves, and knows afterwards how far it was', () => {
    const world = new MoveWorld();
    const log = world.make();
    fill(log, 50);
    log.storage.cleanedTo(20);
    const version = log.storage.structureVersion;
    world.moveTo(B);
    assert.ok(world.manager.futures.isMoving(log));
    assert.ok(log.storage.structureVersion > version, 'a round under way ends');
    world.settle();
    assert.ok(!world.manager.futures.isMoving(world.log));
    assert.equal(world.log.cleanedOffset, 20);
    assert.match(world.disk.readFile(`${B}/cleaner-offset-checkpoint`)!.toString(), /t 0 20/);
  });

  it('syncs nothing on the loop, and where the new one is compacted is on the disk before it is the log', () => {
    const world = new MoveWorld();
    const log = world.make();
    world.settle();
    fill(log, 50);
    log.flush();
    log.storage.cleanedTo(20);
    const onLoop: string[] = [];
    world.disk.before = ({ kind, path }) => {
      if (kind.startsWith('sync') && !world.disk.isOffLoop) onLoop.push(path);
      return null;
    };
    world.moveTo(B);
    while (world.replaced.length === 0) world.settle(1);
    assert.deepEqual(onLoop, []);
    for (let seed = 0; seed < 10; seed++) {
      const after = world.disk.afterPowerLoss(seed);
      assert.match(after.readFile(`${B}/cleaner-offset-checkpoint`)!.toString(), /t 0 20/);
    }
  });

  it('is tried again where that could not be written', () => {
    const world = new MoveWorld();
    const log = world.make();
    fill(log, 50);
    log.flush();
    log.storage.cleanedTo(20);
    let isFull = true;
    world.disk.before = ({ path }) => (isFull && path.includes('cleaner-offset') ? { code: 'ENOSPC' } : null);
    world.moveTo(B);
    world.settle();
    assert.equal(world.log.directory, `${A}/t-0`);
    isFull = false;
    world.time.advance(2000);
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.match(world.disk.readFile(`${B}/cleaner-offset-checkpoint`)!.toString(), /t 0 20/);
  });

  it('with flush.messages=1, an append that waits for its sync is acknowledged by the new log', () => {
    const world = new MoveWorld({ flushMessages: 1 });
    fill(world.make(), 20);
    world.settle();
    world.moveTo(B);
    let appended = 20;
    while (world.replaced.length === 0) {
      fill(world.log, 1, appended++);
      world.settle(1);
    }
    const { log } = world;
    assert.equal(log.directory, `${B}/t-0`);
    assert.equal(log.logEndOffset, appended);
    world.settle();
    assert.equal(log.acknowledgeableOffset, appended);
    assert.equal(log.recoveryPoint, appended);
    world.restart(world.disk.afterPowerLoss(5));
    assert.equal(world.log.logEndOffset, appended);
  });
});

describe('a loss of power right after another log took the place of the former one', () => {
  it('leaves one with all that counted as synced, whichever of the two names is on the disk', () => {
    const world = new MoveWorld();
    fill(world.make(), 30);
    world.settle();
    fill(world.log, 4, 30);
    assert.ok(world.log.recoveryPoint < 34, 'there is something that a loss of power may take');
    world.moveTo(B);
    while (world.replaced.length === 0) world.settle(1);
    const { disk, log } = world;
    const promised = log.recoveryPoint;
    assert.equal(log.logEndOffset, 34);
    for (let seed = 0; seed < 40; seed++) {
      world.restart(disk.afterPowerLoss(seed));
      assert.ok(world.log.logEndOffset >= promised, `seed ${seed}: ${world.log.logEndOffset} of ${promised}`);
    }
    world.restart(disk.afterProcessCrash());
    assert.deepEqual([world.log.directory, world.log.logEndOffset], [`${B}/t-0`, 34]);
    world.settle();
    assert.deepEqual(world.names(A), ['t-0.ID-delete']);
  });

  it('may leave the former one: what only the new one has synced is not promised yet', () => {
    const world = new MoveWorld({ segmentBytes: 100_000 });
    fill(world.make(), 5);
    world.moveTo(B);
    while (world.replaced.length === 0) world.settle(1);
    const { disk, log } = world;
    const promised = log.recoveryPoint;
    for (let seed = 0; seed < 40; seed++) {
      world.restart(disk.afterPowerLoss(seed));
      const end = world.manager.log('t', 0)?.logEndOffset ?? 0;
      assert.ok(end >= promised, `seed ${seed}: ${end} of ${promised}`);
    }
  });

  it('leaves what was appended and synced since: the sync brings the name to the disk, too', () => {
    for (const isOffLoop of [false, true]) {
      const world = new MoveWorld();
      fill(world.make(), 3);
      world.moveTo(B);
      while (world.replaced.length === 0) world.settle(1);
      fill(world.log, 2, 3);
      if (!isOffLoop) world.log.flush();
      else {
        const synced: (DiskError | null)[] = [];
        world.log.flushLater((error) => void synced.push(error));
        while (synced.length === 0) {
          // The newest first: the move's own sync of the name comes last.
          world.disk.completeNewestLater();
          world.time.step();
        }
        assert.deepEqual(synced, [null]);
      }
      const { disk, log } = world;
      assert.deepEqual([log.recoveryPoint, log.logEndOffset], [5, 5]);
      assert.deepEqual(world.names(A), ['t-0'], 'the move itself has not synced it yet');
      for (let seed = 0; seed < 20; seed++) {
        world.restart(disk.afterPowerLoss(seed));
        assert.equal(world.log.logEndOffset, 5, `off the loop: ${isOffLoop}, seed ${seed}`);
      }
    }
  });

  it('and one that nobody can tell which it is keeps the broker from starting', () => {
    const world = new MoveWorld();
    fill(world.make(), 40);
    world.moveTo(B);
    while (world.replaced.length === 0) world.settle(1);
    const disk = world.disk.afterProcessCrash();
    disk.remove(`${B}/t-0/log-generation`);
    assert.equal(
      codeOf(() => world.restart(disk)),
      KAFKA_STORAGE_ERROR,
    );
  });
});

describe('a wish for another data directory', () => {
  it('is remembered for a log that there is not yet', () => {
    const world = new MoveWorld();
    world.manager.futures.prefer('t', 0, C);
    assert.equal(world.make().directory, `${C}/t-0`);
    assert.equal(world.manager.getOrCreate('t', 1, TOPIC_ID).directory, `${A}/t-1`, 'and used once');
  });

  it('changes nothing for a log that is there', () => {
    const world = new MoveWorld();
    fill(world.make(), 3);
    world.moveTo(A);
    assert.equal(world.future, null);
    assert.deepEqual(world.names(A), ['t-0']);
  });

  it('ends the move to another one, also where it is for the one that the log is in', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    world.moveTo(C);
    assert.match(world.future!.directory, /^\/data\/c\/t-0\..*-future$/);
    assert.deepEqual(world.names(B), ['t-0.ID-delete']);
    world.moveTo(A);
    assert.equal(world.future, null);
    for (let i = 0; i < 2; i++) {
      world.time.advance(2000);
      world.settle();
    }
    assert.equal(world.log.directory, `${A}/t-0`);
    assert.deepEqual([world.names(A), world.names(B), world.names(C)], [['t-0'], [], []]);
  });

  it('is refused for a directory that is none, or has failed, and while another has failed', () => {
    const world = new MoveWorld();
    fill(world.make(), 3);
    assert.equal(
      codeOf(() => world.moveTo('/elsewhere')),
      LOG_DIR_NOT_FOUND,
    );
    const failing = world.manager.getOrCreate('u', 0, TOPIC_ID);
    assert.equal(failing.directory, `${B}/u-0`);
    world.disk.before = ({ path }) => (path.startsWith(B) ? { code: 'EIO' } : null);
    codeOf(() => fill(failing, 1));
    assert.equal(
      codeOf(() => world.moveTo(B)),
      KAFKA_STORAGE_ERROR,
    );
    assert.equal(
      codeOf(() => world.moveTo(C)),
      KAFKA_STORAGE_ERROR,
      'a future log may lie in the one that has failed',
    );
  });

  it('can be followed by one back, at once', () => {
    const world = new MoveWorld();
    fill(world.make(), 30);
    for (const path of [B, A, C, A]) {
      world.moveTo(path);
      while (world.log.directory !== `${path}/t-0`) world.settle(1);
      fill(world.log, 1);
    }
    world.settle();
    world.time.advance(100);
    world.settle();
    assert.deepEqual([world.names(A), world.names(B), world.names(C)], [['t-0'], [], []]);
    assert.equal(valuesOf(readAll(world.log, 0)).length, 34);
  });
});

describe('what may happen during a move', () => {
  it('the directory that it goes to fails: the log goes on where it is', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    world.disk.before = ({ path }) => (path.startsWith(B) ? { code: 'EIO' } : null);
    world.time.advance(2000);
    world.settle();
    assert.ok(!world.manager.futures.isMoving(world.log));
    fill(world.log, 1, 100);
    assert.equal(valuesOf(readAll(world.log, 0)).length, 101);
    world.disk.before = () => null;
    world.bytesPerSecond = Infinity;
    world.restart();
    world.resume();
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`, 'and after the next start the move goes on');
    assert.equal(valuesOf(readAll(world.log, 0)).length, 101);
  });

  it('the directory that it comes from fails: the log is offline, and moves on after the next start', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    world.disk.before = ({ path }) => (path.startsWith(A) ? { code: 'EIO' } : null);
    assert.equal(
      codeOf(() => fill(world.log, 1)),
      KAFKA_STORAGE_ERROR,
    );
    world.time.advance(2000);
    world.settle();
    assert.ok(!world.manager.futures.isMoving(world.log));
    world.disk.before = () => null;
    world.bytesPerSecond = Infinity;
    world.restart();
    world.resume();
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.equal(valuesOf(readAll(world.log, 0)).length, 100);
  });

  it('the disk is full: it goes on when there is room', () => {
    const world = new MoveWorld();
    fill(world.make(), 100);
    world.disk.capacityBytes = world.disk.usedBytes() + 5000;
    world.moveTo(B);
    world.settle();
    assert.equal(world.log.directory, `${A}/t-0`);
    assert.ok(world.log.isOpen && world.future!.isOpen);
    world.disk.capacityBytes = Infinity;
    world.time.advance(2000);
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.equal(valuesOf(readAll(world.log, 0)).length, 100);
  });

  it('the topic is deleted: nothing is left of either log', () => {
    for (const steps of [1, 2, 5, 20, 200]) {
      const world = new MoveWorld();
      fill(world.make(), 100);
      world.moveTo(B);
      world.settle(steps);
      world.manager.delete('t', 0);
      assert.deepEqual([world.manager.log('t', 0), world.future], [null, null]);
      world.settle();
      world.time.advance(100);
      world.settle();
      assert.deepEqual([world.names(A), world.names(B)], [[], []], `after ${steps} steps`);
      assert.equal(world.make().logEndOffset, 0, 'and a new one knows nothing of it');
    }
  });

  it('the broker stops: the next start finds one log or two, and goes on', () => {
    for (let steps = 1; steps < 30; steps++) {
      const world = new MoveWorld();
      fill(world.make(), 30);
      world.moveTo(B);
      world.settle(steps);
      world.manager.close();
      world.restart(world.disk);
      world.resume();
      world.settle();
      assert.equal(world.log.directory, `${B}/t-0`, `after ${steps} steps`);
      assert.equal(valuesOf(readAll(world.log, 0)).length, 30);
      assert.equal(world.future, null);
    }
  });

  it('the directory that it was in is there no more at the next start: what was copied is the log', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    const copied = world.future!.logEndOffset;
    world.manager.close();
    world.disk.remove(A);
    world.restart(world.disk);
    assert.equal(world.manager.log('t', 0), null);
    const log = world.manager.getOrCreate('t', 0, TOPIC_ID, false);
    assert.deepEqual([log.directory, log.logEndOffset], [`${B}/t-0`, copied]);
  });

  it('a batch of the log is damaged: the move ends, the log goes on', () => {
    const world = new MoveWorld();
    fill(world.make(), 100);
    world.disk.afterRead = (path, position, bytes) => {
      if (path.startsWith(A) && path.endsWith('.log') && position === 0 && bytes.length > 90) bytes[90]! ^= 1;
    };
    world.moveTo(B);
    world.settle();
    assert.ok(!world.manager.futures.isMoving(world.log));
    assert.equal(world.log.directory, `${A}/t-0`);
    fill(world.log, 1);
  });
});
