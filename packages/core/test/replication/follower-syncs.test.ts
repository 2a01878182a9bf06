import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import { scene, stored, type Scene } from './fetcher-scene.ts';

interface SyncingScene extends Scene {
  readonly disk: SimulatedDisk;
  /** Syncs that the loop waited for. */
  readonly onLoop: string[];
  /** What was begun off the loop comes to its end, all of it. */
  settle(): void;
}

/** A follower with `flush.messages` on a disk whose syncs end when the test wants. */
function syncing(flushMessages: number): SyncingScene {
  const onLoop: string[] = [];
  const disk = new SimulatedDisk(() => 0);
  const here = scene(17, {}, { disk, config: { ...DEFAULT_LOG_CONFIG, flushMessages } });
  let isOffLoop = false;
  disk.before = ({ kind, path }) => {
    if (!isOffLoop && kind === 'sync' && path.endsWith('.log')) onLoop.push(path);
    return null;
  };
  const settle = (): void => {
    for (let i = 0; i < 20; i++) {
      isOffLoop = true;
      disk.completeLater();
      isOffLoop = false;
      here.here.time.advance(0);
    }
  };
  settle();
  return { ...here, disk, onLoop, settle };
}

test('flush.messages: the leader is asked for more, and so told what is held here, once that is synced', () => {
  const { link, lead, disk, onLoop, settle } = syncing(1);
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 1, 1), highWatermark: 0 } });
  assert.deepEqual([log.logEndOffset, log.recoveryPoint, link.received.length], [2, 0, 0]);
  settle();
  const next = link.fetch();
  assert.deepEqual(next.offsets, { 0: 2 });
  assert.equal(log.recoveryPoint, 2);
  assert.deepEqual(onLoop, []);
  const left = disk.afterPowerLoss(3).readFile(`${log.directory}/00000000000000000000.log`)!;
  assert.equal(left.length, log.sizeBytes);
  next.answer({ 0: { highWatermark: 2 } });
  assert.equal(link.received.length, 1, 'and at once where nothing was to be synced');
});

test('flush.messages=3: what is not to be synced yet keeps nobody', () => {
  const { link, lead, settle } = syncing(3);
  const { log } = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 1) } });
  link.fetch().answer({ 0: { records: stored(1, 1) } });
  assert.equal(log.recoveryPoint, 0);
  link.fetch().answer({ 0: { records: stored(2, 1) } });
  assert.equal(link.received.length, 0);
  settle();
  assert.deepEqual([link.fetch().offsets, log.recoveryPoint], [{ 0: 3 }, 3]);
});

test('a disk that hangs holds the other partitions for replica.fetch.wait.max.ms, once', () => {
  const { here, link, lead, settle } = syncing(1);
  lead(0, 1);
  link.fetch().answer({ 0: {} });
  lead(1, 1);
  link.fetch().answer({});
  link.fetch().answer({ 0: { records: stored(0, 1) }, 1: {} });
  here.time.advance(499);
  assert.equal(link.received.length, 0);
  here.time.advance(1);
  const alone = link.fetch();
  assert.equal(alone.session.forgotten.length, 1, 'the fetch goes on without it');
  assert.deepEqual(alone.offsets, {});
  alone.answer({ 1: {} });
  const again = link.fetch();
  assert.deepEqual(again.offsets, {}, 'and does not wait again');
  settle();
  again.answer({ 1: {} });
  assert.deepEqual(link.fetch().offsets, { 0: 1 }, 'until it is synced');
});

test('a sync that fails ends the copying of that partition alone', () => {
  const { here, link, lead, disk, settle } = syncing(1);
  const failing = lead(0, 1);
  link.fetch().answer({ 0: {} });
  const other = lead(1, 1);
  assert.notEqual(failing.log.directory.slice(0, 7), other.log.directory.slice(0, 7));
  link.fetch().answer({});
  link.fetch().answer({ 0: { records: stored(0, 1) }, 1: {} });
  const { before } = disk;
  disk.before = (io) =>
    io.kind === 'sync' && io.path.startsWith(failing.log.directory) ? { code: 'EIO' } : before(io);
  settle();
  assert.ok(failing.log.isOffline && !other.log.isOffline);
  here.time.advance(500);
  link.fetch().answer({ 0: { records: stored(1, 1) }, 1: { records: stored(0, 1) } });
  settle();
  assert.deepEqual(link.fetch().offsets, { 1: 1 });
});

test('what is not followed any more wakes nobody', () => {
  const { here, link, lead, fetcher, settle } = syncing(1);
  const partition = lead(0, 1);
  link.fetch().answer({ 0: { records: stored(0, 1) } });
  assert.equal(partition.watchers.size, 1);
  fetcher.close();
  assert.equal(partition.watchers.size, 0);
  settle();
  here.time.advance(1000);
  assert.equal(link.received.length, 0);
});
