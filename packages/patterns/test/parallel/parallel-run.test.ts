import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { CommittedOffset, ConsumedRecord, GroupConsumerOptions } from '@odradek/client';
import fc from 'fast-check';
import type { RecordContext, RecordHandler } from '../../src/parallel/attempt.ts';
import {
  parallelSettings,
  type ParallelEvent,
  type ParallelOptions,
} from '../../src/parallel/parallel-options.ts';
import { ParallelRun } from '../../src/parallel/parallel-run.ts';
import { FakeSource } from '../support/fake-source.ts';
import { VirtualEnvironment, settled } from '../../../client/test/support/virtual-environment.ts';

type Options = Omit<ParallelOptions, keyof GroupConsumerOptions>;

/** A run on partitions in memory. */
class Bench {
  readonly environment: VirtualEnvironment;
  readonly source: FakeSource;
  readonly events: ParallelEvent[] = [];
  readonly run: ParallelRun;
  readonly ended: Promise<void>;

  constructor(
    handler: RecordHandler,
    options: Options = {},
    stored?: Map<string, CommittedOffset>,
    seed = 1,
  ) {
    this.environment = new VirtualEnvironment(seed);
    this.source = new FakeSource(stored);
    const settings = parallelSettings({ ...options, onEvent: (event) => this.events.push(event) });
    const identity = (): Promise<string> => Promise.resolve('cluster topic 0');
    this.run = new ParallelRun(this.source, settings, this.environment, identity, handler);
    this.ended = this.run.run();
    this.ended.catch(() => undefined);
  }

  async assign(partition: number, keys: readonly (string | null)[]): Promise<void> {
    const at = { topic: 't', partition };
    await this.run.assigned([at]);
    this.source.assign(partition, keys);
    await settled();
  }

  kinds(): string[] {
    return this.events.map(({ type }) => type);
  }
}

/** Handlers that end when the test says so. */
class Gates {
  readonly begun: string[] = [];
  readonly signals = new Map<string, AbortSignal>();
  private readonly open = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();

  readonly handler = ({ partition, offset }: ConsumedRecord, { signal }: RecordContext): Promise<void> => {
    const name = `${partition}:${offset}`;
    this.begun.push(name);
    this.signals.set(name, signal);
    return new Promise((resolve, reject) => this.open.set(name, { resolve, reject }));
  };

  async finish(...names: string[]): Promise<void> {
    for (const name of names) this.open.get(name)!.resolve();
    await settled();
  }

  async fail(name: string): Promise<void> {
    this.open.get(name)!.reject(new Error('refused'));
    await settled();
  }
}

test('records of different keys at the same time, those of one key in their order', async () => {
  const gates = new Gates();
  const bench = new Bench(gates.handler, { workers: 10 });
  await bench.assign(0, ['a', 'b', 'a', 'c', 'b']);
  assert.deepEqual(gates.begun, ['0:0', '0:1', '0:3']);
  await gates.finish('0:1');
  assert.deepEqual(gates.begun.slice(3), ['0:4']);
  await gates.finish('0:0');
  assert.deepEqual(gates.begun.slice(4), ['0:2']);
});

test('by partition one at a time; without order, and without keys, as many as there are workers', async () => {
  const byPartition = new Gates();
  const ordered = new Bench(byPartition.handler, { order: 'partition', workers: 10 });
  await ordered.assign(0, ['a', 'b']);
  await ordered.assign(1, ['a', 'b']);
  assert.deepEqual(byPartition.begun, ['0:0', '1:0']);
  for (const [order, key] of [['none', 'a'] as const, ['key', null] as const]) {
    const gates = new Gates();
    const bench = new Bench(gates.handler, { order, workers: 3 });
    await bench.assign(0, [key, key, key, key]);
    assert.deepEqual(gates.begun, ['0:0', '0:1', '0:2']);
  }
});

test('commits never pass a record that is not done; the map says what is done beyond', async () => {
  const gates = new Gates();
  const bench = new Bench(gates.handler, { workers: 10 });
  await bench.assign(0, ['a', 'b', 'c', 'd']);
  await gates.finish('0:1', '0:3');
  await bench.environment.pass(1_000);
  assert.equal(bench.source.stored.get('t 0')!.offset, 0);
  const again = new Gates();
  const after = new Bench(again.handler, { workers: 10 }, bench.source.stored);
  await after.assign(0, ['a', 'b', 'c', 'd']);
  assert.deepEqual(again.begun, ['0:0', '0:2'], 'what was done ahead is not repeated');
  assert.equal(after.run.status.skipped, 2);
  await again.finish('0:0', '0:2');
  await after.environment.pass(1_000);
  assert.deepEqual(after.source.stored.get('t 0'), { topic: 't', partition: 0, offset: 4, metadata: '' });
});

test('a record that fails waits without a worker and without holding up other keys', async () => {
  const attempts: string[] = [];
  const bench = new Bench(
    ({ offset }, { attempt }) => {
      attempts.push(`${offset}#${attempt}@${bench.environment.nowMs}`);
      if (offset === 0 && attempt < 3) throw new Error('not yet');
    },
    { workers: 1, retry: ({ attempts: failed }) => failed * 1_000 },
  );
  await bench.assign(0, ['a', 'a', 'b', 'c']);
  await bench.environment.pass(10_000);
  assert.deepEqual(attempts, ['0#1@0', '2#1@0', '3#1@0', '0#2@1000', '0#3@3000', '1#1@3000']);
  assert.equal(bench.source.stored.get('t 0')!.offset, 4);
});

test('a key that fails for ever pauses its own partition only, in bounded memory', async () => {
  let handled = 0;
  const bench = new Bench(
    ({ key, partition }) => {
      if (partition === 0 && String(key) === 'stuck') throw new Error('always');
      handled++;
    },
    { aheadMax: 200, workers: 4, attemptsMax: 3 },
  );
  const keys = Array.from({ length: 5_000 }, (_, at) => (at % 10 === 0 ? 'stuck' : `k${at % 7}`));
  await bench.assign(0, keys);
  await bench.assign(1, keys);
  await bench.environment.pass(3_600_000);
  assert.deepEqual(bench.source.paused, [0]);
  assert.equal(bench.source.stored.get('t 1')!.offset, 5_000);
  const { partitions } = bench.run.status;
  assert.ok(partitions[0]!.ahead < 200 + bench.source.takeMax, `${partitions[0]!.ahead}`);
  assert.equal(handled, 5_000 + partitions[0]!.ahead * 0.9);
  assert.deepEqual(
    bench.events.flatMap((event) => ('partition' in event && event.partition === 0 ? event.type : [])),
    ['paused'],
  );
  assert.equal(bench.kinds().filter((kind) => kind === 'key-stuck').length, 1);
});

test('bytes pause a partition too; there is always room for one record', async () => {
  const gates = new Gates();
  const bench = new Bench(gates.handler, { workers: 1, bytesPerPartitionMax: 1 });
  bench.source.takeMax = 1;
  await bench.assign(0, ['a', 'b', 'c']);
  assert.deepEqual(bench.source.paused, [0]);
  await gates.finish('0:0');
  assert.deepEqual(gates.begun, ['0:0', '0:1']);
  assert.deepEqual(bench.kinds(), ['paused', 'resumed', 'paused']);
});

test('a record that is exhausted is handed over, however often that takes, and not handled again', async () => {
  let handled = 0;
  let handedOver = 0;
  const bench = new Bench(
    () => {
      handled++;
      throw new Error('broken');
    },
    {
      attemptsMax: 4,
      onExhausted: async ({ attempts, error }) => {
        assert.deepEqual([attempts, error.message], [4, 'broken']);
        if (++handedOver < 3) throw new Error('no dead letters now');
      },
    },
  );
  await bench.assign(0, ['a']);
  await bench.environment.pass(600_000);
  assert.deepEqual([handled, handedOver], [4, 3]);
  assert.equal(bench.source.stored.get('t 0')!.offset, 1);
  assert.deepEqual(bench.kinds(), ['key-stuck']);
});

test('a policy may say that trying again is of no use', async () => {
  const exhausted: number[] = [];
  const bench = new Bench(() => Promise.reject(new Error('bad')), {
    retry: () => null,
    onExhausted: async ({ attempts }) => exhausted.push(attempts),
  });
  await bench.assign(0, ['a', 'b']);
  await settled();
  assert.deepEqual(exhausted, [1, 1]);
});

test('a policy that throws ends the run with what it threw', async () => {
  const bench = new Bench(() => Promise.reject(new Error('bad')), {
    retry: () => {
      throw new TypeError('a bug in the policy');
    },
  });
  await bench.assign(0, ['a']);
  await assert.rejects(bench.ended, /a bug in the policy/);
  assert.ok(bench.source.isClosed);
});

test('a partition is given up when none of its handlers runs, with what they did committed', async () => {
  const gates = new Gates();
  const bench = new Bench(gates.handler, { workers: 2 });
  await bench.assign(0, ['a', 'b', 'c', 'd']);
  let isRevoked = false;
  const revoking = bench.run.revoked([{ topic: 't', partition: 0 }]).then(() => (isRevoked = true));
  await gates.finish('0:0');
  assert.equal(isRevoked, false);
  assert.deepEqual(gates.begun, ['0:0', '0:1'], 'nothing new begins');
  await gates.finish('0:1');
  await revoking;
  assert.equal(bench.source.stored.get('t 0')!.offset, 2);
});

test('handlers that take long are told by their signal, and still waited for', async () => {
  const gates = new Gates();
  const bench = new Bench(gates.handler, { drainMs: 5_000 });
  await bench.assign(0, ['a']);
  let isRevoked = false;
  const revoking = bench.run.revoked([{ topic: 't', partition: 0 }]).then(() => (isRevoked = true));
  await bench.environment.pass(4_999);
  assert.equal(gates.signals.get('0:0')!.aborted, false);
  await bench.environment.pass(100_000);
  assert.equal(gates.signals.get('0:0')!.aborted, true);
  assert.equal(isRevoked, false);
  assert.deepEqual(bench.kinds(), ['drain-slow']);
  // What gives up because it was told to is nobody's failure: no retry, no dead letter.
  await gates.fail('0:0');
  await revoking;
  assert.equal(bench.source.stored.get('t 0')!.offset, 0);
});

test('what ends after a partition was lost counts for nothing, and holds up the next assignment', async () => {
  const gates = new Gates();
  const bench = new Bench(gates.handler);
  await bench.assign(0, ['a', 'b']);
  bench.run.lost([{ topic: 't', partition: 0 }]);
  bench.source.unassign({ topic: 't', partition: 0 });
  assert.equal(gates.signals.get('0:0')!.aborted, true);
  await gates.finish('0:1');
  await bench.assign(0, ['a', 'b']);
  assert.equal(gates.begun.length, 2, 'no two handlers on one partition');
  // Lost and assigned again while the first still runs.
  bench.run.lost([{ topic: 't', partition: 0 }]);
  bench.source.unassign({ topic: 't', partition: 0 });
  await bench.assign(0, ['a', 'b']);
  assert.equal(gates.begun.length, 2);
  await gates.finish('0:0');
  assert.deepEqual(gates.begun.slice(2), ['0:0', '0:1']);
  await bench.environment.pass(2_000);
  assert.equal(bench.source.stored.get('t 0')?.offset ?? 0, 0);
  assert.equal(bench.run.status.staleCompletions, 2);
});

test('stopping waits for handlers, commits, and leaves', async () => {
  const gates = new Gates();
  const bench = new Bench(gates.handler, { workers: 2 });
  await bench.assign(0, ['a', 'b', 'c']);
  bench.run.stop();
  await settled();
  assert.equal(bench.source.isClosed, false);
  await gates.finish('0:0', '0:1');
  await bench.ended;
  assert.equal(bench.source.stored.get('t 0')!.offset, 2);
  assert.equal(bench.source.isClosed, true);
  assert.equal(bench.environment.timerCount, 0);
});

test('a broker that takes less metadata gets shorter maps, or none; offsets are committed all the same', async () => {
  for (const allowed of [0, 40, 100]) {
    const gates = new Gates();
    const bench = new Bench(gates.handler, { workers: 3_000 });
    bench.source.refusal = (offsets) =>
      offsets.some(({ metadata }) => (metadata ?? '').length > allowed)
        ? new KafkaError(ErrorCode.OFFSET_METADATA_TOO_LARGE, 'too large')
        : null;
    await bench.assign(
      0,
      Array.from({ length: 3_000 }, (_, at) => `${at}`),
    );
    // Nothing regular, so that it takes many bytes.
    const done = Array.from({ length: 2_999 }, (_, at) => at + 1).filter((at) => (at * at * 7) % 11 < 5);
    await gates.finish('0:0', ...done.map((at) => `0:${at}`));
    await bench.environment.pass(1_000);
    const { offset, metadata } = bench.source.stored.get('t 0')!;
    assert.ok(offset > 0);
    assert.ok(metadata!.length <= allowed);
    assert.equal(metadata!.length > 0, allowed >= 40);
    assert.ok(bench.kinds().includes('map-cut') || allowed === 0);
  }
});

test('a commit that fails is made good by the next', async () => {
  const bench = new Bench(() => undefined);
  let refusals = 2;
  bench.source.refusal = () =>
    refusals-- > 0 ? new KafkaError(ErrorCode.REBALANCE_IN_PROGRESS, 'not now') : null;
  await bench.assign(0, ['a']);
  await bench.environment.pass(10_000);
  assert.deepEqual(bench.kinds(), ['commit-failed', 'commit-failed']);
  assert.equal(bench.source.stored.get('t 0')!.offset, 1);
});

test('metadata of others, and of a log that was longer, is ignored and said so', async () => {
  const gates = new Gates();
  const first = new Bench(gates.handler, { workers: 10 });
  await first.assign(0, ['a', 'b', 'c', 'd']);
  await gates.finish('0:2', '0:3');
  await first.environment.pass(1_000);
  const ofTool = new Map([['t 0', { topic: 't', partition: 0, offset: 0, metadata: 'by a tool' }]]);
  for (const stored of [first.source.stored, ofTool]) {
    const seen: number[] = [];
    const bench = new Bench(({ offset }) => void seen.push(offset), {}, new Map(stored));
    await bench.assign(0, ['a', 'b', 'x']);
    assert.deepEqual(seen, [0, 1, 2]);
    assert.deepEqual(bench.kinds(), ['map-ignored']);
  }
});

/** Whatever happens: no record is left out, none of a key overtakes another, commits tell the truth. */
test('crashes, rebalances and failures at any time lose nothing and keep the order of each key', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(6), { minLength: 1, maxLength: 120 }),
      fc.array(fc.record({ passMs: fc.nat(2_500), what: fc.constantFrom('crash', 'revoke', 'lose') }), {
        maxLength: 5,
      }),
      fc.integer(),
      async (keyNumbers, steps, seed) => {
        const violations: string[] = [];
        /** The last record of each key that was begun in the assignment at hand. */
        const last = new Map<string, number>();
        const keys = keyNumbers.map((number) => (number === 6 ? null : `k${number}`));
        const done = new Set<number>();
        let stored = new Map<string, CommittedOffset>();
        const start = (at: number): Bench => {
          const running = new Set<string>();
          last.clear();
          const handler: RecordHandler = async ({ key, offset }) => {
            const { random, timers } = bench.environment;
            if (key !== null) {
              const name = String(key);
              if (running.has(name)) violations.push(`two handlers of ${name}`);
              if (offset < (last.get(name) ?? -1)) violations.push(`${offset} of ${name} overtook another`);
              running.add(name);
              last.set(name, offset);
            }
            await new Promise<void>((resolve) => void timers.after(random.fraction() * 300, resolve));
            running.delete(String(key));
            if (random.fraction() < 0.2) throw new Error('by chance');
            done.add(offset);
          };
          const bench = new Bench(handler, { workers: 4, aheadMax: 30 }, new Map(stored), seed + at);
          bench.source.takeMax = 7;
          return bench;
        };
        const check = (bench: Bench): void => {
          assert.deepEqual(violations, []);
          stored = bench.source.stored;
          const committed = stored.get('t 0')?.offset ?? 0;
          for (let offset = 0; offset < committed; offset++) assert.ok(done.has(offset), `lost ${offset}`);
        };
        let bench = start(0);
        await bench.assign(0, keys);
        for (const [at, { passMs, what }] of steps.entries()) {
          await bench.environment.pass(passMs);
          const partitions = [{ topic: 't', partition: 0 }];
          if (what === 'revoke') {
            const revoked = bench.run.revoked(partitions);
            bench.source.unassign(partitions[0]!);
            await bench.environment.pass(60_000);
            await revoked;
          } else if (what === 'lose') {
            bench.run.lost(partitions);
            bench.source.unassign(partitions[0]!);
          } else {
            check(bench);
            bench = start(at + 1);
          }
          check(bench);
          last.clear();
          await bench.assign(0, keys);
        }
        await bench.environment.pass(300_000);
        check(bench);
        assert.equal(stored.get('t 0')!.offset, keys.length);
      },
    ),
    { numRuns: 40 },
  );
});

test('bad options are refused by name, with what is allowed', () => {
  assert.throws(() => parallelSettings({ workers: 0 }), /workers is 0, allowed are whole numbers from 1 on/);
  assert.throws(
    () => parallelSettings({ order: 'topic' as 'key' }),
    /order is "topic", allowed are key, partition, none/,
  );
});
