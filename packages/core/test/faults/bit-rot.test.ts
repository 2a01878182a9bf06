import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { batchCrcValid, batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { DIRECTORY, LogWorld, append, codeOf, controlBatch } from '../log/log-world.ts';

/** Offset, length and leader epoch of a batch lie before what its checksum covers. */
const CHECKED_FROM = 16;

function worldOn(disk: SimulatedDisk): LogWorld {
  return new LogWorld({ segmentBytes: 500, indexIntervalBytes: 100 }, disk);
}

/** A log of several segments and all kinds of files, closed, with its batches by offset: each has one record. */
function written(): { disk: SimulatedDisk; batches: Buffer[] } {
  const disk = new SimulatedDisk(() => 0);
  const log = worldOn(disk).open();
  for (let i = 0; i < 9; i++) {
    const options = { producerId: 7, producerEpoch: 0, baseSequence: i, isTransactional: i % 4 < 2 };
    append(log, [`value ${i}`.padEnd(60, '.')], { ...options, timestamp: 1_700_000_000_000 + i });
    if (i % 4 !== 1) continue;
    log.appendAsLeader(controlBatch(7, 0), { leaderEpoch: 0, origin: 'coordinator' });
    log.updateHighWatermark(log.logEndOffset);
  }
  const batches = Array.from({ length: log.logEndOffset }, (_, offset) => batchAt(log, offset));
  assert.ok(batches.length === 11 && log.segmentCount > 2);
  log.close();
  return { disk, batches };
}

/** What a consumer that asks for an offset gets first. @throws KafkaError */
function batchAt(log: PartitionLog, offset: number): Buffer {
  const { slice } = log.read(offset, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' });
  if (slice === null) throw new Error(`nothing at ${offset}, ${log.logStartOffset} to ${log.logEndOffset}`);
  const bytes = slice.toBuffer();
  slice.release();
  return bytes;
}

function withFlipped(disk: SimulatedDisk, path: string, bit: number): SimulatedDisk {
  const damaged = disk.afterProcessCrash();
  const contents = Buffer.from(damaged.readFile(path)!);
  contents[bit >> 3]! ^= 1 << (bit & 7);
  const file = damaged.open(path);
  file.write(contents, 0);
  file.close();
  return damaged;
}

function isOfOffset(bytes: Buffer, at: number): boolean {
  return [...batchesOf(bytes)].some(({ position }) => at >= position && at < position + 8);
}

/** It is what was written there, or its checksum tells, or the broker does. */
function checkRead(log: PartitionLog, offset: number, wanted: Buffer, where: string): void {
  let bytes: Buffer;
  try {
    bytes = batchAt(log, offset);
  } catch (error) {
    const isTold = error instanceof KafkaError && error.code === ErrorCode.CORRUPT_MESSAGE;
    assert.ok(isTold, `${where}: ${error}`);
    assert.match(error.message, /\.log/, `${where}: which file is told`);
    return;
  }
  if (bytes.subarray(CHECKED_FROM).equals(wanted.subarray(CHECKED_FROM))) return;
  assert.ok([...batchesOf(bytes)].length === 0 || !batchCrcValid(bytes, 0), where);
}

for (const wasCleanShutdown of [true, false]) {
  const when = wasCleanShutdown ? 'after a clean stop' : 'and then a crash';
  it(`a bit that flips in any file of a log ${when}: what is read is what was written, or the damage is told`, () => {
    const { disk, batches } = written();
    const end = batches.length;
    for (const { name, sizeBytes } of disk.list(DIRECTORY)!) {
      const path = `${DIRECTORY}/${name}`;
      // Every byte of the headers comes up at some of the batches.
      for (let bit = 0; bit < sizeBytes * 8; bit += name.endsWith('.log') ? 29 : 11) {
        const where = `${path}, bit ${bit}`;
        // Recovery takes a later offset for a gap that compaction left at the leader.
        if (!wasCleanShutdown && name.endsWith('.log') && isOfOffset(disk.readFile(path)!, bit >> 3))
          continue;
        const world = worldOn(withFlipped(disk, path, bit));
        const recoveryPoint = wasCleanShutdown ? end : 0;
        let log: PartitionLog;
        try {
          log = world.open({ wasCleanShutdown, recoveryPoint });
        } catch (error) {
          assert.ok(
            error instanceof MalformedBytesError && error.message.includes('.log'),
            `${where}: ${error}`,
          );
          continue;
        }
        // Recovery cuts off what is damaged, in the log alone.
        if (!name.endsWith('.log')) assert.equal(log.logEndOffset, end, where);
        for (let offset = log.logStartOffset; offset < Math.min(end, log.logEndOffset); offset++) {
          checkRead(log, offset, batches[offset]!, where);
        }
        assert.equal(
          codeOf(() => batchAt(log, log.logEndOffset + 1)),
          ErrorCode.OFFSET_OUT_OF_RANGE,
          where,
        );
      }
    }
  });
}
