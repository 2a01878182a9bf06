import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { SimulatedDisk, type Io } from '@odradek/testing/disk/simulated-disk.ts';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import { forEachLater } from '../../src/log/for-each-later.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../src/log/log-manager.ts';
import { ManualTime, SILENT, append, countingRandom } from './log-world.ts';

const PARTITIONS = 40;
const ID = 'AAECAwQFBgcICQoLDA0ODw';

/** A broker's logs on a disk that tells which operations happen on the loop, and which off it. */
function world() {
  const time = new ManualTime();
  const disk = new SimulatedDisk(() => time.now(), new SeededRandom(1));
  disk.makeDirectory('/data');
  const onLoop: Io[] = [];
  disk.before = (io) => {
    if (!disk.isOffLoop && io.kind.startsWith('sync')) onLoop.push(io);
    return null;
  };
  const start = (on = disk): LogManager => {
    const manager = new LogManager(
      { disk: on, clock: time, timers: time, random: countingRandom(), log: SILENT },
      { ...DEFAULT_LOG_INTERVALS, directories: ['/data'], configOf: () => DEFAULT_LOG_CONFIG },
    );
    manager.open();
    return manager;
  };
  const settle = (): void => {
    for (let i = 0; i < 300; i++) {
      disk.completeLater();
      time.advance(0);
    }
  };
  return { disk, start, settle, onLoop };
}

function idOnDisk(disk: SimulatedDisk, partition: number): string | undefined {
  return disk.readFile(`/data/t-${partition}/partition.metadata`)?.toString();
}

describe('the topic id of a log', () => {
  it('is written off the loop when many logs are made', () => {
    const { disk, start, settle, onLoop } = world();
    const manager = start();
    onLoop.length = 0;
    for (let i = 0; i < PARTITIONS; i++) assert.equal(manager.getOrCreate('t', i, ID).topicId, ID);
    settle();
    assert.equal(onLoop.length, 0);
    for (let i = 0; i < PARTITIONS; i++) assert.match(idOnDisk(disk, i)!, /topic_id: AAEC/);
  });

  it('is on the disk before the first record is, however soon that comes', () => {
    const { disk, start } = world();
    const log = start().getOrCreate('t', 0, ID);
    assert.equal(idOnDisk(disk, 0), undefined);
    const before = disk.before;
    const steps: string[] = [];
    disk.before = (io) => {
      if (/metadata|\.log$|^\/data\/t-0$/.test(io.path))
        steps.push(`${io.kind} ${io.path.split('/').at(-1)}`);
      return before(io);
    };
    append(log, ['x']);
    assert.deepEqual(steps.slice(-4), [
      'sync partition.metadata.tmp',
      'rename partition.metadata.tmp',
      'sync-directory t-0',
      'append 00000000000000000000.log',
    ]);
  });

  it('is tried again by the first append when there was no room for it', () => {
    const { disk, start, settle } = world();
    const manager = start();
    const { before } = disk;
    disk.before = ({ path }) => (path.includes('metadata') ? { code: 'ENOSPC' } : null);
    const log = manager.getOrCreate('t', 0, ID);
    settle();
    assert.throws(() => append(log, ['x']), { code: 56 });
    assert.equal(log.isOffline, false);
    disk.before = before;
    assert.equal(append(log, ['x']).firstOffset, 0);
    assert.match(idOnDisk(disk, 0)!, /topic_id/);
  });

  it('of a log that is deleted at once is not written, and a new one of its name gets its own', () => {
    const { disk, start, settle } = world();
    const manager = start();
    manager.getOrCreate('t', 0, ID);
    manager.delete('t', 0);
    manager.getOrCreate('t', 0, ID.toLowerCase());
    settle();
    assert.match(idOnDisk(disk, 0)!, /topic_id: aaec/);
    assert.equal(manager.log('t', 0)!.isOffline, false);
  });
});

describe('a clean stop', () => {
  it('syncs the logs off the loop, and leaves to the loop only the checkpoints', () => {
    const { disk, start, settle, onLoop } = world();
    const manager = start();
    for (let i = 0; i < PARTITIONS; i++) append(manager.getOrCreate('t', i, ID), ['x']);
    onLoop.length = 0;
    let isDone = false;
    manager.syncForClose(() => (isDone = true));
    assert.equal(isDone, false);
    settle();
    assert.equal(isDone, true);
    assert.equal(onLoop.length, 0);
    manager.close();
    assert.ok(onLoop.every(({ path }) => path === '/data' || path.endsWith('.tmp')));
    assert.ok(onLoop.length <= 8, `${onLoop.length} syncs`);
    for (let seed = 0; seed < 20; seed++) {
      const after = start(disk.afterPowerLoss(seed));
      for (let i = 0; i < PARTITIONS; i++) {
        assert.equal(after.log('t', i)?.logEndOffset, 1);
        assert.equal(after.log('t', i)?.topicId, ID);
      }
    }
  });

  it('syncs the parent directory for all logs together, and nothing of logs that never had a record', () => {
    const { disk, start, settle } = world();
    const manager = start();
    for (let i = 0; i < PARTITIONS; i++) append(manager.getOrCreate('t', i, ID), ['x']);
    for (let i = 0; i < PARTITIONS; i++) manager.getOrCreate('fresh', i, null);
    const synced: string[] = [];
    disk.before = ({ kind, path }) => {
      if (kind.startsWith('sync')) synced.push(path);
      return null;
    };
    manager.syncForClose(() => {});
    settle();
    assert.ok(synced.filter((path) => path === '/data').length <= PARTITIONS / 4);
    assert.deepEqual(
      synced.filter((path) => path.includes('fresh')),
      [],
    );
  });
});

describe('checkpoints', () => {
  it('are written off the loop, leader epochs included', () => {
    const { disk, start, settle, onLoop } = world();
    const manager = start();
    const logs = Array.from({ length: PARTITIONS }, (_, i) => manager.getOrCreate('t', i, null));
    for (const log of logs) append(log, ['x']);
    for (const log of logs) log.flushLater(() => {});
    settle();
    for (const log of logs) log.assignLeaderEpoch(7);
    onLoop.length = 0;
    manager.checkpointRecoveryPointsLater();
    settle();
    assert.equal(onLoop.length, 0);
    assert.match(disk.readFile('/data/recovery-point-offset-checkpoint')!.toString(), /t 39 1/);
    assert.match(disk.readFile('/data/t-39/leader-epoch-checkpoint')!.toString(), /7 1/);
  });

  it('never claim what a truncation takes away while they are being written', () => {
    const { disk, start, settle } = world();
    const manager = start();
    const log = manager.getOrCreate('t', 0, null);
    for (let i = 0; i < 5; i++) append(log, ['x']);
    log.flush();
    manager.checkpointRecoveryPointsLater();
    log.truncateTo(2);
    settle();
    assert.match(disk.readFile('/data/recovery-point-offset-checkpoint')!.toString(), /t 0 2/);
  });
});

describe('doing something for each', () => {
  it('is done for all, so many at once, at once or later, and ends once', () => {
    for (let concurrency = 1; concurrency <= 4; concurrency++) {
      for (let count = 0; count <= 6; count++) {
        for (let atOnce = 0; atOnce < 1 << count; atOnce++) {
          const later: (() => void)[] = [];
          const seen: number[] = [];
          let ends = 0;
          const items = Array.from({ length: count }, (_, i) => i);
          const act = (item: number, next: () => void): void => {
            seen.push(item);
            if ((atOnce & (1 << item)) !== 0) next();
            else later.push(next);
          };
          forEachLater(items, concurrency, act, () => ends++);
          for (;;) {
            assert.ok(later.length <= concurrency);
            const next = later.shift();
            if (next === undefined) break;
            assert.equal(ends, 0);
            next();
          }
          assert.deepEqual([seen, ends], [items, 1]);
        }
      }
    }
  });

  it('goes no deeper for ten thousand that are through at once', () => {
    let ends = 0;
    forEachLater(
      Array(10_000).keys(),
      2,
      (_, next) => next(),
      () => ends++,
    );
    assert.equal(ends, 1);
  });
});
