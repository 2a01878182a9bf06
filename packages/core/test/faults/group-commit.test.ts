import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import { append, fetch, from, world } from '../replication/replica-world.ts';
import type { World } from '../replication/replica-world.ts';
import { ManualTime } from '../log/log-world.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';

interface Scene {
  readonly here: World;
  readonly disk: SimulatedDisk;
  readonly syncs: string[];
}

/** A broker's replicas on a simulated disk whose syncs end when the test says so. */
function scene(flushMessages: number): Scene {
  const time = new ManualTime();
  const disk = new SimulatedDisk(() => time.now());
  const here = world(1, { disk, time, config: { ...DEFAULT_LOG_CONFIG, flushMessages } });
  const syncs: string[] = [];
  disk.before = ({ kind, path }) => {
    if (kind === 'sync' && path.endsWith('.log')) syncs.push(path);
    return null;
  };
  return { here, disk, syncs };
}

/** The syncs that were begun end; those that these begin do not. */
function settle({ here, disk }: Scene): void {
  for (let i = 0; i < 6; i++) {
    disk.completeLater();
    here.time.advance(0);
  }
}

describe('flush.messages=1', () => {
  for (const acks of [-1, 1] as const) {
    it(`answers acks=${acks} once the records are synced, and lets nobody read them before`, () => {
      const one = scene(1);
      const results = append(one.here, 0, acks);
      const { readings } = fetch(one.here, [from(0, 0)]);
      const { log } = one.here.replicas.partition('t', 0)!;
      assert.deepEqual([results.length, log.logEndOffset, log.highWatermark], [0, 1, 0]);
      settle(one);
      assert.deepEqual([results[0]?.errorCode, log.highWatermark, log.recoveryPoint], [0, 1, 1]);
      assert.equal(readings.length, 1, 'whoever waits for the record is woken');
    });
  }

  it('does not make acks=0 wait', () => {
    assert.equal(append(scene(1).here, 0, 0).length, 1);
  });

  it('syncs once for all that wait', () => {
    const one = scene(1);
    const results = Array.from({ length: 50 }, () => append(one.here, 0, 1));
    settle(one);
    assert.ok(results.every(([result]) => result?.errorCode === 0));
    // One that was under way when the second came, and one for all others.
    assert.equal(one.syncs.length, 2);
  });

  it('answers KAFKA_STORAGE_ERROR to all that wait when the sync fails, and to all that come after', () => {
    const one = scene(1);
    const results = Array.from({ length: 3 }, () => append(one.here, 0, -1));
    const { readings } = fetch(one.here, [from(0, 0)]);
    one.disk.before = ({ kind }) => (kind === 'sync' ? { code: 'EIO' } : null);
    settle(one);
    one.disk.before = () => null;
    settle(one);
    assert.deepEqual(
      results.map(([result]) => result?.errorCode),
      [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR],
    );
    assert.equal(readings[0]?.results[0]?.errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
    assert.equal(append(one.here, 0, 1)[0]?.errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
    const { log } = one.here.replicas.partition('t', 0)!;
    assert.deepEqual([log.highWatermark, log.recoveryPoint], [0, 0]);
  });

  it('keeps everything that was acknowledged through a loss of power', () => {
    const one = scene(1);
    for (let i = 0; i < 20; i++) {
      append(one.here, 0, 1, `value ${i}`);
      settle(one);
    }
    append(one.here, 0, 1, 'not answered');
    for (let seed = 0; seed < 20; seed++) {
      const disk = one.disk.afterPowerLoss(seed);
      const after = world(1, { disk, time: one.here.time, config: DEFAULT_LOG_CONFIG });
      assert.ok(after.replicas.partition('t', 0)!.log.logEndOffset >= 20);
    }
  });

  it('is asked of a disk that is full: the sync is tried again, and the records are answered then', () => {
    const one = scene(1);
    const results = append(one.here, 0, 1);
    // The leader epochs, which have to be written before the sync.
    settle(one);
    one.disk.before = ({ path, kind }) =>
      path.includes('leader-epoch') && kind !== 'sync' ? { code: 'ENOSPC' } : null;
    const later = append(one.here, 1, 1);
    settle(one);
    assert.deepEqual([results[0]?.errorCode, later.length], [0, 0]);
    one.disk.before = () => null;
    for (let i = 0; i < 3; i++) {
      one.here.time.advance(300);
      settle(one);
    }
    one.here.time.advance(200);
    settle(one);
    assert.equal(later[0]?.errorCode, ErrorCode.REQUEST_TIMED_OUT);
    assert.equal(one.here.replicas.partition('t', 1)!.log.highWatermark, 1);
  });
});

it('flush.messages=3 answers two appends at once, and the third when all are synced', () => {
  const one = scene(3);
  const results = Array.from({ length: 3 }, () => append(one.here, 0, 1));
  assert.deepEqual(
    results.map(({ length }) => length),
    [1, 1, 0],
  );
  settle(one);
  assert.equal(results[2]![0]?.errorCode, 0);
  assert.equal(one.here.replicas.partition('t', 0)!.log.recoveryPoint, 3);
});
