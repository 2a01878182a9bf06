import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../src/log/log-manager.ts';
import { MemoryDisk } from '../../../broker/src/adapters/memory-disk.ts';
import { ManualTime, SILENT, append, countingRandom } from './log-world.ts';
import { WatchedDisk } from './watched-disk.ts';

const FILE = '/data/replication-offset-checkpoint';

function world() {
  const time = new ManualTime();
  const disk = new WatchedDisk(new MemoryDisk(() => time.now()));
  const errors: string[] = [];
  const log = { ...SILENT, error: (message: string) => errors.push(message) };
  const manager = new LogManager(
    { disk, clock: time, timers: time, random: countingRandom(), log },
    { ...DEFAULT_LOG_INTERVALS, directories: ['/data'], configOf: () => DEFAULT_LOG_CONFIG },
  );
  manager.open();
  const text = (): string | undefined => disk.readFile(FILE)?.toString();
  return { time, disk, errors, manager, text };
}

/** Syncs off the loop come back one turn later each. */
async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await turn();
}

describe('high watermarks written off the loop', () => {
  it('happens every replica.high.watermark.checkpoint.interval.ms, and nothing is synced on the loop', async () => {
    const { time, disk, manager, text } = world();
    append(manager.getOrCreate('a', 0, null), ['x']);
    await settled();
    const onTheLoop: string[] = [];
    disk.before = (operation, path) => {
      if (operation === 'replace') onTheLoop.push(path);
    };
    manager.start();
    time.advance(DEFAULT_LOG_INTERVALS.highWatermarkIntervalMs);
    assert.equal(text(), undefined, 'not synced yet');
    await settled();
    assert.equal(text(), '0\n1\na 0 1\n');
    assert.deepEqual(onTheLoop, []);
  });

  it('writes nothing twice, and one at a time', async () => {
    const { disk, manager, text } = world();
    const log = manager.getOrCreate('a', 0, null);
    append(log, ['x']);
    let renames = 0;
    disk.before = (operation) => {
      if (operation === 'rename') renames++;
    };
    manager.checkpointHighWatermarksLater();
    append(log, ['y']);
    manager.checkpointHighWatermarksLater();
    await settled();
    assert.deepEqual([renames, text()], [1, '0\n1\na 0 1\n']);
    manager.checkpointHighWatermarksLater();
    await settled();
    manager.checkpointHighWatermarksLater();
    await settled();
    assert.deepEqual([renames, text()], [2, '0\n1\na 0 2\n']);
  });

  it('gives way to a write on the loop', async () => {
    const { manager, text } = world();
    const log = manager.getOrCreate('a', 0, null);
    append(log, ['x']);
    manager.checkpointHighWatermarksLater();
    append(log, ['y']);
    manager.close();
    assert.equal(text(), '0\n1\na 0 2\n');
    await settled();
    assert.equal(text(), '0\n1\na 0 2\n');
  });

  it('does not bring back what a log of the same name had, which was deleted meanwhile', async () => {
    const { manager, text } = world();
    append(manager.getOrCreate('a', 0, null), ['x']);
    manager.checkpointHighWatermarksLater();
    manager.delete('a', 0);
    manager.getOrCreate('a', 0, null);
    await settled();
    assert.notEqual(text(), '0\n1\na 0 1\n');
  });

  it('tells of a failure, and tries again the next time', async () => {
    const { disk, errors, manager, text } = world();
    append(manager.getOrCreate('a', 0, null), ['x']);
    disk.code = 'ENOSPC';
    disk.failAt(0, (operation, path) => operation === 'rename' && path.includes('replication-offset'));
    manager.checkpointHighWatermarksLater();
    await settled();
    assert.deepEqual([text(), errors], [undefined, ['A checkpoint could not be written']]);
    manager.checkpointHighWatermarksLater();
    await settled();
    assert.equal(text(), '0\n1\na 0 1\n');
  });
});
