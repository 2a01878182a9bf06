import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { readAll } from '../log-world.ts';
import { CleaningWorld, put } from './cleaning-world.ts';
import type { KeyValue } from './cleaning-world.ts';

/** A batch as the model knows it. */
interface ModelBatch {
  horizonMs: number | null;
}

interface ModelRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
  readonly batch: ModelBatch;
}

/** What should be in a compacted log. */
class Model {
  records: ModelRecord[] = [];
  count = 0;

  append(firstOffset: number, records: readonly KeyValue[], timestamp: number): void {
    const batch: ModelBatch = { horizonMs: null };
    for (const [i, [key, value]] of records.entries()) {
      this.records.push({ offset: firstOffset + i, key, value, timestamp, batch });
    }
  }

  /** A round that got to `mapEndOffset`, and copied the segments that begin before it, up to `copiedTo`. */
  clean(mapEndOffset: number, copiedTo: number, nowMs: number, deleteRetentionMs: number): void {
    const latest = new Map<string, number>();
    for (const { key, offset } of this.records) {
      if (key !== null && offset < mapEndOffset) latest.set(key, offset);
    }
    this.records = this.records.filter(({ offset, key, value, batch }) => {
      if (offset >= mapEndOffset) return true;
      if (key === null || latest.get(key) !== offset) return false;
      return value !== null || batch.horizonMs === null || nowMs < batch.horizonMs;
    });
    for (const { offset, value, batch } of this.records) {
      if (offset < copiedTo && value === null) batch.horizonMs ??= nowMs + deleteRetentionMs;
    }
  }
}

interface State {
  readonly world: CleaningWorld;
  readonly model: Model;
  log: PartitionLog;
}

type Step = (state: State) => void;

const oneRecord = fc.tuple(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.option(fc.nat(80), { nil: null, freq: 2 }),
);

const batchOfRecords = fc.record({
  records: fc.array(oneRecord, { minLength: 1, maxLength: 6 }),
  compression: fc.constantFrom(0, 0, 1, 2, 3, 4),
});

function appended(
  { model, log }: State,
  { records, compression }: { records: [string, number | null][]; compression: number },
): void {
  const values = records.map(([key, size], i): KeyValue => {
    const value = size === null ? null : `${model.count}.${i}`.padEnd(size, '.');
    return [key, value];
  });
  model.count++;
  const timestamp = 1_700_000_000_000 - model.count * 1000;
  model.append(put(log, values, { compression: compression as 0, timestamp }), values, timestamp);
}

const appending = batchOfRecords.map(
  (batch): Step =>
    (state) =>
      appended(state, batch),
);
const rolling: fc.Arbitrary<Step> = fc.constant(({ log }) => log.roll());
const waiting = fc.constantFrom(300, 1000).map(
  (ms): Step =>
    ({ world }) =>
      world.time.advance(ms),
);

/** A round with a map of any size, while records are appended and read. */
const cleaning = fc
  .record({
    keysMax: fc.constantFrom(1, 2, 3, 100, 100),
    meanwhile: fc.array(batchOfRecords, { maxLength: 4 }),
  })
  .map(({ keysMax, meanwhile }): Step => (state) => {
    const { world, model, log } = state;
    log.roll();
    const ends = log.storage.segments.all.map(({ baseOffset }) => baseOffset);
    const range = world.rangeOf(log);
    if (range.dirtyBytes === 0) return;
    const pending = [...meanwhile];
    const { cleanedOffset } = world.round(log, keysMax, () => {
      const batch = pending.pop();
      if (batch === undefined) return;
      appended(state, batch);
      readsTheLatest(state);
    });
    assert.ok(cleanedOffset > range.firstDirtyOffset && cleanedOffset <= range.firstUncleanableOffset);
    const copiedTo = Math.min(
      ends.find((offset) => offset >= cleanedOffset) ?? Infinity,
      range.firstUncleanableOffset,
    );
    model.clean(cleanedOffset, copiedTo, world.time.now(), 1000);
  });

const restarting: fc.Arbitrary<Step> = fc.constant((state) => {
  const { cleanedOffset, logEndOffset } = state.log;
  state.log.close();
  state.world.simulated.completeLater();
  state.log = state.world.open({ recoveryPoint: logEndOffset, wasCleanShutdown: true });
  state.log.updateHighWatermark(logEndOffset);
  if (cleanedOffset !== null) state.log.storage.cleanedTo(cleanedOffset);
});

const step = fc.oneof(
  { weight: 8, arbitrary: appending },
  { weight: 1, arbitrary: rolling },
  { weight: 4, arbitrary: waiting },
  { weight: 5, arbitrary: cleaning },
  { weight: 1, arbitrary: restarting },
);

/** In the midst of a round, too: the latest record of each key is there, and all that is there was appended so. */
function readsTheLatest({ model, log }: State): void {
  const read = new Map(readAll(log, log.logStartOffset).map((record) => [record.offset, record]));
  const latest = new Map(model.records.map((record) => [record.key, record]));
  for (const { offset, value } of latest.values()) {
    if (value !== null) assert.equal(read.get(offset)?.value?.toString(), value);
  }
}

function check({ model, log }: State): void {
  const expected = model.records.map(({ offset, key, value, timestamp }) => [offset, key, value, timestamp]);
  const all = readAll(log, log.logStartOffset);
  assert.deepEqual(
    all.map(({ offset, key, value, timestamp }) => [
      offset,
      key?.toString() ?? null,
      value?.toString() ?? null,
      timestamp,
    ]),
    expected,
  );
  // From every offset on, whether its record is still there or not.
  for (let offset = log.logStartOffset; offset <= log.logEndOffset; offset += 3) {
    const next = model.records.find((record) => record.offset >= offset);
    assert.equal(readAll(log, offset)[0]?.offset, next?.offset);
  }
}

it('a compacted log holds the latest of each key, at its offset, and tombstones for their time', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), (steps) => {
      const world = new CleaningWorld();
      const state: State = { world, model: new Model(), log: world.open() };
      for (const run of steps) run(state);
      check(state);
      world.time.advance(20);
      assert.deepEqual(
        world.names().filter((name) => /deleted|swap|cleaned/.test(name)),
        [],
      );
    }),
    { numRuns: 40 },
  );
});
