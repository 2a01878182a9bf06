import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { DiskError } from '../../src/ports/disk.ts';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../src/log/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { ManualTime, SILENT, append, codeOf, readAll, valuesOf } from '../log/log-world.ts';
import { append as produce, fetch, from, world as replicaWorld } from '../replication/replica-world.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';

const DIRECTORIES = ['/data/a', '/data/b', '/data/c'];
const { KAFKA_STORAGE_ERROR } = ErrorCode;

class Directories {
  readonly time = new ManualTime();
  readonly disk = new SimulatedDisk(() => this.time.now());
  readonly failed: string[] = [];
  endedBy: DiskError | null = null;
  manager: LogManager;

  constructor() {
    this.manager = this.make();
    this.manager.open();
  }

  make(): LogManager {
    return new LogManager(
      {
        disk: this.disk,
        clock: this.time,
        timers: this.time,
        random: new SeededRandom(1),
        log: SILENT,
      },
      {
        ...DEFAULT_LOG_INTERVALS,
        directories: DIRECTORIES,
        configOf: () => DEFAULT_LOG_CONFIG,
        onDirectoryFailed: (path) => this.failed.push(path),
        onAllDirectoriesFailed: (error) => {
          this.endedBy = error;
        },
      },
    );
  }

  /** Logs t-0 to t-5, two in each directory, with a record each. */
  fill(): PartitionLog[] {
    return Array.from({ length: 6 }, (_, partition) => {
      const log = this.manager.getOrCreate('t', partition, idOf(partition));
      append(log, [`of ${partition}`]);
      return log;
    });
  }

  breakDirectory(path: string): void {
    const { before } = this.disk;
    this.disk.before = (io) => (io.path.startsWith(path) ? { code: 'EIO' } : before(io));
  }
}

function idOf(partition: number): string {
  return `${partition}`.padEnd(22, 'A');
}

describe('a data directory that fails', () => {
  it('takes its own logs offline, whichever of them found out, and no other', () => {
    const world = new Directories();
    const logs = world.fill();
    world.breakDirectory('/data/b');
    const mine = logs.filter((log) => log.directory.startsWith('/data/b'));
    assert.equal(mine.length, 2);
    assert.equal(
      codeOf(() => append(mine[0]!, ['x'])),
      KAFKA_STORAGE_ERROR,
    );
    assert.deepEqual(world.failed, ['/data/b']);
    for (const log of logs) {
      assert.equal(log.isOffline, mine.includes(log), log.directory);
      assert.equal(
        codeOf(() => append(log, ['y'])),
        mine.includes(log) ? KAFKA_STORAGE_ERROR : 0,
      );
    }
    assert.equal(
      codeOf(() => mine[1]!.read(0, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' })),
      KAFKA_STORAGE_ERROR,
    );
    assert.equal(world.endedBy, null);
  });

  it('is told of as failed, with nothing in it', () => {
    const world = new Directories();
    const [log] = world.fill();
    world.breakDirectory('/data/a');
    codeOf(() => append(log!, ['x']));
    assert.deepEqual(
      world.manager.byDirectory().map(({ path, hasFailed }) => [path, hasFailed]),
      [
        ['/data/a', true],
        ['/data/b', false],
        ['/data/c', false],
      ],
    );
  });

  it('gets no new logs; they go to the one with the fewest of the others', () => {
    const world = new Directories();
    const [log] = world.fill();
    world.breakDirectory('/data/a');
    codeOf(() => append(log!, ['x']));
    const made = [10, 11].map((partition) => world.manager.getOrCreate('t', partition, idOf(partition)));
    assert.deepEqual(
      made.map(({ directory }) => directory),
      ['/data/b/t-10', '/data/c/t-11'],
    );
  });

  it('is not written to any more, not even when the broker stops; the others are marked clean', () => {
    const world = new Directories();
    const [log] = world.fill();
    world.breakDirectory('/data/a');
    codeOf(() => append(log!, ['x']));
    const changes: string[] = [];
    world.disk.before = ({ kind, path }) => {
      if (path.startsWith('/data/a') && kind !== 'open') changes.push(`${kind} ${path}`);
      return null;
    };
    world.manager.checkpointRecoveryPoints();
    world.manager.checkpointHighWatermarks();
    world.manager.close();
    assert.deepEqual(changes, []);
    const marked = DIRECTORIES.filter((path) => world.disk.readFile(`${path}/.kafka_cleanshutdown`) !== null);
    assert.deepEqual(marked, ['/data/b', '/data/c']);
  });

  it('is used again after the next start', () => {
    const world = new Directories();
    const [log] = world.fill();
    world.breakDirectory('/data/a');
    codeOf(() => append(log!, ['x']));
    world.manager.close();
    world.disk.before = () => null;
    const again = world.make();
    again.open();
    assert.deepEqual(valuesOf(readAll(again.log('t', 0)!, 0)), ['of 0']);
  });

  it('at the start is left out; logs that may lie in it are not begun anew in another', () => {
    const world = new Directories();
    world.fill();
    world.manager.close();
    world.breakDirectory('/data/b');
    const again = world.make();
    again.open();
    assert.deepEqual(world.failed, ['/data/b']);
    assert.equal([...again.all()].length, 4);
    assert.equal(again.log('t', 1), null);
    assert.equal(
      codeOf(() => again.getOrCreate('t', 1, idOf(1), false)),
      KAFKA_STORAGE_ERROR,
    );
    assert.equal(again.getOrCreate('new', 0, idOf(9), true).logEndOffset, 0);
  });

  it('at the start answers KAFKA_STORAGE_ERROR for the partitions that may lie in it', () => {
    const time = new ManualTime();
    const disk = new SimulatedDisk(() => time.now());
    const first = replicaWorld(1, { disk, time });
    for (const partition of [0, 1]) produce(first, partition, 1);
    first.logs.close();
    disk.before = ({ path }) => (path.startsWith('/data/b') ? { code: 'EIO' } : null);
    const here = replicaWorld(1, { disk, time, isNew: false });
    assert.deepEqual(
      [0, 1].map((partition) => produce(here, partition, 1)[0]?.errorCode),
      [0, KAFKA_STORAGE_ERROR],
    );
    const { readings } = fetch(here, [from(0, 0), from(1, 0)]);
    assert.deepEqual(
      readings[0]!.results.map(({ errorCode }) => errorCode),
      [0, KAFKA_STORAGE_ERROR],
    );
    assert.equal(produce(here, 2, 1)[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });

  it('ends the broker when it was the last one', () => {
    const world = new Directories();
    const logs = world.fill();
    for (const path of DIRECTORIES) world.breakDirectory(path);
    for (const log of logs) codeOf(() => append(log, ['x']));
    assert.deepEqual(world.failed, DIRECTORIES);
    assert.equal((world.endedBy as DiskError | null)?.code, 'EIO');
    assert.throws(() => world.make().open(), DiskError);
  });

  it('is not one that is full, or in which no file can be opened for want of descriptors', () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']) {
      const world = new Directories();
      const [log] = world.fill();
      world.disk.before = ({ kind }) => (kind === 'append' || kind === 'create' ? { code } : null);
      for (let i = 0; i < 3; i++) {
        assert.equal(
          codeOf(() => append(log!, ['x'])),
          KAFKA_STORAGE_ERROR,
        );
      }
      assert.equal(
        codeOf(() => log!.roll()),
        KAFKA_STORAGE_ERROR,
      );
      world.manager.checkpointRecoveryPoints();
      assert.deepEqual(valuesOf(readAll(log!, 0)), ['of 0'], 'reading goes on');
      world.disk.before = () => null;
      append(log!, ['y']);
      log!.roll();
      append(log!, ['z']);
      assert.deepEqual([valuesOf(readAll(log!, 0)), world.failed], [['of 0', 'y', 'z'], []]);
    }
  });
});

describe('a log that lies in two data directories', () => {
  it('is chosen by its topic id; what is left of a deleted topic is put aside', () => {
    for (const wanted of [idOf(1), idOf(2)]) {
      const world = new Directories();
      const former = world.manager.getOrCreate('t', 0, idOf(1));
      append(former, ['former']);
      world.manager.getOrCreate('u', 0, idOf(5));
      world.breakDirectory('/data/a');
      codeOf(() => append(former, ['x']));
      // The topic is deleted and made again while the directory with its log is out of use.
      world.manager.delete('t', 0);
      append(world.manager.getOrCreate('t', 0, idOf(2)), ['latter']);
      world.disk.before = () => null;
      const again = world.make();
      again.open();
      const log = again.getOrCreate('t', 0, wanted, false);
      assert.deepEqual(valuesOf(readAll(log, 0)), [wanted === idOf(1) ? 'former' : 'latter']);
      const names = DIRECTORIES.flatMap((path) => world.disk.list(path)!.map(({ name }) => name));
      const mine = names.filter((name) => name.startsWith('t-0')).map((name) => name.slice(-6));
      assert.deepEqual(mine.toSorted(), ['-stray', 't-0'], 'the name of the other is free');
    }
  });

  it('both without records and a topic id: one of them is the log', () => {
    const world = new Directories();
    world.manager.getOrCreate('t', 0, idOf(1));
    // Deleted in a directory that has failed and was not told, and made again in another: neither has its id yet.
    world.breakDirectory('/data/a');
    codeOf(() => world.manager.delete('t', 0));
    world.manager.getOrCreate('t', 0, idOf(2));
    world.disk.before = () => null;
    const again = world.make();
    again.open();
    append(again.getOrCreate('t', 0, idOf(2), false), ['of 2']);
    const names = DIRECTORIES.flatMap((path) => world.disk.list(path)!.map(({ name }) => name));
    assert.equal(names.filter((name) => name === 't-0').length, 1);
    again.close();
    const third = world.make();
    third.open();
    assert.deepEqual(valuesOf(readAll(third.getOrCreate('t', 0, idOf(2), false), 0)), ['of 2']);
  });
});
