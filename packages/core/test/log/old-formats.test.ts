import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { messageSetBaseOffset } from '@odradek/protocol/records/message-set.ts';
import { offsetName } from '../../src/log/log-files.ts';
import { DIRECTORY, LogWorld, append, bytesFrom, readAll } from './log-world.ts';

const LIMIT = 1_000_000;

/** Message sets of formats 0 and 1 as Apache Kafka's own classes wrote them; see interop/records. */
const file = new URL('../../../protocol/test/vectors/records.txt', import.meta.url);
const segments = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => Buffer.from(line.split('\t', 1)[0]!, 'hex'))
  .filter((bytes) => [...batchesOf(bytes)][0]!.magic < 2);

function placed(bytes: Buffer): { world: LogWorld; baseOffset: number; expected: unknown[] } {
  const headers = [...batchesOf(bytes)];
  const baseOffset = messageSetBaseOffset(headers[0]!, LIMIT);
  const world = new LogWorld();
  world.disk.makeDirectory(DIRECTORY);
  world.disk.replaceFile(`${DIRECTORY}/${offsetName(baseOffset)}.log`, bytes);
  return { world, baseOffset, expected: headers.flatMap((header) => [...decodeBatch(header, LIMIT)]) };
}

describe('segments of message formats 0 and 1', () => {
  it('are there to be tried, of both formats, plain and compressed', () => {
    const kinds = segments.map((bytes) => {
      const [header] = batchesOf(bytes);
      return `v${header!.magic} codec ${header!.compression}`;
    });
    for (const kind of ['v0 codec 0', 'v1 codec 0', 'v0 codec 1', 'v1 codec 1', 'v1 codec 2', 'v1 codec 3']) {
      assert.ok(kinds.includes(kind), kind);
    }
  });

  for (const [i, bytes] of segments.entries()) {
    const { magic, compression } = [...batchesOf(bytes)][0]!;
    it(`${i}: format v${magic}, codec ${compression}, is recovered and read from every offset`, () => {
      const { world, baseOffset, expected } = placed(bytes);
      const log = world.open();
      log.updateHighWatermark(log.logEndOffset);
      assert.deepEqual(readAll(log, baseOffset), expected);
      assert.ok(bytesFrom(log, baseOffset).equals(bytes), 'nothing is rewritten');
      assert.equal(log.latestLeaderEpoch, -1);
      for (const record of expected as { offset: number }[]) {
        assert.equal(readAll(log, record.offset)[0]?.offset, record.offset);
      }
    });

    it(`${i}: records of today's format follow, and a clean start finds both`, () => {
      const { world, baseOffset, expected } = placed(bytes);
      const log = world.open();
      const end = log.logEndOffset;
      assert.equal(append(log, ['new']).firstOffset, end);
      log.close();
      const again = world.open({ wasCleanShutdown: true, recoveryPoint: end + 1 });
      const records = readAll(again, baseOffset);
      assert.deepEqual(records.slice(0, -1), expected);
      assert.deepEqual([records.at(-1)!.offset, again.logEndOffset], [end, end + 1]);
    });
  }
});
