import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { DIRECTORY, LogWorld, append, batch, bytesFrom, readAll, valuesOf } from './log-world.ts';

const OFFSETS = [0, 5, 2 ** 31 + 3, 2 ** 31 + 4, 2 ** 33, 2 ** 33 + 1];

/** One segment with batches as far apart as compaction by old versions of Kafka could bring them. */
function overflowed(): { disk: SimulatedDisk; bytes: Buffer } {
  const disk = new SimulatedDisk(() => 1_700_000_000_000);
  disk.makeDirectory(DIRECTORY);
  const batches = OFFSETS.map((baseOffset) => batch([`at ${baseOffset}`.padEnd(100, '.')], { baseOffset }));
  const bytes = Buffer.concat(batches);
  const file = disk.open(`${DIRECTORY}/00000000000000000000.log`, { create: true });
  file.append([bytes]);
  file.sync();
  file.close();
  for (const path of ['/', '/data', DIRECTORY]) disk.syncDirectory(path);
  return { disk, bytes };
}

function open(disk: SimulatedDisk, recoveryPoint = 0): PartitionLog {
  return new LogWorld({ indexIntervalBytes: 50 }, disk).open({ recoveryPoint });
}

function check(log: PartitionLog, bytes: Buffer, where = ''): void {
  assert.deepEqual(bytesFrom(log, 0), bytes, where);
  assert.deepEqual(
    log.storage.segments.all.map(({ baseOffset }) => baseOffset),
    [0, 6, 2 ** 33],
    where,
  );
  for (const offset of OFFSETS) assert.equal(readAll(log, offset)[0]!.offset, offset, where);
}

describe('F92: a segment with offsets too far apart for its indexes', () => {
  it('is divided when it is loaded, with the same batches, and all are found', () => {
    const { disk, bytes } = overflowed();
    const log = open(disk);
    check(log, bytes);
    assert.equal(log.logEndOffset, 2 ** 33 + 2);
    append(log, ['next']);
    log.close();
    const again = new LogWorld({}, disk).open({ wasCleanShutdown: true, recoveryPoint: log.logEndOffset });
    assert.equal(valuesOf(readAll(again, 0)).length, OFFSETS.length + 1);
  });

  it('is the old one or the new ones whatever the moment of a crash', () => {
    const { disk, bytes } = overflowed();
    let steps = 0;
    disk.before = () => {
      steps++;
      const where = `step ${steps}`;
      check(open(disk.afterProcessCrash()), bytes, where);
      check(open(disk.afterPowerLoss(steps)), bytes, where);
      return null;
    };
    check(open(disk), bytes);
    disk.before = () => null;
    assert.ok(steps > 25, `${steps}`);
  });

  it('ends where recovery would end it: before what is no batch', () => {
    const { disk, bytes } = overflowed();
    disk.open(`${DIRECTORY}/00000000000000000000.log`).append([Buffer.alloc(70, 0xff)]);
    check(open(disk), bytes);
  });
});
