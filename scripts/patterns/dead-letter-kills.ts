/**
 * Dead letters under kill -9, against Apache Kafka and Odradek: of payments some work at the second delay, some only once
 * the bank opens, some never. Members are killed while records fail and go through delay topics to the dead letters; then
 * the runs that put them back are, and members with them.
 *
 * Checked, by id: each payment is made or in the dead letters, none is in both or neither; what lies there has the bytes
 * that it had; a dry run changes nothing; a filtered run that is killed and started again puts back what it is to and
 * nothing else, once for each letter and at most once more for each kill, no faster than it may; what never works is put
 * back as often as is allowed, and parked.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Cluster,
  Producer,
  createTopic,
  describeGroup,
  groupLag,
  listOffsets,
  listTopics,
  partitionKey,
  type ConsumedRecord,
} from '@odradek/client/index.ts';
import {
  DeadLetters,
  deadLetterOf,
  redrive,
  type DeadLetter,
  type RedriveReport,
} from '@odradek/patterns/index.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { readTopic } from '../../interop/exactly-once/read-topic.ts';
import { startTarget } from '../../interop/targets/start-target.ts';
import type { TargetName } from '../../interop/targets/target.ts';
import { FATES, type DeadLetterWorkerSettings } from './payment-fates.ts';
import type { RedriveWorkerSettings } from './redrive-worker.ts';
import { within } from './within.ts';
import { WorkerProcess } from './worker-process.ts';

const TOPIC = 'payments';
const GROUP = 'payers';
const PARTITIONS = 3;
const PAYMENTS = 600;
const MEMBERS = 2;
const DELAYS_MS = [100, 200];
/** Slow enough that a run can be killed in the middle of its work. */
const FILTERED_RATE = 20;
const BULK_RATE = 500;
/** As redrive-worker.ts has it. */
const REDRIVES_MAX = 2;

/** @throws AssertionError when a promise is broken */
export async function deadLetterKills(
  kills: number,
  seed: number,
  targets: readonly TargetName[],
): Promise<void> {
  for (const name of targets) {
    const target = await startTarget(name, {
      quickStart: true,
      overrides: {
        'group.initial.rebalance.delay.ms': '0',
        'group.min.session.timeout.ms': '100',
        'offsets.topic.replication.factor': '1',
      },
    });
    const shop = new Shop(target.bootstrap, seed);
    try {
      await shop.open();
      await shop.payUnderKills(kills);
      await shop.dryRunChangesNothing();
      const summary = await shop.putBackUnderKills(kills);
      await shop.parkWhatNeverWorks();
      console.log(`  ${name}: ${summary}`);
    } finally {
      await shop.close();
      await target.stop();
    }
  }
}

function fateOf(number: number): string {
  if (number % 60 === 11) return FATES.never;
  if (number % 12 === 7) return FATES.bank;
  return number % 12 === 3 ? FATES.late : FATES.paid;
}

const values = Array.from({ length: PAYMENTS }, (_, number) => `${fateOf(number)}-${number}`);

function valuesOf(fate: string): string[] {
  return values.filter((value) => value.startsWith(fate));
}

class Shop {
  private readonly bootstrapServers: string;
  private readonly chance: SeededRandom;
  private readonly directory = mkdtempSync(join(tmpdir(), 'odradek-dead-letters-'));
  private readonly cluster: Cluster;
  private readonly letters: DeadLetters;
  private readonly settings: DeadLetterWorkerSettings;
  private readonly members = new Set<WorkerProcess>();
  private redriver: WorkerProcess | null = null;

  constructor(bootstrapServers: string, seed: number) {
    this.bootstrapServers = bootstrapServers;
    this.chance = new SeededRandom(seed);
    this.cluster = new Cluster({ bootstrapServers });
    this.letters = new DeadLetters({ bootstrapServers, groupId: GROUP, delaysMs: DELAYS_MS });
    this.settings = {
      bootstrapServers,
      topic: TOPIC,
      groupId: GROUP,
      delaysMs: DELAYS_MS,
      payments: join(this.directory, 'payments'),
      bankOpens: join(this.directory, 'bank-opens'),
    };
  }

  async open(): Promise<void> {
    await createTopic(this.cluster, { name: TOPIC, partitions: PARTITIONS, replicationFactor: 1 });
    await this.letters.createTopics([TOPIC], 1);
    const producer = new Producer({ bootstrapServers: this.bootstrapServers });
    await Promise.all(
      values.map((value, number) =>
        producer.send({
          topic: TOPIC,
          partition: number % PARTITIONS,
          key: Buffer.from(`payer-${number % 50}`),
          value: Buffer.from(value),
          headers: [{ key: 'own', value: Buffer.from(`note ${number}`) }],
        }),
      ),
    );
    await producer.close();
  }

  async payUnderKills(kills: number): Promise<void> {
    for (let member = 0; member < MEMBERS; member++) this.startMember();
    for (let kill = 0; kill < kills; kill++) {
      const wanted = (PAYMENTS * (kill + 1)) / (kills + 2);
      await within(() => this.payments().length >= wanted, `${wanted} payments`);
      await sleep(this.chance.fraction() * 300);
      await this.killMember();
    }
    await this.drained();
    this.checkLetters(await this.deadLetters());
  }

  /** Each is paid or a letter, with the bytes that it had. */
  private checkLetters(letters: readonly DeadLetter[]): void {
    const paid = new Set(this.payments());
    const dead = new Set(letters.map(({ record }) => String(record.value)));
    assert.deepEqual([...dead].toSorted(), [...valuesOf(FATES.bank), ...valuesOf(FATES.never)].toSorted());
    assert.deepEqual([...paid].toSorted(), [...valuesOf(FATES.paid), ...valuesOf(FATES.late)].toSorted());
    const ids = new Map<string, string>();
    for (const { record, id, topic, partition, group, redrives } of letters) {
      const value = String(record.value);
      const number = Number(value.split('-')[1]);
      assert.equal(ids.get(value) ?? id, id, 'copies of a letter have one id');
      ids.set(value, id);
      assert.equal(String(record.key), `payer-${number % 50}`);
      const own = record.headers.filter(({ key }) => key === 'own').map((header) => String(header.value));
      assert.deepEqual(own, [`note ${number}`]);
      assert.deepEqual([topic, partition, group, redrives], [TOPIC, number % PARTITIONS, GROUP, 0]);
      assert.equal(record.partition, partition);
    }
    assert.equal(new Set(ids.values()).size, ids.size, 'other letters have other ids');
  }

  async dryRunChangesNothing(): Promise<void> {
    const before = await this.ends();
    const letters = await this.deadLetters();
    const { bootstrapServers } = this;
    const report = await redrive({ bootstrapServers, from: this.dead, runId: 'dry' });
    assert.deepEqual([report.matched, report.moved, report.parked], [letters.length, letters.length, 0]);
    assert.deepEqual(await this.ends(), before);
  }

  /** Of those that the bank refused. @returns what came of it, in words */
  async putBackUnderKills(kills: number): Promise<string> {
    const letters = (await this.deadLetters()).filter(({ error }) => error.includes('closed'));
    writeFileSync(this.settings.bankOpens, '');
    const run = this.runSettings('bank-is-back', 'the bank is closed', FILTERED_RATE);
    for (let kill = 0; kill < kills; kill++) {
      this.redriver = new WorkerProcess('redrive-worker.ts', run);
      const moves = (letters.length * (kill + 1)) / (kills + 1);
      await within(() => linesOf(run.moves).length >= moves, `${moves} letters put back`);
      await sleep(this.chance.fraction() * 100);
      await this.redriver.kill();
      await this.killMember();
    }
    const report = await this.toTheEnd(run);
    assert.ok(report.isComplete);
    const atMost = FILTERED_RATE * (report.tookMs / 1_000 + 1) + 1;
    assert.ok(report.moved <= atMost, `${report.moved} in ${report.tookMs} ms`);
    await this.drained();
    const paid = new Set(this.payments());
    assert.deepEqual(
      valuesOf(FATES.bank).filter((value) => !paid.has(value)),
      [],
      'what the bank takes again is paid',
    );
    const back = (await this.putBack()).filter(({ runId }) => runId === run.runId);
    assert.deepEqual(
      new Set(back.map(({ id }) => id)),
      new Set(letters.map(({ id }) => id)),
      'just those were put back',
    );
    const twice = back.length - letters.length;
    assert.ok(twice >= 0 && twice <= kills, `${twice} put back twice, with ${kills} kills`);
    const copies = letters.length - valuesOf(FATES.bank).length;
    const repeated = this.payments().length - paid.size;
    return `${2 * kills} kills of members, ${kills} of the run: ${copies} second copies among the letters, ${twice} put back twice, ${repeated} paid twice`;
  }

  async parkWhatNeverWorks(): Promise<void> {
    for (let round = 0; round <= REDRIVES_MAX; round++) {
      const report = await this.toTheEnd(this.runSettings(`round-${round}`, '', BULK_RATE));
      const { matched, moved, parked, movedBefore } = report;
      assert.equal(matched, moved + parked + movedBefore);
      assert.ok(round < REDRIVES_MAX ? moved > 0 && parked === 0 : moved === 0 && parked > 0, `${round}`);
      await this.drained();
    }
    const nothing = await this.toTheEnd(this.runSettings('afterwards', '', BULK_RATE));
    assert.deepEqual([nothing.moved, nothing.parked], [0, 0]);
    const parked = (await this.read(`${TOPIC}.${GROUP}.parked`)).map((record) => deadLetterOf(record)!);
    assert.deepEqual(
      [...new Set(parked.map(({ record }) => String(record.value)))].toSorted(),
      valuesOf(FATES.never).toSorted(),
    );
    for (const { redrives } of [...parked, ...(await this.putBack())]) assert.ok(redrives <= REDRIVES_MAX);
    const paid = new Set(this.payments());
    assert.deepEqual(
      values.filter((value) => paid.has(value) === value.startsWith(FATES.never)),
      [],
      'each is paid, or parked',
    );
    for (const member of this.members) await member.stop();
  }

  async close(): Promise<void> {
    await this.redriver?.kill();
    for (const member of this.members) await member.kill();
    await this.letters.close();
    this.cluster.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get dead(): string {
    return this.letters.topicsOf(TOPIC).dead;
  }

  private startMember(): void {
    this.members.add(new WorkerProcess('dead-letter-worker.ts', this.settings));
  }

  private async killMember(): Promise<void> {
    for (const member of this.members) member.check();
    const victim = this.chance.pick([...this.members]);
    await victim.kill();
    this.members.delete(victim);
    this.startMember();
  }

  private runSettings(runId: string, error: string, ratePerSecond: number): RedriveWorkerSettings {
    const { bootstrapServers, dead: from, directory } = this;
    const [reports, moves] = ['reports', 'moves'].map((what) => join(directory, `${what}-${runId}`));
    return { bootstrapServers, from, runId, error, ratePerSecond, reports: reports!, moves: moves! };
  }

  private async toTheEnd(run: RedriveWorkerSettings): Promise<RedriveReport & { readonly tookMs: number }> {
    const redriver = new WorkerProcess('redrive-worker.ts', run);
    this.redriver = redriver;
    await within(() => {
      redriver.check();
      return linesOf(run.reports).length > 0;
    }, `the end of ${run.runId}`);
    return JSON.parse(linesOf(run.reports)[0]!) as RedriveReport & { readonly tookMs: number };
  }

  /** The values, one for each time that one was paid. */
  private payments(): string[] {
    return linesOf(this.settings.payments).map((line) => line.split(' ')[0]!);
  }

  private async deadLetters(): Promise<DeadLetter[]> {
    return (await this.read(this.dead)).map((record) => deadLetterOf(record)!);
  }

  /** What lies in the topic itself and was a dead letter. */
  private async putBack(): Promise<DeadLetter[]> {
    return (await this.read(TOPIC)).map((record) => deadLetterOf(record)).filter((letter) => letter !== null);
  }

  private read(topic: string): Promise<readonly ConsumedRecord[]> {
    return readTopic(this.bootstrapServers, topic, 'read_committed');
  }

  /** Where every partition of a topic that is not Kafka's own ends. */
  private async ends(): Promise<Record<string, number>> {
    const topics = (await listTopics(this.cluster)).filter(({ isInternal }) => !isInternal);
    const partitions = topics.flatMap(({ name: topic, partitions: ofTopic }) =>
      ofTopic.map(({ partition }) => ({ topic, partition, at: 'latest' as const })),
    );
    const ends = await listOffsets(this.cluster, partitions);
    return Object.fromEntries([...ends].map(([key, { offset }]) => [key, offset]));
  }

  /** Nothing is left to do: of all that the group reads everything is committed, and so has its copy where it needs one. */
  private async drained(): Promise<void> {
    const read = [TOPIC, ...this.letters.topicsOf(TOPIC).delayed];
    await within(async () => {
      for (const member of this.members) member.check();
      const lags = await groupLag(this.cluster, await describeGroup(this.cluster, GROUP));
      const committed = new Map(lags.map((at) => [partitionKey(at), at.committedOffset]));
      const ends = await this.ends();
      return read.every((topic) =>
        Array.from({ length: PARTITIONS }, (_, partition) => partitionKey({ topic, partition })).every(
          (key) => (committed.get(key) ?? 0) === ends[key],
        ),
      );
    }, 'everything to be done');
  }
}

/** A line that a kill cut in two has no end. */
function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}
