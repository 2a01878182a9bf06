import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { LogSlice } from '@odradek/core/log/log-slice.ts';
import type { FetchPartition, FetchPartitionResult } from '@odradek/core/replication/fetch-request.ts';
import {
  type FetchContext,
  FetchSessions,
  type FetchSessionRequest,
} from '@odradek/core/replication/fetch-sessions.ts';
import { nextSessionEpoch } from '@odradek/core/replication/fetch-session.ts';

class TestClock {
  ms = 0;
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
}

/** Draws 0, then ever larger fractions, so that ids differ. */
function steppingRandom() {
  let draw = 0;
  return { fraction: () => (draw++ % 1000) / 1000, uuidBytes: () => Buffer.alloc(16) };
}

function partition(index: number, fetchOffset = 0): FetchPartition {
  return {
    topic: 't',
    topicId: ZERO_UUID,
    partition: index,
    fetchOffset,
    maxBytes: 1000,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
  };
}

const SOME_RECORDS = { external: true, sizeBytes: 10, release() {} } as unknown as LogSlice;

function result(request: FetchPartition, change: Partial<FetchPartitionResult> = {}): FetchPartitionResult {
  return {
    request,
    errorCode: 0,
    highWatermark: 5,
    lastStableOffset: 5,
    logStartOffset: 0,
    records: null,
    abortedTransactions: null,
    divergingEpoch: null,
    preferredReadReplica: null,
    leaderEpoch: 0,
    ...change,
  };
}

function request(change: Partial<FetchSessionRequest>): FetchSessionRequest {
  return {
    sessionId: 0,
    sessionEpoch: 0,
    partitions: [],
    forgotten: [],
    usesTopicIds: false,
    fromFollower: false,
    nameOf: () => 't',
    ...change,
  };
}

function reading(context: FetchContext): Extract<FetchContext, { kind: 'read' }> {
  assert.equal(context.kind, 'read');
  return context as Extract<FetchContext, { kind: 'read' }>;
}

function refusal(context: FetchContext): number {
  assert.equal(context.kind, 'refused');
  return (context as Extract<FetchContext, { kind: 'refused' }>).errorCode;
}

function sessionsWith(slotsMax: number) {
  const clock = new TestClock();
  return { clock, sessions: new FetchSessions(slotsMax, clock, steppingRandom()) };
}

/** Opens a session on so many partitions. @returns its id */
function begin(sessions: FetchSessions, count: number, change: Partial<FetchSessionRequest> = {}): number {
  const partitions = Array.from({ length: count }, (_, index) => partition(index));
  const context = reading(sessions.open(request({ partitions, ...change })));
  return context.finish(context.partitions.map((each) => result(each))).sessionId;
}

test('pitfall 84: without a free slot the reader gets session 0 and is served all the same', () => {
  const { sessions } = sessionsWith(1);
  assert.notEqual(begin(sessions, 1), 0);
  assert.equal(begin(sessions, 1), 0);
  assert.equal(sessions.size, 1);
});

test('pitfall 85: unknown session, wrong epoch and a change to topic ids have their codes (F68)', () => {
  const { sessions } = sessionsWith(10);
  const id = begin(sessions, 1);
  assert.equal(
    refusal(sessions.open(request({ sessionId: id + 1, sessionEpoch: 1 }))),
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  );
  assert.equal(
    refusal(sessions.open(request({ sessionId: id, sessionEpoch: 2 }))),
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  );
  assert.equal(
    refusal(sessions.open(request({ sessionId: id, sessionEpoch: 1, usesTopicIds: true }))),
    ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
  );
});

test('pitfall 86: epoch 0 replaces the named session, -1 closes it, and after the largest comes 1', () => {
  const { sessions } = sessionsWith(10);
  const first = begin(sessions, 1);
  const second = begin(sessions, 1, { sessionId: first });
  assert.equal(sessions.size, 1);
  const closing = reading(
    sessions.open(request({ sessionId: second, sessionEpoch: -1, partitions: [partition(0)] })),
  );
  assert.equal(closing.finish([result(partition(0))]).sessionId, 0);
  assert.equal(sessions.size, 0);
  assert.equal(nextSessionEpoch(1), 2);
  assert.equal(nextSessionEpoch(0x7fffffff), 1);
});

test('pitfall 87: an incremental answer holds news only, and a partition once more after an error', () => {
  const { sessions } = sessionsWith(10);
  const id = begin(sessions, 3);
  const told = (epoch: number, results: (each: FetchPartition) => FetchPartitionResult) => {
    const context = reading(sessions.open(request({ sessionId: id, sessionEpoch: epoch })));
    return context.finish(context.partitions.map(results)).results.map((each) => each.request.partition);
  };
  assert.deepEqual(
    told(1, (each) => result(each)),
    [],
  );
  assert.deepEqual(
    told(2, (each) => result(each, each.partition === 1 ? { highWatermark: 6 } : {})),
    [1],
  );
  assert.deepEqual(
    told(3, (each) =>
      result(
        each,
        each.partition === 2 ? { logStartOffset: 1 } : { highWatermark: each.partition === 1 ? 6 : 5 },
      ),
    ),
    [2],
  );
  const after3 = (each: FetchPartition) =>
    result(each, {
      highWatermark: each.partition === 1 ? 6 : 5,
      logStartOffset: each.partition === 2 ? 1 : 0,
    });
  assert.deepEqual(
    told(4, (each) => ({
      ...after3(each),
      ...(each.partition === 0 ? { errorCode: 6, highWatermark: -1 } : {}),
    })),
    [0],
  );
  assert.deepEqual(told(5, after3), [0]);
  assert.deepEqual(told(6, after3), []);
});

test('pitfall 88: an empty incremental request reads all partitions of the session', () => {
  const { sessions } = sessionsWith(10);
  const id = begin(sessions, 3);
  const context = reading(sessions.open(request({ sessionId: id, sessionEpoch: 1 })));
  assert.deepEqual(
    context.partitions.map((each) => each.partition),
    [0, 1, 2],
  );
});

test('pitfall 89: an incremental request moves offsets, adds and forgets partitions before reading', () => {
  const { sessions } = sessionsWith(10);
  const id = begin(sessions, 2);
  const context = reading(
    sessions.open(
      request({
        sessionId: id,
        sessionEpoch: 1,
        partitions: [partition(1, 42), partition(7)],
        forgotten: [{ topic: 't', topicId: ZERO_UUID, partition: 0 }],
      }),
    ),
  );
  assert.deepEqual(
    context.partitions.map((each) => [each.partition, each.fetchOffset]),
    [
      [1, 42],
      [7, 0],
    ],
  );
});

test('pitfall 90: partitions that gave records are read last the next time', () => {
  const { sessions } = sessionsWith(10);
  const id = begin(sessions, 3);
  const context = reading(sessions.open(request({ sessionId: id, sessionEpoch: 1 })));
  context.finish(
    context.partitions.map((each) => result(each, each.partition === 0 ? { records: SOME_RECORDS } : {})),
  );
  const next = reading(sessions.open(request({ sessionId: id, sessionEpoch: 2 })));
  assert.deepEqual(
    next.partitions.map((each) => each.partition),
    [1, 2, 0],
  );
});

test('a session whose last partition is forgotten ends', () => {
  const { sessions } = sessionsWith(10);
  const id = begin(sessions, 1);
  const forgotten = [{ topic: 't', topicId: ZERO_UUID, partition: 0 }];
  const context = reading(sessions.open(request({ sessionId: id, sessionEpoch: 1, forgotten })));
  assert.equal(context.finish([]).sessionId, 0);
  assert.equal(sessions.size, 0);
});

test('a full cache lets go of an idle session, or of an older and smaller one, or of none', () => {
  const idle = sessionsWith(1);
  begin(idle.sessions, 5);
  idle.clock.ms = 120_001;
  assert.notEqual(begin(idle.sessions, 1), 0);

  const smaller = sessionsWith(1);
  const id = begin(smaller.sessions, 2);
  smaller.clock.ms = 120_000;
  smaller.sessions.open(request({ sessionId: id, sessionEpoch: 1 }));
  smaller.clock.ms = 130_000;
  assert.equal(begin(smaller.sessions, 2), 0);
  assert.notEqual(begin(smaller.sessions, 3), 0);
});

test('a follower takes the slot of a consumer, never the reverse', () => {
  const { sessions } = sessionsWith(1);
  begin(sessions, 5);
  assert.notEqual(begin(sessions, 1, { fromFollower: true }), 0);
  assert.equal(begin(sessions, 9), 0);
});
