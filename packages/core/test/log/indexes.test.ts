import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { OffsetIndex } from '../../src/log/offset-index.ts';
import { TimeIndex } from '../../src/log/time-index.ts';
import { TransactionIndex } from '../../src/log/transaction-index.ts';
import { LogWorld } from './log-world.ts';

const PATH = '/data/index';
const BASE = 5_000_000_000;

function offsetIndex(world: LogWorld): OffsetIndex {
  const size = world.disk.readFile(PATH)?.length ?? 0;
  const file = world.context.files.file(PATH);
  file.create();
  return new OffsetIndex(file, BASE, size);
}

function timeIndex(world: LogWorld): TimeIndex {
  const size = world.disk.readFile(PATH)?.length ?? 0;
  const file = world.context.files.file(PATH);
  file.create();
  return new TimeIndex(file, BASE, size);
}

describe('offset index', () => {
  it('writes relative offset and position, 4 bytes each', () => {
    const world = new LogWorld();
    const index = offsetIndex(world);
    index.append(BASE + 7, 4100);
    index.append(BASE + 0x7fffffff, 0x7ffffff0);
    index.persist();
    assert.equal(world.disk.readFile(PATH)!.toString('hex'), '00000007000010047fffffff7ffffff0');
  });

  it('finds the last entry at or below, as a plain array does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 })), {
          maxLength: 2500,
        }),
        fc.array(fc.integer({ min: 0, max: 8000 }), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        (steps, targets, isSealed) => {
          const index = offsetIndex(new LogWorld());
          const entries: { offset: number; position: number }[] = [];
          let [offset, position] = [BASE, 0];
          for (const [offsetStep, positionStep] of steps) {
            offset += offsetStep;
            position += positionStep;
            index.append(offset, position);
            entries.push({ offset, position });
          }
          if (isSealed) index.seal();
          const start = { offset: BASE, position: 0 };
          assert.equal(index.count, entries.length);
          assert.deepEqual(index.last(), entries.at(-1) ?? start);
          for (const target of targets) {
            const expected = entries.findLast((entry) => entry.offset <= BASE + target) ?? start;
            assert.deepEqual(index.floor(BASE + target), expected);
            const above = entries.find((entry) => entry.position >= target) ?? null;
            assert.deepEqual(index.ceilingPosition(target), above);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds every one of many entries, in memory and on disk, while more are added', () => {
    const index = offsetIndex(new LogWorld());
    for (let i = 1; i <= 3000; i++) {
      index.append(BASE + i * 3, i * 7);
      for (const slot of [i - 1, i >> 1, i >> 3, 0]) {
        const expected = { offset: BASE + (slot + 1) * 3, position: (slot + 1) * 7 };
        assert.deepEqual(index.entry(slot), expected);
        assert.deepEqual(index.floor(expected.offset + 2), expected);
        assert.deepEqual(index.ceilingPosition(expected.position), expected);
      }
    }
  });

  it('reads few blocks of a large file for a search, and no entry twice', () => {
    const world = new LogWorld();
    const index = offsetIndex(world);
    const count = 20_000;
    for (let i = 1; i <= count; i++) index.append(BASE + i * 3, i * 7);
    index.seal();
    let reads = 0;
    const { file } = index;
    const read = file.read.bind(file);
    file.read = (...args) => {
      reads++;
      return read(...args);
    };
    for (let i = 1; i <= count; i += 487) {
      reads = 0;
      assert.deepEqual(index.floor(BASE + i * 3 + 1), { offset: BASE + i * 3, position: i * 7 });
      assert.ok(reads <= 8, `${reads} reads`);
    }
  });

  it('drops entries of an offset and above, also such as are on disk already, and goes on', () => {
    const world = new LogWorld();
    const index = offsetIndex(world);
    for (let i = 1; i <= 3000; i++) index.append(BASE + i * 2, i * 10);
    index.truncateTo(BASE + 4001);
    assert.deepEqual(index.last(), { offset: BASE + 4000, position: 20_000 });
    index.truncateTo(BASE + 100);
    assert.deepEqual(index.last(), { offset: BASE + 98, position: 490 });
    index.append(BASE + 150, 777);
    index.persist();
    const again = offsetIndex(world);
    assert.equal(again.count, 50);
    assert.deepEqual(again.last(), { offset: BASE + 150, position: 777 });
  });

  it('ignores a broken entry at the end of the file, and mends what a failed write left', () => {
    const world = new LogWorld();
    const index = offsetIndex(world);
    index.append(BASE + 1, 10);
    index.persist();
    world.disk.open(PATH).append([Buffer.from([1, 2, 3])]);
    assert.deepEqual(offsetIndex(world).last(), { offset: BASE + 1, position: 10 });
    index.append(BASE + 2, 20);
    index.persist();
    assert.equal(world.disk.readFile(PATH)!.length, 16);
    assert.deepEqual(offsetIndex(world).last(), { offset: BASE + 2, position: 20 });
  });

  it('holds offsets up to 2^31 - 1 above its base', () => {
    const index = offsetIndex(new LogWorld());
    assert.ok(index.canHold(BASE));
    assert.ok(index.canHold(BASE + 0x7fffffff));
    assert.ok(!index.canHold(BASE + 0x80000000));
    assert.ok(!index.canHold(BASE - 1));
  });

  it('is full when another entry would pass the limit', () => {
    const index = offsetIndex(new LogWorld());
    assert.ok(!index.isFull(8));
    index.append(BASE + 1, 1);
    assert.ok(index.isFull(8));
    assert.ok(index.isFull(15));
    assert.ok(!index.isFull(16));
  });
});

describe('time index', () => {
  it('writes timestamp and relative offset, and later timestamps only', () => {
    const world = new LogWorld();
    const index = timeIndex(world);
    index.appendIfLater(1_700_000_000_000, BASE + 3);
    index.appendIfLater(1_700_000_000_000, BASE + 9);
    index.appendIfLater(1_600_000_000_000, BASE + 10);
    index.appendIfLater(1_700_000_000_001, BASE + 11);
    index.persist();
    const expected = ['0000018bcfe5680000000003', '0000018bcfe568010000000b'].join('');
    assert.equal(world.disk.readFile(PATH)!.toString('hex'), expected);
    assert.deepEqual(index.floor(1_700_000_000_000), { timestamp: 1_700_000_000_000, offset: BASE + 3 });
    assert.deepEqual(index.floor(5), { timestamp: -1, offset: BASE });
    assert.deepEqual(timeIndex(world).last(), { timestamp: 1_700_000_000_001, offset: BASE + 11 });
  });

  it('drops entries of an offset and above', () => {
    const index = timeIndex(new LogWorld());
    for (let i = 1; i <= 10; i++) index.appendIfLater(1000 + i, BASE + i);
    index.truncateTo(BASE + 4);
    assert.deepEqual(index.last(), { timestamp: 1003, offset: BASE + 3 });
    index.appendIfLater(1002, BASE + 4);
    assert.equal(index.count, 3);
  });

  it('keeps room for the entry that closing the segment adds', () => {
    const index = timeIndex(new LogWorld());
    assert.ok(!index.isFull(24));
    index.appendIfLater(1, BASE);
    assert.ok(index.isFull(24));
  });
});

function transactionIndex(): { index: TransactionIndex; world: LogWorld } {
  const world = new LogWorld();
  return { index: new TransactionIndex(world.context.files.file(PATH), 0), world };
}

describe('transaction index', () => {
  it('makes its file with the first entry, of 34 bytes', () => {
    const { index, world: made } = transactionIndex();
    assert.equal(made.disk.readFile(PATH), null);
    index.append({ producerId: 7, firstOffset: 10, lastOffset: 20, lastStableOffset: 21 });
    assert.equal(
      made.disk.readFile(PATH)!.toString('hex'),
      ['0000', '0000000000000007', '000000000000000a', '0000000000000014', '0000000000000015'].join(''),
    );
  });

  it('collects what overlaps, and says when later segments can add nothing', () => {
    const { index } = transactionIndex();
    index.append({ producerId: 1, firstOffset: 0, lastOffset: 10, lastStableOffset: 3 });
    index.append({ producerId: 2, firstOffset: 3, lastOffset: 12, lastStableOffset: 13 });
    index.append({ producerId: 3, firstOffset: 15, lastOffset: 20, lastStableOffset: 21 });
    const collect = (from: number, to: number): [number[], boolean] => {
      const found: { producerId: number }[] = [];
      const isComplete = index.collect(from, to, found as never);
      return [found.map(({ producerId }) => producerId), isComplete];
    };
    assert.deepEqual(collect(0, 3), [[1], true]);
    assert.deepEqual(collect(0, 13), [[1, 2], true]);
    assert.deepEqual(collect(11, 16), [[2, 3], true]);
    assert.deepEqual(collect(13, 15), [[], true]);
    assert.deepEqual(collect(0, 22), [[1, 2, 3], false]);
  });

  it('forgets markers of an offset and above, and a broken last entry', () => {
    const { index, world: made } = transactionIndex();
    index.append({ producerId: 1, firstOffset: 0, lastOffset: 10, lastStableOffset: 11 });
    index.append({ producerId: 2, firstOffset: 3, lastOffset: 12, lastStableOffset: 13 });
    index.truncateTo(12);
    assert.equal(index.all().length, 1);
    made.disk.open(PATH).append([Buffer.alloc(5)]);
    const again = new TransactionIndex(made.context.files.file(PATH), 39);
    again.append({ producerId: 9, firstOffset: 11, lastOffset: 14, lastStableOffset: 15 });
    assert.deepEqual(
      again.all().map(({ producerId }) => producerId),
      [1, 9],
    );
    assert.equal(made.disk.readFile(PATH)!.length, 68);
  });
});
