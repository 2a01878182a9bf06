import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cleanableRange } from '../../../src/log/cleaner/cleanable.ts';
import { LogWorld, batch } from '../log-world.ts';

it('F88: nothing at or above the high watermark is compacted, though its segment is closed', () => {
  const world = new LogWorld({ segmentBytes: 300 });
  const log = world.open();
  for (let i = 0; i < 12; i++) {
    log.appendAsLeader(batch([`${i}`.padEnd(100, '.')]), { leaderEpoch: 0, origin: 'coordinator' });
  }
  log.updateConfig({ ...log.config, cleanupCompact: true, cleanupDelete: false });
  const starts = log.storage.segments.all.map(({ baseOffset }) => baseOffset);
  assert.ok(starts.length > 4);
  for (let highWatermark = 0; highWatermark <= 12; highWatermark++) {
    log.updateHighWatermark(highWatermark);
    const range = cleanableRange({ ...log.cleanableView(), recoveryPoint: 12 }, world.time.now());
    const limit = range.firstUncleanableOffset;
    assert.ok(limit <= highWatermark, `${limit} where ${highWatermark} are committed`);
    assert.equal(
      limit,
      starts.findLast((start) => start <= highWatermark),
    );
  }
});
