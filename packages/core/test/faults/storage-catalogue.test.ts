/* The rows of the fault catalogue that one broker's storage has to withstand, by their numbers. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { batchCrcValid } from '@odradek/protocol/records/batch-header.ts';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../src/log/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import {
  DIRECTORY,
  LogWorld,
  ManualTime,
  SILENT,
  append,
  batch,
  bytesFrom,
  codeOf,
  controlBatch,
  readAll,
  valuesOf,
} from '../log/log-world.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';

const FIRST = `${DIRECTORY}/00000000000000000000`;
const idempotent = (baseSequence: number) => ({ producerId: 7, producerEpoch: 0, baseSequence });

function simulated(config: Partial<LogConfig> = {}): { world: LogWorld; disk: SimulatedDisk } {
  const disk = new SimulatedDisk(() => 1_700_000_000_000);
  disk.makeDirectory('/data');
  disk.syncDirectory('/');
  return { world: new LogWorld(config, disk), disk };
}

/** The same log on a disk as a crash has left it. */
function reopened(disk: SimulatedDisk, config: Partial<LogConfig>, recoveryPoint = 0): PartitionLog {
  return new LogWorld(config, disk).open({ recoveryPoint });
}

function manager(disk: SimulatedDisk, time: ManualTime): LogManager {
  return new LogManager(
    { disk, clock: time, timers: time, random: new SeededRandom(1), log: SILENT },
    { ...DEFAULT_LOG_INTERVALS, directories: ['/data'], configOf: () => DEFAULT_LOG_CONFIG },
  );
}

it('F13: recovery keeps epoch 0', () => {
  const { world, disk } = simulated();
  const log = world.open();
  append(log, ['a', 'b']);
  const again = reopened(disk.afterProcessCrash(), {});
  assert.deepEqual(again.endOffsetForEpoch(0), { epoch: 0, endOffset: 2 });
});

it('F14: the leader epoch file is old or new after a loss of power at any step of its replacement', () => {
  const { world, disk } = simulated();
  const log = world.open();
  append(log, ['a']);
  log.flush();
  log.assignLeaderEpoch(1);
  log.appendAsLeader(batch(['b']), { leaderEpoch: 1, origin: 'client' });
  const path = `${DIRECTORY}/leader-epoch-checkpoint`;
  let steps = 0;
  disk.before = () => {
    steps++;
    for (let seed = 0; seed < 10; seed++) {
      const found = disk.afterPowerLoss(seed).readFile(path)?.toString();
      assert.ok(found === '0\n1\n0 0\n' || found === '0\n2\n0 0\n1 1\n', `step ${steps}: ${found}`);
    }
    return null;
  };
  log.checkpointLeaderEpochs();
  assert.ok(steps >= 4);
});

it('the epoch of a new log is found in its batches after a crash, without a file for it', () => {
  const path = `${DIRECTORY}/leader-epoch-checkpoint`;
  const silent = simulated();
  const without = silent.world.open();
  without.assignLeaderEpoch(4);
  without.checkpointLeaderEpochs();
  assert.equal(silent.disk.readFile(path)?.toString(), '0\n1\n4 0\n', 'of a leader that wrote nothing');
  const { world, disk } = simulated();
  const log = world.open();
  log.assignLeaderEpoch(4);
  log.appendAsLeader(batch(['a', 'b']), { leaderEpoch: 4, origin: 'client' });
  log.checkpointLeaderEpochs();
  assert.equal(disk.readFile(path), null);
  const again = reopened(disk.afterProcessCrash(), {});
  assert.deepEqual(again.endOffsetForEpoch(4), { epoch: 4, endOffset: 2 });
  log.flush();
  assert.equal(disk.readFile(path)?.toString(), '0\n1\n4 0\n', 'before the recovery point passes them');
});

it('F16: a log that is truncated fully has no high watermark before its start', () => {
  const { world } = simulated();
  const log = world.open();
  append(log, ['a']);
  log.truncateFullyAndStartAt(500);
  assert.deepEqual([log.logStartOffset, log.highWatermark, log.logEndOffset], [500, 500, 500]);
});

it('F17: a high watermark from the checkpoint lies within the log', () => {
  const time = new ManualTime();
  for (const [text, expected] of [
    ['0\n1\nt 0 -1\n', 0],
    ['0\n1\nt 0 99\n', 1],
    ['nonsense', 0],
  ] as const) {
    const disk = new SimulatedDisk(() => time.now());
    const first = manager(disk, time);
    first.open();
    append(first.getOrCreate('t', 0, null), ['a']);
    first.close();
    disk.replaceFile('/data/replication-offset-checkpoint', Buffer.from(text));
    const next = manager(disk, time);
    next.open();
    assert.equal(next.log('t', 0)!.highWatermark, expected);
  }
});

it('F20: retention leaves what lies at or above the high watermark', () => {
  const { world } = simulated({ segmentBytes: 200, retentionBytes: 0 });
  const log = world.open();
  for (let i = 0; i < 9; i++) log.appendAsLeader(batch([`value ${i}`]), { leaderEpoch: 0, origin: 'client' });
  log.updateHighWatermark(4);
  log.deleteOldSegments(world.time.now());
  assert.ok(log.logStartOffset <= 4);
  assert.equal(readAll(log, log.logStartOffset).length, 9 - log.logStartOffset);
});

it('F70: a start that is cut off leaves no mark of a clean stop, and forgets nothing', () => {
  const time = new ManualTime();
  const disk = new SimulatedDisk(() => time.now());
  const first = manager(disk, time);
  first.open();
  for (let i = 0; i < 3; i++) append(first.getOrCreate('t', i, null), ['a']);
  first.close();
  const points = disk.readFile('/data/recovery-point-offset-checkpoint')!.toString();
  assert.match(points, /t 2 1/);
  const second = manager(disk, time);
  const opening = second.openStepwise();
  opening.next();
  second.close();
  assert.equal(disk.readFile('/data/.kafka_cleanshutdown'), null);
  assert.equal(disk.readFile('/data/recovery-point-offset-checkpoint')!.toString(), points);
});

it('F79: producer state follows a truncation, and is replayed where the snapshot is lost', () => {
  const { world, disk } = simulated({ segmentBytes: 300 });
  const log = world.open();
  for (let i = 0; i < 8; i++) append(log, [`${i}`], idempotent(i));
  log.truncateTo(4);
  assert.equal(log.producerStates()[0]!.batches.at(-1)!.lastSequence, 3);
  assert.equal(append(log, ['again'], idempotent(4)).firstOffset, 4);
  for (const { name } of disk.list(DIRECTORY)!) {
    if (name.endsWith('.snapshot')) disk.remove(`${DIRECTORY}/${name}`);
  }
  const again = reopened(disk.afterProcessCrash(), { segmentBytes: 300 });
  assert.equal(again.producerStates()[0]!.batches.at(-1)!.lastSequence, 4);
  assert.ok(append(again, ['again'], idempotent(4)).isDuplicate);
});

it('F93: an append that fails half-way leaves no offset behind that the next one takes again', () => {
  for (const code of ['EIO', 'ENOSPC']) {
    for (let writtenBytes = 0; writtenBytes <= 70; writtenBytes += 7) {
      const { world, disk } = simulated();
      const log = world.open();
      append(log, ['a'], idempotent(0));
      disk.before = ({ kind }) => (kind === 'append' ? { code, writtenBytes } : null);
      const failed = codeOf(() => append(log, ['b'], idempotent(1)));
      assert.equal(failed, ErrorCode.KAFKA_STORAGE_ERROR);
      disk.before = () => null;
      // After EIO the log is fenced: a start recovers it first.
      const next = log.isOffline ? reopened(disk.afterProcessCrash(), {}) : log;
      assert.equal(log.isOffline, code === 'EIO');
      append(next, ['b'], idempotent(1));
      assert.deepEqual(valuesOf(readAll(next, 0)), ['a', 'b']);
    }
  }
});

it('F93: records of an aborted transaction stay undecided while the transaction index lacks it', () => {
  const { world, disk } = simulated();
  const log = world.open();
  append(log, ['t'], { ...idempotent(0), isTransactional: true });
  disk.before = ({ path }) => (path.endsWith('.txnindex') ? { code: 'EIO' } : null);
  assert.equal(
    codeOf(() => log.appendAsLeader(controlBatch(7, 0), { leaderEpoch: 0, origin: 'coordinator' })),
    ErrorCode.KAFKA_STORAGE_ERROR,
  );
  assert.equal(log.lastStableOffset, 0);
  disk.before = () => null;
  const again = reopened(disk.afterProcessCrash(), {});
  again.updateHighWatermark(again.logEndOffset);
  const read = again.read(0, { maxBytes: 1000, minOneBatch: true, upTo: 'last-stable' });
  assert.deepEqual(
    read.abortedTransactions!.map(({ producerId, firstOffset }) => [Number(producerId), firstOffset]),
    [[7, 0]],
  );
  read.slice!.release();
});

it('F94: a log that ends before its start begins anew there; one that begins within a batch is read from there', () => {
  const { world, disk } = simulated();
  const log = world.open();
  append(log, ['a', 'b', 'c']);
  const beyond = new LogWorld({}, disk.afterProcessCrash()).open({ logStartOffset: 9, recoveryPoint: 20 });
  assert.deepEqual([beyond.logStartOffset, beyond.logEndOffset, beyond.recoveryPoint], [9, 9, 9]);
  assert.deepEqual([beyond.latestLeaderEpoch, beyond.producerStates().length], [-1, 0]);
  const within = new LogWorld({}, disk.afterProcessCrash()).open({ logStartOffset: 1 });
  assert.deepEqual(valuesOf(readAll(within, 1)), ['b', 'c']);
});

it('F94: the entry of a new log in its data directory is on the disk once the log was flushed', () => {
  const { world, disk } = simulated();
  const log = world.open();
  append(log, ['a']);
  log.flush();
  for (let seed = 0; seed < 20; seed++) {
    assert.deepEqual(valuesOf(readAll(reopened(disk.afterPowerLoss(seed), {}), 0)), ['a']);
  }
});

it('a flipped bit in a batch that is read reaches the reader with a checksum that tells, or as CORRUPT_MESSAGE', () => {
  const { world, disk } = simulated({ indexIntervalBytes: 100 });
  const log = world.open();
  for (let i = 0; i < 6; i++) append(log, [`value ${i}`.padEnd(60, '.')]);
  log.close();
  const sound = disk.readFile(`${FIRST}.log`)!;
  const sizeBytes = sound.length / 6;
  for (let bit = 0; bit < sizeBytes * 8; bit += 3) {
    const at = 3 * sizeBytes + (bit >> 3);
    const damaged = disk.afterProcessCrash();
    damaged.afterRead = (path, position, bytes) => {
      if (!path.endsWith('.log') || at < position || at >= position + bytes.length) return;
      bytes[at - position]! ^= 1 << (bit & 7);
    };
    const again = new LogWorld({}, damaged).open({ wasCleanShutdown: true, recoveryPoint: 6 });
    checkReader(again, sound, `bit ${bit}`);
  }
});

/** Whatever a consumer takes for sound is what was written, and it skips nothing without being told. */
function checkReader(log: PartitionLog, sound: Buffer, where: string): void {
  let taken: Buffer;
  try {
    taken = bytesFrom(log, 0);
  } catch (error) {
    // Told by the broker, or seen by the reader who takes the batches apart.
    const isTold = error instanceof KafkaError && error.code === ErrorCode.CORRUPT_MESSAGE;
    assert.ok(isTold || error instanceof MalformedBytesError, `${where}: ${error}`);
    return;
  }
  if (taken.equals(sound)) return;
  assert.equal(taken.length, sound.length, where);
  const size = sound.length / 6;
  const damaged = Array.from({ length: 6 }, (_, i) => i).filter(
    (i) => !taken.subarray(i * size, (i + 1) * size).equals(sound.subarray(i * size, (i + 1) * size)),
  );
  assert.deepEqual(damaged, [3], where);
  // Offset and leader epoch lie outside the checksum, as in Kafka.
  const isCovered = taken.subarray(3 * size + 16).equals(sound.subarray(3 * size + 16));
  assert.ok(isCovered || !batchCrcValid(taken, 3 * size), where);
}

it('a flipped bit in an offset index costs a search, not a record', () => {
  const { world, disk } = simulated({ indexIntervalBytes: 100 });
  const log = world.open();
  for (let i = 0; i < 12; i++) append(log, [`value ${i}`.padEnd(60, '.')]);
  log.close();
  const index = disk.readFile(`${FIRST}.index`)!;
  assert.ok(index.length >= 24);
  for (let bit = 0; bit < index.length * 8; bit++) {
    const damaged = disk.afterProcessCrash();
    damaged.afterRead = (path, position, bytes) => {
      const at = bit >> 3;
      if (!path.endsWith('.index') || at < position || at >= position + bytes.length) return;
      bytes[at - position]! ^= 1 << (bit & 7);
    };
    const again = new LogWorld({}, damaged).open({ wasCleanShutdown: true, recoveryPoint: 12 });
    for (let offset = 0; offset < 12; offset++) {
      const { slice } = again.read(offset, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' });
      const found = slice!.toBuffer();
      slice!.release();
      assert.equal(Number(found.readBigInt64BE(0)), offset, `bit ${bit}, offset ${offset}`);
    }
  }
});

it('an index that was cut short, at an entry or within one, leads to all records', () => {
  const { world, disk } = simulated({ indexIntervalBytes: 100 });
  const log = world.open();
  for (let i = 0; i < 12; i++)
    append(log, [`value ${i}`.padEnd(60, '.')], { timestamp: 1_700_000_000_000 + i });
  log.close();
  for (const suffix of ['.index', '.timeindex']) {
    const { length } = disk.readFile(FIRST + suffix)!;
    for (let sizeBytes = 0; sizeBytes < length; sizeBytes++) {
      const cut = disk.afterProcessCrash();
      cut.open(FIRST + suffix).truncate(sizeBytes);
      const again = new LogWorld({}, cut).open({ wasCleanShutdown: true, recoveryPoint: 12 });
      assert.equal(readAll(again, 0).length, 12);
      assert.equal(
        again.offsetForTimestamp(1_700_000_000_000 + 7, 'log-end')?.offset,
        7,
        `${suffix} ${sizeBytes}`,
      );
    }
  }
});

it('a clock that steps back neither stops flush.ms nor keeps records from being found by time', () => {
  const { world } = simulated({ flushMs: 1000, messageTimestampType: 'LogAppendTime' });
  const log = world.open();
  append(log, ['a']);
  const before = world.time.now();
  let wall = before - 86_400_000;
  world.time.now = () => wall;
  append(log, ['b']);
  assert.ok(!log.isFlushDue(world.time.monotonic()));
  assert.ok(log.isFlushDue(world.time.monotonic() + 1000));
  assert.equal(log.offsetForTimestamp(before, 'log-end')?.offset, 0);
  wall = before + 1;
  append(log, ['c']);
  assert.equal(log.offsetForTimestamp(before + 1, 'log-end')?.offset, 2);
});
