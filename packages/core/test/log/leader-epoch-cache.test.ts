import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { LeaderEpochCache } from '../../src/log/leader-epoch-cache.ts';
import type { EpochEntry } from '../../src/log/checkpoints.ts';

function cacheOf(...entries: [number, number][]): LeaderEpochCache {
  const cache = new LeaderEpochCache([], { save: () => {}, saveLater: () => () => {} });
  for (const [epoch, startOffset] of entries) cache.assign(epoch, startOffset);
  return cache;
}

function pairs(cache: LeaderEpochCache): [number, number][] {
  return cache.all.map(({ epoch, startOffset }) => [epoch, startOffset]);
}

describe('leader epoch cache', () => {
  it('pitfall 112: an unknown later epoch is -1/-1, the current one ends where the log does', () => {
    const cache = cacheOf([2, 10], [5, 20], [6, 30]);
    assert.deepEqual(cache.endOffsetFor(7, 99), { epoch: -1, endOffset: -1 });
    assert.deepEqual(cache.endOffsetFor(-1, 99), { epoch: -1, endOffset: -1 });
    assert.deepEqual(cache.endOffsetFor(6, 99), { epoch: 6, endOffset: 99 });
    assert.deepEqual(cache.endOffsetFor(5, 99), { epoch: 5, endOffset: 30 });
    assert.deepEqual(cache.endOffsetFor(4, 99), { epoch: 2, endOffset: 20 });
    assert.deepEqual(cache.endOffsetFor(1, 99), { epoch: 1, endOffset: 10 });
    assert.deepEqual(cacheOf().endOffsetFor(0, 99), { epoch: -1, endOffset: -1 });
  });

  it('tells the epoch of an offset', () => {
    const cache = cacheOf([2, 10], [5, 20]);
    assert.deepEqual(
      [9, 10, 19, 20, 1000].map((offset) => cache.epochFor(offset)),
      [-1, 2, 2, 5, 5],
    );
  });

  it('drops what a new entry contradicts', () => {
    const cache = cacheOf([2, 10], [5, 20], [6, 30]);
    cache.assign(7, 20);
    assert.deepEqual(pairs(cache), [
      [2, 10],
      [7, 20],
    ]);
    cache.assign(7, 25);
    assert.equal(cache.all.length, 2, 'an epoch begins once');
    cache.assign(3, 40);
    assert.deepEqual(pairs(cache), [
      [2, 10],
      [3, 40],
    ]);
  });

  it('is cut with the log at both ends', () => {
    const cache = cacheOf([2, 10], [5, 20], [6, 30]);
    cache.truncateFromEnd(30);
    assert.deepEqual(pairs(cache), [
      [2, 10],
      [5, 20],
    ]);
    cache.truncateFromStart(25);
    assert.deepEqual(pairs(cache), [[5, 25]]);
    cache.truncateFromStart(5);
    assert.deepEqual(pairs(cache), [[5, 25]]);
  });

  it('writes only when something changed', () => {
    const written: EpochEntry[][] = [];
    const cache = new LeaderEpochCache([{ epoch: 1, startOffset: 0 }], {
      save: (all) => written.push([...all]),
      saveLater: () => () => {},
    });
    cache.write();
    cache.assign(1, 5);
    cache.write();
    assert.equal(written.length, 0);
    cache.assign(2, 5);
    cache.write();
    cache.write();
    assert.equal(written.length, 1);
  });

  it('is left to recovery while nothing is on the disk and all of it is in batches behind the recovery point', () => {
    const rows: [
      entries: [number, number][],
      recoveryPoint: number,
      logEndOffset: number,
      expected: boolean,
    ][] = [
      [[], 0, 0, true],
      [[[0, 0]], 0, 1, true],
      [[[3, 7]], 7, 8, true],
      [[[0, 0]], 0, 0, false],
      [[[0, 0]], 1, 2, false],
      [
        [
          [0, 0],
          [1, 5],
        ],
        0,
        9,
        false,
      ],
    ];
    for (const [entries, recoveryPoint, logEndOffset, expected] of rows) {
      assert.equal(
        cacheOf(...entries).isInBatches(recoveryPoint, logEndOffset),
        expected,
        `${entries.join(' ')}`,
      );
    }
    const written = cacheOf([0, 0]);
    written.write();
    assert.equal(written.isInBatches(0, 1), false, 'what is on the disk has to be kept true');
    const found = new LeaderEpochCache([{ epoch: 0, startOffset: 0 }], {
      save: () => {},
      saveLater: () => () => {},
    });
    assert.equal(found.isInBatches(0, 1), false);
  });

  it('stays strictly ascending whatever happens', () => {
    const step = fc.tuple(fc.constantFrom('assign', 'end', 'start'), fc.nat(12), fc.nat(40));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const cache = cacheOf();
        for (const [what, epoch, offset] of steps) {
          if (what === 'assign') cache.assign(epoch, offset);
          else if (what === 'end') cache.truncateFromEnd(offset);
          else cache.truncateFromStart(offset);
          for (let i = 1; i < cache.all.length; i++) {
            assert.ok(cache.all[i]!.epoch > cache.all[i - 1]!.epoch);
            assert.ok(cache.all[i]!.startOffset > cache.all[i - 1]!.startOffset);
          }
        }
      }),
    );
  });
});
