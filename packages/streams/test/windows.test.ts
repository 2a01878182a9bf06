// Windows and joins against plain models that look at all records at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  StreamsBuilder,
  TopologyDriver,
  hopping,
  integers,
  strings,
  tumbling,
  windowed,
} from '@odradek/streams';

const records = { key: strings, value: integers };

interface Given {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
}

/** Times that go on in all, with some that come late. */
const givenRecords = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b'),
    value: fc.integer({ min: -9, max: 9 }),
    step: fc.integer({ min: -30, max: 12 }),
  }),
  { maxLength: 60 },
);

function timed(
  steps: readonly { readonly key: string; readonly value: number; readonly step: number }[],
): Given[] {
  let latest = 40;
  return steps.map(({ key, value, step }) => {
    const timestamp = Math.max(0, latest + step);
    latest = Math.max(latest, timestamp);
    return { key, value, timestamp };
  });
}

/** For each record the stream time with it. */
function streamTimes(given: readonly Given[]): number[] {
  let streamTime = -1;
  return given.map(({ timestamp }) => (streamTime = Math.max(streamTime, timestamp)));
}

test('sums by hopping window: the last update of each is the sum of what was not late, and so is what is told at the end', () => {
  const shape = fc.record({
    sizeMs: fc.integer({ min: 1, max: 20 }),
    advance: fc.integer({ min: 1, max: 20 }),
    graceMs: fc.integer({ min: 0, max: 15 }),
  });
  fc.assert(
    fc.property(shape, givenRecords, ({ sizeMs, advance, graceMs }, steps) => {
      const advanceMs = Math.min(advance, sizeMs);
      const given = timed(steps);
      const builder = new StreamsBuilder();
      const grouped = builder.stream('in', records).groupByKey();
      const sum = (total: number, value: number): number => total + value;
      const windows = hopping({ sizeMs, advanceMs, graceMs });
      const options = { value: integers };
      grouped
        .windowedBy(windows)
        .aggregate(() => 0, sum, { ...options, store: 'u' })
        .toStream()
        .to('updates');
      const final = grouped.windowedBy(windows, { emit: 'final' });
      final
        .aggregate(() => 0, sum, { ...options, store: 'f' })
        .toStream()
        .to('finals');
      const driver = new TopologyDriver(builder.build());
      const times = streamTimes(given);
      const expected = new Map<string, number>();
      let late = 0;
      for (const [index, { key, value, timestamp }] of given.entries()) {
        driver.pipe('in', records, key, value, timestamp);
        let isLate = false;
        for (let start = 0; start <= timestamp; start += advanceMs) {
          if (timestamp >= start + sizeMs) continue;
          if (start + sizeMs + graceMs <= times[index]!) isLate = true;
          else expected.set(`${key} ${start}`, (expected.get(`${key} ${start}`) ?? 0) + value);
        }
        if (isLate) late++;
      }
      const written = { key: windowed(strings, sizeMs), value: integers };
      const name = ({ key }: { key: { key: string; startMs: number } }): string =>
        `${key.key} ${key.startMs}`;
      const updates = new Map(driver.read('updates', written).map((record) => [name(record), record.value!]));
      assert.deepEqual([...updates].toSorted(), [...expected].toSorted());
      const end = times.at(-1) ?? -1;
      const finals = driver.read('finals', written);
      const closed = [...expected].filter(([of]) => Number(of.split(' ')[1]) + sizeMs + graceMs <= end);
      assert.deepEqual(finals.map((record) => [name(record), record.value]).toSorted(), closed.toSorted());
      // Both aggregates have each late record.
      assert.equal(driver.lateCount, 2 * late);
      driver.close();
    }),
    { numRuns: 150 },
  );
});

test('streams joined by window: every pair that was not late once, and on the left what found none', () => {
  const shape = fc.record({
    withinMs: fc.integer({ min: 0, max: 15 }),
    graceMs: fc.integer({ min: 0, max: 15 }),
  });
  const sides = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(shape, givenRecords, sides, (window, steps, isRight) => {
      const { withinMs, graceMs } = window;
      const given = timed(steps);
      const builder = new StreamsBuilder();
      const left = builder.stream('left', records);
      const right = builder.stream('right', records);
      const pair = (l: number, r: number | null): string => `${l} ${r ?? 'none'}`;
      const texts = { key: strings, value: strings };
      left.joinStream(right, pair, { ...window, store: 'inner' }).to('inner', texts);
      left.leftJoinStream(right, pair, { ...window, store: 'outer' }).to('outer', texts);
      const driver = new TopologyDriver(builder.build());
      const times = streamTimes(given);
      const kept = given.map((record, index) => ({ ...record, index, isRight: isRight[index]! }));
      const taken = kept.filter(({ timestamp, index }) => timestamp + graceMs >= times[index]!);
      for (const { key, timestamp, index } of kept) {
        driver.pipe(isRight[index]! ? 'right' : 'left', records, key, index, timestamp);
      }
      const lefts = taken.filter((record) => !record.isRight);
      const rights = taken.filter((record) => record.isRight);
      const matches = (l: Given, r: Given): boolean =>
        l.key === r.key && Math.abs(l.timestamp - r.timestamp) <= withinMs;
      const pairs = lefts.flatMap((l) =>
        rights.filter((r) => matches(l, r)).map((r) => pair(l.index, r.index)),
      );
      const end = times.at(-1) ?? -1;
      const alone = lefts
        .filter((l) => !rights.some((r) => matches(l, r)) && l.timestamp + withinMs + graceMs < end)
        .map(({ index }) => pair(index, null));
      const inner = driver.read('inner', texts).map(({ value }) => value);
      const outer = driver.read('outer', texts).map(({ value }) => value);
      assert.deepEqual(inner.toSorted(), pairs.toSorted());
      assert.deepEqual(outer.toSorted(), [...pairs, ...alone].toSorted());
      driver.close();
    }),
    { numRuns: 150 },
  );
});

test('tables joined: after any changes the join is that of the last values', () => {
  const changes = fc.array(
    fc.record({
      topic: fc.constantFrom('left', 'right'),
      key: fc.constantFrom('a', 'b'),
      value: fc.option(fc.integer({ min: 0, max: 9 })),
    }),
    { maxLength: 40 },
  );
  const kinds = fc.constantFrom('join', 'leftJoin', 'outerJoin');
  fc.assert(
    fc.property(changes, kinds, (given, kind) => {
      const builder = new StreamsBuilder();
      const left = builder.table('left', { ...records, store: 'l' }).filter((value) => value !== 5);
      const right = builder.table('right', { ...records, store: 'r' }).mapValues((value) => value * 2);
      const text = (l: number | null, r: number | null): string => `${l} ${r}`;
      const joined =
        kind === 'join'
          ? left.join(right, text)
          : kind === 'leftJoin'
            ? left.leftJoin(right, text)
            : left.outerJoin(right, text);
      const texts = { key: strings, value: strings };
      joined.toStream().to('out', texts);
      const driver = new TopologyDriver(builder.build());
      const last = { left: new Map<string, number>(), right: new Map<string, number>() };
      for (const [index, { topic, key, value }] of given.entries()) {
        driver.pipe(topic, records, key, value, index);
        if (value === null) last[topic as 'left'].delete(key);
        else last[topic as 'left'].set(key, value);
      }
      const found = new Map<string, string>();
      for (const { key, value } of driver.read('out', texts)) {
        if (value === null) found.delete(key);
        else found.set(key, value);
      }
      const expected = ['a', 'b'].flatMap((key) => {
        const l = last.left.get(key) === 5 ? null : (last.left.get(key) ?? null);
        const doubled = last.right.get(key);
        const r = doubled === undefined ? null : doubled * 2;
        const isThere =
          kind === 'join' ? l !== null && r !== null : l !== null || (kind === 'outerJoin' && r !== null);
        return isThere ? [[key, text(l, r)] as const] : [];
      });
      assert.deepEqual([...found].toSorted(), expected);
      driver.close();
    }),
    { numRuns: 150 },
  );
});

test('a stream sees the table as it is at the time; reduce, and ends of keys', () => {
  const builder = new StreamsBuilder();
  const users = builder.table('users', { key: strings, value: strings, store: 'users' });
  const clicks = builder.stream('clicks', records);
  clicks.join(users, (n, user) => `${user} ${n}`).to('named', { value: strings });
  clicks.leftJoin(users, (n, user) => `${user ?? 'nobody'} ${n}`).to('all', { value: strings });
  clicks
    .groupByKey()
    .reduce((a, b) => Math.max(a, b), { store: 'most' })
    .toStream()
    .to('most');
  const sums = clicks.groupByKey();
  sums
    .aggregate(
      () => 0,
      (sum, n) => (sum + n === 0 ? null : sum + n),
      { store: 'sums', value: integers },
    )
    .toStream()
    .to('sums');
  const driver = new TopologyDriver(builder.build());
  const texts = { key: strings, value: strings };
  driver.pipe('clicks', records, 'u', 3, 0);
  driver.pipe('users', texts, 'u', 'Ann', 1);
  driver.pipe('clicks', records, 'u', 2, 2);
  driver.pipe('users', texts, 'u', null, 3);
  driver.pipe('clicks', records, 'u', -5, 4);
  const values = (topic: string): (string | null)[] => driver.read(topic, texts).map(({ value }) => value);
  assert.deepEqual(values('named'), ['Ann 2']);
  assert.deepEqual(values('all'), ['nobody 3', 'Ann 2', 'nobody -5']);
  assert.deepEqual(
    driver.read('most', records).map(({ value }) => value),
    [3, 3, 3],
  );
  assert.deepEqual(
    driver.read('sums', records).map(({ value }) => value),
    [3, 5, null],
  );
  driver.close();
});

test('a window that closes late in a large batch leaves nothing behind', () => {
  const builder = new StreamsBuilder();
  const windows = tumbling({ sizeMs: 10, graceMs: 0 });
  builder
    .stream('in', records)
    .groupByKey()
    .windowedBy(windows, { emit: 'final' })
    .count({ store: 's' })
    .toStream()
    .to('out');
  const driver = new TopologyDriver(builder.build());
  for (let i = 0; i < 1_200; i++) driver.pipe('in', records, `key-${i}`, 1, 5);
  driver.pipe('in', records, 'later', 1, 10);
  const written = driver.read('out', { key: windowed(strings, 10), value: integers });
  assert.equal(written.length, 1_200);
  assert.ok(written.every(({ timestamp, value }) => timestamp === 9 && value === 1));
  driver.close();
});

test('punctuation: by stream time once for all that has passed, by the machine time as it goes on', () => {
  const builder = new StreamsBuilder();
  const store = { name: 'pending', key: strings, value: integers };
  builder
    .stream('in', records)
    .process<string, number>(
      (context) => {
        const pending = context.store(store);
        context.schedule(10, 'stream-time', () => {
          for (const [key, value] of [...pending.entries()]) {
            context.forward({ key, value, timestamp: context.streamTimeMs, headers: [] });
            pending.delete(key);
          }
        });
        context.schedule(1_000, 'wall-clock', (nowMs) =>
          context.forward({ key: 'tick', value: nowMs, timestamp: 0, headers: [] }),
        );
        return ({ key, value }) => pending.set(key, (pending.get(key) ?? 0) + value);
      },
      [store],
      records,
    )
    .to('out');
  const driver = new TopologyDriver(builder.build());
  const read = (): string[] => driver.read('out', records).map(({ key, value }) => `${key} ${value}`);
  driver.pipe('in', records, 'a', 1, 1);
  driver.pipe('in', records, 'a', 2, 9);
  assert.deepEqual(read(), []);
  driver.pipe('in', records, 'b', 3, 35);
  assert.deepEqual(read(), ['a 3', 'b 3']);
  driver.advanceWallClock(999);
  assert.deepEqual(read(), []);
  driver.advanceWallClock(1);
  assert.deepEqual(read(), ['tick 1000']);
  driver.close();
});
