import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryDisk } from '../../../broker/src/adapters/memory-disk.ts';
import { ColdPlaces, ColdRead } from '../../src/log/cold-read.ts';
import { LaterReads } from '../../src/log/later-reads.ts';
import { DiskError } from '../../src/ports/disk.ts';
import { LogWorld, append, asClient, batch, controlBatch } from './log-world.ts';
import { WatchedDisk } from './watched-disk.ts';

const T = 1_700_000_000_000;
const PAGE_CACHE_BYTES = 8 * 1024 * 1024;

/** A log of several segments that was closed and opened again: nothing of it counts as in the page cache. */
function coldLog() {
  const disk = new WatchedDisk(new MemoryDisk(() => 0));
  const world = new LogWorld({ indexIntervalBytes: 64, segmentBytes: 4096 }, disk, 100, PAGE_CACHE_BYTES);
  const warm = world.open();
  const aborted = { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  for (let i = 0; i < 100; i++) append(warm, [`value ${i}`], { timestamp: T + i });
  asClient(warm, batch(['in vain'], aborted));
  warm.appendAsLeader(controlBatch(7, 0), { leaderEpoch: 0, origin: 'coordinator' });
  for (let i = 100; i < 200; i++) append(warm, [`value ${i}`], { timestamp: T + i });
  const { highWatermark } = warm;
  warm.close();
  const cold = new LogWorld(world.config, disk, 100, PAGE_CACHE_BYTES);
  const log = cold.open({ wasCleanShutdown: true, recoveryPoint: highWatermark });
  log.updateHighWatermark(highWatermark);
  return { log, disk, files: cold.context.files };
}

/** Does a look-up as a handler does, and counts what it took. */
async function lookUpCold<T>(
  { files, disk }: ReturnType<typeof coldLog>,
  lookUp: () => T,
): Promise<{ found: T; rounds: number }> {
  for (let rounds = 0; ; rounds++) {
    assert.ok(rounds < 12, 'too many rounds');
    disk.before = () => {};
    try {
      return { found: files.withoutWaiting(lookUp), rounds };
    } catch (error) {
      if (!(error instanceof ColdRead)) throw error;
      await new Promise((resolve) => error.bringIn(resolve));
    }
  }
}

function readAt(log: ReturnType<typeof coldLog>['log'], offset: number) {
  const read = log.read(offset, { maxBytes: 300, minOneBatch: true, upTo: 'last-stable' });
  const { slice, abortedTransactions } = read;
  const place = slice === null ? null : { path: slice.path, position: slice.position, size: slice.sizeBytes };
  slice?.release();
  return { place, abortedTransactions };
}

describe('looking up what may have to come from the disk', () => {
  it('finds the same as when it waits, from every offset', async () => {
    const plain = coldLog();
    for (let offset = 0; offset <= plain.log.logEndOffset; offset += 7) {
      const cold = coldLog();
      const { found } = await lookUpCold(cold, () => readAt(cold.log, offset));
      assert.deepEqual(found, readAt(plain.log, offset), `offset ${offset}`);
    }
  });

  it('finds the same by time, and the aborted transactions', async () => {
    const plain = coldLog();
    for (let time = T - 1; time <= T + 201; time += 13) {
      const cold = coldLog();
      const find = (log: typeof plain.log) => log.offsetForTimestamp(time, 'log-end');
      const { found } = await lookUpCold(cold, () => find(cold.log));
      assert.deepEqual(found, find(plain.log));
    }
    const cold = coldLog();
    const { found } = await lookUpCold(cold, () => readAt(cold.log, 99));
    assert.deepEqual(
      found.abortedTransactions?.map(({ producerId }) => producerId),
      [7],
    );
  });

  it('reads nothing on the loop that was not brought in before: opening has read the last segment alone', async () => {
    const cold = coldLog();
    const places = new ColdPlaces();
    cold.disk.before = (operation) => assert.notEqual(operation, 'read');
    for (let offset = 0; offset < cold.log.storage.segments.active.baseOffset; offset += 20) {
      cold.files.withoutWaiting(() => places.collect(() => readAt(cold.log, offset)));
    }
    assert.throws(() => places.check(), ColdRead);
  });

  it('asks nothing twice, and nothing of what was just written', async () => {
    const cold = coldLog();
    assert.ok((await lookUpCold(cold, () => readAt(cold.log, 50))).rounds > 0);
    assert.equal((await lookUpCold(cold, () => readAt(cold.log, 51))).rounds, 0);
    const { firstOffset } = append(cold.log, ['new']);
    const slice = cold.log.read(firstOffset, { maxBytes: 100, minOneBatch: true, upTo: 'log-end' }).slice!;
    assert.equal(slice.isFresh(0, slice.sizeBytes), true);
    slice.release();
  });

  it('asks the disk again once more than the cache holds has come in', async () => {
    const cold = coldLog();
    await lookUpCold(cold, () => readAt(cold.log, 50));
    cold.files.cache.cameIn(PAGE_CACHE_BYTES);
    assert.ok((await lookUpCold(cold, () => readAt(cold.log, 50))).rounds > 0);
  });

  it('tells a failure of the disk, and counts nothing as there', async () => {
    const cold = coldLog();
    let cause: ColdRead | null = null;
    try {
      cold.files.withoutWaiting(() => readAt(cold.log, 50));
    } catch (error) {
      cause = error as ColdRead;
    }
    cold.disk.failAt(0, (operation) => operation === 'read', true);
    const error = await new Promise<DiskError | null>((resolve) => cause!.bringIn(resolve));
    assert.equal(error?.code, 'EIO');
    assert.throws(() => cold.files.withoutWaiting(() => readAt(cold.log, 50)), ColdRead);
  });
});

describe('a slice that may have to come from the disk', () => {
  const options = { maxBytes: 500, minOneBatch: true, upTo: 'log-end' } as const;

  it('is read off the loop, and stays readable when its log is deleted meanwhile', async () => {
    const { log } = coldLog();
    const { slice } = log.read(20, options);
    assert.equal(slice!.isFresh(0, slice!.sizeBytes), false);
    const expected = slice!.toBuffer();
    const target = Buffer.alloc(slice!.sizeBytes);
    const done = new Promise((resolve) =>
      slice!.readLater(target, 0, target.length, 0, (error, count) => resolve([error, count])),
    );
    log.moveAway('/data/gone');
    log.removeFiles();
    assert.deepEqual(await done, [null, target.length]);
    assert.ok(target.equals(expected));
    slice!.release();
  });

  it('has what follows it brought in once its reader is seen to read on', async () => {
    const { log, files } = coldLog();
    const first = log.read(0, options).slice!;
    first.readAhead();
    const second = log.read(3, { ...options, maxBytes: 600 }).slice!;
    const file = log.storage.segments.first.log;
    const behind = second.position + second.sizeBytes;
    assert.equal(file.path, second.path);
    files.cache.cameIn(PAGE_CACHE_BYTES);
    assert.equal(file.holds(behind, 100), false);
    second.readAhead();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(file.holds(behind, 100), true);
    first.release();
    second.release();
  });
});

describe('reads off the loop', () => {
  const MB = 1024 * 1024;

  it('are so many at a time; those that are waited for go first; of those ahead there are so many bytes', () => {
    const reads = new LaterReads({ concurrencyMax: 2, aheadBytesMax: 2 * MB });
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const start = (name: string) => (done: (error: DiskError | null, bytesRead: number) => void) => {
      begun.push(name);
      ends.set(name, () => done(null, 1));
    };
    const nothing = (): void => {};
    reads.read(start('a'), nothing);
    reads.readAhead(MB, start('ahead 1'), nothing);
    assert.equal(reads.mayReadAhead(MB), true);
    reads.readAhead(MB, start('ahead 2'), nothing);
    assert.equal(reads.mayReadAhead(1), false);
    reads.read(start('b'), nothing);
    assert.deepEqual(begun, ['a', 'ahead 1']);
    ends.get('ahead 1')!();
    assert.deepEqual(begun, ['a', 'ahead 1', 'b']);
    assert.equal(reads.mayReadAhead(MB), true);
    ends.get('a')!();
    ends.get('b')!();
    assert.deepEqual(begun, ['a', 'ahead 1', 'b', 'ahead 2']);
  });
});

describe('a read on the loop that takes long', () => {
  /** Reads what was just written with these durations, and says whether it still counts as in the page cache. */
  const isFreshAfter = (durationsMs: readonly number[]): boolean => {
    const disk = new WatchedDisk(new MemoryDisk(() => 0));
    const world = new LogWorld({}, disk, 100, PAGE_CACHE_BYTES);
    const log = world.open();
    append(log, ['value']);
    const { slice } = log.read(0, { maxBytes: 1000, minOneBatch: true, upTo: 'log-end' });
    for (const durationMs of durationsMs) {
      disk.before = (operation) => {
        if (operation === 'read') world.time.advance(durationMs);
      };
      slice!.toBuffer();
    }
    return slice!.isFresh(0, slice!.sizeBytes);
  };

  it('shows that the page cache does not have the file when another one does, too', () => {
    assert.equal(isFreshAfter([0, 0]), true);
    assert.equal(isFreshAfter([50]), true, 'another process may have had the processor');
    assert.equal(isFreshAfter([50, 0, 50]), true);
    assert.equal(isFreshAfter([50, 50]), false);
  });
});
