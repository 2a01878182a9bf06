import {
  Cluster,
  Consumer,
  Producer,
  asError,
  createTopic,
  describeTopic,
  listOffsets,
  partitionKey,
  type TopicPartition,
} from '@odradek/client';
import { CLUSTER_OPTION_NAMES } from '@odradek/client/cluster/cluster-options.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { TOOL, commitOffsets, fetchCommitted } from '@odradek/client/consumer/committed-offsets.ts';
import { pickOptions } from '@odradek/client/options.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { deadLetterOf, type DeadLetter } from './dead-letter.ts';
import { parkingTopic } from './dead-letter-topics.ts';
import { withNotes } from './death-notes.ts';
import { RedriveBreaker, type BreakerState } from './redrive-breaker.ts';
import { RedriveLedger } from './redrive-ledger.ts';
import {
  redriveSettings,
  type RedriveOptions,
  type RedriveReport,
  type RedriveSettings,
} from './redrive-options.ts';

/** Letters after which the run's position is committed. */
const COMMIT_EVERY = 50;
const POLL_MS = 1_000;
const PROBE_TIMEOUT_MS = 30_000;

/** One partition of the dead letters, from where the run begins to where it ended when the run was first started. */
interface Stretch extends TopicPartition {
  next: number;
  readonly end: number;
}

type Counts = { -readonly [Name in keyof Omit<RedriveReport, 'isComplete'>]: number };

/**
 * Puts dead letters back, or hands them to a handler, once what they died of is over: see RedriveOptions.
 *
 * What dies again while it runs is not taken up by the same run. A run that crashes and is started again under its name
 * goes on; the letter at hand may then be put back twice, with the same `dl.id`.
 *
 * @throws ClientError BAD_OPTION; KafkaError when topics are missing or cannot be read or written
 */
export async function redrive(options: RedriveOptions): Promise<RedriveReport> {
  const settings = redriveSettings(options);
  const run = new RedriveRun(options, settings);
  try {
    return await run.toTheEnd();
  } finally {
    await run.close();
  }
}

class RedriveRun {
  private readonly options: RedriveOptions;
  private readonly settings: RedriveSettings;
  private readonly cluster: Cluster;
  private readonly reader: Consumer;
  /** Reads what comes to the dead letters while the run goes on. */
  private readonly watcher: Consumer;
  private readonly producer: Producer;
  private readonly coordinator: Coordinator;
  private readonly breaker: RedriveBreaker;
  private readonly counts: Counts = {
    matched: 0,
    moved: 0,
    parked: 0,
    movedBefore: 0,
    skipped: 0,
    rejected: 0,
    unreadable: 0,
  };
  private ledger: RedriveLedger | null = null;
  private stretches: readonly Stretch[] = [];
  private uncommitted = 0;
  private nextMoveMs = 0;
  private told: BreakerState = 'open';

  constructor(options: RedriveOptions, settings: RedriveSettings) {
    this.options = options;
    this.settings = settings;
    const reach = pickOptions(options, CLUSTER_OPTION_NAMES);
    this.cluster = new Cluster(reach);
    this.reader = new Consumer({ ...reach, isolationLevel: 'read_committed', offsetReset: 'earliest' });
    this.watcher = new Consumer({ ...reach, fetchMaxWaitMs: 100 });
    this.producer = new Producer({ ...reach, lingerMs: 0, createTopics: false });
    const groupId = `${options.from}.redrive.${options.runId}`;
    this.coordinator = new Coordinator(this.cluster, CoordinatorType.GROUP, groupId);
    this.breaker = new RedriveBreaker(settings.breaker);
  }

  async toTheEnd(): Promise<RedriveReport> {
    await this.begin();
    for (const stretch of this.stretches) {
      if (!(await this.through(stretch))) break;
    }
    await this.commit();
    const isComplete = this.stretches.every(({ next, end }) => next >= end);
    return { ...this.counts, isComplete };
  }

  async close(): Promise<void> {
    await this.reader.close();
    await this.watcher.close();
    await this.producer.close();
    this.cluster.close();
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private get isStopped(): boolean {
    const { signal } = this.options;
    return signal?.aborted === true || this.counts.moved + this.counts.parked >= this.settings.limit;
  }

  private async begin(): Promise<void> {
    const { from } = this.options;
    const { partitions } = await describeTopic(this.cluster, from);
    const all = partitions.map(({ partition }) => ({ topic: from, partition }));
    const [starts, ends] = await Promise.all(
      (['earliest', 'latest'] as const).map((at) =>
        listOffsets(
          this.cluster,
          all.map((partition) => ({ ...partition, at })),
        ),
      ),
    );
    const committed = await fetchCommitted(this.coordinator, all);
    this.stretches = all.map((at) => {
      const start = starts!.get(partitionKey(at))!.offset;
      const position = committed.get(partitionKey(at));
      // The end of its first start goes with the position: the run must not chase its own tail.
      const end = /^end=(\d+)$/.exec(position?.metadata ?? '')?.[1];
      return {
        ...at,
        next: Math.max(position?.offset ?? start, start),
        end: end === undefined ? ends!.get(partitionKey(at))!.offset : Number(end),
      };
    });
    await this.commit();
    this.ledger = await RedriveLedger.load(
      pickOptions(this.options, CLUSTER_OPTION_NAMES),
      from,
      new Map(all.map((at) => [at.partition, starts!.get(partitionKey(at))!.offset])),
      this.producer,
      !this.settings.isDryRun,
    );
    if (this.settings.isDryRun) return;
    await this.createParking(all.length);
    await this.watcher.assign(all.map((at) => ({ ...at, from: ends!.get(partitionKey(at))!.offset })));
  }

  /** @returns whether to go on with the next partition */
  private async through(stretch: Stretch): Promise<boolean> {
    const { topic, partition } = stretch;
    if (stretch.next >= stretch.end) return true;
    await this.reader.assign([{ topic, partition, from: stretch.next }]);
    while (stretch.next < stretch.end) {
      for (const { records, nextOffset } of await this.reader.poll(POLL_MS)) {
        for (const record of records) {
          if (record.offset >= stretch.end) break;
          if (this.isStopped) return false;
          const isSettled = await this.treat(deadLetterOf({ topic, partition, ...record }));
          if (!isSettled) return false;
          stretch.next = record.offset + 1;
          if (++this.uncommitted >= COMMIT_EVERY) await this.commit();
        }
        stretch.next = Math.max(stretch.next, Math.min(nextOffset, stretch.end));
      }
    }
    this.reader.unassign([stretch]);
    return true;
  }

  /** @returns false when the run was stopped before it came to that */
  private async treat(letter: DeadLetter | null): Promise<boolean> {
    const { counts, settings } = this;
    if (letter === null) counts.unreadable++;
    else if (this.options.filter?.(letter) === false) counts.skipped++;
    else {
      counts.matched++;
      if (this.ledger!.has(letter.record) || letter.runId === this.options.runId) counts.movedBefore++;
      else if (letter.redrives >= settings.redrivesMax) return this.move(letter, 'parked');
      else return this.move(letter, 'moved');
    }
    return true;
  }

  private async move(letter: DeadLetter, how: 'moved' | 'parked'): Promise<boolean> {
    if (!this.settings.isDryRun) {
      if (!(await this.untilAllowed())) return false;
      if (how === 'moved' && this.options.handle !== undefined)
        return this.handle(letter, this.options.handle);
      await this.publish(letter, how);
      await this.ledger!.add(letter.record, this.options.runId);
      if (how === 'moved') this.breaker.noteMoved(this.nowMs);
      this.options.onEvent?.({ type: how, letter });
    }
    this.counts[how]++;
    return true;
  }

  private async handle(letter: DeadLetter, handle: NonNullable<RedriveOptions['handle']>): Promise<boolean> {
    const signal = this.options.signal ?? new AbortController().signal;
    this.breaker.noteMoved(this.nowMs);
    try {
      await handle(letter, { signal });
    } catch (thrown) {
      this.breaker.noteDied(this.nowMs);
      this.counts.rejected++;
      this.options.onEvent?.({ type: 'rejected', letter, error: asError(thrown) });
      return true;
    }
    await this.ledger!.add(letter.record, this.options.runId);
    this.counts.moved++;
    this.options.onEvent?.({ type: 'moved', letter });
    return true;
  }

  private async publish(letter: DeadLetter, how: 'moved' | 'parked'): Promise<void> {
    const { key, value, headers } = letter.record;
    const redrives = how === 'moved' ? letter.redrives + 1 : letter.redrives;
    const notes = { ...letter, redrives, runId: this.options.runId, dueMs: null };
    await this.producer.send({
      ...(how === 'moved' ? await this.destination(letter) : { topic: parkingTopic(this.options.from) }),
      key,
      value,
      headers: withNotes(headers, notes),
    });
  }

  /** Back to the partition that it came from, if that is still there. */
  private async destination(letter: DeadLetter): Promise<{ topic: string; partition?: number }> {
    if (this.options.to !== undefined) return this.options.to(letter);
    const { topic, partition } = letter;
    const existing = await this.producer.partitionsOf(topic);
    return existing.includes(partition) ? { topic, partition } : { topic };
  }

  /** Waits for the breaker and the rate. @returns false when the run is stopped meanwhile */
  private async untilAllowed(): Promise<boolean> {
    for (;;) {
      await this.noteDeaths();
      this.tellState();
      if (this.breaker.wantsProbe(this.nowMs)) this.breaker.probed(await this.isHealthy(), this.nowMs);
      const waitMs = Math.max(this.breaker.waitMs(this.nowMs), this.nextMoveMs - this.nowMs);
      this.tellState();
      if (this.options.signal?.aborted === true) return false;
      if (waitMs <= 0) break;
      await this.pause(Math.min(waitMs, POLL_MS));
    }
    this.nextMoveMs = Math.max(this.nextMoveMs, this.nowMs - POLL_MS) + 1_000 / this.settings.ratePerSecond;
    return true;
  }

  private async noteDeaths(): Promise<void> {
    for (const { topic, partition, records } of await this.watcher.poll(0)) {
      for (const record of records) {
        const letter = deadLetterOf({ topic, partition, ...record });
        if (letter?.runId === this.options.runId) this.breaker.noteDied(this.nowMs);
      }
    }
  }

  private async isHealthy(): Promise<boolean> {
    const { probe, signal } = this.options;
    if (probe === undefined) return true;
    const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    try {
      return await probe(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
    } catch {
      return false;
    }
  }

  private tellState(): void {
    const { state } = this.breaker;
    if (state !== this.told) this.options.onEvent?.({ type: 'breaker', state });
    this.told = state;
  }

  private pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.options;
      const done = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.cluster.environment.timers.after(durationMs, done);
      signal?.addEventListener('abort', done);
    });
  }

  private async createParking(partitions: number): Promise<void> {
    try {
      const configs = { 'retention.ms': '-1' };
      await createTopic(this.cluster, { name: parkingTopic(this.options.from), partitions, configs });
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== ErrorCode.TOPIC_ALREADY_EXISTS) throw error;
    }
  }

  private async commit(): Promise<void> {
    this.uncommitted = 0;
    if (this.settings.isDryRun) return;
    const offsets = this.stretches.map(({ topic, partition, next, end }) => ({
      topic,
      partition,
      offset: next,
      metadata: `end=${end}`,
    }));
    await commitOffsets(this.coordinator, TOOL, offsets);
  }
}
