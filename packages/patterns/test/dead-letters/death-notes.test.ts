import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ownHeaders,
  readNotes,
  shortened,
  withNotes,
  type DeathNotes,
} from '../../src/dead-letters/death-notes.ts';
import { deadLetterTopics, parkingTopic } from '../../src/dead-letters/dead-letter-topics.ts';

const NOTES: DeathNotes = {
  id: 'cluster/topic-id/2/41',
  topic: 'orders',
  partition: 2,
  offset: 41,
  group: 'billing',
  attempts: 7,
  error: 'Error: no answer',
  firstFailedMs: 1_700_000_000_000,
  timestampMs: 1_600_000_000_000,
  delays: 1,
  dueMs: 1_700_000_030_000,
  redrives: 2,
  runId: 'monday',
};

test('notes are read as they were written, and the record keeps its own headers in their order', () => {
  const own = ['a', 'b', 'a'].map((key, at) => ({ key, value: Buffer.from([at]) }));
  const written = withNotes(own, NOTES);
  assert.deepEqual(readNotes(written), NOTES);
  assert.deepEqual(ownHeaders(written), own);
});

test('notes are replaced, so headers do not grow from stage to stage', () => {
  let headers = withNotes([], NOTES);
  for (let stage = 0; stage < 50; stage++) headers = withNotes(headers, { ...NOTES, redrives: stage });
  assert.equal(headers.length, 13);
  assert.equal(readNotes(headers)!.redrives, 49);
});

test('dead letters of share groups (KIP-1191) are read too', () => {
  const headers = Object.entries({
    topic: 'orders',
    partition: '3',
    offset: '99',
    group: 'queue',
    'delivery.count': '5',
    message: 'Offset rejected by client.',
  }).map(([name, value]) => ({ key: `__dlq.errors.${name}`, value: Buffer.from(value) }));
  const notes = readNotes(headers)!;
  assert.deepEqual([notes.id, notes.attempts, notes.redrives, notes.runId], ['orders/3/99', 5, 0, null]);
});

test('headers of anybody never make more than nothing of themselves', () => {
  const names = withNotes([], NOTES).map(({ key }) => key);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), fc.option(fc.string()))), (headers) => {
      const notes = readNotes(
        headers.map(([key, value]) => ({ key, value: value === null ? null : Buffer.from(value) })),
      );
      if (notes === null) return;
      assert.ok(notes.topic !== '' && notes.partition >= 0 && Number.isSafeInteger(notes.redrives));
    }),
  );
});

test('texts are cut at characters', () => {
  assert.equal(shortened('grün', 4), 'grü');
  assert.equal(shortened('grün', 3), 'gr');
  assert.equal(shortened('grün', 5), 'grün');
});

test('topics are named by topic, group and delay', () => {
  assert.deepEqual(deadLetterTopics('orders', 'pay', [500, 30_000, 90_000, 300_000, 7_200_000]), {
    delayed: ['500ms', '30s', '90s', '5m', '2h'].map((delay) => `orders.pay.retry.${delay}`),
    dead: 'orders.pay.dlq',
  });
  assert.equal(parkingTopic('orders.pay.dlq'), 'orders.pay.parked');
  assert.throws(
    () => deadLetterTopics('orders', 'pay day', []),
    /"orders.pay day.dlq" is no name for a topic/,
  );
});
