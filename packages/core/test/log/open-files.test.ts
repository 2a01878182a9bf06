import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ColdRead } from '../../src/log/cold-read.ts';
import { OpenFiles } from '../../src/log/open-files.ts';
import type { DiskFile } from '../../src/ports/disk.ts';
import { LogWorld } from './log-world.ts';

function poolOf(limit: number): { files: OpenFiles; world: LogWorld } {
  const world = new LogWorld();
  return { files: new OpenFiles(world.disk, limit), world };
}

describe('open files', () => {
  it('are bounded: one that was not used is closed, and opened again when used', () => {
    const { files } = poolOf(16);
    const all = Array.from({ length: 50 }, (_, i) => files.file(`/data/${i}`));
    for (const [i, file] of all.entries()) {
      file.create().append([Buffer.from(String(i))]);
      all[0]!.use();
      assert.ok(files.openCount <= 16);
    }
    const target = Buffer.alloc(2);
    for (const [i, file] of all.entries()) {
      const size = file.use().read(target, 0, 2, 0);
      assert.equal(target.toString('utf8', 0, size), String(i));
    }
    assert.ok(files.openCount <= 16);
  });

  it('that are used again and again stay open, however many others are used once', () => {
    const { files, world } = poolOf(16);
    const opened: string[] = [];
    const open = world.disk.open.bind(world.disk);
    world.disk.open = (path, options) => {
      opened.push(path);
      return open(path, options);
    };
    const favourites = Array.from({ length: 8 }, (_, i) => files.file(`/data/favourite-${i}`));
    for (let i = 0; i < 100; i++) {
      for (const file of favourites) file.create();
      files.file(`/data/${i}`).create();
      assert.ok(files.openCount <= 16);
    }
    assert.equal(opened.filter((path) => path.includes('favourite')).length, favourites.length);
  });

  it('are asked what the cache has of them where the disk can tell, but not for a second after it lacked something', () => {
    const world = new LogWorld();
    const open = world.disk.open.bind(world.disk);
    let [nowMs, asked] = [0, 0];
    let isCached = true;
    world.disk.open = (path, options) => {
      const file = open(path, options);
      const readCached: NonNullable<DiskFile['readCached']> = (...given) => {
        asked++;
        return isCached ? file.read(...given) : 0;
      };
      return Object.assign(file, { readCached });
    };
    const files = new OpenFiles(world.disk, 16, {
      pageCacheBytes: 1_000,
      later: { concurrencyMax: 2, aheadBytesMax: 0 },
      clock: { now: () => nowMs, monotonic: () => nowMs },
    });
    const file = files.file('/data/a');
    file.create().append([Buffer.from('abc')]);
    const target = Buffer.alloc(3);
    const isRead = (): boolean => file.readAtOnce(target, 0, 3, 0);
    assert.deepEqual([isRead(), asked, target.toString()], [true, 1, 'abc']);
    isCached = false;
    assert.deepEqual([isRead(), asked], [false, 2]);
    isCached = true;
    nowMs = 999;
    assert.deepEqual([isRead(), asked], [false, 2]);
    assert.throws(() => files.withoutWaiting(() => file.read(target, 0, 3, 0)), ColdRead);
    nowMs = 1_000;
    assert.deepEqual([isRead(), asked], [true, 3]);
    assert.equal(
      files.withoutWaiting(() => file.read(target, 0, 3, 0)),
      3,
    );
  });

  it('removed while they are read stay readable until released, and then give their descriptor back', () => {
    const { files, world } = poolOf(16);
    const file = files.file('/data/a');
    file.create().append([Buffer.from('abc')]);
    file.close();
    file.retain();
    file.retain();
    file.remove();
    assert.deepEqual(world.disk.list('/data'), []);
    const target = Buffer.alloc(3);
    assert.equal(file.use().read(target, 0, 3, 0), 3);
    file.release();
    assert.equal(file.use().read(target, 0, 3, 0), 3);
    file.release();
    assert.throws(() => file.use(), { code: 'ENOENT' });
    assert.equal(files.openCount, 0);
  });

  it('removed files do not count against the limit, nor are they closed for it', () => {
    const { files } = poolOf(2);
    const removed = files.file('/data/a');
    removed.create().append([Buffer.from('abc')]);
    removed.retain();
    removed.remove();
    for (let i = 0; i < 5; i++) files.file(`/data/${i}`).create();
    assert.equal(removed.use().read(Buffer.alloc(3), 0, 3, 0), 3);
    assert.equal(files.openCount, 2);
  });

  it('are not closed while their sync is under way', async () => {
    const { files } = poolOf(1);
    const file = files.file('/data/a');
    file.create();
    const synced = new Promise((resolve) => file.syncLater(resolve));
    files.file('/data/b').create();
    file.close();
    assert.equal(await synced, null);
  });

  it('can be renamed while open', () => {
    const { files, world } = poolOf(4);
    const file = files.file('/data/a');
    file.create();
    file.rename('/data/b');
    file.use().append([Buffer.from('x')]);
    file.close();
    file.use().append([Buffer.from('y')]);
    assert.equal(world.disk.readFile('/data/b')!.toString(), 'xy');
  });
});
