import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ErrorCode, KafkaError } from '../../src/errors.ts';
import { batchesOf, type CompressionType } from '../../src/records/batch-header.ts';
import { decodeBatch, downConvert } from '../../src/records/convert.ts';
import { decodeMessageSet, encodeMessageSet } from '../../src/records/message-set.ts';
import { encodeRecordBatch } from '../../src/records/record-batch.ts';
import type { DecodedRecord } from '../../src/records/record.ts';

suite('down-conversion for old fetches', () => {
  test('pitfall 99: v2 becomes v1 with timestamps, or v0 without, headers are dropped', () => {
    for (const compression of [0, 1, 2, 3] as const) {
      const batch = batchOf(10, 3, { compression });
      const v1 = convert(batch, 1, 10);
      assert.deepEqual(read(v1), [
        { offset: 10, timestamp: 1000, key: Buffer.from('k'), value: Buffer.from('v0'), headers: [] },
        { offset: 11, timestamp: 1001, key: Buffer.from('k'), value: Buffer.from('v1'), headers: [] },
        { offset: 12, timestamp: 1002, key: Buffer.from('k'), value: Buffer.from('v2'), headers: [] },
      ]);
      const v0 = convert(batch, 0, 10);
      assert.deepEqual(
        read(v0).map(({ offset, timestamp }) => [offset, timestamp]),
        [
          [10, -1],
          [11, -1],
          [12, -1],
        ],
      );
      for (const header of batchesOf(v0)) assert.equal(header.magic, 0);
      for (const header of batchesOf(v1)) assert.equal(header.compression, compression);
    }
  });

  test('pitfall 99: control batches are dropped', () => {
    const log = Buffer.concat([batchOf(0, 2), batchOf(2, 1, { isControl: true }), batchOf(3, 1)]);
    assert.deepEqual(
      read(convert(log, 1, 0)).map((record) => record.offset),
      [0, 1, 3],
    );
  });

  test('pitfall 98: uncompressed records before the asked offset are dropped, compressed ones stay', () => {
    assert.deepEqual(
      read(convert(batchOf(10, 5), 1, 13)).map((record) => record.offset),
      [13, 14],
    );
    assert.equal(read(convert(batchOf(10, 5, { compression: 2 }), 1, 13)).length, 5);
  });

  test('pitfall 99: zstd at the beginning is an error, later it ends the answer', () => {
    const zstd = batchOf(2, 2, { compression: 4 });
    assert.throws(
      () => convert(zstd, 0, 2),
      (error) => error instanceof KafkaError && error.code === ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    );
    assert.equal(read(convert(Buffer.concat([batchOf(0, 2), zstd, batchOf(4, 2)]), 1, 0)).length, 2);
  });

  test('pitfall 99: where nothing is left, a message begins that never comes', () => {
    const nothing = convert(batchOf(5, 1, { isControl: true }), 0, 5);
    assert.equal(nothing.toString('hex'), 'ffffffffffffffff0000003d');
    assert.equal(convert(Buffer.alloc(0), 0, 5).length, 0);
  });

  test('a stored batch that cannot be decoded is told as corrupt', () => {
    for (const compression of [0, 1, 2, 3] as const) {
      const batch = batchOf(0, 3, { compression });
      batch.fill(0xee, 61);
      assert.throws(
        () => convert(batch, 1, 0),
        (error) => error instanceof KafkaError && error.code === ErrorCode.CORRUPT_MESSAGE,
      );
    }
  });

  test('what is old enough stays as it is, what is newer is converted', () => {
    const v0 = encodeMessageSet({ magic: 0, baseOffset: 1, records: [plain('old')] });
    const v1 = encodeMessageSet({ magic: 1, baseOffset: 2, records: [plain('newer')] });
    const log = Buffer.concat([v0, v1, batchOf(3, 1)]);
    const forV1 = convert(log, 1, 0);
    assert.deepEqual(forV1.subarray(0, v0.length + v1.length), Buffer.concat([v0, v1]));
    assert.deepEqual(
      [...batchesOf(convert(log, 0, 0))].map((header) => header.magic),
      [0, 0, 0],
    );
  });

  test('the time of the log is kept', () => {
    const batch = batchOf(0, 2, { timestampType: 'log-append', logAppendTimeMs: 5555 });
    const v1 = convert(batch, 1, 0);
    for (const header of batchesOf(v1)) assert.equal(header.timestampType, 'log-append');
    assert.deepEqual(
      read(v1).map((record) => record.timestamp),
      [5555, 5555],
    );
  });

  test('a bound ends the answer, though never before its first batch', () => {
    const log = Buffer.concat([batchOf(0, 2), batchOf(2, 2), batchOf(4, 2)]);
    const all = downConvert(log, 0, log.length, { toMagic: 1, firstOffset: 0 });
    const limited = { toMagic: 1, firstOffset: 0, maxBytes: all.length - 1 } as const;
    assert.equal(read(downConvert(log, 0, log.length, limited)).length, 4);
    assert.equal(read(downConvert(log, 0, log.length, { ...limited, maxBytes: 1 })).length, 2);
  });

  test('a partial batch at the tail is left out', () => {
    const log = Buffer.concat([batchOf(0, 2), batchOf(2, 2)]);
    assert.equal(read(convert(log.subarray(0, log.length - 1), 1, 0)).length, 2);
  });
});

test('decodeBatch reads every format', () => {
  for (const batch of [
    batchOf(7, 2),
    encodeMessageSet({ magic: 0, baseOffset: 7, records: [plain('a'), plain('b')], compression: 1 }),
    encodeMessageSet({ magic: 1, baseOffset: 7, records: [plain('a'), plain('b')], compression: 3 }),
  ]) {
    const [header] = [...batchesOf(batch)];
    assert.deepEqual(
      decodeBatch(header!, 10_000).map((record) => record.offset),
      [7, 8],
    );
  }
});

function convert(log: Buffer, toMagic: 0 | 1, firstOffset: number): Buffer {
  return downConvert(log, 0, log.length, { toMagic, firstOffset });
}

function read(buffer: Buffer): DecodedRecord[] {
  return decodeMessageSet(buffer, 0, buffer.length, { sizeMaxBytes: 100_000 });
}

function plain(text: string): { key: null; value: Buffer; timestamp: number } {
  return { key: null, value: Buffer.from(text), timestamp: 9 };
}

function batchOf(
  baseOffset: number,
  count: number,
  options: {
    compression?: CompressionType;
    isControl?: boolean;
    timestampType?: 'log-append';
    logAppendTimeMs?: number;
  } = {},
): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: Buffer.from('k'),
    value: Buffer.from(`v${i}`),
    timestamp: 1000 + i,
    headers: [{ key: 'h', value: null }],
  }));
  return encodeRecordBatch({ baseOffset, records, ...options });
}
