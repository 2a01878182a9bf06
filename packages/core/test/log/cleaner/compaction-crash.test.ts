import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { readAll } from '../log-world.ts';
import type { IoKind, SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import { CleaningWorld, put } from './cleaning-world.ts';

/*
 * Compaction is cut short at every single operation of the disk, by the death of the process and by a loss of
 * power. Whatever is found then must be a log of records that were appended, with the latest of each key, that
 * goes on where the other ended, and that compaction makes the same of as if nothing had happened.
 */

class Crash extends Error {}

const APPENDED = 40;
/** Two or three of the segments fit into one. */
const SETTINGS = { segmentBytes: 2500 };

/** Two groups of segments, everything synced, some values deleted. */
function dirtyLog(world: CleaningWorld): PartitionLog {
  const log = world.open();
  for (let i = 0; i < APPENDED; i++) {
    put(log, [[`k${i % 5}`, i === 33 ? null : `${i}`.padEnd(i < 20 ? 90 : 10)]]);
    if (i % 9 === 8) log.roll();
  }
  log.roll();
  world.flush(log);
  world.disk.syncDirectory('/');
  world.disk.syncDirectory('/data');
  return log;
}

function contents(log: PartitionLog): string[] {
  return readAll(log, 0).map(({ offset, key, value }) => `${offset} ${key}=${value}`);
}

/** @returns whether the round died before its `nth` operation */
function diesAt(world: CleaningWorld, log: PartitionLog, nth: number): boolean {
  let count = 0;
  world.simulated.before = () => {
    // The dead do nothing: not in their `finally` blocks either.
    if (count++ >= nth) throw new Crash();
    return null;
  };
  try {
    world.round(log);
    return false;
  } catch (error) {
    assert.ok(error instanceof Crash, String(error));
    return true;
  }
}

const uncompacted = contents(dirtyLog(new CleaningWorld(SETTINGS)));

function checkRecovered(disk: SimulatedDisk, expected: readonly string[]): void {
  const world = new CleaningWorld(SETTINGS, disk);
  const log = world.open({ recoveryPoint: APPENDED });
  log.updateHighWatermark(APPENDED);
  assert.equal(log.logEndOffset, APPENDED);
  const found = contents(log);
  assert.deepEqual(
    found,
    uncompacted.filter((line) => found.includes(line)),
    'what was appended, in its order',
  );
  for (const line of expected) assert.ok(found.includes(line), line);
  checkSegments(log);
  assert.deepEqual(
    world.names().filter((name) => /swap|cleaned|deleted/.test(name)),
    [],
  );
  put(log, [['after', 'x']]);
  world.round(log);
  assert.deepEqual(contents(log), [...expected, `${APPENDED} after=x`]);
  checkSegments(log);
}

/** Every offset is in one place, that of its segment. */
function checkSegments(log: PartitionLog): void {
  const segments = log.storage.segments.all;
  for (const [index, segment] of segments.entries()) {
    const end = segments[index + 1]?.baseOffset ?? Infinity;
    let next = segment.baseOffset;
    for (const cursor = segment.cursorTo(next); cursor.next();) {
      const { baseOffset, lastOffset } = cursor.header;
      assert.ok(
        baseOffset >= next && lastOffset < end,
        `${baseOffset} to ${lastOffset} in ${next} to ${end}`,
      );
      next = lastOffset + 1;
    }
  }
}

function compacted(): string[] {
  const world = new CleaningWorld(SETTINGS);
  const log = dirtyLog(world);
  world.round(log);
  return contents(log);
}

/** The kinds of operations that a round does, in order. */
function operations(): IoKind[] {
  const world = new CleaningWorld(SETTINGS);
  const log = dirtyLog(world);
  const kinds: IoKind[] = [];
  world.simulated.before = ({ kind }) => {
    kinds.push(kind);
    return null;
  };
  world.round(log);
  return kinds;
}

/** What the disk is after a round that died before its `nth` operation. */
function diskAfter(nth: number): SimulatedDisk {
  const world = new CleaningWorld(SETTINGS);
  const log = dirtyLog(world);
  assert.ok(world.rangeOf(log).isDue);
  assert.ok(diesAt(world, log, nth));
  world.simulated.before = () => null;
  return world.simulated;
}

describe('F95: compaction that is cut short', () => {
  const kinds = operations();
  const expected = compacted();

  it('by the death of the process, at every operation', () => {
    assert.ok(kinds.length > 50, `${kinds.length} operations`);
    for (const nth of kinds.keys()) checkRecovered(diskAfter(nth).afterProcessCrash(), expected);
  });

  it('by a loss of power, at every operation', () => {
    for (const nth of kinds.keys()) {
      // Where most is in doubt: any of the renames since the last sync may be lost.
      const seedCount = kinds[nth] === 'sync-directory' ? 30 : 2;
      const disk = diskAfter(nth);
      for (let seed = 0; seed < seedCount; seed++) {
        checkRecovered(disk.afterPowerLoss(nth * 100 + seed), expected);
      }
    }
  });
});
