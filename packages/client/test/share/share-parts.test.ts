import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { acknowledgementBatches, type AcknowledgeType } from '../../src/share/acknowledgement.ts';
import { Appetite } from '../../src/share/appetite.ts';
import { newMemberId } from '../../src/share/share-membership.ts';
import { ShareSession } from '../../src/share/share-session.ts';
import { takeIn } from '../../src/share/share-intake.ts';

const T0 = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 };
const T1 = { ...T0, partition: 1 };

function batch(...offsets: number[]): Buffer {
  const baseOffset = offsets[0]!;
  return encodeRecordBatch({
    baseOffset,
    records: offsets.map((offset) => ({
      key: null,
      value: Buffer.from(`v${offset}`),
      timestamp: 1,
      offset,
    })),
  });
}

function broken(...offsets: number[]): Buffer {
  const bytes = batch(...offsets);
  bytes[bytes.length - 1]! ^= 0xff;
  return bytes;
}

function taken(bytes: Buffer, first: number, last: number): object {
  const { records, gaps, unreadable, error } = takeIn(bytes, [
    { firstOffset: first, lastOffset: last, deliveryCount: 1 },
  ]);
  const spans = (ranges: readonly { first: number; last: number }[]): string[] =>
    ranges.map((range) => `${range.first}-${range.last}`);
  return {
    records: records.map(({ record }) => record.offset),
    gaps: spans(gaps),
    unreadable: spans(unreadable),
    error: error?.offset ?? null,
  };
}

test('neighbours with the same answer are told as one, whatever order they come in', () => {
  const range = (first: number, last: number, type: AcknowledgeType) => ({ ...T0, first, last, type });
  const batches = acknowledgementBatches([
    range(3, 3, 'accept'),
    range(1, 1, 'accept'),
    range(2, 2, 'accept'),
    range(4, 6, 'gap'),
    range(9, 9, 'accept'),
    range(7, 7, 'release'),
  ]);
  assert.deepEqual(
    batches.map(({ firstOffset, lastOffset, acknowledgeTypes }) => [
      firstOffset,
      lastOffset,
      ...acknowledgeTypes,
    ]),
    [
      [1, 3, 1],
      [4, 6, 0],
      [7, 7, 2],
      [9, 9, 1],
    ],
  );
});

test('a session names what is new and what is not wanted any more, and begins anew when it is lost', () => {
  const session = new ShareSession();
  assert.deepEqual(session.plan([T0]), { epoch: 0, added: [T0], forgotten: [] });
  session.answered([T0]);
  assert.deepEqual(session.plan([T0, T1]), { epoch: 1, added: [T1], forgotten: [] });
  session.answered([T0, T1]);
  session.answered();
  const again = { ...T0, topicId: 'AAAAAAAAAAAAAAAAAAAAAg' };
  assert.deepEqual(session.plan([again]), { epoch: 3, added: [again], forgotten: [T0, T1] });
  session.lost();
  assert.equal(session.isOpen, false);
  assert.deepEqual(session.plan([T1]), { epoch: 0, added: [T1], forgotten: [] });
});

test('client pitfall G7: only what was acquired is delivered, gaps are told apart from what cannot be read', () => {
  assert.deepEqual(taken(batch(0, 1, 2, 3), 1, 2), {
    records: [1, 2],
    gaps: [],
    unreadable: [],
    error: null,
  });
  // Compaction left 4 and 6 of a batch, and took all of the next.
  const compacted = Buffer.concat([batch(4, 6), batch(9)]);
  assert.deepEqual(taken(compacted, 4, 9), {
    records: [4, 6, 9],
    gaps: ['5-5', '7-8'],
    unreadable: [],
    error: null,
  });
  assert.deepEqual(taken(Buffer.alloc(0), 4, 5), { records: [], gaps: [], unreadable: ['4-5'], error: null });
  const cut = batch(1, 2);
  assert.deepEqual(taken(Buffer.concat([batch(0), cut.subarray(0, cut.length - 1)]), 0, 2), {
    records: [0],
    gaps: [],
    unreadable: ['1-2'],
    error: null,
  });
});

test('client pitfall G7: a batch with a wrong checksum reaches to the next good one, whatever it says of itself', () => {
  const bytes = Buffer.concat([batch(0, 1), broken(2, 3), batch(6)]);
  assert.deepEqual(taken(bytes, 0, 6), { records: [0, 1, 6], gaps: [], unreadable: ['2-5'], error: 2 });
  assert.deepEqual(taken(bytes, 0, 1), { records: [0, 1], gaps: [], unreadable: [], error: null });
  assert.deepEqual(taken(broken(2, 3), 2, 3), { records: [], gaps: [], unreadable: ['2-3'], error: 2 });
});

test('no more is asked for than is handled in a short time', () => {
  const appetite = new Appetite(2, 100);
  assert.equal(appetite.maxCount, 16);
  appetite.served(16, 0);
  appetite.emptied(10, 1_000);
  assert.equal(appetite.maxCount, 32, 'quick');
  appetite.served(5, 20);
  appetite.emptied(30, 1_000);
  assert.equal(appetite.maxCount, 32, 'there was not more');
  for (const atMs of [0, 2_000, 4_000, 6_000, 8_000]) {
    appetite.served(appetite.maxCount, atMs);
    appetite.emptied(atMs + 1_001, 1_000);
  }
  assert.equal(appetite.maxCount, 2, 'slow: one for each handler');
  for (let i = 0; i < 10; i++) {
    appetite.served(appetite.maxCount, 0);
    appetite.emptied(1, 1_000);
  }
  assert.equal(appetite.maxCount, 100);
});

test("ids of members are Kafka's, and never begin with a dash", () => {
  assert.equal(newMemberId({ fraction: () => 0.97 }).length, 22);
  assert.match(newMemberId({ fraction: () => 0.97 }), /^A/);
});
