import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import {
  BATCH_HEADER_SIZE,
  batchCrcValid,
  batchesOf,
  decrementSequence,
  encodeEmptyBatch,
  incrementSequence,
  readBatchHeader,
  setBaseOffset,
  setMaxTimestampAndType,
  setPartitionLeaderEpoch,
  setProducer,
  wholeBatchAt,
} from '../../src/records/batch-header.ts';
import { decodeRecordBatch, encodeRecordBatch } from '../../src/records/record-batch.ts';
import { writeVarint } from '../../src/records/varint.ts';

const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array));
const nullableBytes = fc.option(bytes, { nil: null });
const PLAIN_OBJECTS = { noNullPrototype: true } as const;
const record = fc.record({
  key: nullableBytes,
  value: nullableBytes,
  headers: fc.array(
    fc.record({ key: fc.string({ unit: 'binary', maxLength: 8 }), value: nullableBytes }, PLAIN_OBJECTS),
    {
      maxLength: 3,
    },
  ),
  timestamp: fc.oneof(fc.constant(-1), fc.constant(0), fc.integer({ min: 0, max: 2 ** 52 })),
});

const batch = fc.record({
  baseOffset: fc.integer({ min: 0, max: 2 ** 52 }),
  records: fc.array(record, { minLength: 1, maxLength: 20 }),
  compression: fc.constantFrom(0, 1, 2, 3, 4),
  producerId: fc.integer({ min: -1, max: 2 ** 52 }),
  producerEpoch: fc.integer({ min: -1, max: 32767 }),
  baseSequence: fc.integer({ min: -1, max: 0x7fffffff }),
  isTransactional: fc.boolean(),
  partitionLeaderEpoch: fc.integer({ min: -1, max: 0x7fffffff }),
});

test('a batch comes back with all of its fields and records', () => {
  fc.assert(
    fc.property(batch, (input) => {
      const encoded = encodeRecordBatch(input);
      const header = readBatchHeader(encoded, 0);
      assert.ok(batchCrcValid(encoded, 0));
      assert.equal(header.sizeBytes, encoded.length);
      assert.equal(header.baseOffset, input.baseOffset);
      assert.equal(header.lastOffset, input.baseOffset + input.records.length - 1);
      assert.equal(header.recordCount, input.records.length);
      assert.equal(header.compression, input.compression);
      assert.equal(header.producerId, input.producerId);
      assert.equal(header.producerEpoch, input.producerEpoch);
      assert.equal(header.baseSequence, input.baseSequence);
      assert.equal(header.isTransactional, input.isTransactional);
      assert.equal(header.isControl, false);
      assert.equal(header.timestampType, 'create');
      assert.equal(header.partitionLeaderEpoch, input.partitionLeaderEpoch);
      assert.equal(header.maxTimestamp, Math.max(...input.records.map((r) => r.timestamp)));
      assert.deepEqual(
        decodeRecordBatch(encoded),
        input.records.map((r, i) => ({ ...r, offset: input.baseOffset + i })),
      );
    }),
  );
});

test('damage anywhere gives MalformedBytesError or records, never anything else', () => {
  fc.assert(
    fc.property(batch, fc.nat(), fc.nat({ max: 255 }), (input, where, what) => {
      const encoded = encodeRecordBatch(input);
      encoded[where % encoded.length] = what;
      refusedOrFine(() => decodeRecordBatch(encoded, 0, { sizeMaxBytes: 10_000 }));
      refusedOrFine(() => [...batchesOf(encoded)]);
      batchCrcValid(encoded, 0);
    }),
    { numRuns: 500 },
  );
});

test('a batch that is cut short anywhere is partial, not an error, and its checksum is not valid', () => {
  const encoded = encodeRecordBatch({ records: [plain('a'), plain('b')] });
  const two = Buffer.concat([encoded, encoded]);
  for (let size = encoded.length; size < two.length; size++) {
    const cut = two.subarray(0, size);
    assert.equal([...batchesOf(cut)].length, 1);
    assert.equal(batchCrcValid(cut, encoded.length), false);
    assert.throws(() => decodeRecordBatch(cut, encoded.length), MalformedBytesError);
  }
  assert.equal([...batchesOf(two)].length, 2);
});

suite('headers changed in place', () => {
  test('base offset and leader epoch lie outside the checksum', () => {
    const encoded = encodeRecordBatch({ records: [plain('a'), plain('b')] });
    setBaseOffset(encoded, 0, 2 ** 40);
    setPartitionLeaderEpoch(encoded, 0, 7);
    assert.ok(batchCrcValid(encoded, 0));
    assert.equal(readBatchHeader(encoded, 0).lastOffset, 2 ** 40 + 1);
    assert.equal(readBatchHeader(encoded, 0).partitionLeaderEpoch, 7);
  });

  test('pitfall 181: log append time sets attribute bit 3 and the maximum, and readers use it for all', () => {
    const encoded = encodeRecordBatch({ records: [plain('a', 5), plain('b', 9)] });
    const before = Buffer.from(encoded);
    setMaxTimestampAndType(readBatchHeader(encoded, 0), 'log-append', 1000);
    const header = readBatchHeader(encoded, 0);
    assert.equal(header.attributes, 0x08);
    assert.equal(header.maxTimestamp, 1000);
    assert.equal(header.baseTimestamp, 5);
    assert.ok(batchCrcValid(encoded, 0));
    assert.deepEqual(
      decodeRecordBatch(encoded).map((r) => r.timestamp),
      [1000, 1000],
    );
    assert.deepEqual(encoded.subarray(BATCH_HEADER_SIZE), before.subarray(BATCH_HEADER_SIZE));
  });

  test('the producer can be set before a batch is sent', () => {
    const encoded = encodeRecordBatch({ records: [plain('a')] });
    setProducer(readBatchHeader(encoded, 0), 4000, 3, 12);
    const header = readBatchHeader(encoded, 0);
    assert.deepEqual([header.producerId, header.producerEpoch, header.baseSequence], [4000, 3, 12]);
    assert.ok(batchCrcValid(encoded, 0));
  });
});

suite('rules of the format', () => {
  test('pitfall 187: a batch without records keeps its offsets and sequences', () => {
    const empty = encodeEmptyBatch({
      baseOffset: 100,
      partitionLeaderEpoch: 2,
      attributes: 0,
      lastOffsetDelta: 9,
      maxTimestamp: 77,
      producerId: 5,
      producerEpoch: 0,
      baseSequence: 30,
    });
    const header = readBatchHeader(empty, 0);
    assert.equal(header.lastOffset, 109);
    assert.equal(header.lastSequence, 39);
    assert.equal(header.baseTimestamp, -1);
    assert.equal(header.recordCount, 0);
    assert.ok(batchCrcValid(empty, 0));
    assert.deepEqual(decodeRecordBatch(empty), []);
  });

  test('pitfall 188: without a producer id, epoch and sequence are -1', () => {
    const header = readBatchHeader(encodeRecordBatch({ records: [plain('a')] }), 0);
    assert.deepEqual([header.producerId, header.producerEpoch, header.baseSequence], [-1, -1, -1]);
    assert.equal(header.lastSequence, -1);
  });

  test('pitfall 189: timestamps -1 and 0 are kept apart', () => {
    const encoded = encodeRecordBatch({ records: [plain('a', -1), plain('b', 0)] });
    assert.deepEqual(
      decodeRecordBatch(encoded).map((r) => r.timestamp),
      [-1, 0],
    );
  });

  test('pitfall 190: a negative or too small size is refused, a too large one is a partial batch', () => {
    const encoded = encodeRecordBatch({ records: [plain('a')] });
    for (const size of [-1, -0x80000000, 0, 13]) {
      encoded.writeInt32BE(size, 8);
      assert.throws(() => wholeBatchAt(encoded, 0), MalformedBytesError, `size ${size}`);
    }
    for (const size of [14, 48]) {
      encoded.writeInt32BE(size, 8);
      assert.throws(() => readBatchHeader(encoded, 0), MalformedBytesError, `size ${size}`);
    }
    encoded.writeInt32BE(0x7fffffff, 8);
    assert.equal(wholeBatchAt(encoded, 0), null);
  });

  test('pitfall 191: null and empty differ; header values may be null; duplicate header keys keep their order', () => {
    const headers = [
      { key: 'h', value: Buffer.from('1') },
      { key: 'h', value: null },
      { key: '', value: Buffer.alloc(0) },
    ];
    const records = [
      { key: null, value: Buffer.alloc(0), timestamp: 1, headers },
      { key: Buffer.alloc(0), value: null, timestamp: 1, headers: [] },
    ];
    const decoded = decodeRecordBatch(encodeRecordBatch({ records }));
    assert.deepEqual(
      decoded.map(({ key, value, timestamp, headers }) => ({ key, value, timestamp, headers })),
      records,
    );
  });

  test('pitfall 67: sequence numbers go from 2147483647 to 0', () => {
    assert.equal(incrementSequence(0x7fffffff, 1), 0);
    assert.equal(incrementSequence(0x7ffffffe, 3), 1);
    assert.equal(decrementSequence(0, 1), 0x7fffffff);
    const header = readBatchHeader(
      encodeRecordBatch({ records: [plain('a'), plain('b')], baseSequence: 0x7fffffff, producerId: 1 }),
      0,
    );
    assert.equal(header.lastSequence, 0);
  });

  test('offsets with gaps, and a last offset beyond the last record', () => {
    const encoded = encodeRecordBatch({
      baseOffset: 10,
      lastOffset: 30,
      records: [
        { ...plain('a'), offset: 12 },
        { ...plain('b'), offset: 20 },
      ],
    });
    assert.equal(readBatchHeader(encoded, 0).lastOffset, 30);
    assert.deepEqual(
      decodeRecordBatch(encoded).map((r) => r.offset),
      [12, 20],
    );
  });

  test('a batch without records, or with offsets that go back, is not written', () => {
    assert.throws(() => encodeRecordBatch({ records: [] }), RangeError);
    const back = [
      { ...plain('a'), offset: 2 },
      { ...plain('b'), offset: 2 },
    ];
    assert.throws(() => encodeRecordBatch({ records: back }), RangeError);
  });
});

suite('bytes that lie', () => {
  test('a count that is negative, too large for the bytes, or not the true one', () => {
    for (const count of [-1, 1, 3, 0x7fffffff, -0x80000000]) {
      const encoded = encodeRecordBatch({ records: [plain('a'), plain('b')] });
      encoded.writeInt32BE(count, 57);
      assert.throws(() => decodeRecordBatch(encoded), MalformedBytesError, `count ${count}`);
    }
  });

  test('lengths inside a record that are negative, reach out of it, or leave bytes over', () => {
    const lies = {
      recordSize: [0, [-1, 0, 1, 7, 9, 40]],
      keySize: [4, [-1, 0, 3, 60]],
      valueSize: [6, [-2, 0, 2, 3, 60]],
      headerCount: [8, [-1, 1, 2, 60]],
    } as const;
    const good = encodeRecordBatch({ records: [plain('a'), plain('b')] });
    for (const [name, [offset, values]] of Object.entries(lies)) {
      for (const value of values) {
        const bad = Buffer.from(good);
        writeVarint(bad, BATCH_HEADER_SIZE + offset, value);
        assert.throws(() => decodeRecordBatch(bad), MalformedBytesError, `${name} ${value}`);
      }
    }
  });

  test('a varint without end', () => {
    const bad = encodeRecordBatch({ records: [plain('a'.repeat(50))] });
    bad.fill(0xff, BATCH_HEADER_SIZE);
    assert.throws(() => decodeRecordBatch(bad), MalformedBytesError);
    bad.fill(0xff, BATCH_HEADER_SIZE + 3);
    assert.throws(() => decodeRecordBatch(bad), MalformedBytesError);
  });

  test('more decompressed bytes than allowed', () => {
    for (const compression of [1, 2, 3, 4] as const) {
      const encoded = encodeRecordBatch({ records: [plain('a'.repeat(5000))], compression });
      assert.throws(() => decodeRecordBatch(encoded, 0, { sizeMaxBytes: 5000 }), MalformedBytesError);
      assert.equal(decodeRecordBatch(encoded, 0, { sizeMaxBytes: 5020 }).length, 1);
    }
  });
});

function plain(text: string, timestamp = 1): { key: Buffer; value: Buffer; timestamp: number } {
  return { key: Buffer.from('k'), value: Buffer.from(text), timestamp };
}

function refusedOrFine(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof MalformedBytesError, String((error as Error).stack));
  }
}
