import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Producer, createTopic } from '@odradek/client';
import { LiveCluster, until } from '../../../client/test/support/live-cluster.ts';
import {
  DeadLetters,
  ParallelConsumer,
  deadLetterOf,
  redrive,
  type DeadLettersOptions,
  type ParallelEvent,
  type RecordHandler,
  type RedriveEvent,
  type RedriveOptions,
} from '../../src/index.ts';
import { recordsOf } from '../support/topic-reader.ts';

let live: LiveCluster;
let producer: Producer;
const shops: Shop[] = [];

before(async () => {
  live = await LiveCluster.start();
  producer = new Producer({ bootstrapServers: live.bootstrapServers, lingerMs: 0 });
});

after(async () => {
  await Promise.all(shops.map(({ letters }) => letters.close()));
  await producer.close();
  await live.stop();
});

/** A group that reads a topic of its own, and gives up what it fails on. */
class Shop {
  readonly topic = live.newName('orders');
  readonly groupId = live.newName('pay');
  readonly letters: DeadLetters;
  readonly events: ParallelEvent[] = [];
  private consumer: ParallelConsumer | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(options: Partial<DeadLettersOptions> = {}) {
    const { bootstrapServers } = live;
    this.letters = new DeadLetters({ bootstrapServers, groupId: this.groupId, ...options });
    shops.push(this);
  }

  get dead(): string {
    return this.letters.topicsOf(this.topic).dead;
  }

  async open(count: number, partitions = 1): Promise<void> {
    await createTopic(live.cluster, { name: this.topic, partitions });
    await this.letters.createTopics([this.topic]);
    for (let at = 0; at < count; at++) await this.order(at, partitions);
  }

  async order(at: number, partitions = 1): Promise<void> {
    const headers = [{ key: 'own', value: Buffer.from('kept') }];
    const record = { partition: at % partitions, key: Buffer.from(`key-${at}`), value: Buffer.from(`${at}`) };
    await producer.send({ topic: this.topic, ...record, headers });
  }

  run(handler: RecordHandler): void {
    this.consumer = new ParallelConsumer({
      bootstrapServers: live.bootstrapServers,
      groupId: this.groupId,
      offsetReset: 'earliest',
      heartbeatIntervalMs: 20,
      fetchMaxWaitMs: 20,
      attemptsMax: 2,
      retry: () => 1,
      onEvent: (event) => this.events.push(event),
      ...this.letters.consuming([this.topic]),
    });
    this.running = this.consumer.run(handler);
  }

  async close(): Promise<void> {
    await this.consumer?.close();
    await this.running;
  }

  async deadLetters(): Promise<NonNullable<ReturnType<typeof deadLetterOf>>[]> {
    return (await recordsOf(live.bootstrapServers, this.dead)).map((record) => deadLetterOf(record)!);
  }

  redrive(options: Partial<RedriveOptions> = {}): ReturnType<typeof redrive> {
    return redrive({
      bootstrapServers: live.bootstrapServers,
      from: this.dead,
      runId: 'run',
      dryRun: false,
      settleMs: 10,
      ratePerSecond: 1_000,
      probeIntervalMs: 10,
      ...options,
    });
  }
}

test('a record that keeps failing goes through the delays to the dead letters, its bytes as they were', async () => {
  const shop = new Shop({ delaysMs: [30, 60] });
  await shop.open(5, 2);
  const attempts: string[] = [];
  shop.run(({ value, topic }, { attempt }) => {
    if (String(value) !== '3') return;
    attempts.push(`${topic.split('.').at(-1)}#${attempt}`);
    throw new TypeError('no such item');
  });
  await until(async () => (await shop.deadLetters()).length === 1);
  await shop.close();
  const stages = [shop.topic, '30ms', '60ms'];
  assert.deepEqual(
    attempts,
    stages.flatMap((stage) => [`${stage}#1`, `${stage}#2`]),
  );
  const [letter] = await shop.deadLetters();
  assert.equal(letter!.id.split('/').slice(-2).join('/'), '1/1');
  assert.deepEqual(
    [letter!.topic, letter!.partition, letter!.offset, letter!.group, letter!.attempts, letter!.error],
    [shop.topic, 1, 1, shop.groupId, 6, 'TypeError: no such item'],
  );
  const { record } = letter!;
  assert.deepEqual([record.partition, String(record.key), String(record.value)], [1, 'key-3', '3']);
  assert.deepEqual(record.headers[0], { key: 'own', value: Buffer.from('kept') });
});

test('a delayed record is not tried before its time, and holds up nothing else', async () => {
  const shop = new Shop({ delaysMs: [1_500] });
  await shop.open(1);
  const times: number[] = [];
  const others: string[] = [];
  shop.run(({ value }) => {
    if (String(value) !== '0') return void others.push(String(value));
    times.push(Date.now());
    if (times.length <= 2) throw new Error('not yet');
  });
  await until(() => times.length === 2);
  await Promise.all(Array.from({ length: 19 }, (_, at) => shop.order(at + 1)));
  await until(() => others.length === 19);
  assert.equal(times.length, 2);
  await until(() => times.length === 3);
  assert.ok(times[2]! - times[1]! >= 1_495, `${times[2]! - times[1]!} ms`);
  await shop.close();
  assert.deepEqual(await shop.deadLetters(), []);
});

test('when most records fail none is given up, and all are handled once it works again', async () => {
  const shop = new Shop();
  await shop.open(120);
  let isDown = true;
  const handled = new Set<string>();
  shop.run(({ value }) => {
    if (isDown) throw new Error('the database is down');
    handled.add(String(value));
  });
  await until(() => shop.events.some(({ type }) => type === 'hand-over-held'));
  isDown = false;
  const dead = async (): Promise<number> => (await shop.deadLetters()).length;
  await until(async () => handled.size + (await dead()) === 120);
  await shop.close();
  assert.ok((await dead()) < 70, `${await dead()}`);
});

test('a record whose notes make it too large goes without the error rather than not at all', async () => {
  const shop = new Shop({ requestSizeMaxBytes: 2_300 });
  await createTopic(live.cluster, { name: shop.topic, partitions: 1 });
  await shop.letters.createTopics([shop.topic]);
  await producer.send({ topic: shop.topic, value: Buffer.alloc(1_200) });
  shop.run(() => {
    throw new Error('x'.repeat(1_000));
  });
  await until(async () => (await shop.deadLetters()).length === 1);
  await shop.close();
  assert.equal((await shop.deadLetters())[0]!.error, '');
});

async function withDeadLetters(count: number): Promise<Shop> {
  const shop = new Shop();
  await shop.open(count, 2);
  shop.run(() => {
    throw new Error('refused');
  });
  await until(async () => (await shop.deadLetters()).length === count);
  await shop.close();
  return shop;
}

test('re-drive: a dry run counts and changes nothing; the run puts back what the filter takes, once', async () => {
  const shop = await withDeadLetters(10);
  const filter = ({ record }: { record: { value: Buffer | null } }): boolean =>
    Number(String(record.value)) < 4;
  const nothing = { parked: 0, movedBefore: 0, rejected: 0, unreadable: 0, isComplete: true };
  const dry = await shop.redrive({ filter, dryRun: true });
  assert.deepEqual(dry, { ...nothing, matched: 4, moved: 4, skipped: 6 });
  assert.equal((await recordsOf(live.bootstrapServers, shop.topic)).length, 10);
  const events: RedriveEvent[] = [];
  const done = await shop.redrive({ filter, onEvent: (event) => events.push(event) });
  assert.deepEqual(done, { ...nothing, matched: 4, moved: 4, skipped: 6 });
  const back = (await recordsOf(live.bootstrapServers, shop.topic)).filter(({ offset }) => offset >= 5);
  assert.deepEqual(
    back.map(({ value, partition }) => [String(value), partition]),
    [
      ['0', 0],
      ['2', 0],
      ['1', 1],
      ['3', 1],
    ],
  );
  assert.deepEqual(back.map((record) => [deadLetterOf(record)!.redrives, deadLetterOf(record)!.runId])[0], [
    1,
    'run',
  ]);
  assert.equal(events.filter(({ type }) => type === 'moved').length, 4);
  const again = await shop.redrive({ runId: 'another' });
  assert.deepEqual(
    [again.moved, again.movedBefore],
    [6, 4],
    'what was put back before stays out of later runs',
  );
});

test('re-drive: a run that was stopped goes on where it was, up to the end that it saw first', async () => {
  const shop = await withDeadLetters(6);
  assert.deepEqual((await shop.redrive({ limit: 2 })).moved, 2);
  shop.run(({ headers }) => {
    throw new Error(`again, ${headers.length}`);
  });
  await until(async () => (await shop.deadLetters()).length === 8);
  const rest = await shop.redrive();
  assert.deepEqual([rest.moved, rest.movedBefore, rest.isComplete], [4, 0, true]);
  assert.deepEqual((await shop.redrive()).matched, 0);
  await shop.close();
});

test('re-drive: nothing moves while the probe fails; the first are waited for', async () => {
  const shop = await withDeadLetters(8);
  let probes = 0;
  const states: string[] = [];
  const report = await shop.redrive({
    probe: () => {
      if (++probes < 4) throw new Error('down');
      return true;
    },
    canaries: 2,
    onEvent: (event) => states.push(event.type === 'breaker' ? event.state : event.type),
  });
  assert.equal(report.moved, 8);
  assert.deepEqual(states.slice(0, 5), ['half-open', 'moved', 'moved', 'closed', 'moved']);
});

test('re-drive: what dies again stops it; what was put back too often is parked', async () => {
  const shop = new Shop();
  await shop.open(4);
  shop.run(() => {
    throw new Error('always');
  });
  await until(async () => (await shop.deadLetters()).length === 4);
  const stopping = new AbortController();
  const states: string[] = [];
  await shop.redrive({
    runId: 'stopped',
    canaries: 1,
    settleMs: 60_000,
    probeIntervalMs: 1_000,
    signal: stopping.signal,
    onEvent: (event) => {
      if (event.type !== 'breaker') return;
      states.push(event.state);
      if (event.state === 'open') stopping.abort();
    },
  });
  assert.deepEqual(states, ['half-open', 'open']);
  for (const runId of ['1', '2', '3', '4', '5']) {
    const before = (await shop.deadLetters()).length;
    const { moved } = await shop.redrive({
      runId,
      settleMs: 0,
      redeathShareMax: 1,
      canaries: 1,
      redrivesMax: 2,
    });
    await until(async () => (await shop.deadLetters()).length >= before + moved);
  }
  await shop.close();
  const parked = await recordsOf(live.bootstrapServers, shop.dead.replace('.dlq', '.parked'));
  assert.deepEqual(
    parked.map((record) => deadLetterOf(record)!.redrives),
    [2, 2, 2, 2],
  );
});

test('re-drive: letters may be handed to a handler instead; what it rejects stays for a later run', async () => {
  const shop = await withDeadLetters(3);
  const report = await shop.redrive({
    redeathShareMax: 1,
    handle: ({ record }) => {
      if (String(record.value) === '1') throw new Error('still');
    },
  });
  assert.deepEqual([report.moved, report.rejected], [2, 1]);
  const later = await shop.redrive({ runId: 'later', handle: () => undefined });
  assert.deepEqual([later.moved, later.movedBefore], [1, 2]);
});

test('bad options are refused by name', async () => {
  const options = { bootstrapServers: live.bootstrapServers, from: 'x', runId: 'r' };
  await assert.rejects(
    redrive({ ...options, ratePerSecond: 0 }),
    /ratePerSecond is 0, allowed is from 0.001 on/,
  );
  await assert.rejects(redrive({ ...options, runId: '' }), /runId is empty/);
  await assert.rejects(redrive(options), { codeName: 'UNKNOWN_TOPIC_OR_PARTITION' });
  assert.throws(() => new Shop({ delaysMs: [0] }), /one of delaysMs is 0/);
});
