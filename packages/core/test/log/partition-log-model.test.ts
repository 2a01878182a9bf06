import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { LogWorld, batch, codeOf, readAll } from './log-world.ts';

/** A record as a plain array holds it. */
interface Expected {
  readonly offset: number;
  readonly value: string;
  readonly timestamp: number;
  readonly epoch: number;
  /** Where its batch begins and ends: reads bounded by an offset go by whole batches. */
  readonly batchStart: number;
  readonly batchEnd: number;
}

/** What a log should be: the records, and a few numbers. */
interface Model {
  records: Expected[];
  start: number;
  end: number;
  highWatermark: number;
  epoch: number;
  count: number;
}

interface State {
  readonly world: LogWorld;
  log: PartitionLog;
}

type Step = (model: Model, state: State) => void;

const T = 1_700_000_000_000;
const SETTINGS = { segmentBytes: 700, indexIntervalBytes: 150, fileDeleteDelayMs: 10, retentionMs: -1 };

const appending = fc
  .record({
    sizes: fc.array(fc.nat(60), { minLength: 1, maxLength: 4 }),
    times: fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 }),
    compression: fc.constantFrom(0, 0, 1, 2, 3, 4),
  })
  .map(({ sizes, times, compression }): Step => (model, { log }) => {
    const values = sizes.map((size, i) => `${model.count}.${i}`.padEnd(size, '.'));
    model.count++;
    const timestamps = values.map((_, i) => T + times[i]!);
    const records = batch(values, { timestamps, compression: compression as 0 });
    const info = log.appendAsLeader(records, {
      leaderEpoch: model.epoch,
      origin: 'client',
      requestVersion: 9,
    });
    assert.equal(info.firstOffset, model.end);
    const batchStart = model.end;
    const batchEnd = model.end + values.length;
    for (const [i, value] of values.entries()) {
      const offset = batchStart + i;
      model.records.push({
        offset,
        value,
        timestamp: timestamps[i]!,
        epoch: model.epoch,
        batchStart,
        batchEnd,
      });
    }
    model.end = batchEnd;
  });

const raisingHighWatermark = fc.nat(100).map((percent): Step => (model, { log }) => {
  const offset = model.start + Math.floor(((model.end - model.start) * percent) / 100);
  model.highWatermark = Math.max(model.highWatermark, offset);
  log.updateHighWatermark(model.highWatermark);
});

const deletingRecords = fc.nat(120).map((percent): Step => (model, { log }) => {
  const offset = model.start + Math.floor(((model.end - model.start) * percent) / 100);
  const code = codeOf(() => log.advanceLogStartOffset(offset));
  assert.equal(code, offset > model.highWatermark ? 1 : 0);
  if (code === 0) model.start = Math.max(model.start, offset);
});

const truncating = fc.nat(100).map((percent): Step => (model, { log }) => {
  // As a follower does: to a batch boundary, not below what is deleted.
  const wanted = model.start + Math.floor(((model.end - model.start) * percent) / 100);
  const inside = model.records.find(({ offset }) => offset === wanted);
  const offset = Math.max(inside?.batchStart ?? wanted, model.start);
  if (model.records.some(({ batchStart, batchEnd }) => batchStart < offset && offset < batchEnd)) return;
  log.truncateTo(offset);
  model.records = model.records.filter((record) => record.offset < offset);
  model.end = Math.min(model.end, offset);
  model.highWatermark = Math.min(model.highWatermark, model.end);
});

const becomingLeader: fc.Arbitrary<Step> = fc.constant((model, { log }) => {
  model.epoch++;
  log.assignLeaderEpoch(model.epoch);
});

const rolling: fc.Arbitrary<Step> = fc.constant((_, { log }) => log.roll());

const cleaning: fc.Arbitrary<Step> = fc.constant((_, { log, world }) => {
  log.deleteOldSegments(world.time.now());
  world.time.advance(20);
});

const crashing: fc.Arbitrary<Step> = fc.constant((model, state) => {
  state.log = state.world.open({ logStartOffset: model.start, recoveryPoint: state.log.recoveryPoint });
  state.log.updateHighWatermark(model.highWatermark);
});

const restarting: fc.Arbitrary<Step> = fc.constant((model, state) => {
  state.log.close();
  state.log = state.world.open({
    logStartOffset: model.start,
    recoveryPoint: model.end,
    wasCleanShutdown: true,
  });
  state.log.updateHighWatermark(model.highWatermark);
});

const flushing: fc.Arbitrary<Step> = fc.constant((_, { log }) => log.flush());

const step = fc.oneof(
  { weight: 8, arbitrary: appending },
  { weight: 2, arbitrary: raisingHighWatermark },
  { weight: 1, arbitrary: deletingRecords },
  { weight: 1, arbitrary: truncating },
  { weight: 1, arbitrary: becomingLeader },
  { weight: 1, arbitrary: rolling },
  { weight: 1, arbitrary: cleaning },
  { weight: 1, arbitrary: crashing },
  { weight: 1, arbitrary: restarting },
  { weight: 1, arbitrary: flushing },
);

function check(model: Model, log: PartitionLog): void {
  assert.deepEqual(
    [log.logStartOffset, log.logEndOffset, log.highWatermark],
    [model.start, model.end, model.highWatermark],
  );
  const readable = model.records.filter(({ offset }) => offset >= model.start);
  const all = readAll(log, model.start, 'log-end', 300);
  assert.deepEqual(
    all.map(({ offset, value, timestamp }) => [offset, value!.toString(), timestamp]),
    readable.map(({ offset, value, timestamp }) => [offset, value, timestamp]),
  );
  const visible = readAll(log, model.start, 'high-watermark', 300);
  assert.equal(visible.length, readable.filter(({ batchEnd }) => batchEnd <= model.highWatermark).length);
  checkTimes(readable, log);
  checkEpochs(model, log);
  assert.equal(
    codeOf(() => log.read(model.end + 1, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' })),
    1,
  );
}

function checkTimes(readable: readonly Expected[], log: PartitionLog): void {
  for (const timestamp of [T, T + 250, T + 900, T + 1001]) {
    const expected = readable.find((record) => record.timestamp >= timestamp);
    const found = log.offsetForTimestamp(timestamp, 'log-end');
    assert.deepEqual(
      found && [found.offset, found.timestamp, found.leaderEpoch],
      expected ? [expected.offset, expected.timestamp, expected.epoch] : null,
    );
  }
}

function checkEpochs(model: Model, log: PartitionLog): void {
  for (const epoch of new Set(
    model.records.filter(({ offset }) => offset >= model.start).map((r) => r.epoch),
  )) {
    const next = model.records.find((record) => record.epoch > epoch);
    const end = log.endOffsetForEpoch(epoch);
    assert.equal(end.epoch, epoch);
    assert.equal(end.endOffset, next?.offset ?? Math.min(end.endOffset, model.end));
  }
}

it('a log is what a plain array of records would be, whatever is done to it', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const world = new LogWorld(SETTINGS);
      const state: State = { world, log: world.open() };
      const model: Model = { records: [], start: 0, end: 0, highWatermark: 0, epoch: 0, count: 0 };
      for (const run of steps) {
        run(model, state);
        assert.equal(state.log.logEndOffset, model.end);
      }
      check(model, state.log);
    }),
    { numRuns: 250 },
  );
});
