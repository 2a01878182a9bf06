import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { MemoryDisk } from '../../../broker/src/adapters/memory-disk.ts';
import { LogWorld, append, codeOf, readAll, valuesOf } from './log-world.ts';
import { WatchedDisk } from './watched-disk.ts';

function watchedWorld(config: Partial<LogConfig> = {}): { world: LogWorld; disk: WatchedDisk } {
  const disk = new WatchedDisk(new MemoryDisk(() => 0));
  return { world: new LogWorld(config, disk), disk };
}

/** Brings to an end what was begun off the loop. */
async function settle(world: LogWorld): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await turn();
    world.time.advance(0);
  }
}

function isLogWrite(operation: string, path: string): boolean {
  return operation === 'append' && path.endsWith('.log');
}

describe('a failing disk', () => {
  it('that is full lets an append fail, and the log goes on: what was written is cut off', () => {
    for (const tornBytes of [0, 1, 40, 60, 68]) {
      const { world, disk } = watchedWorld();
      const log = world.open();
      append(log, ['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
      const producers = log.producerStates();
      disk.tornBytes = tornBytes;
      disk.code = 'ENOSPC';
      disk.failAt(0, isLogWrite);
      const retry = () => append(log, ['b'], { producerId: 1, producerEpoch: 0, baseSequence: 1 });
      assert.equal(codeOf(retry), ErrorCode.KAFKA_STORAGE_ERROR);
      assert.deepEqual([log.isOffline, log.logEndOffset], [false, 1]);
      assert.deepEqual(log.producerStates(), producers);
      assert.equal(retry().firstOffset, 1);
      assert.deepEqual(valuesOf(readAll(log, 0)), ['a', 'b']);
      assert.deepEqual(valuesOf(readAll(world.open(), 0)), ['a', 'b']);
    }
  });

  it('that is full does not let a log begin anew elsewhere, and the log goes on as it was', () => {
    for (const offset of [1000, 5]) {
      const { world, disk } = watchedWorld();
      const log = world.open();
      log.truncateFullyAndStartAt(10);
      append(log, ['a']);
      disk.code = 'ENOSPC';
      disk.failAt(0, (operation) => operation === 'open');
      const again = () => log.truncateFullyAndStartAt(offset);
      assert.equal(codeOf(again), ErrorCode.KAFKA_STORAGE_ERROR);
      assert.deepEqual([log.isOffline, log.logStartOffset, log.logEndOffset], [false, 10, 11]);
      append(log, ['b']);
      assert.deepEqual(valuesOf(readAll(log, 10)), ['a', 'b']);
      again();
      assert.deepEqual([log.logStartOffset, log.logEndOffset, log.segmentCount], [offset, offset, 1]);
    }
  });

  it('takes the log offline when the cut fails too; opened again it is whole', () => {
    const { world, disk } = watchedWorld();
    const log = world.open();
    append(log, ['a']);
    disk.tornBytes = 30;
    disk.code = 'ENOSPC';
    disk.failAt(0, (operation, path) => path.endsWith('.log') && /append|truncate/.test(operation), true);
    assert.equal(
      codeOf(() => append(log, ['b'])),
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
    assert.ok(log.isOffline);
    disk.before = () => {};
    for (const action of [
      () => append(log, ['c']),
      () => log.read(0, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' }),
      () => log.roll(),
      () => log.flush(),
      () => log.truncateTo(0),
      () => log.offsetForTimestamp(-1, 'log-end'),
    ]) {
      assert.equal(codeOf(action), ErrorCode.KAFKA_STORAGE_ERROR);
    }
    log.close();
    assert.deepEqual(valuesOf(readAll(world.open(), 0)), ['a']);
  });

  it('whichever operation of a workload fails, what was acknowledged is there afterwards, in order', () => {
    for (let nth = 0; ; nth++) {
      const { world, disk } = watchedWorld({ segmentBytes: 200, indexIntervalBytes: 50, flushMessages: 3 });
      let wasHit = false;
      const log = world.open();
      disk.tornBytes = nth % 70;
      disk.failAt(nth, () => true);
      const { before } = disk;
      disk.before = (operation, path, size) => {
        try {
          before(operation, path, size);
        } catch (error) {
          wasHit = true;
          throw error;
        }
      };
      const acknowledged = workload(log);
      disk.before = () => {};
      const again = world.open({ recoveryPoint: log.recoveryPoint });
      const values = valuesOf(readAll(again, 0));
      assert.deepEqual(
        values.filter((value) => acknowledged.includes(value)),
        acknowledged,
        `failure at ${nth}`,
      );
      assert.ok(values.length <= acknowledged.length + 1, 'at most the one whose flush failed comes on top');
      if (!wasHit) break;
    }
  });

  it('a failed sync is never followed by a good one', async () => {
    const { world, disk } = watchedWorld();
    const log = world.open();
    append(log, ['a']);
    disk.failAt(0, (operation) => operation === 'sync');
    const outcome = await new Promise((resolve) => {
      log.flushLater(resolve);
      void settle(world);
    });
    assert.equal((outcome as { code: string }).code, 'EIO');
    assert.ok(log.isOffline);
    assert.equal(log.recoveryPoint, 0);
    assert.equal(
      codeOf(() => log.flush()),
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
  });
});

/** @returns what was acknowledged */
function workload(log: PartitionLog): string[] {
  const acknowledged: string[] = [];
  for (let i = 0; i < 12; i++) {
    if (codeOf(() => append(log, [`value ${i}`])) === 0) acknowledged.push(`value ${i}`);
  }
  return acknowledged;
}

describe('flushing', () => {
  it('with flush.messages=1 lets nothing be acknowledged before it is synced', async () => {
    const { world, disk } = watchedWorld({ flushMessages: 1 });
    const log = world.open();
    const syncs: string[] = [];
    disk.before = (operation, path) => {
      if (operation === 'sync') syncs.push(path);
    };
    append(log, ['a']);
    append(log, ['b']);
    assert.deepEqual([log.recoveryPoint, log.acknowledgeableOffset, log.logEndOffset], [0, 0, 2]);
    const progress: number[] = [];
    log.onProgress = () => progress.push(log.acknowledgeableOffset);
    await settle(world);
    const log0 = '/data/topic-0/00000000000000000000.log';
    assert.deepEqual(syncs, ['/data/topic-0/leader-epoch-checkpoint.later.tmp', log0, log0]);
    assert.deepEqual([log.recoveryPoint, log.acknowledgeableOffset], [2, 2]);
    assert.deepEqual(progress, [1, 2]);
  });

  it('is shared by all that wait', async () => {
    const { world, disk } = watchedWorld();
    const log = world.open();
    await settle(world);
    let syncs = 0;
    disk.before = (operation) => {
      if (operation === 'sync') syncs++;
    };
    const outcomes: number[] = [];
    append(log, ['a']);
    log.flushLater(() => outcomes.push(log.recoveryPoint));
    for (let i = 0; i < 10; i++) {
      append(log, ['b']);
      log.flushLater(() => outcomes.push(log.recoveryPoint));
    }
    await settle(world);
    assert.deepEqual(outcomes, [1, ...Array.from({ length: 10 }, () => 11)]);
    assert.equal(syncs, 3, 'and one for the leader epochs');
  });

  it('a roll syncs the closed segment with its indexes and snapshot, then passes it', async () => {
    const { world, disk } = watchedWorld({ indexIntervalBytes: 1 });
    const log = world.open();
    for (let i = 0; i < 4; i++) append(log, ['a'], { producerId: 1, producerEpoch: 0, baseSequence: i });
    const synced: string[] = [];
    disk.before = (operation, path) => {
      if (operation.startsWith('sync')) synced.push(path.slice('/data/topic-0/'.length));
    };
    log.roll();
    assert.equal(log.recoveryPoint, 0);
    await settle(world);
    assert.equal(log.recoveryPoint, 4);
    const name = '00000000000000000000';
    assert.deepEqual(synced.slice(0, 6), [
      'leader-epoch-checkpoint.later.tmp',
      '',
      '00000000000000000004.snapshot',
      `${name}.index`,
      `${name}.timeindex`,
      `${name}.log`,
    ]);
    assert.equal(synced.at(-1), '', 'the directory');
  });

  it('is due when flush.ms has passed over unsynced data', () => {
    const { world } = watchedWorld({ flushMs: 100 });
    const log = world.open();
    world.time.advance(500);
    assert.ok(!log.isFlushDue(world.time.now()));
    append(log, ['a']);
    assert.ok(log.isFlushDue(world.time.now()));
    log.flush();
    append(log, ['b']);
    assert.ok(!log.isFlushDue(world.time.now() + 99));
    assert.ok(log.isFlushDue(world.time.now() + 100));
  });

  it('under way while the log is cut promises no more than is left', async () => {
    const { world } = watchedWorld();
    const log = world.open();
    for (let i = 0; i < 4; i++) append(log, ['a']);
    log.flushLater(() => {});
    log.truncateTo(2);
    append(log, ['b']);
    append(log, ['c']);
    append(log, ['d']);
    await settle(world);
    assert.equal(log.recoveryPoint, 2);
  });

  it('counts for nothing once the log was cut before it', () => {
    const { world } = watchedWorld();
    const log = world.open();
    for (let i = 0; i < 4; i++) append(log, ['a']);
    log.flush();
    assert.equal(log.recoveryPoint, 4);
    log.truncateTo(1);
    for (let i = 0; i < 6; i++) append(log, ['b']);
    assert.equal(log.recoveryPoint, 1);
  });

  it('writes the leader epochs before the recovery point passes them', () => {
    const { world, disk } = watchedWorld();
    const log = world.open();
    append(log, ['a']);
    assert.equal(disk.readFile('/data/topic-0/leader-epoch-checkpoint'), null);
    log.flush();
    assert.equal(disk.readFile('/data/topic-0/leader-epoch-checkpoint')!.toString(), '0\n1\n0 0\n');
  });
});
