import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batch, bytesFrom, readAll, valuesOf } from '../log-world.ts';
import { A, B, MoveWorld, appendIn, fill } from './move-world.ts';

describe('the future log', () => {
  it('begins anew where a loss of power has taken its beginning and kept the rest', () => {
    const world = new MoveWorld();
    fill(world.make(), 60);
    const bytes = bytesFrom(world.log, 0);
    world.bytesPerSecond = 8000;
    world.moveTo(B);
    while (world.future!.segmentCount < 3) {
      world.settle(1);
      world.time.advance(100);
    }
    assert.equal(world.replaced.length, 0);
    const first = `${world.future!.directory}/00000000000000000000`;
    const disk = world.disk.afterProcessCrash();
    for (const suffix of ['.log', '.index', '.timeindex']) disk.remove(first + suffix);
    world.restart(disk);
    assert.ok(world.future!.logStartOffset > 0);
    world.bytesPerSecond = Infinity;
    world.resume();
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.equal(world.log.logStartOffset, 0);
    assert.deepEqual(bytesFrom(world.log, 0), bytes);
  });

  it('is cut where the log is cut meanwhile', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    assert.ok(world.future!.logEndOffset > 10 && world.future!.logEndOffset < 90);
    world.log.truncateTo(5);
    appendIn(world.log, 1, 'other');
    world.bytesPerSecond = Infinity;
    world.time.advance(2000);
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.deepEqual(valuesOf(readAll(world.log, 4)).at(-1), 'other');
    assert.equal(world.log.logEndOffset, 6);
  });

  it('begins where the log begins, though all that it had was deleted meanwhile', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    world.log.advanceLogStartOffset(90);
    world.bytesPerSecond = Infinity;
    world.time.advance(2000);
    world.settle();
    const { directory, logStartOffset, firstSegmentOffset, logEndOffset } = world.log;
    assert.deepEqual(
      [directory, logStartOffset, firstSegmentOffset, logEndOffset],
      [`${B}/t-0`, 90, 90, 100],
    );
  });

  it('is cut by leader epochs where the log was cut while nobody looked', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    const copied = world.future!.logEndOffset;
    world.restart();
    assert.equal(world.future!.logEndOffset, copied);
    world.log.truncateTo(5);
    for (let i = 5; i < 120; i++) appendIn(world.log, 1, `new ${i}`);
    const bytes = bytesFrom(world.log, 0);
    world.bytesPerSecond = Infinity;
    world.resume();
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.deepEqual(bytesFrom(world.log, 0), bytes);
  });

  it('begins where the log begins that a loss of power has brought back to before its first record', () => {
    const world = new MoveWorld();
    const log = world.make();
    for (const [at, value] of ['a', 'b', 'c'].entries()) {
      log.appendAsLeader(batch([value], { producerId: 7, producerEpoch: 1, baseSequence: at }), {
        leaderEpoch: 0,
        origin: 'client',
      });
    }
    log.updateHighWatermark(3);
    log.advanceLogStartOffset(3);
    world.moveTo(B);
    world.settle(3);
    assert.equal(world.future!.logStartOffset, 3);
    const disk = world.disk.afterProcessCrash();
    const path = `${A}/t-0/00000000000000000000.log`;
    const file = disk.open(path);
    file.truncate(file.sizeBytes() - 1);
    world.restart(disk);
    assert.deepEqual([world.log.logStartOffset, world.log.logEndOffset], [0, 2]);
    world.resume();
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.deepEqual(valuesOf(readAll(world.log, 0)), ['a', 'b']);
    assert.equal(world.log.producerStates()[0]!.batches.at(-1)!.lastOffset, 1);
  });

  it('is found again by a start, and filled further', () => {
    const world = new MoveWorld();
    world.bytesPerSecond = 3000;
    fill(world.make(), 100);
    world.moveTo(B);
    world.settle();
    const copied = world.future!.logEndOffset;
    world.manager.close();
    world.restart(world.disk);
    assert.equal(world.future!.logEndOffset, copied);
    assert.deepEqual(world.replaced, []);
    world.bytesPerSecond = Infinity;
    world.resume();
    world.settle();
    assert.equal(world.log.directory, `${B}/t-0`);
    assert.equal(valuesOf(readAll(world.log, 0)).length, 100);
  });

  it('grows no faster than replica.alter.log.dirs.io.max.bytes.per.second, which may change on the way', () => {
    const world = new MoveWorld();
    fill(world.make(), 200);
    world.bytesPerSecond = 1000;
    world.moveTo(B);
    const seconds = 10;
    for (let i = 0; i < seconds * 10; i++) {
      world.settle(5);
      world.time.advance(100);
    }
    const { sizeBytes } = world.future!;
    assert.ok(sizeBytes > 0.8 * seconds * 1000 && sizeBytes < 1.2 * seconds * 1000 + 1000, `${sizeBytes}`);
    world.bytesPerSecond = 0;
    world.time.advance(2000);
    world.settle();
    const paused = world.future!.sizeBytes;
    world.time.advance(100_000);
    world.settle();
    assert.equal(world.future!.sizeBytes, paused);
    world.bytesPerSecond = Infinity;
    world.time.advance(2000);
    world.settle();
    assert.equal(world.future, null);
  });
});
