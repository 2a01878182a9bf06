/**
 * Parallel by key under kill -9: three members share six partitions, records have Zipf-distributed keys, one in a
 * hundred fails at first, one key fails until the end. Members are killed at random and started anew.
 *
 * Checked: commits and maps say nothing done that is not; no record is left out; no record of a key overtakes another
 * within a process; what is repeated is little, and much where the maps are turned off (or this test shows nothing).
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker, type RunningBroker } from '@odradek/broker/index.ts';
import {
  Cluster,
  Producer,
  createTopic,
  describeGroup,
  groupLag,
  type PartitionLag,
} from '@odradek/client/index.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { Zipf } from './zipf.ts';
import type { ParallelWorkerSettings } from './parallel-worker.ts';
import { within } from './within.ts';
import { WorkerProcess } from './worker-process.ts';

const PARTITIONS = 6;
const RECORDS = 4_000;
const KEYS = 500;
const MEMBERS = 3;
const TOPIC = 'orders';

interface Effect {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly pid: string;
}

interface Outcome {
  readonly repeated: number;
}

/** @throws AssertionError when a promise is broken */
export async function parallelKills(kills: number, seed: number): Promise<void> {
  const withMaps = await run(kills, seed, 4_096);
  const withoutMaps = await run(Math.ceil(kills / 2), seed, 0);
  console.log(`  repeated with maps ${withMaps.repeated}, without ${withoutMaps.repeated}, of ${RECORDS}`);
  assert.ok(withMaps.repeated < RECORDS / 4, 'the maps save little');
  assert.ok(withoutMaps.repeated > 2 * withMaps.repeated, 'the harness shows no difference');
}

async function run(kills: number, seed: number, metadataLengthMax: number): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-parallel-'));
  const broker = await startBroker({
    port: 0,
    overrides: { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' },
  });
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
  const settings: ParallelWorkerSettings = {
    bootstrapServers: broker.bootstrapServers,
    topic: TOPIC,
    groupId: 'workers',
    effects: join(directory, 'effects'),
    cure: join(directory, 'cure'),
    metadataLengthMax,
  };
  const members = new Set<WorkerProcess>();
  const start = (): void => void members.add(new WorkerProcess('parallel-worker.ts', settings));
  try {
    await fill(broker, seed);
    for (let member = 0; member < MEMBERS; member++) start();
    const chance = new SeededRandom(seed);
    for (let kill = 0; kill < kills; kill++) {
      await progress(settings, (RECORDS * (kill + 1)) / (kills + 2));
      await sleep(chance.fraction() * 300);
      for (const member of members) member.check();
      const victim = chance.pick([...members]);
      await victim.kill();
      members.delete(victim);
      await checkCommits(cluster, settings);
      start();
    }
    await allButStuck(cluster, settings);
    writeFileSync(settings.cure, '');
    await done(cluster);
    for (const member of members) await member.stop();
    await checkCommits(cluster, settings);
    return checkEffects(effectsOf(settings));
  } finally {
    for (const member of members) await member.kill();
    cluster.close();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(broker: RunningBroker, seed: number): Promise<void> {
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
  await createTopic(cluster, { name: TOPIC, partitions: PARTITIONS });
  cluster.close();
  const keys = new Zipf(new SeededRandom(seed), KEYS, 1);
  await using producer = closing(new Producer({ bootstrapServers: broker.bootstrapServers }));
  const sends: Promise<unknown>[] = [];
  for (let number = 0; number < RECORDS; number++) {
    const key = number % 500 === 10 ? 'stuck' : `key-${keys.next()}`;
    sends.push(producer.it.send({ topic: TOPIC, key: Buffer.from(key), value: Buffer.from(`${number}`) }));
  }
  await Promise.all(sends);
}

function closing(it: Producer): { it: Producer } & AsyncDisposable {
  return { it, [Symbol.asyncDispose]: () => it.close() };
}

function effectsOf({ effects }: ParallelWorkerSettings): Effect[] {
  if (!existsSync(effects)) return [];
  // A line that a kill cut in two has no end.
  const lines = readFileSync(effects, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [partition, offset, key, pid] = line.split(' ');
    return { partition: Number(partition), offset: Number(offset), key: key!, pid: pid! };
  });
}

async function progress(settings: ParallelWorkerSettings, count: number): Promise<void> {
  await within(() => effectsOf(settings).length >= count, `${count} effects`);
}

async function committed(cluster: Cluster): Promise<readonly PartitionLag[]> {
  return groupLag(cluster, await describeGroup(cluster, 'workers'));
}

/** What is committed at this moment was effected before: the effects are read after. */
async function checkCommits(cluster: Cluster, settings: ParallelWorkerSettings): Promise<void> {
  const lags = await committed(cluster);
  const effected = new Set(effectsOf(settings).map(({ partition, offset }) => `${partition} ${offset}`));
  for (const { partition, committedOffset } of lags) {
    for (let offset = 0; offset < (committedOffset ?? 0); offset++) {
      assert.ok(effected.has(`${partition} ${offset}`), `${partition}-${offset} is committed, not done`);
    }
  }
}

async function allButStuck(cluster: Cluster, settings: ParallelWorkerSettings): Promise<void> {
  const ends = await committed(cluster);
  const total = ends.reduce((sum, { endOffset }) => sum + endOffset!, 0);
  assert.equal(total, RECORDS);
  const stuck = RECORDS / 500;
  const distinct = (): number => new Set(effectsOf(settings).map((e) => `${e.partition} ${e.offset}`)).size;
  await within(() => distinct() >= RECORDS - stuck, 'all effects but those that are stuck');
}

async function done(cluster: Cluster): Promise<void> {
  await within(
    async () => (await committed(cluster)).every(({ lag }) => lag === 0),
    'everything to be committed',
  );
}

function checkEffects(effects: readonly Effect[]): Outcome {
  const distinct = new Set<string>();
  const last = new Map<string, number>();
  for (const { partition, offset, key, pid } of effects) {
    const record = `${partition} ${offset}`;
    const lane = `${pid} ${partition} ${key}`;
    // A partition that was with others for a while begins anew where it is committed to: that repeats, and overtakes none.
    const isRepeated = distinct.has(record);
    assert.ok(isRepeated || offset > (last.get(lane) ?? -1), `${lane}: ${offset} after ${last.get(lane)}`);
    distinct.add(record);
    last.set(lane, offset);
  }
  assert.equal(distinct.size, RECORDS);
  return { repeated: effects.length - RECORDS };
}
