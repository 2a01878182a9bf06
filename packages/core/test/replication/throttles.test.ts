import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isThrottled,
  ReplicationQuota,
  throttledPartitions,
} from '@odradek/core/replication/replication-quota.ts';
import { ManualTime } from '../log/log-world.ts';
import { append, fetch, follow, from, leadershipOf, NODE, world } from './replica-world.ts';

const WINDOWS = { count: 11, lengthMs: 1_000 };

test('throttled replicas are read as Kafka writes them', () => {
  const throttled = throttledPartitions(['0:1', '2:1', '1:2', ''], 1);
  assert.deepEqual(
    [0, 1, 2, 3].map((partition) => isThrottled(throttled, partition)),
    [true, false, true, false],
  );
  assert.ok(isThrottled(throttledPartitions(['*'], 1), 7));
  assert.ok(!isThrottled(throttledPartitions([], 1), 0));
  assert.ok(!isThrottled(undefined, 0));
});

/** Partition 0 is led here and throttled, with 2 in sync and 3 far behind; some records lie there. */
function throttledLeader(bytesPerSecondMax: number) {
  const time = new ManualTime();
  const limit = { bytesPerSecondMax };
  const leaderQuota = new ReplicationQuota({
    clock: time,
    windows: WINDOWS,
    bytesPerSecondMax: () => limit.bytesPerSecondMax,
  });
  const settings = { throttledAsLeader: throttledPartitions([`0:${NODE}`], NODE) };
  const here = world(1, { time, leaderQuota, settings });
  const change = { leaderEpoch: 1, partitionEpoch: 1, replicas: [NODE, 2, 3], isr: [NODE, 2] };
  here.replicas.applyLeadership([leadershipOf(0, change), leadershipOf(1, change)]);
  for (let i = 0; i < 20; i++) append(here, 0, 1);
  return { here, limit, leaderQuota };
}

test('a follower out of sync gets nothing while the rate is exceeded, one in sync does', () => {
  const { here, limit } = throttledLeader(100);
  assert.ok(follow(here, 3, 0).sizeBytes > 1_000, 'nothing has gone so far');
  assert.equal(follow(here, 3, 0).sizeBytes, 0, 'more has gone than may');
  assert.equal(follow(here, 3, 0).results[0]!.errorCode, 0);
  assert.ok(follow(here, 2, 0).sizeBytes > 1_000, 'in sync');
  append(here, 1, 1);
  const limits = { reader: { kind: 'follower', brokerId: 3 }, maxWaitMs: 0, bound: 'log-end' } as const;
  const both = fetch(here, [from(0, 0, { logStartOffset: 0 }), from(1, 0, { logStartOffset: 0 })], limits);
  assert.deepEqual(
    both.readings[0]!.results.map(({ records }) => (records?.sizeBytes ?? 0) > 0),
    [false, true],
    'another partition is not throttled',
  );
  limit.bytesPerSecondMax = 1_000_000;
  assert.ok(follow(here, 3, 0).sizeBytes > 1_000, 'the new rate counts at once');
});

test('a fetch that is throttled waits until its time is up, then counts as a sign of life', () => {
  const { here } = throttledLeader(1);
  follow(here, 3, 0);
  const limits = { reader: { kind: 'follower', brokerId: 3 }, bound: 'log-end' } as const;
  const { readings } = fetch(here, [from(0, 5, { logStartOffset: 0 })], limits);
  append(here, 0, 1);
  assert.equal(readings.length, 0);
  here.time.advance(500);
  assert.deepEqual(
    readings.map(({ sizeBytes }) => sizeBytes),
    [0],
  );
  assert.equal(here.replicas.partition('t', 0)!.followers.get(3)!.logEndOffset, 5);
});

test('over time as much goes as the rate allows', () => {
  const { here } = throttledLeader(200);
  const batchBytes = 69;
  let sentBytes = 0;
  let offset = 0;
  for (let i = 0; i < 200; i++) append(here, 0, 1);
  for (let ms = 0; ms < 60_000; ms += 100) {
    const limits = {
      reader: { kind: 'follower', brokerId: 3 },
      maxWaitMs: 0,
      maxBytes: batchBytes,
      bound: 'log-end',
    } as const;
    const reading = fetch(here, [from(0, offset, { logStartOffset: 0 })], limits).readings[0]!;
    sentBytes += reading.sizeBytes;
    offset += reading.sizeBytes / batchBytes;
    here.time.advance(100);
  }
  const perSecond = sentBytes / 60;
  assert.ok(perSecond > 180 && perSecond < 230, `${perSecond} bytes per second`);
});
