import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { LAG_MAX_MS, ReplicaCluster } from './replica-cluster.ts';

/** All brokers hold the same, and agree on what is committed. */
function assertEqualLogs(cluster: ReplicaCluster): string[] {
  const expected = cluster.contents(cluster.state.leader);
  const { highWatermark } = cluster.partition(cluster.state.leader).log;
  for (const id of cluster.ids) {
    assert.deepEqual(cluster.contents(id), expected, `broker ${id}`);
    assert.equal(cluster.partition(id).log.highWatermark, highWatermark, `high watermark of broker ${id}`);
  }
  return expected;
}

const settled = (cluster: ReplicaCluster) => cluster.run(3 * LAG_MAX_MS);

for (const fetchVersion of [17, 12]) {
  test(`acks=all is answered when all in-sync replicas have the records (Fetch v${fetchVersion})`, async () => {
    const cluster = new ReplicaCluster({ fetchVersion });
    await cluster.run(1_000);
    const results = cluster.produce(1, 'a');
    assert.equal(results.length, 0);
    await cluster.run(20);
    assert.deepEqual([results[0]?.errorCode, results[0]?.info?.lastOffset], [0, 0]);
    for (let i = 0; i < 50; i++) cluster.produce(1, `more ${i}`);
    await cluster.run(2_000);
    assert.equal(assertEqualLogs(cluster).length, 51);
  });
}

test('a follower that comes back takes what it missed, and is in sync again', async () => {
  const cluster = new ReplicaCluster();
  await cluster.run(1_000);
  cluster.produce(1, 'before');
  await cluster.run(100);
  cluster.kill(2);
  await cluster.run(100);
  assert.deepEqual(cluster.state.isr, [1, 3]);
  const results = cluster.produce(1, 'without it');
  await cluster.run(100);
  assert.equal(results[0]?.errorCode, 0);
  cluster.start(2);
  await cluster.run(3_000);
  assert.deepEqual([...cluster.state.isr].sort(), [1, 2, 3]);
  assert.deepEqual(assertEqualLogs(cluster), ['0 0 before', '1 1 without it']);
});

test('F01: a restart behind the high watermark loses nothing that was acknowledged', async () => {
  const cluster = new ReplicaCluster({ brokers: 2 });
  await cluster.run(1_000);
  const results = cluster.produce(1, 'm1');
  await cluster.run(8);
  assert.equal(results[0]?.errorCode, 0);
  assert.equal(cluster.partition(2).log.highWatermark, 0, 'the follower has not heard that it is committed');
  cluster.kill(2);
  cluster.start(2);
  await cluster.run(10);
  cluster.state.isr = [1, 2];
  cluster.kill(1);
  await cluster.run(100);
  assert.equal(cluster.state.leader, 2);
  cluster.start(1);
  await cluster.run(5_000);
  assert.deepEqual(assertEqualLogs(cluster), ['0 0 m1']);
});

test('an old leader that comes back drops what only it had, in whatever order leaders change', async () => {
  const cluster = new ReplicaCluster();
  await cluster.run(1_000);
  cluster.produce(1, 'common');
  await cluster.run(1_000);
  cluster.isolate(1);
  await cluster.run(100);
  const lost = [cluster.produce(1, 'lost', 1), cluster.produce(1, 'lost too', -1)];
  assert.equal(lost[0]![0]?.errorCode, 0, 'it does not know yet');
  const kept = cluster.produce(cluster.state.leader, 'kept');
  await cluster.run(1_000);
  assert.equal(kept[0]?.errorCode, 0);
  cluster.heal();
  await settled(cluster);
  assert.equal(lost[1]![0]?.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assert.deepEqual(assertEqualLogs(cluster), ['0 0 common', '1 1 kept']);
  for (const leader of [1, 3, 2, 1]) {
    assert.ok(cluster.elect(leader));
    await cluster.run(100);
    cluster.produce(leader, `by ${leader}`, 1);
    await cluster.run(5);
  }
  await settled(cluster);
  assertEqualLogs(cluster);
});

test('F03: tails of several epochs, and unclean leaders: all end with the log of the last one', async () => {
  const cluster = new ReplicaCluster();
  await cluster.run(1_000);
  cluster.produce(1, 'common');
  await cluster.run(1_000);
  for (const leader of [1, 2, 3, 1, 2]) {
    for (const other of cluster.ids) if (other !== leader) cluster.kill(other);
    cluster.start(leader);
    await cluster.run(50);
    cluster.elect(leader, true);
    await cluster.run(50);
    cluster.produce(leader, `alone, by ${leader}`, 1);
    cluster.produce(leader, `once more, by ${leader}`, 1);
    cluster.kill(leader);
  }
  for (const id of cluster.ids) cluster.start(id);
  cluster.elect(3, true);
  await settled(cluster);
  const values = assertEqualLogs(cluster);
  assert.deepEqual(
    values.map((line) => line.split(' ').slice(2).join(' ')),
    ['common', 'alone, by 3', 'once more, by 3'],
  );
});

test('a follower far behind catches up while the leader goes on, and a new one begins where the log does', async () => {
  const cluster = new ReplicaCluster();
  await cluster.run(1_000);
  cluster.kill(3);
  for (let i = 0; i < 200; i++) cluster.produce(1, `old ${i}`);
  await cluster.run(3_000);
  cluster.partition(1).deleteRecordsBefore(120);
  cluster.start(3);
  for (let i = 0; i < 100; i++) {
    cluster.produce(1, `new ${i}`, 1);
    await cluster.run(10);
  }
  await settled(cluster);
  assert.equal(cluster.partition(3).log.logStartOffset, 120);
  assert.equal(assertEqualLogs(cluster)[0], '120 0 old 120');
  assert.equal(cluster.state.isr.length, 3);
});

test('a follower that stops fetching leaves the in-sync set in time, and acks=all goes on', async () => {
  const cluster = new ReplicaCluster({ minInsyncReplicas: 2 });
  await cluster.run(1_000);
  // It is alive for the controller and does nothing.
  cluster.partition(3).stopLeading(99);
  await cluster.run(2_000);
  const results = cluster.produce(1, 'a');
  await cluster.run(LAG_MAX_MS / 2);
  assert.equal(results.length, 0);
  await cluster.run(LAG_MAX_MS * 1.5);
  assert.equal(results[0]?.errorCode, 0);
  assert.deepEqual(cluster.state.isr, [1, 2]);
});

type Step =
  | { readonly kind: 'produce'; readonly broker: number; readonly acks: -1 | 1; readonly count: number }
  | { readonly kind: 'kill' | 'start' | 'isolate' | 'elect'; readonly broker: number }
  | { readonly kind: 'heal' }
  | { readonly kind: 'run'; readonly ms: number };

const broker = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('produce'),
      broker,
      acks: fc.constantFrom(-1, 1),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('kill', 'start', 'isolate', 'elect'), broker }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'heal' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('run'),
      ms: fc.constantFrom(1, 3, 10, 100, 1_500, LAG_MAX_MS + 5_000),
    }),
  },
) as fc.Arbitrary<Step>;

async function act(
  cluster: ReplicaCluster,
  one: Step,
  values: Map<string, { acked: boolean }>,
): Promise<void> {
  switch (one.kind) {
    case 'run':
      return cluster.run(one.ms);
    case 'heal':
      return cluster.heal();
    case 'produce':
      if (!cluster.isUp(one.broker)) return;
      for (let i = 0; i < one.count; i++) {
        const value = `v${values.size}`;
        const fate = { acked: false };
        values.set(value, fate);
        cluster.produce(one.broker, value, one.acks, ({ errorCode }) => {
          fate.acked = errorCode === 0 && one.acks === -1;
        });
      }
      return;
    default:
      cluster[one.kind](one.broker);
  }
}

test('whatever fails: once healed, all logs are equal and hold everything acknowledged by all in sync', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const cluster = new ReplicaCluster();
      const values = new Map<string, { acked: boolean }>();
      for (const one of steps) await act(cluster, one, values);
      cluster.heal();
      await settled(cluster);
      assert.equal(cluster.state.isr.length, 3, 'all are in sync again');
      const held = assertEqualLogs(cluster).map((line) => line.split(' ')[2]);
      assert.equal(new Set(held).size, held.length, 'nothing is there twice');
      for (const [value, { acked }] of values) assert.ok(!acked || held.includes(value), `${value} is lost`);
    }),
    { numRuns: Number(process.env['REPLICATION_RUNS'] ?? 30) },
  );
});
