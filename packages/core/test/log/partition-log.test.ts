import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogWorld, append, readAll, valuesOf } from './log-world.ts';

describe('partition log', () => {
  it('gives offsets and reads back what was appended', () => {
    const log = new LogWorld().open();
    assert.equal(append(log, ['a', 'b']).firstOffset, 0);
    const info = append(log, ['c']);
    assert.deepEqual([info.firstOffset, info.lastOffset], [2, 2]);
    assert.deepEqual(valuesOf(readAll(log, 0)), ['a', 'b', 'c']);
    assert.deepEqual(valuesOf(readAll(log, 1)), ['b', 'c']);
    assert.deepEqual(
      readAll(log, 0).map(({ offset }) => offset),
      [0, 1, 2],
    );
  });

  it('rolls, and a clean close leaves all that the next start needs', () => {
    const world = new LogWorld({ segmentBytes: 300, indexIntervalBytes: 100 });
    const log = world.open();
    const values = Array.from({ length: 30 }, (_, i) => `value ${i}`);
    for (const value of values) append(log, [value]);
    assert.ok(log.segmentCount > 3);
    log.close();
    const again = world.open({ wasCleanShutdown: true, recoveryPoint: 30 });
    assert.equal(again.logEndOffset, 30);
    assert.deepEqual(valuesOf(readAll(again, 0)), values);
    append(again, ['more']);
    assert.deepEqual(valuesOf(readAll(again, 29)), ['value 29', 'more']);
  });
});
