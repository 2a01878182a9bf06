import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  HistoryEvent,
  PollEvent,
  PositionEvent,
  SendEvent,
  TransactionEvent,
} from '../../src/history/history.ts';
import { judgeHistory } from '../../src/history/judge-history.ts';

let sequence = 0;

function send(value: string, offset: number | null, more: Partial<SendEvent> = {}): SendEvent {
  sequence += 1;
  return {
    type: 'send',
    process: 'producer',
    sequence,
    partition: 't-0',
    value,
    outcome: offset === null ? 'unknown' : 'ok',
    offset,
    acks: 'all',
    idempotent: true,
    startMs: sequence,
    endMs: sequence,
    ...more,
  };
}

/** @param records '0:a 1:b': offsets and values */
function poll(records: string, more: Partial<PollEvent> = {}): PollEvent {
  return {
    type: 'poll',
    process: 'consumer',
    endMs: 1_000,
    records: records.split(' ').map((record) => {
      const [offset, value] = record.split(':');
      return { partition: 't-0', offset: Number(offset), value: value! };
    }),
    ...more,
  };
}

function transaction(
  id: string,
  outcome: TransactionEvent['outcome'],
  more: Partial<TransactionEvent> = {},
): TransactionEvent {
  return { type: 'transaction', process: 'producer', id, outcome, endAskedMs: 500, ...more };
}

function names(...history: HistoryEvent[]): string[] {
  return judgeHistory(history).map(({ name }) => name);
}

const POSITION: PositionEvent = { type: 'position', process: 'consumer', partitions: ['t-0'], endMs: 1_000 };
const COMMITTED = { isolation: 'read_committed' } as const;

test('a history in which everything sent was read once has no anomaly', () => {
  assert.deepEqual(names(send('a', 0), send('b', 1), poll('0:a'), poll('1:b')), []);
});

test('lost-write: acknowledged, and read beyond, but not read', () => {
  const history = [send('a', 0), send('b', 1), poll('1:b')];
  assert.deepEqual(names(...history), ['lost-write']);
  assert.match(judgeHistory(history)[0]!.description, /producer was told that a is in t-0 at offset 0/);
});

test('a record acknowledged by its leader alone may be lost', () => {
  assert.deepEqual(names(send('a', 0, { acks: 'leader' }), send('b', 1), poll('1:b')), []);
  assert.deepEqual(names(send('a', 0, { acks: 'leader' }), poll('0:b')), []);
});

test('unseen: acknowledged, and nobody read so far', () => {
  assert.deepEqual(names(send('a', 0), send('b', 1), poll('0:a')), ['unseen']);
});

test('unseen: acknowledged without an offset', () => {
  assert.deepEqual(names(send('a', null, { outcome: 'ok' }), poll('1:b')), ['unseen']);
});

test('a record of unknown fate may be read or not', () => {
  assert.deepEqual(names(send('a', null), poll('0:a')), []);
  assert.deepEqual(names(send('a', null), poll('0:b')), []);
});

test('duplicate: at two offsets, though the producer is idempotent', () => {
  assert.deepEqual(names(send('a', 0), poll('0:a 1:a')), ['duplicate']);
  assert.deepEqual(names(send('a', 0, { idempotent: false }), poll('0:a 1:a')), []);
});

test('inconsistent-offsets: two consumers, or producer and consumer, were told different things', () => {
  assert.deepEqual(names(poll('0:a'), poll('0:b', { process: 'other' })), ['inconsistent-offsets']);
  assert.ok(names(send('a', 0), poll('0:b')).includes('inconsistent-offsets'));
});

test('poll-skip: within a poll and between polls', () => {
  const other = poll('0:a 1:b 2:c', { process: 'other' });
  assert.deepEqual(names(other, poll('0:a 2:c')), ['poll-skip']);
  assert.deepEqual(names(other, poll('0:a'), poll('2:c')), ['poll-skip']);
});

test('an offset that nobody ever read or was told of is not skipped', () => {
  assert.deepEqual(names(poll('0:a'), poll('2:c')), []);
});

test('nonmonotonic-poll: an offset again, or a lower one', () => {
  assert.deepEqual(names(poll('0:a'), poll('0:a')), ['nonmonotonic-poll']);
  assert.deepEqual(names(poll('0:a 1:b'), poll('0:a')), ['nonmonotonic-poll']);
});

test('a consumer that was given another position may go anywhere', () => {
  const other = poll('0:a 1:b 2:c', { process: 'other' });
  assert.deepEqual(names(other, poll('0:a'), POSITION, poll('2:c'), POSITION, poll('0:a')), []);
});

test('nonmonotonic-send: by the order of the program, whatever the order of the answers', () => {
  const first = send('a', 1);
  const second = send('b', 0);
  const read = poll('0:b 1:a');
  assert.deepEqual(names(second, first, read), ['nonmonotonic-send']);
  const unordered = { idempotent: false };
  assert.deepEqual(names({ ...first, ...unordered }, { ...second, ...unordered }, read), []);
});

test('G1a: read though refused, or though its transaction was aborted', () => {
  assert.deepEqual(names(send('a', null, { outcome: 'fail' }), poll('0:a')), ['G1a']);
  const aborted = [send('a', 0, { transaction: 'x' }), transaction('x', 'aborted')];
  assert.deepEqual(names(...aborted, poll('0:a', COMMITTED)), ['G1a']);
  assert.deepEqual(names(...aborted, poll('0:a')), []);
});

test('records of aborted transactions are neither lost nor skipped for who reads committed data', () => {
  const sent = [send('a', 0), send('b', 1, { transaction: 'x' }), transaction('x', 'aborted'), send('c', 3)];
  assert.deepEqual(names(...sent, poll('0:a 3:c', COMMITTED)), []);
  assert.deepEqual(names(...sent, poll('0:a 3:c')), ['poll-skip']);
});

test('precommitted-read: before the transaction was told to commit', () => {
  const sent = [send('a', 0, { transaction: 'x' }), transaction('x', 'committed')];
  assert.deepEqual(names(...sent, poll('0:a', { ...COMMITTED, endMs: 499 })), ['precommitted-read']);
  assert.deepEqual(names(...sent, poll('0:a', { ...COMMITTED, endMs: 500 })), []);
});

test('G0: two transactions, each before the other in one partition', () => {
  const sends = [
    send('a', 0, { transaction: 'x' }),
    send('b', 1, { transaction: 'y' }),
    send('c', 0, { transaction: 'y', partition: 't-1' }),
    send('d', 1, { transaction: 'x', partition: 't-1' }),
  ];
  const read = poll('0:a 1:b');
  const readOther = {
    ...read,
    records: [
      { partition: 't-1', offset: 0, value: 'c' },
      { partition: 't-1', offset: 1, value: 'd' },
    ],
  };
  const ends = [transaction('x', 'committed'), transaction('y', 'committed')];
  assert.deepEqual(names(...sends, ...ends, read, readOther), ['G0']);
});

test('G1c: two transactions that read from each other', () => {
  const history = [
    send('a', 0, { transaction: 'x' }),
    send('b', 0, { transaction: 'y', partition: 't-1' }),
    transaction('x', 'committed'),
    transaction('y', 'committed'),
    poll('0:a', { transaction: 'y' }),
    {
      ...poll('0:b', { transaction: 'x', process: 'other' }),
      records: [{ partition: 't-1', offset: 0, value: 'b' }],
    },
  ];
  assert.deepEqual(names(...history), ['G1c']);
});

test('values and transactions must be unique', () => {
  assert.throws(() => names(send('a', 0), send('a', 1)), /two sends carry the value a/);
  const twice = transaction('x', 'committed');
  assert.throws(() => names(twice, twice), /two transactions have the id x/);
});
