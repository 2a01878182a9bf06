import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeEmptyBatch } from '@odradek/protocol/records/batch-header.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import type { AbortedTransaction } from '../../src/consumer/fetch/aborted-filter.ts';
import { FetchedData } from '../../src/consumer/fetch/fetched-data.ts';

const AT = { topic: 't', partition: 0 };

interface BatchOptions {
  readonly producerId?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly compression?: 0 | 1 | 2 | 3 | 4;
}

function batch(baseOffset: number, count: number, options: BatchOptions = {}): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: null,
    value: Buffer.from(`v${baseOffset + i}`),
    timestamp: 1,
  }));
  return encodeRecordBatch({ baseOffset, records, ...options });
}

function fetched(
  parts: readonly Buffer[],
  position: number,
  aborted: readonly AbortedTransaction[] | null = null,
): FetchedData {
  return new FetchedData(AT, { bytes: Buffer.concat(parts), position, highWatermark: -1, aborted });
}

function decode(
  parts: readonly Buffer[],
  position: number,
  aborted: readonly AbortedTransaction[] | null = null,
): { offsets: number[]; nextOffset: number; isTooSmall: boolean } {
  const data = fetched(parts, position, aborted);
  const { records, nextOffset } = data.take(Infinity);
  assert.equal(nextOffset, data.endOffset);
  assert.ok(data.isDone);
  return { offsets: records.map(({ offset }) => offset), nextOffset, isTooSmall: data.isTooSmall };
}

test('client pitfall D2: records before the position are left out, though their batch comes whole', () => {
  assert.deepEqual(decode([batch(10, 5, { compression: 1 })], 12), {
    offsets: [12, 13, 14],
    nextOffset: 15,
    isTooSmall: false,
  });
});

test('client pitfall D3: all batches of an answer are decoded, each with its own compression', () => {
  const parts = ([0, 1, 2, 3, 4] as const).map((compression, i) => batch(i * 2, 2, { compression }));
  assert.deepEqual(decode(parts, 0).offsets, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('pitfall 104: the next offset comes from the header, also behind records that compaction removed (client pitfall D1)', () => {
  const holes = encodeRecordBatch({
    baseOffset: 5,
    lastOffset: 20,
    records: [{ key: null, value: null, timestamp: 1, offset: 7 }],
  });
  assert.deepEqual(decode([holes], 0), { offsets: [7], nextOffset: 21, isTooSmall: false });
});

test('pitfall 187: an empty batch moves the position on (client pitfall D5)', () => {
  const empty = encodeEmptyBatch({
    baseOffset: 3,
    partitionLeaderEpoch: 0,
    attributes: 0,
    lastOffsetDelta: 4,
    maxTimestamp: 1,
    producerId: 7,
    producerEpoch: 0,
    baseSequence: 0,
  });
  assert.deepEqual(decode([empty, batch(8, 1)], 3), { offsets: [8], nextOffset: 9, isTooSmall: false });
});

test('pitfall 79: a partial batch at the end is ignored; only a partial one asks for more room (client pitfall D4)', () => {
  const cut = batch(2, 3).subarray(0, 40);
  assert.deepEqual(decode([batch(0, 2), cut], 0), { offsets: [0, 1], nextOffset: 2, isTooSmall: false });
  assert.deepEqual(decode([cut], 2), { offsets: [], nextOffset: 2, isTooSmall: true });
  assert.deepEqual(decode([], 2), { offsets: [], nextOffset: 2, isTooSmall: false });
});

test('pitfall 97: control batches are not delivered and use up their offset (client pitfall D6)', () => {
  const marker = batch(1, 1, { producerId: 7, isTransactional: true, isControl: true });
  assert.deepEqual(decode([batch(0, 1), marker], 0), { offsets: [0], nextOffset: 2, isTooSmall: false });
});

test('pitfall 94: read_committed leaves out aborted transactions, in whatever order they are listed (client pitfall D7)', () => {
  const of = (id: number, offset: number, isControl = false): Buffer =>
    batch(offset, 1, { producerId: id, isTransactional: true, isControl });
  const log = [
    of(1, 0),
    of(2, 1),
    of(1, 2, true),
    of(2, 3),
    of(2, 4, true),
    of(1, 5),
    of(1, 6, true),
    batch(7, 1),
  ];
  const aborted = [
    { producerId: 2, firstOffset: 1 },
    { producerId: 1, firstOffset: 0 },
  ];
  assert.deepEqual(decode(log, 0, aborted), { offsets: [5, 7], nextOffset: 8, isTooSmall: false });
  assert.deepEqual(decode(log, 0, null).offsets, [0, 1, 3, 5, 7]);
});

test('records are handed out in portions, batch borders notwithstanding', () => {
  const parts = [batch(0, 3), batch(3, 1), batch(4, 4)];
  for (let size = 1; size <= 9; size++) {
    const data = fetched(parts, 1);
    const offsets: number[] = [];
    while (!data.isDone) {
      const { records, nextOffset } = data.take(size);
      assert.ok(records.length <= size);
      offsets.push(...records.map(({ offset }) => offset));
      assert.equal(nextOffset, offsets.at(-1)! + 1);
    }
    assert.deepEqual(offsets, [1, 2, 3, 4, 5, 6, 7]);
  }
});

test('client pitfall D25: what comes before a wrong checksum is delivered, then the error names the place', () => {
  const broken = Buffer.from(batch(11, 2));
  broken[broken.length - 2]! ^= 1;
  const data = fetched([batch(9, 1), batch(10, 1), broken, batch(13, 1)], 9);
  const { records, nextOffset } = data.take(Infinity);
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [9, 10],
  );
  assert.equal(nextOffset, 11);
  for (let i = 0; i < 2; i++) {
    assert.throws(() => data.take(1), {
      name: 'UnreadableRecordsError',
      code: 'UNREADABLE_RECORDS',
      topic: 't',
      partition: 0,
      offset: 11,
      message: /t-0 cannot be read from offset 11: .*checksum/,
    });
  }
});

test('bytes that are no batch: at once when they come first, else after what is whole', () => {
  const garbage = Buffer.alloc(100, 0xff);
  assert.throws(() => fetched([garbage], 5), { name: 'UnreadableRecordsError', offset: 5 });
  const data = fetched([batch(5, 2), garbage], 5);
  assert.equal(data.endOffset, 7);
  assert.equal(data.take(10).records.length, 2);
  assert.ok(data.isDone);
});

test('messages of the old formats are read, compressed sets unfolded', () => {
  const records = [4, 5].map((offset) => ({ offset, key: null, value: Buffer.from('x'), timestamp: 3 }));
  for (const magic of [0, 1] as const) {
    for (const compression of [0, 1] as const) {
      const set = encodeMessageSet({ magic, compression, records });
      assert.deepEqual(decode([set], 5), { offsets: [5], nextOffset: 6, isTooSmall: false });
    }
  }
});
