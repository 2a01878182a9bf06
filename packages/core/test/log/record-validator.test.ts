import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { compress } from '@odradek/protocol/compression/compress.ts';
import { crc32 } from '@odradek/protocol/primitives/crc32.ts';
import { crc32c } from '@odradek/protocol/primitives/crc32c.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import {
  batchCrcValid,
  BATCH_HEADER_SIZE,
  readBatchHeader,
  type CompressionType,
} from '@odradek/protocol/records/batch-header.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import {
  decodeRecordBatch,
  encodeRecordBatch,
  type RecordBatchInput,
} from '@odradek/protocol/records/record-batch.ts';
import { RecordValidationError } from '../../src/log/record-rules.ts';
import { validateRecords, type ValidatedRecords } from '../../src/log/record-validator.ts';
import type { ValidationSettings } from '../../src/log/validation-settings.ts';

const NOW = 1_700_000_000_000;
const CODECS = [0, 1, 2, 3, 4] as const;
const settings: ValidationSettings = {
  origin: 'client',
  requestVersion: 9,
  nextOffset: 500,
  partitionLeaderEpoch: 4,
  nowMs: NOW,
  timestampType: 'create',
  timestampBeforeMaxMs: Infinity,
  timestampAfterMaxMs: Infinity,
  isCompacted: false,
  compression: { type: 'producer' },
  maxMessageBytes: 1_000_000,
};
const OLD_REQUEST: Partial<ValidationSettings> = { requestVersion: 2 };

suite('in place', () => {
  for (const compression of CODECS) {
    test(`codec ${compression}: base offset and leader epoch are written into the given bytes`, () => {
      const batch = batchOf({ compression });
      const body = Buffer.from(batch.subarray(21));
      const result = validate(batch);
      assert.equal(result.records.buffer, batch.buffer);
      assert.equal(result.isRewritten, false);
      assert.deepEqual(batch.subarray(21), body);
      const header = readBatchHeader(result.records, 0);
      assert.deepEqual([header.baseOffset, header.lastOffset, header.partitionLeaderEpoch], [500, 502, 4]);
      assert.ok(batchCrcValid(result.records, 0));
      assert.deepEqual(
        [result.firstOffset, result.lastOffset, result.recordCount, result.sourceCompression],
        [500, 502, 3, compression],
      );
      assert.deepEqual(
        [result.maxTimestamp, result.offsetOfMaxTimestamp, result.logAppendTimeMs],
        [NOW + 2, 502, -1],
      );
    });

    test(`codec ${compression}: pitfalls 63, 181: the time of the log goes into the header`, () => {
      const result = validate(batchOf({ compression }), { timestampType: 'log-append' });
      assert.equal(result.isRewritten, false);
      assert.equal(result.logAppendTimeMs, NOW);
      assert.equal(result.maxTimestamp, NOW);
      assert.equal(result.offsetOfMaxTimestamp, 502);
      assert.ok(batchCrcValid(result.records, 0));
      for (const record of decodeRecordBatch(result.records)) assert.equal(record.timestamp, NOW);
    });

    test(`codec ${compression}: a largest timestamp that lies is put right`, () => {
      const batch = resealed(batchOf({ compression }), (b) => b.writeBigInt64BE(99n, 35));
      const result = validate(batch);
      assert.equal(result.maxTimestamp, NOW + 2);
      assert.equal(readBatchHeader(result.records, 0).maxTimestamp, NOW + 2);
      assert.ok(batchCrcValid(result.records, 0));
    });
  }

  test('pitfall 58: the leader epoch that a producer sends does not count', () => {
    for (const partitionLeaderEpoch of [-1, 0, 77]) {
      const result = validate(batchOf({ partitionLeaderEpoch }));
      assert.equal(readBatchHeader(result.records, 0).partitionLeaderEpoch, 4);
    }
  });

  test('pitfall 58: a producer batch that does not begin at offset 0 is refused, as by Kafka', () => {
    refused(ErrorCode.INVALID_RECORD, batchOf({ baseOffset: 3 }));
    assert.equal(validate(batchOf({ baseOffset: 3 }), { origin: 'coordinator' }).firstOffset, 500);
  });

  test('a partial batch at the tail is left out in old requests', () => {
    const batch = batchOf();
    const result = validate(Buffer.concat([batch, batch.subarray(0, 40)]), OLD_REQUEST);
    assert.equal(result.records.length, batch.length);
  });

  test('pitfall 189: timestamp -1 is never out of range, and no largest timestamp is told', () => {
    const limits = { timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 1000 };
    const result = validate(batchOf({ records: [plain('a', -1)] }), limits);
    assert.deepEqual([result.maxTimestamp, result.offsetOfMaxTimestamp], [-1, -1]);
    refused(ErrorCode.INVALID_TIMESTAMP, batchOf({ records: [plain('a', 0)] }), limits);
  });

  test('compressed batches can be believed by their header', () => {
    const batch = resealed(batchOf({ compression: 2 }), (b) => b.fill(0xff, BATCH_HEADER_SIZE));
    assert.equal(validate(Buffer.from(batch), { validateCompressed: false }).lastOffset, 502);
    refused(ErrorCode.INVALID_RECORD, Buffer.from(batch));
    refused(ErrorCode.INVALID_RECORD, Buffer.from(batch), { validateCompressed: false, isCompacted: true });
    refused(ErrorCode.INVALID_RECORD, Buffer.from(batch), {
      validateCompressed: false,
      timestampAfterMaxMs: 3_600_000,
    });
  });
});

suite('rules for a produce request', () => {
  test('pitfall 57: from version 3 on one batch of format v2, no more and no less', () => {
    const batch = batchOf();
    refused(ErrorCode.INVALID_RECORD, Buffer.alloc(0));
    refused(ErrorCode.INVALID_RECORD, Buffer.concat([batch, batch]));
    refused(ErrorCode.INVALID_RECORD, encodeMessageSet({ magic: 1, records: [plain('a')] }));
    refused(ErrorCode.INVALID_RECORD, batch.subarray(0, batch.length - 1));
  });

  test('pitfall 57: older requests may bring any format', () => {
    for (const requestVersion of [0, 1, 2]) {
      assert.equal(validate(batchOf(), { requestVersion }).recordCount, 3);
      for (const magic of [0, 1] as const) {
        const messages = encodeMessageSet({ magic, records: [plain('a'), plain('b')] });
        assert.equal(validate(messages, { requestVersion }).recordCount, 2);
      }
    }
    assert.equal(validate(Buffer.alloc(0), OLD_REQUEST).firstOffset, -1);
  });

  test('pitfalls 57, 185: zstd needs version 7', () => {
    const batch = batchOf({ compression: 4 });
    refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, batch, { requestVersion: 6 });
    assert.equal(validate(batch, { requestVersion: 7 }).recordCount, 3);
  });

  test('pitfall 65: too large is told by the size of the compressed batch', () => {
    const records = [plain('x'.repeat(50_000))];
    refused(ErrorCode.MESSAGE_TOO_LARGE, batchOf({ records }), { maxMessageBytes: 50_000 });
    assert.equal(validate(batchOf({ records, compression: 1 }), { maxMessageBytes: 5000 }).recordCount, 1);
    refused(ErrorCode.MESSAGE_TOO_LARGE, batchOf({ records, compression: 1 }), {
      maxMessageBytes: 5000,
      compression: { type: 0 },
    });
  });

  test('pitfall 59: counts and sequences that do not fit', () => {
    const lies: [string, (batch: Buffer) => void][] = [
      ['count 0', (b) => b.writeInt32BE(0, 57)],
      ['count -1', (b) => b.writeInt32BE(-1, 57)],
      ['count 4', (b) => b.writeInt32BE(4, 57)],
      ['last offset delta 3', (b) => b.writeInt32BE(3, 23)],
      ['last offset delta -1', (b) => b.writeInt32BE(-1, 23)],
      ['producer without sequence', (b) => b.writeBigInt64BE(7n, 43)],
      ['control batch', (b) => b.writeUInt16BE(0x20, 21)],
    ];
    for (const [name, lie] of lies) {
      refused(ErrorCode.INVALID_RECORD, resealed(batchOf(), lie), {}, name);
    }
    for (const compression of CODECS) {
      for (const count of [1, 2, 4]) {
        const batch = resealed(batchOf({ compression }), (b) => {
          b.writeInt32BE(count, 57);
          b.writeInt32BE(count - 1, 23);
        });
        refused(ErrorCode.INVALID_RECORD, batch, {}, `${count} where there are 3`);
      }
    }
  });

  test('control batches and sequences are the brokers own affair', () => {
    const batch = batchOf({ isControl: true, isTransactional: true, producerId: 7, producerEpoch: 1 });
    const result = validate(batch, { origin: 'coordinator', requestVersion: null, compression: { type: 4 } });
    assert.equal(result.isRewritten, false);
    assert.ok(readBatchHeader(result.records, 0).isControl);
  });

  test('pitfall 190: sizes that cannot be true', () => {
    for (const size of [-1, 0, 13, 40]) {
      const batch = batchOf();
      batch.writeInt32BE(size, 8);
      refused(ErrorCode.CORRUPT_MESSAGE, batch, {}, `size ${size}`);
    }
    const batch = batchOf();
    batch[16] = 3;
    refused(ErrorCode.CORRUPT_MESSAGE, batch);
  });

  test('pitfall 180: a wrong checksum, of the batch or of a message inside a compressed set', () => {
    for (const at of [21, 30, 60, 70]) {
      const batch = batchOf();
      batch[at] = batch[at]! ^ 1;
      refused(ErrorCode.CORRUPT_MESSAGE, batch, {}, `byte ${at}`);
    }
    const inner = encodeMessageSet({ magic: 1, records: [plain('a'), plain('b')] });
    inner[inner.length - 1] = 0;
    refused(ErrorCode.CORRUPT_MESSAGE, wrapped(1, inner), OLD_REQUEST);
  });

  test('a codec that does not exist', () => {
    const batch = resealed(batchOf(), (b) => b.writeUInt16BE(5, 21));
    refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, batch);
  });

  test('bytes that the codec cannot decode, or too many of them', () => {
    for (const compression of [1, 2, 3, 4] as const) {
      const batch = resealed(batchOf({ compression }), (b) => b.fill(0xee, BATCH_HEADER_SIZE));
      refused(ErrorCode.INVALID_RECORD, batch);
      const bomb = batchOf({ compression, records: [plain('x'.repeat(100_000))] });
      refused(ErrorCode.INVALID_RECORD, bomb, { decompressedMaxBytes: 100_000 });
    }
  });
});

suite('rules for records', () => {
  test('pitfall 64: a record of a compacted topic without a key is told by its index', () => {
    const records = [plain('a'), { ...plain('b'), key: null }, plain('c'), { ...plain('d'), key: null }];
    for (const compression of CODECS) {
      const error = refused(ErrorCode.INVALID_RECORD, batchOf({ records, compression }), {
        isCompacted: true,
      });
      assert.ok(error instanceof RecordValidationError);
      assert.deepEqual(
        error.recordErrors.map((e) => e.batchIndex),
        [1, 3],
      );
    }
  });

  test('pitfall 64: timestamps outside of the limits are told by their index', () => {
    const limits = { timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 10 };
    const records = [NOW - 1001, NOW - 1000, NOW, NOW + 10, NOW + 11].map((time) => plain('a', time));
    const error = refused(ErrorCode.INVALID_TIMESTAMP, batchOf({ records }), limits);
    assert.ok(error instanceof RecordValidationError);
    assert.deepEqual(
      error.recordErrors.map((e) => e.batchIndex),
      [0, 4],
    );
    assert.equal(validate(batchOf({ records }), { ...limits, timestampType: 'log-append' }).recordCount, 5);
  });

  test('pitfall 64: a producer that sets the log append time bit', () => {
    const input = {
      timestampType: 'log-append',
      logAppendTimeMs: -1,
      records: [plain('a', 1)],
    } as const;
    refused(ErrorCode.INVALID_TIMESTAMP, batchOf(input), { timestampType: 'log-append' });
    refused(ErrorCode.INVALID_TIMESTAMP, batchOf(input));
  });

  test('at most 1000 records are named', () => {
    const records = Array.from({ length: 3000 }, () => ({ ...plain('a'), key: null }));
    const error = refused(ErrorCode.INVALID_RECORD, batchOf({ records }), { isCompacted: true });
    assert.equal((error as RecordValidationError).recordErrors.length, 1000);
  });
});

suite('rewritten', () => {
  test('another compression: the same records', () => {
    for (const source of CODECS) {
      for (const target of CODECS) {
        if (source === target) continue;
        const batch = batchOf({ compression: source, producerId: 9, producerEpoch: 2, baseSequence: 40 });
        const before = decodeRecordBatch(batch);
        const result = validate(batch, { compression: { type: target } });
        const header = readBatchHeader(result.records, 0);
        assert.ok(batchCrcValid(result.records, 0));
        assert.equal(result.isRewritten, true);
        assert.equal(header.compression, target);
        assert.deepEqual([header.producerId, header.producerEpoch, header.baseSequence], [9, 2, 40]);
        assert.deepEqual(
          decodeRecordBatch(result.records),
          before.map((record, i) => ({ ...record, offset: 500 + i })),
        );
      }
    }
  });

  test('compressed records that are numbered wrongly are numbered anew', () => {
    const records = [
      { ...plain('a'), offset: 0 },
      { ...plain('b'), offset: 5 },
      { ...plain('c'), offset: 9 },
    ];
    const batch = resealed(encodeRecordBatch({ records, compression: 3 }), (b) => b.writeInt32BE(2, 23));
    const result = validate(batch);
    assert.equal(result.isRewritten, true);
    assert.deepEqual(
      decodeRecordBatch(result.records).map((record) => record.offset),
      [500, 501, 502],
    );
  });

  test('pitfall 60: a compressed set of an old client counts by its messages, whatever its offset', () => {
    for (const magic of [0, 1] as const) {
      for (const wrapperOffset of [0, 2, 77]) {
        const records = [plain('a', 5), plain('b', 7), plain('c', 6)];
        const messages = encodeMessageSet({ magic, records, compression: 2 });
        messages.writeBigInt64BE(BigInt(wrapperOffset), 0);
        const result = validate(messages, OLD_REQUEST);
        assert.deepEqual([result.firstOffset, result.lastOffset, result.recordCount], [500, 502, 3]);
        assert.equal(readBatchHeader(result.records, 0).compression, 2);
        assert.deepEqual(
          decodeRecordBatch(result.records).map((r) => [r.offset, r.timestamp, r.value!.toString()]),
          [
            [500, magic === 0 ? -1 : 5, 'a'],
            [501, magic === 0 ? -1 : 7, 'b'],
            [502, magic === 0 ? -1 : 6, 'c'],
          ],
        );
        assert.equal(result.maxTimestamp, magic === 0 ? -1 : 7);
        assert.equal(result.offsetOfMaxTimestamp, magic === 0 ? -1 : 502);
      }
    }
  });

  test('pitfall 188: messages of old clients become a batch without producer, at the leader epoch', () => {
    const result = validate(encodeMessageSet({ magic: 0, records: [plain('a')] }), OLD_REQUEST);
    const header = readBatchHeader(result.records, 0);
    assert.deepEqual(
      [header.producerId, header.producerEpoch, header.baseSequence, header.partitionLeaderEpoch],
      [-1, -1, -1, 4],
    );
  });

  test('several old messages become one batch; several compressed sets are refused', () => {
    const one = encodeMessageSet({ magic: 1, records: [plain('a'), plain('b')] });
    const zipped = encodeMessageSet({ magic: 1, records: [plain('a'), plain('b')], compression: 1 });
    const other = encodeMessageSet({ magic: 0, records: [plain('c')] });
    const result = validate(one, { ...OLD_REQUEST, compression: { type: 4 } });
    assert.equal(readBatchHeader(result.records, 0).compression, 4);
    assert.equal(decodeRecordBatch(result.records).length, 2);
    refused(ErrorCode.INVALID_RECORD, Buffer.concat([zipped, zipped]), OLD_REQUEST);
    refused(ErrorCode.INVALID_RECORD, Buffer.concat([one, other]), OLD_REQUEST);
  });

  test('pitfall 186: a set inside a set is refused, a message of another format told by its index', () => {
    const nested = encodeMessageSet({ magic: 1, records: [plain('a')], compression: 1 });
    refused(ErrorCode.INVALID_RECORD, wrapped(1, nested), OLD_REQUEST);
    const v0 = encodeMessageSet({ magic: 0, records: [plain('a')] });
    const error = refused(ErrorCode.INVALID_RECORD, wrapped(1, v0), OLD_REQUEST);
    assert.deepEqual((error as RecordValidationError).recordErrors[0]!.batchIndex, 0);
  });

  test('messages of a compacted topic need a key too', () => {
    const messages = encodeMessageSet({ magic: 1, records: [plain('a'), { ...plain('b'), key: null }] });
    refused(ErrorCode.INVALID_RECORD, messages, { ...OLD_REQUEST, isCompacted: true });
  });
});

test('damaged bytes with a right checksum are refused with a code, or accepted and readable', () => {
  const records = fc.array(
    fc.record({
      key: fc.option(fc.uint8Array({ maxLength: 9 }).map(Buffer.from), { nil: null }),
      value: fc.option(fc.uint8Array({ maxLength: 30 }).map(Buffer.from), { nil: null }),
      timestamp: fc.constantFrom(-1, 0, NOW),
    }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(
      records,
      fc.constantFrom(...CODECS),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
      fc.constantFrom('producer' as const, ...CODECS),
      (input, compression, damage, target) => {
        const batch = resealed(encodeRecordBatch({ records: input, compression }), (b) => {
          for (const [at, byte] of damage) b[21 + (at % (b.length - 21))] = byte;
        });
        try {
          const result = validate(batch, { compression: { type: target }, decompressedMaxBytes: 10_000 });
          assert.ok(batchCrcValid(result.records, 0));
          assert.equal(decodeRecordBatch(result.records).length, result.recordCount);
        } catch (error) {
          assert.ok(error instanceof KafkaError, String((error as Error).stack));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

function validate(records: Buffer, changes: Partial<ValidationSettings> = {}): ValidatedRecords {
  return validateRecords(records, { ...settings, ...changes });
}

/** The error with which `records` are refused; they must be as they were afterwards. */
function refused(
  code: number,
  records: Buffer,
  changes: Partial<ValidationSettings> = {},
  name?: string,
): KafkaError {
  const before = Buffer.from(records);
  let thrown: unknown;
  try {
    validate(records, changes);
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof KafkaError, `${name ?? ''} not refused: ${String(thrown)}`);
  assert.equal(thrown.code, code, name ?? thrown.message);
  assert.deepEqual(records, before);
  return thrown;
}

function plain(text: string, timestamp = NOW): { key: Buffer; value: Buffer; timestamp: number } {
  return { key: Buffer.from('k'), value: Buffer.from(text), timestamp };
}

function batchOf(input: Partial<RecordBatchInput> = {}): Buffer {
  return encodeRecordBatch({ records: ['a', 'b', 'c'].map((text, i) => plain(text, NOW + i)), ...input });
}

/** The batch after a change that its checksum agrees with. */
function resealed(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  change(batch);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

/** A message whose value is the gzip of `inner`. */
function wrapped(magic: 0 | 1, inner: Buffer): Buffer {
  const codec: CompressionType = 1;
  const messages = encodeMessageSet({ magic, records: [plain('a')], compression: codec });
  const value = compress(codec, inner);
  const head = messages.subarray(0, magic === 0 ? 26 : 34);
  const message = Buffer.concat([head, value]);
  message.writeInt32BE(message.length - 12, 8);
  message.writeInt32BE(value.length, head.length - 4);
  return sealedMessage(message);
}

function sealedMessage(message: Buffer): Buffer {
  message.writeUInt32BE(crc32(message.subarray(16)), 12);
  return message;
}
